//! Sums over windows, times a weight and plus a bias that are learned: one of each for a plane, or for an element of the
//! frames of a sequence.

use super::window::{Plan, planes_of};
use super::{sequences, sum};
use crate::demand;
use crate::fields;
use crate::nn::vectors::sums_of;
use crate::nn::window::{PlaneWindow, SequenceWindow};
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source, Workspace};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize;

fields! {
    /// Windows over planes.
    pub struct SubSampling {
        /// Number of planes.
        planes: i64 = ".nInputPlane:long",
        /// The windows.
        window: PlaneWindow = PlaneWindow::TEXT,
    }
}
fields! {
    /// Windows over the frames of a sequence.
    pub struct Sequences {
        /// Elements of a frame.
        size: i64 = ".inputFrameSize:long",
        /// The windows.
        window: SequenceWindow = SequenceWindow::TEXT,
    }
}

/// The windows, and which of their numbers (plane, or column) tells the channel.
struct Call {
    plan: Plan,
    channels: usize,
    by_column: bool,
}

impl Call {
    /// The channels of the windows in row `r`: the first one's, and how far apart neighbours' are.
    #[inline(always)]
    fn channels_of(&self, r: usize) -> (usize, usize) {
        if self.by_column { (0, 1) } else { (self.plan.place(r)[0] % self.channels, 0) }
    }

    /// Adds the products of gradients and window sums, and the gradients, to those of their channels.
    fn channel_sums<T: Float>(&self, go: &[T], sums: &[T], [products, gradients]: [&mut [f64]; 2]) {
        let row = if self.by_column { self.plan.width() } else { self.plan.out_plane() }.max(1);
        vectorize(
            #[inline(always)]
            || {
                for (i, (go, sums)) in go.chunks(row).zip(sums.chunks(row)).enumerate() {
                    if self.by_column {
                        let all = products.iter_mut().zip(gradients.iter_mut()).zip(go.iter().zip(sums));
                        all.for_each(|((p, b), (g, v))| {
                            *p += g.to_f64() * v.to_f64();
                            *b += g.to_f64();
                        });
                    } else {
                        let [product, gradient] = sums_of([go, sums], |[g, v]| [g * v, g]);
                        products[i % self.channels] += product;
                        gradients[i % self.channels] += gradient;
                    }
                }
            },
        );
    }

    /// One number for each channel.
    fn vector<T: Float>(&self, name: &str, t: &Tensor) -> Result<Source<T>> {
        demand!(t.numel() == self.channels, "{name} of {} elements expected, got {}", self.channels, t.shape_text());
        Source::of(t)
    }
}

impl SubSampling {
    fn call(self, input: &Tensor) -> Result<Call> {
        let first = planes_of(input, 2)?;
        let channels = input.size(first - 1);
        demand!(channels as i64 == self.planes, "input of {} planes expected, got {channels}", self.planes);
        let plan = Plan::regular(input, &self.window.plain_steps(), false)?;
        Ok(Call { plan, channels, by_column: false })
    }
}

impl Sequences {
    fn call(self, input: &Tensor) -> Result<Call> {
        demand!(input.ndim() == 2, "2D tensor expected for input, got {}", input.shape_text());
        let channels = input.size(1);
        demand!(channels as i64 == self.size, "frames of {} elements expected, got {channels}", self.size);
        Ok(Call { plan: sequences(input, self.window)?, channels, by_column: true })
    }
}

fn forward<T: Float>(input: &Tensor, output: &Tensor, weight: &Tensor, bias: &Tensor, call: &Call) -> Result<()> {
    let (w, b) = (call.vector::<T>("weight", weight)?, call.vector::<T>("bias", bias)?);
    let x = Source::<T>::of(input)?;
    let mut y = Dest::<T>::new(output, &call.plan.sizes)?;
    sum::forward_plain(
        &x,
        &call.plan,
        &mut y,
        #[inline(always)]
        |sums, r| {
            let (first, step) = call.channels_of(r);
            sums.iter_mut().enumerate().for_each(|(i, v)| *v = v.mul(w[first + i * step]).add(b[first + i * step]));
        },
    )
}

fn backward<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    weight: &Tensor,
    call: &Call,
) -> Result<()> {
    call.plan.check("gradOutput", grad_output)?;
    let w = call.vector::<T>("weight", weight)?;
    let go = Source::<T>::of(grad_output)?;
    let mut gi = Dest::<T>::like(grad_input, input)?;
    sum::backward_plain(
        &go,
        &call.plan,
        &mut gi,
        #[inline(always)]
        |values, r| {
            let (first, step) = call.channels_of(r);
            values.iter_mut().enumerate().for_each(|(i, v)| *v = v.mul(w[first + i * step]));
        },
    )
}

fn accumulate<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    scale: T,
    grad_weight: &Tensor,
    grad_bias: &Tensor,
    call: &Call,
) -> Result<()> {
    let p = &call.plan;
    p.check("gradOutput", grad_output)?;
    call.vector::<T>("gradWeight", grad_weight)?;
    call.vector::<T>("gradBias", grad_bias)?;
    let (x, go) = (Source::<T>::of(input)?, Source::<T>::of(grad_output)?);
    let mut sums = Workspace::<T>::new(p.len())?;
    sum::forward_plain(&x, p, &mut sums, |_, _| {})?;
    let mut found = [Workspace::<f64>::zeros(call.channels)?, Workspace::<f64>::zeros(call.channels)?];
    call.channel_sums(&go, &sums, found.each_mut().map(|f| &mut f[..]));
    for (t, found) in [grad_weight, grad_bias].into_iter().zip(&found) {
        let mut into = Dest::<T>::update(t)?;
        into.iter_mut().zip(found.iter()).for_each(|(r, f)| *r = r.add(scale.mul(T::from_f64(*f))));
    }
    Ok(())
}

macro_rules! kernels {
    ($($module:ident $fields:ident $what:literal;)*) => { $(
        #[doc = concat!("Weighted sums over ", $what, ".")]
        pub mod $module {
            use super::*;

            /// The weighted sums of the windows, plus the bias.
            ///
            /// # Errors
            /// Sizes that do not fit.
            pub fn forward<T: Float>(
                input: &Tensor,
                output: &Tensor,
                weight: &Tensor,
                bias: &Tensor,
                fields: $fields,
            ) -> Result<()> {
                super::forward::<T>(input, output, weight, bias, &fields.call(input)?)
            }

            /// The gradient of the input, of its size. Nothing where there is no gradInput.
            ///
            /// # Errors
            /// Sizes that do not fit.
            pub fn grad_input<T: Float>(
                input: &Tensor,
                grad_output: &Tensor,
                grad_input: Option<&Tensor>,
                weight: &Tensor,
                fields: $fields,
            ) -> Result<()> {
                let Some(grad_input) = grad_input else { return Ok(()) };
                super::backward::<T>(input, grad_output, grad_input, weight, &fields.call(input)?)
            }

            /// Adds `scale` times the gradients of weight and bias.
            ///
            /// # Errors
            /// Sizes that do not fit.
            pub fn acc_grad<T: Float>(
                input: &Tensor,
                grad_output: &Tensor,
                scale: T,
                grad_weight: &Tensor,
                grad_bias: &Tensor,
                fields: $fields,
            ) -> Result<()> {
                super::accumulate::<T>(input, grad_output, scale, grad_weight, grad_bias, &fields.call(input)?)
            }
        }
    )* };
}
kernels! {
    spatial_subsampling SubSampling "planes";
    temporal_subsampling Sequences "the frames of sequences";
}
