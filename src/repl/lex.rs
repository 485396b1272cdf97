//! The words of a statement as far as an editor needs them: what is open, what is text, which brackets match.
//!
//! ```text
//!   classify clips where prompt="A <> track" and (midi > 60   # loud
//!   └word──┘       └word┘ └word┘ └─text────┘     └open        └comment
//! ```
//!
//! Strings stand in `"` or `'` with `\` escapes and may hold newlines; `#` and `--` start a comment outside of them; a
//! trailing `\` joins two lines. Anything else that is wrong is left to the parser, which has the better words for it.

use std::ops::Range;

/// What a stretch of a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Space,
    Newline,
    Comment,
    /// A string with its quotes; `closed` is false when the end of the input came first.
    Text {
        closed: bool,
    },
    Number,
    Word,
    Open,
    Close,
    /// A `\` before a newline (with it) or at the end.
    Join,
    Other,
}

/// A stretch of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

/// The tokens of `text` from byte `from` on; together they are all of it.
pub fn tokens(text: &str, from: usize) -> impl Iterator<Item = Token> + '_ {
    let mut at = from;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let (kind, length) = next(rest);
        let token = Token { kind, start: at, end: at + length };
        at = token.end;
        Some(token)
    })
}

fn next(rest: &str) -> (Kind, usize) {
    let until = |stop: fn(char) -> bool| rest.find(stop).unwrap_or(rest.len());
    let Some(first) = rest.chars().next() else { return (Kind::Other, 0) };
    match first {
        '\n' => (Kind::Newline, 1),
        '#' => (Kind::Comment, until(|c| c == '\n')),
        '-' if rest.starts_with("--") => (Kind::Comment, until(|c| c == '\n')),
        '"' | '\'' => text(rest, first),
        '\\' => match rest.strip_prefix('\\').unwrap_or(rest).trim_start_matches([' ', '\t', '\r']) {
            "" => (Kind::Join, rest.len()),
            after if after.starts_with('\n') => (Kind::Join, rest.len() - after.len() + 1),
            _ => (Kind::Other, 1),
        },
        '(' | '[' | '{' => (Kind::Open, 1),
        ')' | ']' | '}' => (Kind::Close, 1),
        c if c.is_whitespace() => (Kind::Space, until(|c| c == '\n' || !c.is_whitespace())),
        c if c.is_ascii_digit() => (Kind::Number, until(|c| !(c.is_alphanumeric() || c == '.'))),
        c if is_word(c) => (Kind::Word, word(rest)),
        c => (Kind::Other, c.len_utf8()),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Letters, digits, `_`, and `-` or `.` between them (`pre-joint`, `meta.top`).
fn word(rest: &str) -> usize {
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let inner = matches!(c, '-' | '.') && chars.peek().is_some_and(|(_, next)| is_word(*next));
        if !is_word(c) && !inner {
            return at;
        }
    }
    rest.len()
}

fn text(rest: &str, quote: char) -> (Kind, usize) {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return (Kind::Text { closed: true }, at + 1);
        }
    }
    (Kind::Text { closed: false }, rest.len())
}

/// The brackets and quotes that are open at some place.
#[derive(Debug, Default)]
struct Brackets {
    open: Vec<char>,
    /// A closing bracket that closes nothing: no further line can mend it.
    broken: bool,
}

impl Brackets {
    fn read(&mut self, text: &str, token: Token) {
        let bracket = text.get(token.start..token.end).and_then(|t| t.chars().next());
        match (token.kind, bracket) {
            (Kind::Open, Some(bracket)) => self.open.push(bracket),
            (Kind::Close, Some(bracket)) if self.open.pop() != Some(opening(bracket)) => self.broken = true,
            _ => {}
        }
    }

    fn waits(&self) -> bool {
        !self.open.is_empty() && !self.broken
    }
}

fn opening(closing: char) -> char {
    match closing {
        ')' => '(',
        ']' => '[',
        _ => '{',
    }
}

/// True when a statement cannot end here: an open bracket or quote, or a trailing `\`.
pub fn is_open(text: &str) -> bool {
    let mut brackets = Brackets::default();
    let mut last = Kind::Space;
    for token in tokens(text, 0) {
        brackets.read(text, token);
        if token.kind != Kind::Space {
            last = token.kind;
        }
    }
    brackets.waits() || last == Kind::Text { closed: false } || last == Kind::Join
}

/// True for a line that is a command to the REPL (`.mode json`) and no statement.
pub fn is_dot(line: &str) -> bool {
    let mut chars = line.trim_start().chars();
    chars.next() == Some('.') && chars.next().is_none_or(|c| c.is_ascii_alphabetic())
}

/// The lines of a file of statements: each with what belongs to it over newlines (open brackets and quotes, a trailing
/// `\`, indented lines), without blank lines and lines of comment. A dot command is always one line.
pub fn logical_lines(text: &str) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let end = if is_dot(rest.lines().next().unwrap_or(rest)) {
            at + rest.find('\n').unwrap_or(rest.len())
        } else {
            statement_end(text, at)
        };
        let says_something = tokens(&text[..end], at).any(|t| !matches!(t.kind, Kind::Space | Kind::Newline | Kind::Comment));
        if says_something {
            lines.push(at..end);
        }
        // `end` is at a newline or at the end of the text.
        at = end + 1;
    }
    lines
}

