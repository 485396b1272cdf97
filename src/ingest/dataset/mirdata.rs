//! Any dataset that mirdata knows, by its index: a JSON file with the path and MD5 of each file.
//!
//! ```text
//!   {"version": "1.0", "metadata": {"info": ["info.csv", "8a0c…"]},
//!    "tracks":      {"ID": {"audio": ["audio/a.wav", "53ed…"], "beats": [null, null]}},
//!    "multitracks": {"ID": {"tracks": ["ID", …], "audio": ["mix.wav", "91fe…"]}}}
//! ```
//!
//! Each of the three may be null or not there; the oldest indexes are the tracks alone.
//! Every audio file of a track is a clip, held against its checksum; a check holds the other files too. The index says nothing
//! of labels: `--labels` or `--label-from` do. Source: <https://mirdata.readthedocs.io>.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use md5::{Digest, Md5};
use serde::Deserialize;

use super::{Folder, Listing};
use crate::audio::is_audio_name;
use crate::ingest::Error;
use crate::ingest::table::text;
use crate::value::Value;

/// Tracks by id, each with its files by what they are.
type Tracks = BTreeMap<String, BTreeMap<String, serde_json::Value>>;

/// An index; more members may be there.
#[derive(Deserialize)]
struct Index {
    tracks: Option<Tracks>,
    multitracks: Option<Tracks>,
    metadata: Option<BTreeMap<String, serde_json::Value>>,
}

impl Index {
    fn parse(text: &str) -> serde_json::Result<Index> {
        let index: Index = serde_json::from_str(text)?;
        if index.tracks.is_some() || index.multitracks.is_some() || index.metadata.is_some() {
            return Ok(index);
        }
        let tracks: Tracks = serde_json::from_str(text)?;
        if tracks.is_empty() {
            return Err(serde::de::Error::custom("it names no tracks"));
        }
        Ok(Index { tracks: Some(tracks), ..index })
    }
}

/// A path with its checksum; either may be null.
fn entry(value: &serde_json::Value) -> Option<(&str, Option<&str>)> {
    match value.as_array()?.as_slice() {
        [path, checksum] => Some((path.as_str()?, checksum.as_str())),
        _ => None,
    }
}

/// Reads an index; `every` holds files that are no audio against it too.
pub fn read(index: &Path, folder: &Folder, every: bool, listing: &mut Listing) -> Result<(), Error> {
    let name = index.file_name().unwrap_or(index.as_os_str()).to_string_lossy().into_owned();
    let fault = |e: serde_json::Error| Error::Read { path: index.to_owned(), reason: format!("it is no index of mirdata: {e}") };
    let index = Index::parse(&text(index)?).map_err(fault)?;
    for (track, files) in index.tracks.iter().chain(&index.multitracks).flatten() {
        // `tracks` of a multitrack are ids: two of them look like a path and its checksum.
        for (part, value) in files.iter().filter(|(part, _)| *part != "tracks") {
            let Some((path, checksum)) = entry(value) else { continue };
            let place = format!("{name}, track `{track}`, `{part}`");
            let audio = is_audio_name(Path::new(path));
            if !audio && !every {
                continue;
            }
            if sound(folder, path, checksum, &place, listing) && audio {
                let fields = [("track".to_owned(), Value::from(track.as_str())), ("part".to_owned(), part.as_str().into())];
                listing.push(folder, path, fields.into(), &place);
            }
        }
    }
    for (part, value) in index.metadata.iter().flatten().filter(|_| every) {
        if let Some((path, checksum)) = entry(value) {
            sound(folder, path, checksum, &format!("{name}, metadata `{part}`"), listing);
        }
    }
    Ok(())
}

/// Whether a file is there and as the index has it; else it is a fault.
fn sound(folder: &Folder, path: &str, checksum: Option<&str>, place: &str, listing: &mut Listing) -> bool {
    let Some(file) = folder.file(path) else {
        listing.fault(place, format!("`{path}` is not below `{}`", folder.root.display()));
        return false;
    };
    match (checksum, md5(&file.path)) {
        (_, Err(error)) => listing.fault(place, format!("`{path}` can't be read: {error}")),
        (Some(expected), Ok(found)) if !expected.eq_ignore_ascii_case(&found) => {
            listing
                .fault(place, format!("`{path}` has the MD5 {found}, expected {expected}: it is damaged or of another version"));
        }
        _ => return true,
    }
    false
}

fn md5(path: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let (mut digest, mut block) = (Md5::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut block)? {
            0 => return Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            n => digest.update(block.get(..n).unwrap_or_default()),
        }
    }
}
