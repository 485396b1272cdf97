//! Ontologies as SKOS concepts in Turtle, as thesauri are published.
//!
//! ```text
//! hs:violin a skos:Concept ; skos:notation "321.322-71" ; skos:prefLabel "violin"@en ; skos:broader hs:321.322 .
//! ```
//!
//! A concept's name is its English `prefLabel` (else one without a language, else the first); `altLabel` and `hiddenLabel` in
//! English or without a language are aliases. `broader` and `narrower` say the same from both ends. The concept scheme gives
//! title, source and licence (Dublin Core). Everything else is passed over. Source: W3C, SKOS Reference, 2009.

use std::collections::HashMap;

use oxrdf::{NamedOrBlankNode, Term, Triple};
use oxttl::TurtleParser;

use super::graph::{self, Node};
use super::{Ontology, Problem};
use crate::ontology::build::About;

const SKOS: &str = "http://www.w3.org/2004/02/skos/core#";
const TERMS: &str = "http://purl.org/dc/terms/";
const ELEMENTS: &str = "http://purl.org/dc/elements/1.1/";

/// What the triples say of one subject.
#[derive(Default)]
struct Concept {
    line: usize,
    concept: bool,
    scheme: bool,
    labels: Vec<Word>,
    aliases: Vec<String>,
    notation: Option<String>,
    broader: Vec<String>,
    narrower: Vec<String>,
    title: Option<String>,
    source: Option<String>,
    licence: Option<String>,
}

struct Word {
    text: String,
    /// 0 English, 1 without a language, 2 another language.
    rank: u8,
}

pub(super) fn parse(name: &str, text: &str) -> Result<Ontology, Problem> {
    let subjects = subjects(text)?;
    let mut about = About { name: name.to_owned(), ..About::default() };
    if let Some(scheme) = subjects.iter().map(|(_, said)| said).find(|said| said.scheme) {
        let label = || scheme.labels.first().map(|word| word.text.clone());
        about.title = scheme.title.clone().or_else(label).unwrap_or_default();
        about.source = scheme.source.clone().unwrap_or_default();
        about.licence = scheme.licence.clone().unwrap_or_default();
    }
    let concepts: Vec<&(String, Concept)> = subjects.iter().filter(|(_, said)| said.concept && !said.scheme).collect();
    let places: HashMap<&str, usize> = concepts.iter().enumerate().map(|(at, (iri, _))| (iri.as_str(), at)).collect();
    let mut nodes = Vec::with_capacity(concepts.len());
    for (iri, said) in &concepts {
        let Some(label) = said.labels.iter().min_by_key(|word| word.rank) else {
            return Err(Problem::at(said.line, format!("the concept `{iri}` has no `skos:prefLabel`: expected a name")));
        };
        nodes.push(Node { name: label.text.clone(), line: Some(said.line), ..Node::default() });
    }
    for (at, (iri, said)) in concepts.iter().enumerate() {
        let place = |other: &String| {
            places.get(other.as_str()).copied().ok_or_else(|| {
                Problem::at(
                    said.line,
                    format!("`{iri}` names `{other}`, which is no concept of the file: expected one with a label"),
                )
            })
        };
        for above in &said.broader {
            graph::link(&mut nodes, place(above)?, at);
        }
        for below in &said.narrower {
            graph::link(&mut nodes, at, place(below)?);
        }
    }
    let (mut builder, ids) = graph::grow(&nodes)?;
    for (&id, (_, said)) in ids.iter().zip(&concepts) {
        if let Some(notation) = &said.notation {
            builder.note(id, notation);
        }
        said.aliases.iter().for_each(|word| builder.also(id, word));
    }
    Ok(builder.finish_with(about, &[])?)
}

/// What is said of each subject, in the order of the file.
fn subjects(text: &str) -> Result<Vec<(String, Concept)>, Problem> {
    let mut found: Vec<(String, Concept)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let lines = lines_of(text);
    for triple in TurtleParser::new().for_slice(text.as_bytes()) {
        let Triple { subject, predicate, object } = triple.map_err(|error| {
            let line = usize::try_from(error.location().start.line).unwrap_or(0).saturating_add(1);
            Problem::at(line, format!("it is no Turtle: {}", error.message()))
        })?;
        let NamedOrBlankNode::NamedNode(subject) = subject else { continue };
        let at = *places.entry(subject.as_str().to_owned()).or_insert_with(|| {
            let line = lines.get(own_part(subject.as_str())).copied().unwrap_or(1);
            found.push((subject.as_str().to_owned(), Concept { line, ..Concept::default() }));
            found.len() - 1
        });
        found[at].1.learn(predicate.as_str(), object);
    }
    Ok(found)
}

