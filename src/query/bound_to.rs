//! Which texts a condition binds a field to, so that they can be looked up: `id = "a" and midi > 60`.

use std::collections::BTreeSet;

use super::predicate::{Predicate, Relation};
use super::statement::Literal;

impl Predicate {
    /// The texts one of which `field` has in whatever passes, where the condition says so: `id = "a" and midi > 60`.
    pub fn bound_to(&self, field: &str) -> Option<BTreeSet<&str>> {
        match self {
            Predicate::And(parts) => parts.iter().filter_map(|part| part.bound_to(field)).min_by_key(BTreeSet::len),
            Predicate::Or(parts) => {
                let bound: Option<Vec<_>> = parts.iter().map(|part| part.bound_to(field)).collect();
                bound.map(|bound| bound.into_iter().flatten().collect())
            }
            Predicate::Compare { field: name, relation: Relation::Equal, value } if name.node == field => {
                only_text(&value.node).map(|text| BTreeSet::from([text]))
            }
            Predicate::In { field: name, values, negated: false } if name.node == field => values.iter().map(only_text).collect(),
            _ => None,
        }
    }
}

/// What is nothing but a text: a number is equal to texts that are written in several ways.
fn only_text(literal: &Literal) -> Option<&str> {
    match literal {
        Literal::Scalar(value) => value.as_text(),
        Literal::Word(..) | Literal::List(_) => None,
    }
}
