//! AudioSet's list of nodes, a graph where a sound may stand under several others.
//!
//! ```text
//! {"id": "/m/07y_7", "name": "Violin, fiddle", "description": "…", "child_ids": ["/m/0d8_n"], "restrictions": []}
//! ```
//!
//! Source: Gemmeke and others, "Audio Set", ICASSP 2017; github.com/audioset/ontology. What is not id, name or children is
//! passed over.

use std::collections::HashMap;

use super::graph::{self, Node as Place};
use super::json::{Node, whole, word};
use super::{Builder, Problem};

/// The nodes as terms: the id as notation, the parts of a name and the name without its bracket as aliases.
pub(super) fn grow(list: Node) -> Result<Builder, Problem> {
    let Node::List(list) = list else {
        return Err(whole("`nodes` is no list: expected objects with `id`, `name` and `child_ids`".into()));
    };
    let (mut places, mut ids, mut below) = (Vec::new(), Vec::new(), Vec::new());
    for node in list {
        let (id, name, children) = entry(node)?;
        places.push(Place { name, ..Place::default() });
        ids.push(id);
        below.push(children);
    }
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (at, id) in ids.iter().enumerate() {
        if known.insert(id, at).is_some() {
            return Err(whole(format!("the id `{id}` stands twice: expected each node once")));
        }
    }
    for (at, children) in below.iter().enumerate() {
        for child in children {
            let Some(&place) = known.get(child.as_str()) else {
                return Err(whole(format!("`{}` has the child `{child}`, which is no node: expected its entry", ids[at])));
            };
            graph::link(&mut places, at, place);
        }
    }
    let (mut builder, terms) = graph::grow(&places)?;
    for ((&term, id), place) in terms.iter().zip(&ids).zip(&places) {
        builder.note(term, id);
        let bare = place.name.split(" (").next().unwrap_or(&place.name);
        let parts = bare.split(", ").map(|part| part.trim_start_matches("or ").trim_start_matches("and "));
        parts.filter(|part| *part != place.name && *part != "etc.").for_each(|part| builder.also(term, part));
    }
    Ok(builder)
}

fn entry(node: Node) -> Result<(String, String, Vec<String>), Problem> {
    let Node::Object(entries) = node else {
        return Err(whole("a node is no object: expected `id`, `name` and `child_ids`".into()));
    };
    let (mut id, mut name, mut children) = (None, None, Vec::new());
    for (key, value) in entries {
        match (key.as_str(), value) {
            ("id", value) => id = Some(word("id", value)?),
            ("name", value) => name = Some(word("name", value)?),
            ("child_ids", Node::List(list)) => {
                children = list.into_iter().map(|child| word("child_ids", child)).collect::<Result<_, _>>()?;
            }
            _ => {}
        }
    }
    match (id, name) {
        (Some(id), Some(name)) => Ok((id, name, children)),
        (Some(id), None) => Err(whole(format!("the node `{id}` has no `name`: expected a word"))),
        (None, name) => Err(whole(format!("the node `{}` has no `id`: expected one", name.unwrap_or_default()))),
    }
}

#[cfg(test)]
mod tests {
    use crate::ontology::{Hops, bundled, reader};
    use reader::{Format, parse};

    #[test]
    fn a_sound_may_stand_under_several() {
        let music = bundled::ontology("audioset-music").unwrap();
        let term = |label: &str| music.resolve(label).unwrap();
        assert_eq!(music.terms().len(), 189);
        assert_eq!(music.root(), Some(term("Music")));
        assert_eq!(music.term(term("cowbell")).parents, [term("percussion"), term("bell")]);
        assert_eq!(music.term(term("beatboxing")).parents, [term("hip hop music"), term("vocal music")]);
        assert_eq!((term("fiddle"), term("/m/07y_7")), (term("Violin, fiddle"), term("violin")));
        assert_eq!(term("keyboard"), term("Keyboard (musical)"));
        // Cowbell is two steps from both of its siblings, by either parent.
        assert_eq!(music.hops(term("cowbell"), term("gong")), Some(Hops(2)));
        assert_eq!(music.hops(term("cowbell"), term("church bell")), Some(Hops(2)));
        assert_eq!(music.hops(term("gong"), term("church bell")), Some(Hops(4)));
    }

    #[test]
    fn the_bare_list_is_read_and_faults_are_named() {
        let list =
            |rest: &str| parse("t", &format!(r#"[{{"id": "/m/a", "name": "Top", "child_ids": ["/m/b"]}}{rest}]"#), Format::Json);
        let both = list(r#", {"id": "/m/b", "name": "Below", "child_ids": [], "restrictions": ["abstract"]}"#).unwrap();
        assert_eq!(both.draw(), "Top  /m/a\n└─ Below  /m/b\n");
        let error = |rest: &str| list(rest).unwrap_err().to_string();
        assert!(error("").ends_with("`/m/a` has the child `/m/b`, which is no node: expected its entry"));
        assert!(error(r#", {"id": "/m/b", "name": "B", "child_ids": ["/m/a"]}"#).contains("stands above itself"));
        assert!(error(r#", {"id": "/m/a", "name": "B", "child_ids": []}"#).contains("the id `/m/a` stands twice"));
        assert!(error(r#", {"id": "/m/b"}"#).contains("the node `/m/b` has no `name`"));
        assert!(error(", 3").contains("invalid type"));
    }
}
