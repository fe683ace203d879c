//! Collective operations on tensors. Tensors may be views of any strides; shapes do not count, numbers of elements do, and those
//! are to be the same in all processes, but for [`World::allgather`].

use super::progress::Handle;
use super::raw::{Comm, Data, DataMut, Library, Outcome, Wait};
use super::{Group, World, staging};
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source};
use crate::tensor::dtype::{DType, Element};
use crate::tensor::error::Result;
use std::sync::{Arc, Mutex, PoisonError};

/// What is done with a list of elements, in place.
#[derive(Clone, Copy)]
enum Act {
    Broadcast(usize),
    /// For one process, or for all.
    Sum(Option<usize>),
    Exchange(usize, usize),
}

/// The sum of halves: MPI does not know them, so they travel as floats.
fn sum_of_halves<T: Element>(
    data: &mut [T],
    root: Option<usize>,
    library: &dyn Library,
    comm: Comm,
    wait: Wait,
) -> Outcome<()> {
    let mut floats: Vec<f32> = data.iter().map(|v| v.to_f64() as f32).collect();
    library.reduce(None, DataMut::of(&mut floats), root, comm, wait)?;
    data.iter_mut().zip(floats).for_each(|(to, v)| *to = T::from_f64(f64::from(v)));
    Ok(())
}

impl Act {
    fn run<T: Element>(self, data: &mut [T], library: &dyn Library, comm: Comm, wait: Wait) -> Outcome<()> {
        match self {
            Act::Broadcast(root) => library.broadcast(DataMut::of(data), root, comm, wait),
            Act::Sum(root) if T::DTYPE == DType::Half => sum_of_halves(data, root, library, comm, wait),
            Act::Sum(root) => library.reduce(None, DataMut::of(data), root, comm, wait),
            Act::Exchange(from, to) => library.exchange(DataMut::of(data), from, to, comm),
        }
    }

    /// Whether the ranks are there.
    fn check(self, g: &Group) -> Result<()> {
        let ranks = match self {
            Act::Broadcast(root) | Act::Sum(Some(root)) => [root, root],
            Act::Sum(None) => [0, 0],
            Act::Exchange(from, to) => [from, to],
        };
        let wrong = ranks.iter().find(|r| **r >= g.size);
        demand!(
            wrong.is_none(),
            "expected a rank from 0 to {}, got {}",
            g.size - 1,
            wrong.copied().unwrap_or_default()
        );
        Ok(())
    }

    /// Whether this process's result is another than what it gave.
    fn gives(self, g: &Group) -> bool {
        match self {
            Act::Sum(Some(root)) => root == g.rank,
            _ => true,
        }
    }
}

/// Writes a result that has arrived.
fn deliver<T: Element>(to: &Tensor, data: &[T]) -> Result<()> {
    let mut to = Dest::<T>::update(to)?;
    to.copy_from_slice(data);
    to.finish()
}

/// Makes a result as long as its input, where it is not.
fn fit(output: &Tensor, input: &Tensor) -> Result<()> {
    if output.numel() == input.numel() { Ok(()) } else { output.resize_as(input) }
}

impl World {
    /// Does something with a tensor's elements in place.
    fn act<T: Element>(&self, x: &Tensor, act: Act, group: usize) -> Result<()> {
        let g = self.group(group)?;
        act.check(&g)?;
        if g.comm.is_none() {
            return Ok(());
        }
        let mut data = Dest::<T>::update(x)?;
        self.now(&g, |library, comm| act.run(&mut data[..], library, comm, Wait::Busy))?;
        data.finish()
    }

    /// The elements of process `root` for all.
    ///
    /// # Errors
    /// No such rank, what the library says, an interruption.
    pub fn broadcast<T: Element>(&self, x: &Tensor, root: usize, group: usize) -> Result<()> {
        self.act::<T>(x, Act::Broadcast(root), group)
    }

    /// Sends the elements to process `to` and replaces them by those of process `from`.
    ///
    /// # Errors
    /// As [`World::broadcast`].
    pub fn exchange<T: Element>(&self, x: &Tensor, from: usize, to: usize, group: usize) -> Result<()> {
        self.act::<T>(x, Act::Exchange(from, to), group)
    }

    /// The sum of all processes' elements in `output`, which may be `input`: in process `root`, or in all.
    ///
    /// # Errors
    /// As [`World::broadcast`].
    pub fn reduce<T: Element>(&self, input: &Tensor, output: &Tensor, root: Option<usize>, group: usize) -> Result<()> {
        let g = self.group(group)?;
        let act = Act::Sum(root);
        act.check(&g)?;
        if g.comm.is_none() || T::DTYPE == DType::Half || input.shares_memory(output) {
            // elements that are the output's already stay where they are
            if !act.gives(&g) {
                let copy = crate::tensor::ops::copy::clone(input)?;
                return self.act::<T>(&copy, act, group);
            }
            let same = input.same_storage(output) && input.layout() == output.layout();
            if !same {
                fit(output, input)?;
                crate::tensor::ops::copy::copy(output, input)?;
            }
            return self.act::<T>(output, act, group);
        }
        fit(output, input)?;
        let from = Source::<T>::of(input)?;
        let mut to = Dest::<T>::update(output)?;
        self.now(&g, |library, comm| {
            library.reduce(Some(Data::of(&from[..])), DataMut::of(&mut to[..]), root, comm, Wait::Busy)
        })
    }

