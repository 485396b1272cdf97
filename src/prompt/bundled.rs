//! The prompt sets that come with the program (files in `data/prompts/`).
//!
//! To add one: put the file there and a line in `FILES`.

use super::set::{PromptSet, SetError};
use crate::diagnostic::{did_you_mean, one_of};

const FILES: &[(&str, &str)] = &[
    ("ismir2024", include_str!("../../data/prompts/ismir2024.toml")),
    ("controls", include_str!("../../data/prompts/controls.toml")),
    ("sensitivity", include_str!("../../data/prompts/sensitivity.toml")),
    ("article", include_str!("../../data/prompts/article.toml")),
];

/// Why a bundled set was not had.
#[derive(Debug, thiserror::Error)]
pub enum BundledError {
    #[error("unknown prompt set `{name}`: expected {}", one_of(names()))]
    Unknown {
        name: String,
        /// The name that may have been meant.
        nearest: Option<&'static str>,
    },
    #[error(transparent)]
    Set(#[from] SetError),
}

/// The names of the bundled sets.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// The bundled set of this name.
///
/// # Errors
/// When there is none of this name; the error holds the nearest.
pub fn set(name: &str) -> Result<PromptSet, BundledError> {
    match FILES.iter().find(|(known, _)| *known == name) {
        Some((known, text)) => Ok(PromptSet::parse(known, text)?),
        None => Err(BundledError::Unknown { name: name.to_owned(), nearest: did_you_mean(name, names()) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::fold;
    use crate::prompt::{PLACE, Wording};

    /// The sentences of the set `ismir2024`, `<>` and all, by folded label.
    fn definitions() -> Vec<(String, String)> {
        let set = set("ismir2024").unwrap();
        let Wording::Definitions(sentences) = &set.prompt("definition").unwrap().wording else { panic!("no definitions") };
        sentences.iter().map(|(label, sentence)| (label.clone(), sentence.clone())).collect()
    }

    #[test]
    fn every_set_says_what_it_is() {
        for name in names() {
            let set = set(name).unwrap();
            assert_eq!(set.name, name);
            assert!(!set.description.is_empty() && !set.source.is_empty());
        }
        assert!(matches!(set("ismr2024"), Err(BundledError::Unknown { nearest: Some("ismir2024"), .. })));
    }

    #[test]
    fn the_six_prompts_of_the_paper() {
        let set = set("ismir2024").unwrap();
        let rendered: Vec<String> = set.prompts.iter().map(|prompt| prompt.render("french_horn").unwrap()).collect();
        assert_eq!(rendered.len(), 6);
        assert_eq!(rendered[0], "A french horn track");
        assert!(rendered[1].starts_with("The french horn is a brass instrument"));
        assert!(rendered[2].starts_with("The is a brass instrument"));
        assert_eq!(rendered[1].replace("french horn ", ""), rendered[2]);
        assert!(rendered[3].starts_with("french horn ") && rendered[3].split(' ').count() == 8);
        assert_eq!(rendered[4], "This is a recording of a french horn");
        assert_eq!(rendered[5], "Solo musical instrument sound of a french horn");
        let keys: Vec<&str> = set.prompts.iter().map(|prompt| prompt.key()).collect();
        assert_eq!(
            keys,
            [
                "A <> track",
                "ismir2024/definition",
                "ismir2024/definition-without-label",
                "ismir2024/random-context",
                "This is a recording of a <>",
                "Solo musical instrument sound of a <>"
            ]
        );
        assert!(set.prompts.iter().all(|prompt| prompt.is_written_out() == prompt.key().contains("<>")));
    }

    #[test]
    fn every_leaf_of_the_ontology_is_defined() {
        let hdio: serde_json::Value = serde_json::from_str(include_str!("../../ontology/hdio.json")).unwrap();
        fn leaves(node: &serde_json::Value, out: &mut Vec<String>) {
            match node {
                serde_json::Value::Object(map) => map.values().for_each(|below| leaves(below, out)),
                serde_json::Value::Array(list) => list.iter().for_each(|below| leaves(below, out)),
                leaf => out.push(fold(leaf.as_str().unwrap())),
            }
        }
        let mut expected = Vec::new();
        leaves(&hdio["tree"], &mut expected);
        expected.sort();
        let defined: Vec<String> = definitions().into_iter().map(|(label, _)| label).collect();
        assert_eq!(defined, expected);
    }

    #[test]
    fn definitions_are_one_sentence_that_names_no_other_label() {
        let all = definitions();
        for (label, sentence) in &all {
            let length = sentence.split_whitespace().count();
            assert!((15..=26).contains(&length), "{label}: {length} words");
            assert!(sentence.starts_with("The <> is ") || sentence.starts_with("The <> are "), "{label}");
            assert!(
                sentence.ends_with('.') && sentence.matches('.').count() == 1 && sentence.matches("<>").count() == 1,
                "{label}"
            );
            let words = format!(" {} ", sentence.to_lowercase().replace(|c: char| !c.is_alphanumeric() && c != '\'', " "));
            for (other, _) in &all {
                assert!(!words.contains(&format!(" {other} ")), "the definition of {label} names {other}");
            }
        }
    }

    #[test]
    fn without_the_label_no_word_of_it_is_left() {
        let set = set("ismir2024").unwrap();
        let prompt = set.prompt("definition-without-label").unwrap();
        for (label, _) in definitions() {
            let rendered = prompt.render(&label).unwrap().to_lowercase();
            let words: Vec<&str> = rendered.split(|c: char| !c.is_alphanumeric()).collect();
            assert!(label.split(' ').all(|word| !words.contains(&word)), "{label}: {rendered}");
            assert!(!rendered.contains("  ") && !rendered.contains(" ,") && !rendered.contains(PLACE), "{rendered}");
        }
    }
}
