//! The ontology as an indented tree for a terminal.
//!
//! ```text
//! instrument
//! ├─ stringed
//! │  └─ bowed
//! └─ wind
//! ```
//!
//! A term with several parents is drawn out under the first; under the others it stands as `name → path`. Notations stand
//! after the names.

use super::{Ontology, TermId};

impl Ontology {
    /// All terms as an indented tree, one a line, each line ended.
    pub fn draw(&self) -> String {
        let mut out = String::new();
        for id in self.ids().filter(|&id| self.term(id).parents.is_empty()) {
            out.push_str(&self.term(id).name);
            out.push_str(&self.noted(id));
            out.push('\n');
            self.draw_children(id, "", &mut out);
        }
        out
    }

    fn noted(&self, id: TermId) -> String {
        self.term(id).notation.as_ref().map_or_else(String::new, |notation| format!("  {notation}"))
    }

    // The builder bounds the depth, so this recursion is bounded too.
    fn draw_children(&self, id: TermId, indent: &str, out: &mut String) {
        let children = &self.term(id).children;
        for (at, &child) in children.iter().enumerate() {
            let term = self.term(child);
            let (branch, rest) = if at + 1 == children.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let first = term.parents.first() == Some(&id);
            let reference = if first { self.noted(child) } else { format!(" → {}", term.path) };
            out.push_str(&format!("{indent}{branch}{}{reference}\n", term.name));
            if first {
                self.draw_children(child, &format!("{indent}{rest}"), out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ontology::Builder;

    #[test]
    fn branches_and_references() {
        let mut graph = Builder::default();
        let top = graph.add("top", &[]).unwrap();
        let a = graph.add("a", &[top]).unwrap();
        let b = graph.add("b", &[top]).unwrap();
        let c = graph.add("c", &[a, b]).unwrap();
        graph.add("d", &[c]).unwrap();
        graph.add("e", &[a]).unwrap();
        assert_eq!(graph.finish("g").unwrap().draw(), "top\n├─ a\n│  ├─ c\n│  │  └─ d\n│  └─ e\n└─ b\n   └─ c → top/a/c\n");
    }
}
