//! Chains of elementwise modules in one pass: a program of steps over blocks of columns, of which each thread holds a few
//! rows at a time in its nearest memory. What lies between the steps is not written anywhere.
//!
//! Operands are seen as `rows` rows of one or more blocks of `columns` elements. A program is a table with
//! a row of five numbers for each step: what it does, its register, two registers or places that it reads, a constant.
//! Each register is written once, by the step of its number, from registers before it. Registers that are not needed at the
//! same time share their memory, so that all of them lie in the nearest cache.

use super::activation::{exp_neg, half, log_logistic, logistic_of_minus};
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Rows, Source, Workspace, try_share};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::function::Function;
use crate::tensor::simd::{prefetch, vectorize_maths_on};
use crate::tensor::vmath::{Arith, Fused, Plain};
use crate::{demand, for_each_activation, maths, refuse};

/// Bytes of all registers: most of the nearest cache, with room for what is read and written.
const REGISTERS: usize = 1 << 15;
/// The least and the most elements of a register: short ones spend their time on the steps' calls.
const WIDTHS: [usize; 2] = [256, 2048];
/// The most steps of a program.
const MOST: usize = 256;

/// What a step does to registers, by its number in programs.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A block of an input.
    Load {
        input: usize,
        block: usize,
    },
    /// To a block of an output.
    Store {
        output: usize,
        from: usize,
        block: usize,
    },
    Add {
        a: usize,
        b: usize,
    },
    Subtract {
        a: usize,
        b: usize,
    },
    Multiply {
        a: usize,
        b: usize,
    },
    Scale {
        a: usize,
        by: f64,
    },
    Shift {
        a: usize,
        by: f64,
    },
    /// What is above 0.
    Positive {
        a: usize,
    },
    /// `b` where `a` is above 0.
    WherePositive {
        a: usize,
        b: usize,
    },
    Zero,
    /// An activation of the list.
    Activate {
        which: usize,
        a: usize,
    },
    /// Its gradient from what it is computed from, `a`, and that of its output, `b`.
    Slope {
        which: usize,
        a: usize,
        b: usize,
    },
}

/// The number of the first activation; its gradient has the next one.
const ACTIVATIONS: usize = 10;

macro_rules! activations {
    ($($from:ident $class:literal $name:ident $grad:ident: |$m:ident, $x:ident| $f:expr, |$n:ident, $z:ident, $g:ident| $df:expr;)*) => {
        /// The classes of activations that programs have, in the order of their numbers, and whether the gradient is
        /// computed from the output.
        pub const CLASSES: &[(&str, bool)] = &[$(($class, activations!(@$from))),*];
        fn activate<T: Float>(which: usize, x: &[T], y: &mut [T]) {
            $(if CLASSES[which].0 == $class { return unary(x, y, maths!(|$m, $x: T| $f)); })*
        }
        fn slope<T: Float>(which: usize, known: &[T], g: &[T], y: &mut [T]) {
            $(if CLASSES[which].0 == $class { return binary(known, g, y, maths!(|$n, $z: T, $g: T| $df)); })*
        }
    };
    (@output) => { true };
    (@input) => { false };
}
for_each_activation!(activations);

#[inline(always)]
fn unary<T: Float>(x: &[T], y: &mut [T], f: impl Function<(T,), T>) {
    #[inline(always)]
    fn with<T: Float, M: Arith>(m: M, x: &[T], y: &mut [T], f: impl Function<(T,), T>) {
        y.iter_mut().zip(x).for_each(|(y, &x)| *y = f.at(m, (x,)));
    }
    vectorize_maths_on(
        y,
        #[inline(always)]
        |y| with(Plain, x, y, f),
        #[inline(always)]
        |y| with(Fused, x, y, f),
    );
}

