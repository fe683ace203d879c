//! The tensor library: pure Rust, knows neither Lua nor nn.
//!
//! A [`Tensor`] is a [`Layout`] over a shared [`Storage`]. Operations live in [`ops`], one file per family; they take
//! `&Tensor` for inputs and results alike, since a result may be an input. Kernels outside this library reach elements
//! through [`access`]; those in it also through raw views and the walk in [`walk`].

pub mod access;
mod buffer_pool;
pub mod cformat;
pub mod check;
pub mod class;
pub mod decimal;
pub mod display;
pub mod dtype;
pub mod error;
pub mod function;
pub mod interruption;
pub mod layout;
pub mod map;
pub mod memory_limit;
pub mod ops;
pub mod product;
pub mod random;
pub mod shape;
pub mod sharing;
pub mod simd;
pub mod storage;
pub mod threads;
pub mod vmath;
pub(crate) mod walk;
mod workers;

use crate::demand;
use access::{Form, RawSlice};
use buffer_pool::Content;
use class::{Device, TensorClass};
use dtype::{DType, Element};
use error::{Error, Kind, Result};
use layout::{Layout, shape_text};
use shape::{Extents, Shape};
use std::cell::Cell;
use storage::Storage;

/// A strided view over a shared storage. Cheap to make; `clone` shares the data.
pub struct Tensor {
    class: TensorClass,
    shape: Cell<Shape>,
    storage: Cell<Option<Storage>>,
}

impl Clone for Tensor {
    fn clone(&self) -> Self {
        Tensor { class: self.class, shape: Cell::new(self.shape().clone()), storage: Cell::new(self.storage()) }
    }
}

impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of size {}", self.class.tensor_name(), shape_text(self.peek().sizes))
    }
}

impl Tensor {
    /// A tensor without dimensions and without storage.
    pub fn empty(class: impl Into<TensorClass>) -> Tensor {
        Tensor { class: class.into(), shape: Cell::new(Shape::EMPTY), storage: Cell::new(None) }
    }

    /// A zeroed, contiguous tensor.
    ///
    /// # Errors
    /// Too many dimensions, or not enough memory.
    pub fn new(class: impl Into<TensorClass>, sizes: &[usize]) -> Result<Tensor> {
        let class = class.into();
        let shape = Shape::contiguous(sizes)?;
        let storage = Storage::new(class, shape.get().numel())?;
        Ok(Tensor { class, shape: Cell::new(shape), storage: Cell::new(Some(storage)) })
    }

