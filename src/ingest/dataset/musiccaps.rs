//! MusicCaps: ten-second clips of AudioSet with a caption and a list of aspects, written by musicians.

use super::table::Becomes::{Caption, Field, List, Name};
use super::table::{Column, Shape, Table, column};
use super::{Dataset, Folder, Listing};
use crate::ingest::Error;

const COLUMNS: &[Column] = &[
    column("ytid", Name),
    column("start_s", Field("start_s")),
    column("end_s", Field("end_s")),
    column("audioset_positive_labels", List("audioset")),
    column("aspect_list", List("aspects")),
    column("caption", Caption),
    column("author_id", Field("author")),
    column("is_balanced_subset", Field("balanced")),
    column("is_audioset_eval", Field("audioset_eval")),
];

pub const DATASET: Dataset = Dataset {
    name: "musiccaps",
    title: "MusicCaps",
    about: "ten-second clips with one caption each; audio is not part of it, and whoever has the clips names them by `ytid`",
    clips: 5_521,
    layout: "\
musiccaps-public.csv
YTID.wav                or [YTID]-[START-END].wav",
    columns: COLUMNS,
    licence: "CC BY-SA 4.0, without the audio",
    citation: "Agostinelli et al.: MusicLM: generating music from text, arXiv:2301.11325, 2023",
    source: "https://www.kaggle.com/datasets/googleai/musiccaps",
    read,
};

fn read(folder: &Folder, listing: &mut Listing) -> Result<(), Error> {
    let table = Table::read(&folder.annotations("musiccaps-public.csv")?, b',', Shape::Square, COLUMNS, listing)?;
    for row in table.rows() {
        let id = row.cell("ytid");
        let cut = format!("[{id}]-[{}-{}].wav", row.cell("start_s"), row.cell("end_s"));
        let path = if folder.audio(&cut).is_some() { cut } else { format!("{id}.wav") };
        let mut fields = row.fields();
        fields.insert("ytid".into(), id.into());
        listing.push(folder, &path, fields, &row.place("ytid"));
    }
    Ok(())
}