#[inline(always)]
fn binary<T: Float>(a: &[T], b: &[T], y: &mut [T], f: impl Function<(T, T), T>) {
    #[inline(always)]
    fn with<T: Float, M: Arith>(m: M, a: &[T], b: &[T], y: &mut [T], f: impl Function<(T, T), T>) {
        y.iter_mut().zip(a.iter().zip(b)).for_each(|(y, (&a, &b))| *y = f.at(m, (a, b)));
    }
    vectorize_maths_on(
        y,
        #[inline(always)]
        |y| with(Plain, a, b, y, f),
        #[inline(always)]
        |y| with(Fused, a, b, y, f),
    );
}

/// A step from its five numbers.
fn step(at: usize, of: &[f64]) -> Result<Step> {
    let whole = |v: f64| if (0.0..1e6).contains(&v) && v.fract() == 0.0 { Some(v as usize) } else { None };
    let numbers = [whole(of[0]), whole(of[1]), whole(of[2]), whole(of[3])];
    let [Some(code), Some(register), Some(a), Some(b)] = numbers else {
        refuse!("step {at} has numbers that name nothing");
    };
    let by = of[4];
    let (found, reads) = match code {
        0 => (Step::Load { input: a, block: b }, 0),
        1 => (Step::Store { output: register, from: a, block: b }, 1),
        2 => (Step::Add { a, b }, 2),
        3 => (Step::Subtract { a, b }, 2),
        4 => (Step::Multiply { a, b }, 2),
        5 => (Step::Scale { a, by }, 1),
        6 => (Step::Shift { a, by }, 1),
        7 => (Step::Positive { a }, 1),
        8 => (Step::WherePositive { a, b }, 2),
        9 => (Step::Zero, 0),
        _ => {
            let which = (code - ACTIVATIONS) / 2;
            demand!(which < CLASSES.len(), "step {at} does {code}, which is nothing");
            if (code - ACTIVATIONS).is_multiple_of(2) {
                (Step::Activate { which, a }, 1)
            } else {
                (Step::Slope { which, a, b }, 2)
            }
        }
    };
    let written = matches!(found, Step::Store { .. }) || register == at;
    demand!(written && (reads < 1 || a < at) && (reads < 2 || b < at), "step {at} reads what is not written yet");
    Ok(found)
}

impl Step {
    /// The registers that it reads.
    fn reads(&mut self) -> [Option<&mut usize>; 2] {
        match self {
            Step::Load { .. } | Step::Zero => [None, None],
            Step::Store { from: a, .. }
            | Step::Scale { a, .. }
            | Step::Shift { a, .. }
            | Step::Positive { a }
            | Step::Activate { a, .. } => [Some(a), None],
            Step::Add { a, b }
            | Step::Subtract { a, b }
            | Step::Multiply { a, b }
            | Step::WherePositive { a, b }
            | Step::Slope { a, b, .. } => [Some(a), Some(b)],
        }
    }
}

/// Steps whose registers are places in memory.
struct Placed {
    /// Each with the place that it writes, which is none of those that it reads. Stores have none.
    steps: Vec<(Step, usize)>,
    /// How many places there are. Numbers from there on stand for inputs, which are read where they lie.
    count: usize,
}

/// More than there are places: an input's number before the places are counted.
const INPUT: usize = usize::MAX / 2;

impl Placed {
    /// Gives each register a place from the step that writes it to the last one that reads it. Inputs of one block, by the
    /// numbers of blocks in `wide`, need none.
    fn new(mut steps: Vec<Step>, wide: &[usize]) -> Placed {
        let mut last: Vec<usize> = (0..steps.len()).collect();
        for (i, step) in steps.iter_mut().enumerate() {
            step.reads().into_iter().flatten().for_each(|r| last[*r] = i);
        }
        let (mut place, mut free, mut count) = (vec![0; steps.len()], vec![], 0);
        for (i, step) in steps.iter_mut().enumerate() {
            let mut writes = !matches!(step, Step::Store { .. });
            if let Step::Load { input, .. } = *step
                && wide[input] == 1
            {
                (place[i], writes) = (INPUT + input, false);
            }
            if writes {
                place[i] = free.pop().unwrap_or_else(|| {
                    count += 1;
                    count - 1
                });
            }
            let mut ended = [None; 2];
            for (r, ended) in step.reads().into_iter().flatten().zip(&mut ended) {
                *ended = Some(*r).filter(|&r| last[r] == i);
                *r = place[*r];
            }
            if ended[0] == ended[1] {
                ended[1] = None;
            }
            free.extend(ended.into_iter().flatten().map(|r| place[r]).filter(|&p| p < INPUT));
            if writes && last[i] == i {
                free.push(place[i]);
            }
        }
        steps.iter_mut().flat_map(Step::reads).flatten().filter(|r| **r >= INPUT).for_each(|r| *r += count - INPUT);
        let there = steps.into_iter().zip(place).filter(|(_, place)| *place < INPUT);
        Placed { steps: there.collect(), count }
    }

