//! The flame chart of `th --profile=chart.svg`: calls within calls, as wide as the time that they took.

use super::timings::{Event, Seen};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The chart's width and the height of a row, in pixels.
const WIDTH: f64 = 1200.0;
const ROW: f64 = 18.0;
/// Calls narrower than this are left out, in pixels.
const LEAST: f64 = 0.2;
/// Rows at most: what lies deeper is left out.
const DEEPEST: usize = 200;

/// Calls of one method of one instance within the same callers.
#[derive(Default)]
pub(super) struct Flame {
    pub calls: u64,
    pub seconds: f64,
    /// Those within, by instance and method.
    pub within: BTreeMap<(u32, u32), Flame>,
}

/// Puts calls within those that they were made in: of one coroutine, and within its time.
pub(super) fn gather(events: &[Event]) -> Flame {
    let mut order: Vec<&Event> = events.iter().collect();
    order.sort_by(|a, b| {
        let first = a.coroutine.cmp(&b.coroutine).then(a.start.total_cmp(&b.start));
        // of two that begin at once the longer one is around the other
        first.then(b.duration.total_cmp(&a.duration))
    });
    let mut root = Flame::default();
    let mut open: Vec<&Event> = vec![];
    for event in order {
        let ends = |outer: &Event| outer.coroutine != event.coroutine || outer.start + outer.duration <= event.start;
        while open.last().is_some_and(|outer| ends(outer)) {
            open.pop();
        }
        if open.len() < DEEPEST {
            open.push(event);
            let mut flame = &mut root;
            for call in &open {
                flame = flame.within.entry((call.instance, call.method)).or_default();
            }
            flame.calls += 1;
            flame.seconds += event.duration;
        }
    }
    root
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A colour for a method: forward green, backward orange and red, each class in a shade of its own.
fn colour(method: &str, class: &str) -> String {
    let shade = class.bytes().fold(7u32, |n, b| n.wrapping_mul(31).wrapping_add(u32::from(b))) % 40;
    let hue = match method {
        "forward" => 95,
        "gradInput" => 28,
        "accGradParameters" => 8,
        _ => 48,
    };
    format!("hsl({hue},{}%,{}%)", 50 + shade, 62 + shade / 4)
}

struct Chart<'a> {
    seen: &'a Seen,
    /// Seconds of the whole program.
    all: f64,
    out: String,
}

impl Chart<'_> {
    fn flames(&mut self, flame: &Flame, left: f64, row: usize) -> usize {
        let (mut x, mut deepest) = (left, row);
        let mut list: Vec<_> = flame.within.iter().collect();
        list.sort_by(|a, b| b.1.seconds.total_cmp(&a.1.seconds).then(a.0.cmp(b.0)));
        for (&(instance, method), inner) in list {
            let width = inner.seconds / self.all * WIDTH;
            if width < LEAST {
                break;
            }
            self.flame(instance, method, inner, x, width, row);
            deepest = deepest.max(self.flames(inner, x, row + 1));
            x += width;
        }
        deepest
    }

    fn flame(&mut self, instance: u32, method: u32, flame: &Flame, x: f64, width: f64, row: usize) {
        let Some(of) = self.seen.instances.get(instance as usize) else { return };
        let method = self.seen.methods.get(method as usize).map_or("", String::as_str);
        let class = self.seen.classes.get(of.class).map_or("", |c| c.name.as_str());
        let (path, text) = (escaped(&of.path), escaped(&of.text));
        let (ms, part) = (flame.seconds * 1e3, flame.seconds / self.all * 100.0);
        let calls = flame.calls;
        let y = row as f64 * ROW;
        // a letter of the font is about 7 pixels wide
        let room = ((width - 6.0) / 7.0).max(0.0) as usize;
        let label: String = format!("{class} {method}").chars().take(room).collect();
        let label = if room < 3 { String::new() } else { escaped(&label) };
        let fill = colour(method, class);
        // writing to a text does not fail
        let _ = write!(
            self.out,
            "<g><title>{path} {method}\n{text}\n{calls} calls, {ms:.3} ms, {part:.1}%</title>\
             <rect x=\"{x:.2}\" y=\"{y}\" width=\"{width:.2}\" height=\"{}\" fill=\"{fill}\" stroke=\"#ffffff\" stroke-width=\"0.5\"/>\
             <text x=\"{:.2}\" y=\"{}\">{label}</text></g>\n",
            ROW - 1.0,
            x + 3.0,
            y + 13.0
        );
    }
}

/// The chart of what was seen, as the text of an SVG file; `seconds` is what the whole program took.
pub(super) fn chart(seen: &Seen, seconds: f64) -> String {
    let root = gather(&seen.events);
    let inside: f64 = root.within.values().map(|f| f.seconds).sum();
    // coroutines that run at once may take more than there was
    let all = seconds.max(inside).max(1e-9);
    let mut chart = Chart { seen, all, out: String::new() };
    let rows = chart.flames(&root, 0.0, 1) + 1;
    let height = rows as f64 * ROW;
    let (ms, part) = (inside * 1e3, inside / all * 100.0);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <g><title>the program</title><rect width=\"{WIDTH}\" height=\"{}\" fill=\"#dddddd\"/>\
         <text x=\"3\" y=\"13\">the program: {:.3} ms; modules and criteria: {ms:.3} ms, {part:.1}%</text></g>\n{}</svg>\n",
        ROW - 1.0,
        all * 1e3,
        chart.out
    )
}
