//! `expect`: a condition on the result before it, which makes a query file a regression test.
//!
//! ```text
//! expect top1 > 0.4 and top1.low > chance
//! ```

use super::Failure;
use crate::diagnostic::{Diagnostic, Spanned, one_of};
use crate::query::Predicate;
use crate::report::{Report, Table};
use crate::value::Value;

/// Holds a condition against what the statement before [`measured`]: its metrics (`top1`, `top1.low`) and context (`n`,
/// `chance`), on both sides.
///
/// # Errors
/// When there is no such result, it has no such number, or the condition does not hold.
pub(super) fn expect(last: Option<&[(String, Value)]>, predicate: &Spanned<Predicate>) -> Result<Report, Failure> {
    let Some(values) = last else {
        let fault = Diagnostic::new("there is no result before `expect`").at(predicate.span);
        return Err(fault.expected("a statement with a result before it").into());
    };
    for field in predicate.node.fields() {
        if !values.iter().any(|(name, _)| *name == field.node) {
            let names = || values.iter().map(|(name, _)| name.as_str());
            let fault = Diagnostic::new(format!("the result has no number `{}`", field.node)).at(field.span);
            return Err(fault.expected(one_of(names())).suggest(&field.node, names()).into());
        }
    }
    let find = |name: &str| values.iter().find(|(known, _)| known == name).map_or(Value::Null, |(_, v)| v.clone());
    // What stands on the right may be a name as well: `expect top1 > chance`.
    let mut resolved = predicate.node.clone();
    resolved.resolve(&|field, text| match (find(field), find(text.node)) {
        (Value::Text(_) | Value::Null, Value::Null) => Ok(None),
        (_, Value::Null) => {
            let numbers = || values.iter().filter(|(_, v)| v.as_f64().is_some()).map(|(name, _)| name.as_str());
            let fault = Diagnostic::new(format!("`{}` is neither a number nor the name of one", text.node)).at(text.span);
            Err(fault.expected("a number, or the name of one, as in `top1 > chance`").suggest(text.node, numbers()))
        }
        (_, named) => Ok(Some(named)),
    })?;
    if resolved.accepts(&find) {
        let mut report = Report::new("expect");
        report.notes.push(format!("as expected: {}", predicate.node));
        return Ok(report);
    }
    let told = |name: &str| match find(name) {
        Value::Null => format!("`{name}` has no value"),
        value => format!("{name} = {value}"),
    };
    let mut found: Vec<String> = predicate.node.fields().iter().map(|f| told(&f.node)).collect();
    if resolved != predicate.node {
        found.push(format!("which is not {resolved}"));
    }
    Err(Diagnostic::new(format!("not as expected: {}", found.join(", ")))
        .at(predicate.span)
        .expected(predicate.node.to_string())
        .into())
}

/// Every number of a report by the name that `expect` knows it by.
pub(super) fn measured(report: &Report) -> Vec<(String, Value)> {
    let mut values = Vec::new();
    for metric in &report.metrics {
        values.push((metric.name.clone(), Value::from(metric.value)));
        values.push((format!("{}.low", metric.name), metric.low.into()));
        values.push((format!("{}.high", metric.name), metric.high.into()));
    }
    values.push(("n".into(), report.context.n.into()));
    values.push(("recall".into(), report.context.recall.into()));
    values.push(("rows".into(), report.tables.first().map(|t| t.rows.len()).into()));
    values.extend(report.context.extra.iter().cloned());
    // A table of one row is a list of named numbers.
    if let Some(Table { columns, rows, .. }) = report.tables.first()
        && let [row] = rows.as_slice()
    {
        values.extend(columns.iter().map(|c| c.name.clone()).zip(row.iter().cloned()));
    }
    // What is undefined has no value: `expect pr_auc is null`.
    for (_, value) in &mut values {
        if matches!(value, Value::Float(float) if float.is_nan()) {
            *value = Value::Null;
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Piece, Statement, parse};
    use crate::report::Estimate;

    #[test]
    fn an_undefined_metric_is_null() {
        let mut report = Report::new("classify");
        report.metrics.push(Estimate::point("pr_auc", f64::NAN));
        let holds = |text: &str| {
            let Ok(Statement::Expect(condition)) = parse(Piece { text, offset: 0 }) else { panic!("{text}") };
            expect(Some(&measured(&report)), &condition).is_ok()
        };
        assert!(holds("expect pr_auc is null and \"pr_auc.low\" is null"));
        assert!(!holds("expect pr_auc is not null") && !holds("expect pr_auc < 1") && !holds("expect pr_auc != 1"));
    }
}
