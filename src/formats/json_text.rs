//! Writing of JSON.

use super::Data;

/// The text of a value, without blanks. Numbers have as few digits as tell them apart; those that JSON does not know
/// are null. Bytes that are not UTF-8 pass as they are.
pub fn write(value: &Data) -> Vec<u8> {
    let mut out = vec![];
    put(&mut out, value);
    out
}

/// A text as a string of JSON.
pub fn quoted(text: &str) -> String {
    let mut out = vec![];
    string(&mut out, text.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}

fn put(out: &mut Vec<u8>, value: &Data) {
    match value {
        Data::Null => out.extend(b"null"),
        Data::Bool(b) => out.extend(b.to_string().bytes()),
        Data::Num(n) if !n.is_finite() => out.extend(b"null"),
        Data::Num(n) => out.extend(n.to_string().bytes()),
        Data::Text(text) => string(out, text),
        Data::List(list) => {
            out.push(b'[');
            for (i, v) in list.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                put(out, v);
            }
            out.push(b']');
        }
        Data::Map(pairs) => {
            out.push(b'{');
            for (i, (name, v)) in pairs.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                string(out, name);
                out.push(b':');
                put(out, v);
            }
            out.push(b'}');
        }
    }
}

fn string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &c in text {
        match c {
            b'"' | b'\\' => out.extend([b'\\', c]),
            b'\n' => out.extend(b"\\n"),
            b'\t' => out.extend(b"\\t"),
            b'\r' => out.extend(b"\\r"),
            0..32 | 127 => out.extend(format!("\\u{c:04x}").bytes()),
            _ => out.push(c),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::super::json::{Options, parse};

    #[test]
    fn what_is_written_is_read() {
        let text = br#"{"a":[1,-2.5,1e300,true,null],"b \"\\\n\u0001":{}}"#;
        let options = Options { max_depth: 9, invalid_numbers: false };
        let value = parse(text, options).unwrap();
        assert_eq!(parse(&super::write(&value), options).unwrap(), value);
    }
}
