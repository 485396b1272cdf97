//! Comparisons by size between kinds that have no order: `midi > "high"`, where `midi` is a number in every item.
//!
//! Such a condition is never true, which would pass for an answer. Whoever goes through the items shows each to [`Kinds`], and
//! asks at the end.

use crate::diagnostic::{Diagnostic, Spanned};
use crate::query::predicate::{Predicate, Relation, compare};
use crate::query::statement::Literal;
use crate::value::Value;

/// The comparisons by size that no item shown so far could be put to.
pub struct Kinds<'p> {
    open: Vec<Open<'p>>,
}

struct Open<'p> {
    field: &'p Spanned<String>,
    value: &'p Spanned<Literal>,
    /// The kind of a value that does not compare.
    found: Option<&'static str>,
}

impl<'p> Kinds<'p> {
    /// Those of a condition.
    pub fn of(predicate: &'p Predicate) -> Self {
        let mut open = Vec::new();
        collect(predicate, &mut open);
        Kinds { open }
    }

    /// Takes an item into account; `field` gives its value of a field.
    pub fn see(&mut self, field: &dyn Fn(&str) -> Value) {
        self.open.retain_mut(|open| {
            let value = field(&open.field.node);
            open.found = value.members().first().map(Value::kind).or(open.found);
            !value.members().iter().any(|member| compare(member, &open.value.node).is_some())
        });
    }

    /// Refuses a comparison that no item could be put to.
    ///
    /// # Errors
    /// Names both kinds.
    pub fn check(&self) -> Result<(), Diagnostic> {
        let Some((open, found)) = self.open.iter().find_map(|open| Some((open, open.found?))) else { return Ok(()) };
        let (field, kind) = (&open.field.node, open.value.node.value().map_or("a list", Value::kind));
        let fault = Diagnostic::new(format!("`{field}` is {found}, and {} is {kind}: neither is the greater", open.value.node));
        Err(fault.at(open.value.span).expected(found))
    }
}

fn collect<'p>(predicate: &'p Predicate, open: &mut Vec<Open<'p>>) {
    match predicate {
        Predicate::And(parts) | Predicate::Or(parts) => parts.iter().for_each(|part| collect(part, open)),
        Predicate::Not(inner) => collect(inner, open),
        Predicate::Compare { relation: Relation::Equal | Relation::NotEqual, .. } => {}
        Predicate::Compare { field, value, .. } => open.push(Open { field, value, found: None }),
        Predicate::In { .. } | Predicate::Like { .. } | Predicate::IsNull { .. } | Predicate::ListEquals { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Piece, Statement, parse};

    #[test]
    fn kinds_without_an_order_are_named() {
        let fault = |condition: &str, values: &[Value]| {
            let text = format!("list clips where {condition}");
            let Ok(Statement::Command(command)) = parse(Piece { text: &text, offset: 0 }) else { panic!("{text}") };
            let filter = command.filter.unwrap().node;
            let mut kinds = Kinds::of(&filter);
            values.iter().for_each(|value| kinds.see(&|_| value.clone()));
            kinds.check().err().map(|fault| fault.message)
        };
        let message = "`midi` is a whole number, and \"high\" is text: neither is the greater";
        assert_eq!(fault("take = 1 or not midi > high", &[Value::Null, 60i64.into()]).as_deref(), Some(message));
        assert_eq!(
            fault("label >= 5", &["violin".into()]).unwrap(),
            "`label` is text, and 5 is a whole number: neither is the greater"
        );
        assert_eq!(fault("midi > high", &[60i64.into(), "low".into()]), None);
        assert_eq!(fault("midi > high", &[Value::Null]), None);
        assert_eq!(fault("midi != high and note > 4 and tags < 'x'", &["5".into(), Value::list(["a"])]), None);
    }
}
