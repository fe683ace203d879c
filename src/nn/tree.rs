//! nn.SoftMaxTree: the log-probability of a node of a tree, whose every inner node has a linear layer and a softmax over its
//! children. A target's path leads from the node up to the root.

use super::criterion::classification::integers;
use super::vectors::add_scaled;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Rows, Source, share, share_rows};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::ops::blas::dot;
use crate::tensor::simd::vectorize;
use crate::{demand, fields};

fields! {
    /// A tree, as nn.SoftMaxTree keeps it. Nodes are numbers from 1; the children of a parent are rows that follow each other.
    pub struct Tree<'a> {
        /// For each node its parent, and its place among the parent's children.
        parents: &'a Tensor = ".childParent:Int",
        /// For each node the row of its first child, and how many there are.
        children: &'a Tensor = ".parentChildren:Int",
        /// The node at the top.
        root: i64 = ".rootId:long",
    }
}

/// A step of a path: a parent and which of its children the path goes through.
struct Step {
    parent: i64,
    /// The row of the first child.
    first: usize,
    /// How many children there are.
    count: usize,
    /// The place of the path's one.
    chosen: usize,
}

type Path = Vec<Step>;

/// How many children there are along a path.
fn width(path: &Path) -> usize {
    path.iter().map(|s| s.count).sum()
}

/// The two numbers that a table has for a node.
fn pair(table: &[i32], node: i64) -> Option<(i64, i64)> {
    let at = usize::try_from(node.checked_sub(1)?).ok()?;
    table.as_chunks::<2>().0.get(at).map(|&[a, b]| (a as i64, b as i64))
}

impl Tree<'_> {
    /// The paths of targets in a tree whose children have this many rows.
    fn paths(&self, target: &Tensor, rows: usize) -> Result<Vec<Path>> {
        for (name, x) in [("childParent", self.parents), ("parentChildren", self.children)] {
            demand!(
                x.ndim() == 2 && x.size(1) == 2,
                "a matrix of 2 columns expected as {name}, got {}",
                x.shape_text()
            );
        }
        let (parents, children) = (Source::<i32>::of(self.parents)?, Source::<i32>::of(self.children)?);
        let path = |target: i64| {
            let (mut at, mut path) = (target, vec![]);
            while path.is_empty() || at != self.root {
                let up = pair(&parents, at).filter(|(parent, _)| *parent > 0);
                demand!(up.is_some(), "target {target} is no node below the root {}: {at} has no parent", self.root);
                let (parent, place) = up.unwrap_or_default();
                let (first, count) = pair(&children, parent).unwrap_or_default();
                let fits = first >= 1 && (1..=count).contains(&place) && (first + count - 1) as usize <= rows;
                demand!(fits && path.len() <= rows, "the tree is damaged at node {parent}, above target {target}");
                path.push(Step {
                    parent,
                    first: first as usize - 1,
                    count: count as usize,
                    chosen: place as usize - 1,
                });
                at = parent;
            }
            Ok(path)
        };
        integers(target)?.into_iter().map(path).collect()
    }
}

/// The samples of a call and their paths.
fn samples(input: &Tensor, target: &Tensor, weight: &Tensor, tree: &Tree) -> Result<Vec<Path>> {
    demand!(weight.ndim() == 2, "a matrix expected as weight, got {}", weight.shape_text());
    check::rank("a matrix (samples x features) as input", input, 2)?;
    check::sizes("input", input, &[input.size(0), weight.size(1)])?;
    demand!(
        target.ndim() == 1 && target.numel() == input.size(0),
        "a vector of {} nodes expected as target, got {}",
        input.size(0),
        target.shape_text()
    );
    tree.paths(target, weight.size(0))
}

/// Log-softmax of a few scores, in place.
fn log_softmax<T: Float>(scores: &mut [T]) {
    let most = scores.iter().fold(f64::NEG_INFINITY, |m, v| m.max(v.to_f64()));
    let sum: f64 = scores.iter().map(|v| (v.to_f64() - most).exp()).sum();
    let whole = most + sum.ln();
    scores.iter_mut().for_each(|v| *v = T::from_f64(v.to_f64() - whole));
}

