//! Cuts a source into the texts of its statements.
//!
//! A newline or `;` ends a statement. It goes on over a newline inside an open bracket or quote, after a trailing `\`, and,
//! in a file, onto every line that is indented. `#` and `--` start a comment that ends with the line.

use crate::diagnostic::{Diagnostic, Span};

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
/// At the first quote or bracket that is never closed or never opened, at nesting over [`MAX_DEPTH`] and at a statement
/// over [`MAX_LENGTH`]. The statements before it are returned in any case, so that they can run.
pub fn split(source: &str, continuation: Continuation) -> (Vec<Piece<'_>>, Option<Diagnostic>) {
    let mut scan = Scan::new(source, continuation);
    let fault = scan.run();
    (scan.pieces, fault)
}

/// What is open at the end of `source`: tells a terminal whether to ask for another line.
pub fn open_at_end(source: &str) -> Open {
    let mut scan = Scan::new(source, Continuation::Explicit);
    match scan.run() {
        Some(_) if scan.broken => Open::Nothing,
        _ => scan.open(),
    }
}

struct Scan<'a> {
    source: &'a str,
    continuation: Continuation,
    pieces: Vec<Piece<'a>>,
    quote: Option<(char, usize)>,
    brackets: Vec<usize>,
    /// True when the source ends in `\` and, perhaps, blanks.
    backslash: bool,
    /// A fault that more text would not mend.
    broken: bool,
}

impl<'a> Scan<'a> {
    fn new(source: &'a str, continuation: Continuation) -> Self {
        Scan { source, continuation, pieces: Vec::new(), quote: None, brackets: Vec::new(), backslash: false, broken: false }
    }

    fn open(&self) -> Open {
        match (self.quote, self.brackets.first()) {
            (Some((mark, at)), _) => Open::Quote(mark, at),
            (None, Some(&at)) => Open::Bracket(at),
            (None, None) if self.backslash => Open::Backslash,
            _ => Open::Nothing,
        }
    }

    fn run(&mut self) -> Option<Diagnostic> {
        let mut start = 0;
        let mut chars = self.source.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if !matches!(c, ' ' | '\t' | '\r') {
                self.backslash = c == '\\' && self.quote.is_none();
            }
            if let Some((mark, _)) = self.quote {
                match c {
                    '\\' => {
                        chars.next();
                    }
                    c if c == mark => self.quote = None,
                    _ => {}
                }
                continue;
            }
            match c {
                '"' | '\'' => self.quote = Some((c, at)),
                '#' => skip_line(&mut chars),
                '-' if matches!(chars.peek(), Some((_, '-'))) => skip_line(&mut chars),
                '(' => {
                    self.brackets.push(at);
                    if self.brackets.len() > MAX_DEPTH {
                        self.broken = true;
                        return Some(
                            Diagnostic::new(format!("brackets are nested deeper than {MAX_DEPTH}")).at(Span::new(at, at + 1)),
                        );
                    }
                }
                ')' if self.brackets.pop().is_none() => {
                    self.broken = true;
                    return Some(
                        Diagnostic::new("`)` closes nothing")
                            .at(Span::new(at, at + 1))
                            .hint("remove it, or add the `(` that it closes"),
                    );
                }
                '\\' => {
                    while matches!(chars.peek(), Some((_, ' ' | '\t' | '\r'))) {
                        chars.next();
                    }
                    if matches!(chars.peek(), Some((_, '\n'))) {
                        chars.next();
                        self.backslash = false;
                    }
                }
                ';' if self.brackets.is_empty() => {
                    if let Some(fault) = self.cut(start, at) {
                        return Some(fault);
                    }
                    start = at + 1;
                }
                '\n' if self.brackets.is_empty() && !self.continues(at + 1) => {
                    if let Some(fault) = self.cut(start, at) {
                        return Some(fault);
                    }
                    start = at + 1;
                }
                _ => {}
            }
        }
        match self.open() {
            Open::Quote(mark, at) => Some(
                Diagnostic::new(format!("the quote `{mark}` is never closed"))
                    .at(Span::new(at, at + 1))
                    .hint(format!("add `{mark}` at the end of the text")),
            ),
            Open::Bracket(at) => {
                Some(Diagnostic::new("the bracket `(` is never closed").at(Span::new(at, at + 1)).hint("add the missing `)`"))
            }
            _ => self.cut(start, self.source.len()),
        }
    }

    /// Whether the line that starts at `at` belongs to the statement before it.
    fn continues(&self, at: usize) -> bool {
        if self.continuation == Continuation::Explicit {
            return false;
        }
        let line = self.source[at..].split('\n').next().unwrap_or("");
        line.starts_with([' ', '\t']) && !line.trim().is_empty()
    }

    fn cut(&mut self, start: usize, end: usize) -> Option<Diagnostic> {
        let text = &self.source[start..end];
        if is_blank(text) {
            return None;
        }
        let lead = text.len() - text.trim_start().len();
        if text.len() > MAX_LENGTH {
            self.broken = true;
            let message = format!("a statement of {} bytes is longer than the {MAX_LENGTH} allowed", text.len());
            return Some(Diagnostic::new(message).at(Span::new(start + lead, start + lead + 1)));
        }
        self.pieces.push(Piece { text: text.trim(), offset: start + lead });
        None
    }
}

fn skip_line(chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>) {
    while matches!(chars.peek(), Some((_, c)) if *c != '\n') {
        chars.next();
    }
}

/// Only blanks, comments and continuation marks.
fn is_blank(text: &str) -> bool {
    text.lines().all(|line| {
        let line = line.trim();
        line.is_empty() || line == "\\" || line.starts_with('#') || line.starts_with("--")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str, continuation: Continuation) -> Vec<&str> {
        split(source, continuation).0.iter().map(|p| p.text).collect()
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
        assert!(split("a )", Continuation::Explicit).1.is_some());
        assert!(split(&"(".repeat(100), Continuation::Explicit).1.is_some());
    }
}
