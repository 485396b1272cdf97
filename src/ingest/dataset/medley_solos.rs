//! Medley-solos-DB: three-second solos of eight instruments.

use super::table::Becomes::{Field, Label, Name};
use super::table::{Column, Shape, Table, column};
use super::{Dataset, Folder, Listing};
use crate::ingest::Error;

const COLUMNS: &[Column] = &[
    column("subset", Field("subset")),
    column("instrument", Label),
    column("instrument_id", Name),
    column("song_id", Field("song")),
    column("uuid4", Name),
];

pub const DATASET: Dataset = Dataset {
    name: "medley-solos-db",
    title: "Medley-solos-DB",
    about: "three-second solos of eight instruments, from MedleyDB (training, validation) and solosDB (test)",
    clips: 21_571,
    layout: "\
Medley-solos-DB_metadata.csv
Medley-solos-DB_SUBSET-INSTRUMENT_UUID.wav
…",
    columns: COLUMNS,
    licence: "CC BY 4.0",
    citation: "Lostanlen, Cella: Deep convolutional networks on the pitch spiral for musical instrument recognition, ISMIR 2016",
    source: "https://zenodo.org/record/3464194",
    read,
};

fn read(folder: &Folder, listing: &mut Listing) -> Result<(), Error> {
    let table = Table::read(&folder.annotations("Medley-solos-DB_metadata.csv")?, b',', Shape::Square, COLUMNS, listing)?;
    for row in table.rows() {
        let (subset, id, uuid) = (row.cell("subset"), row.cell("instrument_id"), row.cell("uuid4"));
        let path = format!("Medley-solos-DB_{subset}-{id}_{uuid}.wav");
        listing.push(folder, &path, row.fields(), &row.place("uuid4"));
    }
    Ok(())
}
