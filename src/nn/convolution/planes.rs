//! Convolutions of planes as the modules call them: input (C x H x W), with frames (C x T x H x W), or a batch of either;
//! weight (O x C x kH x kW), (O x C x kT x kH x kW) or a matrix (O x C kH kW); bias (O). Those of transposed convolutions
//! begin with the input's planes: (C x O x ...).

use super::engine::{Plan, plane_sums};
use super::groups::Grouped;
use super::unfold::Geometry;
use super::with_planes;
use crate::demand;
use crate::fields;
use crate::nn::window::{PlaneWindow, Step, VolumeWindow};
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, MatrixDest, Source};
use crate::tensor::check;
use crate::tensor::error::Result;
use crate::tensor::layout::shape_text;
use crate::tensor::product::Multiply;

fields! {
    /// Window, stride and padding of a convolution over planes.
    pub struct Spatial {
        /// Whether a weight matrix, as older files have it, gets its four dimensions.
        planes: bool = ".hasPlanes:bool=false",
        /// Its size and stride.
        window: PlaneWindow = PlaneWindow::TEXT,
        /// Zeros on the left and on the right.
        pad_w: Option<i64> = ".padW:long=nil",
        /// Zeros above and below; as many as `pad_w` without it.
        pad_h: Option<i64> = ".padH:long=nil",
        /// What layers of older files have for both directions.
        padding: i64 = ".padding:long=0",
        /// Distance between the columns of a window.
        dilation_w: i64 = ".dilationW:long=1",
        /// Distance between the rows of a window.
        dilation_h: i64 = ".dilationH:long=1",
        /// Groups of planes, each of which makes a group of the output's.
        groups: i64 = ".groups:long=1",
    }
}
fields! {
    /// A convolution over frames of planes.
    pub struct Volumetric {
        /// Window, stride, padding and dilation.
        window: VolumeWindow = VolumeWindow::TEXT,
        /// Groups of planes, each of which makes a group of the output's.
        groups: i64 = ".groups:long=1",
    }
}
fields! {
    /// A transposed convolution over planes.
    pub struct FullSpatial {
        /// The convolution that it transposes.
        window: Spatial = Spatial::TEXT,
        /// Columns added on the right of the output.
        adj_w: i64 = ".adjW:long=0",
        /// Rows added below the output.
        adj_h: i64 = ".adjH:long=0",
    }
}
fields! {
    /// A transposed convolution over frames of planes.
    pub struct FullVolumetric {
        /// The convolution that it transposes.
        window: Volumetric = Volumetric::TEXT,
        /// Frames added at the end of the output.
        adj_t: i64 = ".adjT:long=0",
        /// Columns added on the right of the output.
        adj_w: i64 = ".adjW:long=0",
        /// Rows added below the output.
        adj_h: i64 = ".adjH:long=0",
    }
}

/// What the fields of a convolution say of each dimension, rows before columns.
#[derive(Clone, Copy)]
struct Steps {
    steps: [Step; 3],
    /// What a transposed convolution adds to its output.
    extra: [i64; 3],
    first: usize,
    planes: bool,
    groups: i64,
}

impl Steps {
    fn steps(&self) -> &[Step] {
        &self.steps[self.first..]
    }

    fn extra(&self) -> &[i64] {
        &self.extra[self.first..]
    }

    /// Gives the weight matrix of an older file its planes.
    fn give_planes(&self, weight: &Tensor) -> Result<()> {
        if self.planes { with_planes(weight, self.steps[1].kernel, self.steps[2].kernel) } else { Ok(()) }
    }
}

const ONE: Step = Step { kernel: 1, stride: 1, pad: 0, dilation: 1 };

impl From<Spatial> for Steps {
    fn from(f: Spatial) -> Steps {
        let pad_w = f.pad_w.unwrap_or(f.padding);
        let [y, x] = f.window.steps([f.pad_h.unwrap_or(pad_w), pad_w], [f.dilation_h, f.dilation_w]);
        Steps { steps: [ONE, y, x], extra: [0; 3], first: 1, planes: f.planes, groups: f.groups }
    }
}

impl From<Volumetric> for Steps {
    fn from(f: Volumetric) -> Steps {
        Steps { steps: f.window.steps(), extra: [0; 3], first: 0, planes: false, groups: f.groups }
    }
}

