//! Walks all tables of rows: names are unique, signatures can be read, and every kernel takes what its signature
//! declares.
#![allow(clippy::unwrap_used)]

use rekindle::lua::call::{Dims, Form, Nested, Op, Place, Rets, Val};
use rekindle::lua::sig::{self, Fill, Param, Read, Style};
use rekindle::lua::table::{Dispatch, compile, compile_class};
use rekindle::mpi::Shards;
use rekindle::nn::fusion::Program;
use rekindle::rows;
use rekindle::rows::ipc;
use rekindle::rows::models::Entries;
use rekindle::rows::onnx::Handle;
use rekindle::shared::socket::{Connection, Listener};
use rekindle::shared::{self, Condition, Counter, Gate, Hash, List, Mailbox, Mutex, Queue, Running, start};
use rekindle::spans::{Call, Described};
use rekindle::t7::{FileHandle, Memory, Mode, TorchFile};
use rekindle::tensor::Tensor;
use rekindle::tensor::class::TensorClass;
use rekindle::tensor::dtype::DType;
use rekindle::tensor::random::Generator;
use rekindle::tensor::storage::Storage;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// One value of every kind.
struct Samples {
    tensors: Vec<Tensor>,
    storages: Vec<Storage>,
    generator: RefCell<Generator>,
    dims: Dims,
    nested: Nested,
    file: FileHandle,
    call: Call,
    model: Handle,
    program: Program,
    hash: Hash,
    list: List,
    counter: Counter,
    mutex: Mutex,
    condition: Condition,
    queue: Queue,
    thread: Running,
    entries: Entries,
    operation: rekindle::mpi::Handle,
    shards: Shards,
    mailbox: Mailbox,
    gate: Gate,
    connection: Connection,
    listener: Listener,
    table: ipc::Table,
    parcel: ipc::Parcel,
    process: ipc::Running,
    locked: ipc::Locked,
    #[cfg(feature = "hdf5")]
    hdf5: rekindle::models::hdf5::Hdf5,
}

impl Samples {
    fn new(sizes: &[usize]) -> Self {
        shared::start_with(|_| None);
        Samples {
            tensors: DType::ALL.iter().map(|&d| Tensor::new(d, sizes).unwrap()).collect(),
            storages: DType::ALL.iter().map(|&d| Storage::new(d, 4).unwrap()).collect(),
            generator: RefCell::new(Generator::with_seed(1)),
            dims: Dims(vec![1, 1].into()),
            nested: Nested { sizes: vec![1], data: vec![1.0] },
            file: FileHandle::new(TorchFile::memory(Memory::new().unwrap(), Mode::ReadWrite)),
            call: Call::enter(&Described::default(), None),
            model: Handle::default(),
            program: Program::new(&[0.0; 5], [2, 2], &[(1, false)], vec![]).unwrap(),
            hash: Hash::default(),
            list: List::default(),
            counter: Counter::default(),
            mutex: Mutex::new(),
            condition: Condition::new(),
            queue: Queue::new(1),
            thread: start(b"").unwrap(),
            entries: Entries::default(),
            operation: Default::default(),
            shards: Default::default(),
            mailbox: Default::default(),
            gate: Default::default(),
            connection: Default::default(),
            listener: Default::default(),
            table: Default::default(),
            parcel: Default::default(),
            process: Default::default(),
            locked: Default::default(),
            #[cfg(feature = "hdf5")]
            hdf5: Default::default(),
        }
    }
}

/// A value that a parameter takes, for a call of this element type.
fn value<'a>(p: &Param, d: DType, s: &'a Samples, list: &'a [&'a Tensor]) -> Val<'a> {
    match p.read {
        Read::Dims => return Val::Dims(&s.dims),
        Read::Tensors => return Val::Tensors(list),
        Read::Nested => return Val::Nested(&s.nested),
        Read::Text => return Val::Str(b"no-such-thing"),
        Read::Texts => return Val::Strings(&[b"no-such-thing"]),
        Read::Plain => {}
    }
    let named = DType::ALL.into_iter().find(|t| p.kind.strip_suffix("Storage").unwrap_or(&p.kind) == t.name());
    let dtype = named.unwrap_or(d);
    match p.kind.as_str() {
        "real" | "num" | "long" | "index" => Val::Num(1.0),
        "bool" => Val::Bool(false),
        "nil" => Val::Nil,
        "str" => Val::Str(b"no-such-thing"),
        "gen" => Val::Gen(&s.generator),
        "object.File" => Val::Object(&s.file),
        "object.Call" => Val::Object(&s.call),
        "object.OnnxModel" => Val::Object(&s.model),
        "object.FusionProgram" => Val::Object(&s.program),
        "object.Hash" => Val::Object(&s.hash),
        "object.Vec" => Val::Object(&s.list),
        "object.AtomicCounter" => Val::Object(&s.counter),
        "object.Mutex" => Val::Object(&s.mutex),
        "object.Condition" => Val::Object(&s.condition),
        "object.Channel" => Val::Object(&s.queue),
        "object.Thread" => Val::Object(&s.thread),
        "object.Entries" => Val::Object(&s.entries),
        "object.Handle" => Val::Object(&s.operation),
        "object.Shards" => Val::Object(&s.shards),
        "object.Mailbox" => Val::Object(&s.mailbox),
        "object.Gate" => Val::Object(&s.gate),
        "object.Connection" => Val::Object(&s.connection),
        "object.Listener" => Val::Object(&s.listener),
        "object.Table" => Val::Object(&s.table),
        "object.Parcel" => Val::Object(&s.parcel),
        "object.Process" => Val::Object(&s.process),
        "object.Locked" => Val::Object(&s.locked),
        #[cfg(feature = "hdf5")]
        "object.Hdf5" => Val::Object(&s.hdf5),
        "value" => Val::Num(1.0),
        "class" => Val::Class(TensorClass::host(dtype)),
        "S" => Val::Storage(&s.storages[dtype.index()]),
        k if k.to_lowercase().ends_with("storage") => Val::Storage(&s.storages[dtype.index()]),
        _ => Val::Tensor(&s.tensors[dtype.index()]),
    }
}

