//! The Song Describer Dataset: two-minute tracks of MTG-Jamendo, each with one to five captions.

use super::table::Becomes::{Caption, Field, Name, Nothing, Own};
use super::table::{Column, Shape, Table, column};
use super::{Dataset, Folder, Listing};
use crate::ingest::Error;

const COLUMNS: &[Column] = &[
    column("caption_id", Nothing),
    column("track_id", Field("track")),
    column("caption", Caption),
    column("is_valid_subset", Own("chooses the captions of `song-describer-valid`")),
    column("familiarity", Nothing),
    column("artist_id", Field("artist")),
    column("album_id", Field("album")),
    column("path", Name),
    column("duration", Field("track_duration_s")),
];

pub const DATASET: Dataset = Dataset {
    name: "song-describer",
    title: "Song Describer",
    about: "two-minute tracks with 1,106 captions, one row a caption; a clip has all of its captions",
    clips: 706,
    layout: "\
song_describer.csv
audio/34/1004034.2min.mp3
…",
    columns: COLUMNS,
    licence: "CC BY-SA 4.0; each track has a Creative Commons licence of its own",
    citation: "Manco, Weck, Doh, Won, Zhang, Bogdanov, Wu, Chen, Tovstogan, Benetos, Quinton, Fazekas, Nam: The Song Describer dataset: a corpus of audio captions for music-and-language evaluation, ML for Audio workshop, NeurIPS 2023",
    source: "https://doi.org/10.5281/zenodo.10072001",
    read: |folder, listing| read(folder, listing, false),
};

/// The captions that were validated, and their tracks only.
pub const VALID: Dataset = Dataset {
    name: "song-describer-valid",
    title: "Song Describer, valid subset",
    about: "the 746 captions of Song Describer that its authors validated, and their tracks",
    // So many its table marks, and the paper says; the README of its repository says 546.
    clips: 547,
    read: |folder, listing| read(folder, listing, true),
    ..DATASET
};

fn read(folder: &Folder, listing: &mut Listing, valid: bool) -> Result<(), Error> {
    let table = Table::read(&folder.annotations("song_describer.csv")?, b',', Shape::Square, COLUMNS, listing)?;
    for row in table.rows().filter(|row| !valid || row.cell("is_valid_subset").eq_ignore_ascii_case("true")) {
        listing.push(folder, row.cell("path"), row.fields(), &row.place("path"));
    }
    Ok(())
}
