//! What is set of a clip's fields by a labelling or a table, beside those that the program finds itself.
//!
//! Null says that a clip has no such field: it takes back what is stored.

use super::files::Source;
use super::{Labelling, windows};
use crate::store::Item;
use crate::value::{Fields, Value};

/// Fields that the program finds itself; no labelling sets them.
const OWN: [&str; 6] = ["path", "duration_s", "sample_rate_hz", "channels", windows::COUNT, windows::POOL];

/// Kinds of labels, of which one takes the others' place.
const KINDS: [&str; 3] = ["label", "labels", "absent"];

/// Fields that an empty cell of a table takes back.
pub(super) const TAKEN_BACK: [&str; 4] = ["label", "labels", "absent", "captions"];

/// Whether a clip has what a verb may hold it to.
pub(super) fn labelled(fields: &Fields) -> bool {
    ["label", "labels", "captions"].into_iter().any(|name| has(fields, name))
}

fn has(fields: &Fields, name: &str) -> bool {
    fields.get(name).is_some_and(|value| !value.is_null())
}

/// The fields to set of a clip by a labelling; null takes back what `stored` has.
pub(super) fn said(labelling: &Labelling, source: &Source, stored: Option<&Item>) -> Fields {
    let mut fields = labelling.metadata(&source.id, &source.path);
    fields.retain(|name, _| !OWN.contains(&name.as_str()));
    if matches!(labelling, Labelling::FolderAtFirst) && stored.is_some_and(|item| labelled(&item.metadata)) {
        return Fields::new();
    }
    replace_kinds(&mut fields);
    fields.retain(|name, value| !value.is_null() || stored.is_some_and(|item| has(&item.metadata, name)));
    fields
}

/// Takes back the kinds of labels whose place that of these fields takes.
fn replace_kinds(fields: &mut Fields) {
    if has(fields, "label") || has(fields, "labels") {
        for kind in KINDS {
            fields.entry(kind.to_owned()).or_insert(Value::Null);
        }
    }
}

/// Lays over a clip's fields what a row of a table says of it. What it takes back is what is stored, not what lies beneath it.
pub(super) fn lay_over(fields: &mut Fields, said: Fields) {
    for (name, value) in said {
        if value.is_null() {
            fields.entry(name).or_insert(value);
        } else {
            fields.insert(name, value);
        }
    }
}

/// As [`lay_over`], of a row that is held against clips that may be stored already.
pub(super) fn lay_over_stored(fields: &mut Fields, mut said: Fields) {
    replace_kinds(&mut said);
    lay_over(fields, said);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_row_takes_back_is_not_what_lies_beneath_it() {
        let null = || Value::Null;
        let mut fields = Fields::from([("label".into(), "violin".into()), ("pitch".into(), Value::Int(60))]);
        lay_over(&mut fields, Fields::from([("label".into(), null()), ("captions".into(), null())]));
        let expected = [("label", "violin".into()), ("pitch", Value::Int(60)), ("captions", null())];
        assert_eq!(fields, Fields::from(expected.map(|(name, value)| (name.to_owned(), value))));
        lay_over_stored(&mut fields, Fields::from([("labels".into(), Value::list(["tuba"]))]));
        assert_eq!((fields["label"].clone(), fields["absent"].clone()), ("violin".into(), null()));
        lay_over_stored(&mut fields, Fields::from([("label".into(), "oboe".into())]));
        assert_eq!((fields["label"].clone(), fields["labels"].clone()), ("oboe".into(), Value::list(["tuba"])));
    }
}
