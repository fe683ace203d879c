//! `x[key]` and `x[key] = value`: what each kind of key means.

use crate::tensor::Tensor;
use crate::tensor::check;
use crate::tensor::class::Device;
use crate::tensor::dtype::{DType, Element};
use crate::tensor::error::{Error, Kind, Result};
use crate::tensor::layout::Layout;
use crate::tensor::ops::{copy, index};
use crate::tensor::sharing;
use crate::{demand, refuse, with_dtype};
use smallvec::{SmallVec, smallvec};

/// One entry of a `{...}` key.
#[derive(Debug, Clone, Copy)]
pub enum Spec {
    /// A number: the dimension goes away.
    At(i64),
    /// `{first, last}`: the dimension stays; missing ends are the whole, a missing `last` is `first`.
    Range(Option<i64>, Option<i64>),
}

/// The entries of a key. Few tensors have more dimensions than fit in place.
pub type Specs = SmallVec<[Spec; 6]>;

/// A key that stands for elements.
pub enum Key<'a> {
    /// A number.
    Number(f64),
    /// A LongStorage with an index per dimension.
    Indices(Vec<i64>),
    /// A table.
    Table(Specs),
    /// A ByteTensor: the elements where it is not 0.
    Mask(&'a Tensor),
}

impl Key<'_> {
    /// The lock of its elements: see [`sharing`].
    fn lock(&self) -> u64 {
        if let Key::Mask(mask) = self { mask.lock() } else { 0 }
    }
}

/// What a key reads.
pub enum Got {
    /// A single element.
    Num(f64),
    /// A view, or the masked elements.
    Tensor(Tensor),
}

/// What is assigned.
pub enum Value<'a> {
    /// A number.
    Num(f64),
    /// A tensor of any type.
    Tensor(&'a Tensor),
}

/// The rule for an index: 1-based, negative from the end, truncated. Its 0-based place in a dimension; none outside.
#[inline(always)]
pub fn inside(i: f64, size: usize) -> Option<usize> {
    let i = i as i64;
    let at = if i < 0 { size as i64 + i } else { i - 1 };
    (at >= 0 && (at as usize) < size).then_some(at as usize)
}

/// Where the element with these indices, one for each dimension, lies in its storage.
#[inline(always)]
pub fn position<const N: usize>(t: &Tensor, indices: [f64; N]) -> Option<usize> {
    position_of(t, N, |d| Some(indices[d]))
}

/// As [`position`], of `n` indices, of which `index` gives that of a dimension, where it is a number.
#[inline(always)]
pub fn position_of(t: &Tensor, n: usize, index: impl Fn(usize) -> Option<f64>) -> Option<usize> {
    if t.ndim() != n || n == 0 {
        return None;
    }
    let mut at = t.offset() as isize;
    for d in 0..n {
        at += inside(index(d)?, t.size(d))? as isize * t.stride(d);
    }
    usize::try_from(at).ok()
}

/// Storage element `at` as a number, where getting there is simple; [`at`] has all others.
#[inline(always)]
pub fn open_at(t: &Tensor, at: usize) -> Option<f64> {
    // conversions of Half may be calls, which this is to be without
    with_dtype!(t.dtype(), T => match T::DTYPE {
        DType::Half => None,
        _ => t.open_element::<T>(at).map(Element::to_f64),
    })
}

/// Writes storage element `at`, where getting there is simple; whether it did.
#[inline(always)]
pub fn open_put(t: &Tensor, at: usize, v: f64) -> bool {
    with_dtype!(t.dtype(), T => match T::DTYPE {
        DType::Half => false,
        _ => t.set_open_element::<T>(at, <T as Element>::from_f64(v)),
    })
}

/// Storage element `at` as a number; none outside the storage.
#[inline(never)]
pub fn at(t: &Tensor, at: usize) -> Option<f64> {
    with_dtype!(t.dtype(), T => t.element::<T>(at).map(Element::to_f64))
}

/// Writes storage element `at`; false outside the storage.
#[inline(never)]
pub fn put(t: &Tensor, at: usize, v: f64) -> bool {
    with_dtype!(t.dtype(), T => t.set_element::<T>(at, <T as Element>::from_f64(v)))
}

/// As [`inside`], with an error for an index outside.
fn locate(i: i64, size: usize, dim: usize) -> Result<usize> {
    inside(i as f64, size).ok_or_else(|| Error::from(Kind::Index { op: "out of range", index: i, dim: dim + 1, size }))
}

/// The first element of a layout, as a number.
fn number(t: &Tensor, at: usize) -> Result<f64> {
    check::host(t)?;
    let s = t.storage().ok_or_else(|| Error::invalid("empty tensor"))?;
    self::at(t, at).ok_or_else(|| Error::from(Kind::OutOfStorage { needed: at + 1, len: s.len() }))
}

