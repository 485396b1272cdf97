//! The words between a verb and its clauses: its subject, flags, and what the verb reads itself.
//!
//! `classify clips confusion` is the subject `clip` and the flag `confusion`; `classify clip "ID"` has an argument, the id.

use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::query::bind::Bound;
use crate::query::signature::Signature;
use crate::query::statement::Argument;
use crate::query::unknown::{is_slip, unknown_before};

/// Of the subjects those that stand beside another.
const FLAGS: [&str; 1] = ["confusion"];

/// Splits the arguments into the signature's own words and the rest; `clips` is `clip`.
pub(super) fn subjects(arguments: Vec<Argument>, signature: &Signature) -> (Vec<Spanned<String>>, Vec<Argument>) {
    let mut subjects = Vec::new();
    let mut rest = Vec::new();
    for argument in arguments {
        match argument {
            Argument::Word(word) => match subject(&word.node, signature) {
                // A word after the first free argument is still a flag; before it, it is the subject.
                Some(known) => subjects.push(Spanned::new(known, word.span)),
                None => rest.push(Argument::Word(word)),
            },
            other => rest.push(other),
        }
    }
    (subjects, rest)
}

fn subject(word: &str, signature: &Signature) -> Option<String> {
    let lower = word.to_lowercase();
    let singular = match lower.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => lower.strip_suffix('s').unwrap_or(&lower).to_owned(),
    };
    signature.subjects.iter().find(|s| **s == lower || **s == singular).map(|s| (*s).to_owned())
}

impl Bound {
    /// Refuses arguments after the first `most`, and subjects after the first.
    ///
    /// # Errors
    /// Names the first word that the verb can't use.
    pub fn refuse_more_than(&self, most: usize, signature: &Signature) -> Result<(), Diagnostic> {
        self.refuse_second_subject()?;
        if self.arguments.len() <= most {
            return Ok(());
        }
        // `classify clip tpo 3`: the misspelt word, and not the one behind it, of which it makes one too many.
        let slip = (0..most).find(|&at| self.is_slip(at, signature));
        Err(self.unknown_argument(slip.unwrap_or(most), signature))
    }

    /// What is said of the argument number `at`, which the verb can't use.
    pub fn unknown_argument(&self, at: usize, signature: &Signature) -> Diagnostic {
        match self.arguments.get(at) {
            Some(argument) => unknown_before(argument, self.arguments.get(at + 1), signature),
            None => Diagnostic::new(format!("`{}` lacks a word", self.verb.node)).at(self.verb.span),
        }
    }

    /// Whether the argument number `at` is a slip for a word of the language.
    pub fn is_slip(&self, at: usize, signature: &Signature) -> bool {
        self.arguments.get(at).is_some_and(|argument| is_slip(argument, signature))
    }

    /// Whether the subject `word` is there in the singular: `clip`, and not `clips`.
    pub fn has_singular(&self, word: &str) -> bool {
        self.subjects.iter().any(|s| s.node == word && self.written_at(s.span).eq_ignore_ascii_case(word))
    }

    fn refuse_second_subject(&self) -> Result<(), Diagnostic> {
        let said_before = |at: usize, word: &str| self.subjects.iter().take(at).any(|other| other.node == word);
        if let Some((_, extra)) = self.subjects.iter().enumerate().find(|(at, one)| said_before(*at, &one.node)) {
            let fault = Diagnostic::new(format!("`{}` stands twice", self.written_at(extra.span))).at(extra.span);
            return Err(fault.expected("each word at most once"));
        }
        let mut subjects = self.subjects.iter().filter(|s| !FLAGS.contains(&s.node.as_str()));
        let (first, second) = (subjects.next(), subjects.next());
        let (Some(first), Some(second)) = (first, second) else { return Ok(()) };
        let (verb, first, word) = (&self.verb.node, self.written_at(first.span), self.written_at(second.span));
        let fault = Diagnostic::new(format!("`{verb}` is about one thing, `{first}`, and `{word}` is another")).at(second.span);
        Err(fault.expected("a statement of its own"))
    }

    /// The word at a place of the statement, whose text begins with its verb.
    fn written_at(&self, span: Span) -> &str {
        let at = |place: usize| place.saturating_sub(self.verb.span.start);
        self.text.get(at(span.start)..at(span.end)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::signature::{Clause, shared};
    use crate::query::{Piece, Settings, Statement, bind, parse};

    static CLASSIFY: Signature = Signature {
        name: "classify",
        subjects: &["clip", "label", "confusion"],
        clauses: &[Clause::Top, Clause::Using],
        parameters: &[shared::SEED],
        ..Signature::BARE
    };

    fn bound(text: &str) -> Bound {
        let Ok(Statement::Command(command)) = parse(Piece { text, offset: 7 }) else { panic!("{text}") };
        bind(*command, &CLASSIFY, &Settings::new()).unwrap()
    }

    #[test]
    fn a_statement_has_one_subject() {
        let refused = |text: &str| bound(text).refuse_more_than(1, &CLASSIFY).unwrap_err();
        assert_eq!(
            refused("classify clips top 3 labels").message,
            "`classify` is about one thing, `clips`, and `labels` is another"
        );
        let fault = refused("classify clip \"a\" Clips");
        assert_eq!((fault.message.as_str(), fault.span), ("`Clips` stands twice", Some(Span::new(25, 30))));
        assert_eq!(refused("classify clips confusion confusion").message, "`confusion` stands twice");
        for text in ["classify clips confusion", "classify confusion clip \"a\"", "classify \"clip\" clip"] {
            assert_eq!(bound(text).refuse_more_than(1, &CLASSIFY), Ok(()), "{text}");
        }
    }

    #[test]
    fn the_word_that_is_misspelt_is_named() {
        let refused = |text: &str| bound(text).refuse_more_than(1, &CLASSIFY).unwrap_err();
        let fault = refused("classify clip tpo 3");
        assert_eq!((fault.message.as_str(), fault.hints[0].as_str()), ("`classify` can't use `tpo`", "did you mean `top`?"));
        assert_eq!(refused("classify clip \"a\" \"b\" tpo").message, "`classify` can't use `b`");
        assert!(refused("classify clip a 3").hints.is_empty());
        let fault = refused("classify clip \"a\" seed 3");
        assert_eq!(
            (fault.message.as_str(), fault.expected.as_deref()),
            ("the parameter `seed` stands without `=`", Some("`seed=3`"))
        );
    }

    #[test]
    fn the_singular_is_told_from_the_plural() {
        assert!(bound("classify Clip x").has_singular("clip"));
        assert!(!bound("classify clips x").has_singular("clip") && !bound("classify x").has_singular("clip"));
    }
}
