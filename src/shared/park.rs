//! Values on their way from one Lua state to another: a text with numbers in it travels, and the values wait under
//! these numbers.

use super::Value;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

struct Parked {
    last: u64,
    values: Option<HashMap<u64, Value>>,
}

static PARKED: Mutex<Parked> = Mutex::new(Parked { last: 0, values: None });

/// Keeps a value until it is claimed; under which number.
pub fn park(v: Value) -> u64 {
    let mut parked = PARKED.lock().unwrap_or_else(PoisonError::into_inner);
    parked.last += 1;
    let id = parked.last;
    parked.values.get_or_insert_default().insert(id, v);
    id
}

/// Hands a value out, once.
pub fn claim(id: u64) -> Option<Value> {
    let mut parked = PARKED.lock().unwrap_or_else(PoisonError::into_inner);
    parked.values.as_mut()?.remove(&id)
}
