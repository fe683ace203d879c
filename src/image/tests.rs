//! Kernels against simple models.

use super::*;
use crate::tensor::dtype::DType;
use scale::Mode;

fn tensor<T: Element>(data: &[T], sizes: &[usize]) -> Tensor {
    let t = Tensor::from_slice(data).unwrap();
    t.resize(sizes).unwrap();
    t
}

/// Values that repeat no pattern of the sizes used here, in 0..1.
fn noise(sizes: &[usize]) -> Tensor {
    let n: usize = sizes.iter().product();
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24)
    };
    tensor(&(0..n).map(|_| next()).collect::<Vec<f64>>(), sizes)
}

fn near(a: &Tensor, b: &Tensor, by: f64) {
    assert_eq!(a.shape_text(), b.shape_text());
    let (a, b) = (a.to_vec::<f64>().unwrap(), b.to_vec::<f64>().unwrap());
    let worst = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst <= by, "{worst}");
}

fn resized(x: &Tensor, h: usize, w: usize, mode: Mode) -> Tensor {
    scale::resample(&Picture::<f64>::of(x).unwrap(), h, w, mode).unwrap()
}

#[test]
fn scaling_keeps_constants_lines_and_sizes() {
    let flat = tensor(&[0.25; 35], &[5, 7]);
    for mode in [Mode::Simple, Mode::Bilinear, Mode::Bicubic] {
        for (h, w) in [(1, 1), (3, 20), (9, 2), (5, 7), (300, 400)] {
            near(&resized(&flat, h, w, mode), &tensor(&vec![0.25; h * w], &[h, w]), 1e-6);
        }
    }
    let line = tensor(&[0.0, 1.0, 2.0, 3.0], &[1, 4]);
    let fine: Vec<f64> = (0..7).map(|i| f64::from(i) / 2.0).collect();
    near(&resized(&line, 1, 7, Mode::Bilinear), &tensor(&fine, &[1, 7]), 1e-6);
    near(&resized(&line, 1, 7, Mode::Bicubic), &tensor(&fine, &[1, 7]), 1e-6);
    near(&resized(&line, 1, 2, Mode::Bilinear), &tensor(&[0.5, 2.5], &[1, 2]), 1e-6);
}

#[test]
fn rows_and_columns_are_scaled_alike() {
    let x = noise(&[300, 280]);
    let turned = x.transpose(0, 1).unwrap();
    let back = |t: &Tensor| t.transpose(0, 1).unwrap();
    for (h, w) in [(300, 90), (300, 500)] {
        near(&resized(&x, h, w, Mode::Bilinear), &back(&resized(&turned, w, h, Mode::Bilinear)), 1e-12);
        near(&resized(&x, h, w, Mode::Bicubic), &back(&resized(&turned, w, h, Mode::Bicubic)), 1e-12);
    }
}

#[test]
fn bytes_are_rounded_and_held() {
    assert_eq!([-3.0, 0.4, 0.5, 254.6, 255.4, 900.0].map(<u8 as Pixel>::finish), [0, 0, 1, 255, 255, 255]);
    assert_eq!(u8::finish(f32::NAN), 0);
}

#[test]
fn no_rotation_and_a_whole_turn_change_nothing() {
    let x = noise(&[2, 6, 9]);
    for bilinear in [false, true] {
        let y = Tensor::new(DType::Double, &[2, 6, 9]).unwrap();
        remap::rotate::<f64>(&y, &x, 0.0, bilinear).unwrap();
        near(&x, &y, 1e-6);
    }
    assert!(remap::rotate::<f64>(&x, &x, 0.1, true).is_err());
}

#[test]
fn a_field_of_nothing_warps_nothing() {
    let (x, field) = (noise(&[3, 8, 5]), Tensor::new(DType::Double, &[2, 8, 5]).unwrap());
    for mode in 0..4 {
        let how = warp::How { mode: warp::Mode::numbered(mode).unwrap(), offset: true, padded: false, pad: 0.0 };
        let y = warp::warp::<f64>(&x, &field, how).unwrap();
        near(
            &x.narrow(1, 1, 5).unwrap().narrow(2, 1, 2).unwrap(),
            &y.narrow(1, 1, 5).unwrap().narrow(2, 1, 2).unwrap(),
            1e-6,
        );
    }
    let far = tensor(&[f64::NAN, 1e30, -1e30, 0.0], &[2, 1, 2]);
    let how = warp::How { mode: warp::Mode::Bicubic, offset: false, padded: true, pad: 7.0 };
    let y = warp::warp::<f64>(&x, &far, how).unwrap();
    assert_eq!(y.to_vec::<f64>().unwrap()[1], 7.0);
}

#[test]
fn colours_come_back() {
    type Way = fn(&Tensor, &Tensor) -> Result<()>;
    let ways: [(Way, Way); 4] = [
        (colour::rgb2hsl::<f64>, colour::hsl2rgb::<f64>),
        (colour::rgb2hsv::<f64>, colour::hsv2rgb::<f64>),
        (colour::rgb2lab::<f64>, colour::lab2rgb::<f64>),
        (colour::rgb2yuv::<f64>, colour::yuv2rgb::<f64>),
    ];
    let x = noise(&[3, 7, 11]);
    for (there, back) in ways {
        let (y, z) = (Tensor::empty(DType::Double), Tensor::empty(DType::Double));
        there(&y, &x).unwrap();
        back(&z, &y).unwrap();
        near(&x, &z, 1e-3);
    }
    assert!(colour::rgb2hsv::<f64>(&Tensor::empty(DType::Double), &noise(&[2, 3, 3])).is_err());
}

