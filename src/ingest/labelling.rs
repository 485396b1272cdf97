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
    /// Named groups of a pattern over the file's name without its extension. The label is the group `label`, or the first group
    /// if that has no name.
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

    /// Tells of rows that name none of the clips, and of a pattern that fits none or gives no label: (what, sentence).
    pub fn strange(&self, sources: &[Source]) -> Option<(String, String)> {
        let clip = sources.first()?;
        match self {
            Labelling::Table(table) => Some(("--labels".to_owned(), strange_table(table, sources, clip)?)),
            Labelling::FileName(regex) => Some(("--label-from".to_owned(), strange_pattern(regex, sources, clip)?)),
            _ => None,
        }
    }
}

fn strange_table(table: &Rows, sources: &[Source], clip: &Source) -> Option<String> {
    let mut met = table.none_met();
    for at in sources.iter().filter_map(|source| table.place(&source.id, &source.path)) {
        met.meet(at);
    }
    let (row, _) = table.rows.first()?;
    if met.any() {
        return table.left_over(&met, "clip");
    }
    Some(format!(
        "none of the {} clips that the table of labels names was found: it begins with `{row}`, the clips with `{}`",
        table.rows.len(),
        clip.id
    ))
}

fn strange_pattern(regex: &Regex, sources: &[Source], clip: &Source) -> Option<String> {
    if !sources.iter().any(|source| regex.is_match(stem(&source.id))) {
        return Some(format!(
            "the pattern `{regex}` fits none of {} files: it is held against a name without its extension, such as `{}`",
            sources.len(),
            stem(&clip.id)
        ));
    }
    let says_label = first_is_label(regex) || regex.capture_names().flatten().any(|group| group == "label");
    (!says_label).then(|| format!("no group of the pattern `{regex}` is called `label`: it gives fields, and no label"))
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
    if first_is_label(regex)
        && let Some(first) = captures.get(1).filter(|first| !first.is_empty())
    {
        fields.insert("label".to_owned(), first.as_str().into());
    }
    fields
}

/// Whether the label is the first group: that has no name, and none is called so.
fn first_is_label(regex: &Regex) -> bool {
    regex.capture_names().nth(1) == Some(None) && regex.capture_names().all(|group| group != Some("label"))
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
        // A label that is left out or empty is none; the first group stands in only where it has no name, and none is called so.
        let rule = Labelling::parse("filename:^(?<midi>[0-9]+)(-(?<label>[a-z]*))?$").unwrap();
        assert_eq!(["60-vn.wav", "60-.wav", "60.wav"].map(|id| label(&rule, id)), [Some("vn".into()), None, None]);
        assert_eq!(label(&Labelling::parse("filename:^([a-z]*)[0-9]").unwrap(), "1.wav"), None);
        assert!(
            Labelling::parse("filename:abc").is_err()
                && Labelling::parse("filename:(").is_err()
                && Labelling::parse("x").is_err()
        );
    }

    #[test]
    fn a_group_of_another_name_is_no_label() {
        let fields = |rule: &str| Labelling::parse(rule).unwrap().metadata("x/Vn-60.wav", Path::new("x/Vn-60.wav"));
        let midi = || ("midi".to_owned(), Value::Int(60));
        assert_eq!(fields("filename:-(?<midi>[0-9]+)$"), Fields::from([midi()]));
        assert_eq!(fields("filename:-(?<midi>([0-9])+)$"), Fields::from([midi()]));
        // One without a name is the label, named ones beside it or not.
        let label = || ("label".to_owned(), Value::from("Vn"));
        assert_eq!(fields("filename:^([A-Za-z]+)-(?<midi>[0-9]+)$"), Fields::from([label(), midi()]));
        assert_eq!(fields("filename:^([A-Za-z]+)-"), Fields::from([label()]));
    }

    #[test]
    fn what_a_rule_leaves_open_is_told() {
        let source = |id: &str| Source { id: id.to_owned(), path: Path::new("/lib").join(id) };
        let told = |labelling: &Labelling, ids: &[&str]| {
            let sources: Vec<Source> = ids.iter().copied().map(source).collect();
            labelling.strange(&sources).map(|(_, what)| what)
        };
        let pattern = |pattern: &str| Labelling::parse(&format!("filename:{pattern}")).unwrap();
        let ids = ["x/60.wav", "x/Vn.wav"];
        assert_eq!(told(&pattern("^(?<label>[0-9]+)$"), &ids), None);
        assert_eq!(told(&pattern("^([0-9]+)$"), &ids), None);
        let none = "the pattern `^(?<label>[0-9]+)\\.wav$` fits none of 2 files: \
                    it is held against a name without its extension, such as `60`";
        assert_eq!(told(&pattern("^(?<label>[0-9]+)\\.wav$"), &ids).as_deref(), Some(none));
        let unnamed = "no group of the pattern `^(?<midi>[0-9]+)$` is called `label`: it gives fields, and no label";
        assert_eq!(told(&pattern("^(?<midi>[0-9]+)$"), &ids).as_deref(), Some(unnamed));
        let table = |text: &str| Labelling::Table(Rows::parse(text).unwrap());
        assert_eq!(told(&table("file,label\n60.wav,a\nVn.wav,b\n"), &ids), None);
        assert_eq!(told(&table("file,label\n60.wav,a\n"), &[]), None);
        let one = told(&table("file,label\n60.wav,a\n61.wav,b\n"), &ids);
        assert_eq!(one.as_deref(), Some("1 of 2 rows of `` names no clip: `61.wav`"));
        let two = told(&table("file,label\n60.wav,a\n61.wav,b\ny/Vn.wav,c\n"), &ids);
        assert_eq!(two.as_deref(), Some("2 of 3 rows of `` name no clip, such as `61.wav`"));
        assert!(told(&table("file,label\n61.wav,b\n"), &ids).unwrap().starts_with("none of the 1 clips"));
    }
}
