//! `list clips`: the clips of a collection with their metadata.

use std::collections::BTreeMap;

use crate::embedding::Modality;
use crate::query::signature::Clause;
use crate::query::{Bound, Example, Order, Predicate, Signature};
use crate::report::{Report, Table};
use crate::store::{Collection, Item};
use crate::value::Value;
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, parameters, provenance};
use crate::workspace::{self, ID, Source};

pub struct List;

static SIGNATURE: Signature = Signature {
    name: "list",
    summary: "lists the clips, or the labels, of a collection with their metadata",
    usage: &["list clips [in C] [where PREDICATE] [order by FIELD [desc]] [limit N]"],
    about: "One row an item: its id and its metadata. Without `limit`, 20 rows; `limit 0` is all.",
    subjects: &["clip", "label"],
    clauses: &[Clause::In, Clause::Where],
    rows: Some(20),
    examples: &[Example {
        statement: "list clips where label=\"violin\" order by midi desc limit 5",
        gives: "the five highest violin notes",
    }],
    ..Signature::BARE
};

impl Verb for List {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(0, &SIGNATURE)?;
        Ok(Box::new(ListPlan { selection: Selection::of(&bound, scope)? }))
    }
}

/// Items of a collection that pass a filter.
pub struct Selection {
    pub collection: Collection,
    pub modality: Modality,
    filter: Option<Predicate>,
}

impl Selection {
    pub fn of(bound: &Bound, scope: &Scope<'_>) -> Result<Selection, Error> {
        let collection = scope.workspace.collection_or_default(bound.collection.as_ref(), scope.default_collection())?;
        let modality = if bound.has("label") { Modality::Text } else { Modality::Audio };
        Ok(Selection { collection, modality, filter: bound.filter.clone() })
    }

    pub fn steps(&self) -> Vec<Step> {
        let mut steps = vec![Step::new("collection", self.collection.name())];
        steps.extend(self.filter.iter().map(|f| Step::new("filter", f.to_string())));
        steps
    }

    /// How many items are gone through, or looked up.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn work(&self) -> Result<Vec<Step>, Error> {
        if let Some(ids) = self.filter.as_ref().and_then(|filter| filter.bound_to(ID)) {
            return Ok(vec![Step::new("work", format!("{} items to look up", ids.len()))]);
        }
        let items = parameters::whole(usize::try_from(self.all()?).unwrap_or(usize::MAX));
        Ok(vec![Step::new("work", format!("{items} items to read"))])
    }

    /// How many pass, where that is known without going through them.
    ///
    /// # Errors
    /// As [`Selection::work`].
    pub fn counted(&self) -> Result<Option<usize>, Error> {
        let all = if self.filter.is_none() { Some(self.all()?) } else { None };
        Ok(all.and_then(|all| usize::try_from(all).ok()))
    }

    /// Where the labels are, when labels are asked of a collection without texts of its own.
    ///
    /// # Errors
    /// As [`Selection::work`].
    pub fn note_no_texts(&self, notes: &mut Vec<String>) -> Result<(), Error> {
        if self.modality == Modality::Text && self.all()? == 0 {
            let name = self.collection.name();
            notes.push(format!("`{name}` holds no texts; the labels of clips are their field `label`: `count clips by label`"));
        }
        Ok(())
    }

    fn all(&self) -> Result<u64, Error> {
        Ok(self.collection.len(self.modality).map_err(workspace::Error::from)?)
    }

    /// Gives `take` each item that passes.
    ///
    /// # Errors
    /// As [`Source::each`].
    pub fn each(&self, scope: &Scope<'_>, take: &mut dyn FnMut(Item)) -> Result<(), Error> {
        let source = Source { collection: &self.collection, modality: self.modality, space: None };
        Ok(source.each(self.filter.as_ref(), scope.progress, take)?)
    }
}

struct ListPlan {
    selection: Selection,
}

