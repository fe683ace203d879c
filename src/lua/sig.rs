//! Signatures: the text of a row turned into patterns that a call is matched against. See `docs/rows.md`.

use crate::tensor::class::TensorClass;
use crate::tensor::dtype::DType;

/// Bits that describe what a Lua value is. A tensor or storage has the bit of its class.
pub mod kind {
    use crate::tensor::class::{CLASSES, Device, TensorClass};
    use crate::tensor::dtype::{DTYPES, DType};
    /// nil
    pub const NIL: u64 = 1;
    /// number, or a string that reads as one
    pub const NUM: u64 = 1 << 1;
    /// string
    pub const STR: u64 = 1 << 2;
    /// table
    pub const TABLE: u64 = 1 << 3;
    /// boolean
    pub const BOOL: u64 = 1 << 4;
    /// anything else
    pub const OTHER: u64 = 1 << 5;
    /// torch.Generator
    pub const GEN: u64 = 1 << 6;
    /// a tensor of the call's class
    pub const T: u64 = 1 << 7;
    /// a storage of the call's class
    pub const S: u64 = 1 << 8;
    /// a number that is not a string
    pub const NUMBER: u64 = 1 << 9;
    /// a string that reads as a number
    pub const NUMERAL: u64 = 1 << 10;
    /// an object that holds a value of Rust's
    pub const OBJECT: u64 = 1 << 11;
    /// a tensor of another device in a call of host tensors, which nothing but copies takes
    pub const TENSOR_AWAY: u64 = 1 << 12;
    /// such a storage
    pub const STORAGE_AWAY: u64 = 1 << 13;
    /// The first bit of tensors; those of storages follow.
    const TENSORS: usize = 16;
    const STORAGES: usize = TENSORS + CLASSES;
    const _: () = assert!(STORAGES + CLASSES <= u64::BITS as usize, "kinds have no bits for so many classes");
    /// any tensor
    pub const TENSOR: u64 = ((1 << CLASSES) - 1) << TENSORS;
    /// tensors and storages of host memory
    const ON_HOST: u64 = ((1 << DTYPES) - 1) << TENSORS | ((1 << DTYPES) - 1) << STORAGES;
    /// any storage
    pub const STORAGE: u64 = ((1 << CLASSES) - 1) << STORAGES;
    /// any tensor, as signatures have it
    pub const ANY_TENSOR: u64 = TENSOR | TENSOR_AWAY;
    /// any storage, as signatures have it
    pub const ANY_STORAGE: u64 = STORAGE | STORAGE_AWAY;
    /// objects with a finaliser, which programs can call
    pub const FINALIZED: u64 = ANY_STORAGE | GEN | OBJECT;
    /// what has a meaning outside of Lua: all but tables, functions and the like
    pub const VALUE: u64 = NIL | STR | BOOL | NUMBER | ANY_TENSOR | ANY_STORAGE | OBJECT;
    /// The bit of tensors of one class.
    pub const fn tensor(class: TensorClass) -> u64 {
        tensor_numbered(class.index())
    }
    /// The bit of storages of one class.
    pub const fn storage(class: TensorClass) -> u64 {
        storage_numbered(class.index())
    }
    /// The bit of tensors of the class with this number.
    #[inline(always)]
    pub const fn tensor_numbered(class: usize) -> u64 {
        1 << (TENSORS + class)
    }
    /// The bit of storages of the class with this number.
    #[inline(always)]
    pub const fn storage_numbered(class: usize) -> u64 {
        1 << (STORAGES + class)
    }
    /// The bits of tensors of a type, wherever they lie.
    pub fn tensors(dtype: DType) -> u64 {
        of_type(dtype).map(tensor).sum()
    }
    /// The bits of storages of a type, wherever they lie.
    pub fn storages(dtype: DType) -> u64 {
        of_type(dtype).map(storage).sum()
    }
    fn of_type(dtype: DType) -> impl Iterator<Item = TensorClass> {
        TensorClass::ALL.into_iter().filter(move |c| c.dtype == dtype)
    }
    /// The class of a tensor or a storage with these bits.
    #[inline(always)]
    pub const fn class(k: u64) -> Option<TensorClass> {
        let bits = ((k & TENSOR) >> TENSORS) | ((k & STORAGE) >> STORAGES);
        if bits == 0 { None } else { Some(TensorClass::ALL[bits.trailing_zeros() as usize % CLASSES]) }
    }
    /// The bits with which a value takes part in a call of a class. Host tensors have no indices, masks and labels on
    /// another device; those of another device may be the host's.
    #[inline(always)]
    pub const fn in_call(k: u64, class: TensorClass) -> u64 {
        let away = k & (TENSOR | STORAGE) & !ON_HOST;
        if away == 0 || !matches!(class.device, Device::Host) {
            return k | of_call(k, class);
        }
        k & !away | if away & TENSOR != 0 { TENSOR_AWAY } else { STORAGE_AWAY }
    }
    /// The bits that mean "of the call's class", for a value with these bits.
    #[inline(always)]
    pub const fn of_call(k: u64, class: TensorClass) -> u64 {
        let (t, s) = ((k >> (TENSORS + class.index())) & 1, (k >> (STORAGES + class.index())) & 1);
        (t * T) | (s * S)
    }
}

