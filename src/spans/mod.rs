//! Spans of `tracing` around what modules and criteria compute, and what `th --profile` makes of them.
//!
//! Each call is a span `module` of the target [`TARGET`] with the fields `method`, `class`, `instance` (a number for each
//! object), `coroutine`, `overhead` (seconds that were spent on making the span) and, once the call is over without an
//! error, `returned`. A span's parent is the call that it was made in, whatever coroutines do. Any subscriber can take
//! them; [`Timings`] is the layer that sums them up.

mod flames;
mod report;
#[cfg(test)]
mod tests;
mod timings;

pub use timings::Timings;

use std::cell::RefCell;
use std::rc::Rc;
use tracing::{Span, field};

/// The target of the spans.
pub const TARGET: &str = "nn";

/// A call of a module or criterion that runs, or did not return.
#[derive(Clone)]
pub struct Call(Rc<Open>);

struct Open {
    span: Span,
    caller: Option<Call>,
}

thread_local! {
    /// The calls whose spans are entered, the outermost first: each is the next one's caller.
    static ENTERED: RefCell<Vec<Call>> = const { RefCell::new(vec![]) };
}

impl Call {
    /// Begins a call: makes a span and enters it.
    pub fn enter(call: &Described, caller: Option<&Call>) -> Call {
        switch_to(caller);
        let span = tracing::info_span!(
            target: TARGET,
            parent: caller.and_then(|c| c.0.span.id()),
            "module",
            method = call.method,
            class = call.class,
            instance = call.instance,
            coroutine = call.coroutine,
            overhead = call.overhead,
            returned = field::Empty
        );
        let call = Call(Rc::new(Open { span, caller: caller.cloned() }));
        push(&call);
        call
    }

    /// Ends a call that returned. A second time does nothing.
    pub fn leave(&self) {
        self.0.span.record("returned", true);
        switch_to(self.0.caller.as_ref());
    }

    /// Whether this call is the other one, or was made in it.
    fn is_within(&self, other: &Call) -> bool {
        let mut at = Some(self);
        while let Some(call) = at {
            if Rc::ptr_eq(&call.0, &other.0) {
                return true;
            }
            at = call.0.caller.as_ref();
        }
        false
    }
}

/// What a call is one of.
#[derive(Default)]
pub struct Described<'a> {
    /// The name of what the module does: `forward`.
    pub method: &'a str,
    /// The Lua class.
    pub class: &'a str,
    /// The object's number, from 1 on.
    pub instance: u64,
    /// The coroutine's number.
    pub coroutine: u64,
    /// Seconds that it took to find all this out, which belong to nobody.
    pub overhead: f64,
}

fn push(call: &Call) {
    call.0.span.with_subscriber(|(id, subscriber)| subscriber.enter(id));
    ENTERED.with_borrow_mut(|entered| entered.push(call.clone()));
}

/// Makes a call and its callers those that are entered. Calls that ended with an error, or that a coroutine stopped in,
/// are left, and those that it goes on in are entered again.
fn switch_to(call: Option<&Call>) {
    loop {
        let innermost = ENTERED.with_borrow(|entered| entered.last().cloned());
        match innermost {
            Some(innermost) if !call.is_some_and(|c| c.is_within(&innermost)) => {
                innermost.0.span.with_subscriber(|(id, subscriber)| subscriber.exit(id));
                // what it holds may go with it, which asks the subscriber again
                drop(ENTERED.with_borrow_mut(Vec::pop));
            }
            Some(innermost) => return enter_up_to(call, Some(&innermost)),
            None => return enter_up_to(call, None),
        }
    }
}

/// Enters a call and its callers below the one that is entered.
fn enter_up_to(call: Option<&Call>, innermost: Option<&Call>) {
    let (mut missing, mut at) = (vec![], call);
    while let Some(call) = at.filter(|call| !innermost.is_some_and(|other| Rc::ptr_eq(&call.0, &other.0))) {
        missing.push(call);
        at = call.0.caller.as_ref();
    }
    missing.into_iter().rev().for_each(push);
}