    /// How many elements a register has.
    fn width<T>(&self) -> usize {
        (REGISTERS / size_of::<T>() / self.count.max(1)).clamp(WIDTHS[0], WIDTHS[1]) / 64 * 64
    }
}

/// How operands are divided: rows of blocks.
#[derive(Clone, Copy)]
struct Grid {
    rows: usize,
    columns: usize,
}

impl Grid {
    /// The blocks that elements of these sizes are.
    fn blocks(self, sizes: &[usize]) -> Result<usize> {
        let block = self.rows.saturating_mul(self.columns);
        let n = sizes.iter().fold(1, |n: usize, &size| n.saturating_mul(size));
        let fits = block > 0 && !sizes.is_empty() && n.is_multiple_of(block);
        demand!(fits, "rows of {} x {} elements expected, got sizes {sizes:?}", self.rows, self.columns);
        Ok(n / block)
    }
}

/// Demands that a program reads and writes what is there, and writes all of it; inputs and outputs by their blocks.
fn check_places(steps: &[Step], inputs: &[usize], outputs: &[usize]) -> Result<()> {
    let mut written: Vec<Vec<bool>> = outputs.iter().map(|&n| vec![false; n]).collect();
    for step in steps {
        match *step {
            Step::Load { input, block } => {
                let there = inputs.get(input).is_some_and(|&n| block < n);
                demand!(there, "the program reads block {block} of input {input}, which is not there");
            }
            Step::Store { output, block, .. } => match written.get_mut(output).and_then(|o| o.get_mut(block)) {
                Some(place) => *place = true,
                None => refuse!("the program writes block {block} of output {output}, which is not there"),
            },
            _ => {}
        }
    }
    demand!(written.iter().flatten().all(|&w| w), "the program does not write all of its outputs");
    Ok(())
}

/// An input of a program, as wide as so many blocks.
struct Input {
    blocks: usize,
    /// Whether it has to be a matrix of these rows; others may have their elements in any sizes.
    is_matrix: bool,
}

/// A program with what it runs on: inputs and outputs of `rows` rows of blocks of `columns` elements.
pub struct Program {
    steps: Placed,
    grid: Grid,
    inputs: Vec<Input>,
    /// The sizes of each output, and its blocks.
    outputs: Vec<(Vec<usize>, usize)>,
}

impl Program {
    /// A program of steps of five numbers. Of each input: its blocks, and whether it has to be a matrix; of each output its
    /// sizes.
    ///
    /// # Errors
    /// A program that is none; places that are not there; an output that is not of rows of blocks, or not written in whole.
    pub fn new(
        steps: &[f64],
        [rows, columns]: [usize; 2],
        inputs: &[(usize, bool)],
        outputs: Vec<Vec<usize>>,
    ) -> Result<Program> {
        let count = steps.len() / 5;
        demand!(steps.len() == count * 5 && count <= MOST, "a program of up to {MOST} steps of 5 numbers expected");
        let steps = steps.chunks(5).enumerate().map(|(i, of)| step(i, of)).collect::<Result<Vec<_>>>()?;
        let grid = Grid { rows, columns };
        let blocks = |sizes: Vec<usize>| grid.blocks(&sizes).map(|n| (sizes, n));
        let outputs = outputs.into_iter().map(blocks).collect::<Result<Vec<_>>>()?;
        let wide: Vec<usize> = inputs.iter().map(|x| x.0).collect();
        check_places(&steps, &wide, &outputs.iter().map(|(_, n)| *n).collect::<Vec<_>>())?;
        let inputs = inputs.iter().map(|&(blocks, is_matrix)| Input { blocks, is_matrix }).collect();
        Ok(Program { steps: Placed::new(steps, &wide), grid, inputs, outputs })
    }

