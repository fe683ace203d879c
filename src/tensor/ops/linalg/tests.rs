//! Reconstruction over many shapes, in both precisions; and what must be refused.

use super::*;
use crate::tensor::random::Generator;

const SHAPES: [(usize, usize); 12] =
    [(1, 1), (1, 5), (5, 1), (2, 2), (3, 3), (7, 3), (3, 7), (20, 20), (50, 50), (70, 34), (34, 70), (90, 90)];

fn random<T: Linear>(seed: u64, m: usize, n: usize) -> Dense<T> {
    let mut g = Generator::with_seed(seed);
    Dense { data: (0..m * n).map(|_| T::from_f64(g.uniform(-1.0, 1.0))).collect(), rows: m, cols: n }
}

/// A tensor whose memory lies in one of three ways: column-major, row-major, with gaps.
fn tensor<T: Linear>(d: &Dense<T>, way: usize) -> Tensor {
    let t = Tensor::empty(T::DTYPE);
    match way % 3 {
        0 => {}
        1 => t.resize(&[d.rows, d.cols]).unwrap(),
        _ => t.resize_strided(&[d.rows, d.cols], &[2, 2 * d.rows as isize + 3]).unwrap(),
    }
    let packed = Tensor::from_slice(&d.data).unwrap();
    packed.set_layout(Layout::strided(0, &[d.rows, d.cols], &[1, d.rows as isize]).unwrap());
    if way.is_multiple_of(3) {
        return packed;
    }
    map::unary("copy", &t, &packed, 1, |v: T| v).unwrap();
    t
}

fn read<T: Linear>(t: &Tensor) -> Dense<T> {
    Dense::read("A", t).unwrap()
}

fn mul<T: Linear>(a: &Dense<T>, b: &Dense<T>) -> Dense<T> {
    let mut c = Dense::zeros(a.rows, b.cols);
    for j in 0..b.cols {
        for i in 0..a.rows {
            c.set(i, j, (0..a.cols).fold(T::ZERO, |s, k| s + a.at(i, k) * b.at(k, j)));
        }
    }
    c
}

fn diagonal<T: Linear>(v: &Tensor) -> Dense<T> {
    let v = v.to_vec::<T>().unwrap();
    let mut d = Dense::zeros(v.len(), v.len());
    for (i, x) in v.into_iter().enumerate() {
        d.set(i, i, x);
    }
    d
}

#[track_caller]
fn near<T: Linear>(what: &str, a: &Dense<T>, b: &Dense<T>) {
    assert_eq!((a.rows, a.cols), (b.rows, b.cols), "{what}");
    let size = b.data.iter().fold(1.0, |m, v| f64::max(m, v.to_f64().abs()));
    let limit = T::EPSILON.to_f64() * 60.0 * size * (a.rows.max(a.cols) as f64).max(4.0);
    for (x, y) in a.data.iter().zip(&b.data) {
        assert!((x.to_f64() - y.to_f64()).abs() <= limit, "{what} {}x{}: {x:?} {y:?} {limit}", a.rows, a.cols);
    }
}

#[track_caller]
fn orthonormal<T: Linear>(what: &str, q: &Dense<T>) {
    near(what, &mul(&q.transposed(), q), &Dense::identity(q.cols, q.cols));
}

/// Fresh results.
fn fresh<T: Linear, const N: usize>() -> [Tensor; N] {
    std::array::from_fn(|_| Tensor::empty(T::DTYPE))
}

fn definite<T: Linear>(seed: u64, n: usize) -> Dense<T> {
    let a = random::<T>(seed, n, n);
    let mut s = mul(&a, &a.transposed());
    for i in 0..n {
        s.set(i, i, s.at(i, i) + T::ONE);
    }
    s
}

