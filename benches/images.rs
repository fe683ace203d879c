//! Kernels of the package image on pictures of 3 x 480 x 640, float.

mod common;

fn main() -> anyhow::Result<()> {
    common::run(
        "images",
        r#"
        require "image"
        torch.setdefaulttensortype("torch.FloatTensor")
        x = torch.rand(3, 480, 640)
        bytes = torch.rand(3, 480, 640):mul(255):byte()
        smooth = image.scale(torch.rand(3, 12, 16), 640, 480, "bicubic"):clamp(0, 1)
        field = torch.rand(2, 480, 640):add(-0.5):mul(8)
        small, large = torch.Tensor(3, 240, 320), torch.Tensor(3, 960, 1280)
        same, grey = torch.Tensor(3, 480, 640), torch.Tensor(1, 480, 640)
        png, jpg = image.compressPNG(smooth), image.compressJPG(smooth)"#,
        &[
            ("scale to the half, bilinear", "image.scale(small, x)"),
            ("scale to the double, bilinear", "image.scale(large, x)"),
            ("scale to the double, bicubic", "image.scale(large, x, 'bicubic')"),
            ("scale to the double, simple", "image.scale(large, x, 'simple')"),
            ("scale bytes to the half", "image.scale(bytes, 320, 240)"),
            ("rotate", "image.rotate(same, x, 0.3)"),
            ("rotate, bilinear", "image.rotate(same, x, 0.3, 'bilinear')"),
            ("warp, bilinear", "image.warp(same, x, field)"),
            ("warp, bicubic", "image.warp(same, x, field, 'bicubic')"),
            ("warp, lanczos", "image.warp(same, x, field, 'lanczos')"),
            ("polar, bilinear", "image.polar(same, x, 'bilinear', 'full')"),
            ("hflip", "image.hflip(same, x)"),
            ("vflip", "image.vflip(same, x)"),
            ("crop", "image.crop(x, 100, 100, 324, 324)"),
            ("rgb2y", "image.rgb2y(grey, x)"),
            ("rgb2yuv", "image.rgb2yuv(same, x)"),
            ("rgb2hsv", "image.rgb2hsv(same, x)"),
            ("hsl2rgb", "image.hsl2rgb(same, x)"),
            ("rgb2lab", "image.rgb2lab(same, x)"),
            ("decompress PNG", "image.decompress(png)"),
            ("decompress JPEG", "image.decompress(jpg)"),
            ("compress JPEG", "image.compressJPG(smooth)"),
        ],
    )
}
