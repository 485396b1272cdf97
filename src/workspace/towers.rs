//! Audio files through a model's audio tower.

use std::path::Path;

use super::patience::patiently;
use super::{Error, ModelRef, Workspace};
use crate::audio::{self, Limits};
use crate::diagnostic::Diagnostic;
use crate::embedding::{Embeddings, Modality, Space, Stage};
use crate::encoder::{AudioTower, Tower};
use crate::progress::Progress;

impl Workspace {
    /// A file as a vector; it is not kept.
    ///
    /// # Errors
    /// When the model has no audio tower, the file can't be decoded, or embedding fails.
    pub fn hear(&self, model: &ModelRef, path: &Path, stage: Stage, progress: &dyn Progress) -> Result<Embeddings, Error> {
        let tower = self.audio_tower(model)?;
        let clip = audio::load(path, &tower.target(), &Limits::default())
            .map_err(|source| Error::Audio { path: path.to_owned(), source })?;
        self.note_tower();
        // The tower is there, as was just seen; the thread needs a handle of its own.
        let Some(towers) = model.model.clone() else { return Err(Error::Cancelled) };
        let output = patiently(progress, move |_| towers.audio_tower()?.embed(&[&clip.samples]))??;
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
