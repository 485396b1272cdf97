//! GTZAN: 30-second excerpts of ten genres. It has no table: the file's name is the annotation.

use super::{Dataset, Folder, Listing};
use crate::diagnostic::one_of;
use crate::ingest::Error;
use crate::value::Value;

const GENRES: [&str; 10] = ["blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock"];

pub const DATASET: Dataset = Dataset {
    name: "gtzan",
    title: "GTZAN genre collection",
    about: "30-second excerpts of ten genres, 100 each; the original `.au` files must be converted to wav or flac first, and \
            `jazz.00054.wav` is damaged in some copies; its faults (repetitions, mislabellings) are described by Sturm, 2013",
    clips: 1_000,
    layout: "\
genres/blues/blues.00000.wav
…
genres/rock/rock.00099.wav",
    columns: &[],
    licence: "none stated; the excerpts are of commercial recordings",
    citation: "Tzanetakis, Cook: Musical genre classification of audio signals, IEEE Transactions on Speech and Audio Processing 10(5), 2002",
    source: "http://marsyas.info/downloads/datasets.html",
    read,
};

fn read(folder: &Folder, listing: &mut Listing) -> Result<(), Error> {
    if folder.all_audio().next().is_none()
        && let Some(first) = folder.named(|name| name.ends_with(".au")).first()
    {
        let reason = "Sun AU is not supported: expected wav or flac, for example by `ffmpeg -i blues.00000.au blues.00000.wav`";
        listing.fault(first.id.as_str(), reason);
    }
    for source in folder.all_audio() {
        let name = source.id.rsplit('/').next().unwrap_or_default();
        let parts: Vec<&str> = name.split('.').collect();
        let genre = match parts.as_slice() {
            [genre, number, _] if number.chars().all(|c| c.is_ascii_digit()) => GENRES.iter().find(|g| *g == genre),
            _ => None,
        };
        match genre {
            Some(genre) => {
                let fields = [("label".to_owned(), Value::from(*genre))].into();
                listing.push(folder, &source.id, fields, &source.id);
            }
            None => {
                let expected = one_of(GENRES);
                listing.fault(source.id.as_str(), format!("the name is not `GENRE.NUMBER.wav` with a genre of {expected}"));
            }
        }
    }
    Ok(())
}
