//! Compiled operations: the rows of one name with all their patterns, ready for the trampoline.

use super::call::{Class, Form, Op};
use super::column::Column;
use super::sig::{self, Param, Pattern, Style};
use crate::tensor::class::TensorClass;

/// How the class of a call is found: the element type, and the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dispatch {
    /// From the arguments (functions of `torch`).
    First,
    /// As the first, and nil at the end counts as nothing (functions of other packages).
    Package,
    /// It is this one (methods).
    Fixed(TensorClass),
    /// It is this one, and argument 1 is the callable table itself (constructors).
    Call(TensorClass),
    /// From the tensors after `self` (methods of nn classes).
    Class,
}

/// A function as the trampoline runs it.
pub struct Compiled {
    /// Its full name, for messages.
    pub name: String,
    /// How the element type is found.
    pub dispatch: Dispatch,
    /// Most arguments that a pattern takes.
    pub most: usize,
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
}

impl Compiled {
    /// An error's text, with the function's name in front (for nn the class's) where the text does not tell it.
    #[cold]
    pub fn named(&self, text: &str) -> String {
        let (owner, last) = self.name.rsplit_once('.').unwrap_or(("", &self.name));
        let shown = match owner.starts_with("nn.") {
            true => owner,
            false if self.dispatch == Dispatch::Package => &self.name,
            false if last.starts_with(char::is_uppercase) => &self.name,
            false => last,
        };
        let own = shown.rsplit('.').next().unwrap_or(shown);
        let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
        let told = text.split(|c| !part_of_name(c)).any(|word| word == own);
        let headed = text.split_once(": ").is_some_and(|(head, _)| head.chars().all(|c| part_of_name(c) || c == '.'));
        if told || headed { text.into() } else { format!("{shown}: {text}") }
    }
}

/// Arguments and parameters of a call that the trampoline keeps in small arrays: they cost time to set up.
pub const SMALL: usize = 7;

/// Compiles the forms of one name.
///
/// # Errors
/// A signature that cannot be read, with the name in front.
pub fn compile(name: String, forms: &[Form], style: Style, dispatch: Dispatch) -> Result<Compiled, sig::Bad> {
    let mut c = Compiled {
        name,
        dispatch,
        most: 0,
        small: true,
        buckets: vec![],
        patterns: vec![],
        forms: vec![],
        columns: vec![],
        fields: vec![],
    };
    for (i, f) in forms.iter().enumerate() {
        let params = sig::parse(f.sig, style).map_err(|e| format!("{}: '{}': {e}", c.name, f.sig))?;
        if params.len() > super::call::MAX_PARAMS {
            return Err(format!("{}: more than {} parameters", c.name, super::call::MAX_PARAMS));
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
        c.fields.extend(params.iter().filter(|p| p.field.is_some()).map(|p| p.name.clone()));
        c.patterns.append(&mut patterns);
        c.forms.push(params);
        c.columns.push(f.column);
    }
    c.small = c.forms.iter().all(|f| f.len() <= SMALL);
    let fits = |p: &Pattern, n| p.nargs == n || p.rest && p.nargs <= n;
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

    fn named(name: &str, text: &str) -> String {
        compile(name.into(), &[], Style::Method, Dispatch::First).unwrap().named(text)
    }

    #[test]
    fn errors_name_their_function_once() {
        let told = ["view: too short", "expected view operands", "fmod: division by zero", "storage.copy: no"];
        for text in told {
            assert_eq!(named("torch.DoubleTensor.view", text), text);
        }
        assert_eq!(named("torch.DoubleTensor.view", "Wrong size"), "view: Wrong size");
        assert_eq!(named("torch.DoubleTensor.t", "out of range: index 0"), "t: out of range: index 0");
        assert_eq!(named("nn.Linear.updateOutput", "target 3 of 2"), "nn.Linear: target 3 of 2");
        assert_eq!(named("torch.IntTensor", "invalid table: no"), "torch.IntTensor: invalid table: no");
    }
}
