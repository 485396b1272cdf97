//! `list clips`: the clips of a collection with their metadata.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Spanned};
use crate::embedding::Modality;
use crate::query::signature::Clause;
use crate::query::{Bound, Example, Predicate, Signature};
use crate::report::{Report, Table};
use crate::store::{Collection, Item};
use crate::value::Value;
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, parameters, provenance};
use crate::workspace::{self, builtin_field};

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
    modality: Modality,
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

    /// How many items are gone through.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn work(&self) -> Result<Vec<Step>, Error> {
        let items = self.collection.len(self.modality).map_err(workspace::Error::from)?;
        let items = parameters::whole(usize::try_from(items).unwrap_or(usize::MAX));
        Ok(vec![Step::new("work", format!("{items} items to read"))])
    }

    /// Refuses fields that none of `items` has.
    ///
    /// # Errors
    /// Names the field and those that there are.
    pub fn check_fields(&self, items: &[Item], fields: &[&Spanned<String>]) -> Result<(), Diagnostic> {
        workspace::check_fields(self.collection.name(), self.modality, items, fields)
    }

    /// All items of the modality that pass.
    pub fn items(&self, scope: &Scope<'_>) -> Result<Vec<Item>, Error> {
        let mut all = Vec::new();
        for item in self.collection.items() {
            if scope.progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let item = item.map_err(workspace::Error::from)?;
            if item.modality == self.modality {
                all.push(item);
            }
        }
        let Some(filter) = &self.filter else { return Ok(all) };
        self.check_fields(&all, &filter.fields())?;
        all.retain(|item| filter.accepts(&|field| builtin_field(item, field)));
        Ok(all)
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
        let items = self.selection.items(scope)?;
        let fields: BTreeSet<String> = items.iter().flat_map(|i| i.metadata.keys().cloned()).collect();
        let mut report = Report::new("list");
        report.context = provenance::store_context(scope);
        report.context.collection = Some(self.selection.collection.name().to_owned());
        report.context.n = Some(items.len());
        let mut table = Table::new(std::iter::once("id").chain(fields.iter().map(String::as_str)));
        for mut item in items {
            let cells = fields.iter().map(|f| item.metadata.remove(f).unwrap_or(Value::Null));
            table.push(std::iter::once(Value::from(item.id)).chain(cells).collect());
        }
        report.tables.push(table);
        Ok(report.into())
    }
}
