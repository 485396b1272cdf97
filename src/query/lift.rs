//! Parameters that stand inside `where`, taken out of the condition.
//!
//! `where prompt="A <> track" and pitch > 60` is the parameter `prompt` and the condition `pitch > 60`. A parameter under `or`
//! or `not` has no meaning, and the message says so; a metadata field of the same name is written `meta.NAME`.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Spanned};
use crate::query::bind::insert;
use crate::query::predicate::{Predicate, Relation};
use crate::query::signature::Signature;
use crate::query::statement::{Literal, field_of};

/// Takes the parameters out of the top-level conjunction of a condition.
pub(super) fn lift(
    filter: Predicate,
    signature: &'static Signature,
    parameters: &mut BTreeMap<&'static str, Spanned<Literal>>,
) -> Result<Option<Predicate>, Diagnostic> {
    let parts = match filter {
        Predicate::And(parts) => parts,
        single => vec![single],
    };
    let mut rest = Vec::new();
    for part in parts {
        let lifted = match &part {
            Predicate::Compare { field, relation: Relation::Equal, value } => {
                signature.parameter(&field.node).map(|p| (p, field.clone(), value.clone()))
            }
            Predicate::ListEquals { field, list } => signature.parameter(&field.node).map(|p| (p, field.clone(), list.clone())),
            _ => None,
        };
        match lifted {
            Some((parameter, key, value)) => insert(parameters, parameter, &key, value)?,
            None => rest.push(part),
        }
    }
    for part in &mut rest {
        for field in part.fields() {
            if signature.parameter(&field.node).is_some() {
                return Err(Diagnostic::new(format!(
                    "the parameter `{}` stands under `or`, `not` or a comparison other than `=`",
                    field.node
                ))
                .at(field.span)
                .expected("a parameter joined by `and`, as `name=value`")
                .hint(format!("a metadata field of this name is written `meta.{}`", field.node)));
            }
        }
        if let Predicate::ListEquals { field, list } = &*part {
            return Err(Diagnostic::new(format!("`{}` is compared with a list", field.node))
                .at(list.span)
                .expected("one value")
                .hint(format!("any of several values is written `{} in (…)`", field.node))
                .suggest(&field.node, signature.parameters.iter().map(|p| p.name)));
        }
        part.rename(&|name| field_of(name).to_owned());
    }
    Ok(match rest.len() {
        0 => None,
        1 => rest.pop(),
        _ => Some(Predicate::And(rest)),
    })
}
