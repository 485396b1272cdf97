//! Holds a command against its verb's signature: which clauses and parameters it may have, of what type and range.
//!
//! Parameters may stand before `where` or inside it joined by `and`; here they are lifted out of it. Session settings
//! (`set KEY=VALUE`) fill the parameters that a statement does not give.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Span, Spanned, one_of};
use crate::query::lift::lift;
use crate::query::predicate::Predicate;
use crate::query::signature::{Clause, Kind, Parameter, Signature};
use crate::query::statement::{Argument, Command, Literal, Sum, Target, With};
use crate::value::Value;

/// Session defaults: parameter → value.
pub type Settings = BTreeMap<String, Literal>;

/// A command whose words are all known to its verb, with typed access.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    pub text: String,
    pub verb: Spanned<String>,
    /// Subjects and flags, in the singular and lower case, that the signature lists.
    pub subjects: Vec<Spanned<String>>,
    /// The other arguments: ids, names, files, statements.
    pub arguments: Vec<Argument>,
    pub parameters: BTreeMap<&'static str, Spanned<Literal>>,
    /// What a verb with open parameters was given, as written.
    pub open: Vec<(Spanned<String>, Spanned<Literal>)>,
    pub collection: Option<Spanned<String>>,
    /// The metadata condition, without parameters.
    pub filter: Option<Predicate>,
    pub top: Option<usize>,
    /// Where its number stands.
    pub top_at: Option<Span>,
    pub by: Option<Spanned<String>>,
    pub using: Option<Spanned<String>>,
    pub target: Option<Spanned<Target>>,
    pub without: Option<Spanned<Vec<String>>>,
    pub with: Option<Spanned<With>>,
}

/// Checks `command` against `signature`.
///
/// # Errors
/// The first clause that the verb does not take, parameter it does not know, or value it cannot use.
pub fn bind(command: Command, signature: &'static Signature, settings: &Settings) -> Result<Bound, Diagnostic> {
    refuse_clauses(&command, signature)?;
    let mut parameters = BTreeMap::new();
    let mut open = Vec::new();
    for (key, value) in command.parameters {
        if signature.open_parameters {
            open.push((key, value));
            continue;
        }
        let Some(parameter) = signature.parameter(&key.node) else {
            return Err(unknown_parameter(&key, signature));
        };
        insert(&mut parameters, parameter, &key, value)?;
    }
    let filter = match command.filter {
        Some(filter) => lift(filter.node, signature, &mut parameters)?,
        None => None,
    };
    for parameter in signature.parameters {
        if let (false, Some(value)) = (parameters.contains_key(parameter.name), settings.get(parameter.name)) {
            let value = Spanned::new(value.clone(), command.verb.span);
            check(parameter, &value)?;
            parameters.insert(parameter.name, value);
        }
    }
    let (subjects, arguments) = subjects(command.arguments, signature);
    Ok(Bound {
        text: command.text,
        verb: command.verb,
        subjects,
        arguments,
        parameters,
        open,
        collection: command.collection,
        filter,
        top_at: command.top.as_ref().map(|top| top.span),
        top: count(command.top, "top", 1)?,
        by: command.by,
        using: command.using,
        target: command.target,
        without: command.without,
        with: command.with,
    })
}

impl Bound {
    /// Whether the subject or flag `word` (singular) is there.
    pub fn has(&self, word: &str) -> bool {
        self.subjects.iter().any(|s| s.node == word)
    }

    /// A parameter's value with its place.
    pub fn value(&self, name: &str) -> Option<&Spanned<Literal>> {
        self.parameters.get(name)
    }

    /// A parameter's text.
    pub fn text_of(&self, name: &str) -> Option<Spanned<&str>> {
        let value = self.value(name)?;
        match &value.node {
            Literal::Scalar(Value::Text(text)) => Some(Spanned::new(text, value.span)),
            _ => None,
        }
    }

    /// A parameter's texts: one, or those of a list, each with its place.
    pub fn texts_of(&self, name: &str) -> Vec<Spanned<String>> {
        match self.value(name) {
            Some(Spanned { node: Literal::Scalar(value), span }) => vec![Spanned::new(value.to_string(), *span)],
            Some(Spanned { node: Literal::List(items), .. }) => {
                items.iter().map(|i| Spanned::new(plain(&i.node), i.span)).collect()
            }
            None => Vec::new(),
        }
    }

