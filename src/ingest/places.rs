//! Files that are one: twice among those of an ingest, or in the collection already under another id.
//!
//! ```text
//!   ingest lib          violin/A4.wav    an id is the path below the folder that was named
//!   ingest lib/violin   A4.wav           the same file: it keeps its first id and is no second clip
//! ```
//! Two paths are one file when they are the same with all links followed. The stored paths are gone through once, and those whose
//! last part is the name of no file here, nor of what it leads to, are not looked for on the disk: a stored link of another name
//! is overlooked.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::files::{self, Source};
use crate::embedding::Modality;
use crate::store::{Collection, Error, Item};
use crate::value::Value;

/// So many ids are looked up one by one before all paths of a collection are gone through.
const FEW: usize = 1_000;

/// A path as a hash: a million paths take much room.
type Mark = [u8; 16];

/// Where the files of an ingest lie.
pub(super) struct Places<'a> {
    all: &'a [Source],
    /// The place in `all` of the one source of each file.
    of_file: HashMap<Mark, usize>,
    /// What the files are called, here and where links lead.
    names: HashSet<Mark>,
    /// Places in `all` of the other sources of a file, with the file.
    again: Vec<(usize, Mark)>,
}

impl<'a> Places<'a> {
    /// Looks where the files lie.
    pub fn of(all: &'a [Source]) -> Places<'a> {
        let marks = |source: &Source| {
            let real = real(&source.path);
            (mark(real.as_os_str()), [name(&real), name(&source.path)])
        };
        let marks: Vec<(Mark, [Mark; 2])> = all.par_iter().map(marks).collect();
        let mut places = Places { all, of_file: HashMap::new(), names: HashSet::new(), again: Vec::new() };
        for (at, (file, names)) in marks.into_iter().enumerate() {
            places.names.extend(names);
            match places.of_file.entry(file) {
                Entry::Vacant(free) => {
                    free.insert(at);
                }
                // The id that names more folders tells more, and does not hang on the order of the arguments.
                Entry::Occupied(mut there) => {
                    let first = *there.get();
                    let other = if folders(all, at) > folders(all, first) { there.insert(at) } else { at };
                    places.again.push((other, file));
                }
            }
        }
        places
    }

    /// Each file once, by id.
    pub fn sources(&self) -> Cow<'a, [Source]> {
        if self.again.is_empty() {
            return Cow::Borrowed(self.all);
        }
        let again: HashSet<usize> = self.again.iter().map(|(at, _)| *at).collect();
        let once = self.all.iter().enumerate().filter(|(at, _)| !again.contains(at));
        Cow::Owned(once.map(|(_, source)| source.clone()).collect())
    }

    /// How many sources are left out, as the same file's source is there.
    pub fn again(&self) -> usize {
        self.again.len()
    }

    /// The stored ids of files that are in the collection under another than they would have; by that other.
    ///
    /// # Errors
    /// Those of the store.
    pub fn first_ids(&self, collection: &Collection) -> Result<BTreeMap<String, String>, Error> {
        if collection.is_empty()? || self.all_known(collection)? {
            return Ok(BTreeMap::new());
        }
        // None: the file is stored under its own id too, which it keeps.
        let mut found: HashMap<usize, Option<String>> = HashMap::new();
        for item in collection.items() {
            let item = item?;
            let Some(path) = path_of(&item).filter(|path| self.names.contains(&name(path))) else { continue };
            let Some(&at) = self.of_file.get(&mark(real(&path).as_os_str())) else { continue };
            let Some(source) = self.all.get(at).filter(|source| files::is_same(&source.path, &path)) else { continue };
            if source.id == item.id {
                found.insert(at, None);
            } else {
                found.entry(at).or_insert(Some(item.id));
            }
        }
        Ok(found.into_iter().filter_map(|(at, id)| Some((self.all.get(at)?.id.clone(), id?))).collect())
    }

