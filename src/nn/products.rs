//! nn.MixtureTable: experts weighted by a gate, which has a weight for each expert (K), or for each of each sample
//! (N x K). Experts are tensors of one size, with the samples first where there is a batch, or the slices of one tensor
//! along a dimension.

use super::vectors::{put, sum_of};
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source, share_rows};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize;

/// How the elements of experts lie: in runs that belong to one sample and follow one another in memory.
#[derive(Clone, Copy)]
struct Runs {
    /// Experts.
    experts: usize,
    /// Elements of an expert that belong to one sample.
    sample: usize,
    /// Those that follow one another before the next expert's come; all of an expert that is a tensor of its own.
    inner: usize,
    /// Elements of a run.
    run: usize,
}

impl Runs {
    fn new(gate: &Tensor, expert: &[usize], experts: usize, inner: usize) -> Result<Runs> {
        check::ranks("gate", gate, 1..=2)?;
        let batch = if gate.ndim() == 2 { gate.size(0) } else { 1 };
        let weights = gate.size(gate.ndim() - 1);
        demand!(experts == weights, "as many experts as the gate has weights ({weights}) expected, got {experts}");
        let len = expert.iter().product::<usize>();
        let fits = gate.ndim() == 1 || expert.first() == Some(&batch);
        demand!(fits && len > 0 && batch > 0, "experts with {batch} samples expected, got {expert:?}");
        let sample = len / batch;
        Ok(Runs { experts, sample, inner, run: inner.min(sample) })
    }

    /// Where a run of expert `i` begins among those of all slices: `at` counts the elements of the expert.
    fn place(self, i: usize, at: usize) -> usize {
        (at / self.inner * self.experts + i) * self.inner + at % self.inner
    }
}

/// Elements of a run that are mixed together: they stay in the nearest cache.
const BLOCK: usize = 1024;

/// The weighted sum: `run(expert, first element)` gives the elements of a run.
fn mix<'a, T: Float>(r: Runs, gate: &[T], y: &mut [T], run: impl Fn(usize, usize) -> &'a [T] + Sync) {
    share_rows(y, r.run, r.run * r.experts, |first, rows| {
        vectorize(
            #[inline(always)]
            || {
                for (n, row) in (first..).zip(rows.chunks_mut(r.run)) {
                    let at = n * r.run;
                    let weights = &gate[at / r.sample * r.experts..][..r.experts];
                    for (b, row) in row.chunks_mut(BLOCK).enumerate() {
                        for (i, &w) in weights.iter().enumerate() {
                            let x = &run(i, at)[b * BLOCK..];
                            put(row, x.iter().map(|x| x.mul(w)), i > 0);
                        }
                    }
                }
            },
        );
    });
}

/// The gradient of the gate.
fn gate_grad<'a, T: Float>(r: Runs, g: &[T], to: &mut [T], run: impl Fn(usize, usize) -> &'a [T] + Sync) {
    share_rows(to, r.experts, r.sample * r.experts, |first, rows| {
        vectorize(
            #[inline(always)]
            || {
                for (n, weights) in (first..).zip(rows.chunks_mut(r.experts)) {
                    for (i, weight) in weights.iter_mut().enumerate() {
                        let runs = (n * r.sample..(n + 1) * r.sample).step_by(r.run);
                        let of_run = |at: usize| sum_of([&g[at..at + r.run], run(i, at)], |[g, x]| g.mul(x));
                        *weight = runs.fold(T::ZERO, |sum, at| sum.add(of_run(at)));
                    }
                }
            },
        );
    });
}

/// Sizes of each expert, and the experts themselves, of tensors of their own.
fn listed<T: Float>(gate: &Tensor, experts: &[&Tensor]) -> Result<(Runs, Vec<Source<T>>)> {
    let Some(first) = experts.first() else { crate::refuse!("experts expected, got none") };
    experts.iter().try_for_each(|x| check::same_size("an expert", x, "the first", first))?;
    let runs = Runs::new(gate, first.layout().sizes(), experts.len(), first.numel())?;
    Ok((runs, experts.iter().map(|x| Source::of(x)).collect::<Result<_>>()?))
}

/// Mixes tensors of one size.
///
/// # Errors
/// Another number of experts than the gate's, sizes that do not fit.
pub fn mixture<T: Float>(gate: &Tensor, experts: &[&Tensor], output: &Tensor) -> Result<()> {
    let (r, all) = listed::<T>(gate, experts)?;
    let gate = Source::<T>::of(gate)?;
    let mut y = Dest::<T>::like(output, experts[0])?;
    mix(r, &gate, &mut y, |i, at| &all[i][at..at + r.run]);
    Ok(())
}

