//! What a verb takes: one definition for parser check, help, completion, the language reference and the tests.

/// A verb's definition.
#[derive(Debug)]
pub struct Signature {
    /// The verb, in lower case.
    pub name: &'static str,
    /// One line without a full stop.
    pub summary: &'static str,
    /// The forms of a statement.
    pub usage: &'static [&'static str],
    /// A paragraph: what it computes, conventions, source.
    pub about: &'static str,
    /// Words that may stand between verb and clauses, in the singular; plurals are the same word.
    pub subjects: &'static [&'static str],
    pub clauses: &'static [Clause],
    pub parameters: &'static [Parameter],
    pub examples: &'static [Example],
    /// True where any `key=value` is taken and judged by the verb itself.
    pub open_parameters: bool,
    /// Rows of the result without `limit`; none for all.
    pub rows: Option<usize>,
}

/// A statement that shows the verb, with what it gives on the bundled data.
#[derive(Debug)]
pub struct Example {
    pub statement: &'static str,
    pub gives: &'static str,
}

/// A clause of the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clause {
    In,
    Where,
    Top,
    Limit,
    By,
    OrderBy,
    As,
    Into,
    Using,
    For,
    Without,
    With,
}

impl Clause {
    /// Every clause.
    pub const ALL: [Clause; 12] = [
        Clause::In,
        Clause::Where,
        Clause::Top,
        Clause::Limit,
        Clause::By,
        Clause::OrderBy,
        Clause::As,
        Clause::Into,
        Clause::Using,
        Clause::For,
        Clause::Without,
        Clause::With,
    ];

    /// Those about the result, which go with every verb.
    pub const OF_RESULT: [Clause; 4] = [Clause::OrderBy, Clause::Limit, Clause::As, Clause::Into];

    /// Its keyword.
    pub fn word(self) -> &'static str {
        match self {
            Clause::In => "in",
            Clause::Where => "where",
            Clause::Top => "top",
            Clause::Limit => "limit",
            Clause::By => "by",
            Clause::OrderBy => "order by",
            Clause::As => "as",
            Clause::Into => "into",
            Clause::Using => "using",
            Clause::For => "for",
            Clause::Without => "without",
            Clause::With => "with",
        }
    }

    /// Its form and meaning, for help.
    pub fn help(self) -> (&'static str, &'static str) {
        match self {
            Clause::In => ("in COLLECTION", "the collection; without it the one of `use`, or the only one that fits"),
            Clause::Where => ("where PREDICATE", "which items, by metadata; parameters may stand here too, joined by `and`"),
            Clause::Top => ("top K", "how many of the best"),
            Clause::Limit => ("limit N", "at most so many rows of the result; `limit 0` is all"),
            Clause::By => ("by FIELD", "groups or folds: a metadata field"),
            Clause::OrderBy => {
                ("order by FIELD [desc]", "the order of the rows: a column of the result, `_` for a space in its name")
            }
            Clause::As => ("as FORMAT", "`table`, `csv`, `tsv`, `json`, `jsonl`, `markdown` or `plot`"),
            Clause::Into => {
                ("into \"FILE\"", "writes the result to a file, in the format of its extension where there is no `as`")
            }
            Clause::Using => ("using prototypes|knn", "audio-only labels instead of texts"),
            Clause::For => (
                "for \"TEXT\"|WORD",
                "the text to look for, or a weighted sum: `\"cello\" + 0.5 * \"dark\"`; the queries of `retrieve`",
            ),
            Clause::Without => ("without \"TEXT\"", "texts to keep away from"),
            Clause::With => ("with (STATEMENT)|NAME", "the other side of a comparison"),
        }
    }
}