impl Plan for ListPlan {
    fn steps(&self) -> Vec<Step> {
        self.selection.steps()
    }

    fn estimate(&self, _: &Scope<'_>) -> Result<Vec<Step>, Error> {
        self.selection.work()
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let listed = self.listed(scope.first, scope)?;
        // Which of two fields of one name is meant is known only at the end, and then rows may be gone that were of the first.
        let listed = if listed.unclear { self.listed(None, scope)? } else { listed };
        let mut report = Report::new("list");
        report.context = provenance::store_context(scope);
        report.context.collection = Some(self.selection.collection.name().to_owned());
        report.context.n = Some(listed.rows.len() + listed.more);
        report.tables.push(listed.table());
        self.selection.note_no_texts(&mut report.notes)?;
        Ok(report.into())
    }
}

impl ListPlan {
    fn listed<'a>(&self, first: Option<usize>, scope: &Scope<'a>) -> Result<Listed<'a>, Error> {
        let by = scope.order.filter(|order| order.means(ID)).map(|_| 0);
        let mut listed = Listed { first, order: scope.order, by, ..Listed::default() };
        self.selection.each(scope, &mut |item| listed.take(item))?;
        Ok(listed)
    }
}

/// Rows beyond those that are wanted, which are read before they are put in order.
const ROOM: usize = 1024;

/// Items as rows, while they are read.
#[derive(Default)]
struct Listed<'a> {
    /// The places of the fields in a row, in which they stand as they were first seen; the id stands before them.
    columns: BTreeMap<String, usize>,
    rows: Vec<Vec<Value>>,
    /// Only so many rows are wanted.
    first: Option<usize>,
    /// The order in which they are the first; else that of arrival.
    order: Option<&'a Order>,
    /// The place in a row of the cell that it is put in order by.
    by: Option<usize>,
    /// Several fields have the name that it is ordered by.
    unclear: bool,
    more: usize,
}

impl Listed<'_> {
    fn take(&mut self, item: Item) {
        for field in item.metadata.keys() {
            if !self.columns.contains_key(field) {
                let at = self.columns.len() + 1;
                // The id stands before a field of its name.
                if self.by != Some(0) && self.order.is_some_and(|order| order.means(field)) {
                    self.unclear |= self.by.replace(at).is_some();
                }
                self.columns.insert(field.clone(), at);
            }
        }
        if self.order.is_none() && self.first.is_some_and(|first| self.rows.len() >= first) {
            self.more += 1;
            return;
        }
        let mut row = vec![Value::Null; self.columns.len() + 1];
        let fields = item.metadata.into_iter().filter_map(|(field, value)| Some((*self.columns.get(&field)?, value)));
        for (at, value) in std::iter::once((0, Value::from(item.id))).chain(fields) {
            if let Some(cell) = row.get_mut(at) {
                *cell = value;
            }
        }
        self.rows.push(row);
        self.cut();
    }

    /// Once there is no more room, only the rows that are first in the order are kept; of equal ones those that came first.
    fn cut(&mut self) {
        let (Some(first), Some(order)) = (self.first, self.order) else { return };
        if self.rows.len() < first.saturating_add(first.max(ROOM)) {
            return;
        }
        let by = self.by;
        self.rows.sort_by(|a, b| order.compare(cell_of(a, by), cell_of(b, by)));
        self.more += self.rows.len() - first;
        self.rows.truncate(first);
    }

    fn table(self) -> Table {
        let mut table = Table::new(std::iter::once("id").chain(self.columns.keys().map(String::as_str)));
        for mut row in self.rows {
            let cell = |&at: &usize| row.get_mut(at).map_or(Value::Null, |cell| std::mem::replace(cell, Value::Null));
            table.push(std::iter::once(&0).chain(self.columns.values()).map(cell).collect());
        }
        Table { more: self.more, ..table }
    }
}

fn cell_of(row: &[Value], at: Option<usize>) -> Option<&Value> {
    row.get(at?)
}
