//! Cuts a source into the texts of its statements.
//!
//! A newline or `;` ends a statement. It goes on over a newline inside an open bracket or quote, after a trailing `\`, and,
//! in a file, onto every line that is indented. `#` and `--` start a comment that ends with the line.

use crate::diagnostic::{Diagnostic, Span};
use crate::query::lex::{Kind, tokens};

/// The deepest nesting of brackets that a statement may have.
pub const MAX_DEPTH: usize = 64;
/// The longest statement, in bytes.
pub const MAX_LENGTH: usize = 1 << 20;

/// One statement's place in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    pub text: &'a str,
    /// Where `text` starts in the source, in bytes.
    pub offset: usize,
}

/// How a source continues a statement over a newline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continuation {
    /// A file: an indented line belongs to the statement before it.
    Indented,
    /// A terminal or `-c`: only brackets, quotes and `\` continue.
    Explicit,
}

/// What is still open at the end of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    Nothing,
    /// A quote, with its place.
    Quote(char, usize),
    /// The outermost bracket, with its place.
    Bracket(usize),
    /// A trailing backslash.
    Backslash,
}

/// Cuts `source` into statements; empty ones and comments are left out.
///
/// # Errors
/// In place of a statement with a quote or bracket that is never closed or never opened, with nesting over [`MAX_DEPTH`], or
/// over [`MAX_LENGTH`]. What stands before and behind it is returned in any case, so that it can run.
pub fn split(source: &str, continuation: Continuation) -> Vec<Result<Piece<'_>, Diagnostic>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < source.len() {
        let stop = next_stop(source, start, continuation);
        if let Some(fault) = stop.fault {
            pieces.push(Err(fault.diagnostic()));
            start = fault.line_end(source) + 1;
            continue;
        }
        let text = &source[start..stop.at];
        let offset = start + text.len() - text.trim_start().len();
        if text.len() > MAX_LENGTH {
            let message = format!("a statement of {} bytes is longer than the {MAX_LENGTH} allowed", text.len());
            pieces.push(Err(Diagnostic::new(message).at(Span::new(offset, offset + 1))));
        } else if stop.speaks {
            pieces.push(Ok(Piece { text: text.trim(), offset }));
        }
        start = stop.at + 1;
    }
    pieces
}

/// Where the line that begins at `from` ends, with all that belongs to it over newlines: at a newline or at the end of the
/// source. And whether it says anything.
pub fn line_end(source: &str, from: usize, continuation: Continuation) -> (usize, bool) {
    let (mut at, mut speaks) = (from, false);
    loop {
        let stop = next_stop(source, at, continuation);
        speaks |= stop.speaks;
        match stop.fault {
            // What is wrong is for `split` to say.
            Some(fault) => return (fault.line_end(source), true),
            _ if source[stop.at..].starts_with(';') => at = stop.at + 1,
            _ => return (stop.at, speaks),
        }
    }
}

/// What is open at the end of `source`: tells a terminal whether to ask for another line.
pub fn open_at_end(source: &str) -> Open {
    let mut at = 0;
    loop {
        let stop = next_stop(source, at, Continuation::Explicit);
        match stop.fault {
            Some(Fault::Quote(mark, at)) => return Open::Quote(mark, at),
            Some(Fault::Bracket(at)) => return Open::Bracket(at),
            // More text would not mend it.
            Some(Fault::Unopened(_) | Fault::Deep(_)) => return Open::Nothing,
            None if stop.at < source.len() => at = stop.at + 1,
            None if stop.joined => return Open::Backslash,
            None => return Open::Nothing,
        }
    }
}

/// The end of a statement.
struct Stop {
    /// A newline, a `;` or the end of the source.
    at: usize,
    /// False for blanks and comments.
    speaks: bool,
    /// True when a `\` stands at the very end.
    joined: bool,
    fault: Option<Fault>,
}

enum Fault {
    Quote(char, usize),
    Bracket(usize),
    Unopened(usize),
    Deep(usize),
}

impl Fault {
    /// Where the line with the fault ends: the next is a new one. What is never closed goes on to the end.
    fn line_end(&self, source: &str) -> usize {
        match self {
            Fault::Unopened(at) | Fault::Deep(at) => source[*at..].find('\n').map_or(source.len(), |newline| at + newline),
            Fault::Quote(..) | Fault::Bracket(_) => source.len(),
        }
    }

