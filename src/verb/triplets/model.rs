//! Which model reads the terms, where the statement does not say it.
//!
//! ```text
//!   labels=COLLECTION   the only model of that collection       several are refused
//!   use COLLECTION      the only model of that collection       of several the one below
//!   neither             the only model that reads texts
//! ```

use std::collections::BTreeSet;

use super::tree;
use crate::diagnostic::{Diagnostic, Spanned, one_of};
use crate::embedding::Modality;
use crate::query::Bound;
use crate::query::signature::{Kind, Parameter};
use crate::store::Collection;
use crate::verb::{Error, Scope, parameters};
use crate::workspace::{self, ModelRef};

/// `model=`
pub const MODEL: Parameter = Parameter {
    name: "model",
    kind: Kind::Model,
    default: "the only model of the collection in question (of `labels=`, `in` or `use`), else the only one that reads texts",
    help: "which two-tower model",
};

/// The model of a statement about texts, whose `labels=` are these.
///
/// # Errors
/// When its name is unknown, or the choice is not clear.
pub fn of(bound: &Bound, labels: Option<&Spanned<String>>, scope: &Scope<'_>) -> Result<ModelRef, Error> {
    let workspace = scope.workspace;
    if let Some(name) = parameters::model_name(bound) {
        return Ok(workspace.model(&name)?);
    }
    let (name, labels) = match (tree::collection(labels), scope.default_collection()) {
        (Some(labels), _) => (labels.node.as_str(), Some(labels)),
        (None, Some(default)) => (default, None),
        (None, None) => return Ok(workspace.model_of_texts(None)?),
    };
    let collection = workspace.store().collection(name).map_err(workspace::Error::from)?;
    let ids = collection.map(|collection| models(&collection)).transpose()?.unwrap_or_default();
    match (ids.as_slice(), labels) {
        ([only], _) => Ok(workspace.model(&Spanned::new(only.clone(), bound.verb.span))?),
        ([_, ..], Some(labels)) => {
            let fault = Diagnostic::new(format!("several models of `{name}` could answer")).at(labels.span);
            Err(fault.expected(format!("`model=NAME` with {}", one_of(ids.iter().map(String::as_str)))).into())
        }
        _ => Ok(workspace.model_of_texts(None)?),
    }
}

/// The models that have vectors of the collection's clips; of its texts, where it has no clips.
fn models(collection: &Collection) -> Result<Vec<String>, workspace::Error> {
    let spaces = collection.spaces()?;
    let of = |modality: Modality| -> BTreeSet<String> {
        let spaces = spaces.iter().filter(|info| info.key.space.modality == modality);
        spaces.map(|info| info.key.space.model.clone()).collect()
    };
    let heard = of(Modality::Audio);
    Ok(Vec::from_iter(if heard.is_empty() { of(Modality::Text) } else { heard }))
}