    /// Whether tensors are what the program reads.
    fn takes(&self, inputs: &[&Tensor]) -> bool {
        let Grid { rows, columns } = self.grid;
        inputs.len() == self.inputs.len()
            && inputs.iter().zip(&self.inputs).all(|(x, of)| {
                let width = of.blocks.saturating_mul(columns);
                x.numel() == rows.saturating_mul(width)
                    && (!of.is_matrix || x.ndim() == 2 && [x.size(0), x.size(1)] == [rows, width])
            })
    }
}

/// Runs a program over inputs into outputs, which get their sizes. Whether it did: not over inputs of other sizes, where
/// nothing is done.
///
/// # Errors
/// Another number of outputs than the program has; not enough memory.
pub fn run<T: Float>(inputs: &[&Tensor], program: &Program, outputs: &[&Tensor]) -> Result<bool> {
    let (all, columns) = (&program.outputs, program.grid.columns);
    demand!(outputs.len() == all.len(), "{} outputs expected, got {}", all.len(), outputs.len());
    if outputs.is_empty() || !program.takes(inputs) {
        return Ok(outputs.is_empty());
    }
    let sources = inputs.iter().map(|x| Source::<T>::of(x)).collect::<Result<Vec<_>>>()?;
    let mut results =
        outputs.iter().zip(all).map(|(y, (sizes, _))| Dest::<T>::new(y, sizes)).collect::<Result<Vec<_>>>()?;
    let lines: Vec<Rows<T>> = results.iter_mut().zip(all).map(|(y, (_, n))| Rows::new(y, n * columns)).collect();
    let inputs: Vec<(&[T], usize)> =
        sources.iter().zip(&program.inputs).map(|(x, of)| (&x[..], of.blocks * columns)).collect();
    let (steps, registers) = (&program.steps.steps, program.steps.count);
    let wide = program.steps.width::<T>();
    let cost = steps.len() * columns * 2;
    try_share(lines, cost, |first, part| {
        let mut outputs: Vec<(&mut [T], usize)> =
            part.into_iter().zip(all).map(|(y, (_, n))| (y.into_slice(), n * columns)).collect();
        let mut memory = Workspace::new(registers * wide)?;
        let count = outputs[0].0.len() / outputs[0].1;
        let tiles = Tiles { first, count, columns, wide, registers };
        for i in 0..tiles.len() {
            let (tile, next) = (tiles.at(i), (i + 1 < tiles.len()).then(|| tiles.at(i + 1)));
            if i == 0 {
                steps.iter().for_each(|(s, _)| tile.ask_for(*s, &inputs, &outputs));
            }
            for &step in steps {
                tile.run(step, &inputs, &mut outputs, &mut memory);
                // what the next rows need is on its way while these are computed
                if let Some(next) = &next {
                    next.ask_for(step.0, &inputs, &outputs);
                }
            }
        }
        Ok(())
    })?;
    Ok(true)
}

/// How the rows of a share are cut, so that a tile's elements of one block fit in a register.
struct Tiles {
    /// The first row of the share, how many it has, and the columns of a block.
    first: usize,
    count: usize,
    columns: usize,
    /// Elements of a register, and how many registers there are.
    wide: usize,
    registers: usize,
}

impl Tiles {
    /// Rows and columns of a tile.
    fn sizes(&self) -> (usize, usize) {
        if self.columns >= self.wide { (1, self.wide) } else { (self.wide / self.columns, self.columns) }
    }

    fn len(&self) -> usize {
        let (high, across) = self.sizes();
        self.count.div_ceil(high) * self.columns.div_ceil(across)
    }

