//! What led to a result: the statements that must run before it so that it comes out the same.
//!
//! ```text
//!   use notes │ set seed=3 │ set seed=7 │ let a = classify clips │ count clips        compare a with (…)
//!   ────────────────────────────────────────────────────────────────────────        before: use notes, set seed=7, let a = …
//! ```

use std::collections::BTreeSet;

use crate::query::Statement;
use crate::query::lex::{Kind, tokens};

/// What a statement left in the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Left {
    /// A setting, by its key.
    Setting(String),
    /// A result that `let` named.
    Result(String),
}

/// Statements that left something, in the order in which they ran.
#[derive(Debug, Default)]
pub(super) struct History(Vec<(Left, String)>);

impl History {
    pub fn add(&mut self, left: Left, statement: &str) {
        self.0.push((left, statement.to_owned()));
    }

    /// The statements that bear on `statement`: the settings of now, the results that it names, and what bore on those.
    pub fn before(&self, statement: &str) -> Vec<String> {
        let mut wanted: BTreeSet<&str> = words(statement).collect();
        let mut later = BTreeSet::new();
        let mut before = Vec::new();
        for (left, text) in self.0.iter().rev() {
            let bears = match left {
                Left::Setting(key) => later.insert(key.as_str()),
                Left::Result(name) => wanted.remove(name.as_str()),
            };
            if !bears {
                continue;
            }
            if matches!(left, Left::Result(_)) {
                // It was made under the settings of its own time.
                later.clear();
                wanted.extend(text.split_once('=').into_iter().flat_map(|(_, rest)| words(rest)));
            }
            before.push(text.clone());
        }
        before.reverse();
        before
    }
}

/// The name that `let` gives.
pub(super) fn named(statement: &Statement) -> Option<String> {
    if let Statement::Let { name, .. } = statement { Some(name.node.clone()) } else { None }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    tokens(text, 0).filter(|token| token.kind == Kind::Word).filter_map(|token| text.get(token.start..token.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bears_on_a_statement_comes_before_it() {
        let mut history = History::default();
        let setting = |key: &str| Left::Setting(key.to_owned());
        history.add(setting("collection"), "use notes");
        history.add(setting("seed"), "set seed=3");
        history.add(setting("seed"), "set seed=7");
        assert_eq!(history.before("count clips"), ["use notes", "set seed=7"]);
        history.add(Left::Result("a".to_owned()), "let a = classify clips");
        history.add(Left::Result("b".to_owned()), "let b = classify clips top 2");
        history.add(setting("seed"), "set seed=default");
        assert_eq!(history.before("count clips"), ["use notes", "set seed=default"]);
        let named = ["use notes", "set seed=7", "let a = classify clips", "set seed=default"];
        assert_eq!(history.before("compare a with (classify clips)"), named);
    }
}