fn factors_reconstruct<T: Linear>() {
    for (way, &(m, n)) in SHAPES.iter().enumerate() {
        let a = random::<T>(1 + way as u64, m, n);
        let x = tensor(&a, way);
        let [q, r] = fresh::<T, 2>();
        qr::qr::<T>(&q, &r, &x).unwrap();
        orthonormal("Q", &read::<T>(&q));
        near("Q R", &mul(&read::<T>(&q), &read(&r)), &a);
        let [f, tau, q2] = fresh::<T, 3>();
        qr::geqrf::<T>(&f, &tau, &x).unwrap();
        qr::orgqr::<T>(&q2, &f, &tau).unwrap();
        near("orgqr", &read::<T>(&q2), &read(&q));
        let c = random::<T>(77, m, m);
        let mut whole = Dense::identity(m, m);
        householder::multiply(&read(&f), &tau.to_vec().unwrap(), whole.result(), false);
        orthonormal("whole Q", &whole);
        for (side, trans) in [("L", "N"), ("L", "T"), ("R", "N"), ("R", "T")] {
            let [res] = fresh::<T, 1>();
            qr::ormqr::<T>(&res, &f, &tau, &tensor(&c, way + 1), Some(side), Some(trans)).unwrap();
            let p = if trans == "T" { whole.transposed() } else { whole.clone() };
            near("ormqr", &read(&res), &if side == "L" { mul(&p, &c) } else { mul(&c, &p) });
        }
        for job in ["S", "A"] {
            let [u, s, v] = fresh::<T, 3>();
            svd::svd::<T>(&u, &s, &v, &x, Some(job)).unwrap();
            let (u, v, k) = (read::<T>(&u), read::<T>(&v), m.min(n));
            orthonormal("U", &u);
            orthonormal("V", &v);
            let us = mul(&u.part(m, k), &diagonal(&s));
            near("U S V'", &mul(&us, &v.part(n, k).transposed()), &a);
            let s = s.to_vec::<T>().unwrap();
            assert!(s.windows(2).all(|w| w[0] >= w[1]) && s.iter().all(|&v| v >= T::ZERO));
        }
    }
}

#[test]
fn factors_reconstruct_in_double_and_float() {
    factors_reconstruct::<f64>();
    factors_reconstruct::<f32>();
}

fn systems_are_solved<T: Linear>() {
    for (way, n) in [1usize, 2, 3, 8, 33, 50, 100].into_iter().enumerate() {
        let a = definite::<T>(n as u64, n);
        let b = random::<T>(9, n, 3);
        let (ta, tb) = (tensor(&a, way), tensor(&b, way + 1));
        let [x, lu, y, f, inv] = fresh::<T, 5>();
        solve::gesv::<T>(&x, &lu, &tb, &ta).unwrap();
        near("A X", &mul(&a, &read(&x)), &b);
        qr::gels::<T>(&y, &f, &tb, &ta).unwrap();
        near("gels", &mul(&a, &read(&y)), &b);
        solve::inverse::<T>(&inv, &ta).unwrap();
        near("A inverse(A)", &mul(&a, &read(&inv)), &Dense::identity(n, n));
        for uplo in ["U", "L"] {
            let [c, i, x, p] = fresh::<T, 4>();
            let piv = Tensor::empty(crate::tensor::dtype::DType::Int);
            let square = |t: &Tensor| {
                let d = read::<T>(t);
                if uplo == "U" { mul(&d.transposed(), &d) } else { mul(&d, &d.transposed()) }
            };
            cholesky::potrf::<T>(&c, &ta, Some(uplo)).unwrap();
            near("U' U", &square(&c), &a);
            cholesky::potri::<T>(&i, &c, Some(uplo)).unwrap();
            near("A potri", &mul(&a, &read(&i)), &Dense::identity(n, n));
            cholesky::potrs::<T>(&x, &tb, &c, Some(uplo)).unwrap();
            near("A potrs", &mul(&a, &read(&x)), &b);
            cholesky::pstrf::<T>(&p, &piv, &ta, Some(uplo), -T::ONE).unwrap();
            let order = piv.to_vec::<i32>().unwrap();
            let mut permuted = Dense::zeros(n, n);
            for j in 0..n {
                for i in 0..n {
                    permuted.set(i, j, a.at(order[i] as usize - 1, order[j] as usize - 1));
                }
            }
            near("pstrf", &square(&p), &permuted);
        }
    }
}

