//! What became of some files, on its way into the store.
//!
//! ```text
//!   results in order ─ known, failed, or with an item ─ windows stored ─ items stored ─ counted, the rejected as failed
//! ```
//! A clip's windows are stored before the clip is: see [`super::windows`].

use std::collections::BTreeMap;

use super::audio::{Failure, Summary};
use super::clip::{Job, Taken};
use super::fields::labelled;
use super::files::Source;
use super::{Error, windows};
use crate::store::NewItem;

/// Seconds of a clip that was heard, and whether it is labelled.
type Heard = (f64, bool);

/// What of some files is to be stored.
#[derive(Default)]
pub(super) struct Batch<'a> {
    items: Vec<NewItem>,
    /// Of each item its file, and what was heard if it was.
    of_items: Vec<(&'a Source, Option<Heard>)>,
    windows: Vec<NewItem>,
    /// Windows of what files were before.
    gone: Vec<String>,
}

impl<'a> Batch<'a> {
    /// Takes in what became of a file; what is not to be stored is counted at once.
    pub fn add(&mut self, source: &'a Source, taken: Taken, summary: &mut Summary) {
        match taken {
            Taken::Known { relabelled: None, .. } => summary.known += 1,
            Taken::Known { relabelled: Some(item), windows } => {
                self.windows.extend(windows);
                self.of_items.push((source, None));
                self.items.push(*item);
            }
            Taken::Failed(reason) => summary.failures.push(failure(source, reason)),
            Taken::New { item, windows, gone, duration_s, warnings } => {
                self.windows.extend(windows);
                self.gone.extend(gone);
                summary.warnings.extend(warnings.into_iter().map(|warning| (source.id.clone(), warning)));
                self.of_items.push((source, Some((duration_s, labelled(&item.metadata)))));
                self.items.push(*item);
            }
        }
    }

    /// Stores all of it and counts it; an item that the store does not take is a failure of its file.
    ///
    /// # Errors
    /// Those of the store.
    pub fn store(self, job: &Job<'_>, summary: &mut Summary) -> Result<(), Error> {
        if let Some(collection) = &job.kept.windows {
            windows::store(collection, self.windows, &self.gone)?;
        }
        let rejected = job.collection.commit_sound(self.items)?;
        let mut rejected: BTreeMap<usize, _> = rejected.into_iter().map(|rejected| (rejected.at, rejected.why)).collect();
        for (at, (source, heard)) in self.of_items.into_iter().enumerate() {
            match (rejected.remove(&at), heard) {
                (Some(why), _) => summary.failures.push(failure(source, why.to_string())),
                (None, None) => summary.known += 1,
                (None, Some((duration_s, labelled))) => {
                    summary.embedded += 1;
                    summary.audio_s += duration_s;
                    summary.unlabelled += usize::from(!labelled);
                }
            }
        }
        Ok(())
    }
}

fn failure(source: &Source, reason: String) -> Failure {
    Failure { file: source.path.display().to_string(), reason }
}
