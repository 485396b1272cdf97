//! Where models are looked for, and finding one by its id.
//!
//! ```text
//!   named folders → STORE/models → $DYAD_MODELS → the user's → ./data/models → beside the program → the source tree
//! ```
//!
//! Convention: a model is a folder with a `model.toml`; a named folder may be a model itself or hold models. The first model
//! with an id hides later ones. Names that begin with a dot are passed over. The id in the manifest counts, not the folder's name.

use std::path::{Path, PathBuf};

use super::manifest::{FILE, Manifest};
use super::{Error, Hashes, Model};
use crate::diagnostic::{did_you_mean, one_of};

/// The list of folders that models are looked for in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFolders {
    folders: Vec<PathBuf>,
}

/// A model folder, with its manifest or with what is wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub dir: PathBuf,
    pub manifest: Result<Manifest, Error>,
}

impl ModelFolders {
    /// The usual places, `named` ones and the store's first.
    pub fn new(named: &[PathBuf], store: Option<&Path>) -> Self {
        let mut folders = named.to_vec();
        folders.extend(store.map(|store| store.join("models")));
        if let Some(listed) = std::env::var_os("DYAD_MODELS") {
            folders.extend(std::env::split_paths(&listed).filter(|path| !path.as_os_str().is_empty()));
        }
        folders.extend(super::install::user_folder());
        folders.push(Path::new("data").join("models"));
        if let Some(program) = std::env::current_exe().ok().as_deref().and_then(Path::parent) {
            folders.extend([program.join("../share/dyad/models"), program.join("models")]);
        }
        folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join("models"));
        ModelFolders { folders }
    }

    /// Only these folders.
    pub fn only(folders: &[PathBuf]) -> Self {
        ModelFolders { folders: folders.to_vec() }
    }

    /// The folders in the order in which they are searched, whether they exist or not.
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Every model folder, in search order and by name within a folder; models hidden by an earlier one of the same id are
    /// left out, broken ones are kept.
    pub fn list(&self) -> Vec<Found> {
        let mut dirs: Vec<PathBuf> = Vec::new();
        for folder in &self.folders {
            let mut here: Vec<PathBuf> = if folder.join(FILE).is_file() {
                vec![folder.clone()]
            } else {
                let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
                // A dot begins what `add` and `remove` leave behind when they are killed.
                let shown = entries.filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
                shown.map(|entry| entry.path()).filter(|path| path.join(FILE).is_file()).collect()
            };
            here.sort();
            dirs.extend(here);
        }
        let mut seen: Vec<PathBuf> = Vec::new();
        let mut found: Vec<Found> = Vec::new();
        for dir in dirs {
            let real = std::fs::canonicalize(&dir).unwrap_or_else(|_| dir.clone());
            if seen.contains(&real) {
                continue;
            }
            seen.push(real);
            let manifest = Manifest::read(&dir);
            let id = manifest.as_ref().ok().map(|manifest| &manifest.id);
            if id.is_none() || !found.iter().any(|other| other.manifest.as_ref().ok().map(|m| &m.id) == id) {
                found.push(Found { dir, manifest });
            }
        }
        found
    }

    /// Opens the model called `id`, or the model in the folder `id`.
    ///
    /// # Errors
    /// [`Error::UnknownModel`] with the known ids and the nearest, and everything that [`Model::open`] gives. When `id` is the
    /// name of a folder with a broken manifest, that manifest's error.
    pub fn open(&self, id: &str) -> Result<Model, Error> {
        self.open_known(id, &())
    }

    /// As [`ModelFolders::open`], with the files' hashes from `hashes` where the files are as they were.
    ///
    /// # Errors
    /// As [`ModelFolders::open`].
    pub fn open_known(&self, id: &str, hashes: &dyn Hashes) -> Result<Model, Error> {
        let found = self.list();
        let open = |dir: &Path| Model::open_known(dir, None, hashes);
        if let Some(found) = found.iter().find(|found| found.manifest.as_ref().is_ok_and(|manifest| manifest.id == id)) {
            return open(&found.dir);
        }
        if Path::new(id).join(FILE).is_file() {
            return open(Path::new(id));
        }
        if let Some(broken) = found.iter().find(|found| found.dir.file_name().is_some_and(|name| name == id)) {
            return open(&broken.dir);
        }
        let ids: Vec<&str> = found.iter().filter_map(|found| found.manifest.as_ref().ok()).map(|m| m.id.as_str()).collect();
        let known = match ids[..] {
            [] => {
                let searched = self.folders.iter().map(|folder| folder.to_string_lossy()).collect::<Vec<_>>();
                format!("a model folder in {}", one_of(searched.iter().map(AsRef::as_ref)))
            }
            _ => one_of(ids.iter().copied()),
        };
        Err(Error::UnknownModel { id: id.to_owned(), known, near: did_you_mean(id, ids.iter().copied()).map(str::to_owned) })
    }
}