    fn diagnostic(&self) -> Diagnostic {
        let (message, at) = match self {
            Fault::Quote(mark, at) => (format!("the quote `{mark}` is never closed"), at),
            Fault::Bracket(at) => ("the bracket `(` is never closed".to_owned(), at),
            Fault::Unopened(at) => ("`)` closes nothing".to_owned(), at),
            Fault::Deep(at) => (format!("brackets are nested deeper than {MAX_DEPTH}"), at),
        };
        let diagnostic = Diagnostic::new(message).at(Span::new(*at, at + 1));
        match self {
            Fault::Quote(mark, _) => diagnostic.hint(format!("add `{mark}` at the end of the text")),
            Fault::Bracket(_) => diagnostic.hint("add the missing `)`"),
            Fault::Unopened(_) => diagnostic.hint("remove it, or add the `(` that it closes"),
            Fault::Deep(_) => diagnostic,
        }
    }
}

/// The end of the statement that begins at `from`.
fn next_stop(source: &str, from: usize, continuation: Continuation) -> Stop {
    let mut brackets = Vec::new();
    let mut stop = Stop { at: source.len(), speaks: false, joined: false, fault: None };
    for token in tokens(source, from) {
        match token.kind {
            Kind::Space | Kind::Comment => continue,
            Kind::Newline if brackets.is_empty() && !continues(source, token.end, continuation) => {
                return Stop { at: token.start, joined: false, ..stop };
            }
            Kind::Newline => continue,
            Kind::Semicolon if brackets.is_empty() => return Stop { at: token.start, joined: false, ..stop },
            Kind::Open => {
                brackets.push(token.start);
                if brackets.len() > MAX_DEPTH {
                    return Stop { at: token.start, speaks: true, joined: false, fault: Some(Fault::Deep(token.start)) };
                }
            }
            Kind::Close if brackets.pop().is_none() => {
                return Stop { at: token.start, speaks: true, joined: false, fault: Some(Fault::Unopened(token.start)) };
            }
            Kind::Text { closed: false } => {
                let mark = source[token.start..].chars().next().unwrap_or('"');
                stop.fault = Some(Fault::Quote(mark, token.start));
            }
            _ => {}
        }
        stop.joined = token.kind == Kind::Join && !source[token.start..token.end].ends_with('\n');
        stop.speaks |= token.kind != Kind::Join;
    }
    stop.fault = stop.fault.or_else(|| brackets.first().map(|&at| Fault::Bracket(at)));
    stop
}

/// Whether the line that starts at `at` belongs to the statement before it.
fn continues(source: &str, at: usize, continuation: Continuation) -> bool {
    if continuation == Continuation::Explicit {
        return false;
    }
    let line = source[at..].split('\n').next().unwrap_or("");
    line.starts_with([' ', '\t']) && !line.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str, continuation: Continuation) -> Vec<&str> {
        split(source, continuation).into_iter().filter_map(Result::ok).map(|p| p.text).collect()
    }

    #[test]
    fn newlines_and_semicolons_end_statements() {
        assert_eq!(texts("a; b\n# note\n\nc -- more; d\n", Continuation::Explicit), ["a", "b", "c -- more; d"]);
    }

    #[test]
    fn brackets_quotes_and_backslashes_continue() {
        assert_eq!(texts("a (b\nc)\nd \"x\ny\"\ne \\\nf", Continuation::Explicit), ["a (b\nc)", "d \"x\ny\"", "e \\\nf"]);
    }

    #[test]
    fn indented_lines_continue_in_a_file_only() {
        let source = "a\n  top 3\nb";
        assert_eq!(texts(source, Continuation::Indented), ["a\n  top 3", "b"]);
        assert_eq!(texts(source, Continuation::Explicit), ["a", "top 3", "b"]);
    }

    #[test]
    fn marks_inside_strings_and_comments_are_text() {
        assert_eq!(texts("a \"# ; (\" ; b # \" (\nc", Continuation::Explicit), ["a \"# ; (\"", "b # \" (", "c"]);
        assert_eq!(texts(r#"a "x\" ; y""#, Continuation::Explicit), [r#"a "x\" ; y""#]);
    }

    #[test]
    fn what_is_open_is_named() {
        assert_eq!(open_at_end("a (b"), Open::Bracket(2));
        assert_eq!(open_at_end("a \"b"), Open::Quote('"', 2));
        assert_eq!(open_at_end("a \\\n"), Open::Nothing);
        assert_eq!(open_at_end("a \\"), Open::Backslash);
        assert_eq!(open_at_end("a )("), Open::Nothing);
        assert!(split("a )", Continuation::Explicit)[0].is_err());
        assert!(split(&"(".repeat(100), Continuation::Explicit)[0].is_err());
    }

    #[test]
    fn the_line_behind_a_fault_is_a_new_statement() {
        for fault in [")", &"(".repeat(100)] {
            let source = format!("a\nb {fault} c\nd\ne (");
            let found = split(&source, Continuation::Explicit);
            assert!(matches!(found.as_slice(), [Ok(_), Err(_), Ok(Piece { text: "d", .. }), Err(_)]), "{found:?}");
        }
    }
}
