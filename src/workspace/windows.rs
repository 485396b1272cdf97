//! Where the windows of a collection's clips are: in a collection of their own beside it.
//!
//! ```text
//!   tracks            a.wav                         one vector a clip, pooled; what evaluation verbs count
//!   tracks.windows    a.wav#0  a.wav#1  a.wav#2     one vector a window; fields track, start_s, end_s and those of the clip
//! ```
//! So no statement about `tracks` ever counts a window as a clip, and `in tracks.windows` asks about windows in so many words.

use std::collections::HashSet;

use super::{Error, Workspace};
use crate::store::{Collection, Item};
use crate::value::Value;

/// What the name of a collection of windows ends with.
const ENDING: &str = ".windows";

/// The field of a window that names its clip.
pub const TRACK: &str = "track";
/// The fields of a window that say where it lies in its clip, in seconds.
pub const SPAN: [&str; 2] = ["start_s", "end_s"];

/// The name of the collection that holds the windows of `collection`.
pub fn windows_name(collection: &str) -> String {
    format!("{collection}{ENDING}")
}

/// Whether a collection of this name holds the windows of another.
pub fn holds_windows(name: &str) -> bool {
    name.ends_with(ENDING)
}

/// Counts the tracks that windows are of; a window without one stands for itself.
#[derive(Default)]
pub(super) struct Tracks {
    named: HashSet<String>,
    alone: usize,
}

impl Tracks {
    /// Counts a window in.
    pub fn see(&mut self, window: &Item) {
        match window.metadata.get(TRACK).and_then(Value::as_text) {
            None => self.alone += 1,
            Some(track) if self.named.contains(track) => {}
            Some(track) => drop(self.named.insert(track.to_owned())),
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.named.len() + self.alone
    }
}

impl Workspace {
    /// The windows of a collection's clips, where they were kept.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn windows_of(&self, collection: &str) -> Result<Option<Collection>, Error> {
        Ok(self.store.collection(&windows_name(collection))?)
    }
}