impl From<FullSpatial> for Steps {
    fn from(f: FullSpatial) -> Steps {
        Steps { extra: [0, f.adj_h, f.adj_w], ..f.window.into() }
    }
}

impl From<FullVolumetric> for Steps {
    fn from(f: FullVolumetric) -> Steps {
        Steps { extra: [f.adj_t, f.adj_h, f.adj_w], ..f.window.into() }
    }
}

/// Everything about one call.
struct Call {
    plan: Grouped,
    /// Number of samples.
    batch: usize,
    /// Sizes that the output has, or should have.
    output: Vec<usize>,
}

impl Call {
    /// `full` for a transposed convolution, whose plan is that of the convolution from its output to its input.
    fn new(input: &Tensor, weight: &Tensor, steps: &Steps, full: bool) -> Result<Call> {
        let (n, nd) = (steps.steps().len(), input.ndim());
        demand!(
            nd == n + 1 || nd == n + 2,
            "{}D or {}D (batch mode) tensor expected for input, got {}",
            n + 1,
            n + 2,
            input.shape_text()
        );
        demand!(
            weight.ndim() == n + 2 || weight.ndim() == 2 && !full,
            "weight must be 2D or {}D, got {}",
            n + 2,
            weight.shape_text()
        );
        let (layout, d) = (input.layout(), nd - n - 1);
        let (planes, sizes) = (input.size(d), &layout.sizes()[d + 1..]);
        let groups = check::positive("number of groups", steps.groups)?;
        let shared = |planes: usize, what: &str| {
            demand!(planes.is_multiple_of(groups), "{what} planes that {groups} groups share expected, got {planes}");
            Ok(planes / groups)
        };
        let (geometry, out, result) = if full {
            let g = Geometry::transposed(weight.size(1), sizes, steps.steps(), steps.extra())?;
            (g, shared(planes, "input")?, weight.size(1) * groups)
        } else {
            let g = Geometry::new(shared(planes, "input")?, sizes, steps.steps())?;
            (g, shared(weight.size(0), "output")?, weight.size(0))
        };
        demand!(
            weight.size(0) == out * groups && weight.numel() == out * groups * geometry.rows(),
            "Need input of a size that fits weight {}, got {}",
            weight.shape_text(),
            input.shape_text()
        );
        let batch = if d == 1 { input.size(0) } else { 1 };
        let mut output = layout.sizes().to_vec();
        output[d] = result;
        let spatial = if full { geometry.input() } else { geometry.output() };
        output[d + 1..].copy_from_slice(&spatial[3 - n..]);
        Ok(Call { plan: Grouped { plan: Plan { geometry, out }, groups }, batch, output })
    }

    fn check_grad(&self, grad_output: &Tensor) -> Result<()> {
        demand!(
            grad_output.has_sizes(&self.output),
            "Need gradOutput of size {}, got {}",
            shape_text(&self.output),
            grad_output.shape_text()
        );
        Ok(())
    }

    /// Output planes, and positions of one.
    fn output_planes(&self, full: bool) -> (usize, usize) {
        let Grouped { plan, groups } = &self.plan;
        let g = &plan.geometry;
        if full { (g.planes * groups, g.plane_len()) } else { (plan.out * groups, g.pixels()) }
    }
}

fn bias_of<T: Multiply>(bias: Option<&Tensor>, planes: usize) -> Result<Option<Source<T>>> {
    let Some(b) = bias else { return Ok(None) };
    demand!(b.numel() == planes, "bias {} does not fit {planes} output planes", b.shape_text());
    Source::of(b).map(Some)
}

/// Convolves, or with `full` the transposed way.
fn convolve<T: Multiply>(
    input: &Tensor,
    output: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    steps: &Steps,
    full: bool,
) -> Result<()> {
    steps.give_planes(weight)?;
    let call = Call::new(input, weight, steps, full)?;
    let bias = bias_of::<T>(bias, call.output_planes(full).0)?;
    let bias = bias.as_deref().unwrap_or(&[]);
    let x = Source::<T>::of(input)?;
    let single = (!full && call.plan.groups == 1).then_some(&call.plan.plan);
    if let Some(plan) = single
        && let Some(kept) = plan.kept::<T>(weight, call.batch)?
        && plan.forward_kept(&x, &kept, bias, &mut Dest::<T>::new(output, &call.output)?)?
    {
        return Ok(());
    }
    let w = Source::<T>::of(weight)?;
    let mut y = Dest::<T>::new(output, &call.output)?;
    if full {
        return call.plan.transposed(&x, &w, bias, &mut y);
    }
    call.plan.forward(&x, &w, bias, &mut y)?;
    if let Some(plan) = single {
        plan.note_use::<T>(weight, call.batch);
    }
    Ok(())
}

