//! Where in a statement the cursor stands, from the words before it.

use crate::query::statement::quoted;
use crate::verb::find;

/// The words of the statement that the cursor is in: after the last `;`, or after an open bracket before a verb, without
/// `explain`, `analyze` and `let NAME =` in front.
pub fn statement<'a>(said: &'a [&'a str]) -> &'a [&'a str] {
    let mut starts = vec![0];
    for (i, word) in said.iter().enumerate() {
        match *word {
            ";" => starts = vec![i + 1],
            "(" => starts.push(i + 1),
            ")" if starts.len() > 1 => {
                starts.pop();
            }
            _ => {}
        }
    }
    // A bracket in a condition or a list holds no statement.
    let is_start = |&&start: &&usize| start == 0 || said.get(start - 1) == Some(&";") || opens_statement(said, start);
    let mut words = said.get(starts.iter().rev().find(is_start).copied().unwrap_or(0)..).unwrap_or_default();
    loop {
        words = match words {
            [first, rest @ ..] if first.eq_ignore_ascii_case("explain") || first.eq_ignore_ascii_case("analyze") => rest,
            [first, _, "=", rest @ ..] if first.eq_ignore_ascii_case("let") => rest,
            _ => return words,
        };
    }
}

/// Whether a statement is due after the bracket before `start`: `compare (`, `with (`.
fn opens_statement(said: &[&str], start: usize) -> bool {
    let before = start.checked_sub(2).and_then(|i| said.get(i));
    before.is_some_and(|word| word.eq_ignore_ascii_case("with") || find(word).is_some())
}

/// The field or parameter whose value is due: `NAME =`, `NAME in ("a",`, `NAME like`, `NAME=("a",`.
pub fn value_of<'a>(said: &[&'a str]) -> Option<&'a str> {
    let mut rest = said;
    // Back over a list to what stands before its bracket.
    if matches!(rest.last(), Some(&"(" | &",")) {
        let open = rest.iter().rposition(|w| *w == "(")?;
        rest = &rest[..open];
    }
    let listed = rest.len() < said.len();
    match rest {
        [.., name, "!" | "<" | ">", "="] | [.., name, "<", ">"] | [.., name, "=" | "<" | ">"] => Some(name),
        [.., name, not, word] if not.eq_ignore_ascii_case("not") && takes_values(word, listed) => Some(name),
        [.., name, word] if takes_values(word, listed) => Some(name),
        _ => None,
    }
}

fn takes_values(word: &str, listed: bool) -> bool {
    word.eq_ignore_ascii_case("like") || (listed && word.eq_ignore_ascii_case("in"))
}

/// The text in quotes, in the quote that is open or would be; without the last one where it stands behind the cursor.
pub fn in_quotes(text: &str, quote: char, closed: bool) -> String {
    let double = quoted(text);
    let inner = double.get(1..double.len() - 1).unwrap_or_default();
    let inner = if quote == '\'' { inner.replace("\\\"", "\"").replace('\'', "\\'") } else { inner.to_owned() };
    if closed { format!("{quote}{inner}") } else { format!("{quote}{inner}{quote}") }
}

/// The collection that a statement names: `in C`, where no list follows.
pub fn collection(said: &[&str]) -> Option<String> {
    let named = |pair: &[&str]| match pair {
        [word, name] if word.eq_ignore_ascii_case("in") && *name != "(" => Some(name.trim_matches(['"', '\'']).to_owned()),
        _ => None,
    };
    said.windows(2).find_map(named)
}
