//! `space=all`: the same statement before and after the projection, side by side, with the paired difference.

use crate::diagnostic::Spanned;
use crate::embedding::Stage;
use crate::metric::Bootstrap;
use crate::query::signature::{Kind, Parameter};
use crate::query::{Bound, Literal};
use crate::report::{Estimate, Figure, Table};
use crate::value::Value;
use crate::verb::labelled::TIES;
use crate::verb::pairing::Pairing;
use crate::verb::{Error, Outcome, Plan, Scope, Step, parameters};

/// `space=` of the verbs that take both.
pub const SPACE: Parameter = Parameter {
    name: "space",
    kind: Kind::Choice(&["joint", "pre-joint", "all"]),
    default: "joint",
    help: "before or after the projection, or `all` for both and their difference",
};

/// Makes a statement's plan for the space that it names, or for both.
type Make<'m> = &'m dyn Fn(Bound, Stage, &Scope<'_>) -> Result<Box<dyn Plan>, Error>;

/// Plans the statement for its space, or for both.
///
/// # Errors
/// Those of `make`.
pub fn each(bound: Bound, scope: &Scope<'_>, make: Make<'_>) -> Result<Box<dyn Plan>, Error> {
    let all = bound.text_of("space").filter(|s| s.node.eq_ignore_ascii_case("all")).map(|s| s.span);
    let Some(span) = all else {
        let stage = parameters::stage(&bound);
        return make(bound, stage, scope);
    };
    let bootstrap = parameters::bootstrap(&bound);
    let one = |stage: Stage| {
        let mut bound = bound.clone();
        bound.parameters.insert("space", Spanned::new(Literal::Scalar(Value::Text(stage.to_string())), span));
        make(bound, stage, scope)
    };
    Ok(Box::new(Both { joint: one(Stage::Joint)?, pre_joint: one(Stage::PreJoint)?, bootstrap }))
}

struct Both {
    joint: Box<dyn Plan>,
    pre_joint: Box<dyn Plan>,
    bootstrap: Bootstrap,
}

impl Plan for Both {
    fn steps(&self) -> Vec<Step> {
        let second = self.pre_joint.steps().into_iter().filter(|s| s.stage == "space");
        let mut steps = self.joint.steps();
        steps.extend(second);
        steps.push(Step::new("difference", "joint minus pre-joint, resampled together"));
        steps
    }

    fn estimate(&self, scope: &Scope<'_>) -> Result<Vec<Step>, Error> {
        let mut steps = self.joint.estimate(scope)?;
        steps.extend(self.pre_joint.estimate(scope)?);
        Ok(steps)
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let (joint, pre_joint) = (self.joint.run(scope)?, self.pre_joint.run(scope)?);
        let mut report = crate::report::Report::new(&joint.report.kind);
        report.context = joint.report.context.clone();
        let space = |o: &Outcome| o.report.context.space.clone().unwrap_or_default();
        report.context.space = Some(format!("{}, {}", space(&joint), space(&pre_joint)));
        let shared = |(name, value): &(String, Value)| {
            let other = pre_joint.report.context.extra.iter().find(|(n, _)| n == name);
            name != TIES && other.is_some_and(|(_, v)| v == value)
        };
        report.context.extra.retain(shared);

        let mut table = Table::new(["metric", "space", "value", "low", "high"]);
        let differences = match (&joint.trial, &pre_joint.trial) {
            (Some(a), Some(b)) => Pairing::new(a, b)?.differences(&self.bootstrap, scope.progress)?.estimates,
            _ => Vec::new(),
        };
        let mut bars = Vec::new();
        for a in &joint.report.metrics {
            let b = pre_joint.report.metric(&a.name);
            let difference = differences.iter().find(|d| d.name == a.name);
            for (space, ending, estimate) in
                [("joint", "joint", Some(a)), ("pre-joint", "pre_joint", b), ("difference", "difference", difference)]
            {
                let Some(e) = estimate else { continue };
                table.push(vec![a.name.as_str().into(), space.into(), e.value.into(), e.low.into(), e.high.into()]);
                report.metrics.push(Estimate { name: format!("{}_{ending}", a.name), ..e.clone() });
                if space != "difference" {
                    bars.push((format!("{} {space}", a.name), e.clone()));
                }
            }
        }
        for (space, outcome) in [("joint", &joint), ("pre-joint", &pre_joint)] {
            let ties = outcome.report.context.extra.iter().find(|(name, _)| name == TIES);
            table.rows.extend(ties.map(|(_, n)| vec![TIES.into(), space.into(), n.clone(), Value::Null, Value::Null]));
        }
        report.tables.push(table);
        report.figures.push(Figure::Bars { title: "joint and pre-joint".into(), unit: String::new(), bars });
        for (space, outcome) in [("joint", joint), ("pre-joint", pre_joint)] {
            let is_metrics = |table: &Table| table.columns.first().is_some_and(|c| c.name == "metric");
            for mut details in outcome.report.tables.into_iter().filter(|table| !is_metrics(table)) {
                details.title = Some(details.title.map_or_else(|| space.to_owned(), |title| format!("{space}: {title}")));
                report.tables.push(details);
            }
            report.notes.extend(outcome.report.notes.iter().map(|note| format!("{space}: {note}")));
        }
        Ok(report.into())
    }
}
