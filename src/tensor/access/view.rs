//! Tensors of any layout, for the kernels of this library.

use super::RawSlice;
use crate::tensor::Tensor;
use crate::tensor::dtype::Element;
use crate::tensor::error::Result;
use crate::tensor::layout::Layout;

/// A tensor's elements for a kernel of this library: the layout, and the memory from the first element to the last. In bounds
/// when made; see [`RawSlice`] for what it takes to use them.
pub(in crate::tensor) struct View<'a, T> {
    elements: RawSlice<'a, T>,
    layout: Layout,
}

impl<T> Clone for View<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for View<'_, T> {}

impl<'a, T> View<'a, T> {
    /// The memory from the first element on.
    #[inline(always)]
    pub(in crate::tensor) fn elements(&self) -> RawSlice<'a, T> {
        self.elements
    }

    /// Where each element lies, counted in the storage.
    #[inline(always)]
    pub(in crate::tensor) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Strides of the dimensions.
    #[inline(always)]
    pub(in crate::tensor) fn strides(&self) -> &[isize] {
        self.layout.strides()
    }
}

impl Tensor {
    /// The elements for a kernel that reads them.
    ///
    /// # Errors
    /// [`OutOfStorage`](crate::tensor::error::Kind::OutOfStorage) when the storage was made smaller under the view; another
    /// element type; elements that are lent to a result.
    #[inline(always)]
    pub(in crate::tensor) fn view<T: Element>(&self) -> Result<View<'_, T>> {
        self.view_for(false)
    }

    /// The elements for a kernel that writes them.
    ///
    /// # Errors
    /// As [`Tensor::view`]; elements that are lent at all.
    #[inline(always)]
    pub(in crate::tensor) fn view_mut<T: Element>(&self) -> Result<View<'_, T>> {
        self.view_for(true)
    }

    #[inline(always)]
    fn view_for<T: Element>(&self, writes: bool) -> Result<View<'_, T>> {
        let layout = self.layout();
        let end = layout.extent()?;
        Ok(View { elements: self.elements::<T>(layout.offset, end, writes)?, layout })
    }
}
