//! Commands to the REPL itself: a line that begins with a dot.
//!
//! ```text
//!   .mode json      .timer on      .once "my table.csv"      .maxrows all
//! ```
//!
//! A setting without its argument shows its value. Arguments are words; quotes or `\` keep a space inside one.

use std::path::PathBuf;

use crate::diagnostic::{Diagnostic, Span, one_of};
use crate::render::Format;

/// Name, argument and purpose of each, in the order of `.help`.
pub const COMMANDS: [(&str, &str, &str); 12] = [
    (".help", "[COMMAND]", "this list, or one line of it"),
    (".mode", "[FORMAT]", "how results are written: table, csv, tsv, json, jsonl, markdown or plot"),
    (".timer", "[on|off]", "show the time that each statement took"),
    (".read", "FILE", "run the statements and commands of a file"),
    (".output", "[FILE]", "write results to a file, in the format of its ending; to the terminal again without one"),
    (".once", "FILE", "write the next result to a file, in the format of its ending"),
    (".headers", "[on|off]", "write the line of column names"),
    (".echo", "[on|off]", "show each statement of a file before its result"),
    (".bail", "[on|off]", "stop a file at its first error"),
    (".maxrows", "[N|all]", "rows of a table that are shown at the terminal"),
    (".store", "[DIR]", "show or change the store"),
    (".exit", "", "leave (also Ctrl-D)"),
];

/// A command, read. `None` in a setting asks for its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dot {
    Help(Option<String>),
    Mode(Option<Format>),
    Timer(Option<bool>),
    Read(PathBuf),
    /// `None`: to the terminal.
    Output(Option<PathBuf>),
    Once(PathBuf),
    Headers(Option<bool>),
    Echo(Option<bool>),
    Bail(Option<bool>),
    /// `Some(None)`: all rows.
    MaxRows(Option<Option<usize>>),
    Store(Option<PathBuf>),
    Exit,
}

/// Reads one line.
///
/// # Errors
/// An unknown command or setting, a missing or superfluous argument: with its place in `line`.
pub fn parse(line: &str) -> Result<Dot, Diagnostic> {
    let words = words(line)?;
    let Some((name, rest)) = words.split_first() else { return Err(Diagnostic::new("an empty command")) };
    let (argument, rest) = rest.split_first().map_or((None, rest), |(first, rest)| (Some(first), rest));
    if let Some(extra) = rest.first() {
        let hint = "a name with spaces stands in quotes";
        return Err(Diagnostic::new(format!("`{}` takes one argument", name.text)).at(extra.span).hint(hint));
    }
    let file = || match argument {
        Some(word) => Ok(PathBuf::from(&word.text)),
        None => {
            let end = Span::new(name.span.end, name.span.end);
            Err(Diagnostic::new(format!("`{}` needs a file", name.text)).at(end).expected("a file name"))
        }
    };
    let switch = || argument.map(Word::switch).transpose();
    match name.text.to_ascii_lowercase().as_str() {
        ".help" => Ok(Dot::Help(argument.map(|word| word.text.clone()))),
        ".mode" => Ok(Dot::Mode(argument.map(Word::format).transpose()?)),
        ".timer" => Ok(Dot::Timer(switch()?)),
        ".read" => file().map(Dot::Read),
        ".output" => Ok(Dot::Output(argument.map(|word| PathBuf::from(&word.text)))),
        ".once" => file().map(Dot::Once),
        ".headers" => Ok(Dot::Headers(switch()?)),
        ".echo" => Ok(Dot::Echo(switch()?)),
        ".bail" => Ok(Dot::Bail(switch()?)),
        ".maxrows" => Ok(Dot::MaxRows(argument.map(Word::rows).transpose()?)),
        ".store" => Ok(Dot::Store(argument.map(|word| PathBuf::from(&word.text)))),
        ".exit" | ".quit" => match argument {
            None => Ok(Dot::Exit),
            Some(word) => Err(Diagnostic::new(format!("`{}` takes no argument", name.text)).at(word.span)),
        },
        unknown => Err(Diagnostic::new(format!("unknown command `{}`", name.text))
            .at(name.span)
            .suggest(unknown, COMMANDS.map(|(name, _, _)| name))
            .hint("`.help` lists the commands")),
    }
}