/// What stands in for a parameter that is left out, where that is a value of its own.
fn stand_in<'a>(p: &Param) -> Option<Val<'a>> {
    match p.absent {
        Some(Fill::Nil) => Some(Val::Nil),
        Some(Fill::Num(n)) => Some(Val::Num(n)),
        Some(Fill::Bool(b)) => Some(Val::Bool(b)),
        _ => None,
    }
}

/// Runs every kernel of a form with every parameter given, then with defaults; hands back complaints.
fn complaints(name: &str, form: &Form, style: Style) -> Vec<String> {
    let mut found = vec![];
    let params = sig::parse(form.sig, style).expect(name);
    for sizes in [&[][..], &[1], &[2, 2], &[2, 2, 2], &[1, 2, 2, 2]] {
        for (class, kernel) in form.column.iter() {
            let d = class.dtype;
            for given in [true, false] {
                let s = Samples::new(sizes);
                let list = [&s.tensors[d.index()], &s.tensors[d.index()]];
                let one = |p: &Param| stand_in(p).filter(|_| !given).unwrap_or_else(|| value(p, d, &s, &list));
                let vals: Vec<Val> = params.iter().map(one).collect();
                let args: Vec<&Val> = vals.iter().collect();
                let mut rets = Rets::Args;
                let what = match catch_unwind(AssertUnwindSafe(|| kernel(&args, &mut rets).map(|e| e.to_string()))) {
                    Ok(Some(e)) if e.contains("internal error") => e,
                    Ok(_) => continue,
                    Err(_) => "panicked".into(),
                };
                found.push(format!("{name} '{}' for {} of {sizes:?}: {what}", form.sig, d.name()));
            }
        }
    }
    found
}

fn place_style(op: &Op) -> Style {
    if op.place == Place::Function { Style::Function } else { Style::Method }
}

fn all_packages() -> Vec<&'static rows::Package> {
    let mut all: Vec<_> = rows::functions().iter().collect();
    #[cfg(all(feature = "jupyter", unix))]
    all.push(&rekindle::notebook::PACKAGE);
    all
}

fn packages() -> impl Iterator<Item = &'static Op> {
    all_packages().into_iter().flat_map(|package| package.rows)
}

fn constructors() -> [&'static Op; 2] {
    [rows::tensor_constructor(), rows::storage_constructor()]
}

#[test]
fn names_are_unique_in_each_place() {
    let mut seen = BTreeSet::new();
    for op in rows::ops() {
        let places: &[&str] = match op.place {
            Place::Both => &["torch.", "tensor:"],
            Place::Function => &["torch."],
            Place::Method => &["tensor:"],
            Place::Storage => &["storage:"],
        };
        for p in places {
            assert!(seen.insert(format!("{p}{}", op.name)), "{p}{} has two rows", op.name);
        }
    }
    for package in all_packages() {
        for op in package.rows {
            assert!(
                seen.insert(format!("{}:{}", package.table, op.name)),
                "{}.{} has two rows",
                package.table,
                op.name
            );
        }
    }
    for class in rows::classes() {
        for (method, _) in class.methods {
            assert!(seen.insert(format!("{}.{method}", class.name)), "{}.{method} has two rows", class.name);
        }
    }
}

#[test]
fn signatures_compile() {
    for op in rows::ops().chain(packages()).chain(constructors()) {
        for style in [Style::Function, Style::Method] {
            compile(op.name.into(), op.forms, style, Dispatch::First).unwrap();
        }
        for form in op.forms {
            assert!(form.column.iter().next().is_some(), "{}: '{}' has no kernel", op.name, form.sig);
        }
    }
    for class in rows::classes() {
        compile_class(class).unwrap();
    }
}

#[test]
fn kernels_take_what_their_rows_declare() {
    // what would leave files of the samples' names, or wait
    let lasting = |name: &str| {
        name.starts_with("save") || ["mkdir", "PipeFile", "sleep", "listen", "connect", "flock"].contains(&name)
    };
    let packages = packages().filter(|op| !lasting(op.name));
    let ops = rows::ops().chain(packages).chain(constructors());
    let mut found: Vec<String> =
        ops.flat_map(|op| op.forms.iter().flat_map(|f| complaints(op.name, f, place_style(op)))).collect();
    for class in rows::classes() {
        for (method, forms) in class.methods {
            let name = format!("{}.{method}", class.name);
            found.extend(forms.iter().flat_map(|f| complaints(&name, f, Style::Class)));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_function_shows_how_it_is_called() {
    let mut lines = vec![];
    for op in rows::ops() {
        let name = match op.place {
            Place::Both | Place::Function => format!("torch.{}", op.name),
            Place::Method => {
                let has = |d: &DType| op.forms.iter().any(|f| f.column.get((*d).into()).is_some());
                let d = DType::ALL.into_iter().rev().find(has).expect(op.name);
                format!("{}.{}", d.tensor_name(), op.name)
            }
            Place::Storage => format!("torch.ByteStorage.{}", op.name),
        };
        let usage = rekindle::rows::tables::usage(&name);
        assert_eq!(usage.len(), op.forms.len(), "{name}");
        lines.extend(usage);
    }
    let max = "torch.max([values: Tensor], [places: LongTensor], x: Tensor, dim: number) -> values, places";
    assert!(lines.iter().any(|l| l == max), "{lines:#?}");
}
