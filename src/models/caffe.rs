//! Caffe's files: weights (`.caffemodel`, layers of the first and second kind) and networks as text (`.prototxt`).

use super::element::ElementType;
use super::protobuf::{Part, Parts};
use super::tree::{Id, Node, Tree};
use super::{Entry, data, input, prototxt};
use crate::demand;
use crate::formats::Data;
use crate::tensor::Tensor;
use crate::tensor::dtype::DType;
use crate::tensor::error::{Error, Result};
use std::io::Read;
use std::path::Path;

/// Longest text of a network.
const LONGEST: u64 = 1 << 24;
/// Most fields of one message.
const MOST: usize = 1 << 20;

/// The types of layers of the first kind by their numbers, as the second kind and texts call them.
const TYPES: [&str; 40] = [
    "None",
    "Accuracy",
    "BNLL",
    "Concat",
    "Convolution",
    "Data",
    "Dropout",
    "EuclideanLoss",
    "Flatten",
    "HDF5Data",
    "HDF5Output",
    "Im2col",
    "ImageData",
    "InfogainLoss",
    "InnerProduct",
    "LRN",
    "MultinomialLogisticLoss",
    "Pooling",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "SoftmaxWithLoss",
    "Split",
    "TanH",
    "WindowData",
    "Eltwise",
    "Power",
    "SigmoidCrossEntropyLoss",
    "HingeLoss",
    "MemoryData",
    "ArgMax",
    "Threshold",
    "DummyData",
    "Slice",
    "MVN",
    "AbsVal",
    "Silence",
    "ContrastiveLoss",
    "Exp",
    "Deconvolution",
];

/// A run of weights: its sizes and where its elements lie.
#[derive(Debug, Clone)]
struct Blob {
    sizes: Vec<usize>,
    double: bool,
    /// Runs of elements, one as a rule.
    runs: Vec<Part>,
}

/// A layer of a file of weights.
#[derive(Debug, Clone)]
struct Layer {
    name: String,
    kind: String,
    blobs: Vec<Blob>,
}

/// A file of weights.
struct Model {
    parts: Parts,
    name: String,
    layers: Vec<Layer>,
}

impl Model {
    fn open(path: &Path) -> Result<Model> {
        let (file, length) = input::open(path)?;
        let mut m = Model { parts: Parts::new(file, length), name: String::new(), layers: vec![] };
        for part in m.parts.fields(m.parts.whole, MOST)? {
            match part.number {
                1 => m.name = m.parts.text(part)?,
                2 | 100 => {
                    let layer = m.layer(part, part.number == 100);
                    let layer = layer.map_err(|e| Error::invalid(format!("layer at position {}: {e}", part.at + 1)))?;
                    m.layers.push(layer);
                }
                _ => {}
            }
        }
        Ok(m)
    }

    fn layer(&mut self, layer: Part, second: bool) -> Result<Layer> {
        let mut found = Layer { name: String::new(), kind: String::new(), blobs: vec![] };
        let (name, kind, blobs) = if second { (1, 2, 7) } else { (4, 5, 6) };
        for part in self.parts.fields(layer, MOST)? {
            match part.number {
                n if n == name => found.name = self.parts.text(part)?,
                n if n == kind && second => found.kind = self.parts.text(part)?,
                n if n == kind => {
                    let known = usize::try_from(part.int).ok().and_then(|n| TYPES.get(n));
                    found.kind = known.map_or_else(|| format!("type {}", part.int), |t| (*t).to_owned());
                }
                n if n == blobs => {
                    let blob = self.blob(part);
                    found
                        .blobs
                        .push(blob.map_err(|e| Error::invalid(format!("blob at position {}: {e}", part.at + 1)))?);
                }
                _ => {}
            }
        }
        Ok(found)
    }

    fn blob(&mut self, blob: Part) -> Result<Blob> {
        let (mut old, mut dims, mut runs, mut double) = ([None; 4], vec![], vec![], false);
        for part in self.parts.fields(blob, MOST)? {
            match part.number {
                n @ 1..=4 => old[n as usize - 1] = Some(part.int as i64),
                5 => runs.push(part),
                7 => {
                    for part in self.parts.fields(part, MOST)? {
                        self.parts.ints(part, &mut dims)?;
                    }
                }
                8 => {
                    double = true;
                    runs.push(part);
                }
                _ => {}
            }
        }
        if old.iter().any(Option::is_some) && dims.is_empty() {
            dims = old.iter().map(|n| n.unwrap_or(1)).collect();
        }
        let sizes = dims.iter().map(|&n| usize::try_from(n).ok()).collect::<Option<Vec<usize>>>();
        let sizes = sizes.ok_or_else(|| Error::invalid(format!("a blob of size {dims:?}")))?;
        let wanted = data::bytes_of(kind_of(double), &sizes)?;
        let there: u64 = runs.iter().map(|r| r.bytes).sum();
        demand!(wanted == there, "a blob of size {sizes:?} needs {wanted} bytes, {there} are there");
        Ok(Blob { sizes, double, runs })
    }
}

