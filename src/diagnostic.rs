//! What went wrong, where in the text, and what would have been right.
//!
//! ```text
//! error: unknown parameter `promt`
//!   1 | classify clip where promt="A <> track"
//!     |                     ^^^^^ expected a parameter of `classify` or a metadata field
//!   hint: did you mean `prompt`?
//! ```
//!
//! A message is one sentence without a full stop that names the offending word in backticks. It never says "you".

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthStr;

/// A half-open range of byte offsets into a source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    /// The span `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        Span { start, end }
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Span) -> Span {
        Span::new(self.start.min(other.start), self.end.max(other.end))
    }
}

/// A value together with the place it was written at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    pub node: T,
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `node` as written at `span`.
    pub fn new(node: T, span: Span) -> Self {
        Spanned { node, span }
    }
}

/// One error message, with its place in the source and the way out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnostic {
    /// What is wrong, naming the offending word.
    pub message: String,
    /// Where, if it has a place in the statement.
    pub span: Option<Span>,
    /// Stands after the caret: what was expected there.
    pub expected: Option<String>,
    /// Ways on, one sentence each.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// A diagnostic without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Diagnostic { message: shortened(without_error_numbers(message.into())), ..Default::default() }
    }

    /// Puts the caret under `span`.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// Says what was expected at the caret.
    #[must_use]
    pub fn expected(mut self, what: impl Into<String>) -> Self {
        self.expected = Some(what.into());
        self
    }

    /// Adds a way on.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds "did you mean …?" when a candidate is near `word`.
    #[must_use]
    pub fn suggest<'a>(self, word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        match did_you_mean(word, candidates) {
            Some(near) => self.hint(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    /// The message as text for a terminal: the line of `source` with a caret, and the hints. `origin` names a file.
    pub fn render(&self, source: &str, origin: Option<&str>) -> String {
        let mut out = format!("error: {}\n", self.message);
        match self.span {
            Some(span) if !source.is_empty() => out.push_str(&self.excerpt(source, origin, span)),
            _ => {
                if let Some(expected) = &self.expected {
                    out.push_str(&format!("  expected: {expected}\n"));
                }
            }
        }
        for hint in &self.hints {
            out.push_str(&format!("  hint: {hint}\n"));
        }
        out
    }

    fn excerpt(&self, source: &str, origin: Option<&str>, span: Span) -> String {
        let start = floor_boundary(source, span.start.min(source.len()));
        let line_start = source[..start].rfind('\n').map_or(0, |i| i + 1);
        let line_end = source[start..].find('\n').map_or(source.len(), |i| start + i);
        let line_no = source[..line_start].matches('\n').count() + 1;
        let end = floor_boundary(source, span.end.clamp(start, line_end));
        let (from, to) = shown(source, line_start, line_end, start);
        let cut = |cut: bool| if cut { "…" } else { "" };
        let (before, behind) = (cut(from > line_start), cut(to < line_end));
        let line = format!("{before}{}{behind}", &source[from..to]);
        let pad = display_width(before) + display_width(&source[from..start]);
        let carets = display_width(&source[start..end.min(to)]).max(1);
        let number = line_no.to_string();
        let gutter = " ".repeat(number.len());
        let mut out = String::new();
        if let Some(origin) = origin {
            let column = source[line_start..start].chars().count() + 1;
            out.push_str(&format!(" {gutter} --> {origin}:{line_no}:{column}\n"));
        }
        out.push_str(&format!("  {number} | {}\n", line.replace('\t', " ")));
        out.push_str(&format!("  {gutter} | {}{}", " ".repeat(pad), "^".repeat(carets)));
        if let Some(expected) = &self.expected {
            out.push_str(&format!(" expected {expected}"));
        }
        out.push('\n');
        out
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(expected) = &self.expected {
            write!(f, ": expected {expected}")?;
        }
        for hint in &self.hints {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// What the system says of an error ends in its number, "(os error 2)", which tells nobody anything.
fn without_error_numbers(mut message: String) -> String {
    while let Some(start) = message.find(" (os error ") {
        let end = message[start..].find(')').map_or(message.len(), |length| start + length + 1);
        message.replace_range(start..end, "");
    }
    message
}

/// The longest message, and the longest line of a source that is shown, in characters.
const LONGEST_MESSAGE: usize = 1_000;
const LONGEST_LINE: usize = 200;

/// A message that names a word of a megabyte: its two ends.
fn shortened(message: String) -> String {
    if message.len() <= LONGEST_MESSAGE {
        return message;
    }
    let head = floor_boundary(&message, LONGEST_MESSAGE / 2);
    let tail = floor_boundary(&message, message.len() - LONGEST_MESSAGE / 4);
    format!("{} … {}", &message[..head], &message[tail..])
}

/// The part of the line `start..end` that is shown: all of it, or so much around `at`.
fn shown(source: &str, start: usize, end: usize, at: usize) -> (usize, usize) {
    if source[start..end].chars().count() <= LONGEST_LINE {
        return (start, end);
    }
    let from = source[start..at].char_indices().rev().nth(LONGEST_LINE / 3).map_or(start, |(i, _)| start + i);
    (from, source[from..end].char_indices().nth(LONGEST_LINE).map_or(end, |(i, _)| from + i))
}

fn display_width(text: &str) -> usize {
    text.replace('\t', " ").width()
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A word with case and the choice of `_`, `-` or space taken away.
pub fn fold(word: &str) -> String {
    let spaced = word.to_lowercase().replace(['_', '-'], " ");
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The candidate nearest to `word`, if it is near enough to be a slip of the finger.
///
/// Nearness is the Damerau–Levenshtein distance without regard to case, at most a third of the longer word (at least one);
/// a candidate that starts with `word` (three letters or more) counts as near.
///
/// ```
/// use dyad::diagnostic::did_you_mean;
/// assert_eq!(did_you_mean("promt", ["prompt", "prompts", "space"]), Some("prompt"));
/// assert_eq!(did_you_mean("zebra", ["prompt", "space"]), None);
/// ```
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let length = lower.chars().count();
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let other = candidate.to_lowercase();
            let other_length = other.chars().count();
            let reach = (length.max(other_length) / 3).max(1);
            // The distance is at least the difference of the lengths; it need not be computed to know that it is too great.
            let distance = (length.abs_diff(other_length) <= reach).then(|| strsim::damerau_levenshtein(&lower, &other));
            if let Some(distance) = distance.filter(|&distance| distance <= reach) {
                Some((distance, candidate))
            } else if length >= 3 && other.starts_with(&lower) {
                Some((reach + 1, candidate))
            } else {
                None
            }
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "`a`, `b` or `c`": the allowed words, for a message.
pub fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|w| format!("`{w}`")).collect();
    match quoted.split_last() {
        None => "nothing".into(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caret_stands_under_the_word() {
        let source = "classify clip where promt=\"A <> track\"";
        let text = Diagnostic::new("unknown parameter `promt`")
            .at(Span::new(20, 25))
            .expected("a parameter of `classify`")
            .suggest("promt", ["prompt", "space"])
            .render(source, None);
        assert_eq!(
            text,
            "error: unknown parameter `promt`\n  1 | classify clip where promt=\"A <> track\"\n    |                     ^^^^^ expected a parameter of `classify`\n  hint: did you mean `prompt`?\n"
        );
    }

    #[test]
    fn the_system_s_error_numbers_are_left_out() {
        let error = std::fs::read("no such file").unwrap_err();
        let text = Diagnostic::new(format!("`x` can't be read: {error}; more")).message;
        assert!(!text.contains("os error") && text.ends_with("; more"), "{text}");
        assert_eq!(Diagnostic::new("a (os error 2").message, "a");
    }

    #[test]
    fn wide_characters_move_the_caret() {
        let source = "show 笛子 x";
        let at = source.find('x').unwrap();
        let text = Diagnostic::new("m").at(Span::new(at, at + 1)).render(source, Some("q.dyad"));
        assert!(text.contains("--> q.dyad:1:9"), "{text}");
        assert!(text.contains("    |           ^"), "{text}");
    }

    #[test]
    fn long_words_and_lines_are_cut() {
        let word = "é".repeat(100_000);
        let source = format!("{word} {word} x {word}");
        let at = source.find('x').unwrap();
        let fault = Diagnostic::new(format!("unknown `{word}`")).at(Span::new(at, at + 1)).suggest(&word, ["prompt", "space"]);
        let text = fault.render(&source, None);
        assert!(text.len() < 2_000 && fault.hints.is_empty(), "{}", text.len());
        let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
        let caret = lines[2].iter().position(|&c| c == '^').unwrap();
        assert_eq!((lines[1][caret], lines[1].last()), ('x', Some(&'…')));
        let start = Diagnostic::new("m").at(Span::new(0, 2 * 100_000)).render(&source, None);
        assert!(start.contains("| éé") && start.len() < 2_000);
    }

    #[test]
    fn spans_out_of_range_do_not_panic() {
        for span in [Span::new(0, 999), Span::new(999, 1000), Span::new(3, 1), Span::new(6, 7)] {
            let _ = Diagnostic::new("m").at(span).render("ab\n笛子", None);
            let _ = Diagnostic::new("m").at(span).render("", None);
        }
    }
}
