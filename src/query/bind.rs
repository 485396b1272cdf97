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
use crate::query::subjects::subjects;
use crate::query::unknown::{misspelt_clause, unknown_parameter};
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
    /// Those that are written.
    pub parameters: BTreeMap<&'static str, Spanned<Literal>>,
    /// What settings give the others, at the verb's place.
    pub defaults: BTreeMap<&'static str, Spanned<Literal>>,
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
            let misspelt = misspelt_clause(&command.arguments, &key, signature);
            return Err(misspelt.unwrap_or_else(|| unknown_parameter(&key, &value, signature)));
        };
        insert(&mut parameters, parameter, &key, value)?;
    }
    let filter = match command.filter {
        Some(filter) => lift(filter.node, signature, &mut parameters)?,
        None => None,
    };
    let mut defaults = BTreeMap::new();
    for parameter in signature.parameters.iter().filter(|p| !parameters.contains_key(p.name)) {
        if let Some(value) = settings.get(parameter.name) {
            defaults.insert(parameter.name, fitted(parameter, Spanned::new(value.clone(), command.verb.span))?);
        }
    }
    let (subjects, arguments) = subjects(command.arguments, signature);
    Ok(Bound {
        text: command.text,
        verb: command.verb,
        subjects,
        arguments,
        parameters,
        defaults,
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

    /// A parameter's value with its place: the statement's own, or that of a setting.
    pub fn value(&self, name: &str) -> Option<&Spanned<Literal>> {
        self.parameters.get(name).or_else(|| self.defaults.get(name))
    }

    /// Where the statement itself says a parameter, a flag, or a clause: `in`, `where`, `by FIELD`, `using`.
    pub fn written(&self, word: &str) -> Option<Span> {
        let clause = || match word {
            "in" => self.collection.as_ref().map(|c| c.span),
            "where" => self.filter.as_ref().and_then(|filter| filter.fields().first().map(|field| field.span)),
            "by FIELD" => self.by.as_ref().map(|by| by.span),
            "using" => self.using.as_ref().map(|using| using.span),
            _ => None,
        };
        let flag = || self.subjects.iter().find(|subject| subject.node == word).map(|subject| subject.span);
        self.parameters.get(word).map(|value| value.span).or_else(flag).or_else(clause)
    }

    /// Takes a setting back where the statement says one of `words`, which do not go with it.
    pub fn gives_way(&mut self, setting: &str, words: &[&str]) {
        if words.iter().any(|word| self.written(word).is_some()) {
            self.defaults.remove(setting);
        }
    }

    /// Refuses the first of `words` that the statement says, since `what` does not look at it.
    ///
    /// # Errors
    /// Names the word.
    pub fn refuse(&self, words: &[&str], what: &str) -> Result<(), Diagnostic> {
        let Some((word, span)) = words.iter().find_map(|word| Some((word, self.written(word)?))) else { return Ok(()) };
        let word = word.split(' ').next().unwrap_or(word);
        Err(Diagnostic::new(format!("`{word}` says nothing to {what}")).at(span).expected("the statement without it"))
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
            Some(Spanned { node: Literal::List(items), .. }) => {
                items.iter().map(|i| Spanned::new(plain(&i.node), i.span)).collect()
            }
            Some(value) => vec![Spanned::new(plain(&value.node), value.span)],
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
        self.value(name)?.node.value()?.as_f64()
    }

    /// A truth value.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.value(name)?.node {
            Literal::Scalar(Value::Bool(flag)) => Some(flag),
            _ => None,
        }
    }

    /// The text or word that stands as the argument number `i`.
    pub fn argument(&self, i: usize) -> Option<Spanned<String>> {
        match self.arguments.get(i)? {
            Argument::Word(word) | Argument::Text(word) => Some(word.clone()),
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

pub(super) fn insert(
    parameters: &mut BTreeMap<&'static str, Spanned<Literal>>,
    parameter: &'static Parameter,
    key: &Spanned<String>,
    value: Spanned<Literal>,
) -> Result<(), Diagnostic> {
    if parameters.insert(parameter.name, fitted(parameter, value)?).is_some() {
        return Err(Diagnostic::new(format!("the parameter `{}` stands twice", parameter.name))
            .at(key.span)
            .expected("each parameter at most once"));
    }
    Ok(())
}

/// The value as the parameter takes it: a name or a text as it is written, a number or a truth value by what it means.
///
/// # Errors
/// When it is not of the parameter's type and range; says what is allowed.
pub fn fitted(parameter: &Parameter, value: Spanned<Literal>) -> Result<Spanned<Literal>, Diagnostic> {
    if let Some(node) = fit(parameter.kind, &value.node) {
        return Ok(Spanned::new(node, value.span));
    }
    let fault = Diagnostic::new(format!("`{}` can't be `{}`", parameter.name, plain(&value.node)))
        .at(value.span)
        .expected(parameter.kind.expects());
    match (parameter.kind, value.node.text()) {
        (Kind::Choice(words), Some(word)) => Err(fault.suggest(word, words.iter().copied())),
        _ => Err(fault),
    }
}

fn fit(kind: Kind, literal: &Literal) -> Option<Literal> {
    let text = |literal: &Literal| Some(Value::from(literal.text().filter(|text| !text.is_empty())?));
    let value = match (kind, literal) {
        (Kind::Prompt | Kind::Prompts, Literal::List(items)) => {
            let one = |item: &Spanned<Literal>| Some(Spanned::new(Literal::Scalar(text(&item.node)?), item.span));
            let texts = items.iter().map(one).collect::<Option<Vec<_>>>()?;
            return (!texts.is_empty()).then_some(Literal::List(texts));
        }
        (Kind::Int { min, max }, _) => Value::Int(literal.value()?.whole().filter(|int| (min..=max).contains(int))?),
        (Kind::Float { min, max }, _) => {
            literal.value().filter(|value| value.as_f64().is_some_and(|n| (min..=max).contains(&n)))?.clone()
        }
        (Kind::Bool, _) => literal.value().filter(|value| matches!(value, Value::Bool(_)))?.clone(),
        (Kind::Choice(words), _) => {
            text(literal).filter(|text| words.iter().any(|w| text.as_text().is_some_and(|t| w.eq_ignore_ascii_case(t))))?
        }
        _ => text(literal)?,
    };
    Some(Literal::Scalar(value))
}

/// The number of `clause`, a whole one from `least`.
///
/// # Errors
/// When it is none.
pub fn count(value: Option<Spanned<Literal>>, clause: &str, least: i64) -> Result<Option<usize>, Diagnostic> {
    let Some(value) = value else { return Ok(None) };
    match value.node.value().and_then(Value::whole) {
        Some(int) if int >= least => Ok(usize::try_from(int).ok()),
        _ => Err(Diagnostic::new(format!("`{clause}` can't be `{}`", plain(&value.node)))
            .at(value.span)
            .expected(format!("a whole number from {least}"))),
    }
}

fn plain(literal: &Literal) -> String {
    literal.text().map_or_else(|| literal.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Piece, Statement, parse, signature::shared};

    static CLASSIFY: Signature = Signature {
        name: "classify",
        subjects: &["clip", "confusion"],
        clauses: &[Clause::In, Clause::Where, Clause::Top],
        parameters: &[shared::PROMPT, shared::MODEL, shared::SEED, shared::SPACE],
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
        assert_eq!(fault("classify clips top=3").hints, ["`top` is a clause and takes no `=`: `top 3`"]);
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for (text, model) in [("model=007", "007"), ("model=true", "true"), ("where model=1e3", "1e3"), ("model=\"5\"", "5")] {
            assert_eq!(bound(&format!("classify clips {text}")).unwrap().text_of("model").unwrap().node, model);
        }
        assert_eq!(bound("classify clips seed=2e1 top 1e1").map(|b| (b.int("seed"), b.top)).unwrap(), (Some(20), Some(10)));
    }

    #[test]
    fn what_is_written_is_told_from_settings() {
        let settings = Settings::from([("seed".to_owned(), Literal::Scalar(Value::Int(7)))]);
        let Statement::Command(command) = parse(Piece { text: "classify clips where a = 1 top 3", offset: 0 }).unwrap() else {
            panic!()
        };
        let mut b = bind(*command, &CLASSIFY, &settings).unwrap();
        assert_eq!((b.int("seed"), b.written("seed"), b.written("where")), (Some(7), None, Some(Span::new(21, 22))));
        assert_eq!(b.refuse(&["seed", "where"], "this").unwrap_err().message, "`where` says nothing to this");
        b.gives_way("seed", &["space"]);
        assert_eq!(b.int("seed"), Some(7));
        b.gives_way("seed", &["where"]);
        assert_eq!(b.int("seed"), None);
    }
}
