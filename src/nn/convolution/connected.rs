//! nn.SpatialConvolutionMap and nn.SpatialFullConvolutionMap: a table says which input plane goes to which output plane.
//! Table (n x 2: from, to; counted from 1), weight (n x kH x kW), bias (planes of the output).
//!
//! They are computed as convolutions of all planes, with zeros where there is no connection: one large product is faster
//! than many small ones.

use super::engine::{Plan, plane_sums};
use super::unfold::Geometry;
use crate::demand;
use crate::fields;
use crate::nn::window::PlaneWindow;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, MatrixDest, Source, Workspace};
use crate::tensor::check;
use crate::tensor::error::Result;
use crate::tensor::product::Multiply;

fields! {
    /// The connections, and window and stride.
    pub struct Connected<'a> {
        /// Which plane goes to which.
        table: &'a Tensor = ".connTable:tensor",
        /// Planes of the input.
        from: i64 = ".nInputPlane:long",
        /// Planes of the output.
        to: i64 = ".nOutputPlane:long",
        /// Its size and stride.
        window: PlaneWindow = PlaneWindow::TEXT,
    }
}

/// One call. `full` for the transposed convolution, whose weights are those of the convolution back.
struct Call {
    plan: Plan,
    /// Number of samples.
    batch: usize,
    /// Row and column of planes in the weight matrix, for each connection.
    places: Vec<(usize, usize)>,
    output: Vec<usize>,
    full: bool,
}

impl Call {
    fn new(input: &Tensor, weight: &Tensor, f: &Connected, full: bool) -> Result<Call> {
        let nd = input.ndim();
        let wanted = if full { "3D" } else { "3D or 4D (batch mode)" };
        demand!(nd == 3 || nd == 4 && !full, "{wanted} tensor expected for input, got {}", input.shape_text());
        let (from, to) = (f.from.max(0) as usize, f.to.max(0) as usize);
        let planes = input.size(nd - 3);
        demand!(
            planes >= from && from > 0,
            "invalid number of input planes: {from} expected, got {}",
            input.shape_text()
        );
        let sizes = [input.size(nd - 2), input.size(nd - 1)];
        let steps = f.window.plain_steps();
        let (geometry, out) = if full {
            (Geometry::transposed(to, &sizes, &steps, &[0, 0])?, planes)
        } else {
            (Geometry::new(planes, &sizes, &steps)?, to)
        };
        let places = Call::places(f, [from, to], full)?;
        let len = geometry.window_len();
        let fits = weight.ndim() == 3 && weight.size(0) == places.len() && weight.numel() == places.len() * len;
        demand!(fits, "weight {} does not fit {} connections", weight.shape_text(), places.len());
        let [_, h, w] = if full { geometry.input() } else { geometry.output() };
        let mut output = input.layout().sizes().to_vec();
        output[nd - 3..].copy_from_slice(&[to, h, w]);
        let batch = if nd == 4 { input.size(0) } else { 1 };
        Ok(Call { plan: Plan { geometry, out }, batch, places, output, full })
    }

    fn places(f: &Connected, [from, to]: [usize; 2], full: bool) -> Result<Vec<(usize, usize)>> {
        let t = f.table;
        demand!(t.ndim() == 2 && t.size(1) == 2, "connTable of n x 2 expected, got {}", t.shape_text());
        let pairs = crate::with_dtype!(t.dtype(), T => {
            use crate::tensor::dtype::Element;
            Source::<T>::of(t)?.iter().map(|v| v.to_i64()).collect::<Vec<_>>()
        });
        let place = |p: &[i64]| {
            let inside = p[0] >= 1 && p[0] as usize <= from && p[1] >= 1 && p[1] as usize <= to;
            demand!(inside, "connection from {} to {}: planes 1 to {from} and 1 to {to} expected", p[0], p[1]);
            let (a, b) = (p[0] as usize - 1, p[1] as usize - 1);
            Ok(if full { (a, b) } else { (b, a) })
        };
        pairs.chunks(2).map(place).collect()
    }

    /// The weights of all planes, zero where they are not connected.
    fn dense<T: Multiply>(&self, weight: &[T]) -> Result<Workspace<T>> {
        let (k, len) = (self.plan.geometry.rows(), self.plan.geometry.window_len());
        let mut all = Workspace::<T>::zeros(self.plan.out * k)?;
        for (&(row, column), w) in self.places.iter().zip(weight.chunks(len)) {
            let to = &mut all[row * k + column * len..][..len];
            to.iter_mut().zip(w).for_each(|(to, v)| *to = to.add(*v));
        }
        Ok(all)
    }
}

