//! `set KEY=VALUE`: a default for the statements that follow.

use crate::diagnostic::{Diagnostic, Spanned};
use crate::query::signature::{Kind, Parameter};
use crate::query::{Bound, Example, Literal, Signature, bind};
use crate::report::Report;
use crate::verb::{Effect, Error, Outcome, Plan, Scope, Step, VERBS, Verb, parameters};

pub struct Set;

static SIGNATURE: Signature = Signature {
    name: "set",
    summary: "gives a parameter a default for the statements that follow",
    usage: &["set KEY=VALUE", "set KEY=default"],
    about: "Any parameter of any verb, or `collection`. A statement's own value goes before it. `default` takes a setting back; `show settings` lists them.",
    examples: &[
        Example { statement: "set seed=7", gives: "every later bootstrap uses seed 7" },
        Example { statement: "set seed=default", gives: "back to seed 0" },
    ],
    open_parameters: true,
    ..Signature::BARE
};

const COLLECTION: Parameter = Parameter {
    name: "collection",
    kind: Kind::Collection,
    default: "none",
    help: "the collection of the statements that follow",
};

/// Every parameter that can be set, by name, each once.
pub fn settable() -> Vec<Parameter> {
    let mut all: Vec<Parameter> = VERBS.iter().flat_map(|v| v.signature().parameters).copied().collect();
    all.push(COLLECTION);
    // Of two kinds the narrower, which every verb takes.
    all.sort_by_key(|p| (p.name, if let Kind::Choice(words) = p.kind { words.len() } else { 0 }));
    all.dedup_by_key(|p| p.name);
    all
}

impl Verb for Set {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        if let (Some(word), true) = (bound.argument(0), bound.open.is_empty()) {
            let fault = Diagnostic::new(format!("`set {}` has no value", word.node)).at(word.span);
            return Err(fault.expected("`set KEY=VALUE`, as in `set seed=7`").into());
        }
        bound.refuse_more_than(0, &SIGNATURE)?;
        let [(key, value)] = bound.open.as_slice() else {
            let fault = Diagnostic::new("`set` needs one parameter and its value").at(bound.verb.span);
            return Err(fault.expected("`set KEY=VALUE`, as in `set seed=7`").into());
        };
        let settable = settable();
        let names = || settable.iter().map(|p| p.name);
        let Some(parameter) = settable.iter().find(|p| p.name.eq_ignore_ascii_case(&key.node)) else {
            let fault = Diagnostic::new(format!("unknown setting `{}`", key.node)).at(key.span);
            let expected = "a parameter of a verb, as `help VERB` lists them, or `collection`";
            return Err(fault.expected(expected).suggest(&key.node, names()).into());
        };
        let default = matches!(&value.node, Literal::Scalar(v) if v.as_text().is_some_and(|t| t.eq_ignore_ascii_case("default")));
        if default {
            return Ok(Box::new(SetPlan { key: parameter.name.to_owned(), value: None }));
        }
        let value = bind::fitted(parameter, value.clone()).map_err(|fault| match some_take(parameter.name, value) {
            true => fault.hint("some verbs take it, each in its own statement"),
            false => fault,
        })?;
        known(parameter, &value, scope)?;
        Ok(Box::new(SetPlan { key: parameter.name.to_owned(), value: Some(value.node) }))
    }
}

/// Whether a verb takes a value that others with the same parameter do not: `space=all`.
fn some_take(name: &str, value: &Spanned<Literal>) -> bool {
    let mut parameters = VERBS.iter().filter_map(|verb| verb.signature().parameter(name));
    parameters.any(|parameter| bind::fitted(parameter, value.clone()).is_ok())
}

/// Refuses a name of nothing, or a prompt without a place for the label, here and not in every statement that follows.
fn known(parameter: &Parameter, value: &Spanned<Literal>, scope: &Scope<'_>) -> Result<(), Error> {
    if parameter.kind == Kind::Prompt || matches!(value.node, Literal::List(_)) {
        // What a statement would say of each of them.
        return texts(value).iter().try_for_each(|text| parameters::template(text).map(|_| ()));
    }
    let Some(text) = value.node.text() else { return Ok(()) };
    let (workspace, name) = (scope.workspace, Spanned::new(text.to_owned(), value.span));
    match parameter.kind {
        Kind::Collection => workspace.collection(&name).map(|_| ())?,
        Kind::Model => workspace.model(&name).map(|_| ())?,
        Kind::Ontology => workspace.ontology(&name).map(|_| ())?,
        Kind::Prompts if !text.contains("<>") => workspace.prompt_set(&name).map(|_| ())?,
        _ => {}
    }
    Ok(())
}

/// The texts of a value, each with its place.
fn texts(value: &Spanned<Literal>) -> Vec<Spanned<String>> {
    let one = |literal: &Spanned<Literal>| Some(Spanned::new(literal.node.text()?.to_owned(), literal.span));
    match &value.node {
        Literal::List(items) => items.iter().filter_map(one).collect(),
        _ => one(value).into_iter().collect(),
    }
}

struct SetPlan {
    key: String,
    value: Option<Literal>,
}

impl SetPlan {
    fn sentence(&self) -> String {
        match &self.value {
            Some(value) => format!("`{}` is now {value}", self.key),
            None => format!("`{}` has its default again", self.key),
        }
    }
}

impl Plan for SetPlan {
    fn steps(&self) -> Vec<Step> {
        vec![Step::new("session", self.sentence())]
    }

    fn run(&self, _: &Scope<'_>) -> Result<Outcome, Error> {
        let mut report = Report::new("set");
        report.notes.push(self.sentence());
        Ok(Outcome { effect: Some(Effect::Set { key: self.key.clone(), value: self.value.clone() }), ..report.into() })
    }
}
