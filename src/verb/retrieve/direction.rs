//! What is looked for with what: `retrieve CANDIDATES for QUERIES`.

use crate::diagnostic::{Diagnostic, Spanned};
use crate::query::Bound;
use crate::query::statement::Target;
use crate::verb::Error;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    ClipsForLabels,
    LabelsForClips,
    ClipsForClips,
    ClipsForCaptions,
    CaptionsForClips,
}

const FORMS: &str =
    "`retrieve clips for labels`, `… labels for clips`, `… clips for captions`, `… captions for clips` or `… clips for clips`";

impl Direction {
    /// Reads the subject and the target.
    ///
    /// # Errors
    /// When they are no pair of the above.
    pub fn of(bound: &Bound) -> Result<Direction, Error> {
        let (query, span) = match &bound.target {
            Some(Spanned { node: Target::Word(word), span }) => (word.to_lowercase(), *span),
            Some(other) => {
                return Err(Diagnostic::new("`retrieve` can't use a text as the query").at(other.span).expected(FORMS).into());
            }
            None => return Err(Diagnostic::new("`retrieve` needs queries").at(bound.verb.span).expected(FORMS).into()),
        };
        let candidates: Vec<&str> = bound.subjects.iter().map(|s| s.node.as_str()).collect();
        match (candidates.as_slice(), query.trim_end_matches('s')) {
            (["clip"], "label") => Ok(Direction::ClipsForLabels),
            (["label"], "clip") => Ok(Direction::LabelsForClips),
            (["clip"], "clip") => Ok(Direction::ClipsForClips),
            (["clip"], "caption") => Ok(Direction::ClipsForCaptions),
            (["caption"], "clip") => Ok(Direction::CaptionsForClips),
            (["label"], "label") => {
                Err(Diagnostic::new("labels for labels are the business of `triplets`").at(span).expected(FORMS).into())
            }
            (["label" | "caption"], "label" | "caption") => {
                Err(Diagnostic::new("texts are not retrieved for texts").at(span).expected(FORMS).into())
            }
            ([_], _) => Err(Diagnostic::new(format!("`{query}` can't be queries"))
                .at(span)
                .expected("`labels`, `captions` or `clips`")
                .suggest(&query, ["labels", "captions", "clips"])
                .into()),
            _ => Err(Diagnostic::new("`retrieve` needs one kind of candidates").at(bound.verb.span).expected(FORMS).into()),
        }
    }

    /// As the report names it.
    pub fn name(self) -> &'static str {
        match self {
            Direction::ClipsForLabels => "label → clips",
            Direction::LabelsForClips => "clip → labels",
            Direction::ClipsForClips => "clip → clips",
            Direction::ClipsForCaptions => "caption → clips",
            Direction::CaptionsForClips => "clip → captions",
        }
    }

    /// Whether texts are among the queries or candidates.
    pub fn reads(self) -> bool {
        self != Direction::ClipsForClips
    }

    /// Whether they are captions.
    pub fn of_captions(self) -> bool {
        matches!(self, Direction::ClipsForCaptions | Direction::CaptionsForClips)
    }

    /// Whether the queries are texts.
    pub fn asks_texts(self) -> bool {
        matches!(self, Direction::ClipsForLabels | Direction::ClipsForCaptions)
    }

    /// What is relevant to a query; clips with several labels have another rule.
    pub fn rule(self, several: bool) -> &'static str {
        match (self, several) {
            (Direction::ClipsForLabels, false) => "relevant to a label: every clip with it",
            (Direction::ClipsForLabels, true) => {
                "relevant to a label: every clip that has it; a clip of which that is unknown is no candidate"
            }
            (Direction::LabelsForClips, false) => "relevant to a clip: its own label",
            (Direction::LabelsForClips, true) => {
                "relevant to a clip: any label that it has; a label that is unknown for it is no candidate"
            }
            (Direction::ClipsForClips, false) => "relevant to a clip: every other clip with its label",
            (Direction::ClipsForClips, true) => "relevant to a clip: every other clip that has one of its labels",
            (Direction::ClipsForCaptions, _) => "relevant to a caption: its own clip; each caption is a query",
            (Direction::CaptionsForClips, _) => "relevant to a clip: any of its captions",
        }
    }
}
