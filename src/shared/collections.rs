//! Lists, pairs and counters outside of Lua's memory.

use super::Value;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

fn locked<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Values by their places, from 0.
#[derive(Clone, Default)]
pub struct List(Arc<Mutex<Vec<Value>>>);

impl List {
    /// How many values there are, those that are nothing included.
    pub fn len(&self) -> usize {
        locked(&self.0).len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A value; nothing outside.
    pub fn get(&self, i: usize) -> Value {
        locked(&self.0).get(i).cloned().unwrap_or(Value::Nil)
    }

    /// Puts a value in its place; the list grows as far as it takes.
    pub fn set(&self, i: usize, v: Value) {
        let mut list = locked(&self.0);
        if i >= list.len() {
            list.resize(i + 1, Value::Nil);
        }
        let old = std::mem::replace(&mut list[i], v);
        drop(list);
        drop(old);
    }

    /// Makes the list this long.
    pub fn resize(&self, n: usize) {
        let mut list = locked(&self.0);
        let rest = if n < list.len() { list.split_off(n) } else { vec![] };
        list.resize(n, Value::Nil);
        drop(list);
        drop(rest);
    }

    /// Puts a value before place `i`, which may be behind the end.
    pub fn insert(&self, i: usize, v: Value) {
        let mut list = locked(&self.0);
        if i > list.len() {
            list.resize(i, Value::Nil);
        }
        list.insert(i, v);
    }

    /// Takes a value out; whether there was one.
    pub fn remove(&self, i: usize) -> bool {
        let mut list = locked(&self.0);
        let old = (i < list.len()).then(|| list.remove(i));
        drop(list);
        old.is_some()
    }

    /// An address that is the same for all handles.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}

/// What a value is found by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// A number, by its bits; never nan, and 0 has one sign.
    Num(u64),
    /// A text.
    Text(Arc<[u8]>),
}

impl Key {
    /// The key of a number; none for nan.
    pub fn number(v: f64) -> Option<Key> {
        (!v.is_nan()).then(|| Key::Num((v + 0.0).to_bits()))
    }

    /// As a value.
    pub fn value(&self) -> Value {
        match self {
            Key::Num(bits) => Value::Num(f64::from_bits(*bits)),
            Key::Text(t) => Value::Text(t.clone()),
        }
    }
}

#[derive(Default)]
struct Pairs {
    /// In the order in which they came; nothing where one was taken out.
    entries: Vec<Option<(Key, Value)>>,
    places: HashMap<Key, usize>,
}

/// Values by their keys.
#[derive(Clone, Default)]
pub struct Hash(Arc<Mutex<Pairs>>);

impl Hash {
    /// How many pairs there are.
    pub fn len(&self) -> usize {
        locked(&self.0).places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a key.
    pub fn get(&self, key: &Key) -> Value {
        let pairs = locked(&self.0);
        let entry = pairs.places.get(key).and_then(|&i| pairs.entries[i].as_ref());
        entry.map_or(Value::Nil, |(_, v)| v.clone())
    }

    /// Gives a key this value; [`Value::Nil`] takes it out.
    pub fn set(&self, key: Key, v: Value) {
        let mut pairs = locked(&self.0);
        let pairs = &mut *pairs;
        let place = pairs.places.get(&key).copied();
        let _old = match (place, v) {
            (Some(i), Value::Nil) => {
                pairs.places.remove(&key);
                pairs.entries[i].take()
            }
            (Some(i), v) => pairs.entries[i].replace((key, v)),
            (None, Value::Nil) => None,
            (None, v) => {
                // new keys make the gaps go that old ones left
                if pairs.entries.len() > 2 * pairs.places.len() + 16 {
                    pairs.entries.retain(Option::is_some);
                    for (i, (key, _)) in pairs.entries.iter().flatten().enumerate() {
                        pairs.places.insert(key.clone(), i);
                    }
                }
                pairs.places.insert(key.clone(), pairs.entries.len());
                pairs.entries.push(Some((key, v)));
                None
            }
        };
    }

    /// The first pair from this place on, and the place after it.
    pub fn next(&self, from: usize) -> Option<(usize, Key, Value)> {
        let pairs = locked(&self.0);
        let found = pairs.entries.iter().enumerate().skip(from).find_map(|(i, e)| Some((i, e.as_ref()?)));
        found.map(|(i, (key, v))| (i + 1, key.clone(), v.clone()))
    }

    /// An address that is the same for all handles.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}

/// A number that threads count with.
#[derive(Clone, Default)]
pub struct Counter(Arc<AtomicI64>);

impl Counter {
    /// The number.
    pub fn get(&self) -> i64 {
        self.0.load(SeqCst)
    }

    /// Sets it.
    pub fn set(&self, v: i64) {
        self.0.store(v, SeqCst);
    }

    /// Adds to it; what it was before.
    pub fn add(&self, v: i64) -> i64 {
        self.0.fetch_add(v, SeqCst)
    }

    /// An address that is the same for all handles.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(v: &Value) -> Option<f64> {
        if let Value::Num(n) = v { Some(*n) } else { None }
    }

    #[test]
    fn pairs_come_and_go() {
        let h = Hash::default();
        let key = |i: usize| Key::number(i as f64).unwrap();
        for i in 0..1000 {
            h.set(key(i), Value::Num(i as f64));
        }
        (0..900).for_each(|i| h.set(key(i), Value::Nil));
        h.set(Key::Text(b"x"[..].into()), Value::Bool(true));
        assert_eq!(h.len(), 101);
        let (mut at, mut sum, mut count) = (0, 0.0, 0);
        while let Some((next, _, v)) = h.next(at) {
            at = next;
            count += 1;
            sum += number(&v).unwrap_or(0.0);
        }
        assert_eq!((count, sum), (101, (900..1000).sum::<i32>() as f64));
        assert_eq!(number(&h.get(&key(950))), Some(950.0));
        assert!(matches!(h.get(&key(3)), Value::Nil) && Key::number(f64::NAN).is_none());
    }

    #[test]
    fn lists_grow_where_they_are_set() {
        let l = List::default();
        l.set(2, Value::Num(3.0));
        l.insert(0, Value::Num(1.0));
        assert!(l.remove(1) && !l.remove(9));
        assert_eq!((l.len(), number(&l.get(2)), number(&l.get(0))), (3, Some(3.0), Some(1.0)));
        l.resize(1);
        assert!(l.len() == 1 && matches!(l.get(2), Value::Nil));
    }
}
