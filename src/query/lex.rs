//! The words of a source, as far as cutting it into statements and colouring it need them.
//!
//! ```text
//!   classify clips where prompt="A <> track" and (midi > 60   # loud
//!   └word──┘       └word┘ └word┘ └─text────┘     └open        └comment
//! ```
//!
//! Strings stand in `"` or `'` with `\` escapes and may hold newlines; `#` and `--` start a comment outside of them; a
//! trailing `\` joins two lines. Anything else that is wrong is left to the parser, which has the better words for it.

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
    /// A `;`.
    Semicolon,
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
        '(' => (Kind::Open, 1),
        ')' => (Kind::Close, 1),
        ';' => (Kind::Semicolon, 1),
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
    fn the_tokens_are_the_whole_text() {
        for text in ["", "é(\\", "\\\\\n", "\"笛\\", "a\r\nb", "--", ". 5", "\u{0}{}"] {
            let mut end = 0;
            for token in tokens(text, 0) {
                assert_eq!(token.start, end);
                assert!(token.end > token.start && text.is_char_boundary(token.end), "{text:?}");
                end = token.end;
            }
            assert_eq!(end, text.len());
        }
    }

    #[test]
    fn partners() {
        let text = "a (b (c)) \"(\"";
        assert_eq!(matching(text, 2), Some((2, 8)));
        assert_eq!(matching(text, 9), Some((2, 8)));
        assert_eq!(matching(text, 5), Some((5, 7)));
        assert_eq!(matching(text, 11), None);
        assert_eq!(matching(")", 0), None);
    }
}
