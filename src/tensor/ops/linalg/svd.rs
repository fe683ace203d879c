//! Singular values.

use super::{Dense, Linear, options, store_vector};
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::error::Result;
use faer::Par;
use faer::diag::DiagMut;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::{ComputeSvdVectors, svd as faer_svd, svd_scratch};

/// The singular value decomposition `A = U diag(s) V'` of A (m x n), values descending: with k = min(m, n), U (m x k),
/// s (k), V (n x k); with job 'A' U is m x m and V n x n. The sign of each pair of vectors is free.
///
/// # Errors
/// Another shape, nan or infinity in A, no convergence, an unknown option.
pub fn svd<T: Linear>(u: &Tensor, s: &Tensor, v: &Tensor, a: &Tensor, job: Option<&str>) -> Result<()> {
    let [job] = options("svd", ["SA"], [job])?;
    let mut a = Dense::<T>::read("A", a)?;
    let scale = a.tame("svd")?;
    let (m, n, k) = (a.rows, a.cols, a.rows.min(a.cols));
    let all = job == 'A';
    let (mut left, mut right) = (Dense::zeros(m, if all { m } else { k }), Dense::zeros(n, if all { n } else { k }));
    let mut values = vec![T::ZERO; k];
    let compute = if all { ComputeSvdVectors::Full } else { ComputeSvdVectors::Thin };
    let mut memory = MemBuffer::new(svd_scratch::<T>(m, n, compute, compute, Par::Seq, Default::default()));
    let done = faer_svd(
        a.view(),
        DiagMut::from_slice_mut(&mut values),
        Some(left.view_mut()),
        Some(right.view_mut()),
        Par::Seq,
        MemStack::new(&mut memory),
        Default::default(),
    );
    demand!(done.is_ok(), in "Lapack Error in svd ", "the values of the {m}x{n} matrix did not converge");
    values.iter_mut().for_each(|x| *x *= scale);
    left.store(u)?;
    store_vector(&values, s)?;
    right.store(v)
}
