//! What serde and toml complain about, in this program's words.
//!
//! ```text
//!   unknown field `sampel_rate`, expected one of `graph`, `input`, …
//!   → line 9 in `[audio]`: unknown key `sampel_rate`: expected `graph`, `input`, …; did you mean `sample_rate`?
//! ```
//!
//! Convention: the words that are allowed are read out of serde's message. `tests/encoder_manifest.rs` holds every form, so a
//! new version of serde that words it otherwise fails there.

use crate::diagnostic::{did_you_mean, one_of};

/// One sentence for one error of [`toml::from_str`]: line, table, key, value, and what is allowed.
pub(super) fn complaint(source: &str, error: &toml::de::Error) -> String {
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    let place = Place::of(source, error.span());
    if let Some(rest) = message.strip_prefix("missing field ") {
        return format!("{}: the key {} is missing", place.table(), rest.trim());
    }
    if let Some((key, allowed)) = split(&message, "unknown field ") {
        return format!("{}: unknown key `{key}`: {}", place.full(), expected(key, &allowed));
    }
    if let Some((word, allowed)) = split(&message, "unknown variant ") {
        return format!("{}: `{}`: {}", place.full(), place.entry, expected(word, &allowed));
    }
    if (message.starts_with("invalid type") || message.starts_with("invalid value"))
        && let Some((_, wanted)) = message.rsplit_once("expected ")
    {
        return format!("{}: `{}`: expected {}", place.full(), place.entry, kind(wanted));
    }
    format!("{}: {message}", place.full())
}

fn expected(word: &str, allowed: &[&str]) -> String {
    let near = did_you_mean(word, allowed.iter().copied()).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    format!("expected {}{near}", one_of(allowed.iter().copied()))
}

/// "unknown field `a`, expected `b` or `c`" → a, [b, c].
fn split<'a>(message: &'a str, prefix: &str) -> Option<(&'a str, Vec<&'a str>)> {
    let mut quoted = message.strip_prefix(prefix)?.split('`').skip(1).step_by(2);
    Some((quoted.next()?, quoted.collect()))
}

/// Rust's types as a reader knows them.
fn kind(wanted: &str) -> &str {
    match wanted.trim() {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "f32" | "f64" => "a number",
        "a string" => "text in quotes",
        other if other.starts_with("struct ") => "a table",
        other => other,
    }
}

struct Place<'a> {
    line: Option<usize>,
    table: &'a str,
    /// The line itself, without its comment.
    entry: &'a str,
}

impl<'a> Place<'a> {
    fn of(source: &'a str, span: Option<std::ops::Range<usize>>) -> Self {
        let Some(before) = span.and_then(|span| source.get(..span.start)) else {
            return Place { line: None, table: "", entry: "" };
        };
        let number = before.matches('\n').count();
        let header = |line: &&str| line.trim_start().starts_with('[');
        let entry = source.lines().nth(number).unwrap_or("");
        let table = source.lines().take(number + 1).filter(header).last().unwrap_or("");
        Place { line: Some(number + 1), table: code(table), entry: code(entry) }
    }

    fn table(&self) -> String {
        match self.table {
            "" => "at the top".to_owned(),
            table => format!("in `{table}`"),
        }
    }

    fn full(&self) -> String {
        self.line.map_or_else(|| self.table(), |line| format!("line {line} {}", self.table()))
    }
}

/// A line without its comment, as far as that can be told without parsing.
fn code(line: &str) -> &str {
    let end = line.match_indices('#').map(|(at, _)| at).find(|&at| line[..at].matches('"').count().is_multiple_of(2));
    line[..end.unwrap_or(line.len())].trim()
}
