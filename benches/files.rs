//! Saving and loading a tensor of a million elements.

mod common;

fn main() -> anyhow::Result<()> {
    common::run(
        "files",
        r#"
        x = torch.randn(1e6) path = os.tmpname()"#,
        &[
            ("save, binary", "torch.save(path, x)"),
            ("load, binary", "torch.load(path)"),
            ("serialize and deserialize", "torch.deserialize(torch.serialize(x))"),
            ("save, ascii", "torch.save(path, x, \"ascii\")"),
            ("load, ascii", "torch.load(path, \"ascii\")"),
        ],
    )
}
