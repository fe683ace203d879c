//! The little of protobuf that writing takes: fields of numbers and of bytes, one behind the other.

/// The number of a field and what kind of value follows.
fn tag(out: &mut Vec<u8>, field: u32, wire: u32) {
    varint(out, u64::from(field << 3 | wire));
}

/// A number in groups of seven bits, the lowest first.
pub fn varint(out: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        out.push((v & 0x7f) as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

/// A field that holds an integer.
pub fn int(out: &mut Vec<u8>, field: u32, v: i64) {
    tag(out, field, 0);
    varint(out, v as u64);
}

/// A field that holds a float.
pub fn float(out: &mut Vec<u8>, field: u32, v: f32) {
    tag(out, field, 5);
    out.extend(v.to_le_bytes());
}

/// A field that holds bytes: a text, or a message that is written already.
pub fn bytes(out: &mut Vec<u8>, field: u32, v: &[u8]) {
    opening(out, field, v.len());
    out.extend(v);
}

/// What stands in front of a field of so many bytes.
pub fn opening(out: &mut Vec<u8>, field: u32, len: usize) {
    tag(out, field, 2);
    varint(out, len as u64);
}

/// A field that holds a message, which a function writes.
pub fn message(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = vec![];
    write(&mut inner);
    bytes(out, field, &inner);
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_take_the_bytes_that_they_need() {
        let of = |v: i64| {
            let mut out = vec![];
            super::int(&mut out, 1, v);
            out
        };
        assert_eq!(of(1), [8, 1]);
        assert_eq!(of(300), [8, 0xac, 2]);
        assert_eq!(of(-1).len(), 11);
    }
}
