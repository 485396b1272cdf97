//! Takes a model folder in, once it has shown that it is what it says; and removes one.
//!
//! ```text
//!   FOLDER ─ manifest ─ files ─ graphs: names, types, shapes ─ golden parity ─ copy beside ─ same hash? ─ USER/models/ID
//! ```
//!
//! Convention: the user's folder is `dyad/models` in the user's data folder. A model is copied beside its place and moved
//! there in one step, so that another program sees the old one, the new one or none. Only what belongs to a model is copied:
//! the files that the manifest names, and texts that lie beside it (NOTICE, LICENSE, README).

use std::path::{Path, PathBuf};

use super::check::{self, Parity};
use super::manifest::{FILE, Manifest};
use super::{Error, Model, ModelFolders, library};

/// Names of the texts that come along.
const TEXTS: [&str; 5] = ["NOTICE", "LICENSE", "LICENCE", "README", "COPYING"];

/// A model that was taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct Added {
    pub id: String,
    pub hash: String,
    pub dir: PathBuf,
    /// What was compared with the golden file; empty for a model without graphs.
    pub parity: Vec<Parity>,
    /// False when the same model was there already.
    pub new: bool,
}

/// Where [`add`] puts models: `dyad/models` in the user's data folder.
///
/// # Errors
/// When the environment names no home.
pub fn user_folder() -> Result<PathBuf, Error> {
    let reason = "neither `XDG_DATA_HOME` nor `HOME` is set";
    let folder = library::data_folder().ok_or_else(|| Error::Install { folder: PathBuf::from("dyad"), reason: reason.into() })?;
    Ok(folder.join("models"))
}

/// Loads every graph of the model and holds it to its golden file.
///
/// # Errors
/// When a graph cannot be loaded or does not fit its manifest, there is no golden file, it lacks a tower, or a number is
/// farther off than the manifest allows. The sentence names file and key.
pub fn verify(model: &Model) -> Result<Vec<Parity>, Error> {
    if model.audio.is_none() && model.text.is_none() {
        return Ok(Vec::new());
    }
    let dir = model.dir.clone().unwrap_or_default();
    if let Some(audio) = &model.audio {
        audio.backend()?;
    }
    if let Some(text) = &model.text {
        text.backend()?;
    }
    let Some(golden) = &model.manifest.check else {
        let because = "`dyad models add` holds the graphs to".to_owned();
        return Err(Error::MissingTable { file: dir.join(FILE), table: "check".to_owned(), because });
    };
    let golden = dir.join(&golden.golden);
    let parity = check::parity(model, &crate::progress::Silent)?;
    for (tower, there) in [("audio", model.audio.is_some()), ("text", model.text.is_some())] {
        if there && !parity.iter().any(|p| p.what.starts_with(tower)) {
            return Err(Error::Golden {
                path: golden, reason: format!("expected `{tower}.b1.…`, outputs of the {tower} tower")
            });
        }
    }
    match parity.iter().find(|p| !p.passed()) {
        Some(p) if p.allowed == 0.0 => {
            Err(Error::Ids { path: golden, tensor: p.what.clone(), texts: p.largest_difference as usize })
        }
        Some(p) => {
            Err(Error::Parity { path: golden, tensor: p.what.clone(), difference: p.largest_difference, allowed: p.allowed })
        }
        None => Ok(parity),
    }
}

