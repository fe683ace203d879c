//! A call between Lua and Rust, without Lua: typed arguments, results, and the columns of kernels.

use super::column::Column;
use crate::fields::Fields;
use crate::formats::Data;
use crate::tensor::Tensor;
use crate::tensor::class::{Device, TensorClass};
use crate::tensor::dtype::{Element, types};
use crate::tensor::error::{Error, Result};
use crate::tensor::random::Generator;
use crate::tensor::storage::Storage;
use smallvec::SmallVec;
use std::any::Any;
use std::cell::RefCell;

/// An argument as it reaches a kernel.
#[derive(Clone, Copy)]
pub enum Val<'a> {
    /// nil
    Nil,
    /// A number.
    Num(f64),
    /// A boolean.
    Bool(bool),
    /// A string's bytes.
    Str(&'a [u8]),
    /// A tensor.
    Tensor(&'a Tensor),
    /// A storage.
    Storage(&'a Storage),
    /// A random generator.
    Gen(&'a RefCell<Generator>),
    /// Sizes, or a LongStorage's content.
    Dims(&'a Dims),
    /// A table of tensors.
    Tensors(&'a [&'a Tensor]),
    /// A nested table of numbers.
    Nested(&'a Nested),
    /// Strings given one by one.
    Strings(&'a [&'a [u8]]),
    /// An object that holds a value of Rust's.
    Object(&'a dyn Foreign),
    /// The class of the call's tensors.
    Class(TensorClass),
}

/// A value of Rust's that Lua holds as an object of a class: a file, say. The class's metatable is in the table of
/// metatables, under its name.
pub trait Foreign: Any {
    /// The Lua class of the object.
    fn class(&self) -> &'static str;
    /// What stands behind `object.` in signatures, and what the help calls such an object.
    fn kind() -> &'static str
    where
        Self: Sized;
}

/// Numbers given one by one, or as a LongStorage. Few tensors have more dimensions than fit in place.
#[derive(Debug, Clone, Default)]
pub struct Dims(pub SmallVec<[i64; 6]>);

impl Dims {
    /// As sizes: a list stops at the first that is not positive, as in Torch7.
    pub fn sizes(&self) -> Vec<usize> {
        self.0.iter().take_while(|&&n| n > 0).map(|&n| n as usize).collect()
    }
}

/// A nil that programs pass where nothing would do.
pub struct Nil;

/// A nested Lua table of numbers, flattened in row-major order.
#[derive(Debug, Clone, Default)]
pub struct Nested {
    /// The size of each level.
    pub sizes: Vec<usize>,
    /// The numbers.
    pub data: Vec<f64>,
}

/// A value handed back to Lua.
pub enum Ret {
    /// nil
    Nil,
    /// A number.
    Num(f64),
    /// A boolean.
    Bool(bool),
    /// A string.
    Str(Vec<u8>),
    /// A new tensor object.
    Tensor(Tensor),
    /// A storage object.
    Storage(Storage),
    /// A LongStorage.
    Dims(Dims),
    /// A table of values.
    List(Vec<Ret>),
    /// Nested data, as tables; null is a light userdata.
    Data(Data),
    /// A table of new tensor objects.
    Tensors(Vec<Tensor>),
    /// A new object.
    Object(Box<dyn Foreign>),
    /// A new generator.
    Generator(Generator),
    /// Compiled code that the binary carries, as a function: LuaJIT runs it as it is.
    Code(&'static [u8]),
    /// An object that stands for the default generator of a device.
    DefaultGenerator(Device),
}

/// All that a kernel hands back.
pub enum Rets {
    /// The starred parameters.
    Args,
    /// One value.
    One(Ret),
    /// Values.
    Values(Vec<Ret>),
    /// One number, the usual case, without a list.
    Num(f64),
    /// One tensor, likewise.
    Tensor(Tensor),
}

/// Most parameters that a form can have.
pub const MAX_PARAMS: usize = 24;

/// A kernel behind a common type: it gets the arguments in the order of the signature, and writes what it hands back.
/// Arguments by reference, results into place: nothing that is written field by field is moved
/// as a whole, which would wait for those writes and cost as much as the rest of a small call.
pub type Kernel = for<'a> fn(&'a [&'a Val<'a>], &mut Rets) -> Option<Error>;

/// A Rust type that a kernel takes: the value of one parameter, or a structure made of those of several.
pub trait Arg<'a>: Sized {
    /// How many parameters it takes.
    const COUNT: usize = 1;
    /// What the row says of them, where it is a structure of fields.
    const FIELDS: &'static str = "";
    /// Reads it from the parameters from here on, of which there are enough; `None` when the row declares another kind
    /// than the function takes.
    fn get(c: &'a [&'a Val<'a>]) -> Option<Result<Self>>;
}

impl<'a> Arg<'a> for () {
    const COUNT: usize = 0;
    #[inline(always)]
    fn get(_: &'a [&'a Val<'a>]) -> Option<Result<Self>> {
        Some(Ok(()))
    }
}

impl<'a, A: Arg<'a>, B: Arg<'a>> Arg<'a> for (A, B) {
    const COUNT: usize = A::COUNT + B::COUNT;
    #[inline(always)]
    fn get(c: &'a [&'a Val<'a>]) -> Option<Result<Self>> {
        match (A::get(c)?, B::get(&c[A::COUNT..])?) {
            (Ok(a), Ok(b)) => Some(Ok((a, b))),
            (Err(e), _) | (_, Err(e)) => Some(Err(e)),
        }
    }
}

impl<'a, F: Fields<Values: Arg<'a>>> Arg<'a> for F {
    const COUNT: usize = F::Values::COUNT;
    const FIELDS: &'static str = F::TEXT;
    #[inline(always)]
    fn get(c: &'a [&'a Val<'a>]) -> Option<Result<Self>> {
        Some(F::Values::get(c)?.map(F::new))
    }
}

macro_rules! plain_arg {
    ($($t:ty: $pat:pat => $out:expr;)*) => { $(
        impl<'a> Arg<'a> for $t {
            #[inline(always)]
            fn get(c: &'a [&'a Val<'a>]) -> Option<Result<Self>> { match c[0] { $pat => Some(Ok($out)), _ => None } }
        }
    )* };
}
plain_arg! {
    &'a Tensor: Val::Tensor(t) => *t;
    &'a Storage: Val::Storage(s) => *s;
    &'a RefCell<Generator>: Val::Gen(g) => *g;
    TensorClass: Val::Class(class) => *class;
    Device: Val::Class(class) => class.device;
    Nil: Val::Nil => Nil;
    bool: Val::Bool(b) => *b;
    &'a [u8]: Val::Str(s) => *s;
    &'a [&'a Tensor]: Val::Tensors(t) => *t;
    &'a Nested: Val::Nested(n) => *n;
    &'a Dims: Val::Dims(d) => *d;
    Dims: Val::Dims(d) => (*d).clone();
}

impl<'a> Arg<'a> for Val<'a> {
    #[inline(always)]
    fn get(c: &'a [&'a Val<'a>]) -> Option<Result<Self>> {
        Some(Ok(*c[0]))
    }
}

macro_rules! number_args {
    ($($v:ident $t:ident $n:literal $fam:ident $pixel:tt,)*) => { $(
        impl<'a> Arg<'a> for types::$v {
            #[inline(always)]
            fn get(c: &'a [&'a Val<'a>]) -> Option<Result<Self>> {
                match c[0] { Val::Num(n) => Some(Ok(<types::$v as Element>::from_f64(*n))), _ => None }
            }
        }
    )* };
}
crate::for_each_dtype!(number_args);

impl<'a> Arg<'a> for usize {
    #[inline(always)]
    fn get(c: &'a [&'a Val<'a>]) -> Option<Result<Self>> {
        let Val::Num(n) = c[0] else { return None };
        Some(if *n >= 1.0 && *n < 9e15 {
            Ok(*n as usize - 1)
        } else {
            Err(Error::invalid(format!("out of range: index {n} is not in 1.., indices start from 1")))
        })
    }
}

/// The value in an object, for the `Arg` of a reference to it.
#[inline(always)]
pub fn held<'a, T: Foreign>(v: &Val<'a>) -> Option<Result<&'a T>> {
    let Val::Object(object) = *v else { return None };
    let any: &dyn Any = object;
    Some(any.downcast_ref().ok_or_else(|| not_held(T::kind(), object)))
}

