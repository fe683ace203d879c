//! Random fills of a million elements.

mod common;

fn main() -> anyhow::Result<()> {
    common::run(
        "randoms",
        r#"
        x = torch.zeros(1e6) p = torch.rand(1000)"#,
        &[
            ("uniform", "x:uniform()"),
            ("normal", "x:normal()"),
            ("bernoulli", "x:bernoulli(0.5)"),
            ("exponential", "x:exponential(1)"),
            ("geometric", "x:geometric(0.5)"),
            ("random", "x:random(1, 10)"),
            ("randperm(1e5)", "torch.randperm(1e5)"),
            ("multinomial, 1,000 of 1,000", "torch.multinomial(p, 1000, true)"),
        ],
    )
}
