//! The items of a collection that pass a condition, found as they are read, and not held before.
//!
//! ```text
//!   does the condition name the ids? ─ yes: each is looked up ─ has one of them every field that it names? ─ yes: these
//!                                    └ no: all items are read ┘ no
//! ```

use std::collections::BTreeSet;

use super::Error;
use crate::diagnostic::{Diagnostic, Spanned, one_of};
use crate::embedding::Modality;
use crate::progress::Progress;
use crate::query::Predicate;
use crate::query::kinds::Kinds;
use crate::store::{self, Collection, Item, SpaceInfo, SpaceKey};
use crate::value::Value;

/// The field that every item has without metadata.
pub const ID: &str = "id";
/// Items that are read between two words of it.
const AT_ONCE: u64 = 1024;

/// Which items are gone through.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    pub collection: &'a Collection,
    pub modality: Modality,
    /// Only those with a vector in it.
    pub space: Option<&'a SpaceKey>,
}

impl<'a> Source<'a> {
    /// The items of a space.
    pub fn of(collection: &'a Collection, info: &'a SpaceInfo) -> Source<'a> {
        Source { collection, modality: info.key.space.modality, space: Some(&info.key) }
    }

    /// Gives `take` the items that pass `filter`, in order of arrival.
    ///
    /// # Errors
    /// When the filter names a field that no item has, or compares one by size with what has no order beside it, which is known
    /// only at the end; when the user cancels.
    pub fn each(&self, filter: Option<&Predicate>, progress: &dyn Progress, take: &mut dyn FnMut(Item)) -> Result<(), Error> {
        let few = filter.map(|filter| self.few(filter)).transpose()?.flatten();
        if let Some(few) = few {
            progress.advance(few.len() as u64);
            few.into_iter().for_each(take);
            return Ok(());
        }
        let (mut known, mut kinds, mut read) = (Known::default(), filter.map(Kinds::of), 0);
        for item in heeding(progress, self.collection.items_of(self.modality, self.space, None)?) {
            let item = item?;
            read += 1;
            if read == AT_ONCE {
                progress.advance(std::mem::take(&mut read));
            }
            if let (Some(filter), Some(kinds)) = (filter, &mut kinds) {
                known.see(&item);
                kinds.see(&|field| field_of(&item, field));
                if !accepts(filter, &item) {
                    continue;
                }
            }
            take(item);
        }
        progress.advance(read);
        let (Some(filter), Some(kinds)) = (filter, kinds) else { return Ok(()) };
        known.check(self.collection.name(), self.modality, &filter.fields())?;
        Ok(kinds.check()?)
    }

    /// The items that pass a filter that names their ids; none where it does not, or where none of them has a field that it
    /// names too.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(super) fn few(&self, filter: &Predicate) -> Result<Option<Vec<Item>>, Error> {
        let Some(ids) = filter.bound_to(ID) else { return Ok(None) };
        let items = self.collection.items_of(self.modality, self.space, Some(&ids))?.collect::<Result<Vec<_>, _>>()?;
        let known = Known::of(&items);
        Ok(known.has_all(&filter.fields()).then(|| items.into_iter().filter(|item| accepts(filter, item)).collect()))
    }
}

/// Items as they come, until the user cancels.
pub fn heeding<'a>(
    progress: &'a dyn Progress,
    items: impl Iterator<Item = Result<Item, store::Error>> + 'a,
) -> impl Iterator<Item = Result<Item, Error>> + 'a {
    items.map(move |item| if progress.cancelled() { Err(Error::Cancelled) } else { Ok(item?) })
}

/// Whether an item passes.
pub(super) fn accepts(filter: &Predicate, item: &Item) -> bool {
    filter.accepts(&|field| field_of(item, field))
}

/// The value of a field of an item: of its metadata, or its `id`.
pub fn field_of(item: &Item, field: &str) -> Value {
    match item.metadata.get(field) {
        _ if field == ID => Value::Text(item.id.clone()),
        Some(value) => value.clone(),
        None => Value::Null,
    }
}

/// The fields of the metadata of some items.
#[derive(Debug, Default)]
pub struct Known(BTreeSet<String>);

