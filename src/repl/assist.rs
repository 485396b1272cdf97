//! What the line editor asks while a statement is typed: is it complete, how does it go on, what colour has a word.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io::Write;

use rustyline::completion::{Completer, FilenameCompleter};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Cmd, ConditionalEventHandler, Context, Event, EventContext, RepeatCount};

use super::dot::COMMANDS;
use super::lines::is_dot;
use super::{Candidate, Hint, Shell, WordKind};
use crate::query::lex::{Kind, matching, tokens};
use crate::query::split::{Open, open_at_end};
use crate::render::Format;

/// The editor's helper: lexical questions are answered here, those about the language and the store by the shell.
pub struct Assist<'a, S> {
    shell: &'a RefCell<S>,
    files: FilenameCompleter,
}

impl<'a, S: Shell> Assist<'a, S> {
    /// A helper that asks `shell`.
    pub fn new(shell: &'a RefCell<S>) -> Self {
        Assist { shell, files: FilenameCompleter::new() }
    }
}

impl<S: Shell> rustyline::Helper for Assist<'_, S> {}

impl<S: Shell> Validator for Assist<'_, S> {
    fn validate(&self, context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        Ok(if awaits_more(context.input()) { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

/// Ctrl-C throws the line away; the dim hint behind it goes too, and does not stay on the screen as if it had been typed.
pub struct ClearHint;

impl ConditionalEventHandler for ClearHint {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        if context.pos() == context.line().len() {
            let mut out = std::io::stdout();
            // Clears from the cursor, which stands before the hint, to the end of the screen.
            let _ = out.write_all(b"\x1b[J").and_then(|()| out.flush());
        }
        Some(Cmd::Interrupt)
    }
}

/// An open statement goes on, until two blank lines end it as it is: its error names what is open.
fn awaits_more(input: &str) -> bool {
    !is_dot(input) && open_at_end(input) != Open::Nothing && !input.ends_with("\n\n")
}

impl rustyline::completion::Candidate for Candidate {
    fn display(&self) -> &str {
        &self.display
    }

    fn replacement(&self) -> &str {
        &self.replacement
    }
}

impl<S: Shell> Completer for Assist<'_, S> {
    type Candidate = Candidate;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Candidate>)> {
        if is_dot(line) {
            return self.complete_dot(line, pos);
        }
        Ok(self.shell.try_borrow().map_or((pos, Vec::new()), |shell| shell.complete(line, pos)))
    }
}

impl<S: Shell> Assist<'_, S> {
    fn complete_dot(&self, line: &str, pos: usize) -> rustyline::Result<(usize, Vec<Candidate>)> {
        let typed = line.get(..pos).unwrap_or(line);
        let start = typed.len() - typed.trim_start().len();
        let Some(space) = typed.trim_start().find(char::is_whitespace) else {
            let word = typed.trim_start();
            let names = COMMANDS.iter().filter(|(name, _, _)| name.starts_with(word));
            let candidate = |(name, argument, _): &(&str, &str, &str)| Candidate {
                display: (*name).to_owned(),
                replacement: if argument.is_empty() { (*name).to_owned() } else { format!("{name} ") },
            };
            return Ok((start, names.map(candidate).collect()));
        };
        let command = &typed.trim_start()[..space];
        let argument = typed.rfind(char::is_whitespace).map_or(pos, |at| at + 1);
        let words: Vec<&str> = match command {
            ".mode" => Format::NAMES.to_vec(),
            ".timer" | ".headers" | ".echo" | ".bail" => vec!["on", "off"],
            ".maxrows" => vec!["all"],
            ".help" => COMMANDS.iter().map(|(name, _, _)| *name).collect(),
            _ => {
                let (start, pairs) = self.files.complete_path(line, pos)?;
                return Ok((
                    start,
                    pairs.into_iter().map(|p| Candidate { display: p.display, replacement: p.replacement }).collect(),
                ));
            }
        };
        let fits = words.into_iter().filter(|word| word.starts_with(typed.get(argument..).unwrap_or_default()));
        Ok((argument, fits.map(Candidate::word).collect()))
    }
}

impl rustyline::hint::Hint for Hint {
    fn display(&self) -> &str {
        &self.text
    }

    fn completion(&self) -> Option<&str> {
        self.insert.then_some(&self.text)
    }
}

impl<S: Shell> Hinter for Assist<'_, S> {
    type Hint = Hint;

    fn hint(&self, line: &str, pos: usize, context: &Context<'_>) -> Option<Hint> {
        if pos < line.len() || line.is_empty() {
            return None;
        }
        if is_dot(line) {
            return dot_hint(line);
        }
        let from_shell = self.shell.try_borrow().ok().and_then(|shell| shell.hint(line, pos));
        from_shell.or_else(|| from_history(line, context))
    }
}

/// The rest of a command's usage: `.mode` → ` [FORMAT]`.
fn dot_hint(line: &str) -> Option<Hint> {
    let word = line.trim_start();
    let (_, argument, _) = COMMANDS.iter().find(|(name, argument, _)| *name == word && !argument.is_empty())?;
    Some(Hint { text: format!(" {argument}"), insert: false })
}

