//! The audio files below the given paths, each with the id that it will have.
//!
//! An id is the path below the folder that was named, with `/`: `violin/A4.wav`. Below several folders the folder's own name
//! comes first. The order is by id, so that two runs see the same order. A link to a folder is told and not followed, so a loop
//! of links traps nobody. A folder below that can't be read is one failure, and the rest goes on.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Error, Failure};
use crate::audio::{is_audio_name, is_foreign_name};

/// One file to ingest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub id: String,
    pub path: PathBuf,
}

/// What is to be ingested, and what can't be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// By id, each once.
    pub sources: Vec<Source>,
    pub failures: Vec<Failure>,
    /// Oddities that are worth telling: (path, sentence).
    pub warnings: Vec<(String, String)>,
}

/// Every audio file at or below `roots`.
///
/// # Errors
/// When a root can't be read, or two files would have one id.
pub fn find(roots: &[PathBuf]) -> Result<Found, Error> {
    let mut found = Found::default();
    for root in roots {
        let read = |error: std::io::Error| Error::Read { path: root.clone(), reason: error.to_string() };
        let metadata = std::fs::metadata(root).map_err(read)?;
        let prefix = match (roots.len(), root.file_name()) {
            (2.., Some(name)) if metadata.is_dir() => format!("{}/", as_text(name)),
            _ => String::new(),
        };
        if metadata.is_dir() {
            std::fs::read_dir(root).map_err(read)?;
            let all = walk(root, &prefix);
            found.sources.extend(all.sources.into_iter().filter(|s| is_audio_name(&s.path) || is_foreign_name(&s.path)));
            found.failures.extend(all.failures);
            found.warnings.extend(all.warnings);
        } else {
            let name = as_text(root.file_name().unwrap_or(root.as_os_str()));
            found.sources.push(Source { id: name, path: root.clone() });
        }
    }
    let sources = &mut found.sources;
    sources.sort_by(|a, b| a.id.cmp(&b.id).then(a.path.cmp(&b.path)));
    // One file named in two ways is one clip; two files never are.
    sources.dedup_by(|b, a| a.id == b.id && is_same(&a.path, &b.path));
    if let Some(pair) = sources.windows(2).find(|pair| pair[0].id == pair[1].id) {
        let (a, b) = (pair[0].path.display(), pair[1].path.display());
        return Err(Error::Refused(format!(
            "`{a}` and `{b}` would both be `{}`: name the folder above them instead",
            pair[0].id
        )));
    }
    Ok(found)
}

/// Whether two paths lead to one file.
pub(super) fn is_same(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Every file below a folder, audio or not, hidden folders left out.
///
/// It goes down without recursion and does not follow links to folders.
pub fn walk(root: &Path, prefix: &str) -> Found {
    let mut found = Found::default();
    let failure = |path: &Path, error: std::io::Error| Failure { file: path.display().to_string(), reason: error.to_string() };
    let mut folders = vec![(root.to_owned(), prefix.to_owned())];
    while let Some((folder, prefix)) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                found.failures.push(failure(&folder, error));
                continue;
            }
        };
        for entry in entries {
            let (entry, kind) = match entry.and_then(|entry| entry.file_type().map(|kind| (entry, kind))) {
                Ok(both) => both,
                Err(error) => {
                    found.failures.push(failure(&folder, error));
                    continue;
                }
            };
            let (path, name) = (entry.path(), as_text(&entry.file_name()));
            if kind.is_dir() {
                if !name.starts_with('.') {
                    folders.push((path, format!("{prefix}{name}/")));
                }
            } else if kind.is_symlink() && path.is_dir() {
                let what = "it is a link to a folder, which is not followed: name the folder itself".to_owned();
                found.warnings.push((path.display().to_string(), what));
            } else {
                found.sources.push(Source { id: format!("{prefix}{name}"), path });
            }
        }
    }
    found.failures.sort_by(|a, b| a.file.cmp(&b.file));
    found.warnings.sort();
    found
}

/// An absolute path as text, so that the file is found again from anywhere.
pub(super) fn absolute(path: &Path) -> String {
    as_text(std::path::absolute(path).as_deref().unwrap_or(path).as_os_str())
}

/// The path that [`absolute`] wrote. `%E9` is itself where there is such a file, else a byte.
#[cfg(unix)]
pub(super) fn from_text(text: &str) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    let plain = PathBuf::from(text);
    if !text.contains('%') || plain.exists() {
        return plain;
    }
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some((before, behind)) = rest.split_once('%') {
        bytes.extend(before.as_bytes());
        let byte = behind.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        // Only bytes that are no ASCII were written so.
        match byte.filter(|byte| !byte.is_ascii()).zip(behind.get(2..)) {
            Some((byte, behind)) => {
                bytes.push(byte);
                rest = behind;
            }
            None => {
                bytes.push(b'%');
                rest = behind;
            }
        }
    }
    bytes.extend(rest.as_bytes());
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

#[cfg(not(unix))]
pub(super) fn from_text(text: &str) -> PathBuf {
    PathBuf::from(text)
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
