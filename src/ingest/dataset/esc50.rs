//! ESC-50: five-second environmental sounds of 50 classes.

use super::table::Becomes::{Field, Label, Name, Nothing};
use super::table::{Column, Shape, Table, column};
use super::{Dataset, Folder, Listing};
use crate::ingest::Error;

const COLUMNS: &[Column] = &[
    column("filename", Name),
    column("fold", Field("fold")),
    column("target", Nothing),
    column("category", Label),
    column("esc10", Field("esc10")),
    column("src_file", Field("recording")),
    column("take", Field("take")),
];

pub const DATASET: Dataset = Dataset {
    name: "esc-50",
    title: "ESC-50",
    about: "environmental sounds of 50 classes, 40 each, in five folds that keep a recording together",
    clips: 2_000,
    layout: "\
meta/esc50.csv
audio/1-100032-A-0.wav
…",
    columns: COLUMNS,
    licence: "CC BY-NC 3.0; the ten classes of ESC-10 CC BY 3.0",
    citation: "Piczak: ESC: dataset for environmental sound classification, ACM Multimedia 2015",
    source: "https://github.com/karolpiczak/ESC-50",
    read,
};

fn read(folder: &Folder, listing: &mut Listing) -> Result<(), Error> {
    let table = Table::read(&folder.annotations("esc50.csv")?, b',', Shape::Square, COLUMNS, listing)?;
    for row in table.rows() {
        listing.push(folder, row.cell("filename"), row.fields(), &row.place("filename"));
    }
    Ok(())
}