#[cold]
fn not_held(wanted: &str, object: &dyn Foreign) -> Error {
    Error::invalid(format!("expected a {wanted}, got a {}", object.class()))
}

impl<'a> Arg<'a> for Vec<&'a str> {
    fn get(c: &'a [&'a Val<'a>]) -> Option<Result<Self>> {
        let Val::Strings(list) = c[0] else { return None };
        Some(list.iter().map(|s| text(s)).collect())
    }
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| Error::invalid("expected text, got bytes that are not UTF-8"))
}

impl<'a> Arg<'a> for &'a str {
    fn get(c: &'a [&'a Val<'a>]) -> Option<Result<Self>> {
        let Val::Str(s) = c[0] else { return None };
        Some(text(s))
    }
}

impl<'a, A: Arg<'a>> Arg<'a> for Option<A> {
    #[inline(always)]
    fn get(c: &'a [&'a Val<'a>]) -> Option<Result<Self>> {
        match c[0] {
            Val::Nil => Some(Ok(None)),
            _ => A::get(c).map(|r| r.map(Some)),
        }
    }
}

/// A Rust type that can be handed back.
pub trait IntoRet {
    /// Writes it where the trampoline reads it; what is there is `Rets::Args`.
    fn put(self, out: &mut Rets);
}

/// A single value.
pub trait IntoOne {
    /// As a value.
    fn one(self) -> Ret;
    /// Several as a table.
    fn list(all: Vec<Self>) -> Ret
    where
        Self: Sized,
    {
        Ret::List(all.into_iter().map(Self::one).collect())
    }
}

