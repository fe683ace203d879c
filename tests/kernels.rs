//! Calls every kernel of every row with arguments of the declared kinds and random shapes, views that share memory,
//! and awkward numbers: the answer is a result or an error, never a panic.

#![allow(clippy::unwrap_used)]

use rekindle::lua::call::{Dims, Form, Nested, Rets, Val};
use rekindle::lua::sig::{self, Fill, Param, Read, Style};
use rekindle::lua::table::Dispatch;
use rekindle::mpi::Shards;
use rekindle::nn::fusion::Program;
use rekindle::rows;
use rekindle::rows::onnx::Handle;
use rekindle::spans::{Call, Described};
use rekindle::t7::{FileHandle, Memory, Mode, TorchFile};
use rekindle::tensor::Tensor;
use rekindle::tensor::dtype::{DType, Element};
use rekindle::tensor::layout::Layout;
use rekindle::tensor::random::Generator;
use rekindle::tensor::storage::Storage;
use rekindle::with_dtype;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }
    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.roll(list.len())]
    }
    fn number(&mut self, kind: &str) -> f64 {
        match kind {
            "real" | "num" if self.roll(4) == 0 => {
                self.pick(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -0.5, 0.5, 1e-300, 255.0])
            }
            "index" | "long" if self.roll(8) == 0 => self.pick(&[-1e18, 1e18, f64::NAN, -3.0, 100.0]),
            _ => self.roll(9) as f64 - 2.0,
        }
    }
}

/// Sizes, and elements that serve as numbers, indices and masks alike now and then.
fn storage(d: DType, dice: &mut Dice) -> Storage {
    let s = Storage::new(d, 96).unwrap();
    let most = dice.pick(&[2, 3, 5, 9]);
    let least = dice.pick(&[0.0, 1.0, -1.0]);
    for i in 0..s.len() {
        let v = dice.roll(most) as f64 + least;
        with_dtype!(d, T => s.set::<T>(i, <T as Element>::from_f64(v)));
    }
    s
}

/// A view of the storage: without dimensions, plain, turned, expanded, with windows.
fn tensor(s: &Storage, dice: &mut Dice, shape: &[usize]) -> Tensor {
    if dice.roll(12) == 0 {
        return Tensor::empty(s.dtype());
    }
    let own: Vec<usize> = (0..1 + dice.roll(5)).map(|_| 1 + dice.roll(3)).collect();
    let sizes = if dice.roll(3) == 0 { &own } else { shape };
    let mut l = Layout::contiguous(sizes).unwrap();
    l.offset = dice.roll(8);
    if l.ndim() > 1 && dice.roll(3) == 0 {
        let turned = l.transpose(0, l.ndim() - 1).unwrap();
        l = if dice.roll(2) == 0 { turned } else { l.narrow(0, 0, 1).unwrap() };
    }
    if dice.roll(8) == 0 {
        let more: Vec<usize> = l.sizes().iter().map(|&n| if n == 1 { 2 } else { n }).collect();
        l = l.expand(&more).unwrap();
    }
    if l.extent().is_ok_and(|e| e <= s.len()) { Tensor::over(s.clone(), l) } else { Tensor::empty(s.dtype()) }
}

/// The owner of everything that the arguments of one call refer to.
struct Given {
    tensors: Vec<Tensor>,
    storages: Vec<Storage>,
    generator: RefCell<Generator>,
    dims: Vec<Dims>,
    nested: Nested,
    file: FileHandle,
    call: Call,
    model: Handle,
    program: Program,
    shards: Shards,
}

/// The element type of a parameter in a call of type `d`.
fn dtype_of(p: &Param, d: DType) -> DType {
    let short = p.kind.strip_suffix("Storage").unwrap_or(&p.kind);
    DType::ALL.into_iter().find(|t| short == t.name()).unwrap_or(d)
}

fn given(params: &[Param], d: DType, dice: &mut Dice) -> Given {
    let storages: Vec<Storage> = DType::ALL.iter().map(|&d| storage(d, dice)).collect();
    let shape: Vec<usize> = (0..1 + dice.roll(4)).map(|_| 1 + dice.roll(4)).collect();
    let one = |p: &Param, dice: &mut Dice| {
        let d = if p.kind == "tensor" { dice.pick(&DType::ALL) } else { dtype_of(p, d) };
        let apart = storage(d, dice);
        tensor(if dice.roll(3) == 0 { &apart } else { &storages[d.index()] }, dice, &shape)
    };
    let tensors = params.iter().map(|p| one(p, dice)).collect();
    let dims = params.iter().map(|_| Dims((0..dice.roll(5)).map(|_| dice.roll(6) as i64 - 1).collect())).collect();
    let generator = RefCell::new(Generator::with_seed(1));
    let nested = Nested { sizes: vec![2, 2], data: vec![1.0, 2.0, 3.0, 4.0] };
    let file = FileHandle::new(TorchFile::memory(Memory::new().unwrap(), Mode::ReadWrite));
    let call = Call::enter(&Described::default(), None);
    let model = Handle::default();
    // a copy of two rows of two
    let steps = [[0.0; 5], [1.0, 0.0, 0.0, 0.0, 0.0]].concat();
    let program = Program::new(&steps, [2, 2], &[(1, false)], vec![vec![2, 2]]).unwrap();
    Given { tensors, storages, generator, dims, nested, file, call, model, program, shards: Shards::default() }
}

