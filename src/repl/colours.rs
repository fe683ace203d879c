//! Colours of a line of Lua, and the bracket that belongs to the one at the cursor.

const KEYWORDS: &[&str] = &[
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil",
    "not", "or", "repeat", "return", "then", "true", "until", "while",
];

/// What a piece of a line is.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Keyword,
    Number,
    Text,
    Comment,
    Bracket,
    Other,
}

/// The end of a long bracket `[==[ ... ]==]` that begins with `text`, if it does.
fn long_bracket(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('[')?;
    let level = inner.len() - inner.trim_start_matches('=').len();
    inner[level..].strip_prefix('[')?;
    let close = format!("]{}]", "=".repeat(level));
    Some(text.find(&close).map_or(text.len(), |i| i + close.len()))
}

/// The bytes of a text in quotes, its closing quote included where it has one.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return i + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

/// The first token of a text: what it is, and its bytes.
fn token(text: &str) -> (Kind, usize) {
    let span = |f: fn(char) -> bool| text.find(|c| !f(c)).unwrap_or(text.len());
    let first = text.chars().next().unwrap_or(' ');
    if let Some(comment) = text.strip_prefix("--") {
        let end = long_bracket(comment).map(|n| n + 2);
        return (Kind::Comment, end.or_else(|| text.find('\n')).unwrap_or(text.len()));
    }
    if let Some(end) = long_bracket(text) {
        return (Kind::Text, end);
    }
    match first {
        '"' | '\'' => (Kind::Text, quoted(text, first)),
        '0'..='9' => (Kind::Number, span(|c| c.is_ascii_alphanumeric() || c == '.')),
        c if c.is_alphanumeric() || c == '_' => {
            let end = span(|c| c.is_alphanumeric() || c == '_');
            (if KEYWORDS.contains(&&text[..end]) { Kind::Keyword } else { Kind::Other }, end)
        }
        '(' | ')' | '[' | ']' | '{' | '}' => (Kind::Bracket, 1),
        c => (Kind::Other, c.len_utf8()),
    }
}

/// The tokens of a line: kind, first byte, byte after the last.
fn tokens(line: &str) -> Vec<(Kind, usize, usize)> {
    let (mut at, mut found) = (0, vec![]);
    while at < line.len() {
        let (kind, len) = token(&line[at..]);
        found.push((kind, at, at + len));
        at += len;
    }
    found
}

/// The places of the bracket at or just before the cursor, and of the one that it opens or closes.
fn pair(line: &str, tokens: &[(Kind, usize, usize)], pos: usize) -> Option<(usize, usize)> {
    let brackets: Vec<(usize, u8)> =
        tokens.iter().filter(|t| t.0 == Kind::Bracket).map(|t| (t.1, line.as_bytes()[t.1])).collect();
    let here = |at: usize| brackets.iter().position(|b| b.0 == at);
    let i = here(pos).or_else(|| here(pos.checked_sub(1)?))?;
    let closes = |open: u8, close: u8| matches!((open, close), (b'(', b')') | (b'[', b']') | (b'{', b'}'));
    let opening = b"([{".contains(&brackets[i].1);
    let mut depth = 0;
    let others: Box<dyn Iterator<Item = &(usize, u8)>> =
        if opening { Box::new(brackets[i..].iter()) } else { Box::new(brackets[..=i].iter().rev()) };
    for &(at, c) in others {
        depth += if b"([{".contains(&c) == opening { 1 } else { -1 };
        if depth == 0 {
            let (open, close) = if opening { (brackets[i].1, c) } else { (c, brackets[i].1) };
            return closes(open, close).then_some((brackets[i].0, at));
        }
    }
    None
}

/// A line with the escape sequences of its colours; `pos` is the cursor's byte.
pub fn line(line: &str, pos: usize) -> String {
    let tokens = tokens(line);
    let pair = pair(line, &tokens, pos);
    let mut out = String::with_capacity(line.len() * 2);
    for &(kind, from, to) in &tokens {
        let matching = pair.is_some_and(|(a, b)| from == a || from == b);
        let code = match kind {
            Kind::Bracket if matching => "1;36",
            Kind::Keyword => "35",
            Kind::Number => "36",
            Kind::Text => "32",
            Kind::Comment => "2",
            Kind::Bracket | Kind::Other => "",
        };
        if code.is_empty() {
            out.push_str(&line[from..to]);
        } else {
            out.push_str(&format!("\x1b[{code}m{}\x1b[0m", &line[from..to]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_told_apart() {
        let kinds =
            |text: &str| -> Vec<Kind> { tokens(text).into_iter().map(|t| t.0).filter(|k| *k != Kind::Other).collect() };
        assert_eq!(kinds("if x == 1 then"), [Kind::Keyword, Kind::Number, Kind::Keyword]);
        assert_eq!(kinds("'a\\'b' .. \"end\""), [Kind::Text, Kind::Text]);
        assert_eq!(kinds("x -- end"), [Kind::Comment]);
        assert_eq!(kinds("[==[ end ]==] end"), [Kind::Text, Kind::Keyword]);
        assert_eq!(kinds("ende é'é"), [Kind::Text]);
        assert_eq!(kinds("--[[ a\nb ]] 1"), [Kind::Comment, Kind::Number]);
    }

    #[test]
    fn brackets_have_partners() {
        let find = |text: &str, pos| pair(text, &tokens(text), pos);
        assert_eq!(find("f(a[1])", 1), Some((1, 6)));
        assert_eq!(find("f(a[1])", 7), Some((6, 1)));
        assert_eq!(find("f(')'", 1), None);
        assert_eq!(find("(]", 0), None);
        assert_eq!(find("", 0), None);
    }

    #[test]
    fn the_text_of_a_line_stays() {
        for text in ["x = 'é' -- ü", "for i=1,3 do print{[1]=2} end", "\"open"] {
            let mut plain = line(text, 3);
            for code in ["1;36", "35", "36", "32", "2", "0"] {
                plain = plain.replace(&format!("\x1b[{code}m"), "");
            }
            assert_eq!(plain, text);
        }
    }
}