/// The gradient of the gate of [`mixture`].
///
/// # Errors
/// Sizes that do not fit.
pub fn mixture_gate_grad<T: Float>(
    gate: &Tensor,
    experts: &[&Tensor],
    grad_output: &Tensor,
    grad_gate: &Tensor,
) -> Result<()> {
    let (r, all) = listed::<T>(gate, experts)?;
    check::same_size("gradOutput", grad_output, "an expert", experts[0])?;
    let g = Source::<T>::of(grad_output)?;
    let mut to = Dest::<T>::like(grad_gate, gate)?;
    gate_grad(r, &g, &mut to, |i, at| &all[i][at..at + r.run]);
    Ok(())
}

/// The gradient of expert `i`, from 0, of [`mixture`]: that of the output times the expert's weights.
///
/// # Errors
/// An expert that the gate has no weight for, sizes that do not fit.
pub fn mixture_expert_grad<T: Float>(
    gate: &Tensor,
    grad_output: &Tensor,
    i: usize,
    grad_expert: &Tensor,
) -> Result<()> {
    check::ranks("gate", gate, 1..=2)?;
    let experts = gate.size(gate.ndim() - 1);
    let r = Runs::new(gate, grad_output.layout().sizes(), experts, grad_output.numel())?;
    demand!(i < experts, "expert {} of {experts}", i + 1);
    let (weights, g) = (Source::<T>::of(gate)?, Source::<T>::of(grad_output)?);
    let mut to = Dest::<T>::like(grad_expert, grad_output)?;
    share_rows(&mut to, r.sample, r.sample, |first, rows| {
        for (n, row) in (first..).zip(rows.chunks_mut(r.sample)) {
            let weight = weights[n * experts + i];
            let all = row.iter_mut().zip(&g[n * r.sample..]);
            vectorize(
                #[inline(always)]
                move || all.for_each(|(r, &g)| *r = g.mul(weight)),
            );
        }
    });
    Ok(())
}

/// The runs of a tensor's slices along dimension `d`, from 0, and the sizes of a slice.
fn sliced(gate: &Tensor, experts: &Tensor, d: usize) -> Result<(Runs, Vec<usize>)> {
    check::dimension("MixtureTable", d, experts.ndim())?;
    let layout = experts.layout();
    let mut sizes = layout.sizes().to_vec();
    let count = sizes.remove(d);
    let inner = sizes[d..].iter().product();
    Ok((Runs::new(gate, &sizes, count, inner)?, sizes))
}

/// Mixes the slices of a tensor along dimension `d`.
///
/// # Errors
/// Another number of slices than the gate's, sizes that do not fit.
pub fn mixed_slices<T: Float>(gate: &Tensor, experts: &Tensor, output: &Tensor, d: usize) -> Result<()> {
    let (r, sizes) = sliced(gate, experts, d)?;
    let (gate, x) = (Source::<T>::of(gate)?, Source::<T>::of(experts)?);
    let mut y = Dest::<T>::new(output, &sizes)?;
    mix(r, &gate, &mut y, |i, at| &x[r.place(i, at)..][..r.run]);
    Ok(())
}

/// Backward of [`mixed_slices`].
///
/// # Errors
/// Sizes that do not fit.
pub fn mixed_slices_grad<T: Float>(
    gate: &Tensor,
    experts: &Tensor,
    grad_output: &Tensor,
    grad_gate: &Tensor,
    grad_experts: &Tensor,
    d: usize,
) -> Result<()> {
    let (r, sizes) = sliced(gate, experts, d)?;
    check::sizes("gradOutput", grad_output, &sizes)?;
    let (weights, x, g) = (Source::<T>::of(gate)?, Source::<T>::of(experts)?, Source::<T>::of(grad_output)?);
    let mut to_gate = Dest::<T>::like(grad_gate, gate)?;
    gate_grad(r, &g, &mut to_gate, |i, at| &x[r.place(i, at)..][..r.run]);
    let mut to = Dest::<T>::like(grad_experts, experts)?;
    share_rows(&mut to, r.inner * r.experts, r.inner * r.experts, |first, groups| {
        for (n, group) in (first..).zip(groups.chunks_mut(r.inner * r.experts)) {
            for (i, slice) in group.chunks_mut(r.inner).enumerate() {
                for (k, row) in slice.chunks_mut(r.run).enumerate() {
                    let at = n * r.inner + k * r.run;
                    let weight = weights[at / r.sample * r.experts + i];
                    row.iter_mut().zip(&g[at..at + r.run]).for_each(|(r, &g)| *r = g.mul(weight));
                }
            }
        }
    });
    Ok(())
}
