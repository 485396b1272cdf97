//! `compare`: the same measure under two settings, on the same items.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Span, Spanned, one_of};
use crate::metric::Bootstrap;
use crate::query::signature::{Clause, shared};
use crate::query::statement::With;
use crate::query::{Argument, Bound, Command, Example, Signature, Statement, bind};
use crate::report::{Context, Estimate, Figure, Report, Table};
use crate::value::Value;
use crate::verb::pairing::{PERMUTATIONS, Pairing};
use crate::verb::trial::Trial;
use crate::verb::{self, Error, Outcome, Plan, Scope, Step, Verb, parameters, provenance};

pub struct Compare;

static SIGNATURE: Signature = Signature {
    name: "compare",
    summary: "two statements, or two results that `let` named, on the same items: differences, intervals and tests",
    usage: &["compare (STATEMENT) with (STATEMENT)", "compare NAME with NAME"],
    about: "Every number is first minus second. Items pair by id (clips), by name (labels) or by anchor (triplets); when the two sides \
            have different clips, different labels for a clip, different classes, or groups by two fields, `compare` refuses and names the difference. \
            So two models, prompts, spaces, or texts and prototypes compare wherever both have the items. Each shared metric gets its \
            difference with a percentile bootstrap interval in which both sides are resampled together (over groups, when a side has \
            `by FIELD`). `top1` also gets McNemar's exact test. A quantity that every item has (a clip's reciprocal rank, separation or \
            margin, a query's average precision, an anchor's part of the accuracy) gets a permutation test that flips signs: all patterns where \
            there are at most 10,000, else 10,000 seeded ones. p is two-sided and not corrected; a sweep (`prompts=`) lists its \
            prompts against the best with Holm's correction over all pairs of prompts. `resamples=`, `confidence=` and `seed=` stand \
            after the second bracket.",
    clauses: &[Clause::With],
    parameters: &[shared::RESAMPLES, shared::CONFIDENCE, shared::SEED],
    examples: &[
        Example {
            statement: "compare (classify clips where prompt=\"A <> track\") with (classify clips where prompt=\"A no <> track\")",
            gives: "what a negation costs, with McNemar's p",
        },
        Example {
            statement: "compare (classify clips using prototypes space=joint) with (classify clips using prototypes space=pre-joint)",
            gives: "what the projection costs or gains",
        },
        Example {
            statement: "compare (triplets ontology=hdio labels=tinysol) with (triplets ontology=hdio labels=tinysol convention=released)",
            gives: "two conventions, paired by anchor",
        },
    ],
    ..Signature::BARE
};

impl Verb for Compare {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(1, &SIGNATURE)?;
        let first = match bound.arguments.first() {
            Some(Argument::Nested(statement)) => Side::planned(&statement.node, statement.span, scope)?,
            Some(Argument::Word(name)) => Side::named(name, scope)?,
            Some(other) => return Err(needs(other.span()).into()),
            None => return Err(needs(bound.verb.span).into()),
        };
        let second = match &bound.with {
            Some(Spanned { node: With::Statement(statement), span }) => Side::planned(statement, *span, scope)?,
            Some(Spanned { node: With::Name(name), span }) => Side::named(&Spanned::new(name.clone(), *span), scope)?,
            None => return Err(needs(bound.verb.span).into()),
        };
        Ok(Box::new(ComparePlan { first, second, bootstrap: parameters::bootstrap(&bound), span: bound.verb.span }))
    }
}

fn needs(span: Span) -> Diagnostic {
    Diagnostic::new("`compare` needs two sides")
        .at(span)
        .expected("`compare (STATEMENT) with (STATEMENT)` or `compare NAME with NAME`")
}

/// Refuses what a side says of its own intervals and tables, which `compare` does not look at.
fn refuse_inside(bound: &Bound, signature: &Signature) -> Result<(), Diagnostic> {
    // The seed of a verb with `sample=` also draws its items.
    let draws = signature.parameter("sample").is_some();
    let mut of_both = ["resamples", "confidence", "seed"].into_iter().filter(|word| !(draws && *word == "seed"));
    if let Some((word, span)) = of_both.find_map(|word| Some((word, bound.written(word)?))) {
        let fault = Diagnostic::new(format!("`{word}` says nothing to one side: both are resampled together")).at(span);
        return Err(fault.expected(format!("`{word}=…` after the second bracket")));
    }
    bound.refuse(&["by", "confusion"], "one side of a comparison, which is not shown by itself")
}

/// What stands in brackets begins with no verb; it may be a name, which stands without them.
fn no_verb(word: &Spanned<String>, scope: &Scope<'_>) -> Diagnostic {
    if !scope.named.contains_key(&word.node) {
        return verb::unknown(word, &[]);
    }
    let fault = Diagnostic::new(format!("`{}` is the name of a result and no statement", word.node)).at(word.span);
    fault.expected(format!("`{}` without brackets", word.node)).hint("results compare by name as in `compare NAME with NAME`")
}

