//! nn.SpatialDepthWiseConvolution: every input plane has output planes of its own. Input (C x H x W) or (N x C x H x W),
//! weight (M x C x kH x kW) or, before it is used, (M x C kH kW), bias (M x C), output (C M x oH x oW): the planes of one input plane stand together.

use super::engine::{Plan, plane_sums};
use super::unfold::Geometry;
use super::{Window, with_planes};
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, MatrixMut, Rows, Source, Workspace, try_share};
use crate::tensor::check;
use crate::tensor::error::Result;
use crate::tensor::product::Multiply;

/// One call: what is done to each plane of each sample.
struct Call {
    /// The convolution of a single plane.
    plan: Plan,
    batch: usize,
    planes: usize,
    output: Vec<usize>,
}

impl Call {
    fn new(input: &Tensor, weight: &Tensor, w: Window) -> Result<Call> {
        let nd = input.ndim();
        demand!(nd == 3 || nd == 4, "3D or 4D (batch mode) tensor expected for input, got {}", input.shape_text());
        with_planes(weight, w.window.kh, w.window.kw)?;
        demand!(weight.ndim() == 4, "weight must be 4D, got {}", weight.shape_text());
        let planes = input.size(nd - 3);
        let fits = planes == weight.size(1);
        demand!(fits, "Need input of {} planes, got {}", weight.size(1), input.shape_text());
        let steps = w.steps();
        let geometry = Geometry::new(1, &[input.size(nd - 2), input.size(nd - 1)], &steps)?;
        let out = weight.size(0);
        let fits = geometry.window_len() == weight.size(2) * weight.size(3);
        demand!(fits, "weight {} does not fit a kernel of {}x{}", weight.shape_text(), w.window.kw, w.window.kh);
        let [_, h, w] = geometry.output();
        let mut output = input.layout().sizes().to_vec();
        output[nd - 3] = planes * out;
        (output[nd - 2], output[nd - 1]) = (h, w);
        let batch = if nd == 4 { input.size(0) } else { 1 };
        Ok(Call { plan: Plan { geometry, out }, batch, planes, output })
    }

    /// Elements of an input plane, and of the output planes made of it.
    fn lengths(&self) -> (usize, usize) {
        (self.plan.geometry.plane_len(), self.plan.out * self.plan.geometry.pixels())
    }

    /// The weights by input planes: (C x M x kH x kW).
    fn by_planes<T: Multiply>(&self, weight: &Tensor) -> Result<Source<T>> {
        Source::of(&weight.transpose(0, 1)?)
    }

    fn weights<'a, T>(&self, all: &'a [T], plane: usize) -> &'a [T] {
        let len = self.plan.out * self.plan.geometry.window_len();
        &all[plane * len..][..len]
    }

    fn cost(&self) -> usize {
        self.lengths().1.saturating_mul(self.plan.geometry.window_len())
    }
}

/// Convolves.
///
/// # Errors
/// Sizes that do not fit.
pub fn forward<T: Multiply>(
    input: &Tensor,
    output: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    window: Window,
) -> Result<()> {
    let call = Call::new(input, weight, window)?;
    let (m, (len, out)) = (call.plan.out, call.lengths());
    let x = Source::<T>::of(input)?;
    let w = call.by_planes::<T>(weight)?;
    let b = match bias {
        Some(b) => {
            check::sizes("bias", b, &[m, call.planes])?;
            Some(Source::<T>::of(&b.transpose(0, 1)?)?)
        }
        None => None,
    };
    let mut y = Dest::<T>::new(output, &call.output)?;
    let plane_of = call.plan.correlation()?;
    try_share(Rows::new(&mut y, out), call.cost(), |first, planes| {
        (first..).zip(planes.into_rows()).try_for_each(|(i, y)| {
            let plane = i % call.planes;
            let bias = b.as_ref().map_or(&[][..], |b| &b[plane * m..][..m]);
            plane_of.sample(&x[i * len..][..len], call.weights(&w, plane), bias, y)
        })
    })
}

/// The gradient of the input, of its size. Nothing where there is no gradInput.
///
/// # Errors
/// Sizes that do not fit.
pub fn grad_input<T: Multiply>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: Option<&Tensor>,
    weight: &Tensor,
    window: Window,
) -> Result<()> {
    let Some(grad_input) = grad_input else { return Ok(()) };
    let call = Call::new(input, weight, window)?;
    check::sizes("gradOutput", grad_output, &call.output)?;
    let (len, out) = call.lengths();
    let (go, w) = (Source::<T>::of(grad_output)?, call.by_planes::<T>(weight)?);
    let mut gi = Dest::<T>::like(grad_input, input)?;
    let gradient = call.plan.input_gradient()?;
    try_share(Rows::new(&mut gi, len), call.cost(), |first, planes| {
        (first..)
            .zip(planes.into_rows())
            .try_for_each(|(i, gi)| gradient.sample(&go[i * out..][..out], call.weights(&w, i % call.planes), gi))
    })
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
    window: Window,
) -> Result<()> {
    let call = Call::new(input, grad_weight, window)?;
    check::sizes("gradOutput", grad_output, &call.output)?;
    let (m, (len, out)) = (call.plan.out, call.lengths());
    let k = call.plan.geometry.window_len();
    let (x, go) = (Source::<T>::of(input)?, Source::<T>::of(grad_output)?);
    if let Some(gb) = grad_bias {
        check::sizes("gradBias", gb, &[m, call.planes])?;
        let mut sums = Workspace::<T>::zeros(m * call.planes)?;
        let all = MatrixMut::new(&mut sums, m * call.planes, 1);
        plane_sums(&go, call.batch, call.plan.geometry.pixels(), scale, all);
        let mut gb = Dest::<T>::update(gb)?;
        MatrixMut::new(&mut gb, m, call.planes).each_row(|i, row| {
            row.iter_mut().zip(sums[i..].iter().step_by(m)).for_each(|(v, &s)| *v = v.add(s));
        });
    }
    let mut sums = Workspace::<T>::zeros(m * call.planes * k)?;
    let gradient = call.plan.weights()?;
    try_share(Rows::new(&mut sums, m * k), call.cost().saturating_mul(call.batch), |first, planes| {
        (first..).zip(planes.into_rows()).try_for_each(|(plane, sum)| {
            (0..call.batch).try_for_each(|n| {
                let i = n * call.planes + plane;
                gradient.sample(&x[i * len..][..len], &go[i * out..][..out], scale, sum)
            })
        })
    })?;
    let mut gw = Dest::<T>::update(grad_weight)?;
    for (i, gw) in gw.chunks_mut(k).enumerate() {
        let (m_i, plane) = (i / call.planes, i % call.planes);
        gw.iter_mut().zip(&sums[(plane * m + m_i) * k..]).for_each(|(v, &s)| *v = v.add(s));
    }
    Ok(())
}
