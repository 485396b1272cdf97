//! `list clips`: the clips of a collection with their metadata.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Spanned, one_of};
use crate::embedding::Modality;
use crate::query::signature::Clause;
use crate::query::{Bound, Example, Order, Predicate, Signature};
use crate::report::{Report, Table};
use crate::store::{Collection, Item};
use crate::value::Value;
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, provenance};
use crate::workspace::builtin_field;

pub struct List;

static SIGNATURE: Signature = Signature {
    name: "list",
    summary: "lists the clips, or the labels, of a collection with their metadata",
    usage: &["list clips [in C] [where PREDICATE] [order by FIELD [desc]] [limit N]"],
    about: "One row an item: its id and its metadata. Without `limit`, 20 rows; `limit 0` is all.",
    subjects: &["clip", "label"],
    clauses: &[Clause::In, Clause::Where, Clause::OrderBy, Clause::Limit],
    examples: &[Example {
        statement: "list clips where label=\"violin\" order by midi desc limit 5",
        gives: "the five highest violin notes",
    }],
    ..Signature::BARE
};

const LIMIT: usize = 20;

impl Verb for List {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(0, &SIGNATURE)?;
        let selection = Selection::of(&bound, scope)?;
        Ok(Box::new(ListPlan { selection, order: bound.order, limit: bound.limit.unwrap_or(LIMIT) }))
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

    /// All items of the modality that pass.
    pub fn items(&self, scope: &Scope<'_>) -> Result<Vec<Item>, Error> {
        let mut all = Vec::new();
        for item in self.collection.items() {
            if scope.progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let item = item.map_err(crate::workspace::Error::from)?;
            if item.modality == self.modality {
                all.push(item);
            }
        }
        let Some(filter) = &self.filter else { return Ok(all) };
        scope.workspace.check_fields(self.collection.name(), all.iter(), filter)?;
        all.retain(|item| filter.accepts(&|field| builtin_field(item, field)));
        Ok(all)
    }
}

struct ListPlan {
    selection: Selection,
    order: Option<Spanned<Order>>,
    limit: usize,
}

impl Plan for ListPlan {
    fn steps(&self) -> Vec<Step> {
        let mut steps = self.selection.steps();
        if let Some(Spanned { node: order, .. }) = &self.order {
            steps.push(Step::new(
                "order",
                format!("by {}{}", order.field, if order.descending { ", greatest first" } else { "" }),
            ));
        }
        steps.push(Step::new("limit", if self.limit == 0 { "none".to_owned() } else { self.limit.to_string() }));
        steps
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let mut items = self.selection.items(scope)?;
        let total = items.len();
        let fields: BTreeSet<String> = items.iter().flat_map(|i| i.metadata.keys().cloned()).collect();
        if let Some(Spanned { node: order, span }) = &self.order {
            if order.field != "id" && !fields.contains(&order.field) {
                let known = || fields.iter().map(String::as_str).chain(["id"]);
                let fault = Diagnostic::new(format!("the clips have no field `{}`", order.field)).at(*span);
                return Err(fault
                    .expected(format!("one of the fields {}", one_of(known())))
                    .suggest(&order.field, known())
                    .into());
            }
            items.sort_by(|a, b| {
                let order_of = builtin_field(a, &order.field).sort_order(&builtin_field(b, &order.field));
                let directed: Ordering = if order.descending { order_of.reverse() } else { order_of };
                directed.then(a.seq.cmp(&b.seq))
            });
        }
        if self.limit > 0 {
            items.truncate(self.limit);
        }
        let mut report = Report::new("list");
        report.context = provenance::store_context(scope);
        report.context.collection = Some(self.selection.collection.name().to_owned());
        report.context.n = Some(total);
        let mut table = Table::new(std::iter::once("id").chain(fields.iter().map(String::as_str)));
        for item in &items {
            let cells = fields.iter().map(|f| item.metadata.get(f).cloned().unwrap_or(Value::Null));
            table.push(std::iter::once(Value::from(item.id.as_str())).chain(cells).collect());
        }
        if items.len() < total {
            report.notes.push(format!("{} of {total} rows; `limit 0` shows all", items.len()));
        }
        report.tables.push(table);
        Ok(report.into())
    }
}
