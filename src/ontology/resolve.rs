//! From a label as people write it to a term: `Cello`, `french-horn`, `bowed/struck`.
//!
//! Case and the choice of `_`, `-` or space do not matter. A label is a name, an alias, the end of a path, or a notation.

use super::{Ontology, TermId};
use crate::diagnostic::{did_you_mean, fold, one_of};

/// A label that is not exactly one term.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    #[error("unknown label `{word}`: expected a name, an alias or a path in the ontology `{ontology}`")]
    Unknown {
        word: String,
        ontology: String,
        /// The name or alias that may have been meant.
        nearest: Option<String>,
    },
    #[error("`{word}` stands at several places of the ontology `{ontology}`: expected {}", quoted(candidates))]
    Ambiguous {
        word: String,
        ontology: String,
        /// The shortest path ends that tell the places apart.
        candidates: Vec<String>,
    },
}

impl Unresolved {
    /// The label as it was given.
    pub fn word(&self) -> &str {
        match self {
            Unresolved::Unknown { word, .. } | Unresolved::Ambiguous { word, .. } => word,
        }
    }

    /// The way on, for a diagnostic.
    pub fn hint(&self) -> Option<String> {
        match self {
            Unresolved::Unknown { nearest, .. } => nearest.as_ref().map(|near| format!("did you mean `{near}`?")),
            Unresolved::Ambiguous { .. } => None,
        }
    }
}

fn quoted(words: &[String]) -> String {
    one_of(words.iter().map(String::as_str))
}

impl Ontology {
    /// The term that a label means: a whole path, else a name, an alias or the end of a path, else a notation.
    ///
    /// # Errors
    /// When it means no term, or several.
    ///
    /// ```
    /// # let hdio = dyad::ontology::bundled::ontology("hdio").unwrap();
    /// assert_eq!(hdio.resolve("bass tuba"), hdio.resolve("Tuba"));
    /// let error = hdio.resolve("violim").unwrap_err();
    /// assert_eq!(error.hint().unwrap(), "did you mean `violin`?");
    /// ```
    pub fn resolve(&self, label: &str) -> Result<TermId, Unresolved> {
        match self.candidates(label).as_slice() {
            [only] => Ok(*only),
            [] => {
                let words = || self.terms.iter().flat_map(|t| std::iter::once(&t.name).chain(&t.aliases));
                let folded: Vec<String> = words().map(|word| fold(word)).collect();
                let near = did_you_mean(&fold(label), folded.iter().map(String::as_str));
                let nearest = near.and_then(|near| words().zip(&folded).find(|(_, f)| *f == near)).map(|(word, _)| word.clone());
                Err(Unresolved::Unknown { word: label.to_owned(), ontology: self.name.clone(), nearest })
            }
            several => {
                let candidates = several.iter().map(|&id| self.shortest_end(id, several)).collect();
                Err(Unresolved::Ambiguous { word: label.to_owned(), ontology: self.name.clone(), candidates })
            }
        }
    }