/// A named value, `key=value`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    pub name: &'static str,
    pub kind: Kind,
    /// What holds without it, in words.
    pub default: &'static str,
    pub help: &'static str,
}

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A text with `<>` for the label, or several as an ensemble.
    Prompt,
    /// The name of a prompt set, or several prompts.
    Prompts,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number from `min` to `max`.
    Int {
        min: i64,
        max: i64,
    },
    /// A number from `min` to `max`.
    Float {
        min: f64,
        max: f64,
    },
    Bool,
    Model,
    Collection,
    Ontology,
    /// A text or name that the verb itself judges.
    Text,
}

impl Kind {
    /// What is allowed, in words.
    pub fn expects(self) -> String {
        match self {
            Kind::Prompt => "a text with `<>` for the label, as in `\"A <> track\"`, or several in brackets".into(),
            Kind::Prompts => "the name of a prompt set, or several prompts in brackets".into(),
            Kind::Choice(words) => crate::diagnostic::one_of(words.iter().copied()),
            Kind::Int { min, max } if max == i64::MAX => format!("a whole number from {min}"),
            Kind::Int { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Float { min, max } => format!("a number from {min} to {max}"),
            Kind::Bool => "`true` or `false`".into(),
            Kind::Model => "the name of a model".into(),
            Kind::Collection => "the name of a collection".into(),
            Kind::Ontology => "the name of an ontology".into(),
            Kind::Text => "a name or a text in quotes".into(),
        }
    }
}

impl Signature {
    /// A verb that takes nothing; definitions name what they take and end in `..Signature::BARE`.
    pub const BARE: Signature = Signature {
        name: "",
        summary: "",
        usage: &[],
        about: "",
        subjects: &[],
        clauses: &[],
        parameters: &[],
        examples: &[],
        open_parameters: false,
        rows: None,
    };

    /// The parameter `name`.
    pub fn parameter(&self, name: &str) -> Option<&'static Parameter> {
        self.parameters.iter().find(|p| p.name.eq_ignore_ascii_case(name))
    }

    /// Whether the verb takes this clause.
    pub fn takes(&self, clause: Clause) -> bool {
        Clause::OF_RESULT.contains(&clause) || self.clauses.contains(&clause)
    }
}

/// The parameters that several verbs share.
pub mod shared {
    use super::{Kind, Parameter};

    pub const MODEL: Parameter =
        Parameter { name: "model", kind: Kind::Model, default: "the collection's only model", help: "which two-tower model" };
    pub const SPACE: Parameter = Parameter {
        name: "space",
        kind: Kind::Choice(&crate::embedding::Stage::NAMES),
        default: "joint",
        help: "before or after the projection",
    };
    pub const PROMPT: Parameter = Parameter {
        name: "prompt",
        kind: Kind::Prompt,
        default: "\"A <> track\"",
        help: "the text that a label is put into, `<>` being the label; several make an ensemble (mean of unit vectors)",
    };
    pub const PROMPTS: Parameter =
        Parameter { name: "prompts", kind: Kind::Prompts, default: "none", help: "a sweep: one row a prompt" };
    pub const SEED: Parameter =
        Parameter { name: "seed", kind: Kind::Int { min: 0, max: i64::MAX }, default: "0", help: "seed of every random draw" };
    pub const RESAMPLES: Parameter = Parameter {
        name: "resamples",
        kind: Kind::Int { min: 0, max: 1_000_000 },
        default: "1000",
        help: "bootstrap resamples; 0 leaves the intervals out",
    };
    pub const CONFIDENCE: Parameter = Parameter {
        name: "confidence",
        kind: Kind::Float { min: 0.5, max: 0.9999 },
        default: "0.95",
        help: "level of the intervals",
    };
    pub const EXACT: Parameter = Parameter {
        name: "exact",
        kind: Kind::Bool,
        default: "true below 50,000 rows",
        help: "true scans every row; false searches the HNSW graph",
    };
    pub const EF: Parameter = Parameter {
        name: "ef",
        kind: Kind::Int { min: 1, max: 100_000 },
        default: "128",
        help: "breadth of an HNSW search; greater is more exact and slower",
    };
}