/// Where a key leads: a layout, and whether every dimension was given an index.
fn resolve(t: &Tensor, specs: &[Spec]) -> Result<(Layout, bool)> {
    demand!(t.ndim() > 0, "empty tensor: there is nothing to index");
    demand!(specs.len() <= t.ndim(), "too many indices provided: {} for a {}D tensor", specs.len(), t.ndim());
    let mut l = t.layout();
    let mut d = 0;
    for (k, s) in specs.iter().enumerate() {
        let size = l.sizes()[d];
        match *s {
            Spec::At(i) => {
                let at = locate(i, size, k)?;
                l.offset += at * l.strides()[d] as usize;
                if l.ndim() == 1 {
                    return Ok((l, true));
                }
                l.remove(d);
            }
            Spec::Range(first, last) => {
                let a = first.map_or(Ok(0), |i| locate(i, size, k))?;
                let b = match (first, last) {
                    (_, Some(i)) => locate(i, size, k)?,
                    (Some(_), None) => a,
                    (None, None) => size - 1,
                };
                demand!(b >= a, "end index must be greater or equal to start index: {{{}, {}}}", a + 1, b + 1);
                l = l.narrow(d, a, b - a + 1)?;
                d += 1;
            }
        }
    }
    Ok((l, false))
}

fn specs_of(t: &Tensor, key: &Key) -> Result<Specs> {
    Ok(match key {
        Key::Number(n) => smallvec![Spec::At(*n as i64)],
        Key::Indices(list) => {
            demand!(list.len() == t.ndim(), "invalid size: {} indices for a {}D tensor", list.len(), t.ndim());
            list.iter().map(|&i| Spec::At(i)).collect()
        }
        Key::Table(specs) => specs.clone(),
        Key::Mask(_) => Specs::new(),
    })
}

/// Reads `x[key]`.
///
/// # Errors
/// An index outside the tensor, or a mask of another length.
pub fn get(t: &Tensor, key: &Key) -> Result<Got> {
    let _held = sharing::hold(t.lock() | key.lock())?;
    if let Key::Mask(mask) = key {
        same_device(t, mask)?;
        let out = Tensor::empty(t.class());
        mask_op(t, |t| with_dtype!(t.dtype(), T => index::masked_select::<T>(&out, t, mask)))?;
        return Ok(Got::Tensor(out));
    }
    let (l, single) = resolve(t, &specs_of(t, key)?)?;
    if single { number(t, l.offset).map(Got::Num) } else { Ok(Got::Tensor(t.with_layout(l))) }
}

/// A mask may be the host's, or lie where the elements do.
fn same_device(t: &Tensor, mask: &Tensor) -> Result<()> {
    let (own, given) = (t.class(), mask.class());
    demand!(
        given.device == Device::Host || given.device == own.device,
        "a {} cannot be indexed by a {}",
        own.tensor_name(),
        given.tensor_name()
    );
    Ok(())
}

/// Masks do not serve Half, as in Torch7.
fn mask_op<R>(t: &Tensor, f: impl FnOnce(&Tensor) -> Result<R>) -> Result<R> {
    demand!(t.dtype() != DType::Half, "torch.HalfTensor does not support masks");
    f(t)
}

/// Writes `x[key] = value`.
///
/// # Errors
/// An index outside the tensor, or a value with another number of elements.
pub fn set(t: &Tensor, key: &Key, value: &Value) -> Result<()> {
    let given = if let Value::Tensor(src) = value { src.lock() } else { 0 };
    let _held = sharing::hold(t.lock() | key.lock() | given)?;
    if let Key::Mask(mask) = key {
        same_device(t, mask)?;
        return mask_op(t, |t| match value {
            Value::Num(v) => with_dtype!(t.dtype(), T => index::masked_fill::<T>(t, mask, Element::from_f64(*v))),
            Value::Tensor(src) => {
                demand!(
                    src.class() == t.class(),
                    "expected a {} where a mask writes, got a {}",
                    t.class().tensor_name(),
                    src.class().tensor_name()
                );
                with_dtype!(t.dtype(), T => index::masked_copy::<T>(t, mask, src))
            }
        });
    }
    let (l, single) = resolve(t, &specs_of(t, key)?)?;
    match value {
        Value::Num(v) if single => {
            check::host(t)?;
            let s = t.storage().ok_or_else(|| Error::invalid("empty tensor"))?;
            if put(t, l.offset, *v) {
                Ok(())
            } else {
                Err(Error::from(Kind::OutOfStorage { needed: l.offset + 1, len: s.len() }))
            }
        }
        Value::Num(_) if t.dtype() == DType::Half => {
            refuse!("torch.HalfTensor cannot be filled with a number: expected a tensor")
        }
        Value::Num(v) => {
            with_dtype!(t.dtype(), T => crate::tensor::map::fill::<T>(&t.with_layout(l), Element::from_f64(*v)))
        }
        Value::Tensor(src) => {
            let mut l = l;
            if single {
                demand!(matches!(key, Key::Number(_)), "value should be a number");
                // a single element takes a tensor of one element
                let keep = l.offset;
                l = Layout::contiguous(&[1])?;
                l.offset = keep;
            }
            if src.numel() != l.numel() {
                refuse!(
                    "inconsistent tensor size: cannot assign a tensor of size {} to one of size {}",
                    src.shape_text(),
                    crate::tensor::layout::shape_text(l.sizes())
                );
            }
            copy::copy(&t.with_layout(l), src)
        }
    }
}
