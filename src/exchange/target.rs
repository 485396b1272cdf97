//! Files that are written whole or not at all.
//!
//! The bytes go to a file without a name beside the final one; when all are on the disk it takes the name. Whatever fails
//! before that leaves what was there as it was.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::Error;

/// What writers write into.
pub trait Sink: Write + Seek + Send {}
impl<T: Write + Seek + Send> Sink for T {}

/// A file to be.
pub struct Target {
    path: PathBuf,
    temporary: tempfile::NamedTempFile,
    replace: bool,
}

impl Target {
    /// Begins the file `path`.
    ///
    /// # Errors
    /// When it is there already and `replace` is false, is a folder, or its folder can't be written to.
    pub fn begin(path: &Path, replace: bool) -> Result<Target, Error> {
        match std::fs::symlink_metadata(path) {
            Ok(there) if there.is_dir() => return Err(Error::wrong("it is a folder")),
            Ok(_) if !replace => return Err(Error::wrong("it is there already: `--force` replaces it")),
            _ => {}
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".dyad-").suffix(".tmp");
        // As any other program would make it, not for its owner alone.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let temporary = builder.tempfile_in(folder).map_err(|error| at(folder, error))?;
        Ok(Target { path: path.to_owned(), temporary, replace })
    }

    /// Where the bytes go.
    ///
    /// # Errors
    /// When the file can't be opened once more.
    pub fn sink(&self) -> Result<Box<dyn Sink>, Error> {
        Ok(Box::new(BufWriter::with_capacity(1 << 20, self.temporary.as_file().try_clone()?)))
    }

    /// Gives the file its name, and the permissions of the one that it replaces, once its bytes are on the disk; `what` was written into its sink before.
    ///
    /// # Errors
    /// When the disk fails, or a file of the name came meanwhile.
    pub fn keep(self) -> Result<(), Error> {
        if let Ok(there) = std::fs::metadata(&self.path) {
            self.temporary.as_file().set_permissions(there.permissions())?;
        }
        self.temporary.as_file().sync_all()?;
        let kept = match self.replace {
            true => self.temporary.persist(&self.path),
            false => self.temporary.persist_noclobber(&self.path),
        };
        kept.map(drop).map_err(|failed| at(&self.path, failed.error))
    }
}

fn at(path: &Path, error: std::io::Error) -> Error {
    // `tempfile` tells the name of its own file, which nobody gave.
    let reason = error.to_string();
    Error::wrong(format!("`{}`: {}", path.display(), reason.split(" at path ").next().unwrap_or_default()))
}

/// Bytes that wait on the disk until their turn comes; gone with the process.
pub(super) struct Spool {
    file: BufWriter<File>,
}

impl Spool {
    pub fn new() -> Result<Spool, Error> {
        Ok(Spool { file: BufWriter::new(tempfile::tempfile()?) })
    }

    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.file.write_all(bytes)?)
    }

    /// All that was put, from the start.
    pub fn copy_to(self, to: &mut impl Write) -> Result<(), Error> {
        let mut file = self.file.into_inner().map_err(|failed| failed.into_error())?;
        file.seek(SeekFrom::Start(0))?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(()),
                n => to.write_all(&buffer[..n])?,
            }
        }
    }
}
