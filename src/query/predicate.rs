//! The `where` clause: a condition on an item's metadata.
//!
//! `pitch >= 60 and (dynamic in ("mf", "ff") or not path like "%loop%")`. As in SQL, a comparison with a missing field is
//! neither true nor false, and an item passes only when the whole condition is true. `like` knows `%` and `_`; it
//! compares without regard to case, as file names do.
//!
//! Of a list, one member that fulfils the comparison is enough: `labels = "violin"` asks whether `violin` is among the labels.
//! `!=`, `not in` and `not like` are the opposites: no member does. A list without members has a value and is not null.

use std::cmp::Ordering;
use std::fmt;

use crate::diagnostic::{Span, Spanned};
use crate::query::statement::{Literal, is_bare, quoted};
use crate::value::Value;

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    And(Vec<Predicate>),
    Or(Vec<Predicate>),
    Not(Box<Predicate>),
    Compare {
        field: Spanned<String>,
        relation: Relation,
        value: Spanned<Literal>,
    },
    In {
        field: Spanned<String>,
        values: Vec<Literal>,
        negated: bool,
    },
    Like {
        field: Spanned<String>,
        pattern: String,
        negated: bool,
    },
    IsNull {
        field: Spanned<String>,
        negated: bool,
    },
    /// `name=(…)`: only a parameter takes a list so; judged when the statement is bound.
    ListEquals {
        field: Spanned<String>,
        list: Spanned<Literal>,
    },
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Relation {
    /// Whether it holds; unknown between kinds that have no order.
    fn between(self, found: &Value, wanted: &Literal) -> Option<bool> {
        let order = || compare(found, wanted);
        match self {
            Relation::Equal => Some(equal(found, wanted)),
            Relation::NotEqual => Some(!equal(found, wanted)),
            Relation::Less => order().map(Ordering::is_lt),
            Relation::LessEqual => order().map(Ordering::is_le),
            Relation::Greater => order().map(Ordering::is_gt),
            Relation::GreaterEqual => order().map(Ordering::is_ge),
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Relation::Equal => "=",
            Relation::NotEqual => "!=",
            Relation::Less => "<",
            Relation::LessEqual => "<=",
            Relation::Greater => ">",
            Relation::GreaterEqual => ">=",
        }
    }
}

/// What a text stands for that a field, given by name, is compared with; none where it is only a text.
pub type Named<'a, E> = dyn Fn(&str, &Spanned<&str>) -> Result<Option<Value>, E> + 'a;

impl Predicate {
    /// Whether an item passes; `field` gives its value of a field, null where it has none.
    pub fn accepts(&self, field: &dyn Fn(&str) -> Value) -> bool {
        self.evaluate(field) == Some(true)
    }

    /// True, false or unknown.
    fn evaluate(&self, field: &dyn Fn(&str) -> Value) -> Option<bool> {
        match self {
            Predicate::And(parts) => {
                let results: Vec<_> = parts.iter().map(|p| p.evaluate(field)).collect();
                if results.contains(&Some(false)) { Some(false) } else { results.iter().all(Option::is_some).then_some(true) }
            }
            Predicate::Or(parts) => {
                let results: Vec<_> = parts.iter().map(|p| p.evaluate(field)).collect();
                if results.contains(&Some(true)) { Some(true) } else { results.iter().all(Option::is_some).then_some(false) }
            }
            Predicate::Not(inner) => inner.evaluate(field).map(|b| !b),
            Predicate::Compare { value, .. } if value.node.value().is_none_or(Value::is_null) => None,
            Predicate::Compare { field: name, relation, value } => match (field(&name.node), relation) {
                (Value::List(members), Relation::NotEqual) => Some(members.iter().all(|m| !equal(m, &value.node))),
                (Value::List(members), relation) => Some(members.iter().any(|m| relation.between(m, &value.node) == Some(true))),
                (Value::Null, _) => None,
                (found, relation) => relation.between(&found, &value.node),
            },
            Predicate::In { field: name, values, negated } => match field(&name.node) {
                Value::Null => None,
                found => {
                    let listed = |m: &Value| values.iter().any(|v| equal(m, v));
                    Some(found.members().iter().any(listed) != *negated)
                }
            },
            Predicate::Like { field: name, pattern, negated } => match field(&name.node) {
                Value::Null => None,
                found => Some(found.members().iter().any(|m| like(&m.to_string(), pattern)) != *negated),
            },
            Predicate::IsNull { field: name, negated } => Some(field(&name.node).is_null() != *negated),
            Predicate::ListEquals { .. } => None,
        }
    }

