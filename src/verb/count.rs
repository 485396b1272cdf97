//! `count clips`: how many pass a condition, in all or by the values of a field.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Spanned;
use crate::query::signature::Clause;
use crate::query::{Bound, Example, Signature};
use crate::report::{Estimate, Figure, Report, Table};
use crate::value::Value;
use crate::verb::list::Selection;
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, provenance};
use crate::workspace::{Known, field_of};

pub struct Count;

static SIGNATURE: Signature = Signature {
    name: "count",
    summary: "counts the clips that pass a condition",
    usage: &["count clips [in C] [where PREDICATE] [by FIELD]"],
    about: "With `by FIELD` a row for each value of the field; of a list, such as `labels`, a row for each member, so that a clip \
            counts once in each. A condition that no clip passes counts 0.",
    subjects: &["clip", "label"],
    clauses: &[Clause::In, Clause::Where, Clause::By],
    examples: &[
        Example { statement: "count clips", gives: "the number of clips" },
        Example { statement: "count clips where dynamic in (\"mf\", \"ff\") by label", gives: "a row an instrument" },
    ],
    ..Signature::BARE
};

impl Verb for Count {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(0, &SIGNATURE)?;
        Ok(Box::new(CountPlan { selection: Selection::of(&bound, scope)?, by: bound.by }))
    }
}

struct CountPlan {
    selection: Selection,
    by: Option<Spanned<String>>,
}

impl Plan for CountPlan {
    fn steps(&self) -> Vec<Step> {
        let mut steps = self.selection.steps();
        steps.extend(self.by.iter().map(|field| Step::new("group", format!("by {}", field.node))));
        steps
    }

    fn estimate(&self, _: &Scope<'_>) -> Result<Vec<Step>, Error> {
        match (&self.by, self.selection.counted()?) {
            (None, Some(_)) => Ok(vec![Step::new("work", "none: the collection knows its number")]),
            _ => self.selection.work(),
        }
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let (mut n, mut known, mut groups) = (0usize, Known::default(), Groups::default());
        match (&self.by, self.selection.counted()?) {
            (None, Some(counted)) => n = counted,
            (None, None) => self.selection.each(scope, &mut |_| n += 1)?,
            (Some(field), _) => self.selection.each(scope, &mut |item| {
                n += 1;
                known.see(&item);
                groups.take(field_of(&item, &field.node));
            })?,
        }
        let collection = self.selection.collection.name();
        let mut report = Report::new("count");
        report.context = provenance::store_context(scope);
        report.context.collection = Some(collection.to_owned());
        report.context.n = Some(n);
        self.selection.note_no_texts(&mut report.notes)?;
        let Some(field) = &self.by else {
            let mut table = Table::new(["count"]);
            table.push(vec![n.into()]);
            report.tables.push(table);
            return Ok(report.into());
        };
        if n > 0 {
            known.check(collection, self.selection.modality, &[field])?;
        }
        if groups.listed {
            report.notes.push(format!("`{}` is a list: a clip counts once in each of its members", field.node));
        }
        let mut table = Table::new([field.node.as_str(), "count"]);
        let mut bars = Vec::new();
        for (Key(value), n) in groups.of {
            bars.push((value.to_string(), Estimate::count("count", n)));
            table.push(vec![value, n.into()]);
        }
        report.tables.push(table);
        report.figures.push(Figure::Bars { title: format!("clips by {}", field.node), unit: String::new(), bars });
        Ok(report.into())
    }
}

/// How many items have each value.
#[derive(Default)]
struct Groups {
    of: BTreeMap<Key, usize>,
    /// One of them was a list.
    listed: bool,
}

impl Groups {
    fn take(&mut self, value: Value) {
        self.listed |= value.is_list();
        // Without a value, or with none in its list, it counts under none.
        let values = if value.members().is_empty() { &[Value::Null] } else { value.members() };
        let mut seen = BTreeSet::new();
        for value in values {
            if seen.insert(Key(value.clone())) {
                *self.of.entry(Key(value.clone())).or_insert(0) += 1;
            }
        }
    }
}

/// A value as it is told from others: 1 is 1.0, and neither is the text "1", nor is no value the text "".
struct Key(Value);

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.sort_order(&other.0)
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_different_kinds_are_different_groups() {
        let mut groups = Groups::default();
        let values = [Value::Null, "".into(), true.into(), "true".into(), 1i64.into(), "1".into(), 1.0.into()];
        values.into_iter().for_each(|value| groups.take(value));
        groups.take(Value::list([1i64.into(), Value::from("1"), 1.0.into()]));
        let found: Vec<_> = groups.of.into_iter().map(|(Key(value), n)| (value, n)).collect();
        let one = |value: &str, n: usize| (Value::from(value), n);
        let others = [(Value::Null, 1), (true.into(), 1), (1i64.into(), 3)];
        assert_eq!(found, Vec::from_iter(others.into_iter().chain([one("", 1), one("1", 2), one("true", 1)])));
    }
}
