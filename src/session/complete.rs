//! What could stand at the cursor: verbs, clauses, parameters, and the store's own names.

use super::Session;
use crate::embedding::{Modality, Stage};
use crate::query::signature::{Clause, Kind};
use crate::render::Format;
use crate::verb::{STATEMENT_WORDS, VERBS, find, set};

/// Names of items that are offered at most; more are of no help at a terminal.
const MOST_IDS: usize = 2_000;

/// A word that could stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// As listed.
    pub display: String,
    /// As inserted.
    pub replacement: String,
}

/// What a word is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordKind {
    Verb,
    Clause,
    Parameter,
    Name,
    Plain,
}

impl Session {
    /// The words that could stand at `pos` of `line`, and where the word begins that they replace.
    pub fn complete(&self, line: &str, pos: usize) -> (usize, Vec<Candidate>) {
        let before = line.get(..pos).unwrap_or(line);
        let statement = &before[before.rfind([';', '\n', '(']).map_or(0, |i| i + 1)..];
        let start = before.rfind(|c: char| c.is_whitespace() || "=(,;".contains(c)).map_or(0, |i| i + 1);
        // Inside a quote the word goes back to the quote, blanks and all.
        let quote = open_quote(before);
        let (start, word) = match quote {
            Some(at) => (at, &before[at + 1..]),
            None => (start, &before[start..]),
        };
        let words = self.words(statement, &before[..start], word, quote.is_some());
        let lower = word.to_lowercase();
        let mut found: Vec<Candidate> = words
            .into_iter()
            .filter(|w| w.to_lowercase().starts_with(&lower))
            .map(|w| Candidate { replacement: if quote.is_some() { format!("\"{w}\"") } else { w.clone() }, display: w })
            .collect();
        found.dedup();
        (start, found)
    }

    fn words(&self, statement: &str, before: &str, word: &str, quoted: bool) -> Vec<String> {
        let mut said = statement.split_whitespace();
        let own = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let Some(verb) = said.next().filter(|v| statement.trim_start().len() > v.len()) else {
            let verbs = VERBS.iter().map(|v| v.signature().name).chain(STATEMENT_WORDS);
            return verbs.map(str::to_owned).collect();
        };
        let previous = before.trim_end();
        let last = previous.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or("");
        if let Some(name) = last.strip_suffix('=') {
            return self.values(verb, name);
        }
        if quoted {
            return self.quoted(last);
        }
        match last.to_lowercase().as_str() {
            "in" | "use" => return self.collections(),
            "as" => return own(&Format::NAMES),
            "using" => return own(&["prototypes"]),
            "help" => return VERBS.iter().map(|v| v.signature().name.to_owned()).chain(own(&["explain", "help"])).collect(),
            "explain" => return VERBS.iter().map(|v| v.signature().name.to_owned()).collect(),
            "describe" => return self.everything(),
            "ontology" => return self.ontology_names(),
            "show" => return own(&["models", "collections", "spaces", "ontologies", "ontology", "prompts", "settings"]),
            "by" | "order" if !word.is_empty() || last.eq_ignore_ascii_case("by") => return self.fields(),
            _ => {}
        }
        let Some(signature) = find(verb).map(|v| v.signature()) else { return Vec::new() };
        let mut words: Vec<String> = signature.subjects.iter().map(|s| plural(s)).collect();
        words.extend(signature.clauses.iter().map(|c| c.word().to_owned()));
        words.extend(["as".to_owned(), "into".to_owned()]);
        words.extend(signature.parameters.iter().map(|p| format!("{}=", p.name)));
        if signature.open_parameters {
            words.extend(set::settable().iter().map(|p| format!("{}=", p.name)));
        }
        let in_where = statement.to_lowercase().contains(" where ");
        if in_where {
            words.extend(self.fields());
            words.extend(own(&["and", "or", "not", "like", "is null"]));
        }
        words
    }

