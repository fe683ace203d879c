//! Convolutions in groups: the planes of each group of the input make those of a group of the output. A sample's groups lie
//! one after another, and so do their weights.

use super::engine::Plan;
use crate::tensor::access::{Rows, Workspace, try_share};
use crate::tensor::error::Result;
use crate::tensor::product::Multiply;

/// Groups up to which each is a call of its own, which shares its samples among threads; more of them are shared themselves.
const FEW: usize = 4;

/// The convolution of each group, and how many there are.
#[derive(Clone, Copy, Debug)]
pub struct Grouped {
    /// That of one group.
    pub plan: Plan,
    /// Groups, at least one.
    pub groups: usize,
}

/// Vectors of `len` elements for each group of each sample.
#[derive(Clone, Copy)]
struct Parts {
    groups: usize,
    len: usize,
}

impl Parts {
    /// Those of group `g`, one sample after another; copied into `room` where there are several samples.
    fn read<'a, T: Multiply>(self, all: &'a [T], g: usize, room: &'a mut Workspace<T>) -> Result<&'a [T]> {
        if all.len() == self.groups * self.len {
            return Ok(&all[g * self.len..][..self.len]);
        }
        *room = Workspace::new(all.len() / self.groups)?;
        for (to, from) in room.chunks_mut(self.len).zip(all.chunks(self.len).skip(g).step_by(self.groups)) {
            to.copy_from_slice(from);
        }
        Ok(room)
    }

    /// Lets `f` write those of group `g`, one sample after another.
    fn write<T: Multiply>(self, all: &mut [T], g: usize, f: impl FnOnce(&mut [T]) -> Result<()>) -> Result<()> {
        if all.len() == self.groups * self.len {
            return f(&mut all[g * self.len..][..self.len]);
        }
        let mut room = Workspace::<T>::new(all.len() / self.groups)?;
        f(&mut room)?;
        for (from, to) in room.chunks(self.len).zip(all.chunks_mut(self.len).skip(g).step_by(self.groups)) {
            to.copy_from_slice(from);
        }
        Ok(())
    }
}

impl Grouped {
    /// A group's share of an optional bias of each plane.
    fn bias<'a, T>(&self, bias: &'a [T], g: usize) -> &'a [T] {
        let len = bias.len() / self.groups;
        &bias[g * len..][..len]
    }

    fn weights_len(&self) -> usize {
        self.plan.out * self.plan.geometry.rows()
    }

    fn weights<'a, T>(&self, w: &'a [T], g: usize) -> &'a [T] {
        &w[g * self.weights_len()..][..self.weights_len()]
    }

    /// Where the groups of the input lie, and of the output.
    fn parts(&self) -> [Parts; 2] {
        let (g, groups) = (&self.plan.geometry, self.groups);
        [Parts { groups, len: g.input_len() }, Parts { groups, len: self.plan.out * g.pixels() }]
    }

    fn cost(&self) -> usize {
        self.weights_len().saturating_mul(self.plan.geometry.pixels()) / 8 + 1
    }

    /// As the plan's `forward`, of all groups.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn forward<T: Multiply>(&self, x: &[T], w: &[T], bias: &[T], y: &mut [T]) -> Result<()> {
        if self.groups == 1 {
            return self.plan.forward(x, w, bias, y);
        }
        let [input, output] = self.parts();
        if self.groups > FEW {
            let each = self.plan.correlation()?;
            return self.share(x, input.len, y, output.len, |g, x, y| {
                each.sample(x, self.weights(w, g), self.bias(bias, g), y)
            });
        }
        let mut room = Workspace::new(0)?;
        (0..self.groups).try_for_each(|g| {
            let x = input.read(x, g, &mut room)?;
            output.write(y, g, |y| self.plan.forward(x, self.weights(w, g), self.bias(bias, g), y))
        })
    }

    /// As the plan's `transposed`, of all groups.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn transposed<T: Multiply>(&self, go: &[T], w: &[T], bias: &[T], gi: &mut [T]) -> Result<()> {
        if self.groups == 1 {
            return self.plan.transposed(go, w, bias, gi);
        }
        let [input, output] = self.parts();
        if self.groups > FEW {
            let each = self.plan.input_gradient()?;
            return self.share(go, output.len, gi, input.len, |g, go, gi| {
                each.sample(go, self.weights(w, g), self.bias(bias, g), gi)
            });
        }
        let mut room = Workspace::new(0)?;
        (0..self.groups).try_for_each(|g| {
            let go = output.read(go, g, &mut room)?;
            input.write(gi, g, |gi| self.plan.transposed(go, self.weights(w, g), self.bias(bias, g), gi))
        })
    }

    /// Threads share the groups of all samples: `f(group, from, to)`.
    fn share<T: Multiply>(
        &self,
        from: &[T],
        from_len: usize,
        to: &mut [T],
        to_len: usize,
        f: impl Fn(usize, &[T], &mut [T]) -> Result<()> + Sync,
    ) -> Result<()> {
        try_share(Rows::new(to, to_len), self.cost(), |first, parts| {
            (first..)
                .zip(parts.into_rows())
                .try_for_each(|(i, to)| f(i % self.groups, &from[i * from_len..][..from_len], to))
        })
    }

    /// As the plan's `weight_gradient`, of all groups.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn weight_gradient<T: Multiply>(&self, x: &[T], go: &[T], scale: T, gw: &mut [T]) -> Result<()> {
        if self.groups == 1 {
            return self.plan.weight_gradient(x, go, scale, gw);
        }
        let [input, output] = self.parts();
        let len = self.weights_len();
        if self.groups > FEW {
            let each = self.plan.weights()?;
            let samples = x.len() / (self.groups * input.len);
            return try_share(Rows::new(gw, len), self.cost().saturating_mul(samples), |first, parts| {
                (first..).zip(parts.into_rows()).try_for_each(|(g, gw)| {
                    (0..samples).map(|n| n * self.groups + g).try_for_each(|i| {
                        each.sample(&x[i * input.len..][..input.len], &go[i * output.len..][..output.len], scale, gw)
                    })
                })
            });
        }
        let (mut x_room, mut go_room) = (Workspace::new(0)?, Workspace::new(0)?);
        gw.chunks_mut(len).enumerate().try_for_each(|(g, gw)| {
            let (x, go) = (input.read(x, g, &mut x_room)?, output.read(go, g, &mut go_room)?);
            self.plan.weight_gradient(x, go, scale, gw)
        })
    }
}