/// The log-probability of each target, and the log-softmax of every inner node along its path: `logs` has a row for each
/// sample.
///
/// # Errors
/// Sizes that do not fit, targets that are not in the tree.
pub fn forward<T: Float>(
    input: &Tensor,
    target: &Tensor,
    output: &Tensor,
    logs: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    tree: Tree,
) -> Result<()> {
    let paths = samples(input, target, weight, &tree)?;
    check::count("bias", bias, weight.size(0))?;
    let wide = paths.iter().map(width).max().unwrap_or(0);
    let (x, w, b) = (Source::<T>::of(input)?, Source::<T>::of(weight)?, Source::<T>::of(bias)?);
    let (mut y, mut logs) = (Dest::<T>::new(output, &[paths.len()])?, Dest::<T>::new(logs, &[paths.len(), wide])?);
    let n = weight.size(1);
    share((Rows::new(&mut y, 1), Rows::new(&mut logs, wide)), wide * (n + 8), |first, (y, logs)| {
        for ((i, y), logs) in (first..).zip(y.into_slice()).zip(logs.into_rows()) {
            let (x, mut sum, mut at) = (&x[i * n..][..n], 0.0, 0);
            for s in &paths[i] {
                let scores = &mut logs[at..][..s.count];
                vectorize(
                    #[inline(always)]
                    || {
                        for (k, score) in scores.iter_mut().enumerate() {
                            let row = s.first + k;
                            *score = b[row].add(dot(&w[row * n..][..n], x));
                        }
                    },
                );
                log_softmax(scores);
                sum += scores[s.chosen].to_f64();
                at += s.count;
            }
            logs[at..].fill(T::ZERO);
            *y = T::from_f64(sum);
        }
    });
    Ok(())
}

/// Calls `f(row, gradient)` for the score of every child along a path; `logs` are those of [`forward`].
#[inline(always)]
fn each_score<T: Float>(path: &Path, logs: &[T], grad: T, mut f: impl FnMut(usize, T)) {
    let mut logs = logs.iter();
    for s in path {
        for (k, log) in logs.by_ref().take(s.count).enumerate() {
            let there = if k == s.chosen { 1.0 } else { 0.0 };
            f(s.first + k, grad.mul(T::from_f64(there - log.to_f64().exp())));
        }
    }
}

/// What a backward pass begins with: the paths, and that the other tensors fit them.
fn prepare(
    input: &Tensor,
    target: &Tensor,
    grad_output: &Tensor,
    logs: &Tensor,
    weight: &Tensor,
    tree: &Tree,
) -> Result<(Vec<Path>, usize)> {
    let paths = samples(input, target, weight, tree)?;
    check::count("gradOutput", grad_output, paths.len())?;
    let wide = paths.iter().map(width).max().unwrap_or(0);
    demand!(logs.has_sizes(&[paths.len(), wide]), "forward comes before backward, with the same input and target");
    Ok((paths, wide))
}

/// The gradient of the input.
///
/// # Errors
/// As [`forward`]; another target than the last forward had.
pub fn input_gradient<T: Float>(
    input: &Tensor,
    target: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    logs: &Tensor,
    weight: &Tensor,
    tree: Tree,
) -> Result<()> {
    let (paths, wide) = prepare(input, target, grad_output, logs, weight, &tree)?;
    let (w, g, logs) = (Source::<T>::of(weight)?, Source::<T>::of(grad_output)?, Source::<T>::of(logs)?);
    let (mut gx, n) = (Dest::<T>::zeros_like(grad_input, input)?, weight.size(1));
    share_rows(&mut gx, n, wide * n, |first, part| {
        for (i, gx) in (first..).zip(part.chunks_mut(n.max(1))) {
            vectorize(
                #[inline(always)]
                || each_score(&paths[i], &logs[i * wide..], g[i], |row, by| add_scaled(gx, &w[row * n..][..n], by)),
            );
        }
    });
    Ok(())
}