fn kind_of(double: bool) -> ElementType {
    ElementType::Plain(if double { DType::Double } else { DType::Float })
}

/// The structure of a file of weights: layers with their weights.
///
/// # Errors
/// A file that cannot be read; a damaged one, with the position.
pub fn tree(path: &Path) -> Result<Tree> {
    let m = Model::open(path)?;
    let mut tree = Tree::default();
    let mut layers: Vec<(String, Id)> = vec![];
    for layer in &m.layers {
        let kind = tree.text(&layer.kind)?;
        let mut fields = vec![("type".to_owned(), kind)];
        for (i, blob) in layer.blobs.iter().enumerate() {
            let sizes: Vec<u64> = blob.sizes.iter().map(|&s| s as u64).collect();
            let bytes = blob.runs.iter().map(|r| r.bytes).sum();
            let id = tree.tensor(kind_of(blob.double).text(), &sizes, blob.runs.first().map(|r| r.at), bytes)?;
            fields.push((name_of(i), id));
        }
        let id = tree.table(fields.iter().map(|(k, v)| (k.as_str(), *v)))?;
        layers.push((layer.name.clone(), id));
    }
    let layers = tree.table(layers.iter().map(|(k, v)| (k.as_str(), *v)))?;
    let name = tree.text(&m.name)?;
    tree.root = tree.table([("name", name), ("layers", layers)])?;
    Ok(tree)
}

/// The structure of a network as text.
///
/// # Errors
/// A file that cannot be read, what is no such text, with the line.
pub fn definition(path: &Path) -> Result<Tree> {
    let (file, length) = input::open(path)?;
    demand!(length <= LONGEST, "a text of {length} bytes, {LONGEST} are the most");
    let mut text = vec![];
    file.take(length).read_to_end(&mut text).map_err(data::failed)?;
    let mut tree = Tree::default();
    tree.root = value(&mut tree, &prototxt::parse(&text)?)?;
    Ok(tree)
}

/// A value of a text; a name that stands once has its value, not a list of one.
fn value(tree: &mut Tree, data: &Data) -> Result<Id> {
    match data {
        Data::Null => tree.add(Node::Null),
        Data::Bool(b) => tree.add(Node::Bool(*b)),
        Data::Num(n) => tree.add(Node::Num(*n)),
        Data::Text(t) => tree.add(Node::Text(t.to_vec(), t.len() as u64)),
        Data::List(list) if list.len() == 1 => value(tree, &list[0]),
        Data::List(list) => {
            let ids = list.iter().map(|v| value(tree, v)).collect::<Result<Vec<Id>>>()?;
            tree.list(ids)
        }
        Data::Map(pairs) => {
            let pairs = pairs.iter().map(|(k, v)| Ok((String::from_utf8_lossy(k), value(tree, v)?)));
            let pairs = pairs.collect::<Result<Vec<_>>>()?;
            tree.table(pairs.iter().map(|(k, v)| (&**k, *v)))
        }
    }
}

/// What the weights of a layer are called.
fn name_of(place: usize) -> String {
    match place {
        0 => "weight".into(),
        1 => "bias".into(),
        n => format!("blob{}", n + 1),
    }
}

/// The weights of a file: `layer.weight`, `layer.bias`, `layer.blob3` ...
///
/// # Errors
/// As [`tree`]; not enough memory.
pub fn weights(path: &Path) -> Result<Vec<Entry>> {
    let mut m = Model::open(path)?;
    let mut found = vec![];
    for layer in std::mem::take(&mut m.layers) {
        for (i, blob) in layer.blobs.iter().enumerate() {
            let name = format!("{}.{}", layer.name, name_of(i));
            let tensor = m.read(blob).map_err(|e| Error::invalid(format!("weights '{name}': {e}")))?;
            found.push(Entry { name, tensor });
        }
    }
    Ok(found)
}

impl Model {
    fn read(&mut self, blob: &Blob) -> Result<Tensor> {
        let kind = kind_of(blob.double);
        if let [run] = blob.runs[..] {
            let mut from = self.parts.content(run)?;
            return data::read_tensor(&mut from, kind, false, &blob.sizes, false);
        }
        // numbers one by one, as very old files have them
        let mut all = vec![];
        for &run in &blob.runs {
            all.extend(self.parts.bytes(run)?);
        }
        data::read_tensor(&mut all.as_slice(), kind, false, &blob.sizes, false)
    }
}