/// The gradient of the input, of its size.
fn gradient<T: Multiply>(
    [input, grad_output, grad_input, weight, output]: [&Tensor; 5],
    steps: &Steps,
    full: bool,
) -> Result<()> {
    demand!(output.numel() > 0, "backward before forward, there is no output yet");
    steps.give_planes(weight)?;
    let call = Call::new(input, weight, steps, full)?;
    call.check_grad(grad_output)?;
    let (go, w) = (Source::<T>::of(grad_output)?, Source::<T>::of(weight)?);
    let mut gi = Dest::<T>::like(grad_input, input)?;
    if full { call.plan.forward(&go, &w, &[], &mut gi) } else { call.plan.transposed(&go, &w, &[], &mut gi) }
}

/// Adds `scale` times the gradients of weight and bias.
fn accumulate<T: Multiply>(
    [input, grad_output, grad_weight]: [&Tensor; 3],
    grad_bias: Option<&Tensor>,
    scale: T,
    steps: &Steps,
    full: bool,
) -> Result<()> {
    steps.give_planes(grad_weight)?;
    let call = Call::new(input, grad_weight, steps, full)?;
    call.check_grad(grad_output)?;
    let (planes, len) = call.output_planes(full);
    if let Some(gb) = grad_bias {
        demand!(gb.numel() == planes && gb.ndim() == 1, "gradBias {} does not fit", gb.shape_text());
    }
    let (x, go) = (Source::<T>::of(input)?, Source::<T>::of(grad_output)?);
    if let Some(gb) = grad_bias {
        plane_sums(&go, call.batch, len, scale, MatrixDest::update(gb)?.view());
    }
    let mut gw = Dest::<T>::update(grad_weight)?;
    let (from, to) = if full { (&go, &x) } else { (&x, &go) };
    call.plan.weight_gradient(from, to, scale, &mut gw)
}

/// One module of kernels per kind of fields.
macro_rules! kernels {
    ($($name:ident $fields:ident $full:literal $doc:literal;)*) => { $(
        #[doc = concat!("Kernels of ", $doc, ".")]
        pub mod $name {
            use super::*;

            /// Convolves.
            ///
            /// # Errors
            /// Sizes that do not fit.
            pub fn forward<T: Multiply>(
                input: &Tensor,
                output: &Tensor,
                weight: &Tensor,
                bias: Option<&Tensor>,
                fields: $fields,
            ) -> Result<()> {
                convolve::<T>(input, output, weight, bias, &fields.into(), $full)
            }

            /// The gradient of the input, of its size. Nothing where there is no gradInput.
            ///
            /// # Errors
            /// Sizes that do not fit, a backward pass before the first forward one.
            pub fn grad_input<T: Multiply>(
                input: &Tensor,
                grad_output: &Tensor,
                grad_input: Option<&Tensor>,
                weight: &Tensor,
                output: &Tensor,
                fields: $fields,
            ) -> Result<()> {
                let Some(grad_input) = grad_input else { return Ok(()) };
                gradient::<T>([input, grad_output, grad_input, weight, output], &fields.into(), $full)
            }

            /// Adds `scale` times the gradients of weight and bias.
            ///
            /// # Errors
            /// Sizes that do not fit.
            pub fn acc_grad<T: Multiply>(
                input: &Tensor,
                grad_output: &Tensor,
                scale: T,
                grad_weight: &Tensor,
                grad_bias: Option<&Tensor>,
                fields: $fields,
            ) -> Result<()> {
                accumulate::<T>([input, grad_output, grad_weight], grad_bias, scale, &fields.into(), $full)
            }
        }
    )* };
}
kernels! {
    spatial Spatial false "convolutions over planes";
    volumetric Volumetric false "convolutions over frames of planes";
    full_spatial FullSpatial true "transposed convolutions over planes";
    full_volumetric FullVolumetric true "transposed convolutions over frames of planes";
}
