//! Class means of the clips' own vectors as labels: how well does the audio tower hear, without any text?

use super::{Task, set};
use crate::metric::{Classification, Protocol, prototype_scores};
use crate::verb::{Error, Outcome, Plan, Scope, Step, parameters};

pub struct Prototypes {
    task: Task,
    resubstitution: bool,
}

impl Prototypes {
    pub fn new(task: Task) -> Self {
        let resubstitution = task.bound.text_of("protocol").is_some_and(|p| p.node.eq_ignore_ascii_case("resubstitution"));
        Prototypes { task, resubstitution }
    }

    fn protocol(&self) -> String {
        match (&self.task.bound.by, self.resubstitution) {
            (_, true) => "resubstitution: means of all clips, the tested one too (the paper's own)".into(),
            (Some(field), _) => format!("folds: means of the clips with another `{}`", field.node),
            (None, _) => "leave-one-out: means without the tested clip".into(),
        }
    }
}

impl Plan for Prototypes {
    fn steps(&self) -> Vec<Step> {
        let mut steps = self.task.steps();
        steps.push(Step::new("labels", "class means of the clips' vectors, at unit length"));
        steps.push(Step::new("protocol", self.protocol()));
        steps.push(Step::new("search", "exact: every clip with every class mean"));
        steps.push(Step::new("intervals", format!("{} resamples", parameters::bootstrap(&self.task.bound).resamples)));
        steps
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let truth = self.task.truth(scope)?;
        let folds = self.task.bound.by.as_ref().filter(|_| !self.resubstitution).map(|field| truth.groups(field)).transpose()?;
        let protocol = match (&folds, self.resubstitution) {
            (_, true) => Protocol::Resubstitution,
            (Some(folds), _) => Protocol::Folds(folds),
            (None, _) => Protocol::LeaveOneOut,
        };
        let scores = prototype_scores(&truth.clips.embeddings(), &truth.class, truth.classes.len(), protocol)?;
        let masked = (0..scores.n).filter(|&i| scores.row(i)[truth.class[i]] == f32::NEG_INFINITY).count();
        let mut report = set::measured(&self.task, &truth, Classification::new(&scores, &truth.class)?, scope)?;
        report.context.fact("labels", "prototypes");
        report.context.fact("protocol", self.protocol());
        if masked > 0 {
            report.notes.push(format!("{masked} clips have no other clip of their class to make a mean of, and count as wrong"));
        }
        Ok(report.into())
    }
}