#[test]
fn systems_are_solved_in_double_and_float() {
    systems_are_solved::<f64>();
    systems_are_solved::<f32>();
}

fn eigenvalues_reconstruct<T: Linear>() {
    for (way, n) in [1usize, 2, 3, 6, 20, 50, 150].into_iter().enumerate() {
        let a = random::<T>(n as u64, n, n);
        let mut s = a.clone();
        s.mirror(true);
        for uplo in ["U", "L"] {
            s.mirror(uplo == "U");
            let [e, v] = fresh::<T, 2>();
            eigen::symeig::<T>(&e, &v, &tensor(&s, way), Some("V"), Some(uplo)).unwrap();
            let v = read::<T>(&v);
            orthonormal("symeig", &v);
            near("V e V'", &mul(&mul(&v, &diagonal(&e)), &v.transposed()), &s);
        }
        let [e, v] = fresh::<T, 2>();
        eigen::eig::<T>(&e, &v, &tensor(&a, way), Some("V")).unwrap();
        let (e, v) = (read::<T>(&e), read::<T>(&v));
        let av = mul(&a, &v);
        let mut want = Dense::zeros(n, n);
        let mut j = 0;
        while j < n {
            let (re, im) = (e.at(j, 0), e.at(j, 1));
            let pair = im != T::ZERO;
            if pair {
                assert!(im > T::ZERO && e.at(j + 1, 1) == -im && e.at(j + 1, 0) == re);
            }
            for i in 0..n {
                let (x, y) = (v.at(i, j), if pair { v.at(i, j + 1) } else { T::ZERO });
                want.set(i, j, x * re - y * im);
                if pair {
                    want.set(i, j + 1, x * im + y * re);
                }
            }
            j += if pair { 2 } else { 1 };
        }
        near("A V", &av, &want);
    }
}

#[test]
fn eigenvalues_reconstruct_in_double_and_float() {
    eigenvalues_reconstruct::<f64>();
    eigenvalues_reconstruct::<f32>();
}

#[test]
fn least_squares_leave_an_orthogonal_residual() {
    for (way, &(m, n)) in SHAPES.iter().enumerate() {
        let (mut a, b) = (random::<f64>(5, m, n), random::<f64>(6, m, 2));
        (0..m.min(n)).for_each(|i| a.set(i, i, a.at(i, i) + 20.0));
        let [x, f] = fresh::<f64, 2>();
        qr::gels::<f64>(&x, &f, &tensor(&b, way), &tensor(&a, way + 1)).unwrap();
        assert_eq!((f.size(0), f.size(1)), (m, n));
        let x = read::<f64>(&x);
        let mut rest = mul(&a, &x);
        rest.data.iter_mut().zip(&b.data).for_each(|(r, b)| *r = b - *r);
        near("A' (B - A X)", &mul(&a.transposed(), &rest), &Dense::zeros(n, 2));
        if m < n {
            near("A X", &mul(&a, &x), &b);
        }
    }
}

fn triangular_systems<T: Linear>() {
    for n in [1usize, 2, 5, 40] {
        let mut a = random::<T>(3, n, n);
        for i in 0..n {
            a.set(i, i, T::from_f64(2.0 * n as f64));
        }
        let b = random::<T>(4, n, 2);
        for (uplo, trans) in [("U", "N"), ("L", "T"), ("U", "T"), ("L", "N")] {
            let [x, back] = fresh::<T, 2>();
            solve::trtrs::<T>(&x, &back, &tensor(&b, 2), &tensor(&a, 1), Some(uplo), Some(trans), None).unwrap();
            let mut t = a.clone();
            t.keep_triangle(uplo == "U");
            near("A X", &mul(&if trans == "T" { t.transposed() } else { t }, &read(&x)), &b);
            near("A", &read(&back), &a);
        }
    }
}

#[test]
fn triangular_systems_in_double_and_float() {
    triangular_systems::<f64>();
    triangular_systems::<f32>();
}

fn matrix(rows: usize, data: &[f64]) -> Tensor {
    let t = Tensor::from_slice(data).unwrap();
    t.resize(&[rows, data.len() / rows]).unwrap();
    t
}

