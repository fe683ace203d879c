//! Linear layers of sparse inputs: nn.SparseLinear, whose samples are lists (n x 2) of indices, from 1, and values, and
//! nn.IndexLinear, whose samples are keys and values one after another in two vectors.

use crate::demand;
use crate::fields;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Matrix, MatrixDest, MatrixSource, Source, share, share_rows};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;

/// A sample: columns of the weights, from 0, and values.
type Entries<T> = Vec<(usize, T)>;

/// The samples of a list of tensors, each (n x 2) or a batch (samples x n x 2) of indices and values. Values of 0 count
/// for nothing, whatever their index.
fn samples<T: Float>(inputs: &[&Tensor], columns: usize) -> Result<Vec<Entries<T>>> {
    let mut list = vec![];
    for x in inputs {
        let nd = x.ndim();
        demand!(
            (nd == 2 || nd == 3) && x.size(nd - 1) == 2,
            "indices and values expected as input (n x 2, or samples x n x 2), got {}",
            x.shape_text()
        );
        let pairs = Source::<T>::of(x)?;
        for sample in pairs.chunks(x.size(nd - 2) * 2) {
            let mut entries = vec![];
            for &[index, value] in sample.as_chunks::<2>().0 {
                if value == T::ZERO {
                    continue;
                }
                let at = index.to_f64();
                demand!(at >= 1.0 && at < columns as f64 + 1.0, "index {at} is not between 1 and {columns}");
                entries.push((at as usize - 1, value));
            }
            list.push(entries);
        }
    }
    Ok(list)
}

/// The sizes of a weight matrix.
fn matrix_sizes(weight: &Tensor) -> Result<[usize; 2]> {
    demand!(weight.ndim() == 2, "a weight matrix expected, got {}", weight.shape_text());
    Ok([weight.size(0), weight.size(1)])
}

fn vector<T: Float>(name: &str, t: &Tensor, n: usize) -> Result<Source<T>> {
    demand!(t.numel() == n, "{name} of {n} elements expected, got {}", t.shape_text());
    Source::of(t)
}

