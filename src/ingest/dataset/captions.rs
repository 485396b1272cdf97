//! Captions as MusCALL has them: a JSON array of `{"audio_id", "caption", "audio_path"}`, a file a split.
//!
//! Rows of the same audio are one clip with several captions. MusCALL itself keeps audio as `.npy`; here the audio file of that
//! name is wanted. Source: <https://github.com/ilaria-manco/muscall>.

use serde::Deserialize;

use super::table::Becomes::{Caption, Field, Name};
use super::table::{Column, column};
use super::{Dataset, Folder, Listing};
use crate::ingest::Error;
use crate::ingest::table::text;
use crate::value::Value;

const COLUMNS: &[Column] = &[column("audio_id", Field("audio_id")), column("caption", Caption), column("audio_path", Name)];

pub const DATASET: Dataset = Dataset {
    name: "muscall",
    title: "captions in MusCALL's form",
    about: "any audio with captions in JSON, as MusCALL and its kin are trained on; `split` is in the file's name",
    clips: 0,
    layout: "\
dataset_train.json      an array of objects
dataset_val.json
dataset_test.json
audio/track_1.wav
…",
    columns: COLUMNS,
    licence: "that of the audio and captions, which are the user's own",
    citation: "Manco, Benetos, Quinton, Fazekas: Contrastive audio-language learning for music, ISMIR 2022",
    source: "https://github.com/ilaria-manco/muscall",
    read,
};

/// One caption; more members may be there.
#[derive(Deserialize)]
struct Captioned {
    #[serde(default)]
    audio_id: serde_json::Value,
    caption: String,
    audio_path: String,
}

fn read(folder: &Folder, listing: &mut Listing) -> Result<(), Error> {
    let split = |name: &str| name.strip_prefix("dataset_").and_then(|rest| rest.strip_suffix(".json")).map(str::to_owned);
    for file in folder.tables("dataset_train.json", |name| split(name).is_some())? {
        let fault = |e: serde_json::Error| Error::Read {
            path: file.path.clone(),
            reason: format!("it is no array of `audio_path` and `caption`: {e}"),
        };
        let captions: Vec<Captioned> = serde_json::from_str(&text(&file.path)?).map_err(fault)?;
        for (at, captioned) in captions.into_iter().enumerate() {
            let mut fields = [("captions".to_owned(), Value::list([captioned.caption.trim()]))].into();
            if let Some(id) = crate::ingest::json_value(captioned.audio_id).filter(|id| !id.is_null()) {
                std::collections::BTreeMap::insert(&mut fields, "audio_id".to_owned(), id);
            }
            if let Some(split) = split(file.id.rsplit('/').next().unwrap_or_default()) {
                fields.insert("split".into(), split.into());
            }
            listing.push(folder, &captioned.audio_path, fields, &format!("{}, entry {at}", file.id));
        }
    }
    Ok(())
}
