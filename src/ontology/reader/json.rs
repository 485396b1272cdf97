//! Ontologies in JSON: our document, or a bare tree of names as objects and lists.
//!
//! ```text
//! {"name": "mine", "title": "…", "source": "…", "licence": "…", "root": "instrument",
//!  "aliases": {"violoncello": ["cello"]},
//!  "tree": {"instrument": {"stringed": ["violin", "violoncello"], "wind": {}}}}
//! ```
//!
//! `"nodes"` in place of `"tree"` takes AudioSet's list, where a node may stand under several; a bare such list, which is
//! `ontology.json` of github.com/audioset/ontology as it is, is read too:
//!
//! ```text
//! [{"id": "/m/0395lw", "name": "Bell", "child_ids": ["/m/0239kh"]}, {"id": "/m/0239kh", "name": "Cowbell", "child_ids": []}]
//! ```
//!
//! Ids are notations there, the parts of a name such as "Violin, fiddle" aliases.
//!
//! An object with `name`, and `tree` or `nodes`, is a document; anything else is a bare tree. A repeated key is refused, where
//! JSON readers at large keep the last one silently.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Builder, Ontology, Problem, audioset};
use crate::diagnostic::{did_you_mean, one_of};
use crate::ontology::TermId;
use crate::ontology::build::About;

const KEYS: [&str; 8] = ["name", "title", "source", "licence", "root", "aliases", "tree", "nodes"];

/// JSON as far as ontologies use it, every key kept in its place.
pub(super) enum Node {
    Nothing,
    Word(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

pub(super) fn parse(name: &str, text: &str) -> Result<Ontology, Problem> {
    let node: Node = serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        Problem::at(error.line(), message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what))
    })?;
    let keyed = |entries: &[(String, Node)], key: &str| entries.iter().any(|(k, _)| k == key);
    match node {
        Node::Object(entries) if keyed(&entries, "name") && (keyed(&entries, "tree") || keyed(&entries, "nodes")) => {
            document(entries)
        }
        Node::List(nodes) if matches!(nodes.first(), Some(Node::Object(first)) if keyed(first, "child_ids")) => {
            Ok(audioset::grow(Node::List(nodes))?.finish(name)?)
        }
        bare => Ok(grow(bare)?.finish(name)?),
    }
}

fn document(entries: Vec<(String, Node)>) -> Result<Ontology, Problem> {
    let mut about = About::default();
    let mut aliases = Vec::new();
    let mut builder = Builder::default();
    for (key, node) in entries {
        match key.as_str() {
            "name" => about.name = own_name(word(&key, node)?)?,
            "title" => about.title = word(&key, node)?,
            "source" => about.source = word(&key, node)?,
            "licence" => about.licence = word(&key, node)?,
            "root" => about.root = Some(word(&key, node)?),
            "aliases" => aliases = alias_lists(node)?,
            "tree" => grow_under(&[], node, &mut builder)?,
            "nodes" => builder = audioset::grow(node)?,
            _ => {
                let near = did_you_mean(&key, KEYS).map_or_else(|| one_of(KEYS), |near| format!("`{near}`"));
                return Err(whole(format!("unknown key `{key}`: expected {near}")));
            }
        }
    }
    Ok(builder.finish_with(about, &aliases)?)
}

fn own_name(name: String) -> Result<String, Problem> {
    match name.trim().is_empty() {
        true => Err(whole("`name` is empty: expected the word by which statements name the ontology".into())),
        false => Ok(name),
    }
}

pub(super) fn word(key: &str, node: Node) -> Result<String, Problem> {
    match node {
        Node::Word(word) => Ok(word),
        _ => Err(whole(format!("`{key}` is not a text: expected a word or a sentence"))),
    }
}

fn alias_lists(node: Node) -> Result<Vec<(String, Vec<String>)>, Problem> {
    let Node::Object(entries) = node else {
        return Err(whole("`aliases` is not an object: expected a list of words for each term".into()));
    };
    let lists = entries.into_iter().map(|(term, words)| match words {
        Node::List(words) => Ok((term.clone(), words.into_iter().map(|w| word(&term, w)).collect::<Result<_, _>>()?)),
        Node::Word(word) => Ok((term, vec![word])),
        _ => Err(whole(format!("the aliases of `{term}` are not words: expected a list"))),
    });
    lists.collect()
}