/// Output (samples x out) of weight (out x in) and bias (out).
///
/// # Errors
/// Sizes that do not fit, indices outside of the weights.
pub fn forward<T: Float>(inputs: &[&Tensor], output: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<()> {
    let [out, columns] = matrix_sizes(weight)?;
    let list = samples::<T>(inputs, columns)?;
    let (w, b) = (MatrixSource::<T>::of(weight)?, vector::<T>("bias", bias, out)?);
    let mut y = Dest::<T>::new(output, &[list.len(), out])?;
    let entries: usize = list.iter().map(Vec::len).sum();
    let w = w.view();
    share_rows(&mut y, out, out * (1 + entries / list.len().max(1)), |first, rows| {
        for (entries, y) in list[first..].iter().zip(rows.chunks_mut(out)) {
            y.copy_from_slice(&b);
            for &(at, v) in entries {
                y.iter_mut().enumerate().for_each(|(o, y)| *y = y.add(v.mul(w.get(o, at))));
            }
        }
    });
    Ok(())
}

/// Adds `scale` times the gradients of weight (out x in) and bias (out), and `decay` times the weight.
///
/// # Errors
/// Sizes that do not fit, indices outside of the weights.
pub fn acc_grad<T: Float>(
    inputs: &[&Tensor],
    grad_output: &Tensor,
    scale: T,
    grad_weight: &Tensor,
    grad_bias: &Tensor,
    weight: &Tensor,
    decay: T,
) -> Result<()> {
    let [out, columns] = matrix_sizes(grad_weight)?;
    demand!(
        weight.same_size(grad_weight),
        "weight {} and gradWeight {} differ",
        weight.shape_text(),
        grad_weight.shape_text()
    );
    let list = samples::<T>(inputs, columns)?;
    let go = vector::<T>("gradOutput", grad_output, list.len() * out)?;
    vector::<T>("gradBias", grad_bias, out)?;
    let w = MatrixSource::<T>::of(weight)?;
    let (mut gw, mut gb) = (MatrixDest::<T>::update(grad_weight)?, Dest::<T>::update(grad_bias)?);
    let (w, entries) = (w.view(), list.iter().map(Vec::len).sum::<usize>());
    for go in go.chunks(out) {
        gb.iter_mut().zip(go).for_each(|(b, &g)| *b = b.add(scale.mul(g)));
    }
    share(gw.view(), entries + if decay == T::ZERO { 0 } else { columns }, |first, mut gw| {
        for (entries, go) in list.iter().zip(go.chunks(out)) {
            for o in 0..gw.rows() {
                let g = scale.mul(go[first + o]);
                for &(at, v) in entries {
                    let r = gw.get_mut(o, at);
                    *r = r.add(g.mul(v));
                }
            }
        }
        if decay != T::ZERO {
            gw.each_row(|o, row| {
                row.iter_mut().enumerate().for_each(|(i, r)| *r = r.add(decay.mul(w.get(first + o, i))));
            });
        }
    });
    Ok(())
}

/// The columns that samples touch, each once.
fn touched<T: Float>(inputs: &[&Tensor], columns: usize) -> Result<Vec<usize>> {
    let mut list: Vec<usize> = samples::<T>(inputs, columns)?.into_iter().flatten().map(|(at, _)| at).collect();
    list.sort_unstable();
    list.dedup();
    Ok(list)
}

/// Takes `rate` times the gradients from the weights, in the columns that the samples touch.
///
/// # Errors
/// Sizes that do not fit, indices outside of the weights.
pub fn update<T: Float>(inputs: &[&Tensor], rate: T, weight: &Tensor, grad_weight: &Tensor) -> Result<()> {
    let [out, columns] = matrix_sizes(weight)?;
    demand!(
        weight.same_size(grad_weight),
        "weight {} and gradWeight {} differ",
        weight.shape_text(),
        grad_weight.shape_text()
    );
    let list = touched::<T>(inputs, columns)?;
    let g = MatrixSource::<T>::of(grad_weight)?;
    let mut w = MatrixDest::<T>::update(weight)?;
    let (g, mut w) = (g.view(), w.view());
    for o in 0..out {
        for &at in &list {
            let r = w.get_mut(o, at);
            *r = r.sub(rate.mul(g.get(o, at)));
        }
    }
    Ok(())
}

/// Makes the gradients of the columns that samples touch 0.
///
/// # Errors
/// Indices outside of the weights.
pub fn zero<T: Float>(inputs: &[&Tensor], grad_weight: &Tensor) -> Result<()> {
    let [out, columns] = matrix_sizes(grad_weight)?;
    let list = touched::<T>(inputs, columns)?;
    let mut g = MatrixDest::<T>::update(grad_weight)?;
    let mut g = g.view();
    for o in 0..out {
        list.iter().for_each(|&at| *g.get_mut(o, at) = T::ZERO);
    }
    Ok(())
}

fields! {
    /// How nn.IndexLinear finds the rows of its weights.
    pub struct Rows {
        /// Added to keys to give rows from 0.
        offset: i64 = ".offset:long",
        /// Columns before the weights: 0, or 4 with what normalizes values of the key (the largest absolute value, 1 over
        /// it, the share of the learning rate, and what is added).
        extra: i64 = ".normalize:long=0",
    }
}
fields! {
    /// Rows, and whether the largest values are learned.
    pub struct Learning {
        /// How rows are found.
        rows: Rows = Rows::TEXT,
        /// Whether the module is training.
        train: bool = ".train:bool=false",
    }
}

/// Columns that normalization takes.
const NORMALIZED: i64 = 4;

/// The rows of keys, and how many values each sample has.
struct Batch {
    rows: Vec<usize>,
    sizes: Vec<usize>,
}

impl Batch {
    fn new(keys: &Tensor, sizes: Option<&Tensor>, values: usize, rows: usize, offset: i64) -> Result<Batch> {
        demand!(keys.numel() == values, "as many keys as values expected, got {} and {values}", keys.numel());
        let mut list = vec![];
        for &key in Source::<i64>::of(keys)?.iter() {
            let row = usize::try_from(key.saturating_add(offset)).ok().filter(|&r| r < rows);
            let Some(row) = row else {
                crate::refuse!("key {key} is not between {} and {}", -offset, rows as i64 - 1 - offset);
            };
            list.push(row);
        }
        let sizes: Vec<usize> = match sizes {
            Some(sizes) => Source::<i64>::of(sizes)?.iter().map(|&n| n.max(0) as usize).collect(),
            None => vec![values],
        };
        let all = sizes.iter().fold(0usize, |all, &n| all.saturating_add(n));
        demand!(all == values, "the sizes of the samples add up to {all}, and there are {values} values");
        Ok(Batch { rows: list, sizes })
    }

    /// Calls `f(sample, positions of its values)`.
    fn each(&self, mut f: impl FnMut(usize, std::ops::Range<usize>)) {
        let mut at = 0;
        for (i, &n) in self.sizes.iter().enumerate() {
            f(i, at..at + n);
            at += n;
        }
    }
}

/// The weights' columns: normalization's, and the outputs'.
fn columns(weight: &Tensor, extra: i64) -> Result<[usize; 2]> {
    let [_, columns] = matrix_sizes(weight)?;
    demand!(extra == 0 || extra == NORMALIZED, "0 or {NORMALIZED} columns of normalization expected, got {extra}");
    demand!(columns as i64 > extra, "weights of more than {extra} columns expected, got {columns}");
    Ok([extra as usize, columns - extra as usize])
}

/// Output (samples x out) from weight (in x out, with the columns of normalization before) and bias (out).
/// `normalized` gets the values that were used, where they are normalized.
///
/// # Errors
/// Sizes that do not fit, keys outside of the weights.
#[allow(clippy::too_many_arguments)] // those of the row
pub fn indexed<T: Float>(
    values: &Tensor,
    keys: &Tensor,
    sizes: &Tensor,
    output: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    normalized: &Tensor,
    fields: Learning,
) -> Result<()> {
    let Learning { rows: Rows { offset, extra }, train } = fields;
    let [first, out] = columns(weight, extra)?;
    let batch = Batch::new(keys, Some(sizes), values.numel(), weight.size(0), offset)?;
    if extra > 0 {
        normalize::<T>(&batch, values, normalized, weight, train)?;
    }
    let v = Source::<T>::of(if extra > 0 { normalized } else { values })?;
    let (w, b) = (MatrixSource::<T>::of(weight)?, vector::<T>("bias", bias, out)?);
    let w: Matrix<T> = w.view();
    let mut y = Dest::<T>::new(output, &[batch.sizes.len(), out])?;
    batch.each(|i, part| {
        let y = &mut y[i * out..][..out];
        y.copy_from_slice(&b);
        for (&v, &row) in v[part.clone()].iter().zip(&batch.rows[part]) {
            y.iter_mut().enumerate().for_each(|(o, y)| *y = y.add(v.mul(w.get(row, first + o))));
        }
    });
    Ok(())
}

/// Divides values by the largest absolute value of their key, which training learns, and adds what was learned for it.
fn normalize<T: Float>(
    batch: &Batch,
    values: &Tensor,
    normalized: &Tensor,
    weight: &Tensor,
    train: bool,
) -> Result<()> {
    let v = Source::<T>::of(values)?;
    let mut to = Dest::<T>::new(normalized, &[v.len()])?;
    let mut w = MatrixDest::<T>::update(weight)?;
    let mut w = w.view();
    for ((to, &v), &row) in to.iter_mut().zip(v.iter()).zip(&batch.rows) {
        let size = v.abs();
        if train {
            if size > *w.get_mut(row, 0) {
                *w.get_mut(row, 0) = size;
                *w.get_mut(row, 1) = T::from_f64(1.0 / size.to_f64());
            }
            *w.get_mut(row, 2) = T::ONE;
        }
        let scaled = if size > *w.get_mut(row, 0) {
            if v > T::ZERO { T::ONE } else { T::ONE.neg() }
        } else {
            v.mul(*w.get_mut(row, 1))
        };
        *to = scaled.add(*w.get_mut(row, 3));
    }
    Ok(())
}

/// The gradients of the weights of each key, in the order of the keys: (keys x out) `scale` times the gradient times the
/// value, with the gradient itself before where values are normalized (keys x 2 out). Adds those of the bias.
///
/// # Errors
/// Sizes that do not fit.
#[allow(clippy::too_many_arguments)] // those of the row
pub fn indexed_grad<T: Float>(
    values: &Tensor,
    grad_output: &Tensor,
    keys: &Tensor,
    sizes: &Tensor,
    scale: T,
    gradients: &Tensor,
    grad_bias: &Tensor,
    weight: &Tensor,
    fields: Rows,
) -> Result<()> {
    let Rows { offset, extra } = fields;
    let [_, out] = columns(weight, extra)?;
    let batch = Batch::new(keys, Some(sizes), values.numel(), weight.size(0), offset)?;
    let go = vector::<T>("gradOutput", grad_output, batch.sizes.len() * out)?;
    let v = Source::<T>::of(values)?;
    vector::<T>("gradBias", grad_bias, out)?;
    let mut gb = Dest::<T>::update(grad_bias)?;
    let before = if extra > 0 { out } else { 0 };
    let width = before + out;
    let mut to = Dest::<T>::new(gradients, &[v.len(), width])?;
    batch.each(|i, part| {
        let go = &go[i * out..][..out];
        gb.iter_mut().zip(go).for_each(|(b, &g)| *b = b.add(scale.mul(g)));
        for (row, &v) in to[part.start * width..part.end * width].chunks_mut(width).zip(&v[part.clone()]) {
            let (plain, times) = row.split_at_mut(before);
            plain.iter_mut().zip(go).for_each(|(r, &g)| *r = scale.mul(g));
            times.iter_mut().zip(go).for_each(|(r, &g)| *r = scale.mul(g.mul(v)));
        }
    });
    Ok(())
}

/// One step: for each key in turn, its row loses `decay` times itself and `rate` times its gradient, as
/// [`indexed_grad`] gives them.
///
/// # Errors
/// Sizes that do not fit, keys outside of the weights.
pub fn indexed_step<T: Float>(
    gradients: &Tensor,
    keys: &Tensor,
    rate: T,
    decay: T,
    weight: &Tensor,
    fields: Rows,
) -> Result<()> {
    let Rows { offset, extra } = fields;
    let [first, out] = columns(weight, extra)?;
    let width = if extra > 0 { 2 * out } else { out };
    let g = Source::<T>::of(gradients)?;
    demand!(g.len() == keys.numel() * width, "gradients {} do not fit {} keys", gradients.shape_text(), keys.numel());
    let batch = Batch::new(keys, None, keys.numel(), weight.size(0), offset)?;
    let mut w = MatrixDest::<T>::update(weight)?;
    let mut w = w.view();
    for (&row, g) in batch.rows.iter().zip(g.chunks(width)) {
        w.reborrow().row_range(row, 1).each_row(|_, row| {
            let (before, w) = row.split_at_mut(first);
            let (plain, times) = g.split_at(width - out);
            let mut rate = rate;
            if let [_, _, share, added] = before {
                rate = rate.mul(*share);
                *added = added.sub(decay.mul(*share).mul(*added));
                for (&g, &w) in plain.iter().zip(w.iter()) {
                    *added = added.sub(rate.mul(g.mul(w)));
                }
            }
            for (w, &g) in w.iter_mut().zip(times) {
                *w = w.sub(decay.mul(*w)).sub(rate.mul(g));
            }
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::gradient_tests::{agrees, empty, probe, scattered, tensor, values};
    use crate::tensor::dtype::DType;

    #[test]
    fn sparse_samples_are_dense_ones_with_zeros() {
        let (a, b) = (tensor(&[2.0, 0.5, 4.0, -1.0, 2.0, 0.25], &[3, 2]), tensor(&[1.0, 3.0, 9.0, 0.0], &[2, 2]));
        let dense = [[0.0, 0.75, 0.0, -1.0], [3.0, 0.0, 0.0, 0.0]];
        let (w, bias, y) = (scattered(12, &[3, 4]), scattered(3, &[3]), empty());
        forward::<f64>(&[&a, &b], &y, &w, &bias).unwrap();
        let (wv, bv) = (values(&w), values(&bias));
        for (i, y) in values(&y).into_iter().enumerate() {
            let (n, o) = (i / 3, i % 3);
            let want = (0..4).fold(bv[o], |sum, c| sum + wv[o * 4 + c] * dense[n][c]);
            assert!((y - want).abs() < 1e-12);
        }
        let zeros = |sizes: &[usize]| Tensor::new(DType::Double, sizes).unwrap();
        let (g, gw, gb) = (scattered(6, &[2, 3]), zeros(&[3, 4]), zeros(&[3]));
        acc_grad::<f64>(&[&a, &b], &g, 1.0, &gw, &gb, &w, 0.0).unwrap();
        let loss = |w: &Tensor, bias: &Tensor| {
            let y = empty();
            forward::<f64>(&[&a, &b], &y, w, bias).map(|()| probe(&y, &g))
        };
        agrees("sparse, weight", &w, &gw, |w| loss(w, &bias));
        agrees("sparse, bias", &bias, &gb, |bias| loss(&w, bias));
        zero::<f64>(&[&a], &gw).unwrap();
        assert!(values(&gw).iter().enumerate().all(|(i, &g)| (i % 4 != 0) == (g == 0.0)));
        assert!(forward::<f64>(&[&tensor(&[5.0, 1.0], &[1, 2])], &y, &w, &bias).is_err());
        assert!(forward::<f64>(&[&w], &y, &w, &bias).is_err());
    }

    #[test]
    fn a_step_of_keys_follows_their_gradients() {
        let (keys, sizes) = (Tensor::from_slice(&[1i64, 4, 2, 1]).unwrap(), Tensor::from_slice(&[3i64, 1]).unwrap());
        let (v, g) = (tensor(&[0.5, -2.0, 1.0, 3.0], &[4]), scattered(4, &[2, 2]));
        let (bias, gb) = (scattered(2, &[2]), Tensor::new(DType::Double, &[2]).unwrap());
        let rows = Rows { offset: -1, extra: 0 };
        let loss = |w: &Tensor| {
            let (y, n) = (empty(), empty());
            let fields = Learning { rows, train: true };
            indexed::<f64>(&v, &keys, &sizes, &y, w, &bias, &n, fields).map(|()| probe(&y, &g))
        };
        let (w, into) = (scattered(10, &[5, 2]), empty());
        indexed_grad::<f64>(&v, &g, &keys, &sizes, 1.0, &into, &gb, &w, rows).unwrap();
        // from zeros, a step of -1 leaves the gradient
        let gradient = Tensor::new(DType::Double, &[5, 2]).unwrap();
        indexed_step::<f64>(&into, &keys, -1.0, 0.0, &gradient, rows).unwrap();
        agrees("keys", &w, &gradient, loss);
        let outside = Tensor::from_slice(&[1i64, 6, 2, 1]).unwrap();
        assert!(indexed_step::<f64>(&into, &outside, 1.0, 0.0, &w, rows).is_err());
        assert!(indexed_grad::<f64>(&v, &g, &keys, &outside, 1.0, &into, &gb, &w, rows).is_err());
    }
}
