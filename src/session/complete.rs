//! What could stand at the cursor: verbs, clauses, parameters, and the store's own names.
//!
//! ```text
//!   classify clips where label = "vi▌      the word before decides: a value of the field `label`, in quotes
//!   compare (classify clips in ▌           the innermost statement decides: a collection
//! ```
//!
//! It is asked at every Tab, so it never reads a large collection whole: fields and values are those of a sample.

use std::sync::{Arc, Mutex, PoisonError};

use super::Session;
use super::cursor::{collection, in_quotes, statement, value_of};
use super::words::plural;
use crate::embedding::Modality;
use crate::query::lex::{Kind as Lexeme, Token, tokens};
use crate::query::signature::{Clause, Kind};
use crate::query::statement::{field_of, is_bare};
use crate::render::Format;
use crate::store::{Collection, Item};
use crate::verb::{STATEMENT_WORDS, VERBS, find, set};

/// Items that are looked at for names, spread over the collection.
const SAMPLE: u64 = 2_000;

/// A word that could stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// In the list of choices.
    pub display: String,
    /// What is put into the line, quoted where it must be.
    pub replacement: String,
}

impl Candidate {
    /// A word that is shown as it is put in.
    pub fn word(word: impl Into<String>) -> Self {
        let word = word.into();
        Candidate { display: word.clone(), replacement: word }
    }
}

/// A candidate, before it is known whether a quote is open.
enum Word {
    /// A word of the language; it stands for itself and never in quotes.
    Own(String),
    /// A name or text of the store; in quotes where one is open or where it needs them.
    Name(String),
    /// A text that stands in quotes.
    Text(String),
}

/// Items of a collection that stand for all of them.
#[derive(Default)]
pub(super) struct Sample {
    of: Option<(String, u64)>,
    items: Arc<Vec<Item>>,
}

/// Kept between two key strokes.
pub(super) type Kept = Mutex<Sample>;

