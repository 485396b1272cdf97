//! MagnaTagATune: 29-second clips with 188 tags. Its table is called `.csv` and is parted by tabs, a column a tag.

use super::table::Becomes::{Field, Name, Own};
use super::table::{Column, column};
use super::{Dataset, Folder, Listing};
use crate::ingest::Error;
use crate::ingest::table::text;
use crate::value::Value;

const COLUMNS: &[Column] =
    &[column("clip_id", Field("clip")), column("188 tags", Own("those with 1 are `labels`")), column("mp3_path", Name)];

pub const DATASET: Dataset = Dataset {
    name: "magnatagatune",
    title: "MagnaTagATune",
    about: "29-second clips with 188 tags that players of a game agreed on; a clip without a tag counts as not having it; three \
            of the files are known to be empty, which `--skip-bad` passes over",
    clips: 25_863,
    layout: "\
annotations_final.csv                 parted by tabs
0/american_bach_soloists-…-0-29.mp3
…
f/…",
    columns: COLUMNS,
    licence: "CC BY-NC-SA 3.0",
    citation: "Law, West, Mandel, Bay, Downie: Evaluation of algorithms using games: the case of music tagging, ISMIR 2009",
    source: "https://mirg.city.ac.uk/codeapps/the-magnatagatune-dataset",
    read,
};

/// Tags as the file has them; another number means another file.
const TAGS: usize = 188;

fn read(folder: &Folder, listing: &mut Listing) -> Result<(), Error> {
    let file = folder.annotations("annotations_final.csv")?;
    let text = text(&file.path)?;
    let fault = |reason: String| Error::Read { path: file.path.clone(), reason };
    let mut reader = csv::ReaderBuilder::new().delimiter(b'\t').flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| fault(e.to_string()))?.clone();
    if header.get(0) != Some("clip_id") || header.iter().next_back() != Some("mp3_path") || header.len() < 3 {
        return Err(fault("its line 1 is not `clip_id`, the tags and `mp3_path`, parted by tabs".into()));
    }
    if header.len() != TAGS + 2 {
        listing.fault(format!("{}, line 1", file.id), format!("{} tags, expected {TAGS}", header.len() - 2));
    }
    for record in reader.records() {
        let record = record.map_err(|e| fault(e.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let place = |column: &str| format!("{}, line {line}, column `{column}`", file.id);
        if record.len() != header.len() {
            let reason = format!("{} cells, expected {} as in line 1", record.len(), header.len());
            listing.fault(format!("{}, line {line}", file.id), reason);
            continue;
        }
        let tags = || header.iter().zip(&record).skip(1).take(header.len() - 2);
        if let Some((tag, cell)) = tags().find(|(_, cell)| !matches!(*cell, "0" | "1")) {
            listing.fault(place(tag), format!("`{cell}` is neither 0 nor 1"));
            continue;
        }
        let labels = Value::list(tags().filter(|(_, cell)| *cell == "1").map(|(tag, _)| tag));
        let clip = Value::infer(record.get(0).unwrap_or_default());
        let fields = [("labels".to_owned(), labels), ("clip".to_owned(), clip)].into();
        listing.push(folder, record.iter().next_back().unwrap_or_default(), fields, &place("mp3_path"));
    }
    Ok(())
}