/// Verifies the model in `from` and copies it to `into`, under its id. `replace` lets it take the place of another model of
/// the same id.
///
/// # Errors
/// Everything that [`verify`] gives; when the id is taken by another model; when files cannot be written.
pub fn add(from: &Path, into: &Path, replace: bool) -> Result<Added, Error> {
    let model = Model::open(from)?;
    let to = into.join(&model.id);
    let added = |new, parity| Added { id: model.id.clone(), hash: model.hash.clone(), dir: to.clone(), parity, new };
    let there = to.join(FILE).is_file().then(|| Model::open(&to).map_or_else(|_| String::new(), |other| other.hash));
    if there.as_deref() == Some(&model.hash) {
        return Ok(added(false, verify(&model)?));
    }
    if there.is_some() && !replace {
        return Err(Error::Taken { id: model.id.clone(), dir: to });
    }
    let parity = verify(&model)?;
    let failed = |folder: &Path, error: std::io::Error| Error::Install { folder: folder.to_owned(), reason: error.to_string() };
    std::fs::create_dir_all(into).map_err(|error| failed(into, error))?;
    let beside = into.join(format!(".adding-{}-{}", model.id, std::process::id()));
    let copied = copy(from, &model.manifest, &beside).map_err(|error| failed(&beside, error)).and_then(|()| {
        match Model::open(&beside)?.hash == model.hash {
            true => Ok(()),
            false => Err(Error::Install { folder: from.to_owned(), reason: "a file changed while it was copied".to_owned() }),
        }
    });
    let moved = copied.and_then(|()| {
        let old = into.join(format!(".removing-{}-{}", model.id, std::process::id()));
        if to.exists() {
            std::fs::rename(&to, &old).map_err(|error| failed(&to, error))?;
        }
        std::fs::rename(&beside, &to).map_err(|error| {
            // The old one goes back to its place.
            let _ = std::fs::rename(&old, &to);
            failed(&to, error)
        })?;
        let _ = std::fs::remove_dir_all(&old);
        Ok(())
    });
    if let Err(error) = moved {
        let _ = std::fs::remove_dir_all(&beside);
        return Err(error);
    }
    Ok(added(true, parity))
}

/// Removes the model `id` from `folder`.
///
/// # Errors
/// When it is not in that folder; the sentence says where else it is, if `folders` has it.
pub fn remove(id: &str, folder: &Path, folders: &ModelFolders) -> Result<PathBuf, Error> {
    let ours = |dir: &Path| dir.parent().is_some_and(|parent| same(parent, folder));
    let all = ModelFolders::only(&[folder.to_owned()]).list();
    let of_id = |found: &&super::Found| match &found.manifest {
        Ok(manifest) => manifest.id == id,
        // A broken one goes by its folder's name.
        Err(_) => found.dir.file_name().is_some_and(|name| name == id),
    };
    let Some(found) = all.iter().find(of_id).filter(|found| ours(&found.dir)) else {
        let elsewhere = folders.list().into_iter().find(|found| of_id(&found)).map(|found| found.dir);
        return Err(match elsewhere {
            Some(dir) => {
                let reason =
                    format!("the model `{id}` is not in it but in `{}`: expected one that `dyad models add` made", dir.display());
                Error::Install { folder: folder.to_owned(), reason }
            }
            None => folders
                .open(id)
                .err()
                .unwrap_or_else(|| Error::Install { folder: folder.to_owned(), reason: format!("it holds no model `{id}`") }),
        });
    };
    let failed = |error: std::io::Error| Error::Install { folder: found.dir.clone(), reason: error.to_string() };
    let gone = folder.join(format!(".removing-{id}-{}", std::process::id()));
    std::fs::rename(&found.dir, &gone).map_err(failed)?;
    std::fs::remove_dir_all(&gone).map_err(failed)?;
    Ok(found.dir.clone())
}

fn same(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    real(a) == real(b)
}

/// The manifest is copied last: a folder without one is no model.
fn copy(from: &Path, manifest: &Manifest, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    let mut names: Vec<String> = Vec::new();
    names.extend(manifest.audio.as_ref().map(|audio| audio.graph.clone()));
    names.extend(manifest.text.iter().flat_map(|text| [text.graph.clone(), text.tokenizer.clone()]));
    names.extend(manifest.check.as_ref().map(|check| check.golden.clone()));
    for entry in std::fs::read_dir(from)?.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = TEXTS.iter().any(|text| name.to_uppercase().starts_with(text));
        if text && entry.path().is_file() && !names.contains(&name) {
            names.push(name);
        }
    }
    names.push(FILE.to_owned());
    for name in names {
        let target = to.join(&name);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::copy(from.join(&name), target)?;
    }
    Ok(())
}
