//! What is set of a clip's fields by a labelling, beside those that the program finds itself.

use super::files::Source;
use super::{Labelling, windows};
use crate::store::Item;
use crate::value::{Fields, Value};

/// Fields that the program finds itself; no labelling sets them.
const OWN: [&str; 6] = ["path", "duration_s", "sample_rate_hz", "channels", windows::COUNT, windows::POOL];

/// Kinds of labels, of which one takes the others' place.
const KINDS: [&str; 3] = ["label", "labels", "absent"];

/// Fields that an empty cell of a table takes back.
const TAKEN_BACK: [&str; 4] = ["label", "labels", "absent", "captions"];

/// Whether a clip has what a verb may hold it to.
pub(super) fn labelled(fields: &Fields) -> bool {
    ["label", "labels", "captions"].into_iter().any(|name| has(fields, name))
}

fn has(fields: &Fields, name: &str) -> bool {
    fields.get(name).is_some_and(|value| !value.is_null())
}

/// A labelling as it is applied to clips that may be stored already.
pub(super) struct Labels<'a> {
    labelling: &'a Labelling,
    /// Of [`TAKEN_BACK`] those that the table has: a row without one says that the clip has none.
    columns: Vec<&'static str>,
}

impl<'a> Labels<'a> {
    pub fn new(labelling: &'a Labelling) -> Self {
        let columns = match labelling {
            Labelling::Table(table) => {
                let some_row = |name: &&str| table.rows.iter().any(|(_, fields)| fields.contains_key(*name));
                TAKEN_BACK.into_iter().filter(some_row).collect()
            }
            _ => Vec::new(),
        };
        Labels { labelling, columns }
    }

    /// The fields to set of a clip; null takes back what `stored` has.
    pub fn of(&self, source: &Source, stored: Option<&Item>) -> Fields {
        let mut fields = self.labelling.metadata(&source.id, &source.path);
        fields.retain(|name, _| !OWN.contains(&name.as_str()));
        let Some(stored) = stored.map(|item| &item.metadata) else { return fields };
        if matches!(self.labelling, Labelling::FolderAtFirst) && labelled(stored) {
            return Fields::new();
        }
        let named = matches!(self.labelling, Labelling::Table(table) if table.find(&source.id, &source.path).is_some());
        let replaced = KINDS.iter().filter(|_| has(&fields, "label") || has(&fields, "labels"));
        let emptied = self.columns.iter().filter(|_| named);
        let gone: Vec<&str> = replaced.chain(emptied).copied().filter(|name| has(stored, name)).collect();
        for name in gone {
            fields.entry(name.to_owned()).or_insert(Value::Null);
        }
        fields
    }
}
