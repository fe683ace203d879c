//! The text of tensors and storages, as Torch7 prints them.
//!
//! One format is chosen for all values: whole numbers, fractions with four digits (divided by a power of ten where they
//! are large or small), or exponents. Matrices wider than a line are cut in blocks of columns.

use super::cformat;
use std::fmt::Write as _;

/// Characters of a line.
const LINE: usize = 80;

/// How every value of a tensor is written.
enum Style {
    Whole,
    Fixed,
    Exponent,
    /// There is a nan: `%f` without a width.
    Plain,
}

struct Format {
    style: Style,
    width: usize,
    scale: Option<f64>,
}

/// Digits before the point of a value's size, counted as Torch7 does: 1 for 0, 0 for 0.5, -1 for 0.05.
fn digits(v: f64) -> f64 {
    if v == 0.0 { 1.0 } else { v.log10().floor() + 1.0 }
}

impl Format {
    fn choose(len: usize, values: &dyn Fn(usize) -> f64) -> Format {
        let (mut least, mut most, mut whole, mut nan) = (f64::INFINITY, 0.0f64, true, false);
        for i in 0..len {
            let v = values(i);
            nan |= v.is_nan();
            whole &= v == v.ceil();
            least = least.min(v.abs());
            most = most.max(v.abs());
        }
        let (low, high) = (digits(least), digits(most));
        let (style, width, scale) = if nan {
            (Style::Plain, 0, None)
        } else if whole && high > 9.0 {
            (Style::Exponent, 11, None)
        } else if whole {
            (Style::Whole, high as usize + 1, None)
        } else if high - low > 4.0 {
            (Style::Exponent, if high.abs() > 99.0 || low.abs() > 99.0 { 12 } else { 11 }, None)
        } else if !(0.0..=5.0).contains(&high) {
            (Style::Fixed, 7, Some(10f64.powf(high - 1.0)))
        } else {
            (Style::Fixed, if high == 0.0 { 7 } else { high as usize + 6 }, None)
        };
        Format { style, width, scale }
    }

    fn value(&self, out: &mut String, v: f64) {
        let v = self.scale.map_or(v, |s| v / s);
        match self.style {
            Style::Plain if v.is_nan() => out.push_str("nan"),
            Style::Plain => cformat::fixed(out, v, 0, 6),
            Style::Fixed => cformat::fixed(out, v, self.width, 4),
            Style::Exponent => cformat::exponent(out, v, self.width, 4),
            Style::Whole => {
                let _ = write!(out, "{:width$}", v as i64, width = self.width);
            }
        }
    }

    fn scale_line(&self, out: &mut String, indent: &str) {
        if let Some(s) = self.scale {
            out.push_str(indent);
            cformat::general(out, s, 6);
            out.push_str(" *\n");
        }
    }

    fn column(&self, out: &mut String, len: usize, values: &dyn Fn(usize) -> f64) {
        self.scale_line(out, "");
        for i in 0..len {
            self.value(out, values(i));
            out.push('\n');
        }
    }

    fn matrix(&self, out: &mut String, (rows, columns): (usize, usize), indent: &str, at: &dyn Fn(usize) -> f64) {
        let block = match self.style {
            Style::Plain => columns.max(1),
            _ => ((LINE - indent.len()) / (self.width + 1)).max(1),
        };
        for first in (0..columns).step_by(block) {
            let last = (first + block).min(columns);
            if block < columns {
                out.push_str(if first == 0 { indent } else { "\n" });
                let _ = writeln!(out, "Columns {} to {last}", first + 1);
            }
            self.scale_line(out, indent);
            for row in 0..rows {
                out.push_str(indent);
                if self.scale.is_some() {
                    out.push(' ');
                }
                for column in first..last {
                    if column > first {
                        out.push(' ');
                    }
                    self.value(out, at(row * columns + column));
                }
                out.push('\n');
            }
        }
    }
}

/// The matrices of a tensor with more than two dimensions, the first dimension running fastest.
fn planes(out: &mut String, format: &Format, sizes: &[usize], shape: (usize, usize), values: &dyn Fn(usize) -> f64) {
    let plane = shape.0 * shape.1;
    let mut index = vec![0usize; sizes.len()];
    for count in 0..sizes.iter().product() {
        if count > 0 {
            out.push('\n');
        }
        out.push('(');
        for i in &index {
            let _ = write!(out, "{},", i + 1);
        }
        out.push_str(".,.) = \n");
        let at = index.iter().zip(sizes).fold(0, |at, (i, size)| at * size + i) * plane;
        format.matrix(out, shape, " ", &|i| values(at + i));
        for (i, size) in index.iter_mut().zip(sizes) {
            *i += 1;
            if *i < *size {
                break;
            }
            *i = 0;
        }
    }
}

/// What `tostring` gives for a tensor. `values` takes the index of an element counted row by row; `type_name` is the
/// class, like `torch.DoubleTensor`.
pub fn format_tensor(sizes: &[usize], values: &dyn Fn(usize) -> f64, type_name: &str) -> String {
    let mut out = String::new();
    if sizes.is_empty() {
        let _ = writeln!(out, "[{type_name} with no dimension]");
        return out;
    }
    let len = sizes.iter().product();
    if len > 0 {
        let format = Format::choose(len, values);
        match *sizes {
            [n] => format.column(&mut out, n, values),
            [rows, columns] => format.matrix(&mut out, (rows, columns), "", values),
            [ref outer @ .., rows, columns] => planes(&mut out, &format, outer, (rows, columns), values),
            [] => {}
        }
    }
    let shape = sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    let _ = writeln!(out, "[{type_name} of size {shape}]");
    out
}

/// What `tostring` gives for a storage; `type_name` is the class, like `torch.LongStorage`.
pub fn format_storage(len: usize, values: &dyn Fn(usize) -> f64, type_name: &str) -> String {
    let mut out = String::new();
    if len > 0 {
        Format::choose(len, values).column(&mut out, len, values);
    }
    let _ = writeln!(out, "[{type_name} of size {len}]");
    out
}

#[cfg(test)]
#[path = "display_tests.rs"]
mod tests;
