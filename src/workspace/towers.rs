//! Audio files through a model's audio tower.

use std::path::Path;

use super::patience::patiently;
use super::{Error, ModelRef, Workspace};
use crate::audio::{AudioFile, Limits};
use crate::diagnostic::Diagnostic;
use crate::embedding::{Embeddings, Modality, Space, Stage};
use crate::encoder::{self, AudioTower, Manner};
use crate::progress::Progress;

impl Workspace {
    /// A file as a vector; it is not kept.
    ///
    /// # Errors
    /// When the model has no audio tower, the file can't be decoded, or embedding fails.
    pub fn hear(&self, model: &ModelRef, path: &Path, stage: Stage, progress: &dyn Progress) -> Result<Embeddings, Error> {
        self.audio_tower(model)?;
        let file = AudioFile::read(path).map_err(|source| Error::Audio { path: path.to_owned(), source })?;
        self.note_tower();
        // The tower is there, as was just seen; the thread needs a handle of its own.
        let Some(towers) = model.model.clone() else { return Err(Error::Cancelled) };
        let heard = patiently(progress, move |away| {
            let stopped = || away.is_gone();
            let manner = Manner { stopped: Some(&stopped), ..Manner::default() };
            towers.audio_tower()?.hear_file(&file, &Limits::default(), &manner)
        })?;
        let output = match heard {
            Ok((heard, _)) => heard.pooled,
            Err(encoder::Error::Audio(source)) => return Err(Error::Audio { path: path.to_owned(), source }),
            Err(other) => return Err(other.into()),
        };
        let rows = match stage {
            Stage::Joint => output.joint,
            Stage::PreJoint => output.pre_joint,
        };
        Ok(rows.into_embeddings(Space::new(&model.id, Modality::Audio, stage))?)
    }

    /// The model's audio tower.
    ///
    /// # Errors
    /// When it has none.
    pub fn audio_tower<'a>(&self, model: &'a ModelRef) -> Result<&'a AudioTower, Error> {
        match &model.model {
            Some(towers) => Ok(towers.audio_tower()?),
            None => Err(Diagnostic::new(format!("the model `{}` has no audio graph and can't hear files", model.id))
                .hint("name a model with graphs: `show models` lists them")
                .into()),
        }
    }
}