    /// A whole number.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.value(name)?.node {
            Literal::Scalar(Value::Int(int)) => Some(int),
            _ => None,
        }
    }

    /// A number.
    pub fn float(&self, name: &str) -> Option<f64> {
        match &self.value(name)?.node {
            Literal::Scalar(value) => value.as_f64(),
            Literal::List(_) => None,
        }
    }

    /// A truth value.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.value(name)?.node {
            Literal::Scalar(Value::Bool(flag)) => Some(flag),
            _ => None,
        }
    }

    /// The text or number or word that stands as the argument number `i`, as text.
    pub fn argument(&self, i: usize) -> Option<Spanned<String>> {
        match self.arguments.get(i)? {
            Argument::Word(word) | Argument::Text(word) => Some(word.clone()),
            Argument::Number(number) => Some(Spanned::new(number.node.to_string(), number.span)),
            Argument::Nested(_) => None,
        }
    }

    /// The sum after `for`.
    pub fn sum(&self) -> Option<&Sum> {
        match &self.target.as_ref()?.node {
            Target::Sum(sum) => Some(sum),
            Target::Word(_) => None,
        }
    }

    /// Refuses arguments after the first `most`.
    ///
    /// # Errors
    /// Names the first word that the verb can't use.
    pub fn refuse_more_than(&self, most: usize, signature: &Signature) -> Result<(), Diagnostic> {
        match self.arguments.get(most) {
            None => Ok(()),
            Some(extra) => Err(unknown_word(extra, signature)),
        }
    }
}

fn refuse_clauses(command: &Command, signature: &Signature) -> Result<(), Diagnostic> {
    let found = [
        (Clause::In, command.collection.as_ref().map(|c| c.span)),
        (Clause::Where, command.filter.as_ref().map(|c| c.span)),
        (Clause::Top, command.top.as_ref().map(|c| c.span)),
        (Clause::By, command.by.as_ref().map(|c| c.span)),
        (Clause::Using, command.using.as_ref().map(|c| c.span)),
        (Clause::For, command.target.as_ref().map(|c| c.span)),
        (Clause::Without, command.without.as_ref().map(|c| c.span)),
        (Clause::With, command.with.as_ref().map(|c| c.span)),
    ];
    for (clause, span) in found {
        if let (Some(span), false) = (span, signature.takes(clause)) {
            let expected = match signature.clauses {
                [] => format!("no clause after `{}`", signature.name),
                clauses => format!("{} after `{}`", one_of(clauses.iter().map(|c| c.word())), signature.name),
            };
            return Err(Diagnostic::new(format!("`{}` takes no clause `{}`", signature.name, clause.word()))
                .at(span)
                .expected(expected));
        }
    }
    Ok(())
}

