//! Reading a file once for both its content hash and its samples.
//!
//! ```text
//!   AudioFile::read ─ up to 64 MiB: bytes in memory ─ hash, decode from memory
//!                   └ larger: hashed as a stream, decoded from the disk later
//! ```
//!
//! The hash is blake3 over the file's bytes, in hex: it names the content, whatever the path.

use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use super::decode::MediaSource;
use super::foreign::is_foreign_name;
use super::stream::{Piece, Streamed, stream, whole};
use super::{Clip, Error, Limits, Target};

/// Files up to this size are held in memory between hashing and decoding.
const IN_MEMORY: u64 = 64 << 20;

/// Extensions of the files that an ingest picks up. Opus is among them, so that such files are reported and not overlooked.
const EXTENSIONS: [&str; 14] =
    ["wav", "wave", "flac", "mp3", "ogg", "oga", "m4a", "m4b", "aac", "aif", "aiff", "aifc", "caf", "opus"];

/// True when the name says audio: a known extension in any case, and not a hidden file.
///
/// ```
/// use std::path::Path;
/// use dyad::audio::is_audio_name;
/// assert!(is_audio_name(Path::new("cello/A4.WAV")));
/// assert!(!is_audio_name(Path::new("cello/._A4.wav")));
/// assert!(!is_audio_name(Path::new("notes.txt")));
/// ```
pub fn is_audio_name(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    !hidden && extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}

/// A clip's name without its folders and its extension, where that is one of audio: `Op. 2` is a name.
///
/// ```
/// use dyad::audio::stem;
/// assert_eq!((stem("cello/A4.WAV"), stem("Sonata Op. 2"), stem("x/b.1.wma")), ("A4", "Sonata Op. 2", "b.1"));
/// ```
pub fn stem(id: &str) -> &str {
    let name = id.rsplit('/').next().unwrap_or(id);
    match name.rsplit_once('.') {
        Some((stem, _)) if is_audio_name(Path::new(name)) || is_foreign_name(Path::new(name)) => stem,
        _ => name,
    }
}

/// A file whose content is known by its hash and that can be decoded.
#[derive(Debug)]
pub struct AudioFile {
    /// blake3 of the bytes, 64 hex digits.
    pub hash: String,
    contents: Contents,
}

#[derive(Debug)]
enum Contents {
    Memory(Vec<u8>),
    Disk(PathBuf),
}

impl AudioFile {
    /// Reads and hashes the file at `path`.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read or is not a regular file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let metadata = std::fs::metadata(path)?;
        // A pipe or a device could block for ever.
        if !metadata.is_file() {
            return Err(Error::Io { reason: "it is not a regular file".to_owned() });
        }
        if metadata.len() > IN_MEMORY {
            return Ok(AudioFile { hash: hash(path)?, contents: Contents::Disk(path.to_owned()) });
        }
        let bytes = std::fs::read(path)?;
        Ok(AudioFile { hash: blake3::hash(&bytes).to_hex().to_string(), contents: Contents::Memory(bytes) })
    }

    /// Decodes the file to what `target` asks for.
    ///
    /// # Errors
    /// The reason why there are no samples; see [`Error`].
    pub fn load(&self, target: &Target, limits: &Limits) -> Result<Clip, Error> {
        whole(self.media()?, target, limits)
    }

    /// As [`load`](AudioFile::load), with the samples passed to `sink` piece by piece, in order and as they are decoded. That a
    /// file is damaged may be found after its first pieces.
    ///
    /// # Errors
    /// The reason why the samples are not to be trusted, or the first error of `sink`.
    pub fn stream(&self, target: &Target, limits: &Limits, sink: Piece) -> Result<Streamed, Error> {
        stream(self.media()?, target, limits, sink)
    }

    fn media(&self) -> Result<Box<dyn MediaSource + '_>, Error> {
        Ok(match &self.contents {
            Contents::Memory(bytes) => Box::new(Cursor::new(bytes.as_slice())),
            Contents::Disk(path) => Box::new(File::open(path)?),
        })
    }
}

/// Reads and decodes the file at `path`.
///
/// # Errors
/// The reason why there are no samples; see [`Error`].
pub fn load(path: &Path, target: &Target, limits: &Limits) -> Result<Clip, Error> {
    AudioFile::read(path)?.load(target, limits)
}

/// Decodes a file that is already in memory.
///
/// # Errors
/// The reason why there are no samples; see [`Error`].
pub fn load_bytes(bytes: &[u8], target: &Target, limits: &Limits) -> Result<Clip, Error> {
    whole(Box::new(Cursor::new(bytes)), target, limits)
}

/// blake3 of the file's bytes, 64 hex digits, read as a stream.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read.
pub fn hash(path: &Path) -> Result<String, Error> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}