    /// All processes' elements one after another in `output`, which keeps its shape where it has as many.
    ///
    /// # Errors
    /// As [`World::broadcast`]; more than 2^31 elements in all.
    pub fn allgather<T: Element>(&self, input: &Tensor, output: &Tensor, group: usize) -> Result<()> {
        let g = self.group(group)?;
        let counts = self.gather_counts(&g, input.numel())?;
        let total: usize = counts.iter().sum();
        // a copy, where the output lies in the same storage and is resized
        let from = Source::<T>::apart(input, &[output])?;
        if output.numel() != total {
            output.resize_for_result(&[total])?;
        }
        let mut to = Dest::<T>::update(output)?;
        if g.comm.is_none() {
            to.copy_from_slice(&from);
            return to.finish();
        }
        self.now(&g, |library, comm| {
            library.allgather(Data::of(&from[..]), DataMut::of(&mut to[..]), &counts, comm, Wait::Busy)
        })
    }

    /// Sends a tensor's elements.
    ///
    /// # Errors
    /// As [`World::broadcast`].
    pub fn send<T: Element>(&self, x: &Tensor, to: usize, tag: u16, group: usize) -> Result<()> {
        let g = self.group(group)?;
        Act::Broadcast(to).check(&g)?;
        demand!(to != g.rank, "a process does not send to itself");
        let from = Source::<T>::of(x)?;
        self.now(&g, |library, comm| library.send(Data::of(&from[..]), to, tag, comm))
    }

    /// Receives a tensor's elements, as many as it has.
    ///
    /// # Errors
    /// As [`World::broadcast`].
    pub fn receive<T: Element>(&self, x: &Tensor, from: usize, tag: u16, group: usize) -> Result<()> {
        let g = self.group(group)?;
        Act::Broadcast(from).check(&g)?;
        demand!(from != g.rank, "a process does not receive from itself");
        let mut to = Dest::<T>::update(x)?;
        self.now(&g, |library, comm| library.receive(DataMut::of(&mut to[..]), from, tag, comm))?;
        to.finish()
    }

    /// Begins something with a copy of the input; the output gets the result when the handle is waited for.
    fn begin_act<T: Element>(&self, input: &Tensor, output: &Tensor, act: Act, group: usize) -> Result<Handle> {
        let g = self.group(group)?;
        act.check(&g)?;
        fit(output, input)?;
        let data = staging::copy_of(&Source::<T>::of(input)?)?;
        let gives = act.gives(&g);
        let data = Arc::new(Mutex::new(data));
        let (out, result) = (output.clone(), data.clone());
        let job = move |library: &dyn Library, comm: Comm, wait: Wait| {
            act.run(&mut data.lock().unwrap_or_else(PoisonError::into_inner)[..], library, comm, wait)
        };
        let delivery = move || {
            let data = std::mem::take(&mut *result.lock().unwrap_or_else(PoisonError::into_inner));
            if gives {
                deliver(&out, &data)?;
            }
            staging::keep(data);
            Ok(())
        };
        Ok(self.begin(&g, job, Box::new(delivery)))
    }

    /// Begins a [`World::broadcast`].
    ///
    /// # Errors
    /// No such rank, not enough memory for the copy.
    pub fn begin_broadcast<T: Element>(&self, x: &Tensor, root: usize, group: usize) -> Result<Handle> {
        self.begin_act::<T>(x, x, Act::Broadcast(root), group)
    }

    /// Begins an [`World::exchange`].
    ///
    /// # Errors
    /// As [`World::begin_broadcast`].
    pub fn begin_exchange<T: Element>(&self, x: &Tensor, from: usize, to: usize, group: usize) -> Result<Handle> {
        self.begin_act::<T>(x, x, Act::Exchange(from, to), group)
    }

    /// Begins a [`World::reduce`].
    ///
    /// # Errors
    /// As [`World::begin_broadcast`].
    pub fn begin_reduce<T: Element>(
        &self,
        input: &Tensor,
        output: &Tensor,
        root: Option<usize>,
        group: usize,
    ) -> Result<Handle> {
        self.begin_act::<T>(input, output, Act::Sum(root), group)
    }

    /// Begins a [`World::allgather`]. How many elements there are is asked for at once.
    ///
    /// # Errors
    /// As [`World::allgather`].
    pub fn begin_allgather<T: Element>(&self, input: &Tensor, output: &Tensor, group: usize) -> Result<Handle> {
        let g = self.group(group)?;
        let counts = self.gather_counts(&g, input.numel())?;
        let total: usize = counts.iter().sum();
        let own = staging::copy_of(&Source::<T>::of(input)?)?;
        let mut all = crate::tensor::storage::room::<T>(total)?;
        all.resize(total, T::default());
        if g.comm.is_none() {
            all.copy_from_slice(&own);
        }
        if output.numel() != total {
            output.resize_for_result(&[total])?;
        }
        let all = Arc::new(Mutex::new(all));
        let (out, result) = (output.clone(), all.clone());
        let job = move |library: &dyn Library, comm: Comm, wait: Wait| {
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            library.allgather(Data::of(&own[..]), DataMut::of(&mut all[..]), &counts, comm, wait)
        };
        let delivery = move || {
            let all = std::mem::take(&mut *result.lock().unwrap_or_else(PoisonError::into_inner));
            deliver(&out, &all)?;
            staging::keep(all);
            Ok(())
        };
        Ok(self.begin(&g, job, Box::new(delivery)))
    }
}