    /// A host tensor of one dimension with a copy of these elements.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn from_slice<T: Element>(data: &[T]) -> Result<Tensor> {
        Tensor::from_slice_on(Device::Host, data)
    }

    /// A tensor of one dimension on a device, with a copy of these elements.
    ///
    /// # Errors
    /// Not enough memory, or a device with a memory of its own.
    pub fn from_slice_on<T: Element>(device: Device, data: &[T]) -> Result<Tensor> {
        let s = Storage::from_slice_on(device, data)?;
        Ok(Tensor::over(s, Layout::contiguous(&[data.len()])?))
    }

    /// A tensor with the sizes and a copy of the elements of an `ndarray` array.
    ///
    /// # Errors
    /// Too many dimensions, or not enough memory.
    pub fn from_array<T: Element, D: ndarray::Dimension>(array: &ndarray::ArrayRef<T, D>) -> Result<Tensor> {
        let data: Vec<T> = array.iter().copied().collect();
        Ok(Tensor::over(Storage::from_slice(&data)?, Layout::contiguous(array.shape())?))
    }

    /// A copy of the elements as an `ndarray` array.
    ///
    /// # Errors
    /// Another element type, or a view outside its storage.
    pub fn to_array<T: Element>(&self) -> Result<ndarray::ArrayD<T>> {
        let sizes = self.layout().sizes().to_vec();
        let data = self.to_vec::<T>()?;
        ndarray::ArrayD::from_shape_vec(sizes, data).map_err(|e| Error::invalid(e.to_string()))
    }

    /// A view over an existing storage.
    pub fn over(storage: Storage, layout: Layout) -> Tensor {
        Tensor { class: storage.class(), shape: Cell::new(Shape::new(&layout)), storage: Cell::new(Some(storage)) }
    }

    /// The same storage under another layout.
    pub fn with_layout(&self, layout: Layout) -> Tensor {
        self.with_shape(Shape::new(&layout))
    }

    #[inline(always)]
    fn with_shape(&self, shape: Shape) -> Tensor {
        Tensor { class: self.class, shape: Cell::new(shape), storage: Cell::new(self.storage()) }
    }

    /// The slice at `index` of the first dimension, as a view; none where there is no such slice.
    #[inline(always)]
    pub fn row(&self, index: usize) -> Option<Tensor> {
        self.shape().row(index).map(|s| self.with_shape(s))
    }

    /// Elements `first..first + n` of dimension `d`, as a view.
    ///
    /// # Errors
    /// A dimension or range that is not there.
    #[inline(always)]
    pub fn narrow(&self, d: usize, first: usize, n: usize) -> Result<Tensor> {
        self.shape().narrow(d, first, n).map(|s| self.with_shape(s))
    }

    /// The slice at `index` of dimension `d`, which goes away, as a view.
    ///
    /// # Errors
    /// A dimension or index that is not there; a tensor of one dimension.
    #[inline(always)]
    pub fn select(&self, d: usize, index: usize) -> Result<Tensor> {
        self.shape().select(d, index).map(|s| self.with_shape(s))
    }

    /// Two dimensions swapped, as a view.
    ///
    /// # Errors
    /// A dimension that is not there.
    #[inline(always)]
    pub fn transpose(&self, a: usize, b: usize) -> Result<Tensor> {
        self.shape().transpose(a, b).map(|s| self.with_shape(s))
    }

    /// The elements' type.
    #[inline(always)]
    pub fn dtype(&self) -> DType {
        self.class.dtype
    }

    /// The elements' type and where they lie.
    #[inline(always)]
    pub fn class(&self) -> TensorClass {
        self.class
    }

    #[inline(always)]
    fn shape(&self) -> &Shape {
        // SAFETY: the reference is used for one field access inside this module and not held across any call that
        // could set the cell; tensors are not shared between threads while kernels run.
        unsafe { &*self.shape.as_ptr() }
    }

    #[inline(always)]
    fn peek(&self) -> Extents<'_> {
        self.shape().get()
    }

    #[inline(always)]
    fn peek_storage(&self) -> Option<&Storage> {
        // SAFETY: as in `peek`.
        unsafe { (*self.storage.as_ptr()).as_ref() }
    }

    /// Sizes, strides and offset.
    #[inline(always)]
    pub fn layout(&self) -> Layout {
        self.shape().layout()
    }
    /// Whether it is as [`Tensor::empty`] made it, without sizes and memory.
    #[inline(always)]
    pub(crate) fn is_blank(&self) -> bool {
        self.ndim() == 0 && self.peek_storage().is_none()
    }
    /// Number of dimensions.
    #[inline(always)]
    pub fn ndim(&self) -> usize {
        self.peek().sizes.len()
    }
    /// Size of dimension `d` (from 0); 0 where there is none.
    #[inline(always)]
    pub fn size(&self, d: usize) -> usize {
        self.peek().sizes.get(d).copied().unwrap_or(0)
    }
    /// Stride of dimension `d` (from 0); 0 where there is none.
    #[inline(always)]
    pub fn stride(&self, d: usize) -> isize {
        self.peek().strides.get(d).copied().unwrap_or(0)
    }
    /// First element, counted from the storage's start.
    #[inline(always)]
    pub fn offset(&self) -> usize {
        self.peek().offset
    }
    /// Number of elements.
    #[inline(always)]
    pub fn numel(&self) -> usize {
        self.peek().numel()
    }
    /// Whether the elements lie one after another.
    #[inline(always)]
    pub fn is_contiguous(&self) -> bool {
        self.peek().is_contiguous()
    }
    /// The shape as messages print it: `[2 x 3]`.
    pub fn shape_text(&self) -> String {
        shape_text(self.peek().sizes)
    }
    /// Whether these are its sizes.
    #[inline(always)]
    pub fn has_sizes(&self, sizes: &[usize]) -> bool {
        self.peek().same_sizes(sizes)
    }
    /// Whether both have the same sizes.
    #[inline(always)]
    pub fn same_size(&self, other: &Tensor) -> bool {
        self.peek().same_sizes(other.peek().sizes)
    }

    /// Storage element `at`, counted from the storage's start.
    #[inline(always)]
    pub fn element<T: Element>(&self, at: usize) -> Option<T> {
        self.peek_storage().and_then(|s| s.get(at))
    }

    /// Writes storage element `at`; whether it exists.
    #[inline(always)]
    pub fn set_element<T: Element>(&self, at: usize, v: T) -> bool {
        self.peek_storage().is_some_and(|s| s.set(at, v))
    }

    /// As [`Shape::place`].
    #[inline(always)]
    pub fn place<const N: usize>(&self, find: impl Fn(usize, usize) -> Option<usize>) -> Option<usize> {
        self.shape().place::<N>(find)
    }

    /// Storage element `at`, where getting there is simple: see [`Storage::get_open`]. [`Tensor::element`] has all others.
    #[inline(always)]
    pub fn open_element<T: Element>(&self, at: usize) -> Option<T> {
        self.peek_storage().and_then(|s| s.get_open(at))
    }

    /// Writes storage element `at`, where getting there is simple; whether it did.
    #[inline(always)]
    pub fn set_open_element<T: Element>(&self, at: usize, v: T) -> bool {
        self.peek_storage().is_some_and(|s| s.set_open(at, v))
    }

    /// The lock that a thread needs for the elements: see [`sharing`]. 0 while other threads cannot reach them.
    #[inline(always)]
    pub(crate) fn lock(&self) -> u64 {
        self.peek_storage().map_or(0, Storage::lock)
    }

    /// The storage under the view; none for a tensor that never had elements.
    pub fn storage(&self) -> Option<Storage> {
        self.peek_storage().cloned()
    }

    /// Whether both are views of one storage.
    #[inline(always)]
    pub fn same_storage(&self, other: &Tensor) -> bool {
        matches!((self.peek_storage(), other.peek_storage()), (Some(a), Some(b)) if a.same(b))
    }

    /// Whether both lie in the same memory: in one storage, or in views into one.
    #[inline(always)]
    pub fn shares_memory(&self, other: &Tensor) -> bool {
        matches!((self.peek_storage(), other.peek_storage()), (Some(a), Some(b)) if a.shares_memory(b))
    }

    /// Whether both may have elements in common: the same memory, and of one storage neither ends before the other begins.
    pub fn may_overlap(&self, other: &Tensor) -> bool {
        let (a, b) = (self.layout(), other.layout());
        let before = |x: &Layout, y: &Layout| x.extent().is_ok_and(|end| end <= y.offset);
        let apart = self.same_storage(other) && (before(&a, &b) || before(&b, &a));
        self.shares_memory(other) && !apart
    }

    /// The storage, made if there is none yet.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn storage_or_new(&self) -> Result<Storage> {
        if let Some(s) = self.storage() {
            return Ok(s);
        }
        let s = Storage::new(self.class, 0)?;
        self.storage.set(Some(s.clone()));
        Ok(s)
    }

    /// Makes this tensor the same view as another one of its type.
    ///
    /// # Errors
    /// Another element type.
    pub fn set(&self, other: &Tensor) -> Result<()> {
        demand!(
            self.class == other.class,
            "expected a {}, got a {}",
            self.class.tensor_name(),
            other.class.tensor_name()
        );
        self.shape.set(other.shape().clone());
        let s = other.storage();
        self.storage.set(s);
        Ok(())
    }

    /// Makes this tensor a view over `storage`, which grows where the view reaches further.
    ///
    /// # Errors
    /// Another element type, or not enough memory.
    pub fn set_storage(&self, storage: Option<Storage>, layout: Layout) -> Result<()> {
        let needed = layout.extent()?;
        if let Some(s) = &storage {
            demand!(
                s.class() == self.class,
                "expected a {}, got a {}",
                self.class.storage_name(),
                s.class().storage_name()
            );
            s.reserve(needed)?;
        }
        self.shape.set(Shape::new(&layout));
        self.storage.set(storage);
        Ok(())
    }

    /// Changes sizes, strides and offset; the storage must already reach.
    pub fn set_layout(&self, layout: Layout) {
        self.shape.set(Shape::new(&layout));
    }

    /// Gives the tensor these sizes, contiguous, growing its storage where needed. The same sizes keep the strides,
    /// as in Torch7.
    ///
    /// # Errors
    /// Too many dimensions, or not enough memory.
    pub fn resize(&self, sizes: &[usize]) -> Result<()> {
        self.resize_with(sizes, Content::Zeros)
    }

    /// As [`Tensor::resize`], for a result that is written in whole: what elements it gains may hold anything.
    ///
    /// # Errors
    /// As [`Tensor::resize`].
    pub fn resize_for_result(&self, sizes: &[usize]) -> Result<()> {
        self.resize_with(sizes, Content::Any)
    }

    #[inline]
    fn resize_with(&self, sizes: &[usize], content: Content) -> Result<()> {
        if self.peek().same_sizes(sizes) && (self.peek_storage().is_some() || sizes.is_empty()) {
            return self.grow(self.peek().extent()?, content);
        }
        self.reshape(sizes, content)
    }

    fn reshape(&self, sizes: &[usize], content: Content) -> Result<()> {
        let mut layout = Layout::contiguous(sizes)?;
        layout.offset = self.offset();
        self.grow(layout.extent()?, content)?;
        self.shape.set(Shape::new(&layout));
        Ok(())
    }

    /// As [`Tensor::resize`], with the sizes of another tensor.
    ///
    /// # Errors
    /// As [`Tensor::resize`].
    #[inline(always)]
    pub fn resize_as(&self, other: &Tensor) -> Result<()> {
        if self.same_size(other) && self.peek_storage().is_some() {
            return Ok(());
        }
        self.resize(other.layout().sizes())
    }

    /// As [`Tensor::resize_for_result`] of the sizes of another tensor.
    ///
    /// # Errors
    /// As [`Tensor::resize`].
    #[inline(always)]
    pub(in crate::tensor) fn resize_like_for_result(&self, other: &Tensor) -> Result<()> {
        if self.same_size(other) && self.peek_storage().is_some() {
            return self.grow(self.peek().extent()?, Content::Any);
        }
        self.resize_for_result(other.layout().sizes())
    }

    /// As [`Tensor::resize_for_result`], with the sizes of another tensor.
    ///
    /// # Errors
    /// As [`Tensor::resize`].
    #[inline(always)]
    pub fn resize_as_for_result(&self, other: &Tensor) -> Result<()> {
        if self.same_size(other) && self.peek_storage().is_some() {
            return Ok(());
        }
        self.resize_for_result(other.layout().sizes())
    }

    /// As [`Tensor::resize`], with strides (negative ones are filled in as for contiguous).
    ///
    /// # Errors
    /// As [`Tensor::resize`].
    pub fn resize_strided(&self, sizes: &[usize], strides: &[isize]) -> Result<()> {
        let layout = Layout::strided(self.offset(), sizes, strides)?;
        self.grow(layout.extent()?, Content::Zeros)?;
        self.shape.set(Shape::new(&layout));
        Ok(())
    }

    /// Has at least so many elements in the storage; without a look at its count of references where they are there.
    #[inline]
    fn grow(&self, needed: usize, content: Content) -> Result<()> {
        match self.peek_storage() {
            Some(s) if needed <= s.len() => Ok(()),
            _ if needed == 0 => Ok(()),
            _ => self.storage_or_new()?.reserve_with(needed, content),
        }
    }

    /// The elements where they lie one after another, for a kernel that reads them.
    ///
    /// # Errors
    /// As [`Tensor::view`].
    #[inline(always)]
    pub(in crate::tensor) fn flat<T: Element>(&self) -> Result<Option<RawSlice<'_, T>>> {
        self.flat_for(false)
    }

    /// As [`Tensor::flat`], for a kernel that writes them.
    ///
    /// # Errors
    /// As [`Tensor::view_mut`].
    #[inline(always)]
    pub(in crate::tensor) fn flat_mut<T: Element>(&self) -> Result<Option<RawSlice<'_, T>>> {
        self.flat_for(true)
    }

    #[inline(always)]
    fn flat_for<T: Element>(&self, writes: bool) -> Result<Option<RawSlice<'_, T>>> {
        let layout = self.peek();
        if !layout.is_contiguous() {
            return Ok(None);
        }
        let n = layout.numel();
        let end = if n == 0 { 0 } else { layout.offset + n };
        Ok(Some(self.elements::<T>(layout.offset, end, writes)?))
    }

    /// The form of a matrix (of one dimension, as a column, or two), and its memory from the first element to the last:
    /// [`Tensor::view`] without a copy of the layout.
    ///
    /// # Errors
    /// As [`Tensor::view`].
    #[inline(always)]
    pub(in crate::tensor) fn matrix<T: Element>(&self) -> Result<(Form, RawSlice<'_, T>)> {
        Ok((Form::of(self.peek()), self.span()?))
    }

    /// [`Tensor::matrix`] where nothing is lent. Nothing where there is no element, for more dimensions and for its errors.
    #[inline(always)]
    pub(in crate::tensor) fn free_matrix<T: Element>(&self) -> Option<(Form, RawSlice<'_, T>)> {
        let e = self.peek();
        let end = if e.sizes.len() > 2 { 0 } else { e.extent().ok()? };
        if end == 0 {
            return None;
        }
        let elements = match self.peek_storage()?.open_elements::<T>(e.offset, end) {
            Some(open) => open,
            None => self.closed_elements(e.offset, end, false).ok()?,
        };
        Some((Form::of(e), elements))
    }

    /// The memory from the first element to the last, for a kernel that knows the shape.
    ///
    /// # Errors
    /// As [`Tensor::view`].
    #[inline(always)]
    pub(in crate::tensor) fn span<T: Element>(&self) -> Result<RawSlice<'_, T>> {
        let e = self.peek();
        self.elements(e.offset, e.extent()?, false)
    }

    /// The gate to host memory: elements `offset..end` of the storage, once they are known to be there and free for what is
    /// to be done. None where `end` is 0.
    #[inline(always)]
    fn elements<T: Element>(&self, offset: usize, end: usize, writes: bool) -> Result<RawSlice<'_, T>> {
        if end == 0 {
            return Ok(RawSlice::EMPTY);
        }
        let open = self.peek_storage().and_then(|s| s.open_elements::<T>(offset, end));
        match open.filter(|found| access::loans::allows(found.address(), found.bytes(), writes)) {
            Some(found) => Ok(found),
            None => self.closed_elements(offset, end, writes),
        }
    }

    /// [`Tensor::elements`] of all memory, and its errors. Apart, so that little is inlined.
    #[inline(never)]
    fn closed_elements<T: Element>(&self, offset: usize, end: usize, writes: bool) -> Result<RawSlice<'_, T>> {
        match self.peek_storage() {
            Some(s) if !s.is_held() => Err(access::in_use(self)),
            Some(s) if s.class().is_plain(T::DTYPE) => match s.elements::<T>(offset, end) {
                Some(found) if access::loans::allows(found.address(), found.bytes(), writes) => Ok(found),
                Some(_) => Err(access::in_use(self)),
                None => Err(Error::from(Kind::OutOfStorage { needed: end, len: s.len() })),
            },
            Some(_) => Err(Error::invalid(format!(
                "expected a {}, got a {}",
                T::DTYPE.tensor_name(),
                self.class.tensor_name()
            ))),
            None => Err(Error::from(Kind::OutOfStorage { needed: end, len: 0 })),
        }
    }

    /// A copy of the elements in logical order.
    ///
    /// # Errors
    /// As [`Tensor::view`]; not enough memory.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        if let Some(all) = self.flat::<T>()? {
            // SAFETY: all of them, and nothing writes while this reads.
            let elements = unsafe { all.slice(0, all.len()) };
            let mut out = storage::room(all.len())?;
            out.extend_from_slice(elements);
            return Ok(out);
        }
        let mut out = storage::room(self.numel())?;
        walk::for_each(self, |v| out.push(v))?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resize_to_the_same_sizes_keeps_strides() {
        let t = Tensor::new(DType::Double, &[2, 3]).unwrap();
        t.set_layout(t.layout().transpose(0, 1).unwrap());
        t.resize(&[3, 2]).unwrap();
        assert_eq!(t.stride(0), 1);
        t.resize(&[6]).unwrap();
        assert_eq!(t.stride(0), 1);
    }

    #[test]
    fn a_storage_made_smaller_is_noticed() {
        let t = Tensor::from_slice(&[1.0f32, 2.0, 3.0]).unwrap();
        t.storage().unwrap().resize(1).unwrap();
        assert!(t.view::<f32>().is_err());
        assert!(t.flat::<f32>().is_err());
        assert!(t.view::<f64>().is_err());
    }

    #[test]
    fn arrays_go_in_and_out() {
        let a = ndarray::array![[1.0, 2.0], [3.0, 4.0]];
        let t = Tensor::from_array(&a).unwrap();
        assert_eq!(t.to_array::<f64>().unwrap(), a.into_dyn());
    }
}