/// The rest of the latest line that began like this.
fn from_history(line: &str, context: &Context<'_>) -> Option<Hint> {
    let history = context.history();
    let before = |index| {
        let found = history.starts_with(line, index, rustyline::history::SearchDirection::Reverse);
        found.ok().flatten()
    };
    let entry = before(history.len().checked_sub(1)?)?.entry;
    let rest = entry.strip_prefix(line)?.lines().next()?;
    (!rest.is_empty()).then(|| Hint { text: rest.to_owned(), insert: true })
}

impl<S: Shell> Highlighter for Assist<'_, S> {
    fn highlight<'l>(&self, line: &'l str, pos: usize) -> Cow<'l, str> {
        if is_dot(line) {
            return Cow::Borrowed(line);
        }
        let shell = self.shell.try_borrow().ok();
        let kind = |word: &str| shell.as_ref().map_or(WordKind::Plain, |shell| shell.classify_word(word));
        Cow::Owned(colored(line, pos, kind))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[2m{hint}\x1b[0m"))
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        true
    }
}

/// The line in colours: verbs bold, clauses blue, parameters cyan, text green, the pair of brackets at the cursor marked.
fn colored(line: &str, pos: usize, kind: impl Fn(&str) -> WordKind) -> String {
    let pair = matching(line, pos);
    let mut out = String::with_capacity(line.len() * 2);
    for token in tokens(line, 0) {
        let text = line.get(token.start..token.end).unwrap_or_default();
        let code = match token.kind {
            Kind::Comment => "2",
            Kind::Text { closed: true } => "32",
            Kind::Text { closed: false } => "33",
            Kind::Number => "35",
            Kind::Open | Kind::Close if pair.is_some_and(|(a, b)| a == token.start || b == token.start) => "1;7",
            Kind::Word => match kind(text) {
                WordKind::Verb => "1",
                WordKind::Clause => "34",
                WordKind::Parameter => "36",
                WordKind::Name => "4",
                WordKind::Plain => "",
            },
            _ => "",
        };
        if code.is_empty() {
            out.push_str(text);
        } else {
            out.push_str(&format!("\x1b[{code}m{text}\x1b[0m"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::mock::Mock;
    use super::*;
    use rustyline::history::{History, MemHistory};

    fn complete(line: &str) -> (usize, Vec<String>) {
        let shell = RefCell::new(Mock::default());
        let history = MemHistory::new();
        let (start, found) = Assist::new(&shell).complete(line, line.len(), &Context::new(&history)).unwrap();
        (start, found.into_iter().map(|c| c.replacement).collect())
    }

    #[test]
    fn commands_and_their_arguments_complete() {
        assert_eq!(complete(".m"), (0, vec![".mode ".into(), ".maxrows ".into()]));
        assert_eq!(complete(".mode js"), (6, vec!["json".into(), "jsonl".into()]));
        assert_eq!(complete(".timer o"), (7, vec!["on".into(), "off".into()]));
        assert_eq!(complete(".ex"), (0, vec![".exit".into()]));
        assert_eq!(complete(".read Cargo.to"), (6, vec!["Cargo.toml".into()]));
        assert_eq!(complete("clas"), (0, vec!["classify ".into()]));
    }

    #[test]
    fn hints_come_from_the_shell_then_from_the_history() {
        let shell = RefCell::new(Mock::default());
        let mut history = MemHistory::new();
        history.add("search clips for \"x\"").unwrap();
        let hint = |line: &str| Assist::new(&shell).hint(line, line.len(), &Context::new(&history)).map(|h| h.text);
        assert_eq!(hint("classify "), Some("clips".into()));
        assert_eq!(hint("search cl"), Some("ips for \"x\"".into()));
        assert_eq!(hint(".mode"), Some(" [FORMAT]".into()));
        assert_eq!(hint("zebra"), None);
        assert_eq!(hint(""), None);
    }

    #[test]
    fn a_statement_waits_for_its_end_but_not_for_ever() {
        assert!(awaits_more("compare (a"));
        assert!(awaits_more("search \"x\n"));
        assert!(!awaits_more("search \"x\n\n"));
        assert!(!awaits_more(".read \"x"));
        assert!(!awaits_more("count clips"));
    }

    #[test]
    fn colours_keep_the_letters() {
        let strip = |text: &str| regex::Regex::new("\x1b\\[[0-9;]*m").unwrap().replace_all(text, "").into_owned();
        let line = "classify clips where prompt=\"A <> 笛\" and (x > 0.5) # why";
        let shell = Mock::default();
        let colored = colored(line, line.find(')').unwrap(), |word| shell.classify_word(word));
        assert_eq!(strip(&colored), line);
        for part in [
            "\x1b[1mclassify\x1b[0m",
            "\x1b[34mwhere\x1b[0m",
            "\x1b[36mprompt\x1b[0m",
            "\x1b[1;7m(\x1b[0m",
            "\x1b[2m# why\x1b[0m",
        ] {
            assert!(colored.contains(part), "{part:?} in {colored:?}");
        }
    }
}