/// A word of the line, without its quotes, and where it stood.
struct Word {
    text: String,
    span: Span,
}

impl Word {
    fn format(&self) -> Result<Format, Diagnostic> {
        Format::named(&self.text, self.span)
    }

    fn switch(&self) -> Result<bool, Diagnostic> {
        match self.text.to_ascii_lowercase().as_str() {
            "on" | "true" | "yes" | "1" => Ok(true),
            "off" | "false" | "no" | "0" => Ok(false),
            _ => Err(Diagnostic::new(format!("`{}` is no switch", self.text)).at(self.span).expected(one_of(["on", "off"]))),
        }
    }

    fn rows(&self) -> Result<Option<usize>, Diagnostic> {
        match self.text.parse() {
            _ if self.text.eq_ignore_ascii_case("all") => Ok(None),
            Ok(rows) if rows > 0 => Ok(Some(rows)),
            _ => Err(Diagnostic::new(format!("`{}` is no number of rows", self.text))
                .at(self.span)
                .expected("a whole number from 1, or `all`")),
        }
    }
}

fn words(line: &str) -> Result<Vec<Word>, Diagnostic> {
    let mut words: Vec<Word> = Vec::new();
    let mut within = false;
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        if c.is_whitespace() {
            within = false;
            continue;
        }
        if !within {
            words.push(Word { text: String::new(), span: Span::new(at, at) });
            within = true;
        }
        let Some(word) = words.last_mut() else { continue };
        match c {
            '"' | '\'' => loop {
                match chars.next() {
                    Some((_, close)) if close == c => break,
                    Some((_, '\\')) if c == '"' => word.text.extend(chars.next().map(|(_, c)| c)),
                    Some((_, c)) => word.text.push(c),
                    None => return Err(Diagnostic::new(format!("the quote `{c}` is not closed")).at(Span::new(at, at + 1))),
                }
            },
            '\\' => word.text.extend(chars.next().map(|(_, c)| c)),
            c => word.text.push(c),
        }
        word.span.end = chars.offset();
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_command_is_read() {
        for (name, argument, _) in COMMANDS {
            let line = match argument {
                "FILE" => format!("{name} x"),
                _ => name.to_owned(),
            };
            assert!(parse(&line).is_ok(), "{line}");
        }
    }

    #[test]
    fn arguments() {
        assert_eq!(parse(".mode JSON"), Ok(Dot::Mode(Some(Format::Json))));
        assert_eq!(parse("  .timer  off "), Ok(Dot::Timer(Some(false))));
        assert_eq!(parse(".maxrows all"), Ok(Dot::MaxRows(Some(None))));
        assert_eq!(parse(".maxrows 5"), Ok(Dot::MaxRows(Some(Some(5)))));
        assert_eq!(parse(".once \"my table.csv\""), Ok(Dot::Once("my table.csv".into())));
        assert_eq!(parse(".read my\\ table.dyad"), Ok(Dot::Read("my table.dyad".into())));
        assert_eq!(parse(".output"), Ok(Dot::Output(None)));
        assert_eq!(parse(".quit"), Ok(Dot::Exit));
    }

    #[test]
    fn mistakes_point_at_their_word() {
        let error = |line: &str| parse(line).unwrap_err();
        let unknown = error(".tmier on");
        assert_eq!(unknown.span, Some(Span::new(0, 6)));
        assert_eq!(unknown.hints.first().map(String::as_str), Some("did you mean `.timer`?"));
        assert_eq!(error(".mode jsno").hints, ["did you mean `json`?"]);
        assert_eq!(error(".mode jsno").span, Some(Span::new(6, 10)));
        assert_eq!(error(".read").message, "`.read` needs a file");
        assert_eq!(error(".read a b").span, Some(Span::new(8, 9)));
        assert_eq!(error(".maxrows 0").expected.as_deref(), Some("a whole number from 1, or `all`"));
        assert_eq!(error(".timer maybe").expected.as_deref(), Some("`on` or `off`"));
        assert_eq!(error(".read \"x").message, "the quote `\"` is not closed");
        assert_eq!(error(".exit 3").message, "`.exit` takes no argument");
    }
}
