//! Ontologies as rows of parent and child, which is how a graph with several parents is written.
//!
//! ```text
//! parent,child
//! instrument,keyboard
//! instrument,stringed
//! keyboard,piano
//! stringed,piano
//! ```
//!
//! A name is one term. A row with an empty parent puts its child at the top, as does never being a child.

use std::collections::HashMap;

use super::graph::{self, Node};
use super::{Ontology, Problem};
use crate::diagnostic::fold;

pub(super) fn parse(name: &str, text: &str) -> Result<Ontology, Problem> {
    let (builder, _) = graph::grow(&rows(text)?)?;
    Ok(builder.finish(name)?)
}

/// The terms in the order in which they are first named, linked both ways.
fn rows(text: &str) -> Result<Vec<Node>, Problem> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| Problem::at(1, error))?.clone();
    let column = |name: &str| {
        let found = headers.iter().position(|header| header.eq_ignore_ascii_case(name));
        found.ok_or_else(|| Problem::at(1, format!("there is no column `{name}`: expected the header `parent,child`")))
    };
    let (parent, child) = (column("parent")?, column("child")?);
    let mut rows: Vec<Node> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(1, |p| p.line() as usize);
            match error.kind() {
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    Problem::at(line, format!("the row has {len} cells: expected {expected_len} as in the header"))
                }
                _ => Problem::at(line, error),
            }
        })?;
        let line = record.position().map_or(1, |p| p.line() as usize);
        let mut place = |word: &str| {
            *known.entry(fold(word)).or_insert_with(|| {
                rows.push(Node { name: word.to_owned(), line: Some(line), ..Node::default() });
                rows.len() - 1
            })
        };
        let (above, below) = (record.get(parent).unwrap_or_default(), record.get(child).unwrap_or_default());
        if below.is_empty() {
            return Err(Problem::at(line, "the child is empty: expected a name"));
        }
        let above = if above.is_empty() { None } else { Some(place(above)) };
        let below = place(below);
        if let Some(above) = above {
            graph::link(&mut rows, above, below);
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use crate::ontology::Hops;
    use crate::ontology::reader::{Format, parse};

    #[test]
    fn a_term_may_have_several_parents() {
        let text = "child,parent,note\nkeyboard,instrument,\nstringed,instrument,x\npiano,keyboard,\nPiano,stringed,\nharp,stringed,\norgan,keyboard,\n";
        let graph = parse("g", text, Format::Csv).unwrap();
        let term = |label: &str| graph.resolve(label).unwrap();
        assert_eq!(graph.term(term("piano")).parents, [term("keyboard"), term("stringed")]);
        assert_eq!(graph.hops(term("piano"), term("harp")), Some(Hops(2)));
        assert_eq!(graph.hops(term("piano"), term("organ")), Some(Hops(2)));
        assert_eq!(graph.hops(term("organ"), term("harp")), None);
        assert_eq!(graph.resolve("stringed/piano"), graph.resolve("instrument/keyboard/piano"));
    }

    #[test]
    fn errors_name_the_line() {
        let error = |text: &str| parse("t", text, Format::Csv).unwrap_err().to_string();
        assert!(error("a,b\nx,y\n").contains("line 1: there is no column `parent`"));
        assert!(error("parent,child\ntop,a\na,\n").contains("line 3: the child is empty"));
        assert!(error("parent,child\ntop,a\na,b\nb,a\n").contains("line 2: `a` stands above itself"));
        assert!(error("parent,child\na,a\n").contains("line 2: `a` stands above itself"));
        assert!(error("parent,child\ntop\n").contains("line 2: the row has 1 cells: expected 2"));
        assert!(error("parent,child\n").contains("there are no terms"));
    }
}
