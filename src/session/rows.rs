//! `order by` and `limit`: the rows of a result that are kept, and their order. Every statement whose result has a table takes
//! them.
//!
//! ```text
//! classify clips by=class order by f1 limit 3        the first table with a column `f1`: the three worst classes
//! ```
//!
//! In a column's name `_` stands for a space. What has no value (null, NaN) goes before the rest, and with `desc` behind it.
//! Bars that stand for the rows of the table go with them; other figures stay whole.

use crate::diagnostic::{Diagnostic, Span, Spanned, one_of};
use crate::query::bind::count;
use crate::query::{Command, Order, Signature};
use crate::report::{Estimate, Figure, Report, Table};
use crate::value::Value;
use crate::verb::Step;

/// What a statement says of the rows of its result.
#[derive(Debug, Default)]
pub struct Rows {
    order: Option<Spanned<Order>>,
    limit: Option<usize>,
    /// Where its number stands; nowhere for a verb's own limit.
    limit_at: Option<Span>,
}

impl Rows {
    /// Reads `order by` and `limit`.
    ///
    /// # Errors
    /// When the limit is no whole number.
    pub fn of(command: &Command, signature: &Signature) -> Result<Rows, Diagnostic> {
        Ok(Rows {
            order: command.order.clone(),
            limit_at: command.limit.as_ref().map(|limit| limit.span),
            limit: count(command.limit.clone(), "limit", 0)?.or(signature.rows).filter(|&rows| rows > 0),
        })
    }

    /// Only so many rows are kept.
    pub fn first(&self) -> Option<usize> {
        self.limit
    }

    /// The order in which they are the first; none for the table's own.
    pub fn order(&self) -> Option<&Order> {
        self.order.as_ref().map(|order| &order.node)
    }

    /// What `explain` says.
    pub fn steps(&self) -> Vec<Step> {
        let order = self.order.iter().map(|order| {
            let direction = if order.node.descending { ", greatest first" } else { "" };
            Step::new("order", format!("by {}{direction}", order.node.field))
        });
        order.chain(self.limit.map(|rows| Step::new("limit", format!("{rows} rows")))).collect()
    }

    /// Orders and cuts the first table with the column, or the first of all.
    ///
    /// # Errors
    /// When there is no such column, or no table.
    pub fn choose(&self, report: &mut Report) -> Result<(), Diagnostic> {
        let asked = self.order.as_ref().map(|order| order.span).or(self.limit_at);
        if let (Some(span), true) = (asked, report.tables.is_empty()) {
            let fault = Diagnostic::new(format!("the result of `{}` has no table", report.kind)).at(span);
            return Err(fault.expected("a statement that gives rows"));
        }
        let Some((at, mut kept)) = self.ordered(&report.tables)? else { return Ok(()) };
        let Report { tables, figures, notes, .. } = report;
        let Some(table) = tables.get_mut(at) else { return Ok(()) };
        let total = table.rows.len() + std::mem::take(&mut table.more);
        let limit = self.limit.filter(|&limit| limit < total);
        kept.truncate(limit.unwrap_or(total));
        let mut whole = false;
        for figure in figures {
            match figure {
                Figure::Bars { bars, .. } if are_rows(bars.as_slice(), table, total) => {
                    *bars = kept.iter().filter_map(|&row| bars.get(row).cloned()).collect();
                }
                _ => whole = true,
            }
        }
        if self.order.is_some() {
            let rows = &mut table.rows;
            *rows = kept.iter().filter_map(|&row| rows.get_mut(row).map(std::mem::take)).collect();
        }
        if let Some(limit) = limit {
            table.rows.truncate(limit);
            let where_cut = if whole { " in the table" } else { "" };
            notes.push(format!("{limit} of {total} rows{where_cut}; `limit 0` shows all"));
        }
        Ok(())
    }

    /// The table that is meant, and its rows in the order that is asked for.
    fn ordered(&self, tables: &[Table]) -> Result<Option<(usize, Vec<usize>)>, Diagnostic> {
        let Some(Spanned { node: order, span }) = &self.order else {
            return Ok(tables.first().map(|table| (0, (0..table.rows.len() + table.more).collect())));
        };
        let place = |table: &Table| table.columns.iter().position(|column| order.means(&column.name));
        let found = tables.iter().enumerate().find_map(|(at, table)| Some((at, place(table)?)));
        let Some((at, column)) = found else {
            let mut names: Vec<String> = Vec::new();
            for name in tables.iter().flat_map(|table| &table.columns).map(|column| column.name.replace(' ', "_")) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            let names = || names.iter().map(String::as_str);
            let fault = Diagnostic::new(format!("the result has no column `{}`", order.field)).at(*span);
            return Err(fault.expected(one_of(names())).suggest(&order.field, names()));
        };
        let Some(table) = tables.get(at) else { return Ok(None) };
        let cell = |row: usize| table.rows.get(row).and_then(|row| row.get(column));
        let mut rows: Vec<usize> = (0..table.rows.len()).collect();
        rows.sort_by(|&a, &b| order.compare(cell(a), cell(b)));
        Ok(Some((at, rows)))
    }
}

