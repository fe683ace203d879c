//! Copies, conversions and rearrangements of a million elements.

mod common;

fn main() -> anyhow::Result<()> {
    common::run(
        "copies",
        r#"
        m, r = torch.randn(1000, 1000), torch.zeros(1000, 1000) f = m:float()"#,
        &[
            ("copy", "r:copy(m)"),
            ("copy of a transposed matrix", "r:copy(m:t())"),
            ("double to float", "f:copy(m)"),
            ("fill", "r:fill(1)"),
            ("cat", "torch.cat(m, r, 1)"),
            ("narrow and clone", "m:narrow(2, 100, 500):clone()"),
        ],
    )
}