impl IntoRet for () {
    #[inline(always)]
    fn put(self, _: &mut Rets) {}
}

impl IntoRet for Rets {
    #[inline(always)]
    fn put(self, out: &mut Rets) {
        put(out, self);
    }
}

/// Writes what a kernel hands back over [`Rets::Args`], which need not be dropped.
#[inline(always)]
fn put(out: &mut Rets, rets: Rets) {
    std::mem::forget(std::mem::replace(out, rets));
}

macro_rules! one_ret {
    ($($t:ty, $s:ident => $one:expr, $put:expr;)*) => { $(
        impl IntoOne for $t { #[inline(always)] fn one(self) -> Ret { let $s = self; $one } }
        impl IntoRet for $t { #[inline(always)] fn put(self, out: &mut Rets) { let $s = self; put(out, $put) } }
    )* };
}
one_ret! {
    f64, v => Ret::Num(v), Rets::Num(v);
    i64, v => Ret::Num(v as f64), Rets::Num(v as f64);
    usize, v => Ret::Num(v as f64), Rets::Num(v as f64);
    bool, v => Ret::Bool(v), Rets::One(v.one());
    String, v => Ret::Str(v.into_bytes()), Rets::One(v.one());
    Vec<u8>, v => Ret::Str(v), Rets::One(v.one());
    Storage, v => Ret::Storage(v), Rets::One(v.one());
    Generator, v => Ret::Generator(v), Rets::One(v.one());
    Dims, v => Ret::Dims(v), Rets::One(v.one());
    Data, v => Ret::Data(v), Rets::One(v.one());
    Ret, v => v, Rets::One(v);
}
impl IntoOne for Tensor {
    #[inline(always)]
    fn one(self) -> Ret {
        Ret::Tensor(self)
    }
    fn list(all: Vec<Self>) -> Ret {
        Ret::Tensors(all)
    }
}
impl IntoRet for Tensor {
    #[inline(always)]
    fn put(self, out: &mut Rets) {
        put(out, Rets::Tensor(self));
    }
}
impl<T: Foreign> IntoOne for T {
    fn one(self) -> Ret {
        Ret::Object(Box::new(self))
    }
}
impl<T: Foreign> IntoRet for T {
    fn put(self, out: &mut Rets) {
        *out = Rets::One(self.one());
    }
}
impl<A: IntoOne> IntoOne for Vec<A> {
    fn one(self) -> Ret {
        A::list(self)
    }
}
impl<A: IntoOne> IntoRet for Vec<A> {
    fn put(self, out: &mut Rets) {
        *out = Rets::One(self.one());
    }
}
impl<A: IntoOne> IntoOne for Option<A> {
    fn one(self) -> Ret {
        self.map_or(Ret::Nil, A::one)
    }
}
impl<A: IntoOne> IntoRet for Option<A> {
    fn put(self, out: &mut Rets) {
        *out = Rets::One(self.one());
    }
}
impl<A: IntoOne, B: IntoOne> IntoRet for (A, B) {
    fn put(self, out: &mut Rets) {
        *out = Rets::Values(vec![self.0.one(), self.1.one()]);
    }
}
impl<A: IntoOne, B: IntoOne, C: IntoOne> IntoRet for (A, B, C) {
    fn put(self, out: &mut Rets) {
        *out = Rets::Values(vec![self.0.one(), self.1.one(), self.2.one()]);
    }
}

/// A value, or nil and a message: what functions give that ask the system.
pub struct Answer<T>(pub Result<T>);

impl<T: IntoRet> IntoRet for Answer<T> {
    #[inline(always)]
    fn put(self, out: &mut Rets) {
        match self.0 {
            Ok(v) => v.put(out),
            Err(e) => *out = Rets::Values(vec![Ret::Nil, e.to_string().one()]),
        }
    }
}

/// A typed function that can be called with [`Val`]s. `M` is its list of parameter types.
pub trait Typed<'a, M> {
    /// What a row says of the fields that it takes as a structure, its last parameter.
    const FIELDS: &'static str;
    /// Reads the arguments and runs it.
    fn run(self, c: &'a [&'a Val<'a>], out: &mut Rets) -> Option<Error>;
}

/// Reads the arguments of a call and runs the function.
#[inline(always)]
pub fn invoke<'a, M, F: Typed<'a, M>>(f: F, c: &'a [&'a Val<'a>], out: &mut Rets) -> Option<Error> {
    f.run(c, out)
}

#[cold]
fn row_error(i: usize) -> Option<Error> {
    Some(Error::invalid(format!("internal error: the row's parameter {} is not what the function takes", i + 1)))
}

/// The text of the structure among a function's parameters: only the last one can be a structure.
const fn last_fields(texts: &[&'static str]) -> &'static str {
    let mut i = 0;
    while i + 1 < texts.len() {
        assert!(texts[i].is_empty(), "fields as a structure have to be a kernel's last parameter");
        i += 1;
    }
    if texts.is_empty() { "" } else { texts[texts.len() - 1] }
}

macro_rules! typed {
    ($($a:ident)*) => {
        impl<'a, Func, R: IntoRet, $($a: Arg<'a>),*> Typed<'a, fn($($a),*) -> R> for Func
        where Func: Fn($($a),*) -> Result<R> {
            const FIELDS: &'static str = last_fields(&[$($a::FIELDS),*]);
            #[inline(always)]
            #[allow(unused_assignments, unused_mut, unused_variables)]
            fn run(self, c: &'a [&'a Val<'a>], out: &mut Rets) -> Option<Error> {
                if c.len() != 0 $(+ $a::COUNT)* { return row_error(c.len()); }
                let mut at = 0;
                let result = (self)($({
                    let v = match $a::get(&c[at..]) {
                        Some(Ok(v)) => v,
                        Some(Err(e)) => return Some(e),
                        None => return row_error(at),
                    };
                    at += $a::COUNT;
                    v
                }),*);
                match result {
                    Ok(r) => {
                        r.put(out);
                        None
                    }
                    Err(e) => Some(e),
                }
            }
        }
    };
}
typed!();
typed!(A);
typed!(A B);
typed!(A B C);
typed!(A B C D);
typed!(A B C D E);
typed!(A B C D E F);
typed!(A B C D E F G);
typed!(A B C D E F G H);
typed!(A B C D E F G H I);
typed!(A B C D E F G H I J);
typed!(A B C D E F G H I J K);
typed!(A B C D E F G H I J K L);
typed!(A B C D E F G H I J K L N);
typed!(A B C D E F G H I J K L N O);
typed!(A B C D E F G H I J K L N O P);
typed!(A B C D E F G H I J K L N O P Q);

/// A call form: its signature and its column of kernels.
pub struct Form {
    /// See `docs/rows.md`.
    pub sig: &'static str,
    /// A kernel for each element type that has the operation.
    pub column: Column,
    /// Whether compiled code calls it without leaving its trace: see [`traced`].
    pub traced: bool,
}

/// Where an operation appears.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// `torch.f` and `x:f`
    Both,
    /// `torch.f` alone
    Function,
    /// `x:f` alone
    Method,
    /// A method of storages
    Storage,
}

/// An operation: a name and its call forms.
pub struct Op {
    /// Its name in Lua.
    pub name: &'static str,
    /// Where it appears.
    pub place: Place,
    /// Its forms, tried in order.
    pub forms: &'static [Form],
}

/// The Rust methods of a Lua class.
pub struct Class {
    /// The class: `nn.Linear`.
    pub name: &'static str,
    /// Its methods.
    pub methods: &'static [(&'static str, &'static [Form])],
}

/// A call form of a row.
pub const fn form(sig: &'static str, column: Column) -> Form {
    Form { sig, column, traced: false }
}
/// A call form that LuaJIT's compiled code calls through ffi, without leaving its trace, when it is given tensors and
/// numbers alone. For calls that are often shorter than leaving a trace. It gives a number, a new tensor, or its first argument.
pub const fn traced(sig: &'static str, column: Column) -> Form {
    Form { sig, column, traced: true }
}
/// An operation in some place; the row macros below are made from it. Constant blocks keep the rows static.
#[macro_export]
macro_rules! row {
    ($place:ident, $name:expr, $($forms:expr),*) => {
        $crate::lua::call::Op {
            name: $name,
            place: $crate::lua::call::Place::$place,
            forms: &const { [$($forms),*] },
        }
    };
}
/// `torch.f` and `x:f`.
#[macro_export]
macro_rules! op {
    ($name:expr, &[$($f:expr),* $(,)?] $(,)?) => { $crate::row!(Both, $name, $($f),*) };
}
/// `torch.f` alone.
#[macro_export]
macro_rules! func {
    ($name:expr, &[$($f:expr),* $(,)?] $(,)?) => { $crate::row!(Function, $name, $($f),*) };
}
/// `x:f` alone.
#[macro_export]
macro_rules! method {
    ($name:expr, &[$($f:expr),* $(,)?] $(,)?) => { $crate::row!(Method, $name, $($f),*) };
}
/// `s:f` of storages alone.
#[macro_export]
macro_rules! storage_method {
    ($name:expr, &[$($f:expr),* $(,)?] $(,)?) => { $crate::row!(Storage, $name, $($f),*) };
}
/// The Rust methods of a class.
#[macro_export]
macro_rules! class {
    ($name:expr, &[$($m:expr),* $(,)?] $(,)?) => {
        $crate::lua::call::Class { name: $name, methods: &const { [$($m),*] } }
    };
}

/// Makes types objects of Lua's: `objects! { Type: "lua.Class", "Kind"; }`, where signatures write `object.Kind`.
#[macro_export]
macro_rules! objects {
    ($($t:ty: $class:expr, $kind:literal;)*) => { $(
        impl $crate::lua::call::Foreign for $t {
            fn class(&self) -> &'static str {
                $class
            }
            fn kind() -> &'static str {
                $kind
            }
        }
        impl<'a> $crate::lua::call::Arg<'a> for &'a $t {
            #[inline(always)]
            fn get(c: &'a [&'a $crate::lua::call::Val<'a>]) -> Option<$crate::tensor::error::Result<Self>> {
                $crate::lua::call::held(c[0])
            }
        }
    )* };
}

/// A method of a class with one call form; `..` at the end of its text stands for the fields that its kernels take.
#[macro_export]
macro_rules! form3 {
    ($name:expr, $sig:expr, $col:expr $(,)?) => {
        (
            $name,
            &const {
                const COLUMN: $crate::lua::column::Column = $col;
                [$crate::lua::call::Form { sig: $crate::signature!($sig, COLUMN), column: COLUMN, traced: false }]
            } as &'static [$crate::lua::call::Form],
        )
    };
}
