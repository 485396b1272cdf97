//! The parameters that several verbs share, as types: stage, model, prompts, bootstrap, exactness.

use crate::diagnostic::{Diagnostic, Spanned};
use crate::embedding::Stage;
use crate::metric::Bootstrap;
use crate::prompt::{self, Prompt};
use crate::query::{Bound, Literal};
use crate::store::{Collection, SpaceInfo};
use crate::value::Value;
use crate::verb::{Error, Scope, Step};
use crate::workspace::{ModelRef, Prompts};

/// `space=`; the joint space by default.
pub fn stage(bound: &Bound) -> Stage {
    bound.text_of("space").and_then(|s| Stage::parse(s.node)).unwrap_or(Stage::Joint)
}

/// `model=`, if given.
pub fn model_name(bound: &Bound) -> Option<Spanned<String>> {
    bound.text_of("model").map(|m| Spanned::new(m.node.to_owned(), m.span))
}

/// Collection, model and space of a statement about clips.
///
/// # Errors
/// When a name is unknown or the collection has no such vectors.
pub fn clips_of(bound: &Bound, stage: Stage, scope: &Scope<'_>) -> Result<(Collection, ModelRef, SpaceInfo), Error> {
    let (workspace, named) = (scope.workspace, model_name(bound));
    if let (None, Some(name)) = (&bound.collection, &named) {
        // A name of nothing is refused before a collection is looked for that has its vectors.
        workspace.model(name)?;
    }
    let of = named.as_ref().map(|name| name.node.as_str());
    let collection = workspace.collection_of_vectors(bound.collection.as_ref(), scope.default_collection(), of)?;
    let model = workspace.model_of_clips(named.as_ref(), &collection, stage)?;
    let info = workspace.audio_space(&collection, &model, stage)?;
    Ok((collection, model, info))
}

/// `ontology=`: its name, or that of the usual one.
pub fn ontology(bound: &Bound) -> Spanned<String> {
    match bound.text_of("ontology") {
        Some(name) => Spanned::new(name.node.to_owned(), name.span),
        None => Spanned::new(crate::ontology::USUAL.to_owned(), bound.verb.span),
    }
}

/// `prompt=`: one, or an ensemble; `A <> track` by default.
///
/// # Errors
/// When one has no `<>`.
pub fn prompt(bound: &Bound) -> Result<Prompts, Error> {
    let texts = bound.texts_of("prompt");
    if texts.is_empty() {
        return Ok(Prompts(vec![Prompt::template(prompt::USUAL).map_err(|e| Diagnostic::new(e.to_string()))?]));
    }
    texts.iter().map(template).collect::<Result<_, _>>().map(Prompts)
}

/// `prompts=`: the name of a set or a list of prompts; none when it is not given.
///
/// # Errors
/// When the set is unknown or a prompt has no `<>`.
pub fn sweep(bound: &Bound, scope: &Scope<'_>) -> Result<Option<Vec<Prompt>>, Error> {
    match bound.value("prompts") {
        None => Ok(None),
        Some(Spanned { node: Literal::Scalar(Value::Text(name)), span }) if !name.contains("<>") => {
            let name = Spanned::new(name.clone(), *span);
            Ok(Some(scope.workspace.prompt_set(&name)?.prompts))
        }
        Some(_) => bound.texts_of("prompts").iter().map(template).collect::<Result<_, _>>().map(Some),
    }
}

/// A prompt that is written out.
///
/// # Errors
/// When it has no `<>`.
pub fn template(text: &Spanned<String>) -> Result<Prompt, Error> {
    Prompt::template(&text.node).map_err(|_| {
        Diagnostic::new(format!("the prompt `{}` has no place for the label", text.node))
            .at(text.span)
            .expected("`<>` where the label goes, as in `\"A <> track\"`")
            .into()
    })
}

/// `resamples=`, `confidence=` and `seed=`.
pub fn bootstrap(bound: &Bound) -> Bootstrap {
    let default = Bootstrap::default();
    Bootstrap {
        resamples: bound.int("resamples").and_then(|n| usize::try_from(n).ok()).unwrap_or(default.resamples),
        confidence: bound.float("confidence").unwrap_or(default.confidence),
        seed: bound.int("seed").and_then(|n| u64::try_from(n).ok()).unwrap_or(default.seed),
    }
}

/// `ef=`.
pub fn ef(bound: &Bound) -> usize {
    bound.int("ef").and_then(|n| usize::try_from(n).ok()).unwrap_or(128)
}

/// `k=` nearest of `candidates`, which must be so many; without it the usual number, or all where there are fewer.
///
/// # Errors
/// When there are fewer than are asked for.
pub fn neighbours(bound: &Bound, usual: usize, candidates: usize) -> Result<usize, Diagnostic> {
    let most = candidates.max(1);
    let Some(asked) = bound.int("k").and_then(|k| usize::try_from(k).ok()) else { return Ok(usual.min(most)) };
    if asked <= most {
        return Ok(asked);
    }
    let at = bound.value("k").map_or(bound.verb.span, |k| k.span);
    let fault = Diagnostic::new(format!("`k={asked}` of {} clips that can be neighbours", whole(candidates)));
    Err(fault.at(at).expected(format!("at most `k={most}`")))
}

/// The line of `explain` that says how many texts the text tower must read.
pub fn reading(unread: usize, texts: usize) -> Step {
    let detail = match unread {
        0 => format!("none of {}: their vectors are kept", whole(texts)),
        unread => format!("{} of {}", whole(unread), whole(texts)),
    };
    Step::new("texts to read", detail)
}

/// The line of `explain` that says how many cosines are computed.
pub fn cosines((n, of): (usize, &str), (k, with): (usize, &str), dim: usize) -> Step {
    let cosines = whole(n.saturating_mul(k));
    Step::new("work", format!("{} {of} × {} {with} = {cosines} cosines of {dim} numbers", whole(n), whole(k)))
}

/// A number with its thousands apart: `242,312`.
pub fn whole(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1_000, 242_312, 1_234_567].map(super::whole), ["0", "999", "1,000", "242,312", "1,234,567"]);
    }
}
