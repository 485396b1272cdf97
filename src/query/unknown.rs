//! What is said of words of a statement that its verb does not know: `classify clips spcae=joint`.

use super::signature::{Clause, Signature};
use super::statement::{Argument, Literal, quoted};
use crate::diagnostic::{Diagnostic, Spanned, did_you_mean, one_of};

/// A parameter that the verb does not have.
pub(super) fn unknown_parameter(key: &Spanned<String>, value: &Spanned<Literal>, signature: &Signature) -> Diagnostic {
    let names = || signature.parameters.iter().map(|p| p.name);
    let expected = match signature.parameters {
        [] => format!("no parameter: `{}` takes none", signature.name),
        _ => format!("a parameter of `{}`: {}", signature.name, one_of(names())),
    };
    let fault =
        Diagnostic::new(format!("unknown parameter `{}`", key.node)).at(key.span).expected(expected).suggest(&key.node, names());
    let clause = Clause::ALL.iter().map(|clause| clause.word()).find(|word| word.eq_ignore_ascii_case(&key.node));
    if let Some(clause) = clause {
        fault.hint(format!("`{clause}` is a clause and takes no `=`: `{clause} {}`", value.node))
    } else if signature.takes(Clause::Where) {
        fault.hint(format!("a condition on a metadata field stands after `where`: `where {} = …`", key.node))
    } else if signature.name == "use" {
        // The other verb of defaults is meant.
        fault.hint(format!("`set {}={}` makes it the default of the statements that follow", key.node, value.node))
    } else {
        fault
    }
}

/// The word right before a parameter that the verb does not have, where it is nearly that of a clause: `wher label = violin`.
pub(super) fn misspelt_clause(arguments: &[Argument], key: &Spanned<String>, signature: &Signature) -> Option<Diagnostic> {
    let argument = arguments.iter().rev().find(|argument| argument.span().end <= key.span.start)?;
    let Argument::Word(word) = argument else { return None };
    let near = near(&word.node, signature)?;
    clauses(signature).any(|clause| clause == near).then(|| unknown_word(argument, signature))
}

/// An argument that the verb can't use.
pub fn unknown_word(argument: &Argument, signature: &Signature) -> Diagnostic {
    unknown_before(argument, None, signature)
}

/// The same with the argument behind it, which may be the value of a parameter: `k 5`.
pub(super) fn unknown_before(argument: &Argument, next: Option<&Argument>, signature: &Signature) -> Diagnostic {
    let (word, span) = match argument {
        Argument::Word(w) | Argument::Text(w) => (w.node.clone(), w.span),
        Argument::Nested(s) => ("(…)".to_owned(), s.span),
    };
    if joins(&word) {
        let fault = Diagnostic::new(format!("`{word}` joins no condition")).at(span);
        return fault.expected("a condition on each side of it, after `where`, as in `where pitch > 60 and take = 1`");
    }
    if let (Argument::Word(_), Some(parameter)) = (argument, signature.parameter(&word)) {
        let value = match next {
            Some(Argument::Word(value)) => value.node.clone(),
            Some(Argument::Text(value)) => quoted(&value.node),
            _ => "…".to_owned(),
        };
        let fault = Diagnostic::new(format!("the parameter `{}` stands without `=`", parameter.name)).at(span);
        return fault.expected(format!("`{}={value}`", parameter.name));
    }
    let words = signature.subjects.iter().copied().chain(clauses(signature));
    let fault = Diagnostic::new(format!("`{}` can't use `{word}`", signature.name)).at(span).expected(one_of(words));
    match near(&word, signature) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault,
    }
}

/// Whether a bare word is a slip for a word of the language, and hardly the name of something.
pub(super) fn is_slip(argument: &Argument, signature: &Signature) -> bool {
    let slip = |word: &str| joins(word) || signature.parameter(word).is_some() || near(word, signature).is_some();
    matches!(argument, Argument::Word(word) if slip(&word.node))
}

fn joins(word: &str) -> bool {
    ["and", "or", "not"].iter().any(|w| w.eq_ignore_ascii_case(word))
}

fn clauses(signature: &Signature) -> impl Iterator<Item = &'static str> {
    signature.clauses.iter().copied().chain(Clause::OF_RESULT).map(Clause::word)
}

/// The other word of the language that `word` is nearly; of a single letter or a number nothing tells which.
fn near(word: &str, signature: &Signature) -> Option<&'static str> {
    if word.chars().count() < 2 || !word.starts_with(char::is_alphabetic) {
        return None;
    }
    let parameters = signature.parameters.iter().map(|p| p.name);
    let words: Vec<&'static str> = signature.subjects.iter().copied().chain(clauses(signature)).chain(parameters).collect();
    let first = |words: &'static str| words.split(' ').next().unwrap_or(words);
    let found = did_you_mean(word, words.iter().copied().map(first)).filter(|found| !found.eq_ignore_ascii_case(word))?;
    words.into_iter().find(|&words| first(words) == found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;
    use crate::query::signature::shared;

    static SEARCH: Signature =
        Signature { name: "search", subjects: &["clip"], clauses: &[Clause::In], parameters: &[shared::EF], ..Signature::BARE };

    #[test]
    fn a_clause_that_is_misspelt_goes_before_the_parameter_that_it_leaves() {
        let word = |text: &str, at: usize| Spanned::new(text.to_owned(), Span::new(at, at + text.len()));
        let told = |arguments: &[Argument]| misspelt_clause(arguments, &word("label", 20), &SEARCH).map(|fault| fault.message);
        let [clips, limit, text] = [word("clips", 5), word("limt", 12), word("limt", 12)];
        assert_eq!(told(&[Argument::Word(clips.clone()), Argument::Word(limit)]).unwrap(), "`search` can't use `limt`");
        assert_eq!(told(&[Argument::Word(clips.clone()), Argument::Text(text)]), None);
        assert_eq!(told(&[Argument::Word(clips), Argument::Word(word("limt", 30))]), None);
    }

    #[test]
    fn no_word_is_suggested_for_itself() {
        let said = |word: &str| Spanned::new(word.to_owned(), Span::default());
        let hints = |argument: Argument| unknown_word(&argument, &SEARCH).hints;
        assert_eq!(hints(Argument::Word(said("limt"))), ["did you mean `limit`?"]);
        assert_eq!(hints(Argument::Word(said("ordr"))), ["did you mean `order by`?"]);
        for word in ["3", "x", "zebra"] {
            assert!(hints(Argument::Word(said(word))).is_empty(), "{word}");
        }
        assert!(hints(Argument::Text(said("clip"))).is_empty());
        let told = |next: Option<&Argument>| unknown_before(&Argument::Word(said("EF")), next, &SEARCH).expected.unwrap();
        assert_eq!(told(Some(&Argument::Word(said("5")))), "`ef=5`");
        assert_eq!(told(Some(&Argument::Text(said("a b")))), "`ef=\"a b\"`");
        assert_eq!(told(None), "`ef=…`");
    }
}
