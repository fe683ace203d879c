//! Eigenvalues and eigenvectors.

use super::{Dense, Linear, options, store_vector};
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::error::Result;
use crate::tensor::map;
use faer::Par;
use faer::diag::DiagMut;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, evd_real, evd_scratch, self_adjoint_evd, self_adjoint_evd_scratch};

/// The eigenvalues of a symmetric A (n x n) in ascending order in `e`, and with job 'V' orthonormal eigenvectors as the
/// columns of `v` (n x n), so that `A = V diag(e) V'`; else `v` stays as it is. Only the triangle `uplo` is read. The
/// sign of each vector is free.
///
/// # Errors
/// Another shape, nan or infinity in A, no convergence, an unknown option.
pub fn symeig<T: Linear>(e: &Tensor, v: &Tensor, a: &Tensor, job: Option<&str>, uplo: Option<&str>) -> Result<()> {
    let [job, uplo] = options("symeig", ["NV", "UL"], [job, uplo])?;
    let mut a = Dense::<T>::square("A", a)?;
    a.mirror(uplo == 'U');
    let scale = a.tame("symeig")?;
    let n = a.rows;
    let mut values = vec![T::ZERO; n];
    let mut vectors = Dense::zeros(n, n);
    let vectors_too = job == 'V';
    let compute = if vectors_too { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No };
    let mut memory = MemBuffer::new(self_adjoint_evd_scratch::<T>(n, compute, Par::Seq, Default::default()));
    let done = self_adjoint_evd(
        a.view(),
        DiagMut::from_slice_mut(&mut values),
        vectors_too.then(|| vectors.view_mut()),
        Par::Seq,
        MemStack::new(&mut memory),
        Default::default(),
    );
    demand!(done.is_ok(), in "Lapack Error in symeig ", "the values of the {n}x{n} matrix did not converge");
    if vectors_too {
        vectors.store(v)?;
    }
    values.iter_mut().for_each(|x| *x *= scale);
    store_vector(&values, e)
}

/// The eigenvalues of any A (n x n) as real and imaginary parts, the columns of `e` (n x 2), and with job 'V' the right
/// eigenvectors in `v` (n x n), each of length 1; else `v` stays as it is. A conjugate pair comes with the positive
/// imaginary part first; its columns of `v` are the real and the imaginary part of the first one's vector, turned so
/// that its largest component is real.
///
/// # Errors
/// Another shape, nan or infinity in A, no convergence, an unknown option.
pub fn eig<T: Linear>(e: &Tensor, v: &Tensor, a: &Tensor, job: Option<&str>) -> Result<()> {
    let [job] = options("eig", ["NV"], [job])?;
    let mut a = Dense::<T>::square("A", a)?;
    let scale = a.tame("eig")?;
    let n = a.rows;
    let mut values = Dense::zeros(n, 2);
    let mut vectors = Dense::zeros(n, n);
    let vectors_too = job == 'V';
    let compute = if vectors_too { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No };
    let scratch = evd_scratch::<T>(n, ComputeEigenvectors::No, compute, Par::Seq, Default::default());
    let mut memory = MemBuffer::new(scratch);
    let (re, im) = values.data.split_at_mut(n);
    let done = evd_real(
        a.view(),
        DiagMut::from_slice_mut(re),
        DiagMut::from_slice_mut(im),
        None,
        vectors_too.then(|| vectors.view_mut()),
        Par::Seq,
        MemStack::new(&mut memory),
        Default::default(),
    );
    let finite = values.data.iter().chain(&vectors.data).all(|x| x.finite());
    demand!(done.is_ok() && finite, in "Lapack Error in eig ", "the values of the {n}x{n} matrix did not converge");
    normalise(&mut values, &mut vectors);
    values.data.iter_mut().for_each(|x| *x *= scale);
    if vectors_too {
        vectors.store(v)?;
    }
    e.resize(&[n, 2])?;
    let packed = Tensor::from_slice(&values.transposed().data)?;
    packed.resize(&[n, 2])?;
    map::unary("copy", e, &packed, 1, |x: T| x)
}

/// Orders pairs and scales vectors.
fn normalise<T: Linear>(values: &mut Dense<T>, vectors: &mut Dense<T>) {
    let n = values.rows;
    let mut j = 0;
    while j < n {
        let im = values.at(j, 1);
        if im == T::ZERO || j + 1 == n {
            let scale = length(vectors.col(j));
            divide(vectors.col_mut(j), scale);
            j += 1;
            continue;
        }
        if im < T::ZERO {
            values.set(j, 1, -im);
            values.set(j + 1, 1, im);
            for x in vectors.col_mut(j + 1) {
                *x = -*x;
            }
        }
        turn(vectors, j);
        j += 2;
    }
}

fn length<T: Linear>(x: &[T]) -> T {
    super::householder::norm(x)
}

fn divide<T: Linear>(x: &mut [T], by: T) {
    if by > T::ZERO {
        for v in x {
            *v /= by;
        }
    }
}

/// Scales the complex vector in columns `j` and `j + 1` to length 1 and turns its largest component onto the real axis.
fn turn<T: Linear>(vectors: &mut Dense<T>, j: usize) {
    let both = [length(vectors.col(j)), length(vectors.col(j + 1))];
    let scale = length(&both);
    divide(vectors.col_mut(j), scale);
    divide(vectors.col_mut(j + 1), scale);
    let size = |i: usize| length(&[vectors.at(i, j), vectors.at(i, j + 1)]);
    let top = (1..vectors.rows).fold(0, |best, i| if size(i) > size(best) { i } else { best });
    let (c, s, r) = (vectors.at(top, j), vectors.at(top, j + 1), size(top));
    if r == T::ZERO {
        return;
    }
    let (c, s) = (c / r, s / r);
    for i in 0..vectors.rows {
        let (re, im) = (vectors.at(i, j), vectors.at(i, j + 1));
        vectors.set(i, j, re * c + im * s);
        vectors.set(i, j + 1, im * c - re * s);
    }
    vectors.set(top, j + 1, T::ZERO);
}
