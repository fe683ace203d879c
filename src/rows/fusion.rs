//! Programs of elementwise steps, for `lua/nngraph/fusion`.

use crate::lua::prelude::*;
use crate::nn::fusion::{self, Program};
use crate::tensor::access::Source;
use crate::tensor::check;

/// The classes of activations that programs have, with a `+` before those whose gradient is computed from the output.
fn classes() -> Result<Vec<String>> {
    Ok(fusion::CLASSES.iter().map(|(name, output)| format!("{}{name}", if *output { "+" } else { "" })).collect())
}

/// The rows of a matrix.
fn lines<T: Element>(what: &str, x: &Tensor) -> Result<Vec<Vec<T>>> {
    check::ranks(what, x, 2..=2)?;
    Ok(Source::<T>::of(x)?.chunks(x.size(1).max(1)).map(<[T]>::to_vec).collect())
}

/// A program of rows of five numbers. A row of `inputs` has the blocks of one, and whether it has to be a matrix: 1 or 0. A row of
/// `outputs` has the sizes of one, and zeros up to the length of the longest.
fn new(steps: &Tensor, rows: i64, columns: i64, inputs: &Tensor, outputs: &Tensor) -> Result<Program> {
    let size = |n: i64| usize::try_from(n).unwrap_or(0);
    let inputs: Vec<_> =
        lines("inputs", inputs)?.iter().map(|of: &Vec<i64>| (size(of[0]), of.get(1) == Some(&1))).collect();
    let sizes = |of: Vec<i64>| of.into_iter().map(size).take_while(|&n| n > 0).collect();
    let outputs = lines("outputs", outputs)?.into_iter().map(sizes).collect();
    Program::new(&lines("steps", steps)?.concat(), [size(rows), size(columns)], &inputs, outputs)
}

/// The class of programs, which have no methods.
pub const PROGRAM: &str = "rekindle.FusionProgram";

objects! { Program: PROGRAM, "FusionProgram"; }

/// The rows.
pub static ROWS: &[Op] =
    &[func!("run", &[form("inputs:T[] program:object.FusionProgram outputs:T[]", floats!(fusion::run))])];
/// What programs are made of.
pub static PROGRAMS: &[Op] = &[
    func!("classes", &[form("", any!(classes))]),
    func!("new", &[form("steps:Double rows:long columns:long inputs:Long outputs:Long", any!(new))]),
];
