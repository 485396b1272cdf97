//! Lists in the cells of tables.
//!
//! ```text
//!   ["violin", "flute"]     JSON
//!   ['violin', "it's"]      Python, as pandas writes it
//!   violin; flute           or  violin|flute
//! ```

use crate::value::Value;

/// The members of a cell that is written as a list in brackets; none where it is not.
pub fn bracketed(cell: &str) -> Option<Value> {
    let mut rest = cell.trim().strip_prefix('[')?.strip_suffix(']')?.trim_start();
    let mut members: Vec<Value> = Vec::new();
    while !rest.is_empty() {
        let (member, behind) = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => quoted(rest.get(1..)?, quote)?,
            _ => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (word, behind) = rest.split_at(end);
                (Value::infer(word.trim()), behind)
            }
        };
        members.push(member);
        rest = behind.trim_start();
        if !rest.is_empty() {
            rest = rest.strip_prefix(',')?.trim_start();
        }
    }
    Some(Value::List(members.into_iter().filter(|m| !m.is_null()).collect()))
}

/// A text up to its closing quote, and what stands behind that.
fn quoted(text: &str, quote: char) -> Option<(Value, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'u' => out.push(unicode(&mut chars)?),
                other => out.push(other),
            },
            c if c == quote => return Some((Value::Text(out), text.get(at + c.len_utf8()..)?)),
            c => out.push(c),
        }
    }
    None
}

fn unicode(chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    let digits: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
}

/// The members of a cell of several words: in brackets, or parted by `;` or `|`.
pub fn several(cell: &str) -> Value {
    bracketed(cell).unwrap_or_else(|| {
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
        assert_eq!(several("violin; it's low;"), two);
        assert_eq!(several("violin|it's low"), two);
        assert_eq!(several("[1, 2.5, x]"), Value::list([Value::Int(1), Value::Float(2.5), "x".into()]));
        assert_eq!(several(r#"["caf\u00e9, \"x\""]"#), Value::list(["café, \"x\""]));
        assert_eq!((several("[]"), several("")), (Value::List(vec![]), Value::List(vec![])));
        assert_eq!(sentences("A slow; sad tune."), Value::list(["A slow; sad tune."]));
    }

    #[test]
    fn what_is_no_list_is_text() {
        for cell in ["[", "['a", "['a' 'b']", r#"["\"#, r#"["\u12"]"#] {
            assert_eq!(bracketed(cell), None, "{cell}");
        }
    }
}
