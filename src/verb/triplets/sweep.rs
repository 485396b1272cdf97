//! The same triplets under several prompts: a row a prompt, the spread, and each prompt against the best.

use super::TripletsPlan;
use crate::prompt::Prompt;
use crate::report::Report;
use crate::verb::{Error, Outcome, Plan, Scope, Step, labelled};

/// A plan a prompt.
pub struct Sweep(pub Vec<(Prompt, TripletsPlan)>);

impl Plan for Sweep {
    fn steps(&self) -> Vec<Step> {
        let mut steps = self.0.first().map(|(_, plan)| plan.steps()).unwrap_or_default();
        steps.retain(|step| step.stage != "prompt");
        steps.extend(self.0.iter().map(|(prompt, _)| Step::new("prompt", format!("{}: {}", prompt.name, prompt.key()))));
        steps
    }

    fn estimate(&self, scope: &Scope<'_>) -> Result<Vec<Step>, Error> {
        let mut steps = Vec::new();
        for (prompt, plan) in &self.0 {
            let named = |step: Step| Step::new(step.stage, format!("{}: {}", prompt.name, step.detail));
            steps.extend(plan.estimate(scope)?.into_iter().map(named));
        }
        Ok(steps)
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let mut measured = Vec::with_capacity(self.0.len());
        for (prompt, plan) in &self.0 {
            measured.push((prompt, plan.run(scope)?));
        }
        let mut report = Report::new("triplets");
        let Some(((_, plan), (_, first))) = self.0.first().zip(measured.first()) else { return Ok(report.into()) };
        report.context = first.report.context.clone();
        report.context.prompts = measured.iter().map(|(prompt, _)| prompt.key().to_owned()).collect();
        report.context.wording = measured.iter().flat_map(|(_, outcome)| outcome.report.context.wording.clone()).collect();
        // Ties are of one prompt alone.
        report.context.extra.retain(|(name, _)| name != labelled::TIES);
        labelled::gather(&mut report, &measured, &["accuracy"], &plan.bootstrap, scope)?;
        Ok(report.into())
    }
}
