//! Memory that is a file, or is like one: bytes at a page's start, shared by all who hold them.
//!
//! SAFETY of mapping a file: its bytes must not change while they are borrowed. This program writes an index file beside its
//! place, maps it only once it is whole, moves it into place and never opens it for writing again; what replaces it is another
//! file, and the old one lives until its last map is gone. The store's lock keeps other processes of dyad away. A stranger who
//! cuts the file short while it is mapped ends the process by a signal, as with every mapped file.

use std::fs::File;
use std::io;

use memmap2::{Advice, Mmap, MmapMut};

#[cfg(target_os = "linux")]
use super::pages::LARGE;

/// Bytes that nobody changes any more.
#[derive(Debug)]
pub struct Map(Mmap);

impl Map {
    /// The bytes of a whole file.
    ///
    /// # Errors
    /// What the system says.
    pub fn of(file: &File) -> io::Result<Map> {
        // SAFETY: see above.
        let map = unsafe { Mmap::map(file) }?;
        // Rows are read in no order; reading ahead would bring what nobody asks for. Only advice.
        #[cfg(unix)]
        let _ = map.advise(Advice::Random);
        Ok(Map(map))
    }

    /// `length` bytes of zeros in memory of its own, to be filled. Empty for 0.
    ///
    /// # Errors
    /// When there is not so much.
    pub fn blank(length: usize) -> io::Result<MmapMut> {
        // Mapping nothing is an error.
        let map = MmapMut::map_anon(length.max(1))?;
        #[cfg(target_os = "linux")]
        if length >= LARGE {
            let _ = map.advise(Advice::HugePage);
        }
        Ok(map)
    }

    /// The bytes of `file` as memory that can be written, to be filled once.
    ///
    /// # Errors
    /// What the system says.
    pub fn draft(file: &File) -> io::Result<MmapMut> {
        // SAFETY: the file was just made under a name of its own; nobody else has it.
        unsafe { MmapMut::map_mut(file) }
    }

    /// What was filled, for good.
    ///
    /// # Errors
    /// What the system says.
    pub fn finished(draft: MmapMut) -> io::Result<Map> {
        draft.make_read_only().map(Map)
    }

    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}
