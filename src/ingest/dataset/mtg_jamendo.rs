//! MTG-Jamendo: full tracks with tags of genre, instrument and mood. Its rows are ragged: a cell a tag, `category---tag`.

use super::table::Becomes::{Field, Name, Own};
use super::table::{Column, Shape, Table, column};
use super::{Dataset, Folder, Listing};
use crate::ingest::Error;
use crate::ingest::files::Source;
use crate::value::Value;

const COLUMNS: &[Column] = &[
    column("TRACK_ID", Field("track")),
    column("ARTIST_ID", Field("artist")),
    column("ALBUM_ID", Field("album")),
    column("PATH", Name),
    column("DURATION", Field("track_duration_s")),
    column("TAGS", Own("`labels`, without the category; and the lists `genre`, `instrument`, `mood_theme`")),
];

/// Categories as the tags have them, with the field that each becomes.
const CATEGORIES: [(&str, &str); 3] = [("genre", "genre"), ("instrument", "instrument"), ("mood/theme", "mood_theme")];

pub const DATASET: Dataset = Dataset {
    name: "mtg-jamendo",
    title: "MTG-Jamendo",
    about: "full tracks with 195 tags of genre, instrument and mood; a track without a tag counts as not having it; \
            `--annotations FILE` takes a subset or split, such as `autotagging_instrument.tsv` or `split-0/autotagging-test.tsv`",
    clips: 55_609,
    layout: "\
autotagging.tsv
00/1000.mp3             or, of the smaller download, 00/1000.low.mp3
…
99/…",
    columns: COLUMNS,
    licence: "metadata CC BY-NC-SA 4.0; each track has a Creative Commons licence of its own, see `audio_licenses.txt`",
    citation: "Bogdanov, Won, Tovstogan, Porter, Serra: The MTG-Jamendo dataset for automatic music tagging, ML4MD workshop, ICML 2019",
    source: "https://github.com/MTG/mtg-jamendo-dataset",
    read,
};

fn read(folder: &Folder, listing: &mut Listing) -> Result<(), Error> {
    let table = Table::read(&tags_of(folder)?, b'\t', Shape::Ragged, COLUMNS, listing)?;
    for row in table.rows() {
        let mut fields = row.fields();
        let mut labels: Vec<&str> = Vec::new();
        for tag in row.cells_from("TAGS") {
            let known = tag.split_once("---").and_then(|(category, tag)| {
                CATEGORIES.iter().find(|(name, _)| *name == category).map(|(_, field)| (*field, tag))
            });
            let Some((field, tag)) = known else {
                let reason = format!("`{tag}` is no tag: expected `genre---…`, `instrument---…` or `mood/theme---…`");
                listing.fault(row.place("TAGS"), reason);
                continue;
            };
            if !labels.contains(&tag) {
                labels.push(tag);
            }
            let mut members = fields.get(field).map(|value| value.members().to_vec()).unwrap_or_default();
            members.push(tag.into());
            fields.insert(field.into(), Value::list(members));
        }
        fields.insert("labels".into(), Value::list(labels));
        listing.push(folder, row.cell("PATH"), fields, &row.place("PATH"));
    }
    Ok(())
}

/// `autotagging.tsv`, or the only other table of tags.
fn tags_of(folder: &Folder) -> Result<Source, Error> {
    if folder.annotations.is_none() && folder.file("autotagging.tsv").is_none() {
        let others = folder.named(|name| name.starts_with("autotagging") && name.ends_with(".tsv"));
        match others.as_slice() {
            [only] => return Ok((*only).clone()),
            [] => {}
            several => {
                let names = crate::diagnostic::one_of(several.iter().map(|source| source.id.as_str()));
                return Err(Error::Refused(format!("there are several tables of tags: expected `--annotations` with {names}")));
            }
        }
    }
    folder.annotations("autotagging.tsv")
}
