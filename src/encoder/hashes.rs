//! The hash of a model's file, read anew only when the file may have changed.
//!
//! ```text
//!   path ─ stamp: size, times of change, inode ─ the one that is remembered? ─ yes → its hash
//!                                                                              no → read, hash, remember
//! ```
//!
//! A file can't be written without a new time of change of the inode, which no program sets; it is what tells that a file is
//! the same, as in git's index. A file changed less than two seconds ago is not remembered: a second change in the same tick
//! of the file system's clock would go unseen. Where the system has no such time nothing is remembered.

use std::fs::File;
use std::io;
use std::path::Path;

/// A place where hashes of files are kept between runs of the program.
pub trait Hashes {
    /// The stamp and the hash kept for `path`.
    fn recall(&self, path: &Path) -> Option<(String, [u8; 32])>;
    /// Keeps them. It may fail silently: then the file is hashed again the next time.
    fn keep(&self, path: &Path, stamp: &str, hash: [u8; 32]);
}

/// Remembers nothing.
impl Hashes for () {
    fn recall(&self, _: &Path) -> Option<(String, [u8; 32])> {
        None
    }

    fn keep(&self, _: &Path, _: &str, _: [u8; 32]) {}
}

/// blake3 of the file at `path`.
pub(super) fn hash(path: &Path, hashes: &dyn Hashes) -> io::Result<[u8; 32]> {
    let before = stamp(path);
    if let Some((before, _)) = &before
        && let Some((stamp, hash)) = hashes.recall(path)
        && stamp == *before
    {
        return Ok(hash);
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    let hash = *hasher.finalize().as_bytes();
    if let Some((before, true)) = before
        && stamp(path).is_some_and(|(after, _)| after == before)
    {
        hashes.keep(path, &before, hash);
    }
    Ok(hash)
}

/// What the file system says of the file, and whether its last change lies far enough back.
#[cfg(unix)]
fn stamp(path: &Path) -> Option<(String, bool)> {
    use std::os::unix::fs::MetadataExt;
    let m = std::fs::metadata(path).ok()?;
    let stamp =
        format!("{} {}.{:09} {}.{:09} {}:{}", m.size(), m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec(), m.dev(), m.ino());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    let settled = i64::try_from(now).is_ok_and(|now| now >= m.ctime().max(m.mtime()).saturating_add(3));
    Some((stamp, settled))
}

#[cfg(not(unix))]
fn stamp(_: &Path) -> Option<(String, bool)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[derive(Default)]
    struct One(RefCell<Option<(String, [u8; 32])>>);

    impl Hashes for One {
        fn recall(&self, _: &Path) -> Option<(String, [u8; 32])> {
            self.0.borrow().clone()
        }

        fn keep(&self, _: &Path, stamp: &str, hash: [u8; 32]) {
            *self.0.borrow_mut() = Some((stamp.to_owned(), hash));
        }
    }

    #[test]
    fn a_file_that_was_just_written_is_not_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let (path, one) = (folder.path().join("graph"), One::default());
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(hash(&path, &one).unwrap(), *blake3::hash(b"abc").as_bytes());
        assert!(one.0.borrow().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn a_remembered_hash_serves_the_unchanged_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("graph"), folder.path().join("other"));
        std::fs::write(&path, "abc").unwrap();
        // A hash that no content has shows whether the file was read.
        let one = One(RefCell::new(Some((stamp(&path).unwrap().0, [7; 32]))));
        assert_eq!(hash(&path, &one).unwrap(), [7; 32]);
        // Another file of the same size and the same time of modification, moved into its place.
        std::fs::write(&other, "abd").unwrap();
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        File::options().write(true).open(&other).unwrap().set_modified(modified).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(hash(&path, &one).unwrap(), *blake3::hash(b"abd").as_bytes());
    }
}