    /// The values that a parameter can have.
    fn values(&self, verb: &str, name: &str) -> Vec<String> {
        let settable = set::settable();
        let parameter = find(verb).and_then(|v| v.signature().parameter(name).copied());
        let parameter = parameter.or_else(|| settable.iter().find(|p| p.name == name).copied());
        let Some(parameter) = parameter else { return self.field_values(name) };
        match parameter.kind {
            Kind::Choice(words) => words.iter().map(|w| (*w).to_owned()).collect(),
            Kind::Bool => vec!["true".into(), "false".into()],
            Kind::Model => self.workspace.model_ids().unwrap_or_default(),
            Kind::Collection => self.collections(),
            Kind::Ontology => self.ontology_names(),
            Kind::Prompts => {
                self.workspace.prompt_sets().map(|sets| sets.into_iter().map(|s| s.name).collect()).unwrap_or_default()
            }
            Kind::Text if name == "labels" => {
                ["tinysol".to_owned(), "all".to_owned()].into_iter().chain(self.collections()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What could stand in quotes after `last`: the id of a clip.
    fn quoted(&self, last: &str) -> Vec<String> {
        if !matches!(last.to_lowercase().as_str(), "clip" | "clips" | "similar") {
            return Vec::new();
        }
        let mut ids = Vec::new();
        for collection in self.open_collections() {
            let items = collection.items().filter_map(Result::ok).filter(|i| i.modality == Modality::Audio);
            ids.extend(items.take(MOST_IDS).map(|i| i.id));
        }
        ids
    }

    fn collections(&self) -> Vec<String> {
        self.workspace.store().collections().map(|all| all.into_iter().map(|c| c.name).collect()).unwrap_or_default()
    }

    /// The collections that a statement may be about: that of `use`, else all.
    fn open_collections(&self) -> Vec<crate::store::Collection> {
        let chosen = self.settings.get("collection").map(ToString::to_string);
        let chosen = chosen.map(|c| c.trim_matches('"').to_owned());
        let names = self.collections().into_iter().filter(|name| chosen.as_ref().is_none_or(|c| c == name));
        names.filter_map(|name| self.workspace.store().collection(&name).ok().flatten()).collect()
    }

    /// Metadata fields, from the first items of the collections.
    fn fields(&self) -> Vec<String> {
        let mut fields = vec!["id".to_owned()];
        for collection in self.open_collections() {
            let items = collection.items().filter_map(Result::ok).take(200);
            fields.extend(items.flat_map(|i| i.metadata.into_keys()));
        }
        fields.sort();
        fields.dedup();
        fields
    }

    fn field_values(&self, field: &str) -> Vec<String> {
        let mut values = Vec::new();
        for collection in self.open_collections() {
            let items = collection.items().filter_map(Result::ok).take(MOST_IDS);
            values.extend(items.filter_map(|i| i.metadata.get(field).map(|v| format!("\"{v}\""))));
        }
        values.sort();
        values.dedup();
        values
    }

    fn ontology_names(&self) -> Vec<String> {
        self.workspace.ontologies().map(|all| all.iter().map(|o| o.name.clone()).collect()).unwrap_or_default()
    }

    fn everything(&self) -> Vec<String> {
        let mut all = self.collections();
        all.extend(self.workspace.model_ids().unwrap_or_default());
        all.extend(self.ontology_names());
        all.extend(self.workspace.prompt_sets().into_iter().flatten().map(|s| s.name));
        all
    }

    /// What a word is, for its colour.
    pub fn classify_word(&self, word: &str) -> WordKind {
        let lower = word.to_lowercase();
        if find(&lower).is_some() || STATEMENT_WORDS.contains(&lower.as_str()) {
            return WordKind::Verb;
        }
        let clause = Clause::ALL.iter().any(|c| c.word().split(' ').any(|w| w == lower));
        if clause || ["as", "and", "or", "not", "is", "null", "like", "desc", "asc"].contains(&lower.as_str()) {
            return WordKind::Clause;
        }
        if VERBS.iter().any(|v| v.signature().parameter(&lower).is_some()) {
            return WordKind::Parameter;
        }
        let known = |stage: &str| Stage::parse(stage).is_some();
        if known(&lower) || VERBS.iter().any(|v| v.signature().subjects.iter().any(|s| *s == lower || plural(s) == lower)) {
            return WordKind::Name;
        }
        WordKind::Plain
    }
}

fn plural(word: &str) -> String {
    match word.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if word == "confusion" => word.to_owned(),
        None => format!("{word}s"),
    }
}

/// Where the quote stands that is still open at the end of `text`.
fn open_quote(text: &str) -> Option<usize> {
    match crate::query::split::open_at_end(text) {
        crate::query::split::Open::Quote(_, at) => Some(at),
        _ => None,
    }
}