/// Adds `scale` times the gradients of weights and bias. Returns the parents along the paths, one after another.
///
/// # Errors
/// As [`input_gradient`].
#[allow(clippy::too_many_arguments)] // fields of the module
pub fn accumulate<T: Float>(
    input: &Tensor,
    target: &Tensor,
    grad_output: &Tensor,
    scale: T,
    logs: &Tensor,
    grad_weight: &Tensor,
    grad_bias: &Tensor,
    tree: Tree,
) -> Result<Vec<i64>> {
    let (paths, wide) = prepare(input, target, grad_output, logs, grad_weight, &tree)?;
    check::count("gradBias", grad_bias, grad_weight.size(0))?;
    let (x, g, logs) = (Source::<T>::of(input)?, Source::<T>::of(grad_output)?, Source::<T>::of(logs)?);
    let (mut gw, mut gb) = (Dest::<T>::update(grad_weight)?, Dest::<T>::update(grad_bias)?);
    let n = grad_weight.size(1);
    for (i, path) in paths.iter().enumerate() {
        let x = &x[i * n..][..n];
        vectorize(
            #[inline(always)]
            || {
                each_score(path, &logs[i * wide..], scale.mul(g[i]), |row, by| {
                    gb[row] = gb[row].add(by);
                    add_scaled(&mut gw[row * n..][..n], x, by);
                });
            },
        );
    }
    Ok(paths.iter().flatten().map(|s| s.parent).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::gradient_tests::{agrees, empty, probe, scattered, values};

    fn ints(values: &[i32]) -> Tensor {
        let t = Tensor::from_slice(values).unwrap();
        t.resize(&[values.len() / 2, 2]).unwrap();
        t
    }

    #[test]
    fn probabilities_of_leaves_add_up_to_one_and_gradients_agree() {
        // 1 has the children 2 and 3, 2 the children 4, 5 and 6
        let (parents, children) = (ints(&[-1, -1, 1, 1, 1, 2, 2, 1, 2, 2, 2, 3]), ints(&[1, 2, 3, 3]));
        let tree = || Tree { parents: &parents, children: &children, root: 1 };
        let (w, b) = (scattered(20, &[5, 4]), scattered(5, &[5]));
        let row = scattered(4, &[4]);
        let input = Tensor::from_slice(&values(&row).repeat(4)).unwrap();
        input.resize(&[4, 4]).unwrap();
        let target = Tensor::from_slice(&[3i64, 4, 5, 6]).unwrap();
        let (y, logs, gx, gw, gb) = (empty(), empty(), empty(), empty(), empty());
        forward::<f64>(&input, &target, &y, &logs, &w, &b, tree()).unwrap();
        assert!((values(&y).iter().map(|v| v.exp()).sum::<f64>() - 1.0).abs() < 1e-12);
        let g = scattered(4, &[4]);
        input_gradient::<f64>(&input, &target, &g, &gx, &logs, &w, tree()).unwrap();
        gw.resize_as(&w).unwrap();
        gb.resize_as(&b).unwrap();
        let seen = accumulate::<f64>(&input, &target, &g, 1.0, &logs, &gw, &gb, tree()).unwrap();
        assert_eq!(seen, [1, 2, 1, 2, 1, 2, 1]);
        let loss = |x: &Tensor, w: &Tensor, b: &Tensor| {
            let (y, logs) = (empty(), empty());
            forward::<f64>(x, &target, &y, &logs, w, b, tree()).map(|()| probe(&y, &g))
        };
        agrees("input", &input, &gx, |x| loss(x, &w, &b));
        agrees("weight", &w, &gw, |w| loss(&input, w, &b));
        agrees("bias", &b, &gb, |b| loss(&input, &w, b));
        for wrong in [1i64, 7, 0, -5, i64::MIN, i64::MAX] {
            let target = Tensor::from_slice(&[3, 4, 5, wrong]).unwrap();
            assert!(forward::<f64>(&input, &target, &empty(), &empty(), &w, &b, tree()).is_err());
        }
    }

    #[test]
    fn damaged_trees_end() {
        let (w, b, input) = (scattered(20, &[5, 4]), scattered(5, &[5]), scattered(4, &[1, 4]));
        let target = Tensor::from_slice(&[2i64]).unwrap();
        for (parents, children) in
            [([2, 1, 1, 1], [1, 2, 1, 1]), ([-1, 0, 1, 1], [1, 9, 0, 0]), ([0, 0, 1, 3], [1, 2, 0, 0])]
        {
            let (parents, children) = (ints(&parents), ints(&children));
            let tree = Tree { parents: &parents, children: &children, root: 7 };
            assert!(forward::<f64>(&input, &target, &empty(), &empty(), &w, &b, tree).is_err());
        }
    }
}
