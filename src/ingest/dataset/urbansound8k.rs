//! UrbanSound8K: excerpts of field recordings of ten classes.

use super::table::Becomes::{Field, Label, Name, Nothing};
use super::table::{Column, Shape, Table, column};
use super::{Dataset, Folder, Listing};
use crate::ingest::Error;

const COLUMNS: &[Column] = &[
    column("slice_file_name", Name),
    column("fsID", Field("recording")),
    column("start", Field("start_s")),
    column("end", Field("end_s")),
    column("salience", Field("salience")),
    column("fold", Field("fold")),
    column("classID", Nothing),
    column("class", Label),
];

pub const DATASET: Dataset = Dataset {
    name: "urbansound8k",
    title: "UrbanSound8K",
    about: "urban sounds of ten classes, up to four seconds, in ten folds that must not be shuffled",
    clips: 8_732,
    layout: "\
metadata/UrbanSound8K.csv
audio/fold1/101415-3-0-2.wav
…
audio/fold10/…",
    columns: COLUMNS,
    licence: "CC BY-NC 3.0",
    citation: "Salamon, Jacoby, Bello: A dataset and taxonomy for urban sound research, ACM Multimedia 2014",
    source: "https://urbansounddataset.weebly.com/urbansound8k.html",
    read,
};

fn read(folder: &Folder, listing: &mut Listing) -> Result<(), Error> {
    let table = Table::read(&folder.annotations("UrbanSound8K.csv")?, b',', Shape::Square, COLUMNS, listing)?;
    for row in table.rows() {
        let path = format!("fold{}/{}", row.cell("fold"), row.cell("slice_file_name"));
        listing.push(folder, &path, row.fields(), &row.place("slice_file_name"));
    }
    Ok(())
}
