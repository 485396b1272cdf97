//! The ontologies that come with the program (files in `ontology/`, described in its README).
//!
//! To add one: put the file there and a line in `FILES`.

use super::reader::{self, Format};
use super::{Ontology, ReadError};
use crate::diagnostic::{did_you_mean, one_of};

const FILES: &[(&str, Format, &str)] = &[
    ("hdio", Format::Json, include_str!("../../ontology/hdio.json")),
    ("hdio-ismir2024", Format::Json, include_str!("../../ontology/hdio-ismir2024.json")),
    ("hornbostel-sachs", Format::Turtle, include_str!("../../ontology/hornbostel-sachs.ttl")),
    ("audioset-music", Format::Json, include_str!("../../ontology/audioset-music.json")),
];

/// The 14 instruments of TinySOL by their names in `hdio`, in the column order of the published ground truth.
pub const TINYSOL: [&str; 14] = [
    "tuba",
    "french_horn",
    "trombone",
    "trumpet",
    "accordion",
    "contrabass",
    "violin",
    "viola",
    "violoncello",
    "bassoon",
    "clarinet",
    "flute",
    "oboe",
    "saxophone",
];

/// Why a bundled ontology was not had.
#[derive(Debug, thiserror::Error)]
pub enum BundledError {
    #[error("unknown ontology `{name}`: expected {}", one_of(names()))]
    Unknown {
        name: String,
        /// The name that may have been meant.
        nearest: Option<&'static str>,
    },
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// The names of the bundled ontologies.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, ..)| *name)
}

/// The bundled ontology of this name.
///
/// # Errors
/// When there is none of this name; the error holds the nearest.
pub fn ontology(name: &str) -> Result<Ontology, BundledError> {
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some((known, format, text)) => Ok(reader::parse(known, text, *format)?),
        None => Err(BundledError::Unknown { name: name.to_owned(), nearest: did_you_mean(name, names()) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_reads_and_says_where_it_is_from() {
        for name in names() {
            let ontology = ontology(name).unwrap();
            assert_eq!(ontology.name, name);
            assert!(!ontology.title.is_empty() && !ontology.source.is_empty() && !ontology.licence.is_empty());
        }
    }

    #[test]
    fn the_two_trees_differ_in_the_two_misplaced_branches_alone() {
        let (chart, released) = (ontology("hdio").unwrap(), ontology("hdio-ismir2024").unwrap());
        let moved: Vec<&str> = chart
            .terms()
            .iter()
            .map(|term| term.path.as_str())
            .filter(|path| !released.terms().iter().any(|term| term.path == *path))
            .collect();
        assert_eq!(moved.len(), 11 + 18);
        let branches = ["instrument/percussion/membranophone/indeterminate_pitch", "instrument/electrophone"];
        assert!(moved.iter().all(|path| branches.iter().any(|branch| path.starts_with(branch))), "{moved:?}");
    }

    #[test]
    fn an_unknown_name_offers_the_nearest() {
        let error = ontology("hido").unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown ontology `hido`: expected `hdio`, `hdio-ismir2024`, `hornbostel-sachs` or `audioset-music`"
        );
        assert!(matches!(error, BundledError::Unknown { nearest: Some("hdio"), .. }));
    }
}
