//! The layer that sums up the spans of calls, for the tables and the trace of `th --profile`.

use super::TARGET;
use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber, dispatcher};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// A trace holds so many calls at most: 40 megabytes.
pub(super) const MOST_EVENTS: usize = 1_000_000;

/// What the spans of [`TARGET`] took, by class and by instance. Calls that did not return are not counted.
pub struct Timings {
    began: Instant,
    /// Whether every call is kept.
    traced: bool,
    seen: Mutex<Seen>,
}

/// What was seen so far; methods, classes and instances have numbers.
#[derive(Default)]
pub(super) struct Seen {
    pub methods: Vec<String>,
    pub classes: Vec<Class>,
    pub instances: Vec<Instance>,
    pub events: Vec<Event>,
}

pub(super) struct Class {
    pub name: String,
    pub sums: Vec<Sum>,
}

/// An object of a class. Where it is and what it looks like is told at the end.
#[derive(Default)]
pub(super) struct Instance {
    pub class: usize,
    pub path: String,
    pub text: String,
    pub sums: Vec<Sum>,
}

/// Calls of one method, and what they took in seconds: without those within of the same kind, and without any within.
#[derive(Clone, Copy, Default)]
pub(super) struct Sum {
    pub calls: u64,
    pub total: f64,
    pub own: f64,
}

/// A call, with its start and what it took in seconds.
pub(super) struct Event {
    pub instance: u32,
    pub method: u32,
    pub coroutine: u32,
    pub start: f64,
    pub duration: f64,
}

/// What the layer keeps with a span.
struct Running {
    method: usize,
    class: usize,
    instance: usize,
    coroutine: u32,
    start: Instant,
    /// What making the span took before `start`, what calls within took, and what timing those took.
    overhead: f64,
    inside: f64,
    lost: f64,
}

/// The fields of a span, as they are visited.
#[derive(Default)]
struct Fields {
    method: String,
    class: String,
    instance: u64,
    coroutine: u64,
    overhead: f64,
    returned: bool,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "method" => self.method = value.into(),
            "class" => self.class = value.into(),
            _ => {}
        }
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "instance" => self.instance = value,
            "coroutine" => self.coroutine = value,
            _ => {}
        }
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "overhead" {
            self.overhead = value;
        }
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "returned" {
            self.returned = value;
        }
    }
    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

fn add(sums: &mut Vec<Sum>, method: usize, total: f64, own: f64) {
    if sums.len() <= method {
        sums.resize(method + 1, Sum::default());
    }
    let sum = &mut sums[method];
    *sum = Sum { calls: sum.calls + 1, total: sum.total + total, own: sum.own + own };
}

impl Seen {
    fn method(&mut self, name: String) -> usize {
        let found = self.methods.iter().position(|m| *m == name);
        found.unwrap_or_else(|| {
            self.methods.push(name);
            self.methods.len() - 1
        })
    }
    fn class(&mut self, name: String) -> usize {
        let found = self.classes.iter().position(|c| c.name == name);
        found.unwrap_or_else(|| {
            self.classes.push(Class { name, sums: vec![] });
            self.classes.len() - 1
        })
    }
    /// The instance of a number; what lies between is no instance of anything, and has no calls.
    fn instance(&mut self, number: usize) -> &mut Instance {
        if self.instances.len() <= number {
            self.instances.resize_with(number + 1, Instance::default);
        }
        &mut self.instances[number]
    }
}

impl Timings {
    /// The layer; `traced` keeps every call, for a trace.
    pub fn new(traced: bool) -> Timings {
        Timings { began: Instant::now(), traced, seen: Mutex::default() }
    }

    /// Whether a span is one of those that the layer takes, for its filter.
    pub fn takes(metadata: &Metadata) -> bool {
        metadata.is_span() && metadata.target() == TARGET
    }

    /// Asks the layer of the subscriber that runs; `None` where it has none.
    pub fn ask<R>(f: impl FnOnce(&Timings) -> R) -> Option<R> {
        let mut f = Some(f);
        dispatcher::get_default(|d| Some(f.take()?(d.downcast_ref()?)))
    }

    /// Says where an instance is among the others, and what it looks like.
    pub fn describe(&self, instance: u64, path: String, text: String) {
        let mut seen = self.seen();
        let instance = seen.instance(instance as usize);
        (instance.path, instance.text) = (path, text);
    }

    /// Seconds since the layer was made.
    pub(super) fn elapsed(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Timings {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let Some(span) = context.span(id) else { return };
        let mut seen = self.seen();
        let (method, class, instance) =
            (seen.method(fields.method), seen.class(fields.class), fields.instance as usize);
        seen.instance(instance).class = class;
        let coroutine = fields.coroutine as u32;
        let (inside, lost, overhead) = (0.0, 0.0, fields.overhead);
        let start = Instant::now();
        span.extensions_mut().insert(Running { method, class, instance, coroutine, start, overhead, inside, lost });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let now = Instant::now();
        let mut fields = Fields::default();
        values.record(&mut fields);
        let Some(span) = context.span(id).filter(|_| fields.returned) else { return };
        let Some(run) = span.extensions_mut().remove::<Running>() else { return };
        let whole = (now - run.start).as_secs_f64();
        let total = whole - run.lost;
        // a call within one of its kind is part of that one's total
        let (mut again, mut alike) = (false, false);
        for above in span.scope().skip(1) {
            if let Some(above) = above.extensions().get::<Running>().filter(|a| a.method == run.method) {
                again |= above.instance == run.instance;
                alike |= above.class == run.class;
            }
        }
        let own = total - run.inside;
        let mut seen = self.seen();
        add(&mut seen.instance(run.instance).sums, run.method, if again { 0.0 } else { total }, own);
        add(&mut seen.classes[run.class].sums, run.method, if alike { 0.0 } else { total }, own);
        if self.traced && seen.events.len() < MOST_EVENTS {
            let start = (run.start - self.began).as_secs_f64();
            let (instance, method) = (run.instance as u32, run.method as u32);
            seen.events.push(Event { instance, method, coroutine: run.coroutine, start, duration: whole });
        }
        if let Some(parent) = span.parent()
            && let Some(parent) = parent.extensions_mut().get_mut::<Running>()
        {
            parent.inside += total;
            parent.lost += run.lost + run.overhead + now.elapsed().as_secs_f64();
        }
    }
}