fn value<'a>(i: usize, p: &Param, d: DType, g: &'a Given, list: &'a [&'a Tensor], dice: &mut Dice) -> Val<'a> {
    match p.read {
        Read::Dims => return Val::Dims(&g.dims[i]),
        Read::Tensors => return Val::Tensors(list),
        Read::Nested => return Val::Nested(&g.nested),
        Read::Text => return Val::Str(b"no-such-thing"),
        Read::Texts => return Val::Strings(&[b"no-such-thing"]),
        Read::Plain => {}
    }
    if dice.roll(2) == 0 {
        match p.absent {
            Some(Fill::Nil) => return Val::Nil,
            Some(Fill::Num(n)) => return Val::Num(n),
            Some(Fill::Bool(b)) => return Val::Bool(b),
            _ => {}
        }
    }
    match p.kind.as_str() {
        k @ ("real" | "num" | "long" | "index") => Val::Num(dice.number(k)),
        "object.File" => Val::Object(&g.file),
        "object.Call" => Val::Object(&g.call),
        "object.OnnxModel" => Val::Object(&g.model),
        "object.FusionProgram" => Val::Object(&g.program),
        "object.Shards" => Val::Object(&g.shards),
        "bool" => Val::Bool(dice.roll(2) == 0),
        "nil" => Val::Nil,
        "str" => Val::Str(dice.pick(&[&b"V"[..], b"F", b"no/such/file", b"U", b""])),
        "gen" => Val::Gen(&g.generator),
        "class" => Val::Class(d.into()),
        k if k == "S" || k.to_lowercase().ends_with("storage") => Val::Storage(&g.storages[dtype_of(p, d).index()]),
        _ => Val::Tensor(&g.tensors[i]),
    }
}

/// Runs every kernel of a form `count` times; hands back what panicked.
fn panics(name: &str, form: &Form, style: Style, count: u64) -> Vec<String> {
    let mut found = vec![];
    let params = sig::parse(form.sig, style).expect(name);
    for (class, kernel) in form.column.iter() {
        let d = class.dtype;
        for seed in 0..count {
            let mut dice = Dice(seed.wrapping_mul(7919) + name.len() as u64);
            let g = given(&params, d, &mut dice);
            let list: Vec<&Tensor> = g.tensors.iter().filter(|t| t.dtype() == d).take(dice.roll(4)).collect();
            let vals: Vec<Val> = params.iter().enumerate().map(|(i, p)| value(i, p, d, &g, &list, &mut dice)).collect();
            let args: Vec<&Val> = vals.iter().collect();
            let shapes: Vec<String> = g.tensors.iter().map(|t| format!("{:?}", t.layout())).collect();
            let mut rets = Rets::Args;
            let outcome = catch_unwind(AssertUnwindSafe(|| kernel(&args, &mut rets).map(|e| e.to_string())));
            let bad = match outcome {
                Ok(e) => e.filter(|e| e.contains("internal error") || e.is_empty()),
                Err(_) => Some("panicked".into()),
            };
            if let Some(bad) = bad {
                let numbers: Vec<f64> =
                    vals.iter().filter_map(|v| if let Val::Num(n) = v { Some(*n) } else { None }).collect();
                found.push(format!("{name} '{}' {} seed {seed} {numbers:?} {shapes:?}: {bad}", form.sig, d.name()));
                break;
            }
        }
    }
    found
}

#[test]
fn kernels_answer_or_refuse() {
    // set to look further: KERNEL_CALLS=1000 cargo test --release --test kernels
    let count = std::env::var("KERNEL_CALLS").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let mut found = vec![];
    // what saves would write files of the samples' names
    // not what asks the system: it would sleep, or make files
    let harmless = |p: &&rows::Package| p.dispatch == Dispatch::Package || ["torch.File", "stream"].contains(&p.table);
    let packages = rows::functions().iter().filter(harmless).flat_map(|p| p.rows);
    let packages = packages.filter(|op| !op.name.starts_with("save"));
    for op in rows::ops().chain(packages).chain([rows::tensor_constructor()]) {
        found.extend(op.forms.iter().flat_map(|f| panics(op.name, f, Style::Function, count)));
    }
    for class in rows::classes() {
        for (method, forms) in class.methods {
            let name = format!("{}.{method}", class.name);
            found.extend(forms.iter().flat_map(|f| panics(&name, f, Style::Class, count)));
        }
    }
    assert!(found.is_empty(), "{} kernels panicked: {found:#?}", found.len());
}
