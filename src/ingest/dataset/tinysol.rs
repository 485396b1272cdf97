//! TinySOL: 2,913 single notes of 14 instruments, the dataset of the paper.

use super::table::Becomes::{Field, Name, Nothing, Own};
use super::table::{Column, Shape, Table, column};
use super::{Dataset, Folder, Listing};
use crate::ingest::Error;

const COLUMNS: &[Column] = &[
    column("Path", Name),
    column("Fold", Field("fold")),
    column("Family", Field("family")),
    column("Instrument (abbr.)", Own("`label`, in the paper's words")),
    column("Instrument (in full)", Field("instrument")),
    column("Technique (abbr.)", Nothing),
    column("Technique (in full)", Field("technique")),
    column("Pitch", Field("pitch")),
    column("Pitch ID", Field("midi")),
    column("Dynamics", Field("dynamic")),
    column("Dynamics ID", Nothing),
    column("Instance ID", Field("instance")),
    column("String ID (if applicable)", Field("string")),
    column("Needed digital retuning", Field("retuned")),
];

/// The paper's word for each abbreviation.
const LABELS: [(&str, &str); 14] = [
    ("BTb", "tuba"),
    ("Hn", "french_horn"),
    ("Tbn", "trombone"),
    ("TpC", "trumpet"),
    ("Acc", "accordion"),
    ("Cb", "contrabass"),
    ("Vn", "violin"),
    ("Va", "viola"),
    ("Vc", "violoncello"),
    ("Bn", "bassoon"),
    ("ClBb", "clarinet"),
    ("Fl", "flute"),
    ("Ob", "oboe"),
    ("ASax", "saxophone"),
];

pub const DATASET: Dataset = Dataset {
    name: "tinysol",
    title: "TinySOL",
    about: "single notes of 14 instruments in five balanced folds; labels in the words of the ISMIR 2024 paper",
    clips: 2_913,
    layout: "\
TinySOL_metadata.csv
Brass/Bass_Tuba/ordinario/BTb-ord-F#1-pp-N-N.wav
Strings/Violin/ordinario/…",
    columns: COLUMNS,
    licence: "CC BY 4.0",
    citation: "Cella, Ghisi, Lostanlen, Lévy, Fineberg, Maresz: OrchideaSOL: a dataset of extended instrumental techniques for computer-aided orchestration, ICMC 2020",
    source: "https://zenodo.org/record/3685367",
    read,
};

fn read(folder: &Folder, listing: &mut Listing) -> Result<(), Error> {
    let table = Table::read(&folder.annotations("TinySOL_metadata.csv")?, b',', Shape::Square, COLUMNS, listing)?;
    for row in table.rows() {
        let abbreviation = row.cell("Instrument (abbr.)");
        let mut fields = row.fields();
        match LABELS.iter().find(|(abbr, _)| *abbr == abbreviation) {
            Some((_, label)) => fields.insert("label".into(), (*label).into()),
            None => {
                let expected = crate::diagnostic::one_of(LABELS.iter().map(|(abbr, _)| *abbr));
                listing.fault(row.place("Instrument (abbr.)"), format!("`{abbreviation}` is no instrument: expected {expected}"));
                continue;
            }
        };
        listing.push(folder, row.cell("Path"), fields, &row.place("Path"));
    }
    Ok(())
}
