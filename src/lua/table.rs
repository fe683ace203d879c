//! Compiled operations: the rows of one name with all their patterns, ready for the trampoline.

use super::call::{Class, Form, Op};
use super::column::Column;
use super::sig::{self, Param, Pattern, Read, Style};
use crate::tensor::class::TensorClass;
use crate::tensor::error::{Error, singular};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// How the class of a call is found: the element type, and the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dispatch {
    /// From the arguments (functions of `torch`).
    First,
    /// As the first, and nil at the end counts as nothing (functions of other packages).
    Package,
    /// There is none (functions that ask the system).
    Untyped,
    /// There is none, and nil at the end counts as nothing (methods and makers of objects).
    Object,
    /// It is this one (methods).
    Fixed(TensorClass),
    /// It is this one, and argument 1 is the callable table itself (constructors).
    Call(TensorClass),
    /// From the tensors after `self` (methods of nn classes).
    Class,
}

/// A function as the trampoline runs it: its forms under a name.
pub struct Compiled {
    /// Its full name, for messages.
    pub name: String,
    /// How the element type is found.
    pub dispatch: Dispatch,
    /// What compiled code called it with last, and which pattern that was, for who calls it so to read and write.
    pub recent: AtomicU64,
    forms: Arc<Forms>,
}

/// The forms of a function, which the methods of all element types share.
#[derive(Default)]
pub struct Forms {
    /// Most arguments that a pattern takes.
    pub most: usize,
    /// Whether surplus arguments are ignored, as functions do that read their arguments one by one.
    pub surplus: bool,
    /// Whether arguments and parameters are so few that the trampoline's small arrays hold them.
    pub small: bool,
    /// The patterns to try for 0, 1, ... `most` arguments, and for more, in order.
    pub buckets: Vec<Vec<u16>>,
    /// Every pattern, in the order of trial.
    pub patterns: Vec<Pattern>,
    /// The parameters of each form.
    pub forms: Vec<Vec<Param>>,
    /// The kernels of each form.
    pub columns: Vec<Column>,
    /// Names of the fields of `self` that are read.
    pub fields: Vec<String>,
    /// How many arguments a call may have that compiled code makes without leaving its trace, if there is one.
    pub traced: Option<(usize, usize)>,
}

impl Deref for Compiled {
    type Target = Forms;
    #[inline(always)]
    fn deref(&self) -> &Forms {
        &self.forms
    }
}

impl Compiled {
    /// The same forms under another name.
    pub fn under(&self, name: String, dispatch: Dispatch) -> Compiled {
        Compiled { name, dispatch, recent: AtomicU64::new(0), forms: self.forms.clone() }
    }

    /// An error's text, with the function's name in front where the text does not say what it is about. `class` is the
    /// class of the object that a method was called with, which may have inherited it.
    #[cold]
    pub fn named(&self, class: Option<&str>, e: &Error) -> String {
        let text = singular(&e.to_string());
        if e.is_named() { text } else { format!("{}: {text}", class.unwrap_or_else(|| self.shown())) }
    }

    /// The class or package that has the function.
    pub fn owner(&self) -> &str {
        self.name.rsplit_once('.').map_or(&self.name, |(owner, _)| owner)
    }

    /// What users call the function: of torch and its objects the last name, of nn the class, of other packages all.
    fn shown(&self) -> &str {
        let (owner, last) = self.name.rsplit_once('.').unwrap_or(("", &self.name));
        match owner.split('.').next() {
            Some("nn") => owner,
            Some("torch") if !last.starts_with(char::is_uppercase) => last,
            _ => &self.name,
        }
    }
}

/// Arguments and parameters of a call that the trampoline keeps in small arrays: they cost time to set up.
pub const SMALL: usize = 7;

/// Most arguments of a call that compiled code makes without leaving its trace.
pub const MOST_TRACED: usize = 5;

