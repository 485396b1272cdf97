//! Puts terms together into an ontology and refuses what could not be addressed afterwards.
//!
//! Parents come before their children, so a cycle cannot be written.

use std::collections::HashMap;

use super::{Ontology, Term, TermId};
use crate::diagnostic::fold;

/// Deepest path, in terms; readers and drawing recurse over it.
pub(super) const DEPTH: usize = 120;

/// What is wrong with the terms of an ontology.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("a term without a name stands under `{under}`: expected a word")]
    Nameless { under: String },
    #[error("the name `{name}` holds `/`, which separates the names of a path: expected another word")]
    Slash { name: String },
    #[error("`{name}` stands twice under `{under}`: expected each name once")]
    Twice { name: String, under: String },
    #[error("`{name}` stands more than {DEPTH} terms deep: expected a flatter tree")]
    Deep { name: String },
    #[error("there are no terms: expected at least one")]
    Empty,
    #[error("the root `{root}` is not at the top: expected one of the topmost terms")]
    Root { root: String },
    #[error("aliases are given for `{term}`, which {why}: expected the name or path of one term")]
    AliasTarget { term: String, why: &'static str },
    #[error("the alias `{alias}` of `{term}` already names `{other}`: expected a word that is free")]
    AliasTaken { alias: String, term: String, other: String },
}

/// What an ontology says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    pub name: String,
    pub title: String,
    pub source: String,
    pub licence: String,
    /// The root by name; without it a single term at the top is the root, and several have none.
    pub root: Option<String>,
}

/// An ontology in the making.
///
/// ```
/// # use dyad::ontology::Builder;
/// let mut tree = Builder::default();
/// let strings = tree.add("strings", &[]).unwrap();
/// tree.add("lute", &[strings]).unwrap();
/// let ontology = tree.finish("mine").unwrap();
/// assert_eq!(ontology.terms()[1].path, "strings/lute");
/// ```
#[derive(Debug, Default)]
pub struct Builder {
    terms: Vec<Term>,
    names: HashMap<String, Vec<TermId>>,
    lines: Vec<Vec<(TermId, u32)>>,
    /// Aliases that give way to names and may be shared.
    also: Vec<(String, TermId)>,
}

impl Builder {
    /// Adds a term under its parents, or at the top. The first parent gives the path.
    ///
    /// # Errors
    /// When the name is empty, holds `/`, stands there already, or is too deep.
    pub fn add(&mut self, name: &str, parents: &[TermId]) -> Result<TermId, Fault> {
        let name = name.trim();
        let under = parents.first().map_or("the top", |p| &self.terms[p.index()].path);
        let folded = fold(name);
        if folded.is_empty() {
            return Err(Fault::Nameless { under: under.to_owned() });
        }
        if name.contains('/') {
            return Err(Fault::Slash { name: name.to_owned() });
        }
        let namesakes = self.names.get(&folded).map_or(&[][..], Vec::as_slice);
        let twice = namesakes.iter().any(|&other| {
            let theirs = &self.terms[other.index()].parents;
            (theirs.is_empty() && parents.is_empty()) || theirs.iter().any(|p| parents.contains(p))
        });
        if twice {
            return Err(Fault::Twice { name: name.to_owned(), under: under.to_owned() });
        }
        let path = match parents.first() {
            Some(_) => format!("{under}/{name}"),
            None => name.to_owned(),
        };
        if path.split('/').count() > DEPTH {
            return Err(Fault::Deep { name: name.to_owned() });
        }
        let id = TermId(self.terms.len() as u32);
        self.lines.push(self.line(id, parents));
        for parent in parents {
            self.terms[parent.index()].children.push(id);
        }
        self.names.entry(folded).or_default().push(id);
        self.terms.push(Term {
            name: name.to_owned(),
            path,
            parents: parents.to_vec(),
            children: Vec::new(),
            aliases: Vec::new(),
            notation: None,
        });
        Ok(id)
    }

    /// Gives a term its number or code in the classification.
    pub fn note(&mut self, id: TermId, notation: &str) {
        self.terms[id.index()].notation = Some(notation.trim().to_owned());
    }

    /// Another word for a term, from a source whose words may clash: a name goes before it, and a word that several terms
    /// have means none of them alone.
    pub fn also(&mut self, id: TermId, word: &str) {
        self.also.push((word.to_owned(), id));
    }

    /// The term and all above it, each with the fewest steps up to it.
    fn line(&self, id: TermId, parents: &[TermId]) -> Vec<(TermId, u32)> {
        let mut line: Vec<(TermId, u32)> =
            parents.iter().flat_map(|p| self.lines[p.index()].iter().map(|&(above, steps)| (above, steps + 1))).collect();
        line.push((id, 0));
        line.sort_unstable();
        line.dedup_by_key(|(above, _)| *above);
        line
    }