    /// Every field that is named, with its place.
    pub fn fields(&self) -> Vec<&Spanned<String>> {
        match self {
            Predicate::And(parts) | Predicate::Or(parts) => parts.iter().flat_map(Predicate::fields).collect(),
            Predicate::Not(inner) => inner.fields(),
            Predicate::Compare { field, .. }
            | Predicate::In { field, .. }
            | Predicate::Like { field, .. }
            | Predicate::IsNull { field, .. }
            | Predicate::ListEquals { field, .. } => vec![field],
        }
    }

    /// Puts `named` in the place of each text that a field is compared with, where it gives a value: `top1 > chance`.
    ///
    /// # Errors
    /// What `named` fails with; it is given the field and the text.
    pub fn resolve<E>(&mut self, named: &Named<'_, E>) -> Result<(), E> {
        match self {
            Predicate::And(parts) | Predicate::Or(parts) => parts.iter_mut().try_for_each(|part| part.resolve(named)),
            Predicate::Not(inner) => inner.resolve(named),
            Predicate::Compare { field, value, .. } => {
                if let Literal::Scalar(Value::Text(text)) = &value.node
                    && let Some(found) = named(&field.node, &Spanned::new(text.as_str(), value.span))?
                {
                    value.node = Literal::Scalar(found);
                }
                Ok(())
            }
            Predicate::In { .. } | Predicate::Like { .. } | Predicate::IsNull { .. } | Predicate::ListEquals { .. } => Ok(()),
        }
    }

    /// Changes the name of every field.
    pub fn rename(&mut self, to: &dyn Fn(&str) -> String) {
        match self {
            Predicate::And(parts) | Predicate::Or(parts) => parts.iter_mut().for_each(|p| p.rename(to)),
            Predicate::Not(inner) => inner.rename(to),
            Predicate::Compare { field, .. }
            | Predicate::In { field, .. }
            | Predicate::Like { field, .. }
            | Predicate::IsNull { field, .. }
            | Predicate::ListEquals { field, .. } => field.node = to(&field.node),
        }
    }
}

/// By size. A text beside a number is the number that its digits make, zeros before it or not: `code > 10` finds "012".
pub(super) fn compare(found: &Value, wanted: &Literal) -> Option<Ordering> {
    ordered(found, wanted, |text| text.parse().map_or_else(|_| Value::infer(text), Value::Int))
}

/// A text equals a number that is written as it: `fold = "1"` finds 1, `note = 4` finds "4" and `code = 007` finds "007". So do
/// a truth value and a text, in any case: `solo = true` finds "True". Values of kinds that do not compare are not equal.
fn equal(found: &Value, wanted: &Literal) -> bool {
    ordered(found, wanted, Value::infer) == Some(Ordering::Equal)
}

/// The order of two values; `read` tells what a text is beside a number.
fn ordered(found: &Value, wanted: &Literal, read: fn(&str) -> Value) -> Option<Ordering> {
    let value = wanted.value()?;
    match (found, value) {
        (Value::Text(text), _) if wanted.text() == Some(text) => Some(Ordering::Equal),
        (Value::Text(text), Value::Int(_) | Value::Float(_)) => read(text).compare(value),
        (Value::Int(_) | Value::Float(_), Value::Text(text)) => found.compare(&read(text)),
        (Value::Bool(flag), Value::Text(text)) | (Value::Text(text), Value::Bool(flag)) => {
            text.eq_ignore_ascii_case(if *flag { "true" } else { "false" }).then_some(Ordering::Equal)
        }
        _ => found.compare(value),
    }
}