impl Concept {
    fn learn(&mut self, predicate: &str, object: Term) {
        if predicate == oxrdf::vocab::rdf::TYPE.as_str() {
            if let Term::NamedNode(kind) = &object {
                self.concept |= kind.as_str().strip_prefix(SKOS) == Some("Concept");
                self.scheme |= kind.as_str().strip_prefix(SKOS) == Some("ConceptScheme");
            }
        } else if let Some(property) = predicate.strip_prefix(SKOS) {
            self.learn_skos(property, object);
        } else if let Some(property) = predicate.strip_prefix(TERMS).or_else(|| predicate.strip_prefix(ELEMENTS)) {
            let words = match object {
                Term::Literal(words) => words.value().to_owned(),
                Term::NamedNode(iri) => iri.into_string(),
                _ => return,
            };
            match property {
                "title" => self.title = Some(words),
                "source" | "creator" if self.source.is_none() => self.source = Some(words),
                "license" | "rights" if self.licence.is_none() => self.licence = Some(words),
                _ => {}
            }
        }
    }

    fn learn_skos(&mut self, property: &str, object: Term) {
        match (property, object) {
            ("prefLabel", Term::Literal(words)) => {
                let rank = rank(words.language());
                self.labels.push(Word { text: words.value().to_owned(), rank });
            }
            ("altLabel" | "hiddenLabel", Term::Literal(words)) if rank(words.language()) < 2 => {
                self.aliases.push(words.value().to_owned());
            }
            ("notation", Term::Literal(words)) => self.notation = Some(words.value().to_owned()),
            ("broader", Term::NamedNode(above)) => self.broader.push(above.into_string()),
            ("narrower", Term::NamedNode(below)) => self.narrower.push(below.into_string()),
            ("topConceptOf", _) => self.concept = true,
            _ => {}
        }
    }
}

fn rank(language: Option<&str>) -> u8 {
    match language {
        Some(tag) if tag.eq_ignore_ascii_case("en") || tag.to_lowercase().starts_with("en-") => 0,
        None => 1,
        Some(_) => 2,
    }
}

/// The line on which each subject first stands, by its own part of its name; the parser gives no place for what it understood.
/// A line that is not indented goes first, since an indented one often begins with an object.
fn lines_of(text: &str) -> HashMap<&str, usize> {
    let mut lines = HashMap::new();
    for indented in [false, true] {
        for (at, line) in text.lines().enumerate().filter(|(_, line)| line.starts_with(char::is_whitespace) == indented) {
            if let Some(word) = line.split_whitespace().next() {
                lines.entry(own_part(word)).or_insert(at + 1);
            }
        }
    }
    lines
}

