//! Values from thread to thread, in order, until they are closed.

use super::Value;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

#[derive(Default)]
struct Items {
    values: VecDeque<Value>,
    closed: bool,
    /// How many readers are at work on what they took.
    busy: usize,
}

#[derive(Default)]
struct Inside {
    items: Mutex<Items>,
    changed: Condvar,
}

/// What a mailbox takes and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Both.
    Open,
    /// It gives what it has.
    Closed,
    /// It is closed, and has nothing any more.
    Drained,
}

/// A queue of values without a limit.
#[derive(Clone, Default)]
pub struct Mailbox(Arc<Inside>);

/// Two mailboxes that last as long as somebody holds them.
type Pair = [Weak<Inside>; 2];

/// Mailboxes in pairs, by names.
static NAMED: Mutex<Option<HashMap<Vec<u8>, Pair>>> = Mutex::new(None);

impl Mailbox {
    fn items(&self) -> std::sync::MutexGuard<'_, Items> {
        self.0.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pair of this name, and whether it is new. It has its name as long as anybody holds it.
    pub fn pair(name: &[u8]) -> ([Mailbox; 2], bool) {
        let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
        let named = named.get_or_insert_default();
        named.retain(|_, pair| pair.iter().all(|m| m.strong_count() > 0));
        if let Some([Some(first), Some(second)]) = named.get(name).map(|pair| [pair[0].upgrade(), pair[1].upgrade()]) {
            return ([Mailbox(first), Mailbox(second)], false);
        }
        let pair = [Mailbox::default(), Mailbox::default()];
        named.insert(name.to_vec(), [Arc::downgrade(&pair[0].0), Arc::downgrade(&pair[1].0)]);
        (pair, true)
    }

    /// Puts a value at the end, where it is open; the state before.
    pub fn write(&self, v: Value) -> State {
        let mut items = self.items();
        let state = items.state();
        if state == State::Open {
            items.values.push_back(v);
            drop(items);
            self.0.changed.notify_all();
        }
        state
    }

    /// Takes the first value; nothing where none came within this time, or none will. `again`: whether the reader is through
    /// with what it took before. The state is that in which the value was taken.
    pub fn read(&self, patience: Duration, again: bool) -> (Option<Value>, State) {
        let mut items = self.items();
        if again {
            items.busy = items.busy.saturating_sub(1);
            self.0.changed.notify_all();
        }
        let empty = |items: &mut Items| items.values.is_empty() && !items.closed;
        let waited = self.0.changed.wait_timeout_while(items, patience, empty);
        let (mut items, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let state = items.state();
        let first = items.values.pop_front();
        items.busy += usize::from(first.is_some());
        drop(items);
        self.0.changed.notify_all();
        (first, state)
    }

    /// Waits until there is no value and no reader is at work; whether that came within this time.
    pub fn is_quiet(&self, patience: Duration) -> bool {
        let loud = |items: &mut Items| !items.values.is_empty() || items.busy > 0;
        let waited = self.0.changed.wait_timeout_while(self.items(), patience, loud);
        let (items, _) = waited.unwrap_or_else(PoisonError::into_inner);
        items.values.is_empty() && items.busy == 0
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.items().values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes no more values.
    pub fn close(&self) {
        self.items().closed = true;
        self.0.changed.notify_all();
    }

    /// Its state.
    pub fn state(&self) -> State {
        self.items().state()
    }

    /// An address that is the same for all handles.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}

impl Items {
    fn state(&self) -> State {
        match (self.closed, self.values.is_empty()) {
            (false, _) => State::Open,
            (true, false) => State::Closed,
            (true, true) => State::Drained,
        }
    }
}

#[derive(Default)]
struct Barrier {
    locked: bool,
    arrived: usize,
    /// How many times all have arrived.
    rounds: usize,
}

/// A lock that is also a place where threads wait for each other.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<Barrier>, Condvar)>);

impl Gate {
    /// Takes the lock; whether that came within this time.
    pub fn lock(&self, patience: Duration) -> bool {
        let gate = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(gate, patience, |g| g.locked);
        let (mut gate, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !std::mem::replace(&mut gate.locked, true)
    }

    /// Gives the lock back, whoever has it.
    pub fn unlock(&self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).locked = false;
        self.0.1.notify_all();
    }

    /// Arrives where `n` threads meet; the number of the meeting, for [`Gate::has_passed`].
    pub fn arrive(&self, n: usize) -> usize {
        let mut gate = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let round = gate.rounds;
        gate.arrived += 1;
        if gate.arrived >= n {
            gate.arrived = 0;
            gate.rounds += 1;
            drop(gate);
            self.0.1.notify_all();
        }
        round
    }

    /// Whether all arrived at a meeting, within this time.
    pub fn has_passed(&self, round: usize, patience: Duration) -> bool {
        let gate = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(gate, patience, |g| g.rounds == round);
        waited.unwrap_or_else(PoisonError::into_inner).0.rounds != round
    }

    /// An address that is the same for all handles.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn closed_mailboxes_give_what_they_have() {
        let m = Mailbox::default();
        assert_eq!(m.write(Value::Num(1.0)), State::Open);
        m.close();
        assert_eq!(m.write(Value::Nil), State::Closed);
        assert!(matches!(m.read(NOW, false), (Some(Value::Num(_)), State::Closed)));
        assert!(!m.is_quiet(NOW));
        assert!(matches!(m.read(NOW, true), (None, State::Drained)) && m.is_quiet(NOW));
        assert_eq!(m.write(Value::Nil), State::Drained);
    }

    #[test]
    fn names_last_as_long_as_their_pair() {
        let (pair, new) = Mailbox::pair(b"mailbox test");
        let (again, second) = Mailbox::pair(b"mailbox test");
        assert!(new && !second && pair[0].id() == again[0].id());
        drop((pair, again));
        assert!(Mailbox::pair(b"mailbox test").1);
    }

    #[test]
    fn threads_meet_at_a_gate() {
        let gate = Gate::default();
        assert!(gate.lock(NOW) && !gate.lock(NOW));
        gate.unlock();
        assert!(gate.lock(NOW));
        let other = gate.clone();
        let thread = std::thread::spawn(move || {
            let round = other.arrive(2);
            while !other.has_passed(round, Duration::from_secs(1)) {}
        });
        let round = gate.arrive(2);
        while !gate.has_passed(round, Duration::from_secs(1)) {}
        thread.join().unwrap();
        let round = gate.arrive(2);
        assert!(!gate.has_passed(round, NOW));
    }
}