impl Known {
    /// Those of `items`.
    pub fn of<'a>(items: impl IntoIterator<Item = &'a Item>) -> Known {
        let mut known = Known::default();
        items.into_iter().for_each(|item| known.see(item));
        known
    }

    /// Adds those of an item.
    pub fn see(&mut self, item: &Item) {
        for field in item.metadata.keys() {
            if !self.0.contains(field) {
                self.0.insert(field.clone());
            }
        }
    }

    fn has_all(&self, fields: &[&Spanned<String>]) -> bool {
        fields.iter().all(|field| field.node == ID || self.0.contains(&field.node))
    }

    /// Refuses fields that none of the items has, which are those of a collection and of one modality.
    ///
    /// # Errors
    /// Names the field and the nearest that is there.
    pub fn check(&self, collection: &str, modality: Modality, fields: &[&Spanned<String>]) -> Result<(), Diagnostic> {
        let Some(field) = fields.iter().find(|field| !self.has_all(&[field])) else { return Ok(()) };
        let names: BTreeSet<&str> = self.0.iter().map(String::as_str).chain([ID]).collect();
        let what = match modality {
            Modality::Audio => "clips",
            Modality::Text => "labels",
        };
        let expected = match names.len() {
            1 => "`id`, their only field".to_owned(),
            _ => format!("one of the fields {}", one_of(names.iter().copied())),
        };
        let fault = Diagnostic::new(format!("the {what} of `{collection}` have no field `{}`", field.node)).at(field.span);
        Err(fault.expected(expected).suggest(&field.node, names.iter().copied()))
    }
}

