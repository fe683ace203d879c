//! The reverse of maxima: values go to the places that a pooling found, everything else is 0.

use super::max::{self, Places};
use super::window::{Axis, Plan, planes_of};
use crate::demand;
use crate::fields;
use crate::nn::window::Step;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source, Workspace};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::layout::shape_text;

fields! {
    /// The size of the output's planes, and the places of a pooling over planes.
    pub struct UnpooledPlanes<'a> {
        /// Its height.
        height: i64 = ".oheight:long",
        /// Its width.
        width: i64 = ".owidth:long",
        /// Places in the plane, from 1.
        indices: &'a Tensor = ".indices:Long",
    }
}
fields! {
    /// The size of the output's volumes, and the places of a pooling over volumes, with its windows.
    pub struct UnpooledVolumes<'a> {
        /// Frames of the output.
        time: i64 = ".otime:long",
        /// Its height.
        height: i64 = ".oheight:long",
        /// Its width.
        width: i64 = ".owidth:long",
        /// Step of the windows along time, which is their size as well.
        dt: i64 = ".dT:long",
        /// Along the width.
        dw: i64 = ".dW:long",
        /// Along the height.
        dh: i64 = ".dH:long",
        /// Padding frames of the pooling.
        pad_t: i64 = ".padT:long=0",
        /// Its padding on the left.
        pad_w: i64 = ".padW:long=0",
        /// Its padding above.
        pad_h: i64 = ".padH:long=0",
        /// Frame, row and column within the window in three bytes.
        indices: &'a Tensor = ".indices:Long",
    }
}

/// Where everything goes.
struct Unpooling {
    /// Places in the output's plane, from 1.
    places: Workspace<i64>,
    /// Elements of an input plane.
    inner: usize,
    /// Elements of an output plane.
    outer: usize,
    /// Sizes of the output.
    sizes: Vec<usize>,
}

/// Demands indices of the input's size and an output that is not empty; gives the number of planes' dimensions.
fn check(input: &Tensor, indices: &Tensor, output: &[i64]) -> Result<usize> {
    let planes = planes_of(input, output.len())?;
    super::check_indices(indices, input.layout().sizes())?;
    demand!(
        output.iter().all(|&n| n > 0 && n < 1 << 31),
        "an output of at least 1 in each dimension expected, got {output:?}: has the pooling had its forward?"
    );
    Ok(planes)
}

impl Unpooling {
    fn new(input: &Tensor, planes: usize, output: &[i64], places: Workspace<i64>) -> Result<Unpooling> {
        let output: Vec<usize> = output.iter().map(|&n| n as usize).collect();
        let layout = input.layout();
        let (before, after) = layout.sizes().split_at(planes);
        let sizes = [before, &output].concat();
        let outer = output.iter().fold(1, |n: usize, &m| n.saturating_mul(m));
        max::check(&places, outer, false)?;
        Ok(Unpooling { places, inner: after.iter().product(), outer, sizes })
    }

    fn forward<T: Float>(&self, input: &Tensor, output: &Tensor) -> Result<()> {
        let x = Source::<T>::of(input)?;
        let mut y = Dest::<T>::new(output, &self.sizes)?;
        max::unpool(&x, &self.places, self.inner, self.outer, &mut y);
        Ok(())
    }

    fn backward<T: Float>(&self, input: &Tensor, grad_output: &Tensor, grad_input: &Tensor) -> Result<()> {
        demand!(
            grad_output.has_sizes(&self.sizes),
            "gradOutput of size {} expected, got {}",
            shape_text(&self.sizes),
            grad_output.shape_text()
        );
        let go = Source::<T>::of(grad_output)?;
        let mut gi = Dest::<T>::like(grad_input, input)?;
        max::gather(&go, &self.places, self.inner, self.outer, &mut gi);
        Ok(())
    }
}

impl UnpooledPlanes<'_> {
    fn plan(self, input: &Tensor) -> Result<Unpooling> {
        let output = [self.height, self.width];
        let planes = check(input, self.indices, &output)?;
        let mut places = Workspace::new(input.numel())?;
        places.copy_from_slice(&Source::<i64>::of(self.indices)?);
        Unpooling::new(input, planes, &output, places)
    }
}

impl UnpooledVolumes<'_> {
    fn plan(self, input: &Tensor) -> Result<Unpooling> {
        let output = [self.time, self.height, self.width];
        let planes = check(input, self.indices, &output)?;
        let steps = [(self.dt, self.pad_t), (self.dh, self.pad_h), (self.dw, self.pad_w)];
        let steps = steps.map(|(d, pad)| Step::new(d, d, pad));
        steps.iter().try_for_each(Step::check)?;
        let mut places = Workspace::new(input.numel())?;
        places.copy_from_slice(&Source::<i64>::of(self.indices)?);
        // the windows of the pooling: as many as the input has elements, over the output
        let pooled = Plan::of(input, planes, |i, n| Axis::regular(output[i] as usize, n, steps[i]))?;
        max::decode(&pooled, &mut places, Places::Bytes);
        Unpooling::new(input, planes, &output, places)
    }
}

macro_rules! kernels {
    ($($name:ident $grad:ident $fields:ident $what:literal;)*) => { $(
        #[doc = concat!("Values go to their places in ", $what, ", everything else is 0.")]
        ///
        /// # Errors
        /// Sizes that do not fit, indices outside of the output.
        pub fn $name<T: Float>(input: &Tensor, output: &Tensor, fields: $fields) -> Result<()> {
            fields.plan(input)?.forward::<T>(input, output)
        }

        #[doc = concat!("Backward of [`", stringify!($name), "`]: gradients are read from these places.")]
        ///
        /// # Errors
        /// Sizes that do not fit, indices outside of the output.
        pub fn $grad<T: Float>(
            input: &Tensor,
            grad_output: &Tensor,
            grad_input: &Tensor,
            fields: $fields,
        ) -> Result<()> {
            fields.plan(input)?.backward::<T>(input, grad_output, grad_input)
        }
    )* };
}
kernels! {
    spatial_unpooling spatial_unpooling_grad UnpooledPlanes "planes";
    volumetric_unpooling volumetric_unpooling_grad UnpooledVolumes "volumes";
}