/// Whether each bar stands for a row: as many, and each label in its row.
fn are_rows(bars: &[(String, Estimate)], table: &Table, total: usize) -> bool {
    let named = |(row, (label, _)): (&Vec<Value>, &(String, Estimate))| row.iter().any(|cell| cell.to_string() == *label);
    bars.len() == total && table.rows.iter().zip(bars).all(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(order: Option<(&str, bool)>, limit: Option<usize>) -> Rows {
        let order = order.map(|(field, descending)| Spanned::new(Order { field: field.into(), descending }, Span::new(1, 2)));
        Rows { order, limit, limit_at: limit.map(|_| Span::new(3, 4)) }
    }

    fn report() -> Report {
        let mut first = Table::new(["metric", "value"]);
        first.push(vec!["top1".into(), 0.5.into()]);
        let mut second = Table::new(["class", "best rank"]);
        for (class, rank) in [("a", f64::NAN), ("b", 2.0), ("c", 3.0), ("d", 2.0)] {
            second.push(vec![class.into(), rank.into()]);
        }
        Report { tables: vec![first, second], ..Report::new("classify") }
    }

    fn classes(report: &Report) -> String {
        report.tables[1].rows.iter().map(|row| row[0].to_string()).collect()
    }

    #[test]
    fn the_first_table_with_the_column_is_ordered_and_cut() {
        let mut found = report();
        rows(Some(("Best_rank", true)), Some(3)).choose(&mut found).unwrap();
        assert_eq!((classes(&found).as_str(), found.tables[0].rows.len()), ("cbd", 1));
        assert_eq!(found.notes, ["3 of 4 rows; `limit 0` shows all"]);
        let mut found = report();
        rows(Some(("best_rank", false)), None).choose(&mut found).unwrap();
        assert_eq!(classes(&found), "abdc");
    }

    #[test]
    fn bars_go_with_the_rows_that_they_stand_for() {
        let bars = |labels: &str| {
            let bars = labels.chars().map(|label| (label.to_string(), Estimate::point("n", 1.0))).collect();
            Figure::Bars { title: String::new(), unit: String::new(), bars }
        };
        let mut found = report();
        found.figures = vec![bars("abcd")];
        rows(Some(("best_rank", true)), Some(3)).choose(&mut found).unwrap();
        assert_eq!((&found.figures, classes(&found).as_str()), (&vec![bars("cbd")], "cbd"));
        assert_eq!(found.notes, ["3 of 4 rows; `limit 0` shows all"]);
        // As many bars as rows, but of other things; and another number of them.
        for other in ["abcx", "abc"] {
            let mut found = report();
            found.figures = vec![bars(other)];
            rows(Some(("best_rank", true)), Some(3)).choose(&mut found).unwrap();
            assert_eq!(found.figures, [bars(other)]);
            assert_eq!(found.notes, ["3 of 4 rows in the table; `limit 0` shows all"]);
        }
        found = report();
        found.tables.remove(0);
        found.figures = vec![bars("abcd")];
        rows(None, Some(2)).choose(&mut found).unwrap();
        assert_eq!((&found.figures, found.tables[0].rows.len()), (&vec![bars("ab")], 2));
    }

    #[test]
    fn a_column_or_table_that_is_not_there_is_named() {
        let fault = rows(Some(("clas", false)), None).choose(&mut report()).unwrap_err();
        assert_eq!(fault.message, "the result has no column `clas`");
        assert_eq!(fault.expected.as_deref(), Some("`metric`, `value`, `class` or `best_rank`"));
        assert!(fault.hints[0].contains("`class`"), "{:?}", fault.hints);
        let fault = rows(None, Some(1)).choose(&mut Report::new("use")).unwrap_err();
        assert_eq!((fault.message.as_str(), fault.span), ("the result of `use` has no table", Some(Span::new(3, 4))));
        // Rows that were counted and not made are among all.
        let (mut found, kept) = (report(), rows(None, Some(1)));
        found.tables[0].more = 6;
        kept.choose(&mut found).unwrap();
        assert_eq!((found.notes[0].as_str(), found.tables[0].more), ("1 of 7 rows; `limit 0` shows all", 0));
        let ordered = rows(Some(("class", false)), Some(1));
        assert_eq!((kept.first(), kept.order()), (Some(1), None));
        assert_eq!((ordered.first(), ordered.order().map(|order| order.field.as_str())), (Some(1), Some("class")));
        // A verb's own limit asks for nothing.
        let own = Rows { limit: Some(20), ..Rows::default() };
        assert!(own.choose(&mut Report::new("list")).is_ok());
    }
}