#[test]
fn places_are_kept() {
    let x = tensor(&(0..12).map(f64::from).collect::<Vec<_>>(), &[3, 4]);
    let y = Tensor::empty(DType::Double);
    place::translate::<f64>(&y, &x, 1, -1).unwrap();
    assert_eq!(y.to_vec::<f64>().unwrap(), [0., 4., 5., 6., 0., 8., 9., 10., 0., 0., 0., 0.]);
    for (dx, dy) in [(i64::MAX, 0), (0, i64::MIN), (i64::MIN, i64::MAX), (-4, 0), (0, 3)] {
        place::translate::<f64>(&y, &x, dx, dy).unwrap();
        assert!(y.to_vec::<f64>().unwrap().iter().all(|&v| v == 0.0));
    }
    place::mirror::<f64>("test", &y, &x, 1).unwrap();
    assert_eq!(y.to_vec::<f64>().unwrap()[..4], [3., 2., 1., 0.]);
    place::mirror::<f64>("test", &y, &x, 2).unwrap();
    assert_eq!(y.to_vec::<f64>().unwrap()[..4], [8., 9., 10., 11.]);
    let part = place::crop::<f64>(&x, [1.0, 1.0, 3.0, 3.0]).unwrap();
    assert_eq!(part.to_vec::<f64>().unwrap(), [5., 6., 9., 10.]);
    assert!(place::crop::<f64>(&x, [1.0, 1.0, 5.0, 3.0]).is_err());
    assert!(place::crop::<f64>(&x, [f64::NAN, 1.0, 5.0, 3.0]).is_err());
}

#[test]
fn formats_come_back_and_damage_is_told() {
    let x = tensor(&(0..90).map(|i| (i * 37 % 256) as u8).collect::<Vec<_>>(), &[3, 5, 6]);
    let file = png::encode("test", &x).unwrap();
    let img = Tensor::empty(DType::Byte);
    load::deliver::<u8>("test", &img, &png::decode("test", &file, true).unwrap(), None).unwrap();
    assert_eq!(img.to_vec::<u8>().unwrap(), x.to_vec::<u8>().unwrap());
    let text = pnm::encode("test", &x).unwrap();
    load::deliver::<u8>("test", &img, &pnm::decode("test", &text).unwrap(), None).unwrap();
    assert_eq!(img.to_vec::<u8>().unwrap(), x.to_vec::<u8>().unwrap());
    let picture = jpeg::encode("test", &x, 90).unwrap();
    assert_eq!(jpeg::size("test", &picture).unwrap(), [3, 5, 6]);
    for n in 0..file.len() - 12 {
        assert!(png::decode("test", &file[..n], false).is_err(), "{n} bytes");
    }
    for n in 0..text.len() {
        assert!(pnm::decode("test", &text[..n]).is_err(), "{n} bytes");
    }
    let mut state = 7usize;
    for data in [&file, &text, &picture] {
        for _ in 0..2000 {
            let mut bad = data.clone();
            for _ in 0..3 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = (state >> 33) % bad.len();
                bad[at] = (state >> 20) as u8;
            }
            let _ = (png::decode("t", &bad, false), pnm::decode("t", &bad), jpeg::decode("t", &bad));
        }
        for n in 0..data.len() {
            let _ = (jpeg::decode("t", &data[..n]), jpeg::size("t", &data[..n]), png::size("t", &data[..n]));
        }
    }
}

#[test]
fn sizes_that_a_file_cannot_hold_are_refused() {
    let x = tensor(&[0u8; 4], &[2, 2]);
    let mut file = png::encode("test", &x).unwrap();
    file[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
    assert!(png::decode("test", &file, false).is_err());
    assert!(pnm::decode("test", b"P5\n99999999999 99999999999\n255\nabc").is_err());
    assert!(pnm::decode("test", b"P3\n1000000000 3\n255\n1 2 3").is_err());
    assert!(pnm::decode("test", b"P2\n1 1\n0\n1").is_err());
    let mut picture = jpeg::encode("test", &x, 75).unwrap();
    let frame = picture.windows(2).position(|w| w[0] == 0xff && (w[1] == 0xc0 || w[1] == 0xc2)).unwrap();
    picture[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    assert!(jpeg::decode("test", &picture).is_err());
}

#[test]
fn drawing_stays_inside() {
    let x = Tensor::new(DType::Byte, &[3, 9, 9]).unwrap();
    draw::rectangle::<u8>(&x, [-100, -5, 1 << 60, i64::MIN], 1, [1, 2, 3]).unwrap();
    draw::rectangle::<u8>(&x, [2, 2, 8, 8], 1, [9, 8, 7]).unwrap();
    assert_eq!(x.to_vec::<u8>().unwrap().iter().filter(|&&v| v == 9).count(), 24);
    let text = draw::Text { text: b"W", at: [5, 5], size: 1, ink: [1; 3], paper: [-1; 3], wrap: false };
    assert!(draw::text::<u8>(&x, text).is_err());
}
