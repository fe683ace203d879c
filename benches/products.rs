//! Products of matrices and vectors.

mod common;

fn main() -> anyhow::Result<()> {
    common::run(
        "products",
        r#"
        a, b, c = torch.randn(512, 512), torch.randn(512, 512), torch.zeros(512, 512)
        af, bf, cf = a:float(), b:float(), c:float()
        s, t, u = torch.randn(10, 10), torch.randn(10, 10), torch.zeros(10, 10)
        v, w = torch.randn(512), torch.zeros(512)
        p, q, r = torch.randn(16, 64, 64), torch.randn(16, 64, 64), torch.zeros(16, 64, 64)"#,
        &[
            ("double 512 x 512 x 512", "torch.mm(c, a, b)"),
            ("double transposed operand", "torch.mm(c, a, b:t())"),
            ("float 512 x 512 x 512", "torch.mm(cf, af, bf)"),
            ("double 10 x 10 x 10", "torch.mm(u, s, t)"),
            ("double matrix by vector", "torch.mv(w, a, v)"),
            ("double transposed matrix by vector", "torch.mv(w, a:t(), v)"),
            ("double outer product", "c:addr(v, w)"),
            ("double 16 products 64 x 64 x 64", "torch.bmm(r, p, q)"),
        ],
    )
}
