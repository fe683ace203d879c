//! Sorting, selection and masks over 100,000 elements, and over a million in lines.

mod common;

fn main() -> anyhow::Result<()> {
    common::run(
        "ordering",
        r#"
        x = torch.randn(1e5) m = torch.randn(1000, 1000) r, i = torch.Tensor(), torch.LongTensor() mask = torch.gt(x, 0)
        index = torch.randperm(1e5):long()"#,
        &[
            ("sort", "torch.sort(r, i, x)"),
            ("topk(100)", "torch.topk(r, i, x, 100)"),
            ("sort, 1,000 lines", "torch.sort(r, i, m, 2)"),
            ("sort, 1,000 columns", "torch.sort(r, i, m, 1)"),
            ("kthvalue", "torch.kthvalue(r, i, x, 5e4)"),
            ("median", "torch.median(r, i, x)"),
            ("mode", "torch.mode(r, i, x)"),
            ("maskedFill", "x:maskedFill(mask, 1)"),
            ("maskedSelect", "x:maskedSelect(mask)"),
            ("index", "r:index(x, 1, index)"),
            ("gather", "torch.gather(x, 1, index)"),
        ],
    )
}
