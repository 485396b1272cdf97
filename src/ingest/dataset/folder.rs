//! A dataset's folder: its files found by the end of their path, wherever the archive was unpacked.
//!
//! `Brass/Tuba/A1.wav` finds `audio/TinySOL2020/Brass/Tuba/A1.wav`; with another extension it will do too (`34/10.mp3` finds
//! `audio/34/10.2min.mp3`), so a dataset that was converted is still read. Of several, the one that lies highest; two that lie as
//! high are told.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::audio::is_audio_name;
use crate::ingest::files::{Found, Source, walk};
use crate::ingest::{Error, Failure};

/// See the module.
pub struct Folder {
    pub root: PathBuf,
    files: Vec<Source>,
    /// Places in `files` of the names that begin so, up to their first dot.
    by_head: HashMap<String, Vec<usize>>,
    pub failures: Vec<Failure>,
    pub warnings: Vec<(String, String)>,
    /// The table that stands in for the dataset's own, where one was named.
    pub annotations: Option<PathBuf>,
}

impl Folder {
    /// Looks through a folder.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn open(root: &Path) -> Result<Folder, Error> {
        std::fs::read_dir(root).map_err(|e| Error::Read { path: root.to_owned(), reason: e.to_string() })?;
        let Found { mut sources, failures, warnings } = walk(root, "");
        sources.sort_by(|a, b| depth(&a.id).cmp(&depth(&b.id)).then_with(|| a.id.cmp(&b.id)));
        let mut by_head: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, source) in sources.iter().enumerate() {
            by_head.entry(head(&source.id).to_owned()).or_default().push(at);
        }
        Ok(Folder { root: root.to_owned(), files: sources, by_head, failures, warnings, annotations: None })
    }

    fn candidates(&self, path: &str) -> Vec<&Source> {
        self.by_head.get(head(path)).into_iter().flatten().filter_map(|&at| self.files.get(at)).collect()
    }

    /// The file whose path ends in `path`.
    pub fn file(&self, path: &str) -> Option<&Source> {
        self.candidates(path).into_iter().find(|source| ends_in(&source.id, path))
    }

    /// The audio file whose path ends in `path`, with that or any extension.
    pub fn audio(&self, path: &str) -> Option<&Source> {
        self.audio_files(path).first().copied()
    }

    /// Another audio file that `path` may mean as well as `found`: as high, and not beside it in another format.
    pub fn rival(&self, path: &str, found: &Source) -> Option<&Source> {
        let near = self.audio_files(path).into_iter().take_while(|other| depth(&other.id) == depth(&found.id));
        near.skip(1).find(|other| without_extension(&other.id) != without_extension(&found.id))
    }

    /// The audio files whose path ends in `path`; without any, those with another extension. The highest first.
    fn audio_files(&self, path: &str) -> Vec<&Source> {
        let path = path.trim_start_matches("./");
        let stem = without_extension(path);
        let mut audio = self.candidates(path);
        audio.retain(|source| is_audio_name(&source.path));
        let exact = audio.iter().any(|source| ends_in(&source.id, path));
        audio.retain(|source| if exact { ends_in(&source.id, path) } else { is_converted(&source.id, stem) });
        audio
    }

    /// Every audio file.
    pub fn all_audio(&self) -> impl Iterator<Item = &Source> {
        self.files.iter().filter(|source| is_audio_name(&source.path))
    }

    /// The files with this name, or any name that fits.
    pub fn named(&self, fits: impl Fn(&str) -> bool) -> Vec<&Source> {
        self.files.iter().filter(|source| fits(source.id.rsplit('/').next().unwrap_or_default())).collect()
    }

    /// The table of a dataset: the one that was named, or the one with its usual name.
    ///
    /// # Errors
    /// When there is none.
    pub fn annotations(&self, name: &str) -> Result<Source, Error> {
        if let Some(path) = &self.annotations {
            let id = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            return Ok(Source { id, path: path.clone() });
        }
        self.file(name).cloned().ok_or_else(|| {
            Error::Refused(format!(
                "`{}` has no file `{name}` in it or below: expected the dataset as it is unpacked, or `--annotations FILE`",
                self.root.display()
            ))
        })
    }

    /// The tables of a dataset that has several: the one that was named, or those with a usual name, such as `example`.
    ///
    /// # Errors
    /// When there is none.
    pub fn tables(&self, example: &str, usual: impl Fn(&str) -> bool) -> Result<Vec<Source>, Error> {
        let found = if self.annotations.is_some() { Vec::new() } else { self.named(usual) };
        if found.is_empty() {
            return Ok(vec![self.annotations(example)?]);
        }
        Ok(found.into_iter().cloned().collect())
    }
}

/// How many folders a file lies in.
fn depth(id: &str) -> usize {
    id.matches('/').count()
}

fn without_extension(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((stem, extension)) if !extension.contains('/') && !stem.is_empty() => stem,
        _ => path,
    }
}

/// Whether a file's path without what stands behind one of the dots of its name ends in `stem`.
fn is_converted(id: &str, stem: &str) -> bool {
    let end = id.rfind('/').map_or(0, |at| at + 1);
    let name = id.get(end..).unwrap_or_default();
    let dots = name.match_indices('.').map(|(at, _)| end + at);
    dots.filter_map(|at| id.get(..at)).any(|without| ends_in(without, stem))
}

/// A file's name up to its first dot.
fn head(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split('.').next().unwrap_or(name)
}

/// Whether a path ends in whole parts of another.
fn ends_in(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_the_end_of_their_path() {
        let dir = tempfile::tempdir().unwrap();
        for name in
            ["meta/a.csv", "audio/x/10.2min.mp3", "audio/y/10.mp3", "audio/b.c.00.wav", "audio/z/b.c.00.wav", "audio/.h/q.wav"]
        {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let folder = Folder::open(dir.path()).unwrap();
        let audio = |path: &str| folder.audio(path).map(|s| s.id.as_str());
        assert_eq!(folder.file("a.csv").map(|s| s.id.as_str()), Some("meta/a.csv"));
        assert_eq!((audio("x/10.mp3"), audio("y/10.mp3")), (Some("audio/x/10.2min.mp3"), Some("audio/y/10.mp3")));
        assert_eq!((audio("b.c.00.au"), audio("z/b.c.00.wav")), (Some("audio/b.c.00.wav"), Some("audio/z/b.c.00.wav")));
        assert_eq!((audio("/10.mp3"), audio("q.wav"), audio(""), audio("c.00.wav")), (None, None, None, None));
        assert_eq!((folder.all_audio().count(), folder.named(|name| name.ends_with(".csv")).len()), (4, 1));
    }

    #[test]
    fn a_name_of_two_files_is_told() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["test/a.wav", "train/a.wav", "x/b.wav", "x/deep/b.wav", "y/c.flac", "y/c.wav", "top.wav", "z/top.wav"] {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let folder = Folder::open(dir.path()).unwrap();
        let rival = |path: &str| folder.rival(path, folder.audio(path).unwrap()).map(|s| s.id.as_str());
        assert_eq!((rival("a.wav"), rival("a.mp3")), (Some("train/a.wav"), Some("train/a.wav")));
        for path in ["train/a.wav", "b.wav", "c.mp3", "c.wav", "top.wav"] {
            assert_eq!(rival(path), None, "{path}");
        }
    }
}