/// SQL's `like`, without regard to case. Linear in text × pattern.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let (mut t, mut p, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('%') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '_' || c == text[t] => {
                t += 1;
                p += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    t = from + 1;
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '%')
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |f: &mut fmt::Formatter<'_>, parts: &[Predicate], word: &str| -> fmt::Result {
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    write!(f, " {word} ")?;
                }
                match part {
                    Predicate::And(_) | Predicate::Or(_) => write!(f, "({part})")?,
                    _ => write!(f, "{part}")?,
                }
            }
            Ok(())
        };
        let not = |negated: &bool| if *negated { "not " } else { "" };
        let name = |field: &Spanned<String>| if is_bare(&field.node) { field.node.clone() } else { quoted(&field.node) };
        match self {
            Predicate::And(parts) => join(f, parts, "and"),
            Predicate::Or(parts) => join(f, parts, "or"),
            Predicate::Not(inner) => write!(f, "not ({inner})"),
            Predicate::Compare { field, relation, value } => {
                write!(f, "{} {} {}", name(field), relation.sign(), value.node)
            }
            Predicate::In { field, values, negated } => {
                let values: Vec<String> = values.iter().map(Literal::to_string).collect();
                write!(f, "{} {}in ({})", name(field), not(negated), values.join(", "))
            }
            Predicate::Like { field, pattern, negated } => write!(f, "{} {}like {}", name(field), not(negated), quoted(pattern)),
            Predicate::IsNull { field, negated } => write!(f, "{} is {}null", name(field), not(negated)),
            Predicate::ListEquals { field, list } => write!(f, "{} = {}", name(field), list.node),
        }
    }
}