    fn at(&self, i: usize) -> Tile {
        let (high, across) = self.sizes();
        let beside = self.columns.div_ceil(across);
        let (row, from) = (i / beside * high, i % beside * across);
        Tile {
            first: self.first,
            row,
            high: high.min(self.count - row),
            from,
            across: across.min(self.columns - from),
            columns: self.columns,
            wide: self.wide,
            count: self.registers,
        }
    }
}

/// Some rows of some columns of every block.
struct Tile {
    /// The first row of this thread's share, the first of these in that share, and their number.
    first: usize,
    row: usize,
    high: usize,
    /// The first column and the number of columns.
    from: usize,
    across: usize,
    columns: usize,
    /// Elements of a register, and how many registers there are.
    wide: usize,
    count: usize,
}

impl Tile {
    /// These rows of an input of one block: all of its columns, or one row.
    fn of_input<'a, T>(&self, (x, _): (&'a [T], usize)) -> &'a [T] {
        &x[(self.first + self.row) * self.columns + self.from..][..self.high * self.across]
    }

    /// Where these columns of a block begin in row `k` of operands with rows of `row` elements, from row `first` on.
    fn place(&self, first: usize, k: usize, row: usize, block: usize) -> usize {
        (first + self.row + k) * row + block * self.columns + self.from
    }

    /// Asks for what a step reads and writes in memory.
    fn ask_for<T>(&self, mut step: Step, inputs: &[(&[T], usize)], outputs: &[(&mut [T], usize)]) {
        for r in step.reads().into_iter().flatten().filter(|r| **r >= self.count) {
            prefetch(self.of_input(inputs[*r - self.count]));
        }
        match step {
            Step::Load { input, block } => {
                let (x, row) = inputs[input];
                (0..self.high).for_each(|k| prefetch(&x[self.place(self.first, k, row, block)..][..self.across]));
            }
            Step::Store { output, block, .. } => {
                let (y, row) = &outputs[output];
                (0..self.high).for_each(|k| prefetch(&y[self.place(0, k, *row, block)..][..self.across]));
            }
            _ => {}
        }
    }

    /// A step that writes the register at a place, on what lies in the others.
    fn run<T: Float>(
        &self,
        (step, place): (Step, usize),
        inputs: &[(&[T], usize)],
        outputs: &mut [(&mut [T], usize)],
        registers: &mut [T],
    ) {
        let n = self.high * self.across;
        if let Step::Store { output, from, block } = step {
            let (out, row) = &mut outputs[output];
            let x = match from.checked_sub(self.count) {
                Some(input) => self.of_input(inputs[input]),
                None => &registers[from * self.wide..][..n],
            };
            for (k, x) in x.chunks_exact(self.across).enumerate() {
                out[self.place(0, k, *row, block)..][..self.across].copy_from_slice(x);
            }
            return;
        }
        let (before, rest) = registers.split_at_mut(place * self.wide);
        let (y, after) = rest.split_at_mut(self.wide);
        let y = &mut y[..n];
        let read = |r: usize| match r {
            r if r >= self.count => self.of_input(inputs[r - self.count]),
            r if r > place => &after[(r - place - 1) * self.wide..][..n],
            r => &before[r * self.wide..][..n],
        };
        match step {
            Step::Load { input, block } => {
                let (x, row) = inputs[input];
                for (k, y) in y.chunks_exact_mut(self.across).enumerate() {
                    y.copy_from_slice(&x[self.place(self.first, k, row, block)..][..self.across]);
                }
            }
            Step::Store { .. } => {}
            Step::Add { a, b } => binary(read(a), read(b), y, |a: T, b: T| a.add(b)),
            Step::Subtract { a, b } => binary(read(a), read(b), y, |a: T, b: T| a.sub(b)),
            Step::Multiply { a, b } => binary(read(a), read(b), y, |a: T, b: T| a.mul(b)),
            Step::Scale { a, by } => {
                let by = T::from_f64(by);
                unary(read(a), y, move |x: T| x.mul(by));
            }
            Step::Shift { a, by } => {
                let by = T::from_f64(by);
                unary(read(a), y, move |x: T| x.add(by));
            }
            Step::Positive { a } => unary(read(a), y, |x: T| if x > T::ZERO { x } else { T::ZERO }),
            Step::WherePositive { a, b } => {
                binary(read(a), read(b), y, |x: T, g: T| if x > T::ZERO { g } else { T::ZERO });
            }
            Step::Zero => y.fill(T::ZERO),
            Step::Activate { which, a } => activate(which, read(a), y),
            Step::Slope { which, a, b } => slope(which, read(a), read(b), y),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum of both halves of an input, squared.
    const STEPS: [[f64; 5]; 5] = [
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 1.0, 0.0],
        [2.0, 2.0, 0.0, 1.0, 0.0],
        [4.0, 3.0, 2.0, 2.0, 0.0],
        [1.0, 0.0, 3.0, 0.0, 0.0],
    ];

    fn program(steps: &[[f64; 5]], inputs: &[(usize, bool)], outputs: &[&[usize]]) -> Result<Program> {
        Program::new(&steps.concat(), [70, 9], inputs, outputs.iter().map(|of| of.to_vec()).collect())
    }

    fn numbers(sizes: &[usize]) -> Tensor {
        let n = sizes.iter().product::<usize>();
        let x = Tensor::from_slice(&(0..n).map(|i| i as f64 / 7.0 - 20.0).collect::<Vec<_>>()).unwrap();
        x.resize(sizes).unwrap();
        x
    }

    #[test]
    fn rows_are_computed_whatever_their_tiles() {
        let (p, x, y) = (program(&STEPS, &[(2, true)], &[&[70, 3, 3]]).unwrap(), numbers(&[70, 18]), numbers(&[1]));
        assert!(run::<f64>(&[&x], &p, &[&y]).unwrap());
        assert!(y.layout().sizes() == [70, 3, 3]);
        let (x, y) = (x.to_vec::<f64>().unwrap(), y.to_vec::<f64>().unwrap());
        for (i, y) in y.into_iter().enumerate() {
            let at = i / 9 * 18 + i % 9;
            assert!(y == (x[at] + x[at + 9]) * (x[at] + x[at + 9]), "element {i}");
        }
    }

    #[test]
    fn inputs_of_other_sizes_are_left_alone() {
        let (p, y) = (program(&STEPS, &[(2, true)], &[&[70, 9]]).unwrap(), numbers(&[4]));
        for sizes in [&[70, 17][..], &[35, 36], &[70, 2, 9], &[1260]] {
            assert!(!run::<f64>(&[&numbers(sizes)], &p, &[&y]).unwrap(), "{sizes:?}");
        }
        assert!(!run::<f64>(&[], &p, &[&y]).unwrap());
        assert!(y.layout().sizes() == [4]);
        let x = numbers(&[70, 18]);
        assert!(run::<f64>(&[&x], &p, &[]).is_err() && run::<f64>(&[&x], &p, &[&y, &y]).is_err());
    }

    #[test]
    fn programs_that_are_none_are_refused() {
        let refused = |steps: &[[f64; 5]], inputs: &[(usize, bool)], outputs: &[&[usize]]| {
            assert!(program(steps, inputs, outputs).is_err(), "{steps:?} {inputs:?} {outputs:?}");
        };
        refused(&STEPS, &[(1, true)], &[&[70, 9]]);
        refused(&STEPS, &[], &[&[70, 9]]);
        refused(&STEPS, &[(2, true)], &[]);
        refused(&STEPS, &[(2, true)], &[&[70, 18]]);
        for sizes in [&[70, 8][..], &[]] {
            refused(&STEPS, &[(2, true)], &[sizes]);
        }
        for (at, with) in [(0, 99.0), (1, 0.5), (2, 5.0), (2, -1.0), (3, f64::NAN)] {
            let mut steps = STEPS;
            steps[3][at] = with;
            refused(&steps, &[(2, true)], &[&[70, 9]]);
        }
        assert!(Program::new(&[0.0; 4], [70, 9], &[(2, true)], vec![]).is_err());
    }
}