    /// The ontology under this name, with the root where there is a single term at the top.
    ///
    /// # Errors
    /// When there are no terms.
    pub fn finish(self, name: &str) -> Result<Ontology, Fault> {
        self.finish_with(About { name: name.to_owned(), ..About::default() }, &[])
    }

    /// The ontology with all that a file may say about it; aliases are (name or path of a term, other words).
    ///
    /// # Errors
    /// When there are no terms, the root is not at the top, or an alias names nothing or something already named.
    pub fn finish_with(self, about: About, aliases: &[(String, Vec<String>)]) -> Result<Ontology, Fault> {
        let top: Vec<TermId> =
            (0..self.terms.len() as u32).map(TermId).filter(|id| self.terms[id.index()].parents.is_empty()).collect();
        let root = match (&about.root, top.as_slice()) {
            (_, []) => return Err(Fault::Empty),
            (Some(root), _) => {
                let found = top.iter().find(|id| fold(&self.terms[id.index()].name) == fold(root));
                Some(*found.ok_or_else(|| Fault::Root { root: root.clone() })?)
            }
            (None, [only]) => Some(*only),
            (None, _) => None,
        };
        let mut ontology = Ontology {
            title: if about.title.is_empty() { about.name.clone() } else { about.title },
            name: about.name,
            source: about.source,
            licence: about.licence,
            terms: self.terms,
            root,
            names: self.names,
            aliases: HashMap::new(),
            lines: self.lines,
        };
        for (target, words) in aliases {
            let id = match ontology.candidates(target).as_slice() {
                [only] => *only,
                [] => return Err(Fault::AliasTarget { term: target.clone(), why: "is no term" }),
                _ => return Err(Fault::AliasTarget { term: target.clone(), why: "names several terms" }),
            };
            for word in words {
                ontology.alias(word, id)?;
            }
        }
        for (word, id) in self.also {
            ontology.share(&word, id);
        }
        Ok(ontology)
    }
}

impl Ontology {
    fn alias(&mut self, word: &str, id: TermId) -> Result<(), Fault> {
        let folded = fold(word);
        let taken = self.names.get(&folded).or_else(|| self.aliases.get(&folded)).and_then(|ids| ids.first());
        if let Some(other) = taken {
            let (term, other) = (self.term(id).path.clone(), self.term(*other).path.clone());
            return Err(Fault::AliasTaken { alias: word.to_owned(), term, other });
        }
        if folded.is_empty() {
            return Err(Fault::Nameless { under: format!("the aliases of {}", self.term(id).name) });
        }
        self.aliases.insert(folded, vec![id]);
        self.terms[id.index()].aliases.push(word.trim().to_owned());
        Ok(())
    }

    fn share(&mut self, word: &str, id: TermId) {
        let folded = fold(word);
        if folded.is_empty() || self.names.contains_key(&folded) {
            return;
        }
        let terms = self.aliases.entry(folded).or_default();
        if !terms.contains(&id) {
            terms.push(id);
            self.terms[id.index()].aliases.push(word.trim().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Builder, TermId) {
        let mut tree = Builder::default();
        let top = tree.add("top", &[]).unwrap();
        tree.add("a", &[top]).unwrap();
        (tree, top)
    }

    #[test]
    fn names_that_could_not_be_addressed_are_refused() {
        let (mut tree, top) = pair();
        assert_eq!(tree.add(" ", &[top]), Err(Fault::Nameless { under: "top".into() }));
        assert_eq!(tree.add("x/y", &[top]), Err(Fault::Slash { name: "x/y".into() }));
        assert_eq!(tree.add("A", &[top]), Err(Fault::Twice { name: "A".into(), under: "top".into() }));
        assert_eq!(tree.add("Top", &[]), Err(Fault::Twice { name: "Top".into(), under: "the top".into() }));
        let mut under = top;
        let fault = (0..DEPTH).find_map(|i| match tree.add(&format!("n{i}"), &[under]) {
            Ok(id) => {
                under = id;
                None
            }
            Err(fault) => Some(fault),
        });
        assert_eq!(fault, Some(Fault::Deep { name: format!("n{}", DEPTH - 1) }));
    }

    #[test]
    fn roots_and_aliases_are_checked() {
        let root = |root: &str| About { name: "t".into(), root: Some(root.into()), ..About::default() };
        assert_eq!(pair().0.finish_with(root("a"), &[]).unwrap_err(), Fault::Root { root: "a".into() });
        assert_eq!(Builder::default().finish("t").unwrap_err(), Fault::Empty);
        let with = |target: &str, word: &str| {
            pair().0.finish_with(root("top"), &[(target.to_owned(), vec![word.to_owned()])]).map(|o| o.resolve(word).is_ok())
        };
        assert_eq!(with("a", "alpha"), Ok(true));
        assert!(matches!(with("b", "beta"), Err(Fault::AliasTarget { .. })));
        assert!(matches!(with("a", "TOP"), Err(Fault::AliasTaken { .. })));
    }
}
