//! Ontologies as indented text.
//!
//! ```text
//! # comments and empty lines are skipped
//! instrument
//!   stringed
//!     violoncello = cello, 'cello
//! ```
//!
//! Any deeper indentation opens a level, tabs or spaces, the same within a level.

use super::{Builder, Ontology, Problem};
use crate::ontology::TermId;
use crate::ontology::build::About;

pub(super) fn parse(name: &str, text: &str) -> Result<Ontology, Problem> {
    let mut builder = Builder::default();
    let mut aliases = Vec::new();
    let mut open: Vec<(&str, TermId, String)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let content = line.trim_start();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let indent = &line[..line.len() - content.len()];
        let mut closed = None;
        while let Some((above, _, _)) = open.last() {
            if indent.len() > above.len() && indent.starts_with(above) {
                break;
            }
            closed = open.pop().map(|(indent, _, _)| indent);
        }
        if closed.is_some_and(|sibling| sibling != indent) {
            return Err(Problem::at(
                at + 1,
                format!("`{}` is indented like no line above it: expected an earlier level", content.trim()),
            ));
        }
        let (term, words) = content.split_once('=').unwrap_or((content, ""));
        let parent = open.last().map(|(_, id, _)| *id);
        let id = builder.add(term, parent.as_slice()).map_err(|fault| Problem::at(at + 1, fault))?;
        let path = match open.last() {
            Some((_, _, above)) => format!("{above}/{}", term.trim()),
            None => term.trim().to_owned(),
        };
        let words: Vec<String> = words.split(',').map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned).collect();
        if !words.is_empty() {
            aliases.push((path.clone(), words));
        }
        open.push((indent, id, path));
    }
    Ok(builder.finish_with(About { name: name.to_owned(), ..About::default() }, &aliases)?)
}

#[cfg(test)]
mod tests {
    use crate::ontology::reader::{Format, parse};

    #[test]
    fn aliases_belong_to_their_line() {
        let text = "top\n  a\n    x = ex, the x\n  b\n    x = other\n";
        let tree = parse("t", text, Format::Indented).unwrap();
        assert_eq!(tree.resolve("the-x"), tree.resolve("a/x"));
        assert_eq!(tree.resolve("other"), tree.resolve("b/x"));
    }

    #[test]
    fn errors_name_the_line() {
        let error = |text: &str| parse("t", text, Format::Indented).unwrap_err().to_string();
        let like_none = |line: usize, word: &str| {
            format!(
                "the ontology `t` cannot be read at line {line}: `{word}` is indented like no line above it: expected an earlier level"
            )
        };
        assert_eq!(error("top\n    a\n  b\n"), like_none(3, "b"));
        assert_eq!(error("top\n\ta\n    b\n\tc\n  \td\n"), like_none(3, "b"));
        assert_eq!(error("  top\n    a\nb\n"), like_none(3, "b"));
        assert!(error("top\n a\n a\n").contains("line 3: `a` stands twice under `top`"));
        assert!(error("top\n = x\n").contains("line 2: a term without a name stands under `top`"));
        assert!(error("# nothing\n").contains("there are no terms"));
    }
}
