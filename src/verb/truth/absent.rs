//! What a condition leaves out of the truth: the labels of the collection that no clip has that passes it.
//!
//! A condition that names ids has its clips looked up, and those of other labels are not read for this.

use std::collections::BTreeSet;

use crate::store::Item;
use crate::value::Value;
use crate::verb::truth::{Kinds, Truth, label_of};
use crate::verb::way_on::some_of;
use crate::workspace::Clips;

/// Verbs whose labels are no candidates, or not only.
const NO_CANDIDATES: [&str; 3] = ["retrieve", "hubness", "triplets"];

/// A sentence about the labels that none of the clips has, which pass a condition; none where all labels are there.
pub(super) fn note(truth: &Truth, verb: &str) -> Option<String> {
    if !read_whole(&truth.clips) {
        return Some("the labels are those of these clips alone, which the condition names by their ids".to_owned());
    }
    let all = labels(&truth.clips.loaded.items, truth.kinds);
    let lacking: Vec<&str> = all.iter().filter(|label| truth.classes.binary_search(label).is_err()).map(String::as_str).collect();
    let part =
        if NO_CANDIDATES.iter().any(|name| name.eq_ignore_ascii_case(verb)) { "take no part" } else { "are no candidates" };
    let told = || format!("{} labels of the collection have no clip here and {part}: {}", lacking.len(), some_of(&lacking));
    (!lacking.is_empty()).then(told)
}

/// The way on where clips have too few labels: another condition, where that is the cause, or to give them some.
pub(super) fn way_on(clips: &Clips, kinds: Kinds, filtered: bool) -> String {
    let all = if filtered { labels(&clips.loaded.items, kinds).len() } else { 0 };
    match kinds {
        Kinds::Label | Kinds::Labels if filtered && !read_whole(clips) => {
            "the condition chooses these clips by their ids, and leaves out those of other labels".to_owned()
        }
        Kinds::Label | Kinds::Labels if all > 1 => {
            format!("without the condition the clips have {all} labels")
        }
        _ => {
            let how = if kinds == Kinds::Label { "--label-from folder" } else { "--dataset NAME" };
            let ways =
                format!("with the audio (`ingest {how}`, `ingest --labels FILE`) or with its vectors (`import --labels FILE`)");
            format!("the field `{}` comes {ways}", kinds.field())
        }
    }
}

/// Whether the clips that do not pass are at hand too.
fn read_whole(clips: &Clips) -> bool {
    clips.loaded.items.len() as u64 >= clips.loaded.info.rows
}

/// The distinct labels of items.
fn labels(items: &[Item], kinds: Kinds) -> BTreeSet<String> {
    if kinds == Kinds::Label {
        return items.iter().filter_map(label_of).collect();
    }
    let lists = items.iter().flat_map(|item| ["labels", "absent"].into_iter().filter_map(move |field| item.metadata.get(field)));
    lists.flat_map(Value::members).map(Value::to_string).collect()
}
