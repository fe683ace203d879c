//! Poolings of planes: maxima, averages and sums over windows. Input: planes (C x H x W), with frames (C x T x H x W), or
//! sequences (T x F), or a batch of either; the output has as many dimensions.

mod adaptive;
mod fractional;
mod max;
mod subsampling;
pub(super) mod sum;
#[cfg(test)]
mod tests;
mod unpooling;
pub(super) mod window;

pub use adaptive::{Adaptive, adaptive_average, adaptive_average_grad, adaptive_max, adaptive_max_grad};
pub use fractional::{
    FractionalSpatial, FractionalVolumetric, fractional_spatial, fractional_spatial_grad, fractional_volumetric,
    fractional_volumetric_grad,
};
pub use subsampling::{Sequences, SubSampling, spatial_subsampling, temporal_subsampling};
pub use unpooling::{
    UnpooledPlanes, UnpooledVolumes, spatial_unpooling, spatial_unpooling_grad, volumetric_unpooling,
    volumetric_unpooling_grad,
};

use crate::demand;
use crate::fields;
use crate::nn::window::{PlaneWindow, SequenceWindow, Step, VolumeWindow};
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source, Workspace};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use max::Places;
pub(super) use window::planes_of;
use window::{Axis, Plan};

fields! {
    /// Windows over planes.
    pub struct Spatial {
        /// Its size and stride.
        window: PlaneWindow = PlaneWindow::TEXT,
        /// Padding on the left and on the right.
        pad_w: i64 = ".padW:long=0",
        /// Padding above and below.
        pad_h: i64 = ".padH:long=0",
        /// Distance between the columns of a window.
        dilation_w: i64 = ".dilationW:long=1",
        /// Distance between the rows of a window.
        dilation_h: i64 = ".dilationH:long=1",
        /// Whether a window may hang over the end.
        ceil: bool = ".ceil_mode:bool=false",
    }
}
fields! {
    /// Windows over frames of planes.
    pub struct Volumetric {
        /// The windows.
        window: VolumeWindow = VolumeWindow::TEXT,
        /// Whether a window may hang over the end.
        ceil: bool = ".ceil_mode:bool=false",
    }
}
impl Spatial {
    fn plan(self, input: &Tensor) -> Result<Plan> {
        let steps = self.window.steps([self.pad_h, self.pad_w], [self.dilation_h, self.dilation_w]);
        Plan::regular(input, &steps, self.ceil)
    }
}

impl Volumetric {
    fn plan(self, input: &Tensor) -> Result<Plan> {
        Plan::regular(input, &self.window.steps(), self.ceil)
    }
}

/// The windows of sequences (T x F), or of a batch of them: frames are pooled, their elements are not.
fn sequences(input: &Tensor, SequenceWindow { kw, dw }: SequenceWindow) -> Result<Plan> {
    let step = Step::new(kw, dw, 0);
    step.check()?;
    let batch = input.ndim() - 2;
    let frames = input.size(batch);
    demand!(frames as i64 >= kw, "input sequence smaller than kernel size: got {frames} frames, expected {kw} or more");
    let count = (frames - kw as usize) / dw as usize + 1;
    Plan::of(input, batch, |i, n| if i == 0 { Axis::regular(n, count, step) } else { Axis::whole(n) })
}

impl SequenceWindow {
    fn plan(self, input: &Tensor) -> Result<Plan> {
        let nd = input.ndim();
        demand!(nd == 2 || nd == 3, "2D or 3D (batch mode) tensor expected for input, got {}", input.shape_text());
        sequences(input, self)
    }
}

/// Maxima of windows, and their places in the form of a class.
fn maxima<T: Float>(input: &Tensor, output: &Tensor, indices: &Tensor, p: &Plan, form: Places) -> Result<()> {
    let x = Source::<T>::of(input)?;
    let (mut y, mut at) = (Dest::<T>::new(output, &p.sizes)?, Dest::<i64>::new(indices, &p.sizes)?);
    max::forward(&x, p, &mut y, &mut at);
    max::encode(p, &mut at, form);
    Ok(())
}

/// Demands the indices of a forward pass, with as many elements as gradients.
fn check_indices(indices: &Tensor, sizes: &[usize]) -> Result<()> {
    demand!(indices.numel() > 0, "there are no indices yet: forward comes before backward");
    demand!(
        indices.has_sizes(sizes),
        "indices of size {} expected, got {}: is the input another one than forward's?",
        crate::tensor::layout::shape_text(sizes),
        indices.shape_text()
    );
    Ok(())
}

/// Gradients go to the places of the maxima. `none` says whether windows without one are let pass.
fn maxima_grad<T: Float>(
    [input, grad_output, grad_input, indices]: [&Tensor; 4],
    p: &Plan,
    form: Places,
    none: bool,
) -> Result<()> {
    p.check("gradOutput", grad_output)?;
    check_indices(indices, &p.sizes)?;
    let (go, at) = (Source::<T>::of(grad_output)?, Source::<i64>::of(indices)?);
    let mut places = Workspace::new(if form == Places::Plane { 0 } else { at.len() })?;
    let at: &[i64] = if form == Places::Plane {
        &at
    } else {
        places.copy_from_slice(&at);
        max::decode(p, &mut places, form);
        &places
    };
    max::check(at, p.plane(), none)?;
    let mut gi = Dest::<T>::like(grad_input, input)?;
    max::backward(&go, p, at, &mut gi);
    Ok(())
}

