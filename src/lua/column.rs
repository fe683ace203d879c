//! Columns: the kernels of a call form, one for each class that has it. How they lie is known here alone.

use super::call::{Kernel, Typed};
use crate::tensor::class::{Device, KERNELS, TensorClass};
use crate::tensor::dtype::{DTYPES, DType, Family};

/// The kernels of a call form, for tensors in the memory of this process unless [`Column::same`] or [`Column::on`] says
/// otherwise. `ints!(f)` and its kin make columns, [`Column::or`] puts them together.
#[derive(Clone, Copy)]
pub struct Column {
    kernels: [Option<Kernel>; KERNELS],
    /// What the row says of the fields that the kernels take as a structure; empty without one.
    pub fields: &'static str,
}

impl Column {
    /// No kernel for any class.
    pub const NONE: Column = Column { kernels: [None; KERNELS], fields: "" };

    /// One kernel for every class, on other devices too: it looks at shapes alone, or has its error from the gate to host
    /// memory.
    pub const fn same((kernel, fields): (Kernel, &'static str)) -> Column {
        Column { kernels: [Some(kernel); KERNELS], fields }
    }

    /// With this kernel for a type, which takes these fields.
    pub const fn with(mut self, dtype: DType, (kernel, fields): (Kernel, &'static str)) -> Column {
        self.kernels[TensorClass::host(dtype).kernel()] = Some(kernel);
        self.fields = fields;
        self
    }

    /// With the kernels of another column for classes that have none in this one.
    pub const fn or(mut self, other: Column) -> Column {
        let mut i = 0;
        while i < KERNELS {
            if self.kernels[i].is_none() {
                self.kernels[i] = other.kernels[i];
            }
            i += 1;
        }
        self
    }

    /// The kernels of these types alone.
    pub const fn only(mut self, types: &[DType]) -> Column {
        let mut i = 0;
        while i < KERNELS {
            let (mut named, mut k) = (false, 0);
            while k < types.len() {
                named |= types[k].index() == i % DTYPES;
                k += 1;
            }
            if !named {
                self.kernels[i] = None;
            }
            i += 1;
        }
        self
    }

    /// The kernels of a family alone.
    pub const fn of(mut self, family: Family) -> Column {
        let mut i = 0;
        while i < KERNELS {
            if DType::ALL[i % DTYPES].family() as u8 != family as u8 {
                self.kernels[i] = None;
            }
            i += 1;
        }
        self
    }

    /// The kernels of host tensors as those of a device with a memory of its own, and no others:
    /// `all!(f).or(all!(g).on(device))`.
    pub const fn on(self, device: Device) -> Column {
        let (mut moved, mut i) = (Column { kernels: [None; KERNELS], ..self }, 0);
        while i < DTYPES {
            let dtype = DType::ALL[i];
            moved.kernels[TensorClass { dtype, device }.kernel()] = self.get(TensorClass::host(dtype));
            i += 1;
        }
        moved
    }

    /// The kernel for a class.
    #[inline(always)]
    pub const fn get(&self, class: TensorClass) -> Option<Kernel> {
        self.kernels[class.kernel()]
    }

    /// The classes that have a kernel, with it; a device in host memory has those of host tensors, which stand for it.
    pub fn iter(&self) -> impl Iterator<Item = (TensorClass, Kernel)> {
        let own = |c: &TensorClass| c.device == Device::Host || !c.in_host_memory();
        TensorClass::ALL.into_iter().filter(own).filter_map(|c| Some((c, self.get(c)?)))
    }
}

/// The text of the fields that a function takes.
pub const fn fields_of<'a, M, F: Typed<'a, M>>(_: &F) -> &'static str {
    F::FIELDS
}

/// A row's text, whose last word `..` stands for the fields that its kernels take.
#[macro_export]
macro_rules! signature {
    ($sig:expr, $column:expr) => {{
        const SIG: &str = $sig;
        const FIELDS: &str = $column.fields;
        const BEFORE: &str = $crate::lua::column::before_fields(SIG, FIELDS);
        $crate::join!("", BEFORE, FIELDS)
    }};
}

/// A row's text without the `..` at its end, which has to be there where, and only where, its kernels take fields.
pub const fn before_fields(sig: &'static str, fields: &str) -> &'static str {
    let text = sig.as_bytes();
    let n = text.len();
    let dots = n >= 2 && text[n - 1] == b'.' && text[n - 2] == b'.';
    assert!(dots || fields.is_empty(), "the kernel takes fields as a structure: end the row's text with `..`");
    assert!(!dots || !fields.is_empty(), "`..` stands for a structure of fields, and the kernel takes none");
    if dots { sig.split_at(n - 2).0 } else { sig }
}

/// A typed function behind the common type, and the fields that it takes.
#[macro_export]
macro_rules! kernel {
    ($f:expr) => {{
        let k: $crate::lua::call::Kernel = |c, out| $crate::lua::call::invoke($f, c, out);
        (k, $crate::lua::column::fields_of(&$f))
    }};
}

/// A column of one generic function for some families of types.
#[macro_export]
macro_rules! column {
    ([$set:ident $f:tt] $($v:ident $t:ident $n:literal $fam:ident $pixel:tt,)*) => {{
        let column = $crate::lua::column::Column::NONE;
        $(let column = $crate::column!(@$set $fam $pixel column $v $f);)*
        column
    }};
    (@all storage_only $pixel:tt $c:ident $v:ident $f:tt) => { $c };
    (@all $fam:ident $pixel:tt $($kernel:tt)+) => { $crate::column!(@with $($kernel)+) };
    (@every $fam:ident $pixel:tt $($kernel:tt)+) => { $crate::column!(@with $($kernel)+) };
    (@ints integer $pixel:tt $($kernel:tt)+) => { $crate::column!(@with $($kernel)+) };
    (@floats floating $pixel:tt $($kernel:tt)+) => { $crate::column!(@with $($kernel)+) };
    (@pixels $fam:ident pixel $($kernel:tt)+) => { $crate::column!(@with $($kernel)+) };
    (@$set:ident $fam:ident $pixel:tt $c:ident $v:ident $f:tt) => { $c };
    (@with $c:ident $v:ident [$($f:tt)+]) => {
        $c.with($crate::tensor::dtype::DType::$v, $crate::kernel!($($f)+::<$crate::tensor::dtype::types::$v>))
    };
}

/// The column of a function for every type with arithmetic.
#[macro_export]
macro_rules! all {
    ($($f:ident)::+) => { $crate::for_each_dtype!($crate::column [all [$($f)::+]]) };
}
/// The column of a function for all types.
#[macro_export]
macro_rules! every {
    ($($f:ident)::+) => { $crate::for_each_dtype!($crate::column [every [$($f)::+]]) };
}
/// The column of a function for the integer types.
#[macro_export]
macro_rules! ints {
    ($($f:ident)::+) => { $crate::for_each_dtype!($crate::column [ints [$($f)::+]]) };
}
/// The column of a function for Float and Double.
#[macro_export]
macro_rules! floats {
    ($($f:ident)::+) => { $crate::for_each_dtype!($crate::column [floats [$($f)::+]]) };
}
/// The column of a function for the types of pictures.
#[macro_export]
macro_rules! pixels {
    ($($f:ident)::+) => { $crate::for_each_dtype!($crate::column [pixels [$($f)::+]]) };
}
/// The column of a function for Half, which is not generic.
#[macro_export]
macro_rules! half {
    ($f:expr) => {
        $crate::lua::column::Column::NONE.with($crate::tensor::dtype::DType::Half, $crate::kernel!($f))
    };
}
/// The column of a function that is the same for every class.
#[macro_export]
macro_rules! any {
    ($f:expr) => {
        $crate::lua::column::Column::same($crate::kernel!($f))
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lua::call::{Form, Rets, Val};
    use crate::lua::sig::{self, Fill, Style};
    use crate::tensor::Tensor;
    use crate::tensor::dtype::Real;
    use crate::tensor::error::Result;

    crate::fields! {
        /// A window.
        struct Window<'a, T> {
            /// Its width.
            width: i64 = ".kW:long",
            /// A weight for each of its elements.
            weights: Option<&'a Tensor> = ".weights:T=nil",
            /// What is outside.
            outside: T = ".value:real=7",
        }
    }
    crate::fields! {
        /// A window, and whether it hangs over the end.
        struct Hanging<'a, T> {
            /// Whether it does.
            ceil: bool = ".ceil_mode:bool=false",
            /// The window.
            window: Window<'a, T> = Window::<u8>::TEXT,
            /// A place.
            at: usize = ".at:index",
        }
    }

    fn kernel<T: Real>(x: &Tensor, fields: Hanging<T>) -> Result<f64> {
        let Hanging { ceil, window, at } = fields;
        assert!(ceil && window.weights.is_none() && at == 2 && x.numel() == 0);
        Ok(window.width as f64 * 100.0 + window.outside.to_f64())
    }
    static METHOD: (&str, &[Form]) = crate::form3!("updateOutput", "input:T ..", crate::floats!(kernel));

    #[test]
    fn fields_reach_the_kernel_by_name() {
        let form = &METHOD.1[0];
        assert_eq!(form.sig, "input:T .ceil_mode:bool=false .kW:long .weights:T=nil .value:real=7 .at:index");
        let x = Tensor::empty(DType::Float);
        let given =
            [("kW", Val::Num(5.0)), ("ceil_mode", Val::Bool(true)), ("at", Val::Num(3.0)), ("input", Val::Tensor(&x))];
        let value = |p: &sig::Param| match given.iter().find(|(name, _)| *name == p.name) {
            Some((_, v)) => *v,
            None => match p.absent {
                Some(Fill::Num(n)) => Val::Num(n),
                _ => Val::Nil,
            },
        };
        let values: Vec<Val> = sig::parse(form.sig, Style::Class).unwrap().iter().map(value).collect();
        let args: Vec<&Val> = values.iter().collect();
        let mut rets = Rets::Args;
        assert!(form.column.get(DType::Float.into()).unwrap()(&args, &mut rets).is_none());
        assert!(matches!(rets, Rets::Num(507.0)));
        assert!(form.column.get(DType::Float.into()).unwrap()(&args[1..], &mut rets).is_some());
    }

    #[test]
    fn columns_are_put_together() {
        const BYTES: Column = crate::all!(kernel).only(&[DType::Byte, DType::Char]);
        const ALL: Column = BYTES.or(crate::floats!(kernel)).or(crate::half!(|x: &Tensor| Ok(x.numel())));
        let types = |c: Column| c.iter().map(|(c, _)| c.dtype).collect::<Vec<_>>();
        assert_eq!(types(BYTES), [DType::Byte, DType::Char]);
        assert_eq!(types(ALL), [DType::Byte, DType::Char, DType::Float, DType::Double, DType::Half]);
        assert_eq!(types(crate::all!(kernel).of(Family::Integer)).len(), 5);
        assert_eq!(types(crate::any!(|x: &Tensor| Ok(x.numel()))).len(), KERNELS);
        assert_eq!(types(Column::NONE), []);

        // a second device has what is put there, and nothing by itself
        const BOTH: Column = ALL.or(crate::floats!(kernel).on(Device::Mirror));
        let mirror = |dtype| TensorClass { dtype, device: Device::Mirror };
        assert!(BOTH.get(mirror(DType::Float)).is_some() && BOTH.get(mirror(DType::Byte)).is_none());
        assert!(DType::ALL.into_iter().all(|d| ALL.get(mirror(d)).is_none()));
        assert_eq!(BOTH.iter().count(), 7);
    }
}