/// How an argument is read once a pattern has been chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Read {
    /// As its Lua type says.
    Plain,
    /// Every number from here on, or one LongStorage.
    Dims,
    /// A table of tensors.
    Tensors,
    /// A nested table of numbers.
    Nested,
    /// A string, or a number as one.
    Text,
    /// Every string or number from here on.
    Texts,
}

impl Read {
    /// Whether the argument is gathered into a list before the call.
    pub fn is_list(self) -> bool {
        !matches!(self, Read::Plain | Read::Text)
    }
}

/// What stands in for a parameter that a call leaves out.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Fill {
    /// The argument at this position, from 0.
    Stack(u8),
    /// A fresh tensor on the call's device; of this type, or of the call's.
    Fresh(Option<DType>),
    /// A number.
    Num(f64),
    /// A boolean.
    Bool(bool),
    /// nil
    Nil,
    /// The default generator of the call's device, in forms with tensors of the call's class.
    Gen,
    /// The default generator of the host, in forms that are about numbers alone.
    HostGen,
    /// The call's class.
    Class,
    /// The field of `self` with this number.
    Field(u8),
}

/// A parameter of a signature.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// The kinds it takes.
    pub accept: u64,
    /// How it is read.
    pub read: Read,
    /// Whether it is handed back.
    pub returned: bool,
    /// What stands in when it is left out, in methods and in functions.
    pub absent: Option<Fill>,
    /// Whether it is a field of `self`, and whether that is made when nil.
    pub field: Option<bool>,
    /// The kind as written.
    pub kind: String,
}

impl Param {
    /// Whether a call can give it.
    pub fn is_argument(&self) -> bool {
        self.field.is_none() && self.absent != Some(Fill::Class)
    }
}

/// Where a parameter of a pattern comes from, with all that the trampoline needs to know of it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Step {
    /// The source.
    pub fill: Fill,
    /// How an argument is read.
    pub read: Read,
    /// Whether a string stands for the number that it spells.
    pub number: bool,
}

/// One way of calling: which argument goes to which parameter.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// Which form of the operation.
    pub form: usize,
    /// Number of arguments; with `rest`, the least number.
    pub nargs: usize,
    /// Where the last argument takes all that follow: what these may be. Otherwise 0.
    pub rest: u64,
    /// What each argument may be.
    pub accept: Vec<u64>,
    /// Where each parameter comes from.
    pub steps: Vec<Step>,
    /// A bit for each parameter that is handed back.
    pub returns: u32,
    /// Whether any argument is a list.
    pub lists: bool,
    /// Whether something of the arguments may change while results and fields are made: an object that a program can
    /// finalise, or a number that becomes a string, which may run the collector.
    pub unsettled: bool,
    /// Whether the parameters are the arguments as they are, in their order.
    pub direct: bool,
}

/// Where a function is called from, which decides what may be left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// `torch.f(...)`
    Function,
    /// `x:f(...)`
    Method,
    /// `module:f(...)`, with fields of `self`
    Class,
}

/// A signature that cannot be read; only a wrong row causes it.
pub type Bad = String;

/// Reads a signature.
///
/// # Errors
/// What is wrong with it.
pub fn parse(sig: &str, style: Style) -> Result<Vec<Param>, Bad> {
    let selfish = style == Style::Method && sig.contains("@1");
    let words = sig.strip_suffix(SURPLUS).unwrap_or(sig).split_whitespace();
    words.map(|word| parse_param(word, style, selfish)).collect()
}

/// What a signature ends with whose function ignores surplus arguments.
pub const SURPLUS: &str = " ...";