/// `field = value`, for a filter that a program builds.
pub fn equals(field: &str, value: impl Into<Value>) -> Predicate {
    let nowhere = Span::default();
    Predicate::Compare {
        field: Spanned::new(field.to_owned(), nowhere),
        relation: Relation::Equal,
        value: Spanned::new(Literal::Scalar(value.into()), nowhere),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_knows_percent_and_underscore() {
        assert!(like("BTb-ord-F4", "btb%"));
        assert!(like("abc", "a_c") && !like("abbc", "a_c"));
        assert!(like("", "%") && !like("", "_"));
        assert!(like("aXbXc", "%x%x%") && !like("aXb", "%x%x%"));
    }

    #[test]
    fn missing_fields_are_neither_true_nor_false() {
        let missing = |_: &str| Value::Null;
        let unequal = Predicate::Not(Box::new(equals("pitch", 1i64)));
        assert!(!equals("pitch", 1i64).accepts(&missing));
        assert!(!unequal.accepts(&missing));
        assert!(Predicate::IsNull { field: Spanned::new("pitch".into(), Span::default()), negated: false }.accepts(&missing));
        let or =
            Predicate::Or(vec![unequal, Predicate::IsNull { field: Spanned::new("a".into(), Span::default()), negated: false }]);
        assert!(or.accepts(&missing));
    }

    #[test]
    fn of_a_list_one_member_is_enough() {
        let labels = |_: &str| Value::list(["violin", "flute"]);
        let none = |_: &str| Value::List(Vec::new());
        let field = || Spanned::new("labels".to_owned(), Span::default());
        let relation = |relation, value: &str| Predicate::Compare {
            field: field(),
            relation,
            value: Spanned::new(Literal::Scalar(value.into()), Span::default()),
        };
        let is_in = |negated| Predicate::In {
            field: field(),
            values: ["tuba", "flute"].map(|v| Literal::Scalar(v.into())).into(),
            negated,
        };
        let is_like = |negated| Predicate::Like { field: field(), pattern: "fl%".into(), negated };
        assert!(equals("labels", "violin").accepts(&labels) && equals("labels", "flute").accepts(&labels));
        assert!(!equals("labels", "violin; flute").accepts(&labels) && !equals("labels", "tuba").accepts(&labels));
        assert!(
            !relation(Relation::NotEqual, "violin").accepts(&labels) && relation(Relation::NotEqual, "tuba").accepts(&labels)
        );
        assert!(relation(Relation::Greater, "m").accepts(&labels) && !relation(Relation::Greater, "z").accepts(&labels));
        assert!(is_in(false).accepts(&labels) && !is_in(true).accepts(&labels));
        assert!(is_like(false).accepts(&labels) && !is_like(true).accepts(&labels));
        // Known to have none is not the same as not known.
        assert!(
            relation(Relation::NotEqual, "tuba").accepts(&none) && is_in(true).accepts(&none) && is_like(true).accepts(&none)
        );
        assert!(!equals("labels", "tuba").accepts(&none));
        assert!(!Predicate::IsNull { field: field(), negated: false }.accepts(&none));
        assert!(!is_in(true).accepts(&|_| Value::Null));
    }

    #[test]
    fn a_condition_that_binds_a_field_to_texts_says_which() {
        let id = |id: &str| equals("id", id);
        let list = |ids: &[&str], negated| Predicate::In {
            field: Spanned::new("id".into(), Span::default()),
            values: ids.iter().map(|&id| Literal::Scalar(id.into())).collect(),
            negated,
        };
        let bound = |predicate: &Predicate| predicate.bound_to("id").map(|ids| Vec::from_iter(ids).join(" "));
        assert_eq!(bound(&Predicate::And(vec![equals("midi", 60i64), list(&["b", "a", "c"], false)])).unwrap(), "a b c");
        assert_eq!(bound(&Predicate::And(vec![list(&["b", "a"], false), id("z")])).unwrap(), "z");
        assert_eq!(bound(&Predicate::Or(vec![id("b"), id("a")])).unwrap(), "a b");
        // A number is equal to texts that are written in several ways.
        let open = [
            Predicate::Or(vec![id("b"), equals("midi", 60i64)]),
            Predicate::Not(Box::new(id("a"))),
            list(&["a"], true),
            equals("id", 5i64),
            equals("label", "a"),
        ];
        assert!(open.iter().all(|predicate| predicate.bound_to("id").is_none()));
    }

    #[test]
    fn numbers_meet_their_text() {
        let fold = |_: &str| Value::Int(1);
        assert!(equals("fold", "1").accepts(&fold));
        assert!(!equals("fold", "one").accepts(&fold));
    }

    #[test]
    fn a_bare_word_is_also_the_text_that_is_written() {
        let holds = |condition: &str, found: Value| {
            let text = format!("list clips where {condition}");
            let piece = crate::query::Piece { text: &text, offset: 0 };
            let crate::query::Statement::Command(command) = crate::query::parse(piece).unwrap() else { panic!() };
            command.filter.unwrap().node.accepts(&|_| found.clone())
        };
        for (condition, found) in [
            ("a = true", "True"),
            ("a = True", "true"),
            ("a != false", "True"),
            ("a in (False, TRUE)", "True"),
            ("a = 007", "007"),
            ("a = 1e1", "10"),
            ("a = 12345678901234567890", "12345678901234567890"),
            ("a != 12345678901234567890", "12345678901234567891"),
        ] {
            assert!(holds(condition, found.into()), "{condition} {found}");
        }
        assert!(holds("a = 007", 7i64.into()) && !holds("a = 007", "7x".into()));
        // Kinds that do not compare are unequal, and neither is the greater.
        for condition in ["a != \"x\"", "a not in (\"x\")", "not a = \"x\""] {
            assert!(holds(condition, 7i64.into()) && !holds(condition, Value::Null), "{condition}");
        }
        assert!(!holds("a > \"x\"", 7i64.into()) && !holds("not a > \"x\"", 7i64.into()));
        // By size digits are a number, whatever zeros stand before them; a word is none.
        for condition in ["a > 010", "a > \"010\"", "a > 10", "a >= 12", "a < 100", "not a = 12"] {
            assert!(holds(condition, "012".into()), "{condition}");
        }
        assert!(holds("a > \"09\"", 10i64.into()) && !holds("a > 5", "abc".into()) && !holds("not a > 5", "abc".into()));
    }
}