impl Session {
    /// The words that could stand at `pos` of `line`, and where the word begins that they replace.
    pub fn complete(&self, line: &str, pos: usize) -> (usize, Vec<Candidate>) {
        let before = line.get(..pos).unwrap_or(line);
        let all: Vec<Token> = tokens(before, 0).collect();
        let text = |token: &Token| before.get(token.start..token.end).unwrap_or_default();
        // The word at the cursor: an open text with its quote, or what touches the cursor.
        let last = all.last();
        let open = last.filter(|t| t.kind == Lexeme::Text { closed: false });
        let start = match open {
            Some(token) => token.start,
            None => before
                .rfind(|c: char| c.is_whitespace() || "=<>!(),;\"'".contains(c))
                .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8)),
        };
        let typed = match open {
            Some(_) => before[start..].get(1..).unwrap_or_default(),
            None => &before[start..],
        };
        if last.is_some_and(|t| t.kind == Lexeme::Comment) {
            return (pos, Vec::new());
        }
        let said: Vec<&str> = all
            .iter()
            .filter(|t| t.end <= start && !matches!(t.kind, Lexeme::Space | Lexeme::Newline | Lexeme::Join))
            .map(text)
            .collect();
        let lower = typed.to_lowercase();
        let quote = open.and_then(|t| before[t.start..].chars().next());
        let closed_behind = quote.is_some_and(|quote| line.get(pos..).is_some_and(|rest| rest.starts_with(quote)));
        let mut found: Vec<Candidate> = Vec::new();
        for word in self.words(statement(&said)) {
            let (Word::Own(plain) | Word::Name(plain) | Word::Text(plain)) = &word;
            if !plain.to_lowercase().starts_with(&lower) || (quote.is_some() && matches!(word, Word::Own(_))) {
                continue;
            }
            let replacement = match (&word, quote) {
                (Word::Own(plain), _) => plain.clone(),
                (Word::Name(plain), None) if is_bare(plain) => plain.clone(),
                (Word::Name(plain) | Word::Text(plain), quote) => in_quotes(plain, quote.unwrap_or('"'), closed_behind),
            };
            found.push(Candidate { display: plain.clone(), replacement });
        }
        let mut seen = std::collections::BTreeSet::new();
        found.retain(|c| seen.insert(c.replacement.clone()));
        (start, found)
    }

    /// What could follow these words of one statement.
    fn words(&self, said: &[&str]) -> Vec<Word> {
        let own = |words: &[&str]| words.iter().map(|w| Word::Own((*w).to_owned())).collect::<Vec<_>>();
        let Some(verb) = said.first() else {
            let verbs = VERBS.iter().map(|v| v.signature().name).chain(STATEMENT_WORDS);
            return verbs.map(|v| Word::Own(v.to_owned())).collect();
        };
        let at =
            |back: usize| said.len().checked_sub(back).and_then(|i| said.get(i)).map(|w| w.to_lowercase()).unwrap_or_default();
        let last = at(1);
        // A value: of `NAME = `, of `NAME in (…, `, of `NAME like `.
        if let Some(name) = value_of(said) {
            return self.values(said, verb, name);
        }
        let subjects = find(verb).map_or(&[][..], |v| v.signature().subjects);
        match last.as_str() {
            // `retrieve` alone has several subjects; they stand on both sides of its `for`.
            "for" if subjects.len() > 1 => return subjects.iter().map(|s| Word::Own(plural(s))).collect(),
            "in" if !at(2).eq_ignore_ascii_case("not") => return names(self.collections()),
            "as" => return own(&Format::NAMES),
            "using" => return own(&["prototypes", "knn"]),
            "for" | "without" | "+" | "*" => return self.texts(said).into_iter().map(Word::Text).collect(),
            "by" => return names(self.fields(said)),
            "order" => return own(&["by"]),
            "into" | "let" | "top" | "limit" => return Vec::new(),
            _ => {}
        }
        match (verb.to_lowercase().as_str(), said.len()) {
            ("use", 1) => return names(self.collections()),
            ("describe", 1) => return names(self.everything()),
            ("help", 1) => {
                let verbs = VERBS.iter().map(|v| v.signature().name).chain(STATEMENT_WORDS);
                return verbs.chain(Clause::ALL.iter().map(|c| c.word())).map(|w| Word::Own(w.to_owned())).collect();
            }
            ("expect", 1) => return self.measured_names().into_iter().map(Word::Own).collect(),
            ("check", 2) if last == "model" => return names(self.workspace.model_ids().unwrap_or_default()),
            ("compare", 1) => return names(self.named.keys().cloned().collect()),
            ("compare", _) if last == "with" => return names(self.named.keys().cloned().collect()),
            ("show", 2) if last == "ontology" => return names(self.ontology_names()),
            _ => {}
        }
        let Some(signature) = find(verb).map(|v| v.signature()) else { return Vec::new() };
        let mut words = Vec::new();
        // `clip "ID"`, also after `similar` alone, where a file could stand.
        if matches!(last.as_str(), "clip" | "clips")
            && said.len() == 2
            && ["classify", "similar", "label"].contains(&signature.name)
        {
            words.extend(self.sample(said).iter().map(|item| Word::Text(item.id.clone())));
        }
        let used = |word: &str| said.iter().any(|s| s.eq_ignore_ascii_case(word.split(' ').next().unwrap_or(word)));
        if said.len() == 1 || signature.subjects.len() > 1 {
            words.extend(signature.subjects.iter().map(|s| Word::Own(plural(s))));
        }
        let clauses = signature.clauses.iter().copied().chain(Clause::OF_RESULT);
        words.extend(clauses.map(Clause::word).filter(|c| !used(c)).map(|c| Word::Own(c.to_owned())));
        let settable = if signature.open_parameters { set::settable() } else { Vec::new() };
        let parameters = signature.parameters.iter().chain(&settable).filter(|p| !used(p.name));
        words.extend(parameters.map(|p| Word::Own(format!("{}=", p.name))));
        if used("where") {
            words.extend(names(self.fields(said)));
            words.extend(own(&["and", "or", "not", "in", "like", "is null", "is not null"]));
        }
        words
    }

    /// The values that a parameter or field can have.
    fn values(&self, said: &[&str], verb: &str, name: &str) -> Vec<Word> {
        let settable = set::settable();
        let parameter = find(verb).and_then(|v| v.signature().parameter(name).copied());
        let open = find(verb).is_some_and(|v| v.signature().open_parameters);
        let parameter = parameter.or_else(|| settable.iter().find(|p| open && p.name.eq_ignore_ascii_case(name)).copied());
        let Some(parameter) = parameter else {
            let name = field_of(name).trim_matches(['"', '\'']);
            return self.field_values(said, name).into_iter().map(Word::Text).collect();
        };
        match parameter.kind {
            Kind::Choice(words) => words.iter().map(|w| Word::Own((*w).to_owned())).collect(),
            Kind::Bool => vec![Word::Own("true".into()), Word::Own("false".into())],
            Kind::Model => names(self.workspace.model_ids().unwrap_or_default()),
            Kind::Collection => names(self.collections()),
            Kind::Ontology => names(self.ontology_names()),
            Kind::Prompts => {
                names(self.workspace.prompt_sets().map(|sets| sets.into_iter().map(|s| s.name).collect()).unwrap_or_default())
            }
            Kind::Prompt => {
                let sets = self.workspace.prompt_sets().unwrap_or_default();
                let prompts = sets.iter().flat_map(|s| &s.prompts).map(|p| p.key().to_owned());
                prompts.filter(|key| key.contains("<>")).map(Word::Text).collect()
            }
            Kind::Text if name.eq_ignore_ascii_case("labels") => {
                names(["tinysol".to_owned(), "all".to_owned()].into_iter().chain(self.collections()).collect())
            }
            Kind::Text | Kind::Int { .. } | Kind::Float { .. } => Vec::new(),
        }
    }

    fn collections(&self) -> Vec<String> {
        let all = self.workspace.store().collections().unwrap_or_default();
        all.into_iter().filter(|c| c.audio > 0 || c.name != crate::workspace::TEXTS).map(|c| c.name).collect()
    }

    /// Items of the collection that a statement would be about: its own, that of `use`, else the first with clips.
    fn sample(&self, said: &[&str]) -> Arc<Vec<Item>> {
        let kept = || self.settings.get("collection").map(|c| c.to_string().trim_matches('"').to_owned());
        let chosen = collection(said).or_else(kept);
        let all = self.workspace.store().collections().unwrap_or_default();
        let info =
            all.iter().find(|c| chosen.as_ref().is_some_and(|name| *name == c.name)).or_else(|| all.iter().find(|c| c.audio > 0));
        let Some(info) = info else { return Arc::default() };
        let wanted = Some((info.name.clone(), info.items));
        let mut kept = self.sample.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.of != wanted {
            let collection = self.workspace.store().collection(&info.name).ok().flatten();
            let items = collection.map(|c| sampled(&c, info.items)).unwrap_or_default();
            *kept = Sample { of: wanted, items: Arc::new(items) };
        }
        Arc::clone(&kept.items)
    }

    fn fields(&self, said: &[&str]) -> Vec<String> {
        let sample = self.sample(said);
        sorted(sample.iter().flat_map(|i| i.metadata.keys().cloned()).chain(["id".to_owned()]).collect())
    }

    fn field_values(&self, said: &[&str], field: &str) -> Vec<String> {
        let sample = self.sample(said);
        sorted(
            sample
                .iter()
                .map(|i| crate::workspace::field_of(i, field))
                .flat_map(|v| v.members().iter().map(ToString::to_string).collect::<Vec<_>>())
                .collect(),
        )
    }

    /// Texts worth looking for: the labels of the clips.
    fn texts(&self, said: &[&str]) -> Vec<String> {
        ["label", "labels"]
            .iter()
            .flat_map(|field| self.field_values(said, field))
            .map(|label| crate::workspace::spoken(&label))
            .collect()
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

    fn measured_names(&self) -> Vec<String> {
        self.last.iter().flatten().map(|(name, _)| name.clone()).collect()
    }
}

