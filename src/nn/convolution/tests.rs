//! Convolutions against loops over every index.

use super::planes::{Spatial, spatial};
use crate::nn::window::PlaneWindow;
use crate::tensor::Tensor;
use crate::tensor::dtype::DType;

fn ramp(sizes: &[usize], step: usize) -> Tensor {
    let n: usize = sizes.iter().product();
    let t = Tensor::from_slice(&(0..n).map(|i| ((i * step) % 19) as f64 / 9.0 - 1.0).collect::<Vec<_>>()).unwrap();
    t.resize(sizes).unwrap();
    t
}

fn empty() -> Tensor {
    Tensor::empty(DType::Double)
}

/// Calls `f(output position, weight position, input position, output plane)` for every product.
fn every(n: [usize; 4], o: usize, out: [usize; 2], w: [i64; 6], mut f: impl FnMut(usize, usize, usize, usize)) {
    let [kw, kh, dw, dh, pw, ph] = w;
    let [batch, planes, height, width] = n;
    for b in 0..batch {
        for p in 0..o {
            for (oy, ox) in (0..out[0]).flat_map(|y| (0..out[1]).map(move |x| (y, x))) {
                for c in 0..planes {
                    for (ky, kx) in (0..kh).flat_map(|y| (0..kw).map(move |x| (y, x))) {
                        let (y, x) = (oy as i64 * dh + ky - ph, ox as i64 * dw + kx - pw);
                        if y >= 0 && x >= 0 && y < height as i64 && x < width as i64 {
                            let at = ((b * planes + c) * height + y as usize) * width + x as usize;
                            let wt = ((p * planes + c) * kh as usize + ky as usize) * kw as usize + kx as usize;
                            f(((b * o + p) * out[0] + oy) * out[1] + ox, wt, at, p);
                        }
                    }
                }
            }
        }
    }
}

fn close(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    assert!(a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-9), "{a:?} {b:?}");
}

/// The fields `kW kH dW dH padW padH`.
fn window([kw, kh, dw, dh, pad_w, pad_h]: [i64; 6]) -> Spatial {
    let (pad_w, pad_h) = (Some(pad_w), Some(pad_h));
    let window = PlaneWindow { kw, kh, dw, dh };
    Spatial { planes: false, window, pad_w, pad_h, padding: 0, dilation_w: 1, dilation_h: 1, groups: 1 }
}

fn check(n: [usize; 4], o: usize, w: [i64; 6]) {
    let (x, wt, bias) = (ramp(&n, 7), ramp(&[o, n[1], w[1] as usize, w[0] as usize], 5), ramp(&[o], 3));
    let y = empty();
    spatial::forward::<f64>(&x, &y, &wt, Some(&bias), window(w)).unwrap();
    let out = [y.size(2), y.size(3)];
    let (xv, wv, bv) = (x.to_vec::<f64>().unwrap(), wt.to_vec::<f64>().unwrap(), bias.to_vec::<f64>().unwrap());
    let area = out[0] * out[1];
    let mut want: Vec<f64> = (0..n[0] * o * area).map(|i| bv[i / area % o]).collect();
    every(n, o, out, w, |r, k, i, _| want[r] += wv[k] * xv[i]);
    close(&y.to_vec().unwrap(), &want);

    let g = ramp(&[n[0], o, out[0], out[1]], 11);
    let gv = g.to_vec::<f64>().unwrap();
    let (gi, gw, gb) = (empty(), ramp(wt.layout().sizes(), 2), ramp(&[o], 1));
    let (mut wi, mut ww) = (vec![0.0; xv.len()], gw.to_vec::<f64>().unwrap());
    let mut wb = gb.to_vec::<f64>().unwrap();
    every(n, o, out, w, |r, k, i, _| {
        wi[i] += wv[k] * gv[r];
        ww[k] += 0.5 * xv[i] * gv[r];
    });
    gv.iter().enumerate().for_each(|(i, v)| wb[i / area % o] += 0.5 * v);
    spatial::grad_input::<f64>(&x, &g, Some(&gi), &wt, &y, window(w)).unwrap();
    spatial::acc_grad::<f64>(&x, &g, 0.5, &gw, Some(&gb), window(w)).unwrap();
    close(&gi.to_vec().unwrap(), &wi);
    close(&gw.to_vec().unwrap(), &ww);
    close(&gb.to_vec().unwrap(), &wb);
}

#[test]
fn convolutions_equal_plain_loops() {
    check([1, 1, 5, 5], 1, [3, 3, 1, 1, 0, 0]);
    check([2, 3, 7, 6], 4, [3, 2, 2, 1, 1, 1]);
    check([3, 2, 5, 9], 5, [1, 1, 1, 1, 0, 0]);
    check([1, 12, 20, 21], 9, [5, 3, 1, 2, 2, 0]);
    check([9, 2, 6, 6], 3, [3, 3, 3, 3, 4, 4]);
    check([2, 24, 9, 9], 130, [5, 5, 1, 1, 2, 2]);
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let (x, wt) = (ramp(&[5, 16, 24, 24], 7), ramp(&[32, 16, 3, 3], 5));
    let g = ramp(&[5, 32, 24, 24], 11);
    let w = window([3, 3, 1, 1, 1, 1]);
    let run = |threads| {
        crate::tensor::threads::set_threads(threads);
        let (y, gi, gw) = (empty(), empty(), ramp(wt.layout().sizes(), 2));
        spatial::forward::<f64>(&x, &y, &wt, None, w).unwrap();
        spatial::grad_input::<f64>(&x, &g, Some(&gi), &wt, &y, w).unwrap();
        spatial::acc_grad::<f64>(&x, &g, 1.0, &gw, None, w).unwrap();
        [y, gi, gw].map(|t| t.to_vec::<f64>().unwrap())
    };
    assert!(run(1) == run(4) && run(4) == run(3));
}
