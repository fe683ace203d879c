//! nn.SpatialDepthWiseConvolution: every input plane has output planes of its own. Input (C x H x W) or (N x C x H x W),
//! weight (M x C x kH x kW) or, before it is used, (M x C kH kW), bias (M x C), output (C M x oH x oW): the planes of one input plane stand together.

use super::engine::{Plan, plane_sums};
use super::groups::Grouped;
use super::unfold::Geometry;
use super::{Window, with_planes};
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, MatrixMut, Source, Workspace};
use crate::tensor::check;
use crate::tensor::error::Result;
use crate::tensor::product::Multiply;

/// One call: what is done to each plane of each sample.
struct Call {
    /// The convolution of each plane.
    plan: Grouped,
    batch: usize,
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
        Ok(Call { plan: Grouped { plan: Plan { geometry, out }, groups: planes }, batch, output })
    }

    /// The weights by input planes: (C x M x kH x kW).
    fn by_planes<T: Multiply>(&self, weight: &Tensor) -> Result<Source<T>> {
        Source::of(&weight.transpose(0, 1)?)
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
    let (x, w) = (Source::<T>::of(input)?, call.by_planes::<T>(weight)?);
    let b = match bias {
        Some(b) => {
            check::sizes("bias", b, &[call.plan.plan.out, call.plan.groups])?;
            Some(Source::<T>::of(&b.transpose(0, 1)?)?)
        }
        None => None,
    };
    let mut y = Dest::<T>::new(output, &call.output)?;
    call.plan.forward(&x, &w, b.as_deref().unwrap_or(&[]), &mut y)
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
    let (go, w) = (Source::<T>::of(grad_output)?, call.by_planes::<T>(weight)?);
    let mut gi = Dest::<T>::like(grad_input, input)?;
    call.plan.transposed(&go, &w, &[], &mut gi)
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
    let Grouped { plan: Plan { geometry, out: m }, groups: planes } = call.plan;
    let k = geometry.window_len();
    let (x, go) = (Source::<T>::of(input)?, Source::<T>::of(grad_output)?);
    if let Some(gb) = grad_bias {
        check::sizes("gradBias", gb, &[m, planes])?;
        let mut sums = Workspace::<T>::zeros(m * planes)?;
        let all = MatrixMut::new(&mut sums, m * planes, 1);
        plane_sums(&go, call.batch, geometry.pixels(), scale, all);
        let mut gb = Dest::<T>::update(gb)?;
        MatrixMut::new(&mut gb, m, planes).each_row(|i, row| {
            row.iter_mut().zip(sums[i..].iter().step_by(m)).for_each(|(v, &s)| *v = v.add(s));
        });
    }
    let mut sums = Workspace::<T>::zeros(m * planes * k)?;
    call.plan.weight_gradient(&x, &go, scale, &mut sums)?;
    let mut gw = Dest::<T>::update(grad_weight)?;
    for (i, gw) in gw.chunks_mut(k).enumerate() {
        let (m_i, plane) = (i / planes, i % planes);
        gw.iter_mut().zip(&sums[(plane * m + m_i) * k..]).for_each(|(v, &s)| *v = v.add(s));
    }
    Ok(())
}
