//! Where a clip's label and metadata come from: its folder, its file name, or a table.
//!
//! ```text
//!   --label-from folder                     violin/A4.wav → label "violin"
//!   --label-from 'filename:^(?<label>\w+)-(?<pitch>\w+)'    Vn-A4.wav → label "Vn", pitch "A4"
//!   --labels notes.csv                      a table, see [`super::table`]
//!   --dataset NAME                          what the dataset says of each clip, see [`super::dataset`]
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use regex::Regex;

use super::Error;
use super::fields::lay_over;
use super::files::Source;
pub use super::rows::Rows;
use crate::audio::stem;
use crate::value::{Fields, Value};

/// A rule from a clip's id to its metadata.
#[derive(Debug, Clone)]
pub enum Labelling {
    /// The folder that the file is in.
    Folder,
    /// The same for clips without a label, where nothing was said: what a table gave stays.
    FolderAtFirst,
    /// Named groups of a pattern over the file's name; the group `label`, or the first group, is the label.
    FileName(Regex),
    /// A table's rows.
    Table(Rows),
    /// The fields of each clip, by its id.
    Listed(BTreeMap<String, BTreeMap<String, Value>>),
    /// No label.
    None,
}

impl Labelling {
    /// Reads the value of `--label-from`.
    ///
    /// # Errors
    /// When it is neither `folder`, `none` nor `filename:` with a pattern that has a group.
    pub fn parse(rule: &str) -> Result<Labelling, Error> {
        if let Some(pattern) = rule.strip_prefix("filename:") {
            let regex =
                Regex::new(pattern).map_err(|e| Error::Refused(format!("`{pattern}` is not a pattern: {}", last_line(&e))))?;
            if regex.captures_len() < 2 {
                let hint = "expected a group for the label, as in `filename:^(?<label>[^-]+)-`";
                return Err(Error::Refused(format!("the pattern `{pattern}` has no group: {hint}")));
            }
            return Ok(Labelling::FileName(regex));
        }
        match rule {
            "folder" => Ok(Labelling::Folder),
            "none" => Ok(Labelling::None),
            _ => Err(Error::Refused(format!("labels can't come from `{rule}`: expected `folder`, `none` or `filename:REGEX`"))),
        }
    }

    /// A clip's metadata by its id and its file; empty where the rule has nothing to say, null for what a table says that it
    /// has not.
    pub fn metadata(&self, id: &str, path: &Path) -> BTreeMap<String, Value> {
        kept(match self {
            Labelling::None => BTreeMap::new(),
            Labelling::Folder | Labelling::FolderAtFirst => {
                let folder = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
                folder.map(|folder| BTreeMap::from([("label".to_owned(), Value::from(folder))])).unwrap_or_default()
            }
            Labelling::FileName(regex) => from_name(regex, stem(id)),
            Labelling::Table(rows) => rows.find(id, path).cloned().unwrap_or_default(),
            Labelling::Listed(clips) => clips.get(id).cloned().unwrap_or_default(),
        })
    }

    /// Lays a clip's metadata over the fields that something else gave it.
    pub fn add_to(&self, fields: &mut Fields, id: &str, path: &Path) {
        lay_over(fields, self.metadata(id, path));
    }

    /// Tells of a table of which no row names any of the clips: (what, sentence).
    pub fn strange(&self, sources: &[Source]) -> Option<(String, String)> {
        let Labelling::Table(table) = self else { return None };
        let ((row, _), clip) = (table.rows.first()?, sources.first()?);
        let what = format!(
            "none of the {} clips that the table of labels names was found: it begins with `{row}`, the clips with `{}`",
            table.rows.len(),
            clip.id
        );
        sources.iter().all(|source| table.find(&source.id, &source.path).is_none()).then(|| ("--labels".to_owned(), what))
    }
}

/// Fields as they are kept: `id` is the item's own, so another is `meta.id`.
pub(super) fn kept(mut fields: Fields) -> Fields {
    if let Some(other) = fields.remove("id") {
        fields.insert("meta.id".into(), other);
    }
    fields
}

fn from_name(regex: &Regex, name: &str) -> BTreeMap<String, Value> {
    let Some(captures) = regex.captures(name) else { return BTreeMap::new() };
    let mut fields = BTreeMap::new();
    for group in regex.capture_names().flatten() {
        // An empty label would be a class of its own.
        if let Some(found) = captures.name(group).filter(|found| group != "label" || !found.is_empty()) {
            let value = if group == "label" { Value::from(found.as_str()) } else { Value::infer(found.as_str()) };
            fields.insert(group.to_owned(), value);
        }
    }
    if regex.capture_names().all(|group| group != Some("label"))
        && let Some(first) = captures.get(1).filter(|first| !first.is_empty())
    {
        fields.insert("label".to_owned(), first.as_str().into());
    }
    fields
}

fn last_line(error: &regex::Error) -> String {
    error.to_string().lines().last().unwrap_or("").trim().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(labelling: &Labelling, id: &str) -> Option<String> {
        labelling.metadata(id, Path::new(id)).get("label").map(ToString::to_string)
    }

    #[test]
    fn folders_and_names_give_labels() {
        assert_eq!(label(&Labelling::Folder, "lib/violin/A4.wav").as_deref(), Some("violin"));
        assert_eq!(label(&Labelling::Folder, "A4.wav"), None);
        let rule = Labelling::parse("filename:^(?<label>[A-Za-z]+)-(?<pitch>[^-]+)").unwrap();
        let fields = rule.metadata("x/Vn-60-mf.wav", Path::new("x/Vn-60-mf.wav"));
        assert_eq!((fields["label"].to_string(), fields["pitch"].clone()), ("Vn".into(), Value::Int(60)));
        assert!(rule.metadata("x/12.wav", Path::new("x/12.wav")).is_empty());
        // A label that is left out or empty is none; the first group stands in only where none is called so.
        let rule = Labelling::parse("filename:^(?<midi>[0-9]+)(-(?<label>[a-z]*))?$").unwrap();
        assert_eq!(["60-vn.wav", "60-.wav", "60.wav"].map(|id| label(&rule, id)), [Some("vn".into()), None, None]);
        assert_eq!(label(&Labelling::parse("filename:^([a-z]*)[0-9]").unwrap(), "1.wav"), None);
        assert!(
            Labelling::parse("filename:abc").is_err()
                && Labelling::parse("filename:(").is_err()
                && Labelling::parse("x").is_err()
        );
    }
}