/// One side of a comparison.
enum Side {
    Planned { text: String, plan: Box<dyn Plan>, span: Span },
    Named { name: String, outcome: Box<Outcome>, span: Span },
}

impl Side {
    fn planned(statement: &Statement, span: Span, scope: &Scope<'_>) -> Result<Side, Error> {
        let Statement::Command(command) = statement else {
            return Err(Diagnostic::new("only statements with a result compare")
                .at(span)
                .expected("a statement that begins with a verb")
                .into());
        };
        let Command { text, verb: word, .. } = command.as_ref();
        let shown = [
            command.format.as_ref().or(command.into.as_ref()).map(|clause| clause.span),
            command.order.as_ref().map(|order| order.span),
            command.limit.as_ref().map(|limit| limit.span),
        ];
        if let Some(span) = shown.into_iter().flatten().next() {
            let fault = Diagnostic::new("one side of a comparison is not shown by itself").at(span);
            return Err(fault.expected("`order by`, `limit`, `as` and `into` after the second bracket").into());
        }
        let Some(found) = verb::find(&word.node) else { return Err(no_verb(word, scope).into()) };
        let bound = bind((**command).clone(), found.signature(), scope.settings)?;
        refuse_inside(&bound, found.signature())?;
        let plan = found.plan(bound, scope)?;
        Ok(Side::Planned { text: text.clone(), plan, span })
    }

    fn named(name: &Spanned<String>, scope: &Scope<'_>) -> Result<Side, Error> {
        if let Some(outcome) = scope.named.get(&name.node) {
            return Ok(Side::Named { name: name.node.clone(), outcome: Box::new(outcome.clone()), span: name.span });
        }
        let known = || scope.named.keys().map(String::as_str);
        let fault = Diagnostic::new(format!("no result is named `{}`", name.node)).at(name.span);
        Err(match scope.named.is_empty() {
            true => fault.expected("a statement in brackets").hint("`let NAME = STATEMENT` names a result"),
            false => fault.expected(one_of(known())).suggest(&name.node, known()),
        }
        .into())
    }

    fn title(&self) -> &str {
        match self {
            Side::Planned { text, .. } => text,
            Side::Named { name, .. } => name,
        }
    }

    /// The report and the items that it was measured on.
    fn run(&self, scope: &Scope<'_>) -> Result<(Report, Arc<Trial>), Error> {
        let (outcome, span) = match self {
            Side::Planned { plan, span, .. } => (plan.run(scope)?, *span),
            Side::Named { outcome, span, .. } => (Outcome::clone(outcome), *span),
        };
        match outcome.trial {
            Some(trial) => Ok((outcome.report, trial)),
            None => {
                let fault = Diagnostic::new(format!("`{}` has no items to pair", self.title())).at(span);
                let fault =
                    fault.expected("one result of `classify`, `similarity`, `margin`, `retrieve` or `triplets` over a set");
                Err(fault.hint("a sweep (`prompts=`) and `space=all` hold several results, and compare them themselves").into())
            }
        }
    }
}

struct ComparePlan {
    first: Side,
    second: Side,
    bootstrap: Bootstrap,
    span: Span,
}

impl Plan for ComparePlan {
    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (stage, side) in [("first", &self.first), ("second", &self.second)] {
            steps.push(Step::new(stage, side.title()));
            if let Side::Planned { plan, .. } = side {
                steps.extend(plan.steps());
            }
        }
        steps.push(Step::new("pairing", "items by name; refused where they differ"));
        steps.push(Step::new("intervals", format!("{} resamples of both sides together", self.bootstrap.resamples)));
        steps.push(Step::new("tests", format!("McNemar's exact test; sign flips, all patterns or {PERMUTATIONS}")));
        steps
    }

    fn estimate(&self, scope: &Scope<'_>) -> Result<Vec<Step>, Error> {
        let mut steps = Vec::new();
        for side in [&self.first, &self.second] {
            if let Side::Planned { plan, .. } = side {
                steps.extend(plan.estimate(scope)?);
            }
        }
        Ok(steps)
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let (first, a) = self.first.run(scope)?;
        let (second, b) = self.second.run(scope)?;
        let pairing = Pairing::new(&a, &b).map_err(|fault| fault.at(self.span))?;
        let sampled = pairing.differences(&self.bootstrap, scope.progress)?;

        let mut report = Report::new("compare");
        report.context = shared_context(&first.context, &second.context);
        report.context.n = Some(pairing.len());
        provenance::sampled(&mut report.context, &self.bootstrap);
        report.context.fact("first", self.first.title());
        report.context.fact("second", self.second.title());
        report.context.fact("difference", "first minus second");
        report.context.fact("paired", a.unit);
        if pairing.grouped() {
            report.context.fact("resampled_by", "groups");
        }
        if pairing.unmatched() > 0 {
            report.notes.push(format!("{} {} are on one side only", pairing.unmatched(), a.unit));
        }
        report.notes.extend(sampled.notes());

        let (first_values, second_values) = pairing.points(scope.progress)?;
        let mut table = Table::new(["metric", "first", "second", "difference", "low", "high"]);
        let mut bars = Vec::new();
        for ((d, a), b) in sampled.estimates.iter().zip(first_values).zip(second_values) {
            table.push(vec![d.name.as_str().into(), a.into(), b.into(), d.value.into(), d.low.into(), d.high.into()]);
            bars.push((d.name.clone(), d.clone()));
            report.metrics.push(Estimate { name: format!("{}_difference", d.name), ..d.clone() });
        }
        report.tables.push(table);
        self.tests(&pairing, &mut report, scope)?;
        report.tables.push(settings(&first.context, &second.context));
        report.figures.push(Figure::Bars { title: "first minus second".into(), unit: String::new(), bars });
        Ok(report.into())
    }
}

