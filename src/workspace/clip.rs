//! One clip by its id or its file name, read without its space.

use std::collections::BTreeSet;

use super::sift::Source;
use super::{Error, Workspace};
use crate::audio::stem;
use crate::diagnostic::{Diagnostic, Spanned};
use crate::embedding::Embeddings;
use crate::progress::Progress;
use crate::store::{self, Collection, Item, SpaceInfo};

impl Workspace {
    /// The clip of this id in a space, and its vector. A unique file name, with or without its extension, will do.
    ///
    /// # Errors
    /// When there is none, or several; when the user cancels.
    pub fn clip_vector(
        &self,
        collection: &Collection,
        info: &SpaceInfo,
        id: &Spanned<String>,
        progress: &dyn Progress,
    ) -> Result<(Item, Embeddings), Error> {
        let source = Source::of(collection, info);
        let of_id = BTreeSet::from([id.node.as_str()]);
        let item = match collection.items_of(source.modality, source.space, Some(&of_id))?.next().transpose()? {
            Some(item) => item,
            None => by_name(&source, id, progress)?,
        };
        let missing = || store::Error::Damaged { what: format!("`{}` lacks the vector of `{}`", info.key, item.id) };
        let vector = collection.vector_of(item.seq, &info.key)?.ok_or_else(missing)?;
        let vector = Embeddings::from_rows(info.key.space.clone(), info.dim, vector)?;
        Ok((item, vector))
    }
}

fn by_name(source: &Source<'_>, id: &Spanned<String>, progress: &dyn Progress) -> Result<Item, Error> {
    let name = source.collection.name();
    let mut named = Vec::new();
    source.each(None, progress, &mut |item| {
        if stem(&item.id) == stem(&id.node) {
            named.push(item);
        }
    })?;
    if named.len() > 1 {
        let names: Vec<String> = named.iter().take(5).map(|item| format!("`{}`", item.id)).collect();
        return Err(Diagnostic::new(format!("`{}` is the name of {} clips", id.node, named.len()))
            .at(id.span)
            .expected("an id that names one")
            .hint(format!("they are {}{}", names.join(", "), if named.len() > 5 { ", …" } else { "" }))
            .into());
    }
    if let Some(item) = named.pop() {
        return Ok(item);
    }
    if let (Some(key), Some(_)) = (source.space, source.collection.item_by_id(source.modality, &id.node)?) {
        let (id, at, space) = (&id.node, id.span, &key.space);
        let fault = Diagnostic::new(format!("the collection `{name}` has no clip `{id}` with a vector in `{space}`"));
        return Err(fault.at(at).expected("a clip that has one, as `show spaces` counts them").into());
    }
    let mut ids = Vec::new();
    source.each(None, progress, &mut |item| ids.push(item.id))?;
    let known = ids.iter().map(|id| stem(id)).chain(ids.iter().map(String::as_str));
    Err(Diagnostic::new(format!("the collection `{name}` has no clip `{}`", id.node))
        .at(id.span)
        .expected("a clip's id")
        .suggest(&id.node, known)
        .hint("`list clips` shows the ids")
        .into())
}
