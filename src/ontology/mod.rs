//! Ontologies of sound: a tree of terms, or a graph where a term has several parents, with readers and tree distances.
//!
//! ```text
//! instrument                    the root: what only it joins is unrelated
//! ├─ stringed                   a family: the topmost term below the root
//! │  ├─ bowed
//! │  │  ├─ violin               hops(violin, viola) = 2
//! │  │  └─ viola                hops(violin, piano) = 4
//! │  └─ struck
//! │     └─ piano                `struck` stands elsewhere too, so terms are told apart by their path
//! └─ percussion …               hops(violin, triangle) = none
//! ```
//!
//! Labels meet terms through [`Ontology::resolve`]: by name, alias or the end of a path, in any case, with `_`, `-` and
//! space alike. Distances are [`Hops`], smaller is nearer; they are a type apart from similarities, which grow the other way.

mod build;
pub mod bundled;
mod draw;
mod hops;
mod judge;
pub mod reader;
pub mod released;
mod resolve;
pub mod triplets;

use std::collections::HashMap;

pub use build::{Builder, Fault};
pub use hops::Hops;
pub use judge::{Judgement, judge};
pub use reader::{Format, ReadError, read};
pub use resolve::Unresolved;
pub use triplets::Triplet;

/// The ontology where none is named.
pub const USUAL: &str = "hdio";

/// A term's number: its position in [`Ontology::terms`]. It belongs to the ontology that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TermId(u32);

impl TermId {
    /// The number as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A node of the ontology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// As the file spells it (`french_horn`); other terms may have the same name.
    pub name: String,
    /// The names from the top down to this one, joined by `/`; along the first parent where there are several.
    pub path: String,
    /// Empty for a term at the top.
    pub parents: Vec<TermId>,
    /// In the order of the terms: of a tree that of its file.
    pub children: Vec<TermId>,
    /// Other words for it.
    pub aliases: Vec<String>,
    /// Its number or code in the classification (`321.322`, `/m/0342h`), which several terms may share.
    pub notation: Option<String>,
}

impl Term {
    /// True without children.
    pub fn is_leaf(&self) -> bool {
        self.children.is_empty()
    }

    /// The name as it is said in a prompt: `_` as a space.
    pub fn spoken(&self) -> String {
        self.name.replace('_', " ")
    }
}

/// Terms under a root.
///
/// ```
/// let hdio = dyad::ontology::bundled::ontology("hdio").unwrap();
/// let cello = hdio.resolve("Cello").unwrap();
/// assert_eq!(hdio.spoken(cello), "violoncello");
/// assert_eq!(hdio.term(cello).path, "instrument/stringed/bowed/violoncello");
/// ```
#[derive(Debug, Clone)]
pub struct Ontology {
    /// The word that statements use (`hdio`).
    pub name: String,
    /// One line for people.
    pub title: String,
    /// Where the classification comes from.
    pub source: String,
    pub licence: String,
    terms: Vec<Term>,
    root: Option<TermId>,
    /// Folded name → the terms that have it.
    names: HashMap<String, Vec<TermId>>,
    /// Folded alias → the terms that have it.
    aliases: HashMap<String, Vec<TermId>>,
    /// For each term itself and everything above it, with the steps up to it, by id.
    lines: Vec<Vec<(TermId, u32)>>,
}

impl Ontology {
    /// All terms, parents before their children; depth first where the source is a tree.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The ids of all terms, in order.
    pub fn ids(&self) -> impl Iterator<Item = TermId> + use<> {
        (0..self.terms.len() as u32).map(TermId)
    }

    /// The term of an id that this ontology gave.
    pub fn term(&self, id: TermId) -> &Term {
        &self.terms[id.index()]
    }

    /// The name as it is said in a prompt: `_` as a space.
    pub fn spoken(&self, id: TermId) -> String {
        self.term(id).spoken()
    }

    /// The term whose sole presence above two terms makes no kinship; none where several terms at the top share no root.
    pub fn root(&self) -> Option<TermId> {
        self.root
    }

    /// The terms without children, in order.
    pub fn leaves(&self) -> Vec<TermId> {
        self.ids().filter(|&id| self.term(id).is_leaf()).collect()
    }

    /// The topmost term above `id` (or `id` itself) that is not the root, along first parents; none for the root.
    pub fn family(&self, id: TermId) -> Option<TermId> {
        if Some(id) == self.root {
            return None;
        }
        let mut top = id;
        while let Some(&parent) = self.term(top).parents.first() {
            if Some(parent) == self.root {
                break;
            }
            top = parent;
        }
        Some(top)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_of_the_bundled_trees() {
        let hdio = bundled::ontology("hdio").unwrap();
        let family = |o: &Ontology, label: &str| o.family(o.resolve(label).unwrap()).map(|f| o.spoken(f));
        assert_eq!(family(&hdio, "accordion").as_deref(), Some("wind"));
        assert_eq!(family(&hdio, "wind").as_deref(), Some("wind"));
        assert_eq!(family(&hdio, "electric_guitar").as_deref(), Some("electrophone"));
        assert_eq!(family(&hdio, "instrument"), None);
        let released = bundled::ontology("hdio-ismir2024").unwrap();
        assert_eq!(family(&released, "electric_guitar").as_deref(), Some("electrophone"));
        assert_eq!(family(&released, "kazoo").as_deref(), Some("percussion"));
    }

    #[test]
    fn leaves_stand_in_the_order_of_the_file() {
        let hdio = bundled::ontology("hdio").unwrap();
        let leaves = hdio.leaves();
        assert_eq!((hdio.terms().len(), leaves.len()), (151, 100));
        assert_eq!(hdio.spoken(leaves[0]), "violin");
        assert_eq!(hdio.spoken(leaves[99]), "midi accordion");
    }
}