impl ComparePlan {
    fn tests(&self, pairing: &Pairing<'_>, report: &mut Report, scope: &Scope<'_>) -> Result<(), Error> {
        let mut table = Table::new(["test", "of", "n", "difference", "only first", "only second", "p"]).titled("tests");
        if let Some(test) = pairing.mcnemar()? {
            let count = |n: u64| Value::from(usize::try_from(n).unwrap_or(usize::MAX));
            let difference = (test.only_a as f64 - test.only_b as f64) / test.items as f64;
            let (only_a, only_b) = (count(test.only_a), count(test.only_b));
            table.push(vec![
                "McNemar, exact".into(),
                "top1".into(),
                test.items.into(),
                difference.into(),
                only_a,
                only_b,
                test.p.into(),
            ]);
            report.metrics.push(Estimate::point("mcnemar_p", test.p));
            if pairing.grouped() {
                report.notes.push("McNemar's test takes items for independent, also where groups are resampled".into());
            }
        }
        for (name, n, test) in pairing.flips(self.bootstrap.seed, scope.progress)? {
            let how = if test.exact {
                "sign flips, all patterns".to_owned()
            } else {
                format!("sign flips, {} patterns", test.permutations)
            };
            table.push(vec![how.into(), name.into(), n.into(), test.difference.into(), Value::Null, Value::Null, test.p.into()]);
            report.metrics.push(Estimate::point(&format!("{name}_p"), test.p));
        }
        report.tables.push(table);
        Ok(())
    }
}

/// What both sides agree in, and the wording of either's prompts.
fn shared_context(a: &Context, b: &Context) -> Context {
    fn same<T: Clone + PartialEq>(a: &Option<T>, b: &Option<T>) -> Option<T> {
        if a == b { a.clone() } else { None }
    }
    Context {
        store: same(&a.store, &b.store),
        collection: same(&a.collection, &b.collection),
        model: same(&a.model, &b.model),
        model_hash: same(&a.model_hash, &b.model_hash),
        space: same(&a.space, &b.space),
        prompts: if a.prompts == b.prompts { a.prompts.clone() } else { Vec::new() },
        similarity: same(&a.similarity, &b.similarity),
        exact: same(&a.exact, &b.exact),
        wording: a.wording.iter().chain(&b.wording).cloned().collect(),
        ..Default::default()
    }
}

/// What the sides differ in.
fn settings(a: &Context, b: &Context) -> Table {
    let mut table = Table::new(["setting", "first", "second"]).titled("what differs");
    let facts = |c: &Context| {
        let mut all: Vec<(String, Value)> = vec![
            ("collection".into(), c.collection.clone().into()),
            ("model".into(), c.model.clone().into()),
            ("model_hash".into(), c.model_hash.clone().into()),
            ("space".into(), c.space.clone().into()),
            ("prompts".into(), c.prompts.join(", ").into()),
            ("seed".into(), c.seed.and_then(|s| i64::try_from(s).ok()).into()),
            ("n".into(), c.n.into()),
        ];
        all.extend(c.extra.iter().cloned());
        all
    };
    let (first, second) = (facts(a), facts(b));
    let value =
        |list: &[(String, Value)], name: &str| list.iter().find(|(n, _)| n == name).map_or(Value::Null, |(_, v)| v.clone());
    let only_second = second.iter().filter(|(name, _)| !first.iter().any(|(n, _)| n == name));
    for (name, _) in first.iter().chain(only_second) {
        let (x, y) = (value(&first, name), value(&second, name));
        if x != y {
            table.push(vec![name.as_str().into(), x, y]);
        }
    }
    table
}