    /// The term that a label means, as [`resolve`](Ontology::resolve) finds it; none where that fails. Of a label that means nothing
    /// no nearest word is sought.
    pub fn meant(&self, label: &str) -> Option<TermId> {
        match self.candidates(label).as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// The terms that a label may mean.
    pub(super) fn candidates(&self, label: &str) -> Vec<TermId> {
        let parts: Vec<String> = label.split('/').map(fold).collect();
        let Some((last, above)) = parts.split_last() else { return Vec::new() };
        let namesakes = self.names.get(last).map_or(&[][..], Vec::as_slice);
        let whole = namesakes.iter().find(|id| self.term(**id).path.split('/').map(fold).eq(parts.iter().cloned()));
        if let Some(&whole) = whole {
            return vec![whole];
        }
        let aliases = self.aliases.get(last).map_or(&[][..], Vec::as_slice);
        let found: Vec<TermId> = namesakes.iter().chain(aliases).copied().filter(|&id| self.stands_under(id, above)).collect();
        if !found.is_empty() {
            return found;
        }
        let notation = Some(label.trim());
        self.ids().filter(|&id| self.term(id).notation.as_deref() == notation).collect()
    }

    /// Whether the names in `above` lead down to the term, along any of its parents.
    fn stands_under(&self, id: TermId, above: &[String]) -> bool {
        match above.split_last() {
            None => true,
            Some((parent, rest)) => {
                self.term(id).parents.iter().any(|&p| fold(&self.term(p).name) == *parent && self.stands_under(p, rest))
            }
        }
    }

    /// The shortest end of the term's path that none of the `others` shares.
    fn shortest_end(&self, id: TermId, others: &[TermId]) -> String {
        let path = &self.term(id).path;
        let starts = path.rmatch_indices('/').map(|(at, _)| at + 1);
        starts
            .map(|start| &path[start..])
            .find(|end| !others.iter().any(|&o| o != id && format!("/{}", self.term(o).path).ends_with(&format!("/{end}"))))
            .unwrap_or(path)
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ontology::bundled;

    #[test]
    fn case_and_separators_do_not_matter() {
        let hdio = bundled::ontology("hdio").unwrap();
        let horn = hdio.resolve("french_horn").unwrap();
        for label in ["French Horn", "french-horn", " FRENCH  horn ", "horn", "with_valves/french horn", "Brass/With-Valves/horn"]
        {
            assert_eq!(hdio.resolve(label), Ok(horn), "{label}");
        }
    }

    #[test]
    fn the_labels_of_the_published_data_resolve() {
        let (hdio, released) = (bundled::ontology("hdio").unwrap(), bundled::ontology("hdio-ismir2024").unwrap());
        let labels = [
            "bass tuba",
            "french horn",
            "trombone",
            "trumpet in c",
            "accordion",
            "contrabass",
            "violin",
            "viola",
            "cello",
            "bassoon",
            "clarinet in b-flat",
            "flute",
            "oboe",
            "alto saxophone",
        ];
        for (label, name) in labels.into_iter().zip(bundled::TINYSOL) {
            for ontology in [&hdio, &released] {
                let id = ontology.resolve(label).unwrap();
                assert_eq!(ontology.term(id).name, name);
                assert_eq!(ontology.resolve(name), Ok(id));
            }
        }
    }

    #[test]
    fn every_path_resolves_to_its_own_term() {
        for name in bundled::names() {
            let ontology = bundled::ontology(name).unwrap();
            for id in ontology.ids() {
                assert_eq!(ontology.resolve(&ontology.term(id).path), Ok(id));
            }
        }
    }

    #[test]
    fn a_repeated_name_lists_its_places() {
        let hdio = bundled::ontology("hdio").unwrap();
        let error = hdio.resolve("rubbed").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`rubbed` stands at several places of the ontology `hdio`: expected `pitched/rubbed` or `indeterminate_pitch/rubbed`"
        );
        let Unresolved::Ambiguous { candidates, .. } = hdio.resolve("struck").unwrap_err() else { panic!("not ambiguous") };
        assert_eq!(candidates.len(), 5);
        for candidate in candidates {
            assert!(hdio.resolve(&candidate).is_ok(), "{candidate}");
        }
    }

    #[test]
    fn an_unknown_word_names_the_nearest() {
        let hdio = bundled::ontology("hdio").unwrap();
        let hint = |word: &str| hdio.resolve(word).unwrap_err().hint();
        assert_eq!(hint("FRENCH-HORM").as_deref(), Some("did you mean `french_horn`?"));
        assert_eq!(hint("chello").as_deref(), Some("did you mean `cello`?"));
        assert_eq!(hint("zzzzzzzzzzzz"), None);
        for odd in ["", "/", "a//b", "bowed/piano", "/violin", "𝄞"] {
            assert!(matches!(hdio.resolve(odd), Err(Unresolved::Unknown { .. })), "{odd}");
        }
    }
}
