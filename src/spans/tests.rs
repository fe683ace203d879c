use super::{Call, Described, ENTERED, Timings};
use tracing::Span;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

fn enter(instance: u64, caller: Option<&Call>) -> Call {
    let call = Described { method: "forward", class: "nn.Tanh", instance, coroutine: 1, overhead: 0.0 };
    Call::enter(&call, caller)
}

fn is_current(call: &Call) -> bool {
    Span::current().id() == call.0.span.id()
}

/// Runs `f` where a subscriber takes the spans; gives how many calls of each instance were counted.
fn observe(f: impl FnOnce()) -> Vec<u64> {
    let layer = Timings::new(true).with_filter(filter_fn(Timings::takes));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        f();
        assert!(Span::current().is_none() && ENTERED.with_borrow(Vec::is_empty));
        let calls = |t: &Timings| t.seen().instances.iter().map(|i| i.sums.iter().map(|s| s.calls).sum()).collect();
        Timings::ask(calls).expect("the layer")
    })
}

#[test]
fn calls_lie_within_each_other() {
    let counted = observe(|| {
        let outer = enter(1, None);
        for _ in 0..3 {
            let inner = enter(2, Some(&outer));
            assert!(is_current(&inner));
            inner.leave();
            assert!(is_current(&outer));
        }
        outer.leave();
        outer.leave();
    });
    assert_eq!(counted, [0, 1, 3]);
}

#[test]
fn a_call_that_ends_with_an_error_is_left_with_the_next() {
    let counted = observe(|| {
        let outer = enter(1, None);
        let failing = enter(2, Some(&outer));
        drop(enter(3, Some(&failing)));
        let next = enter(4, Some(&outer));
        assert!(is_current(&next));
        next.leave();
        assert!(is_current(&outer));
        drop(enter(5, Some(&outer)));
        outer.leave();
    });
    assert_eq!(counted, [0, 1, 0, 0, 1, 0]);
}

#[test]
fn coroutines_go_on_where_they_stopped() {
    let counted = observe(|| {
        let first = enter(1, None);
        let within = enter(2, Some(&first));
        let other = enter(3, None);
        assert!(is_current(&other));
        // the first coroutine is resumed while the other waits, and makes a call
        let innermost = enter(4, Some(&within));
        assert!(is_current(&innermost));
        innermost.leave();
        assert!(is_current(&within));
        other.leave();
        within.leave();
        assert!(is_current(&first));
        first.leave();
    });
    assert_eq!(counted, [0, 1, 1, 1, 1]);
}

#[test]
fn without_a_subscriber_nothing_is_counted() {
    let call = enter(1, None);
    call.leave();
    assert!(Timings::ask(Timings::tables).is_none());
}
