//! Sorting, selection and masks over 100,000 elements.

mod common;

fn main() -> anyhow::Result<()> {
    common::run(
        "ordering",
        r#"
        x = torch.randn(1e5) r, i = torch.Tensor(), torch.LongTensor() mask = torch.gt(x, 0)
        index = torch.randperm(1e5):long()"#,
        &[
            ("sort", "torch.sort(r, i, x)"),
            ("topk(100)", "torch.topk(r, i, x, 100)"),
            ("kthvalue", "torch.kthvalue(r, i, x, 5e4)"),
            ("median", "torch.median(r, i, x)"),
            ("maskedSelect", "x:maskedSelect(mask)"),
            ("index", "r:index(x, 1, index)"),
            ("gather", "torch.gather(x, 1, index)"),
        ],
    )
}
