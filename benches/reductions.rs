//! Sums, maxima and scans over a million elements.

mod common;

fn main() -> anyhow::Result<()> {
    common::run(
        "reductions",
        r#"
        x = torch.randn(1e6) xf = x:float() m = x:view(1000, 1000) r, i = torch.Tensor(), torch.LongTensor()"#,
        &[
            ("double sum", "x:sum()"),
            ("double max", "x:max()"),
            ("double norm", "x:norm()"),
            ("double var", "x:var()"),
            ("double sum over rows", "torch.sum(r, m, 1)"),
            ("double sum over columns", "torch.sum(r, m, 2)"),
            ("double max over columns", "torch.max(r, i, m, 2)"),
            ("double max over rows", "torch.max(r, i, m, 1)"),
            ("double cumsum", "torch.cumsum(r, x)"),
            ("double cumsum over rows", "torch.cumsum(r, m, 1)"),
            ("double prod", "x:prod()"),
            ("double dot", "x:dot(x)"),
            ("float sum", "xf:sum()"),
            ("float max", "xf:max()"),
        ],
    )
}