/// The kernels of a class of maxima, forward and backward, from its windows, the form of its indices, and whether the
/// gradient of a window without a maximum is lost (otherwise it is an error).
macro_rules! max_kernels {
    ($($(#[$doc:meta])* $name:ident $grad:ident $fields:ident $form:ident $none:literal;)*) => { $(
        $(#[$doc])*
        ///
        /// # Errors
        /// Sizes that do not fit.
        pub fn $name<T: Float>(input: &Tensor, output: &Tensor, indices: &Tensor, window: $fields) -> Result<()> {
            maxima::<T>(input, output, indices, &window.plan(input)?, Places::$form)
        }

        #[doc = concat!("Backward of [`", stringify!($name), "`].")]
        ///
        /// # Errors
        /// Sizes that do not fit, indices outside of the input.
        pub fn $grad<T: Float>(
            input: &Tensor,
            grad_output: &Tensor,
            grad_input: &Tensor,
            indices: &Tensor,
            window: $fields,
        ) -> Result<()> {
            let p = window.plan(input)?;
            maxima_grad::<T>([input, grad_output, grad_input, indices], &p, Places::$form, $none)
        }
    )* };
}
max_kernels! {
    /// Maxima over planes; indices count the places in the plane from 1 (0: nothing is above the lowest double).
    spatial_max spatial_max_grad Spatial Plane true;
    /// Maxima over frames of planes; indices hold frame, row and column within the window in their bytes (-1: none).
    volumetric_max volumetric_max_grad Volumetric Bytes false;
    /// Maxima over sequences; indices count the places in the window from 0 (-1: none).
    temporal_max temporal_max_grad SequenceWindow Row true;
}

fields! {
    /// The windows of an average over planes, and how it divides: by the window with its padding or by what lies inside,
    /// or not at all.
    pub struct SpatialAverage {
        /// The windows.
        window: Spatial = Spatial::TEXT,
        /// Whether padding counts.
        include_pad: bool = ".count_include_pad:bool=true",
        /// Without it, averages times kW kH come out.
        divide: bool = ".divide:bool=false",
    }
}

/// What the sum over a window is divided by, and multiplied by afterwards.
#[derive(Clone, Copy)]
struct Divisor {
    include_pad: bool,
    times: Option<f64>,
}

impl Divisor {
    /// How many positions count of a window of one dimension.
    #[inline(always)]
    fn count(self, [_, start, end, full]: [i64; 4]) -> i64 {
        if self.include_pad { full } else { end - start }
    }

    /// Divides the values of a row of windows.
    #[inline(always)]
    fn apply<T: Float>(self, p: &Plan, values: &mut [T], r: usize) {
        let [plane, oz, oy] = p.place(r);
        let [frames, rows, columns] = [0, 1, 2].map(|i| p.axes[i].spans(plane));
        let lines = self.count(frames[oz]) * self.count(rows[oy]);
        let times = self.times.unwrap_or(1.0);
        for (v, &span) in values.iter_mut().zip(columns) {
            *v = T::from_f64(v.to_f64() / (lines * self.count(span)) as f64 * times);
        }
    }
}

impl SpatialAverage {
    fn divisor(self) -> Divisor {
        let window = self.window.window;
        let times = (!self.divide).then_some((window.kw * window.kh) as f64);
        Divisor { include_pad: self.include_pad, times }
    }
}

fn averages<T: Float>(input: &Tensor, output: &Tensor, p: &Plan, by: Divisor) -> Result<()> {
    let x = Source::<T>::of(input)?;
    let mut y = Dest::<T>::new(output, &p.sizes)?;
    sum::forward_plain(
        &x,
        p,
        &mut y,
        #[inline(always)]
        |sums, r| by.apply(p, sums, r),
    )
}

fn averages_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    p: &Plan,
    by: Divisor,
) -> Result<()> {
    p.check("gradOutput", grad_output)?;
    let go = Source::<T>::of(grad_output)?;
    let mut gi = Dest::<T>::like(grad_input, input)?;
    sum::backward_plain(
        &go,
        p,
        &mut gi,
        #[inline(always)]
        |values, r| by.apply(p, values, r),
    )
}

/// Averages over planes.
///
/// # Errors
/// Sizes that do not fit.
pub fn spatial_average<T: Float>(input: &Tensor, output: &Tensor, fields: SpatialAverage) -> Result<()> {
    averages::<T>(input, output, &fields.window.plan(input)?, fields.divisor())
}

/// Backward of [`spatial_average`]: each gradient is shared out over its window.
///
/// # Errors
/// Sizes that do not fit.
pub fn spatial_average_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    fields: SpatialAverage,
) -> Result<()> {
    averages_grad::<T>(input, grad_output, grad_input, &fields.window.plan(input)?, fields.divisor())
}

/// What lies inside alone counts.
const INSIDE: Divisor = Divisor { include_pad: false, times: None };

fields! {
    /// The windows of an average over frames of planes, and whether padding counts.
    pub struct VolumetricAverage {
        /// The windows.
        window: Volumetric = Volumetric::TEXT,
        /// Whether padding counts.
        include_pad: bool = ".count_include_pad:bool=true",
    }
}

impl VolumetricAverage {
    fn divisor(self) -> Divisor {
        Divisor { include_pad: self.include_pad, times: None }
    }
}

/// Averages over frames of planes.
///
/// # Errors
/// Sizes that do not fit.
pub fn volumetric_average<T: Float>(input: &Tensor, output: &Tensor, fields: VolumetricAverage) -> Result<()> {
    averages::<T>(input, output, &fields.window.plan(input)?, fields.divisor())
}

/// Backward of [`volumetric_average`].
///
/// # Errors
/// Sizes that do not fit.
pub fn volumetric_average_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    fields: VolumetricAverage,
) -> Result<()> {
    averages_grad::<T>(input, grad_output, grad_input, &fields.window.plan(input)?, fields.divisor())
}
