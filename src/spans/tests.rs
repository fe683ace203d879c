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

#[test]
fn a_flame_chart_puts_calls_into_their_callers() {
    use super::flames::{chart, gather};
    use super::timings::{Class, Event, Instance, Seen};
    let event = |instance, coroutine, start, duration| Event { instance, method: 0, coroutine, start, duration };
    // of coroutine 1: 0 around 1, twice, and 1 alone; of coroutine 2: 1 at the same time
    let events = vec![
        event(1, 1, 1.0, 2.0),
        event(1, 1, 3.0, 1.0),
        event(0, 1, 1.0, 4.0),
        event(1, 1, 6.0, 1.0),
        event(1, 2, 2.0, 1.0),
    ];
    let root = gather(&events);
    assert_eq!(root.within.keys().collect::<Vec<_>>(), [&(0, 0), &(1, 0)]);
    let (outer, alone) = (&root.within[&(0, 0)], &root.within[&(1, 0)]);
    assert_eq!((outer.calls, outer.seconds), (1, 4.0));
    assert_eq!((outer.within[&(1, 0)].calls, outer.within[&(1, 0)].seconds), (2, 3.0));
    assert_eq!((alone.calls, alone.seconds), (2, 2.0));

    let instance = |class, path: &str| Instance { class, path: path.into(), text: "a < \"b\"".into(), sums: vec![] };
    let classes = ["nn.Outer", "nn.Inner"].map(|name| Class { name: name.into(), sums: vec![] });
    let instances = vec![instance(0, "Outer"), instance(1, "Outer.Inner & co")];
    let seen = Seen { methods: vec!["forward".into()], classes: classes.into(), instances, events };
    let text = chart(&seen, 12.0);
    assert_eq!((text.matches("<g>").count(), text.matches("</g>").count()), (4, 4), "{text}");
    assert!(
        text.contains("<title>Outer.Inner &amp; co forward\na &lt; &quot;b&quot;\n2 calls, 3000.000 ms, 25.0%</title>")
    );
    assert!(text.contains("<rect x=\"0.00\" y=\"18\" width=\"400.00\""), "{text}");
    assert!(text.contains("<rect x=\"0.00\" y=\"36\" width=\"300.00\""), "{text}");
    assert!(text.contains("<rect x=\"400.00\" y=\"18\" width=\"200.00\""), "{text}");
    assert!(chart(&Seen::default(), 0.0).ends_with("</svg>\n"));
}
