//! The audio files below the given paths, each with the id that it will have.
//!
//! An id is the path below the folder that was named, with `/`: `violin/A4.wav`. Below several folders the folder's own name
//! comes first. The order is by id, so that two runs see the same order. A link to a folder is not followed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::Error;
use crate::audio::is_audio_name;

/// One file to ingest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub id: String,
    pub path: PathBuf,
}

/// Every audio file at or below `roots`.
///
/// # Errors
/// When a root can't be read, or two files would have one id.
pub fn find(roots: &[PathBuf]) -> Result<Vec<Source>, Error> {
    let mut found = Vec::new();
    for root in roots {
        let read = |error: std::io::Error| Error::Read { path: root.clone(), reason: error.to_string() };
        let metadata = std::fs::metadata(root).map_err(read)?;
        let prefix = match (roots.len(), root.file_name()) {
            (2.., Some(name)) if metadata.is_dir() => format!("{}/", as_text(name)),
            _ => String::new(),
        };
        if metadata.is_dir() {
            walk(root, &prefix, &mut found).map_err(|(path, error)| Error::Read { path, reason: error.to_string() })?;
        } else {
            let name = as_text(root.file_name().unwrap_or(root.as_os_str()));
            found.push(Source { id: name, path: root.clone() });
        }
    }
    found.sort_by(|a, b| a.id.cmp(&b.id).then(a.path.cmp(&b.path)));
    found.dedup();
    if let Some(pair) = found.windows(2).find(|pair| pair[0].id == pair[1].id) {
        let (a, b) = (pair[0].path.display(), pair[1].path.display());
        return Err(Error::Refused(format!(
            "`{a}` and `{b}` would both be `{}`: name the folder above them instead",
            pair[0].id
        )));
    }
    Ok(found)
}

/// Goes down without recursion and does not follow links to folders, so that a loop of links can't trap it.
fn walk(root: &Path, prefix: &str, found: &mut Vec<Source>) -> Result<(), (PathBuf, std::io::Error)> {
    let mut folders = vec![(root.to_owned(), prefix.to_owned())];
    while let Some((folder, prefix)) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|e| (folder.clone(), e))?;
        for entry in entries {
            let entry = entry.map_err(|e| (folder.clone(), e))?;
            let (path, name) = (entry.path(), as_text(&entry.file_name()));
            let kind = entry.file_type().map_err(|e| (path.clone(), e))?;
            if kind.is_dir() && !name.starts_with('.') {
                folders.push((path, format!("{prefix}{name}/")));
            } else if !kind.is_dir() && is_audio_name(&path) {
                found.push(Source { id: format!("{prefix}{name}"), path });
            }
        }
    }
    Ok(())
}

/// A name as text. Bytes that are no UTF-8 are written `%E9`, so that two such names stay two ids.
fn as_text(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("%{byte:02X}")));
    }
    text
}
