//! Arithmetic, mathematical functions and comparisons over a million elements.

mod common;

fn main() -> anyhow::Result<()> {
    common::run(
        "elementwise",
        r#"
        x, y, z = torch.randn(1e6), torch.randn(1e6), torch.zeros(1e6)
        xf, yf, zf = x:float(), y:float(), z:float()
        p, pf, b = torch.abs(x):add(0.01), torch.abs(xf):add(0.01), torch.ByteTensor(1e6)
        m, t = x:view(1000, 1000), y:view(1000, 1000):t()"#,
        &[
            ("double z:add(x, y)", "z:add(x, y)"),
            ("double z:add(2, y)", "z:add(2, y)"),
            ("double x:cmul(y) in place", "z:cmul(y)"),
            ("double transposed operand", "z:resize(1000, 1000):add(m, t) z:resize(1e6)"),
            ("double exp", "z:exp(x)"),
            ("double log", "z:log(p)"),
            ("double tanh", "z:tanh(x)"),
            ("double sigmoid", "z:sigmoid(x)"),
            ("double sqrt", "z:sqrt(p)"),
            ("double sin", "z:sin(x)"),
            ("double log1p", "z:log1p(p)"),
            ("double pow(3)", "z:pow(x, 3)"),
            ("double pow(1.7)", "z:pow(p, 1.7)"),
            ("double cpow", "z:cpow(p, y)"),
            ("float z:add(x, y)", "zf:add(xf, yf)"),
            ("float exp", "zf:exp(xf)"),
            ("float log", "zf:log(pf)"),
            ("float tanh", "zf:tanh(xf)"),
            ("float sigmoid", "zf:sigmoid(xf)"),
            ("float sin", "zf:sin(xf)"),
            ("float log1p", "zf:log1p(pf)"),
            ("float pow(1.7)", "zf:pow(pf, 1.7)"),
            ("float cpow", "zf:cpow(pf, yf)"),
            ("double torch.gt(x, y)", "torch.gt(b, x, y)"),
        ],
    )
}
