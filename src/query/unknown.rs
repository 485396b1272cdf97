//! What is said of words of a statement that its verb does not know: `classify clips spcae=joint`.

use super::signature::{Clause, Signature};
use super::statement::{Argument, Literal};
use crate::diagnostic::{Diagnostic, Spanned, one_of};

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
    } else {
        fault
    }
}

/// An argument that the verb can't use.
pub fn unknown_word(argument: &Argument, signature: &Signature) -> Diagnostic {
    let (word, span) = match argument {
        Argument::Word(w) | Argument::Text(w) => (w.node.clone(), w.span),
        Argument::Nested(s) => ("(…)".to_owned(), s.span),
    };
    if ["and", "or", "not"].iter().any(|w| w.eq_ignore_ascii_case(&word)) {
        let fault = Diagnostic::new(format!("`{word}` joins no condition")).at(span);
        return fault.expected("a condition on each side of it, after `where`, as in `where pitch > 60 and take = 1`");
    }
    let clauses = signature.clauses.iter().copied().chain(Clause::OF_RESULT);
    let words: Vec<&str> = signature.subjects.iter().copied().chain(clauses.map(Clause::word)).collect();
    let expected = one_of(words.iter().copied());
    Diagnostic::new(format!("`{}` can't use `{word}`", signature.name))
        .at(span)
        .expected(expected)
        .suggest(&word, words.iter().copied().chain(signature.parameters.iter().map(|p| p.name)))
}