fn parse_param(word: &str, style: Style, selfish: bool) -> Result<Param, Bad> {
    let (head, kind) = word.split_once(':').ok_or_else(|| format!("parameter '{word}' has no kind"))?;
    let (kind, default) = match kind.split_once('=') {
        Some((k, d)) => (k, Some(d)),
        None => (kind, None),
    };
    let make = head.starts_with('+');
    let head = head.trim_start_matches('+');
    let returned = head.starts_with('*');
    let head = head.trim_start_matches('*');
    let make = make || head.starts_with('+');
    let head = head.trim_start_matches('+');
    let is_field = head.starts_with('.');
    let head = head.trim_start_matches('.');
    let result = head.contains('?');
    let alias = head.contains("@1");
    let name = head.trim_end_matches("@1").trim_end_matches('?').to_string();
    let (accept, read) = accepts(kind)?;
    let fresh = Fill::Fresh(DType::ALL.into_iter().find(|d| d.name() == kind));
    let absent = if let Some(d) = default {
        Some(parse_default(d)?)
    } else if kind == "gen" {
        Some(Fill::Gen)
    } else if kind == "class" {
        Some(Fill::Class)
    } else if result && !selfish {
        Some(fresh)
    } else if alias && style == Style::Method {
        Some(Fill::Stack(0))
    } else {
        None
    };
    let field = is_field.then_some(make);
    Ok(Param { name, accept, read, returned, absent, field, kind: kind.to_string() })
}

/// What the kinds of objects begin with.
const OBJECT: &str = "object.";

fn parse_default(d: &str) -> Result<Fill, Bad> {
    Ok(match d {
        "nil" => Fill::Nil,
        "true" => Fill::Bool(true),
        "false" => Fill::Bool(false),
        n => Fill::Num(n.parse().map_err(|_| format!("default '{n}' is not a number"))?),
    })
}

fn accepts(kind: &str) -> Result<(u64, Read), Bad> {
    let bits = match kind {
        "T" => kind::T,
        "S" => kind::S,
        "tensor" => kind::ANY_TENSOR,
        "storage" => kind::ANY_STORAGE,
        // what the boundary knows by itself: no argument is one
        "class" => 0,
        "T[]" => return Ok((kind::TABLE, Read::Tensors)),
        "nested" => return Ok((kind::TABLE, Read::Nested)),
        "dims" => return Ok((kind::NUMBER | kind::storages(DType::Long), Read::Dims)),
        "real" | "num" | "long" | "index" => kind::NUM,
        "bool" => kind::BOOL,
        "nil" => kind::NIL,
        "str" => kind::STR,
        "text" => return Ok((kind::STR | kind::NUMBER, Read::Text)),
        "texts" => return Ok((kind::STR | kind::NUMBER, Read::Texts)),
        "gen" => kind::GEN,
        "value" => kind::VALUE,
        name if name.starts_with(OBJECT) => kind::OBJECT,
        name => {
            let (short, storage) = match name.strip_suffix("Storage") {
                Some(s) => (s, true),
                None => (name, false),
            };
            let d = DType::ALL.into_iter().find(|d| d.name() == short);
            let d = d.ok_or_else(|| format!("unknown kind '{name}'"))?;
            if storage { kind::storages(d) } else { kind::tensors(d) }
        }
    };
    Ok((bits, Read::Plain))
}

/// All ways of calling a form: every choice of optional parameters, fullest last.
pub fn patterns(form: usize, params: &[Param]) -> Vec<Pattern> {
    let on_device = params.iter().any(|p| p.accept & kind::T != 0);
    let optional: Vec<usize> =
        (0..params.len()).filter(|&i| params[i].absent.is_some() && params[i].is_argument()).collect();
    let mut all: Vec<Pattern> = (0..1u32 << optional.len())
        .map(|bits| {
            let mut p = Pattern {
                form,
                nargs: 0,
                rest: 0,
                accept: vec![],
                steps: vec![],
                returns: 0,
                lists: false,
                unsettled: false,
                direct: false,
            };
            let mut fields = 0;
            for (i, q) in params.iter().enumerate() {
                p.returns |= u32::from(q.returned) << i;
                let mut step = |fill| {
                    let fill = if fill == Fill::Gen && !on_device { Fill::HostGen } else { fill };
                    p.steps.push(Step { fill, read: q.read, number: q.accept & kind::NUM != 0 });
                };
                let given = optional.iter().position(|&o| o == i).is_none_or(|b| bits >> b & 1 == 1);
                let dies = q.accept & kind::FINALIZED != 0 || q.read == Read::Dims;
                p.unsettled |= (dies && given) || matches!(q.read, Read::Text | Read::Texts);
                if q.field.is_some() {
                    step(Fill::Field(fields));
                    fields += 1;
                    continue;
                }
                if let Some(Fill::Class) = q.absent {
                    step(Fill::Class);
                    continue;
                }
                match q.absent {
                    Some(fill) if !given => step(fill),
                    _ => {
                        step(Fill::Stack(p.nargs as u8));
                        p.accept.push(q.accept);
                        p.nargs += 1;
                        match q.read {
                            Read::Dims => p.rest = kind::NUM,
                            Read::Texts => p.rest = q.accept,
                            _ => {}
                        }
                        p.lists |= q.read.is_list();
                    }
                }
            }
            let own = |(i, s): (usize, &Step)| s.read == Read::Plain && s.fill == Fill::Stack(i as u8);
            p.direct = p.steps.iter().enumerate().all(own);
            p
        })
        .collect();
    all.sort_by_key(|p| p.nargs);
    all
}