/// The message for a filter that lets nothing pass.
pub fn nothing_passes(collection: &str, of: usize, filter: &Predicate) -> Diagnostic {
    let mut fault = Diagnostic::new(format!("none of the {of} clips of `{collection}` has {filter}"));
    if let Some(field) = filter.fields().first() {
        fault = fault.at(field.span);
    }
    fault.hint("`describe COLLECTION` shows the fields and their values")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::{Space, Stage};
    use crate::progress::{Silent, StopAfter};
    use crate::query::predicate::equals;
    use crate::store::{NewItem, Store};
    use crate::workspace::Workspace;

    fn key() -> SpaceKey {
        SpaceKey::new(Space::new("m", Modality::Audio, Stage::Joint), "hash")
    }

    /// Clips `a/c0.wav` to `a/c899.wav`: only the first has `rare`, every third has no vector, and one field is called `id`.
    fn workspace() -> Workspace {
        let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
        let item = |i: u16| {
            let mut item = NewItem::new(format!("a/c{i}.wav"), Modality::Audio);
            item.metadata.extend([("midi".to_owned(), Value::from(i64::from(i) % 5)), ("id".to_owned(), "a/c4.wav".into())]);
            item.metadata.extend((i == 0).then(|| ("rare".to_owned(), Value::from(1i64))));
            item.vectors.extend((!i.is_multiple_of(3)).then(|| (key(), vec![f32::from(i), 1.0])));
            item
        };
        let mut items: Vec<_> = (0..900).map(item).collect();
        items.push(NewItem::new("a/c7.wav", Modality::Text));
        workspace.store().create("c").unwrap().commit(items).unwrap();
        workspace
    }

    fn ids(source: &Source<'_>, filter: &Predicate, progress: &dyn Progress) -> Result<String, Error> {
        let mut ids = Vec::new();
        source.each(Some(filter), progress, &mut |item| ids.push(item.id.replace("a/", "").replace(".wav", "")))?;
        Ok(ids.join(" "))
    }

    fn id(n: u16) -> Predicate {
        equals("id", format!("a/c{n}.wav"))
    }

    #[test]
    fn a_condition_on_ids_looks_them_up() {
        let workspace = workspace();
        let collection = workspace.store().collection("c").unwrap().unwrap();
        let all = Source { collection: &collection, modality: Modality::Audio, space: None };
        let of_space = Source { space: Some(&key()), ..all };
        let or = Predicate::Or(vec![id(7), id(300), id(2), equals("id", "no")]);
        let and = Predicate::And(vec![or.clone(), equals("midi", 2i64)]);
        // Who asks nothing has not gone through the items.
        let never = || StopAfter::default();
        assert_eq!(ids(&all, &or, &never()).unwrap(), "c2 c7 c300");
        assert_eq!(ids(&of_space, &or, &never()).unwrap(), "c2 c7");
        assert_eq!(ids(&all, &and, &never()).unwrap(), "c2 c7");
        assert!(matches!(ids(&all, &equals("midi", 2i64), &never()), Err(Error::Cancelled)));
        assert_eq!(ids(&of_space, &equals("midi", 2i64), &Silent).unwrap().split(' ').count(), 120);
        // Others may have a field that those do not.
        assert_eq!(ids(&all, &Predicate::And(vec![id(7), equals("rare", 1i64)]), &Silent).unwrap(), "");
        let fault = ids(&all, &Predicate::And(vec![id(7), equals("mide", 1i64)]), &Silent).unwrap_err().to_string();
        assert!(fault.contains("no field `mide`"), "{fault}");
    }

    #[test]
    fn clips_by_id_are_those_of_the_whole_space() {
        let workspace = workspace();
        let collection = workspace.store().collection("c").unwrap().unwrap();
        let info = collection.space(&key()).unwrap().unwrap();
        let filter = Predicate::Or(vec![id(700), id(4)]);
        let few = workspace.clips(&collection, &info, Some(&filter), &StopAfter::default()).unwrap();
        assert!(crate::workspace::lock(&workspace.loaded).is_empty(), "the space was read");
        let whole = workspace.clips(&collection, &info, None, &Silent).unwrap();
        let rows: Vec<usize> = (0..whole.len()).filter(|&row| accepts(&filter, whole.items()[row])).collect();
        assert_eq!(few.embeddings().rows(), whole.embeddings().select(&rows).rows());
        assert_eq!(few.items(), rows.iter().map(|&row| whole.items()[row]).collect::<Vec<_>>());
        let none = workspace.clips(&collection, &info, Some(&id(3)), &Silent).unwrap_err().to_string();
        assert!(none.contains("none of the 600 clips"), "{none}");
    }

    #[test]
    fn a_clip_is_read_without_its_space() {
        let workspace = workspace();
        let collection = workspace.store().collection("c").unwrap().unwrap();
        let info = collection.space(&key()).unwrap().unwrap();
        let clip = |name: &str, progress: &dyn Progress| {
            let name = Spanned::new(name.to_owned(), Default::default());
            workspace.clip_vector(&collection, &info, &name, progress).map(|(item, vector)| (item.id, vector.row(0).to_vec()))
        };
        let by_id = clip("a/c700.wav", &StopAfter::default()).unwrap();
        assert_eq!(clip("c700", &Silent).unwrap(), by_id);
        assert!(crate::workspace::lock(&workspace.loaded).is_empty(), "the space was read");
        assert!(matches!(clip("c700", &StopAfter::default()), Err(Error::Cancelled)));
        // It has no vector.
        assert!(clip("a/c3.wav", &Silent).unwrap_err().to_string().contains("no clip `a/c3.wav`"));
    }

    #[test]
    fn tracks_are_counted_once() {
        let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
        let collection = workspace.store().create("c.windows").unwrap();
        let window = |i: u16| {
            let mut item = NewItem::new(format!("t#{i}"), Modality::Audio);
            item.metadata
                .extend([("track".to_owned(), format!("t{}", i % 7).into()), ("fold".to_owned(), (i64::from(i) % 14).into())]);
            item.vectors.push((key(), vec![f32::from(i), 1.0]));
            item
        };
        collection.commit((0..140).map(window).collect()).unwrap();
        let info = collection.space(&key()).unwrap().unwrap();
        let among = |filter: Option<&Predicate>| workspace.among(&collection, &info, filter, &Silent).unwrap();
        assert!(matches!(workspace.tracks(&among(None), &StopAfter::default()), Err(Error::Cancelled)));
        assert_eq!(workspace.tracks(&among(None), &Silent).unwrap(), 7);
        assert_eq!(workspace.tracks(&among(None), &StopAfter::default()).unwrap(), 7);
        assert_eq!(workspace.tracks(&among(Some(&equals("fold", 9i64))), &StopAfter::default()).unwrap(), 1);
        let stopped = workspace.among(&collection, &info, Some(&equals("fold", 3i64)), &StopAfter::default());
        assert!(matches!(stopped.map(|_| ()), Err(Error::Cancelled)));
    }
}