fn sampled(collection: &Collection, items: u64) -> Vec<Item> {
    let audio = |item: &Item| item.modality == Modality::Audio;
    if items <= SAMPLE {
        return collection.items().filter_map(Result::ok).filter(audio).collect();
    }
    let step = usize::try_from(items / SAMPLE).unwrap_or(usize::MAX).max(1);
    (0..items).step_by(step).filter_map(|seq| collection.item(seq).ok().flatten()).filter(audio).collect()
}

fn names(all: Vec<String>) -> Vec<Word> {
    all.into_iter().map(Word::Name).collect()
}

fn sorted(mut all: Vec<String>) -> Vec<String> {
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::report::Report;
    use crate::store::{NewItem, Store};
    use crate::workspace::Workspace;

    /// A session over two collections; `demo` has labels that need quotes.
    fn session() -> Session {
        let store = Store::in_memory().unwrap();
        let labels = ["violin", "viola", "french horn", "the \"odd\" one"];
        let items = (0..40).map(|i| NewItem {
            metadata: BTreeMap::from([
                ("label".to_owned(), labels[i % 4].into()),
                ("dynamic".to_owned(), "mf".into()),
                ("midi".to_owned(), (60 + i).into()),
            ]),
            ..NewItem::new(format!("clips/a {i}.wav"), Modality::Audio)
        });
        store.create("demo").unwrap().commit(items.collect()).unwrap();
        let other =
            NewItem { metadata: BTreeMap::from([("maker".to_owned(), "me".into())]), ..NewItem::new("x", Modality::Audio) };
        store.create("other-1").unwrap().commit(vec![other]).unwrap();
        Session::new(Workspace::over(store, &[]))
    }

    /// What stands in the line after completing at `|`, one a candidate.
    fn lines(session: &Session, marked: &str) -> Vec<String> {
        let pos = marked.find('|').unwrap();
        let line = marked.replace('|', "");
        let (start, found) = session.complete(&line, pos);
        found.into_iter().map(|c| format!("{}{}{}", &line[..start], c.replacement, &line[pos..])).collect()
    }

    #[test]
    fn words_follow_from_what_is_said() {
        let s = session();
        let one = |marked: &str, line: &str| assert_eq!(lines(&s, marked), [line], "{marked}");
        one("clas|", "classify");
        one("CLAS|", "classify");
        one("count clips; tri|", "count clips; triplets");
        one("explain analyze tri|", "explain analyze triplets");
        one("let a = tri|", "let a = triplets");
        one("classify clips wh|", "classify clips where");
        one("classify clips where prompt=\"A <> x\" and prompt|", "classify clips where prompt=\"A <> x\" and prompts=");
        one("classify clips space=p|", "classify clips space=pre-joint");
        one("classify clips space=pre-|", "classify clips space=pre-joint");
        one("classify clips in d|", "classify clips in demo");
        one("classify clips in o|", "classify clips in other-1");
        one("use d|", "use demo");
        one("retrieve clips for l|", "retrieve clips for labels");
        one("retrieve clips for ca|", "retrieve clips for captions");
        one("retrieve labels for cl|", "retrieve labels for clips");
        assert_eq!(lines(&s, "retrieve clips for |").len(), 3);
        assert_eq!(lines(&s, "count clips as js|"), ["count clips as json", "count clips as jsonl"]);
    }

    #[test]
    fn data_names_complete_with_their_quotes() {
        let s = session();
        let one = |marked: &str, line: &str| assert_eq!(lines(&s, marked), [line], "{marked}");
        one("count clips where label=fr|", "count clips where label=\"french horn\"");
        one("count clips where label = \"fr|", "count clips where label = \"french horn\"");
        one("count clips where label='fr|", "count clips where label='french horn'");
        one("count clips where label=\"fr|\"", "count clips where label=\"french horn\"");
        one("count clips where label != \"the|", "count clips where label != \"the \\\"odd\\\" one\"");
        one("count clips where label in (\"violin\", \"fr|", "count clips where label in (\"violin\", \"french horn\"");
        one("count clips where label like \"fr|", "count clips where label like \"french horn\"");
        one("count clips where label not in (\"fr|", "count clips where label not in (\"french horn\"");
        one("count clips where dyn|", "count clips where dynamic");
        one("count clips where (label = \"violin\" and mi|", "count clips where (label = \"violin\" and midi");
        one("count clips where \"label\" = \"fr|", "count clips where \"label\" = \"french horn\"");
        one("list clips order by mi|", "list clips order by midi");
        one("classify clip \"clips/a 39|", "classify clip \"clips/a 39.wav\"");
        one("search clips for \"fr|", "search clips for \"french horn\"");
        one("count clips in other-1 where ma|", "count clips in other-1 where maker");
        one("count clips in \"other-1\" where maker=\"|", "count clips in \"other-1\" where maker=\"me\"");
        assert!(lines(&s, "count clips in other-1 where label=\"|").is_empty());
        assert_eq!(lines(&s, "count clips where label=\"vio|").len(), 2);
    }

    #[test]
    fn named_results_are_offered_to_compare() {
        let mut s = session();
        s.named.insert("first".into(), Report::new("count").into());
        assert_eq!(lines(&s, "compare f|"), ["compare first"]);
        assert_eq!(lines(&s, "compare first with f|"), ["compare first with first"]);
        assert_eq!(
            lines(&s, "check model mus|").len(),
            s.workspace.model_ids().unwrap().iter().filter(|m| m.starts_with("mus")).count()
        );
    }

    #[test]
    fn nothing_is_offered_where_nothing_fits() {
        let s = session();
        for marked in ["zebra |", "# cla|", "classify clips top |", "笛|", "\"|", "classify clips where label=\"é|"] {
            assert!(lines(&s, marked).is_empty(), "{marked}");
        }
    }
}
