//! Lists in the cells of tables.
//!
//! ```text
//!   ["violin", "flute"]     JSON
//!   ['violin', "it's"]      Python, as pandas writes it
//!   [violin, flute]         for labels only: `[soft, slow piano]` may be a caption
//!   violin; flute           or  violin|flute
//! ```

use crate::value::Value;

/// The members of a cell that is written as a list in brackets, its texts in quotes; none where it is not.
pub fn bracketed(cell: &str) -> Option<Value> {
    list(cell, false)
}

/// As [`bracketed`], and texts may stand without quotes.
pub fn words(cell: &str) -> Option<Value> {
    list(cell, true)
}

fn list(cell: &str, unquoted: bool) -> Option<Value> {
    if let Ok(json @ serde_json::Value::Array(_)) = serde_json::from_str(cell.trim()) {
        return super::json_value(json).map(present);
    }
    let mut rest = cell.trim().strip_prefix('[')?.strip_suffix(']')?.trim_start();
    let mut members: Vec<Value> = Vec::new();
    while !rest.is_empty() {
        let (member, behind) = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => quoted(rest.get(1..)?, quote)?,
            _ => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (word, behind) = rest.split_at(end);
                (plain(word.trim(), unquoted)?, behind)
            }
        };
        members.push(member);
        rest = behind.trim_start();
        if !rest.is_empty() {
            rest = rest.strip_prefix(',')?.trim_start();
        }
    }
    Some(present(Value::List(members)))
}

/// A list without what is null in it.
fn present(list: Value) -> Value {
    Value::List(list.members().iter().filter(|member| !member.is_null()).cloned().collect())
}

/// A member without quotes: a number, a constant of Python's, or a word where these may be `unquoted`.
fn plain(word: &str, unquoted: bool) -> Option<Value> {
    match word {
        "None" | "nan" => Some(Value::Null),
        "True" => Some(Value::Bool(true)),
        "False" => Some(Value::Bool(false)),
        // Brackets inside: `[Intro] a song [Outro]` is no list.
        _ => match Value::infer(word) {
            Value::Text(text) => (unquoted && !text.contains(['[', ']'])).then_some(Value::Text(text)),
            Value::Null if !unquoted => None,
            value => Some(value),
        },
    }
}

/// A text up to its closing quote, and what stands behind that; escapes as Python writes them.
fn quoted(text: &str, quote: char) -> Option<(Value, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                'x' => out.push(coded(&mut chars, 2)?),
                'u' => out.push(coded(&mut chars, 4)?),
                'U' => out.push(coded(&mut chars, 8)?),
                other => out.push(other),
            },
            c if c == quote => return Some((Value::Text(out), text.get(at + c.len_utf8()..)?)),
            c => out.push(c),
        }
    }
    None
}

/// The character whose number is written in so many hexadecimal digits.
fn coded(chars: &mut std::str::CharIndices<'_>, digits: usize) -> Option<char> {
    let digits = chars.by_ref().take(digits).map(|(_, c)| c.to_digit(16));
    char::from_u32(digits.into_iter().try_fold(0u32, |number, digit| Some(number << 4 | digit?))?)
}

/// The members of a cell of several words: in brackets, or parted by `;` or `|`.
pub fn several(cell: &str) -> Value {
    words(cell).unwrap_or_else(|| {
        let words = cell.split([';', '|']).map(str::trim).filter(|word| !word.is_empty());
        Value::list(words)
    })
}

/// The members of a cell that may hold sentences: in brackets, or the one text.
pub fn sentences(cell: &str) -> Value {
    bracketed(cell).unwrap_or_else(|| Value::list(Some(cell.trim()).filter(|text| !text.is_empty())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_as_json_python_and_plain_text_write_them() {
        let two = Value::list(["violin", "it's low"]);
        assert_eq!(several(r#"["violin","it's low"]"#), two);
        assert_eq!(several(r#"['violin', "it's low"]"#), two);
        assert_eq!(several(r"[ 'violin' ,'it\'s low']"), two);
        assert_eq!(several("[violin, it's low]"), two);
        assert_eq!(several("violin; it's low;"), two);
        assert_eq!(several("violin|it's low"), two);
        assert_eq!(several("[1, 2.5, x]"), Value::list([Value::Int(1), Value::Float(2.5), "x".into()]));
        assert_eq!((several("[]"), several("")), (Value::List(vec![]), Value::List(vec![])));
        assert_eq!(sentences("A slow; sad tune."), Value::list(["A slow; sad tune."]));
        assert_eq!(sentences("['a', None, True, 2.0]"), Value::list(["a".into(), Value::Bool(true), Value::Float(2.0)]));
    }

    #[test]
    fn escapes_of_json_and_python() {
        assert_eq!(several(r#"["caf\u00e9, \"x\"", "\ud83c\udfbb"]"#), Value::list(["café, \"x\"", "🎻"]));
        assert_eq!(several(r"['caf\xe9', 'caf\u00e9', '\U0001f3bb']"), Value::list(["café", "café", "🎻"]));
    }

    #[test]
    fn what_is_no_list_is_text() {
        for cell in ["[", "['a", "['a' 'b']", r#"["\"#, r#"["\u12"]"#, r"['\ud83c']", "[['a']]"] {
            assert_eq!(words(cell), None, "{cell}");
        }
        for cell in ["[Intro] slow song [Outro]", "[soft, slow piano]", "[Intro]"] {
            assert_eq!(sentences(cell), Value::list([cell]));
        }
        assert_eq!(several("[Intro] slow song [Outro]"), Value::list(["[Intro] slow song [Outro]"]));
    }
}