/// Splits the arguments into the signature's own words and the rest; `clips` is `clip`.
fn subjects(arguments: Vec<Argument>, signature: &Signature) -> (Vec<Spanned<String>>, Vec<Argument>) {
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

pub(super) fn insert(
    parameters: &mut BTreeMap<&'static str, Spanned<Literal>>,
    parameter: &'static Parameter,
    key: &Spanned<String>,
    value: Spanned<Literal>,
) -> Result<(), Diagnostic> {
    check(parameter, &value)?;
    if parameters.insert(parameter.name, value).is_some() {
        return Err(Diagnostic::new(format!("the parameter `{}` stands twice", parameter.name))
            .at(key.span)
            .expected("each parameter at most once"));
    }
    Ok(())
}

/// Whether `value` is of the parameter's type and range.
///
/// # Errors
/// Says what is allowed.
pub fn check(parameter: &Parameter, value: &Spanned<Literal>) -> Result<(), Diagnostic> {
    let wrong = || {
        Diagnostic::new(format!("`{}` can't be `{}`", parameter.name, plain(&value.node)))
            .at(value.span)
            .expected(parameter.kind.expects())
    };
    let fits = match (&parameter.kind, &value.node) {
        (Kind::Prompt | Kind::Prompts, Literal::List(items)) => {
            !items.is_empty() && items.iter().all(|i| matches!(i.node, Literal::Scalar(Value::Text(_))))
        }
        (_, Literal::List(_)) => false,
        (Kind::Int { min, max }, Literal::Scalar(Value::Int(int))) => (min..=max).contains(&int),
        (Kind::Float { min, max }, Literal::Scalar(number)) => number.as_f64().is_some_and(|n| (*min..=*max).contains(&n)),
        (Kind::Bool, Literal::Scalar(Value::Bool(_))) => true,
        (Kind::Choice(words), Literal::Scalar(Value::Text(word))) => {
            if words.iter().any(|w| w.eq_ignore_ascii_case(word)) {
                true
            } else {
                return Err(wrong().suggest(word, words.iter().copied()));
            }
        }
        (Kind::Int { .. } | Kind::Bool | Kind::Choice(_), _) => false,
        (_, Literal::Scalar(Value::Text(text))) => !text.is_empty(),
        (Kind::Text | Kind::Model | Kind::Collection | Kind::Ontology, Literal::Scalar(_)) => true,
        _ => false,
    };
    if fits { Ok(()) } else { Err(wrong()) }
}

fn unknown_parameter(key: &Spanned<String>, signature: &Signature) -> Diagnostic {
    let names = || signature.parameters.iter().map(|p| p.name);
    let expected = match signature.parameters {
        [] => format!("no parameter: `{}` takes none", signature.name),
        _ => format!("a parameter of `{}`: {}", signature.name, one_of(names())),
    };
    let fault =
        Diagnostic::new(format!("unknown parameter `{}`", key.node)).at(key.span).expected(expected).suggest(&key.node, names());
    if signature.takes(Clause::Where) {
        fault.hint(format!("a condition on a metadata field stands after `where`: `where {} = …`", key.node))
    } else {
        fault
    }
}

/// An argument that the verb can't use.
pub fn unknown_word(argument: &Argument, signature: &Signature) -> Diagnostic {
    let (word, span) = match argument {
        Argument::Word(w) | Argument::Text(w) => (w.node.clone(), w.span),
        Argument::Number(n) => (n.node.to_string(), n.span),
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

/// The number of `clause`, a whole one from `least`.
///
/// # Errors
/// When it is none.
pub fn count(value: Option<Spanned<Literal>>, clause: &str, least: i64) -> Result<Option<usize>, Diagnostic> {
    let Some(value) = value else { return Ok(None) };
    match value.node {
        Literal::Scalar(Value::Int(int)) if int >= least => Ok(usize::try_from(int).ok()),
        other => Err(Diagnostic::new(format!("`{clause}` can't be `{}`", plain(&other)))
            .at(value.span)
            .expected(format!("a whole number from {least}"))),
    }
}

fn plain(literal: &Literal) -> String {
    match literal {
        Literal::Scalar(value) => value.to_string(),
        list => list.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Piece, Statement, parse, signature::shared};

    static CLASSIFY: Signature = Signature {
        name: "classify",
        subjects: &["clip", "confusion"],
        clauses: &[Clause::In, Clause::Where, Clause::Top],
        parameters: &[shared::PROMPT, shared::SEED, shared::SPACE],
        ..Signature::BARE
    };

    fn bound(text: &str) -> Result<Bound, Diagnostic> {
        match parse(Piece { text, offset: 0 }).unwrap() {
            Statement::Command(command) => bind(*command, &CLASSIFY, &Settings::new()),
            _ => panic!(),
        }
    }

    #[test]
    fn parameters_are_lifted_out_of_where() {
        let b = bound(r#"classify clips where prompt="A <> track" and pitch > 60 and seed=3 and meta.space = 1 top 3"#).unwrap();
        assert_eq!(b.text_of("prompt").unwrap().node, "A <> track");
        assert_eq!(b.int("seed"), Some(3));
        assert_eq!(b.filter.clone().unwrap().to_string(), "pitch > 60 and space = 1");
        assert_eq!((b.top, b.has("clip")), (Some(3), true));
    }

    #[test]
    fn faults_name_the_word_and_the_way_out() {
        let fault = |text: &str| bound(text).unwrap_err();
        let f = fault("classify clips promt=\"x\"");
        assert_eq!((f.message.as_str(), f.hints[0].as_str()), ("unknown parameter `promt`", "did you mean `prompt`?"));
        assert_eq!(
            fault("classify clips where seed=1 or pitch=2").message,
            "the parameter `seed` stands under `or`, `not` or a comparison other than `=`"
        );
        assert_eq!(fault("classify clips space=jiont").hints[0], "did you mean `joint`?");
        assert_eq!(fault("classify clips seed=-1").message, "`seed` can't be `-1`");
        assert_eq!(fault("classify clips top 0").message, "`top` can't be `0`");
        assert_eq!(fault("classify clips for \"x\"").message, "`classify` takes no clause `for`");
        assert_eq!(fault("classify clips seed=1 seed=2").message, "the parameter `seed` stands twice");
        assert!(fault("classify clips where a=(1,2)").hints[0].contains("a in"));
    }
}
