//! Linear algebra of 200 x 200 matrices.

mod common;

fn main() -> anyhow::Result<()> {
    common::run(
        "factorizations",
        r#"
        a = torch.randn(200, 200) s = a * a:t() + torch.eye(200) b = torch.randn(200, 4)"#,
        &[
            ("gesv", "torch.gesv(b, a)"),
            ("inverse", "torch.inverse(a)"),
            ("potrf", "torch.potrf(s)"),
            ("qr", "torch.qr(a)"),
            ("symeig", "torch.symeig(s, \"V\")"),
            ("svd", "torch.svd(a)"),
        ],
    )
}