/// Compiles the forms of one name.
///
/// # Errors
/// A signature that cannot be read, with the name in front.
pub fn compile(name: String, forms: &[Form], style: Style, dispatch: Dispatch) -> Result<Compiled, sig::Bad> {
    let forms = Arc::new(compile_forms(&name, forms, style)?);
    Ok(Compiled { name, dispatch, recent: AtomicU64::new(0), forms })
}

fn compile_forms(name: &str, forms: &[Form], style: Style) -> Result<Forms, sig::Bad> {
    let mut c = Forms::default();
    for (i, f) in forms.iter().enumerate() {
        let params = sig::parse(f.sig, style).map_err(|e| format!("{name}: '{}': {e}", f.sig))?;
        if params.len() > super::call::MAX_PARAMS {
            return Err(format!("{name}: more than {} parameters", super::call::MAX_PARAMS));
        }
        // lists of tensors are kept by place, the others by kind
        let lists = |read| params.iter().filter(|p| p.read == read).count();
        if [Read::Nested, Read::Dims, Read::Texts].into_iter().any(|read| lists(read) > 1) {
            return Err(format!("{name}: two lists of one kind"));
        }
        let mut patterns = sig::patterns(i, &params);
        // forms of one class method share their upvalues, so fields are numbered across all forms
        let base = c.fields.len() as u8;
        for p in &mut patterns {
            for step in &mut p.steps {
                if let sig::Fill::Field(n) = &mut step.fill {
                    *n += base;
                }
            }
        }
        c.most = patterns.iter().map(|p| p.nargs).fold(c.most, usize::max);
        if f.traced {
            for p in &patterns {
                let most = if p.rest == 0 { p.nargs.min(MOST_TRACED) } else { MOST_TRACED };
                c.traced = Some(c.traced.map_or((p.nargs, most), |(a, b)| (a.min(p.nargs), b.max(most))));
            }
        }
        c.surplus |= f.sig.ends_with(sig::SURPLUS);
        c.fields.extend(params.iter().filter(|p| p.field.is_some()).map(|p| p.name.clone()));
        c.patterns.append(&mut patterns);
        c.forms.push(params);
        c.columns.push(f.column);
    }
    c.small = c.forms.iter().all(|f| f.len() <= SMALL);
    let fits = |p: &Pattern, n| p.nargs == n || p.rest != 0 && p.nargs <= n;
    let bucket = |n| (0..c.patterns.len()).filter(|&i| fits(&c.patterns[i], n)).map(|i| i as u16).collect();
    c.buckets = (0..=c.most + 1).map(bucket).collect();
    Ok(c)
}

/// Whether any form of the operation exists for this class.
pub fn has(op: &Op, class: TensorClass) -> bool {
    op.forms.iter().any(|f| f.column.get(class).is_some())
}

/// Compiles the methods of a class.
///
/// # Errors
/// As [`compile`].
pub fn compile_class(class: &Class) -> Result<Vec<(&'static str, Compiled)>, sig::Bad> {
    let one = |&(name, forms): &(&'static str, &'static [Form])| {
        compile(format!("{}.{name}", class.name), forms, Style::Class, Dispatch::Class).map(|c| (name, c))
    };
    class.methods.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, e: Error) -> String {
        compile(name.into(), &[], Style::Method, Dispatch::First).unwrap().named(None, &e)
    }

    #[test]
    fn errors_name_their_function_once() {
        let plain = || Error::invalid("view: no");
        assert_eq!(named("torch.DoubleTensor.view", plain()), "view: view: no");
        assert_eq!(named("torch.view", Error::about("storage", "no")), "storage: no");
        assert_eq!(named("nn.Linear.updateOutput", plain()), "nn.Linear: view: no");
        assert_eq!(named("torch.IntTensor", plain()), "torch.IntTensor: view: no");
        assert_eq!(named("torch.File.seek", plain()), "seek: view: no");
        assert_eq!(named("image.scale", plain()), "image.scale: view: no");
    }
}
