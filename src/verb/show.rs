//! `show`: what is there — models, collections, spaces, ontologies, prompts, settings.

use crate::diagnostic::{Diagnostic, Spanned};
use crate::embedding::{Modality, Stage};
use crate::query::{Bound, Example, Signature};
use crate::report::{Report, Table};
use crate::value::Value;
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, provenance, set};
use crate::workspace::Error as WorkspaceError;

pub struct Show;

static SIGNATURE: Signature = Signature {
    name: "show",
    summary: "shows what is there: models, collections, spaces, ontologies, prompts, settings or named results",
    usage: &["show models|collections|spaces|ontologies|prompts|settings|results", "show ontology NAME"],
    about: "`show ontology NAME` draws the tree. `show results` lists what `let` gave a name. `describe NAME` tells more of \
            one thing.",
    subjects: &["model", "collection", "space", "ontology", "prompt", "setting", "result"],
    examples: &[
        Example { statement: "show models", gives: "every model that was found, with its hash and dimensions" },
        Example { statement: "show collections", gives: "the collections with their numbers of clips and texts" },
        Example { statement: "show ontology hdio", gives: "the tree" },
    ],
    ..Signature::BARE
};

impl Verb for Show {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        let Some(what) = bound.subjects.first() else {
            let fault = match bound.arguments.first() {
                Some(argument) => crate::query::unknown::unknown_word(argument, &SIGNATURE),
                None => {
                    Diagnostic::new("`show` needs to know what").at(bound.verb.span).expected(format!("`{}`", SIGNATURE.usage[0]))
                }
            };
            return Err(fault.into());
        };
        if let Some(extra) = bound.subjects.get(1) {
            let fault = Diagnostic::new(format!("`show` shows one thing, and `{}` is another", extra.node)).at(extra.span);
            return Err(fault.expected("a statement of its own").into());
        }
        let name = bound.argument(0);
        bound.refuse_more_than(usize::from(what.node == "ontology"), &SIGNATURE)?;
        if let Some(name) = &name {
            scope.workspace.ontology(name)?;
        }
        Ok(Box::new(ShowPlan { what: what.node.clone(), name }))
    }
}

struct ShowPlan {
    what: String,
    name: Option<Spanned<String>>,
}

impl Plan for ShowPlan {
    fn steps(&self) -> Vec<Step> {
        vec![Step::new("show", self.what.clone())]
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let mut report = Report::new("show");
        report.context = provenance::store_context(scope);
        match (self.what.as_str(), &self.name) {
            ("ontology", Some(name)) => report.text = scope.workspace.ontology(name)?.draw(),
            ("model", _) => {
                report.tables.push(models(scope)?);
                report.notes.extend(broken_models(scope));
            }
            ("collection", _) => report.tables.push(collections(scope)?),
            ("space", _) => report.tables.push(spaces(scope)?),
            ("ontology", None) => report.tables.push(ontologies(scope)?),
            ("prompt", _) => report.tables.push(prompts(scope)?),
            ("result", _) => report.tables.push(results(scope)),
            _ => report.tables.push(settings(scope)),
        }
        Ok(report.into())
    }
}

fn models(scope: &Scope<'_>) -> Result<Table, Error> {
    let mut table =
        Table::new(["model", "hash", "audio", "text", "pre-joint audio", "pre-joint text", "joint", "licence", "note"]);
    for id in scope.workspace.model_ids()? {
        match scope.workspace.model(&Spanned::new(id.clone(), Default::default())) {
            Ok(found) => {
                let dim = |modality, stage| found.model.as_ref().and_then(|m| m.dim(modality, stage));
                let tower = |modality| found.model.as_ref().is_some_and(|m| m.manifest.has_tower(modality));
                let licence = found.model.as_ref().map(|m| m.manifest.licence.clone());
                table.push(vec![
                    id.as_str().into(),
                    found.hash.get(..12).unwrap_or(&found.hash).into(),
                    tower(Modality::Audio).into(),
                    tower(Modality::Text).into(),
                    dim(Modality::Audio, Stage::PreJoint).into(),
                    dim(Modality::Text, Stage::PreJoint).into(),
                    dim(Modality::Audio, Stage::Joint).into(),
                    licence.into(),
                    if found.model.is_none() { "imported vectors only".into() } else { Value::Null },
                ]);
            }
            // A broken folder is no reason to hide the others.
            Err(error) => {
                let mut row = vec![Value::Null; 9];
                row[0] = id.as_str().into();
                row[8] = error.to_string().into();
                table.push(row);
            }
        }
    }
    Ok(table)
}

