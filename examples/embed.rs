//! A Rust program that hosts a Torch7 script: it passes in a tensor made from an `ndarray` array and takes one back.
//!
//! Run it with `cargo run --release --example embed`.

use ndarray::{Array2, array};
use rekindle::Host;
use rekindle::tensor::Tensor;

fn main() -> anyhow::Result<()> {
    let host = Host::new()?;
    let input: Array2<f64> = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    host.set_tensor("input", &Tensor::from_array(&input)?)?;
    host.eval::<()>(
        r"
        require 'nn'
        local model = nn.Sequential():add(nn.Linear(3, 4)):add(nn.Tanh())
        output = model:forward(input)
        ",
    )?;
    let output = host.get_tensor("output")?.to_array::<f64>()?;
    println!("the model gives {:?}:\n{output:.4}", output.shape());
    anyhow::ensure!(output.shape() == [2, 4]);
    Ok(())
}
