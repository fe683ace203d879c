//! The windows of convolutions and poolings, as the fields of modules give them.

use crate::tensor::error::Result;
use crate::{demand, fields};

fields! {
    /// Size and stride of a window over planes.
    pub struct PlaneWindow {
        /// Width of the window.
        kw: i64 = ".kW:long",
        /// Height of the window.
        kh: i64 = ".kH:long",
        /// Stride along the width.
        dw: i64 = ".dW:long",
        /// Stride along the height.
        dh: i64 = ".dH:long",
    }
}
fields! {
    /// Size, stride, padding and dilation of a window over frames of planes.
    pub struct VolumeWindow {
        /// Frames of the window.
        kt: i64 = ".kT:long",
        /// Width of the window.
        kw: i64 = ".kW:long",
        /// Height of the window.
        kh: i64 = ".kH:long",
        /// Stride along time.
        dt: i64 = ".dT:long",
        /// Stride along the width.
        dw: i64 = ".dW:long",
        /// Stride along the height.
        dh: i64 = ".dH:long",
        /// Padding frames before and after.
        pad_t: i64 = ".padT:long=0",
        /// Padding on the left and on the right.
        pad_w: i64 = ".padW:long=0",
        /// Padding above and below.
        pad_h: i64 = ".padH:long=0",
        /// Distance between the frames of a window.
        dilation_t: i64 = ".dilationT:long=1",
        /// Distance between the columns of a window.
        dilation_w: i64 = ".dilationW:long=1",
        /// Distance between the rows of a window.
        dilation_h: i64 = ".dilationH:long=1",
    }
}
fields! {
    /// Size and stride of a window over sequences.
    pub struct SequenceWindow {
        /// Elements of the window.
        kw: i64 = ".kW:long",
        /// Stride.
        dw: i64 = ".dW:long",
    }
}

impl PlaneWindow {
    /// What rows and columns have, with these paddings and dilations of theirs.
    pub fn steps(self, pads: [i64; 2], dilations: [i64; 2]) -> [Step; 2] {
        let PlaneWindow { kw, kh, dw, dh } = self;
        let step = |d: usize, kernel, stride| Step { kernel, stride, pad: pads[d], dilation: dilations[d] };
        [step(0, kh, dh), step(1, kw, dw)]
    }

    /// The same without padding and dilation.
    pub fn plain_steps(self) -> [Step; 2] {
        self.steps([0, 0], [1, 1])
    }
}

impl VolumeWindow {
    /// What frames, rows and columns have.
    pub fn steps(self) -> [Step; 3] {
        let t = Step { kernel: self.kt, stride: self.dt, pad: self.pad_t, dilation: self.dilation_t };
        let y = Step { kernel: self.kh, stride: self.dh, pad: self.pad_h, dilation: self.dilation_h };
        let x = Step { kernel: self.kw, stride: self.dw, pad: self.pad_w, dilation: self.dilation_w };
        [t, y, x]
    }
}

/// What the fields of a module say of one dimension.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Window size.
    pub kernel: i64,
    /// Distance between windows.
    pub stride: i64,
    /// Zeros on each side; negative where the input is cropped.
    pub pad: i64,
    /// Distance between the positions of a window.
    pub dilation: i64,
}

impl Step {
    /// A window without gaps.
    pub fn new(kernel: i64, stride: i64, pad: i64) -> Step {
        Step { kernel, stride, pad, dilation: 1 }
    }

    /// Fails unless kernel, stride and dilation are above 0 and nothing is too large.
    ///
    /// # Errors
    /// Which of them is not.
    pub fn check(&self) -> Result<()> {
        let Step { kernel, stride, pad, dilation } = *self;
        demand!(kernel > 0, "kernel size should be greater than zero, but got {kernel}");
        demand!(stride > 0, "stride should be greater than zero, but got {stride}");
        demand!(dilation > 0, "dilation should be greater than zero, but got {dilation}");
        let big = [kernel, stride, pad, dilation].iter().any(|v| v.unsigned_abs() >= 1 << 31);
        demand!(!big, "kernel, stride, padding or dilation too large: {kernel}, {stride}, {pad}, {dilation}");
        Ok(())
    }

    /// From the input position to that after the window's last, from the window's start.
    pub fn reach(&self) -> i64 {
        self.dilation * (self.kernel - 1) + 1
    }
}