fn convolve<T: Multiply>([input, output, weight, bias]: [&Tensor; 4], f: &Connected, full: bool) -> Result<()> {
    let call = Call::new(input, weight, f, full)?;
    check::sizes("bias", bias, &[f.to.max(0) as usize])?;
    let (x, w, b) = (Source::<T>::of(input)?, Source::<T>::of(weight)?, Source::<T>::of(bias)?);
    let w = call.dense(&w)?;
    let mut y = Dest::<T>::new(output, &call.output)?;
    let plan = &call.plan;
    if call.full { plan.transposed(&x, &w, &b, &mut y) } else { plan.forward(&x, &w, &b, &mut y) }
}

fn gradient<T: Multiply>(
    [input, grad_output, grad_input, weight]: [&Tensor; 4],
    f: &Connected,
    full: bool,
) -> Result<()> {
    let call = Call::new(input, weight, f, full)?;
    check::sizes("gradOutput", grad_output, &call.output)?;
    let (go, w) = (Source::<T>::of(grad_output)?, Source::<T>::of(weight)?);
    let w = call.dense(&w)?;
    let mut gi = Dest::<T>::like(grad_input, input)?;
    let plan = &call.plan;
    if call.full { plan.forward(&go, &w, &[], &mut gi) } else { plan.transposed(&go, &w, &[], &mut gi) }
}

fn accumulate<T: Multiply>(
    [input, grad_output, grad_weight, grad_bias]: [&Tensor; 4],
    scale: T,
    f: &Connected,
    full: bool,
) -> Result<()> {
    let call = Call::new(input, grad_weight, f, full)?;
    check::sizes("gradOutput", grad_output, &call.output)?;
    check::sizes("gradBias", grad_bias, &[f.to.max(0) as usize])?;
    let (plan, g) = (&call.plan, &call.plan.geometry);
    let (x, go) = (Source::<T>::of(input)?, Source::<T>::of(grad_output)?);
    let pixels = if full { g.plane_len() } else { g.pixels() };
    plane_sums(&go, call.batch, pixels, scale, MatrixDest::update(grad_bias)?.view());
    let (k, len) = (g.rows(), g.window_len());
    let mut all = Workspace::<T>::zeros(plan.out * k)?;
    let (from, to) = if full { (&go, &x) } else { (&x, &go) };
    plan.weight_gradient(from, to, scale, &mut all)?;
    let mut gw = Dest::<T>::update(grad_weight)?;
    for (&(row, column), gw) in call.places.iter().zip(gw.chunks_mut(len)) {
        gw.iter_mut().zip(&all[row * k + column * len..]).for_each(|(w, &v)| *w = w.add(v));
    }
    Ok(())
}

/// The kernels of a class.
macro_rules! kernels {
    ($($name:ident $full:literal $class:literal;)*) => { $(
        #[doc = concat!("Kernels of ", $class, ".")]
        pub mod $name {
            use super::*;

            /// Convolves.
            ///
            /// # Errors
            /// Sizes that do not fit, connections of planes that are not there.
            pub fn forward<T: Multiply>(
                input: &Tensor,
                output: &Tensor,
                weight: &Tensor,
                bias: &Tensor,
                fields: Connected,
            ) -> Result<()> {
                convolve::<T>([input, output, weight, bias], &fields, $full)
            }

            /// The gradient of the input, of its size. Nothing where there is no gradInput.
            ///
            /// # Errors
            /// As the forward pass.
            pub fn grad_input<T: Multiply>(
                input: &Tensor,
                grad_output: &Tensor,
                grad_input: Option<&Tensor>,
                weight: &Tensor,
                fields: Connected,
            ) -> Result<()> {
                let Some(grad_input) = grad_input else { return Ok(()) };
                gradient::<T>([input, grad_output, grad_input, weight], &fields, $full)
            }

            /// Adds `scale` times the gradients of weight and bias.
            ///
            /// # Errors
            /// As the forward pass.
            pub fn acc_grad<T: Multiply>(
                input: &Tensor,
                grad_output: &Tensor,
                scale: T,
                grad_weight: &Tensor,
                grad_bias: &Tensor,
                fields: Connected,
            ) -> Result<()> {
                accumulate::<T>([input, grad_output, grad_weight, grad_bias], scale, &fields, $full)
            }
        }
    )* };
}
kernels! {
    valid false "nn.SpatialConvolutionMap";
    full true "nn.SpatialFullConvolutionMap";
}