    /// Whether few files are asked for, and each is stored under its id.
    fn all_known(&self, collection: &Collection) -> Result<bool, Error> {
        if self.all.len() > FEW {
            return Ok(false);
        }
        for source in self.all {
            let stored = collection.item_by_id(Modality::Audio, &source.id)?;
            let path = stored.as_ref().and_then(path_of);
            if !path.is_some_and(|path| files::is_same(&path, &source.path)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What is to be said of files that are one; `first` are their ids in the collection of that name.
    pub fn notes(&self, collection: &str, first: &BTreeMap<String, String>) -> Vec<String> {
        let mut notes = Vec::new();
        let id = |at: usize| self.all.get(at).map(|source| source.id.as_str());
        if let Some((other, kept)) = self.again.first().and_then(|(at, file)| Some((id(*at)?, id(*self.of_file.get(file)?)?))) {
            notes.push(match self.again() {
                1 => format!("`{other}` is the file of `{kept}`, named twice: it is one clip"),
                n => format!("{n} files were named twice and are one clip each, such as `{other}`, the file of `{kept}`"),
            });
        }
        if let Some((other, kept)) = first.first_key_value() {
            notes.push(match first.len() {
                1 => format!("`{other}` is in `{collection}` already under another id, which it keeps: `{kept}`"),
                n => format!("{n} files are in `{collection}` already under other ids, which they keep: `{other}` is `{kept}`"),
            });
        }
        notes
    }
}

/// The file that a stored clip was made from.
fn path_of(item: &Item) -> Option<PathBuf> {
    let text = item.metadata.get("path").and_then(Value::as_text).filter(|_| item.modality == Modality::Audio)?;
    // What else an import brought may hang on where its program stood.
    Some(files::from_text(text)).filter(|path| path.is_absolute())
}

/// The path with all links followed; as it is where that fails.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

fn name(path: &Path) -> Mark {
    mark(path.file_name().unwrap_or_default())
}

fn mark(text: &OsStr) -> Mark {
    let mut mark = Mark::default();
    mark.copy_from_slice(&blake3::hash(text.as_encoded_bytes()).as_bytes()[..16]);
    mark
}

/// How many folders an id names.
fn folders(all: &[Source], at: usize) -> usize {
    all.get(at).map_or(0, |source| source.id.matches('/').count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{NewItem, Store};

    /// A folder with these files, each of them with other bytes.
    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        folder
    }

    fn found(folder: &tempfile::TempDir, roots: &[&str]) -> Vec<Source> {
        files::find(&roots.iter().map(|root| folder.path().join(root)).collect::<Vec<_>>()).unwrap().sources
    }

    /// A collection with a clip of each source, under the given ids.
    fn stored(clips: &[(&str, &PathBuf)]) -> Collection {
        let collection = Store::in_memory().unwrap().create("c").unwrap();
        let item = |(id, path): &(&str, &PathBuf)| {
            let mut item = NewItem::new(*id, Modality::Audio);
            item.metadata.insert("path".into(), files::absolute(path).into());
            item
        };
        collection.commit(clips.iter().map(item).collect()).unwrap();
        collection
    }

    fn ids(sources: &[Source]) -> Vec<&str> {
        sources.iter().map(|source| source.id.as_str()).collect()
    }

    #[test]
    fn a_file_that_is_named_twice_is_one_source() {
        let folder = folder(&["violin/a.wav", "violin/b.wav", "tuba/a.wav"]);
        for roots in [["violin/", "violin/a.wav"], ["violin/a.wav", "violin/"]] {
            let sources = found(&folder, &roots);
            assert_eq!(ids(&sources), ["a.wav", "violin/a.wav", "violin/b.wav"]);
            let places = Places::of(&sources);
            assert_eq!((ids(&places.sources()), places.again()), (vec!["violin/a.wav", "violin/b.wav"], 1));
            let told = places.notes("c", &BTreeMap::new());
            assert_eq!(told, ["`a.wav` is the file of `violin/a.wav`, named twice: it is one clip"]);
        }
        let sources = found(&folder, &["", "violin", "tuba"]);
        let places = Places::of(&sources);
        assert_eq!((places.sources().len(), places.again()), (3, 3));
        assert!(places.notes("c", &BTreeMap::new())[0].starts_with("3 files were named twice and are one clip each, such as `"));
        let sources = found(&folder, &["violin", "tuba"]);
        assert!(matches!(Places::of(&sources).sources(), Cow::Borrowed(all) if all.len() == 3));
    }

    #[test]
    fn a_stored_file_keeps_its_first_id() {
        let folder = folder(&["violin/a.wav", "violin/b.wav", "tuba/a.wav"]);
        let at = |name: &str| folder.path().join(name);
        let (a, b, tuba) = (at("violin/a.wav"), at("violin/../violin/b.wav"), at("tuba/a.wav"));
        let sources = found(&folder, &["violin"]);
        let first = |collection: &Collection| Places::of(&sources).first_ids(collection).unwrap();
        let both = first(&stored(&[("violin/a.wav", &a), ("violin/b.wav", &b), ("tuba/a.wav", &tuba)]));
        let expected = [("a.wav", "violin/a.wav"), ("b.wav", "violin/b.wav")];
        assert_eq!(both, BTreeMap::from(expected.map(|(id, first)| (id.to_owned(), first.to_owned()))));
        let told = Places::of(&sources).notes("c", &both);
        assert_eq!(told, ["2 files are in `c` already under other ids, which they keep: `a.wav` is `violin/a.wav`"]);
        // Its own id goes first, even where it came last; another file's is none of its own.
        assert!(first(&stored(&[("violin/a.wav", &a), ("a.wav", &a)])).is_empty());
        assert_eq!(first(&stored(&[("a.wav", &tuba), ("x", &a), ("y", &a)]))["a.wav"], "x");
        // Of a file that is gone nothing is known.
        assert!(first(&stored(&[("x", &at("gone/a.wav"))])).is_empty());
        assert!(first(&Store::in_memory().unwrap().create("c").unwrap()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_to_the_file() {
        use std::os::unix::fs::symlink;
        let folder = folder(&["violin/a.wav"]);
        let at = |name: &str| folder.path().join(name);
        symlink(at("violin"), at("linked")).unwrap();
        symlink(at("violin/a.wav"), at("other.wav")).unwrap();
        let sources = found(&folder, &["linked", "other.wav"]);
        let places = Places::of(&sources);
        assert_eq!((ids(&places.sources()), places.again()), (vec!["linked/a.wav"], 1));
        let collection = stored(&[("first", &at("violin/a.wav"))]);
        assert_eq!(places.first_ids(&collection).unwrap()["linked/a.wav"], "first");
    }
}