#[test]
fn the_reflections_are_those_of_lapack() {
    let [f, tau] = fresh::<f64, 2>();
    // a zero column keeps its place: R stays 2x2 with a zero on the diagonal, and the second reflection is 1x1
    qr::geqrf::<f64>(&f, &tau, &matrix(2, &[0.0, 3.0, 0.0, 4.0])).unwrap();
    assert_eq!(f.to_vec::<f64>().unwrap(), [0.0, 3.0, 0.0, 4.0]);
    assert_eq!(tau.to_vec::<f64>().unwrap(), [0.0, 0.0]);
    qr::geqrf::<f64>(&f, &tau, &matrix(2, &[3.0, 4.0])).unwrap();
    near("beta and v", &read::<f64>(&f), &Dense { data: vec![-5.0, 0.5], rows: 2, cols: 1 });
    assert!((tau.to_vec::<f64>().unwrap()[0] - 1.6).abs() < 1e-15);
}

#[test]
fn extreme_sizes_of_elements_are_no_trouble() {
    for scale in [1e-300, 1e-160, 1e160, 1e300] {
        let a = random::<f64>(8, 12, 7);
        let data = a.data.iter().map(|v| v * scale).collect();
        let x = tensor(&Dense { data, rows: 12, cols: 7 }, 0);
        let [q, r, u, s, v] = fresh::<f64, 5>();
        qr::qr::<f64>(&q, &r, &x).unwrap();
        let mut r = read::<f64>(&r);
        r.data.iter_mut().for_each(|v| *v /= scale);
        near("Q R", &mul(&read(&q), &r), &a);
        svd::svd::<f64>(&u, &s, &v, &x, None).unwrap();
        let mut d = diagonal::<f64>(&s);
        d.data.iter_mut().for_each(|v| *v /= scale);
        near("U S V'", &mul(&mul(&read(&u), &d), &read::<f64>(&v).transposed()), &a);
        let square = definite::<f64>(3, 7);
        let data = square.data.iter().map(|v| v * scale).collect();
        let x = tensor(&Dense { data, rows: 7, cols: 7 }, 0);
        for general in [false, true] {
            let [e, v] = fresh::<f64, 2>();
            let values = if general {
                eigen::eig::<f64>(&e, &v, &x, Some("V")).unwrap();
                read::<f64>(&e).col(0).to_vec()
            } else {
                eigen::symeig::<f64>(&e, &v, &x, Some("V"), None).unwrap();
                e.to_vec().unwrap()
            };
            let values: Vec<f64> = values.iter().map(|v| v / scale).collect();
            let v = read::<f64>(&v);
            let d = diagonal::<f64>(&Tensor::from_slice(&values).unwrap());
            near("A V", &mul(&square, &v), &mul(&v, &d));
        }
    }
}

#[test]
fn a_result_may_be_an_argument() {
    let a = definite::<f64>(4, 5);
    let x = tensor(&a, 1);
    solve::inverse::<f64>(&x, &x).unwrap();
    near("A inverse(A)", &mul(&a, &read(&x)), &Dense::identity(5, 5));
    let (x, y) = (tensor(&a, 2), tensor(&a, 2));
    qr::qr::<f64>(&x, &y, &x).unwrap();
    near("Q R", &mul(&read::<f64>(&x), &read(&y)), &a);
    let (x, [y]) = (tensor(&a, 1), fresh::<f64, 1>());
    solve::gesv::<f64>(&x, &y, &x, &x).unwrap();
    near("the same on both sides", &read::<f64>(&x), &Dense::identity(5, 5));
}

/// What an error says.
fn said(r: Result<()>) -> String {
    r.expect_err("must be refused").to_string()
}