/// A form as the error message shows it: optional parameters in brackets, returned ones in stars.
pub fn help(params: &[Param], class: TensorClass) -> String {
    let tensor = |name: &str| format!("{name}Tensor");
    let one = |p: &Param| {
        let text = match p.kind.as_str() {
            "T" => tensor(class.name()),
            "real" if class.dtype.is_float() => class.dtype.name().to_lowercase(),
            "num" => "double".into(),
            "dims" => "(LongStorage | dim1 [dim2...])".into(),
            "T[]" => format!("{{{}+}}", tensor(class.name())),
            "tensor" => "Tensor".into(),
            "gen" => "Generator".into(),
            "str" | "text" => "string".into(),
            "texts" => "string1 [string2...]".into(),
            "bool" => "boolean".into(),
            "real" | "long" | "index" => p.kind.clone(),
            k if DType::ALL.iter().any(|d| d.name() == k) => tensor(k),
            k => k.trim_start_matches(OBJECT).into(),
        };
        let text = if p.returned { format!("*{text}*") } else { text };
        if p.absent.is_some() { format!("[{text}]") } else { text }
    };
    params.iter().filter(|p| p.is_argument()).map(one).collect::<Vec<_>>().join(" ")
}

/// A form as the help shows it: every parameter with its name and kind, optional ones in brackets, and what is handed
/// back. `(x: Tensor, [dim: number = 1]) -> res`.
pub fn usage(params: &[Param]) -> String {
    let one = |p: &Param| {
        let kind = match p.kind.as_str() {
            "T" | "tensor" => "Tensor".into(),
            "S" | "storage" => "Storage".into(),
            "T[]" => "table of Tensors".into(),
            "nested" => "table of numbers".into(),
            "dims" => "numbers or LongStorage".into(),
            "real" | "num" | "long" | "index" => "number".into(),
            "bool" => "boolean".into(),
            "str" | "text" => "string".into(),
            "texts" => "strings".into(),
            "gen" => "Generator".into(),
            k if DType::ALL.iter().any(|d| d.name() == k) => format!("{k}Tensor"),
            k => k.trim_start_matches(OBJECT).to_string(),
        };
        let default = match p.absent {
            Some(Fill::Num(n)) => format!(" = {n}"),
            Some(Fill::Bool(b)) => format!(" = {b}"),
            _ => String::new(),
        };
        let text = format!("{}: {kind}{default}", p.name);
        if p.absent.is_some() { format!("[{text}]") } else { text }
    };
    let given: Vec<String> = params.iter().filter(|p| p.is_argument()).map(one).collect();
    let back: Vec<&str> = params.iter().filter(|p| p.returned).map(|p| p.name.as_str()).collect();
    let back = if back.is_empty() { String::new() } else { format!(" -> {}", back.join(", ")) };
    format!("({}){back}", given.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_names_every_parameter() {
        let p = parse("*values?:T *places?:Long x:T dim:index=1 down:bool=false", Style::Function).unwrap();
        let text = "([values: Tensor], [places: LongTensor], x: Tensor, [dim: number = 1], [down: boolean = false]) \
                    -> values, places";
        assert_eq!(usage(&p), text);
        assert_eq!(usage(&parse("d:dims", Style::Method).unwrap()), "(d: numbers or LongStorage)");
    }

    fn fills(p: &Pattern) -> Vec<Fill> {
        p.steps.iter().map(|s| s.fill).collect()
    }

    #[test]
    fn a_method_takes_self_as_result() {
        let p = parse("*res?:T x@1:T v:real", Style::Method).unwrap();
        let all = patterns(0, &p);
        assert_eq!(all.len(), 2);
        assert_eq!(fills(&all[0]), [Fill::Stack(0), Fill::Stack(0), Fill::Stack(1)]);
        let f = patterns(0, &parse("*res?:T x@1:T v:real", Style::Function).unwrap());
        assert_eq!(fills(&f[0]), [Fill::Fresh(None), Fill::Stack(0), Fill::Stack(1)]);
    }

    #[test]
    fn fields_take_no_argument() {
        let p = parse("input:T *.output:T .bias:T=nil +.finput:T", Style::Class).unwrap();
        assert_eq!(p[3].field, Some(true));
        let all = patterns(0, &p);
        assert_eq!((all.len(), all[0].nargs), (1, 1));
    }

    #[test]
    fn wrong_rows_are_told() {
        assert!(parse("x", Style::Function).is_err());
        assert!(parse("x:Quad", Style::Function).is_err());
    }
}