/// A sentence for each model that is not in the table.
fn broken_models(scope: &Scope<'_>) -> impl Iterator<Item = String> {
    scope.workspace.broken_models().into_iter().map(|(name, fault)| {
        format!("the model `{name}` is left out: {fault}; `dyad doctor` and `dyad models check {name}` tell more")
    })
}

fn collections(scope: &Scope<'_>) -> Result<Table, Error> {
    let mut table = Table::new(["collection", "clips", "texts", "spaces", "models", "storage"]);
    for info in scope.workspace.store().collections().map_err(WorkspaceError::from)? {
        let mut models: Vec<&str> = info.spaces.iter().map(|s| s.key.space.model.as_str()).collect();
        models.sort_unstable();
        models.dedup();
        table.push(vec![
            info.name.as_str().into(),
            Value::Int(i64::try_from(info.audio).unwrap_or(i64::MAX)),
            Value::Int(i64::try_from(info.text).unwrap_or(i64::MAX)),
            info.spaces.len().into(),
            models.join(", ").into(),
            info.storage.name().into(),
        ]);
    }
    Ok(table)
}

fn spaces(scope: &Scope<'_>) -> Result<Table, Error> {
    let mut table = Table::new(["collection", "model", "modality", "stage", "prompt", "dim", "vectors", "model hash"]);
    for info in scope.workspace.store().collections().map_err(WorkspaceError::from)? {
        for space in &info.spaces {
            let key = &space.key;
            table.push(vec![
                info.name.as_str().into(),
                key.space.model.as_str().into(),
                key.space.modality.to_string().into(),
                key.space.stage.to_string().into(),
                key.prompt.clone().into(),
                space.dim.into(),
                Value::Int(i64::try_from(space.rows).unwrap_or(i64::MAX)),
                key.model_hash.get(..12).unwrap_or(&key.model_hash).into(),
            ]);
        }
    }
    Ok(table)
}

fn ontologies(scope: &Scope<'_>) -> Result<Table, Error> {
    let mut table = Table::new(["ontology", "title", "terms", "leaves", "licence"]);
    for ontology in scope.workspace.ontologies()?.iter() {
        table.push(vec![
            ontology.name.as_str().into(),
            ontology.title.as_str().into(),
            ontology.terms().len().into(),
            ontology.leaves().len().into(),
            ontology.licence.as_str().into(),
        ]);
    }
    Ok(table)
}

fn prompts(scope: &Scope<'_>) -> Result<Table, Error> {
    let mut table = Table::new(["set", "name", "prompt"]);
    for set in scope.workspace.prompt_sets()? {
        for prompt in &set.prompts {
            table.push(vec![set.name.as_str().into(), prompt.name.as_str().into(), prompt.key().into()]);
        }
    }
    Ok(table)
}

fn settings(scope: &Scope<'_>) -> Table {
    let mut table = Table::new(["setting", "value", "default", "meaning"]);
    for parameter in set::settable() {
        let value = scope.settings.get(parameter.name).map(ToString::to_string);
        table.push(vec![parameter.name.into(), value.into(), parameter.default.into(), parameter.help.into()]);
    }
    table
}

fn results(scope: &Scope<'_>) -> Table {
    let mut table = Table::new(["name", "statement", "n", "first metric", "value"]);
    for (name, outcome) in scope.named {
        let result = &outcome.report;
        let first = result.metrics.first();
        table.push(vec![
            name.as_str().into(),
            result.statement.as_str().into(),
            result.context.n.into(),
            first.map(|m| m.name.clone()).into(),
            first.map(|m| m.value).into(),
        ]);
    }
    table
}
