//! What labels are read as under prompts that a result can only name: definitions, random words, a sentence less its label.
//!
//! ```text
//!   A <> track             says itself what is read for every label
//!   ismir2024/definition   violin → "The violin is the smallest and highest member of …"
//! ```

use super::{Error, ModelRef, Workspace, spoken};
use crate::embedding::Stage;
use crate::prompt::Prompt;
use crate::report::Wording;

impl Workspace {
    /// The sentences of the labels under each of `prompts` that is not written out but named by its set, whose file may change.
    ///
    /// Labels whose vectors were imported for the prompt are left out: what those were made of is not known here.
    ///
    /// # Errors
    /// When the store can't be read, or a prompt has no sentence for a label.
    pub fn wording<'a>(
        &self,
        model: &ModelRef,
        stage: Stage,
        prompts: impl IntoIterator<Item = &'a Prompt>,
        labels: &[String],
    ) -> Result<Vec<Wording>, Error> {
        let mut all = Vec::new();
        if model.model.is_none() {
            return Ok(all);
        }
        for prompt in prompts.into_iter().filter(|prompt| !prompt.is_written_out()) {
            let imported = self.held(model, stage, prompt.key())?;
            let mut sentences = Vec::new();
            for label in labels.iter().filter(|label| imported.find(&spoken(label)).is_none()) {
                sentences.push((label.clone(), self.render(prompt, label)?));
            }
            if !sentences.is_empty() {
                all.push(Wording { prompt: prompt.key().to_owned(), sentences });
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Spanned;
    use crate::embedding::{Modality, Space};
    use crate::prompt::bundled;
    use crate::store::{NewItem, SpaceKey, Store};

    #[test]
    fn what_is_read_for_each_label_is_told_where_the_prompt_does_not_say_it() {
        let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
        let model = workspace.model(&Spanned::new("musicnn-minilm".to_owned(), Default::default())).unwrap();
        // For violins alone somebody brought a vector.
        let key = SpaceKey::new(Space::new(&model.id, Modality::Text, Stage::Joint), &model.hash);
        let vector = (key.with_prompt("ismir2024/definition"), vec![1.0, 0.0]);
        let imported = NewItem { vectors: vec![vector], ..NewItem::new("violin", Modality::Text) };
        workspace.store().create("imported").unwrap().commit(vec![imported]).unwrap();

        let prompts = bundled::set("ismir2024").unwrap().prompts;
        let labels = ["violin".to_owned(), "french_horn".to_owned()];
        let wording = workspace.wording(&model, Stage::Joint, &prompts, &labels).unwrap();
        let told: Vec<(&str, Vec<&str>)> = wording
            .iter()
            .map(|of| (of.prompt.as_str(), of.sentences.iter().map(|(label, _)| label.as_str()).collect()))
            .collect();
        let both = vec!["violin", "french_horn"];
        assert_eq!(
            told,
            [
                ("ismir2024/definition", vec!["french_horn"]),
                ("ismir2024/definition-without-label", both.clone()),
                ("ismir2024/random-context", both)
            ]
        );
        assert_eq!(wording[0].sentences[0].1, prompts[1].render("french_horn").unwrap());
        // A model that reads nothing has only what was imported.
        let reads_nothing = ModelRef { model: None, ..model };
        assert!(workspace.wording(&reads_nothing, Stage::Joint, &prompts, &labels).unwrap().is_empty());
    }
}
