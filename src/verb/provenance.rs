//! What every result says of itself: store, collection, model and hash, space, prompts, similarity, seed.

use crate::embedding::{Modality, Stage};
use crate::metric::Bootstrap;
use crate::report::{Context, Estimate};
use crate::store::Storage;
use crate::verb::Scope;
use crate::workspace::{ModelRef, Prompts};

/// How every statement compares vectors.
pub const COSINE: &str = "cosine, greater is nearer";

/// The context of a statement about one space.
pub fn context(scope: &Scope<'_>, collection: Option<&str>, model: &ModelRef, space: impl Into<String>) -> Context {
    let mut context = Context {
        store: Some(scope.workspace.place()),
        collection: collection.map(str::to_owned),
        model: Some(model.id.clone()),
        model_hash: Some(model.hash.clone()),
        space: Some(space.into()),
        similarity: Some(COSINE.to_owned()),
        exact: Some(true),
        ..Default::default()
    };
    // Numbers that were rounded are other numbers.
    let stored = collection.and_then(|name| scope.workspace.store().collection(name).ok().flatten()?.storage().ok());
    if let Some(storage) = stored.filter(|storage| *storage != Storage::default()) {
        context.fact("storage", storage.name());
    }
    context
}

/// The context of a statement about what the store holds.
pub fn store_context(scope: &Scope<'_>) -> Context {
    Context { store: Some(scope.workspace.place()), ..Default::default() }
}

/// "joint", "audio pre-joint", "text pre-joint".
pub fn space_name(modality: Modality, stage: Stage) -> String {
    match stage {
        Stage::Joint => "joint".into(),
        Stage::PreJoint => format!("{modality} pre-joint"),
    }
}

/// Notes how the numbers were sampled.
pub fn sampled(context: &mut Context, bootstrap: &Bootstrap) {
    context.seed = Some(bootstrap.seed);
    context.fact("resamples", bootstrap.resamples);
    context.fact("confidence", bootstrap.confidence);
}

/// Notes what was embedded to answer, and by what.
pub fn prompted(context: &mut Context, prompts: &Prompts) {
    context.prompts = prompts.keys();
}

/// The estimate `name` of a list.
pub fn named<'a>(estimates: &'a [Estimate], name: &str) -> Option<&'a Estimate> {
    estimates.iter().find(|e| e.name == name)
}