#[test]
fn wrong_arguments_are_told() {
    let [r, s, t] = fresh::<f64, 3>();
    let (square, wide, vector) = (matrix(2, &[1.0; 4]), matrix(2, &[1.0; 6]), Tensor::from_slice(&[1.0; 3]).unwrap());
    let empty = Tensor::empty(r.dtype());
    let told = said(solve::gesv::<f64>(&r, &s, &vector, &square));
    assert_eq!(told, "A,B size incompatible - A has 2 rows, B has 3");
    assert_eq!(
        said(solve::gesv::<f64>(&r, &s, &vector, &wide)),
        "expected A with as many rows as columns, got [2 x 3]"
    );
    assert!(said(solve::gesv::<f64>(&r, &s, &matrix(2, &[1.0; 2]), &square)).contains("U(2,2) is zero"));
    assert!(said(solve::inverse::<f64>(&r, &square)).contains("singular"));
    assert!(said(qr::qr::<f64>(&r, &s, &empty)).contains("expected A of 2 dimensions, got 0D []"));
    assert!(said(svd::svd::<f64>(&r, &s, &t, &square, Some("X"))).contains("unexpected option 'X', expected [(S|A)]"));
    assert!(said(svd::svd::<f64>(&r, &s, &t, &vector, None)).contains("expected A of 2 dimensions, got 1D [3]"));
    assert!(said(cholesky::potrf::<f64>(&r, &matrix(2, &[1.0, 2.0, 2.0, 1.0]), None)).contains("order 2"));
    assert!(said(cholesky::pstrf::<f64>(&r, &s, &square, None, -1.0)).contains("rank deficient"));
    assert!(said(cholesky::potri::<f64>(&r, &matrix(2, &[1.0, 0.0, 0.0, 0.0]), None)).contains("A(2,2) is 0"));
    assert!(said(qr::ormqr::<f64>(&r, &square, &vector, &wide, None, None)).contains("tau"));
    let tau = Tensor::from_slice(&[1.0]).unwrap();
    assert!(said(qr::ormqr::<f64>(&r, &wide, &tau, &wide, Some("R"), None)).contains("size mismatch"));
    assert!(said(qr::gels::<f64>(&r, &s, &vector, &wide)).contains("A has 2 rows, B has 3"));
    assert_eq!((r.ndim(), s.ndim(), t.ndim()), (0, 0, 0), "an error leaves the results alone");
}

#[test]
fn nan_and_infinity_are_told_or_carried() {
    let [r, s, t] = fresh::<f64, 3>();
    for bad in [f64::NAN, f64::INFINITY] {
        for at in 0..4 {
            let mut data = [2.0, 1.0, 1.0, 3.0];
            data[at] = bad;
            let a = matrix(2, &data);
            assert!(said(svd::svd::<f64>(&r, &s, &t, &a, None)).contains("of the 2x2 matrix is"));
            assert!(said(eigen::eig::<f64>(&r, &s, &a, None)).starts_with("eig: element"));
            if at < 2 {
                assert!(eigen::symeig::<f64>(&r, &s, &a, None, None).is_err());
            }
            // no panic, whatever comes out
            let _ = solve::gesv::<f64>(&r, &s, &Tensor::from_slice(&[1.0, 1.0]).unwrap(), &a);
            let _ = qr::qr::<f64>(&r, &s, &a);
            let _ = qr::gels::<f64>(&r, &s, &Tensor::from_slice(&[1.0, 1.0]).unwrap(), &a);
            let _ = cholesky::potrf::<f64>(&r, &a, None);
            let _ = cholesky::potri::<f64>(&r, &a, None);
        }
    }
    let piv = Tensor::empty(crate::tensor::dtype::DType::Int);
    assert!(cholesky::pstrf::<f64>(&r, &piv, &matrix(2, &[f64::NAN; 4]), None, -1.0).is_err());
}

#[test]
fn options_may_be_skipped() {
    let kinds = ["UL", "NT", "NU"];
    assert_eq!(options("f", kinds, [None; 3]).unwrap(), ['U', 'N', 'N']);
    assert_eq!(options("f", kinds, [Some("T"), None, None]).unwrap(), ['U', 'T', 'N']);
    assert_eq!(options("f", kinds, [Some("L"), Some("U"), None]).unwrap(), ['L', 'N', 'U']);
    assert!(options("f", kinds, [Some("T"), Some("L"), None]).is_err());
    assert!(options("f", kinds, [Some(""), None, None]).is_err());
}
