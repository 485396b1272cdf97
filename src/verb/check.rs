//! `check model`: does a model still give what its golden file says, and are its spaces in health?

use crate::diagnostic::{Diagnostic, Spanned};
use crate::encoder::check::{self, Health, Parity};
use crate::query::{Bound, Example, Signature};
use crate::report::{Estimate, Report, Table};
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, provenance};
use crate::workspace::{self, ModelRef};

pub struct Check;

static SIGNATURE: Signature = Signature {
    name: "check",
    summary: "a model's parity with its golden vectors, and the health of its spaces",
    usage: &["check model NAME"],
    about: "Runs the model's towers on the inputs of its golden file and gives the largest absolute difference of every tensor beside \
            what the manifest allows; then on fixed texts and synthetic signals, for norms, the mean cosine of different inputs (near 1 \
            the space is collapsed) and the share of the variance in one direction (near 1 it is a line). NaN and zero vectors are \
            errors. `faults` counts what did not pass: `expect faults = 0` after it makes a test. `dyad models check NAME` is the same, \
            with an exit code.",
    subjects: &["model"],
    examples: &[Example {
        statement: "check model musicnn-minilm",
        gives: "golden parity and the health of the bundled model's spaces",
    }],
    ..Signature::BARE
};

impl Verb for Check {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(1, &SIGNATURE)?;
        let name = match (bound.has("model"), bound.argument(0)) {
            (true, Some(name)) => name,
            _ => {
                let ids = scope.workspace.model_ids()?;
                let fault = Diagnostic::new("`check` needs a model").at(bound.verb.span).expected("`check model NAME`");
                return Err(fault.hint(format!("the models are {}", ids.join(", "))).into());
            }
        };
        let model = scope.workspace.model(&name)?;
        if model.model.is_none() {
            let fault = Diagnostic::new(format!("the model `{}` has no graphs to check", model.id)).at(name.span);
            return Err(fault.expected("a model with a folder").into());
        }
        Ok(Box::new(CheckPlan { model, name }))
    }
}

struct CheckPlan {
    model: ModelRef,
    name: Spanned<String>,
}

impl Plan for CheckPlan {
    fn steps(&self) -> Vec<Step> {
        vec![
            Step::new("model", self.model.id.clone()),
            Step::new("parity", "every tensor of the golden file, alone and in batches"),
            Step::new("health", "fixed texts and synthetic signals through both towers"),
        ]
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let Some(model) = &self.model.model else {
            return Err(Diagnostic::new(format!("the model `{}` has no graphs to check", self.name.node)).into());
        };
        let parity = check::parity(model, scope.progress).map_err(workspace::Error::from)?;
        let health = check::health(model, scope.progress).map_err(workspace::Error::from)?;
        if scope.progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let mut report = Report::new("check");
        report.context = provenance::store_context(scope);
        report.context.model = Some(self.model.id.clone());
        report.context.model_hash = Some(self.model.hash.clone());
        if let Ok(Some(backend)) = model.backend() {
            report.context.fact("backend", backend.to_string());
        }
        let faults = parity.iter().filter(|p| !p.passed()).count() + health.iter().filter(|h| h.collapsed()).count();
        report.metrics.push(Estimate::count("faults", faults));
        report.notes.extend(model.slow_here().map_err(workspace::Error::from)?);
        if parity.is_empty() {
            report.notes.push("the manifest names no golden file, so parity was not checked".into());
        }
        report.tables.push(parity_table(&parity));
        report.tables.push(health_table(&health));
        Ok(report.into())
    }
}

fn parity_table(parity: &[Parity]) -> Table {
    let mut table = Table::new(["tensor", "largest difference", "allowed", "passed"]).titled("golden parity");
    for p in parity {
        table.push(vec![p.what.as_str().into(), p.largest_difference.into(), p.allowed.into(), p.passed().into()]);
    }
    table
}

fn health_table(health: &[Health]) -> Table {
    let columns = ["space", "inputs", "norm least", "norm mean", "norm greatest", "mean cosine", "first component", "collapsed"];
    let mut table = Table::new(columns).titled("spaces");
    for h in health {
        table.push(vec![
            h.space.to_string().into(),
            h.n.into(),
            h.norm[0].into(),
            h.norm[1].into(),
            h.norm[2].into(),
            h.mean_cosine.into(),
            h.first_component.into(),
            h.collapsed().into(),
        ]);
    }
    table
}
