//! What a snapshot file that is read needs beside it: search files, and the files that the snapshot holds.
//!
//! ```text
//!   CACHE/dyad/snapshots/PATH/           one for each snapshot's place: a hash of it
//!     path                               the place itself
//!     CONTENT/                           one for each content that was read there
//!       lock                             held by each process that reads it
//!       index/ ontologies/ models/ …     as in a store's folder
//! ```
//! CACHE is `$XDG_CACHE_HOME`, else `~/.cache` (the usual places on other systems). All of it can be made again and may be removed.
//! When a snapshot is replaced, the first reader of the new one takes over the search files of the old one, which then only grow,
//! and removes the rest, unless somebody still reads it; what is left of snapshots that are gone goes too. Without such a folder
//! one is made for the process and removed at its end.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::view::View;
use crate::store::error::Error;

const LOCK: &str = "lock";
const PATH: &str = "path";
const INDEX: &str = "index";

/// A folder for what is beside a snapshot.
pub(in crate::store) struct Beside {
    pub dir: PathBuf,
    /// Locked for reading while it is used.
    _lock: Option<File>,
    /// Removed at the end.
    _passing: Option<tempfile::TempDir>,
}

/// The folder for `view`, with the snapshot's files in it: in `cache`, by default the user's. None where nothing can be written.
///
/// # Errors
/// [`Error::BadSnapshot`] when a file in the snapshot is damaged; [`Error::Io`] when the snapshot cannot be read.
pub(in crate::store) fn beside(path: &Path, view: &View, cache: Option<&Path>) -> Result<Option<Beside>, Error> {
    let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if let Some(all) = cache.map(Path::to_owned).or_else(folder)
        && let Some(found) = lasting(&all, &place, view)?
    {
        return Ok(Some(found));
    }
    let Ok(passing) = tempfile::tempdir() else { return Ok(None) };
    let dir = passing.path().to_owned();
    Ok(fill(&dir, view)?.then_some(Beside { dir, _lock: None, _passing: Some(passing) }))
}

/// The folder that stays; none where it cannot be made.
fn lasting(all: &Path, place: &Path, view: &View) -> Result<Option<Beside>, Error> {
    let short = |bytes: &[u8; 32]| blake3::Hash::from_bytes(*bytes).to_hex().chars().take(32).collect::<String>();
    let home = all.join(short(blake3::hash(place.as_os_str().as_encoded_bytes()).as_bytes()));
    let dir = home.join(short(&view.identity()));
    if let Some(lock) = used(&dir) {
        return Ok(Some(Beside { dir, _lock: Some(lock), _passing: None }));
    }
    let partial = home.join(format!("{}.{}", short(&view.identity()), std::process::id()));
    let _ = fs::remove_dir_all(&partial);
    let made = fs::create_dir_all(&partial).and_then(|()| note(&home, place)).and_then(|()| File::create(partial.join(LOCK)));
    let (Ok(_), Some(mut lock)) = (made, used(&partial)) else { return Ok(None) };
    if !fill(&partial, view)? {
        return Ok(None);
    }
    if fs::rename(&partial, &dir).is_err() {
        // Another process was first: its folder is as good.
        let _ = fs::remove_dir_all(&partial);
        let Some(other) = used(&dir) else { return Ok(None) };
        lock = other;
    }
    take_over(&home, &dir);
    forget_gone(all, &home);
    Ok(Some(Beside { dir, _lock: Some(lock), _passing: None }))
}

/// Says that a folder is used; none where there is no such folder.
fn used(dir: &Path) -> Option<File> {
    let lock = File::open(dir.join(LOCK)).ok()?;
    // Who cannot say it, because there are no locks or somebody removes the folder at this moment, does without it.
    lock.try_lock_shared().ok()?;
    dir.join(LOCK).exists().then_some(lock)
}

/// Writes the place of the snapshot into its folder.
fn note(home: &Path, place: &Path) -> std::io::Result<()> {
    File::create(home.join(PATH))?.write_all(place.as_os_str().as_encoded_bytes())
}

/// Writes the files of the snapshot into `dir`; false where that cannot be done.
fn fill(dir: &Path, view: &View) -> Result<bool, Error> {
    for (number, name) in view.files().enumerate() {
        let path = dir.join(name);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| File::create(&path));
        let Ok(mut out) = made else { return Ok(false) };
        let mut whole = true;
        view.read_file(number, &mut |bytes| {
            whole &= out.write_all(bytes).is_ok();
            Ok(())
        })?;
        if !whole {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes over the search files of the contents that were at this place before, and removes what is left of them.
fn take_over(home: &Path, dir: &Path) {
    for other in folders(home) {
        if other != dir && free(&other) {
            let _ = fs::rename(other.join(INDEX), dir.join(INDEX));
            let _ = fs::remove_dir_all(&other);
        }
    }
}

/// Removes what belongs to snapshots that are gone.
fn forget_gone(all: &Path, home: &Path) {
    for other in folders(all) {
        let gone = fs::read_to_string(other.join(PATH)).is_ok_and(|place| !Path::new(&place).exists());
        if other != home && gone && folders(&other).iter().all(|content| free(content)) {
            let _ = fs::remove_dir_all(&other);
        }
    }
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

/// True when nobody reads it.
fn free(dir: &Path) -> bool {
    File::open(dir.join(LOCK)).is_ok_and(|file| file.try_lock().is_ok())
}

/// dyad's folder for this below the user's cache folder.
fn folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = if cfg!(windows) {
        set("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        set("HOME").map(|home| home.join("Library/Caches"))
    } else {
        set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))
    };
    base.map(|base| base.join("dyad").join("snapshots"))
}
