//! Terms that name their parents in any order, as files write graphs, put into the order that a builder needs.
//!
//! ```text
//! piano < keyboard, stringed      keyboard
//! keyboard < instrument      →    …        parents first, then depth first in the order of the file
//! ```

use super::{Builder, Problem};
use crate::ontology::TermId;

/// A term with its parents and children as positions in the list.
#[derive(Default)]
pub(super) struct Node {
    pub name: String,
    /// Where it is first named, from 1, if that is known.
    pub line: Option<usize>,
    pub parents: Vec<usize>,
    pub children: Vec<usize>,
}

/// Puts the term `below` under the term `above`, once.
pub(super) fn link(nodes: &mut [Node], above: usize, below: usize) {
    if !nodes[below].parents.contains(&above) {
        nodes[below].parents.push(above);
        nodes[above].children.push(below);
    }
}

/// The terms in a builder, and the id of each node.
pub(super) fn grow(nodes: &[Node]) -> Result<(Builder, Vec<TermId>), Problem> {
    let mut waiting: Vec<usize> = nodes.iter().map(|node| node.parents.len()).collect();
    let mut ready: Vec<usize> = (0..nodes.len()).rev().filter(|&at| nodes[at].parents.is_empty()).collect();
    let mut ids: Vec<Option<TermId>> = vec![None; nodes.len()];
    let mut builder = Builder::default();
    while let Some(at) = ready.pop() {
        let node = &nodes[at];
        let parents: Vec<TermId> = node.parents.iter().filter_map(|&parent| ids[parent]).collect();
        let id = builder.add(&node.name, &parents).map_err(|fault| Problem { line: node.line, problem: fault.to_string() })?;
        ids[at] = Some(id);
        for &child in node.children.iter().rev() {
            waiting[child] -= 1;
            if waiting[child] == 0 {
                ready.push(child);
            }
        }
    }
    if let Some(at) = ids.iter().position(Option::is_none) {
        let problem = format!("`{}` stands above itself or below such a term: expected no circle", nodes[at].name);
        return Err(Problem { line: nodes[at].line, problem });
    }
    Ok((builder, ids.into_iter().flatten().collect()))
}
