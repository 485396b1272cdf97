//! OpenMIC-2018: which of 20 instruments are in an excerpt, known for some of them only.

use std::collections::BTreeMap;

use super::table::Becomes::{Name, Nothing, Own};
use super::table::{Column, Shape, Table, column};
use super::{Dataset, Folder, Listing};
use crate::ingest::Error;
use crate::ingest::table::text;
use crate::value::Value;

const COLUMNS: &[Column] = &[
    column("sample_key", Name),
    column("instrument", Own("a member of `labels` or `absent`")),
    column("relevance", Own("from 0.5 on the instrument is in `labels`, below it in `absent`")),
    column("num_responses", Nothing),
];

pub const DATASET: Dataset = Dataset {
    name: "openmic-2018",
    title: "OpenMIC-2018",
    about: "ten-second excerpts with the presence of 20 instruments; what nobody was asked about is unknown and stays so; the \
            archive's `openmic-2018.npz` holds the same labels with features, and is not needed",
    clips: 20_000,
    layout: "\
openmic-2018-aggregated-labels.csv
partitions/split01_train.csv
partitions/split01_test.csv
audio/000/000046_3840.ogg
…",
    columns: COLUMNS,
    licence: "CC BY 4.0; the excerpts have Creative Commons licences of their own",
    citation: "Humphrey, Durand, McFee: OpenMIC-2018: an open data-set for multiple instrument recognition, ISMIR 2018",
    source: "https://zenodo.org/record/1432913",
    read,
};

fn read(folder: &Folder, listing: &mut Listing) -> Result<(), Error> {
    let file = folder.annotations("openmic-2018-aggregated-labels.csv")?;
    let table = Table::read(&file, b',', Shape::Square, COLUMNS, listing)?;
    // Of each excerpt: its place, the instruments in it, and those that are not.
    let mut excerpts: BTreeMap<&str, (String, Vec<&str>, Vec<&str>)> = BTreeMap::new();
    for row in table.rows() {
        let relevance = row.cell("relevance");
        let Some(relevance) = relevance.parse::<f64>().ok().filter(|r| (0.0..=1.0).contains(r)) else {
            listing.fault(row.place("relevance"), format!("`{relevance}` is no relevance: expected a number from 0 to 1"));
            continue;
        };
        let (_, present, absent) =
            excerpts.entry(row.cell("sample_key")).or_insert_with(|| (row.place("sample_key"), Vec::new(), Vec::new()));
        if relevance >= 0.5 { present } else { absent }.push(row.cell("instrument"));
    }
    let splits = splits(folder)?;
    for (key, (place, present, absent)) in excerpts {
        let mut fields =
            BTreeMap::from([("labels".to_owned(), Value::list(present)), ("absent".to_owned(), Value::list(absent))]);
        if let Some(split) = splits.get(key) {
            fields.insert("split".into(), (*split).into());
        }
        listing.push(folder, &format!("{key}.ogg"), fields, &place);
    }
    Ok(())
}

/// The split of each excerpt, where the partitions are there.
fn splits(folder: &Folder) -> Result<BTreeMap<String, &'static str>, Error> {
    let mut splits = BTreeMap::new();
    for split in ["train", "test"] {
        if let Some(file) = folder.file(&format!("split01_{split}.csv")) {
            splits.extend(text(&file.path)?.lines().map(|line| (line.trim().to_owned(), split)));
        }
    }
    Ok(splits)
}