fn statement_end(text: &str, from: usize) -> usize {
    let mut brackets = Brackets::default();
    for token in tokens(text, from) {
        brackets.read(text, token);
        if token.kind == Kind::Newline && !brackets.waits() && !goes_on(&text[token.end..]) {
            return token.start;
        }
    }
    text.len()
}

/// True when the next line is indented and not blank.
fn goes_on(rest: &str) -> bool {
    let line = rest.lines().next().unwrap_or_default();
    line.starts_with([' ', '\t']) && !line.trim().is_empty() && !is_dot(line)
}

/// The bracket at `pos` or just before it, and its partner: byte offsets.
pub fn matching(text: &str, pos: usize) -> Option<(usize, usize)> {
    let mut open = Vec::new();
    let mut before = None;
    for token in tokens(text, 0) {
        match token.kind {
            Kind::Open => open.push(token.start),
            Kind::Close => {
                let pair = (open.pop()?, token.start);
                if pair.0 == pos || pair.1 == pos {
                    return Some(pair);
                }
                if pair.0 + 1 == pos || pair.1 + 1 == pos {
                    before = Some(pair);
                }
            }
            _ => {}
        }
    }
    before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        tokens(text, 0).filter(|t| t.kind != Kind::Space).map(|t| (t.kind, &text[t.start..t.end])).collect()
    }

    #[test]
    fn words_text_and_comments() {
        let closed = Kind::Text { closed: true };
        assert_eq!(
            kinds("space=pre-joint \"a\\\"b # c\" -- x"),
            [
                (Kind::Word, "space"),
                (Kind::Other, "="),
                (Kind::Word, "pre-joint"),
                (closed, "\"a\\\"b # c\""),
                (Kind::Comment, "-- x")
            ]
        );
        assert_eq!(kinds("meta.top 0.5笛"), [(Kind::Word, "meta.top"), (Kind::Number, "0.5笛")]);
        assert_eq!(kinds("'it"), [(Kind::Text { closed: false }, "'it")]);
    }

    #[test]
    fn open_ends() {
        for open in ["a (b", "a \"b", "a 'b\n", "a \\", "a \\  \n", "f([1]", "x \"\\\"", "(\n)("] {
            assert!(is_open(open), "{open:?}");
        }
        for closed in ["a (b)", "a # (", "a \"(\"", "a)", "(]", "a -- \"", "", "a \\ b"] {
            assert!(!is_open(closed), "{closed:?}");
        }
    }

    #[test]
    fn files_are_cut_into_logical_lines() {
        let text = "# head\n\nclassify clip\n  where x=1\n  # aside\n.mode json\n  .timer on\ncompare (a\nb) \\\nwith c\n\nshow \"x\ny\"\n";
        let lines: Vec<&str> = logical_lines(text).into_iter().map(|r| &text[r]).collect();
        assert_eq!(
            lines,
            ["classify clip\n  where x=1\n  # aside", ".mode json", "  .timer on", "compare (a\nb) \\\nwith c", "show \"x\ny\""]
        );
        assert!(logical_lines("\n \n# x\n").is_empty());
    }

    #[test]
    fn the_tokens_are_the_whole_text() {
        for text in ["", "é(\\", "\\\\\n", "\"笛\\", "a\r\nb", "--", ". 5", "\u{0}{}"] {
            let mut end = 0;
            for token in tokens(text, 0) {
                assert_eq!(token.start, end);
                assert!(token.end > token.start && text.is_char_boundary(token.end), "{text:?}");
                end = token.end;
            }
            assert_eq!(end, text.len());
            logical_lines(text);
        }
    }

    #[test]
    fn partners() {
        let text = "a (b [c]) \"(\"";
        assert_eq!(matching(text, 2), Some((2, 8)));
        assert_eq!(matching(text, 9), Some((2, 8)));
        assert_eq!(matching(text, 5), Some((5, 7)));
        assert_eq!(matching(text, 11), None);
        assert_eq!(matching(")", 0), None);
    }

    #[test]
    fn any_text_is_cut_without_loss() {
        use rand::{Rng, SeedableRng};
        const PIECES: [&str; 14] = ["(", ")", "[", "\"", "'", "\\", "\n", " ", "#", "--", ".mode", "笛", "a-b", "\r"];
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        for _ in 0..5000 {
            let text: String = (0..rng.random_range(0..30)).map(|_| PIECES[rng.random_range(0..PIECES.len())]).collect();
            assert_eq!(tokens(&text, 0).map(|t| &text[t.start..t.end]).collect::<String>(), text);
            let mut end = 0;
            for line in logical_lines(&text) {
                assert!(line.start >= end && line.end > line.start, "{text:?}");
                end = line.end;
            }
            is_open(&text);
            text.char_indices().for_each(|(at, _)| assert!(matching(&text, at).is_none_or(|(a, b)| a < b)));
        }
    }
}