/// `lute` of `x:lute` and of `<http://example.org/lute>`.
fn own_part(name: &str) -> &str {
    name.trim_end_matches(['>', '/', '#']).rsplit(['#', '/', ':', '<']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use crate::ontology::reader::{Format, parse};

    const HEAD: &str = "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n@prefix dct: <http://purl.org/dc/terms/> .\n\
                        @prefix x: <http://example.org/> .\n";

    #[test]
    fn concepts_become_terms() {
        let text = format!(
            "{HEAD}x:all a skos:ConceptScheme ; dct:title \"Mine\" ; dct:license <http://example.org/cc> .
x:lute a skos:Concept ; skos:prefLabel \"Laute\"@de, \"lute\"@en ; skos:altLabel \"oud\", \"luth\"@fr ; skos:notation \"3.1\" ;
  skos:broader x:plucked, x:necked .
x:plucked a skos:Concept ; skos:prefLabel \"plucked\" ; skos:broader x:top .
x:top a skos:Concept ; skos:prefLabel \"top\" ; skos:narrower x:necked .
x:necked a skos:Concept ; skos:prefLabel \"necked\" .
x:aside skos:note \"no concept\" .
"
        );
        let graph = parse("t", &text, Format::Turtle).unwrap();
        let term = |label: &str| graph.resolve(label).unwrap();
        assert_eq!((graph.title.as_str(), graph.licence.as_str()), ("Mine", "http://example.org/cc"));
        assert_eq!(graph.root(), Some(term("top")));
        assert_eq!(graph.term(term("lute")).parents, [term("plucked"), term("necked")]);
        assert_eq!((term("oud"), term("3.1")), (term("lute"), term("lute")));
        assert!(graph.resolve("luth").is_err());
        assert_eq!(graph.draw(), "top\n├─ plucked\n│  └─ lute  3.1\n└─ necked\n   └─ lute → top/plucked/lute\n");
    }

    #[test]
    fn errors_name_the_line() {
        let error = |body: &str| parse("t", &format!("{HEAD}{body}"), Format::Turtle).unwrap_err().to_string();
        assert!(error("x:a a skos:Concept").contains("at line 4: it is no Turtle"), "{}", error("x:a a skos:Concept"));
        assert!(error("x:a a skos:Concept .").contains("line 4: the concept `http://example.org/a` has no `skos:prefLabel`"));
        let lost = error("x:a a skos:Concept ; skos:prefLabel \"a\" ; skos:broader x:b .");
        assert!(lost.contains("line 4: `http://example.org/a` names `http://example.org/b`, which is no concept"), "{lost}");
        let round = "x:a a skos:Concept ; skos:prefLabel \"a\" ; skos:broader x:b .\nx:b a skos:Concept ; skos:prefLabel \"b\" ; skos:broader x:a .";
        assert!(error(round).contains("line 4: `a` stands above itself"), "{}", error(round));
        assert!(error("").contains("there are no terms"));
    }

    #[test]
    fn lines_of_a_big_thesaurus_are_right() {
        // Each concept takes two lines, the second of which begins with another concept's name.
        const CONCEPTS: usize = 50_000;
        let mut text = format!("{HEAD}x:c0 a skos:Concept ; skos:prefLabel \"c0\" .\n");
        for at in 1..CONCEPTS {
            text += &format!("x:c{at} a skos:Concept ; skos:prefLabel \"c{at}\" ; skos:broader\n  x:c{} .\n", at / 10);
        }
        assert_eq!(parse("t", &text, Format::Turtle).unwrap().terms().len(), CONCEPTS);
        for (at, broken) in [(1, "x:c1 "), (4_999, "x:c4999 "), (CONCEPTS - 1, "x:c49999 ")] {
            let text = text.replacen(
                &format!("\n{broken}a skos:Concept ; skos:prefLabel"),
                &format!("\n{broken}a skos:Concept ; skos:note"),
                1,
            );
            let error = parse("t", &text, Format::Turtle).unwrap_err().to_string();
            let line = text.lines().position(|line| line.starts_with(broken)).unwrap() + 1;
            assert_eq!(line, 3 + 2 * at);
            assert!(error.contains(&format!("line {line}: the concept `http://example.org/c{at}` has no")), "{error}");
        }
    }

    #[test]
    fn lines_are_found_by_whole_names() {
        let text =
            "<http://e.org/lute> x:p\n  x:oud .\nx:folklute x:p\n x:lute .\n:oud x:p x:lute .\n<http://e.org/viol/> x:p 1 .";
        let lines = super::lines_of(text);
        let line = |iri: &str| lines.get(super::own_part(iri)).copied();
        let found = ["http://e.org/lute", "http://e.org/oud", "http://e.org#folklute", "http://e.org/viol/", "http://e.org/harp"]
            .map(line);
        assert_eq!(found, [Some(1), Some(5), Some(3), Some(6), None]);
    }

    #[test]
    fn a_word_that_several_have_is_ambiguous_and_a_name_goes_before_it() {
        let text = format!(
            "{HEAD}x:t a skos:Concept ; skos:prefLabel \"top\" .
x:a a skos:Concept ; skos:prefLabel \"viol\" ; skos:altLabel \"gamba\" ; skos:broader x:t .
x:b a skos:Concept ; skos:prefLabel \"violone\" ; skos:altLabel \"gamba\", \"viol\" ; skos:broader x:t .
"
        );
        let tree = parse("t", &text, Format::Turtle).unwrap();
        let said = tree.resolve("gamba").unwrap_err().to_string();
        assert_eq!(said, "`gamba` stands at several places of the ontology `t`: expected `viol` or `violone`");
        assert_eq!(tree.term(tree.resolve("viol").unwrap()).name, "viol");
    }
}
