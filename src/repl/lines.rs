//! Lines of a file or of typed text: a dot command is one line, a statement all the lines that belong to it.

use std::ops::Range;

use crate::query::split::{Continuation, line_end};

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
        let (end, speaks) = match is_dot(rest.lines().next().unwrap_or(rest)) {
            true => (at + rest.find('\n').unwrap_or(rest.len()), true),
            false => line_end(text, at, Continuation::Indented),
        };
        if speaks {
            lines.push(at..end);
        }
        // `end` is at a newline or at the end of the text.
        at = end + 1;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::lex::{matching, tokens};
    use crate::query::split::open_at_end;

    #[test]
    fn files_are_cut_into_logical_lines() {
        let text = "# head\n\nclassify clip\n  where x=1\n  # aside\n.mode json\n  .timer on\ncompare (a\nb) \\\nwith c\n\nshow \"x\ny\"\n";
        let lines: Vec<&str> = logical_lines(text).into_iter().map(|r| &text[r]).collect();
        assert_eq!(
            lines,
            ["classify clip\n  where x=1\n  # aside", ".mode json", "  .timer on", "compare (a\nb) \\\nwith c", "show \"x\ny\""]
        );
        assert!(logical_lines("\n \n# x\n").is_empty());
        assert_eq!(logical_lines("a ) b\nc"), [0..5, 6..7]);
    }

    #[test]
    fn any_text_is_cut_without_loss() {
        use rand::{Rng, SeedableRng};
        const PIECES: [&str; 14] = ["(", ")", ";", "\"", "'", "\\", "\n", " ", "#", "--", ".mode", "笛", "a-b", "\r"];
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        for _ in 0..5000 {
            let text: String = (0..rng.random_range(0..30)).map(|_| PIECES[rng.random_range(0..PIECES.len())]).collect();
            assert_eq!(tokens(&text, 0).map(|t| &text[t.start..t.end]).collect::<String>(), text);
            let mut end = 0;
            for line in logical_lines(&text) {
                assert!(line.start >= end && line.end > line.start, "{text:?}");
                end = line.end;
            }
            open_at_end(&text);
            text.char_indices().for_each(|(at, _)| assert!(matching(&text, at).is_none_or(|(a, b)| a < b)));
        }
    }
}