fn grow(tree: Node) -> Result<Builder, Problem> {
    let mut builder = Builder::default();
    grow_under(&[], tree, &mut builder)?;
    Ok(builder)
}

// serde_json refuses to nest deeper than 128, which bounds this recursion.
fn grow_under(parents: &[TermId], node: Node, builder: &mut Builder) -> Result<(), Problem> {
    match node {
        Node::Nothing => {}
        Node::Word(word) => {
            builder.add(&word, parents)?;
        }
        Node::List(nodes) => {
            for node in nodes {
                grow_under(parents, node, builder)?;
            }
        }
        Node::Object(entries) => {
            for (name, below) in entries {
                let id = builder.add(&name, parents)?;
                grow_under(&[id], below, builder)?;
            }
        }
    }
    Ok(())
}

pub(super) fn whole(problem: String) -> Problem {
    Problem { line: None, problem }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Nodes;

        impl<'de> Visitor<'de> for Nodes {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a name, a list of names or an object of names")
            }

            fn visit_unit<E: Error>(self) -> Result<Node, E> {
                Ok(Node::Nothing)
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Node, E> {
                Ok(Node::Word(word.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
                let mut nodes = Vec::new();
                while let Some(node) = list.next_element()? {
                    nodes.push(node);
                }
                Ok(Node::List(nodes))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Node, A::Error> {
                let mut entries: Vec<(String, Node)> = Vec::new();
                let mut seen = std::collections::HashSet::new();
                while let Some(key) = object.next_key::<String>()? {
                    if !seen.insert(key.clone()) {
                        return Err(A::Error::custom(format!("the key `{key}` stands twice in one object: expected it once")));
                    }
                    entries.push((key, object.next_value()?));
                }
                Ok(Node::Object(entries))
            }
        }

        from.deserialize_any(Nodes)
    }
}

#[cfg(test)]
mod tests {
    use crate::ontology::reader::{Format, parse};

    fn error(text: &str) -> String {
        parse("t", text, Format::Json).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_the_line_or_the_key() {
        let cases = [
            (
                "{\n \"a\": 3\n}",
                "the ontology `t` cannot be read at line 2: invalid type: integer `3`, expected a name, a list of names or an object of names",
            ),
            (
                "{\"top\": {\n\"a\": [],\n\"a\": []}}",
                "the ontology `t` cannot be read at line 3: the key `a` stands twice in one object: expected it once",
            ),
            (
                "{\"top\": [\"a\", \"A\"]}",
                "the ontology `t` cannot be read: `A` stands twice under `top`: expected each name once",
            ),
            (
                "{\"name\": \"n\", \"tree\": {}, \"licens\": \"x\"}",
                "the ontology `t` cannot be read: unknown key `licens`: expected `licence`",
            ),
            (
                "{\"name\": \"n\", \"tree\": {\"a\": []}, \"aliases\": {\"b\": [\"c\"]}}",
                "the ontology `t` cannot be read: aliases are given for `b`, which is no term: expected the name or path of one term",
            ),
            (
                "{\"name\": 1",
                "the ontology `t` cannot be read at line 1: invalid type: integer `1`, expected a name, a list of names or an object of names",
            ),
            ("{}", "the ontology `t` cannot be read: there are no terms: expected at least one"),
            (
                "{\"name\": \" \", \"tree\": {\"a\": []}}",
                "the ontology `t` cannot be read: `name` is empty: expected the word by which statements name the ontology",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(error(text), message);
        }
    }

    #[test]
    fn several_terms_at_the_top_have_no_root_unless_named() {
        let bare = parse("t", r#"{"a": ["x"], "b": ["y"]}"#, Format::Json).unwrap();
        assert_eq!((bare.name.as_str(), bare.root()), ("t", None));
        let named = parse("t", r#"{"name": "n", "root": "b", "tree": {"a": ["x"], "b": [{"y": null}]}}"#, Format::Json).unwrap();
        assert_eq!((named.name.as_str(), named.root()), ("n", Some(named.resolve("b").unwrap())));
    }
}
