//! `gap`: the modality gap of a joint space, the cones of its two sides, and what centring does.

use std::sync::Arc;

use crate::embedding::Embeddings;
use crate::metric::{Difference, Gap as Measured, Margins, Measure, Product, ROUNDING};
use crate::query::signature::{Clause, shared};
use crate::query::{Bound, Example, Signature};
use crate::report::{Estimate, Figure, Table};
use crate::verb::truth::Task;
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, parameters, provenance};
use crate::workspace::Prompts;

pub struct Gap;

static SIGNATURE: Signature = Signature {
    name: "gap",
    summary: "modality gap: how far audio and texts lie apart in the joint space, and how narrow each cone is",
    usage: &["gap clips [in C] [where prompt=\"A <> track\" and …]"],
    about: "`gap` is the distance of the mean of the clips' unit vectors from the mean of the label texts' (0 to 2). `audio_cone` and \
            `text_cone` are the mean cosine of two different vectors of one side: 1 is a point, 0 uses all directions. `cross_cosine` is \
            the mean cosine of a clip with a text. Centring takes each side's own mean away and brings vectors to unit length again; \
            `top1` is given before and after it, with the paired difference; what is centred is undefined where a vector lies at the \
            mean. Intervals resample clips; the texts stay, so `text_cone` does not move, and the means that are taken away are those \
            of all clips. Needs one label a clip. Source: Liang et al., NeurIPS 2022.",
    subjects: &["clip"],
    clauses: &[Clause::In, Clause::Where],
    parameters: &[shared::PROMPT, shared::MODEL, shared::RESAMPLES, shared::CONFIDENCE, shared::SEED],
    examples: &[
        Example { statement: "gap clips", gives: "gap, cones and top-1 accuracy as it is and centred" },
        Example { statement: "gap clips where prompt=\"This is a recording of a <>\"", gives: "the same for another prompt" },
    ],
    ..Signature::BARE
};

impl Verb for Gap {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(0, &SIGNATURE)?;
        let prompts = parameters::prompt(&bound)?;
        Ok(Box::new(GapPlan { task: Task::new(bound, crate::embedding::Stage::Joint, scope)?, prompts }))
    }
}

struct GapPlan {
    task: Task,
    prompts: Prompts,
}

impl Plan for GapPlan {
    fn steps(&self) -> Vec<Step> {
        let mut steps = self.task.steps();
        steps.push(Step::new("prompt", self.prompts.keys().join(", ")));
        steps.push(Step::new("centring", "each side less its own mean, at unit length again"));
        steps.push(self.task.interval_step());
        steps
    }

    fn estimate(&self, scope: &Scope<'_>) -> Result<Vec<Step>, Error> {
        self.task.reading_each(&self.task.truth(scope)?, &self.prompts, scope)
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let task = &self.task;
        let truth = task.truth(scope)?;
        let clips = truth.clips.embeddings();
        let texts = scope.workspace.label_vectors(&task.model, task.stage(), &self.prompts, &truth.classes, scope.progress)?;
        let bootstrap = parameters::bootstrap(&task.bound);
        let sampled = bootstrap.estimate(&Measured::new(Arc::clone(&clips), &texts)?, None, scope.progress)?;
        let mut report = task.report("gap", &truth, scope);
        provenance::prompted(&mut report.context, &self.prompts);
        report.notes.extend(sampled.notes());
        report.metrics = sampled.estimates;

        let top1 = |clips: Arc<Embeddings>, texts: Embeddings| -> Result<Top1, Error> {
            let scores = Product::new(clips, &task.info.key.space, Arc::new(texts))?;
            Ok(Top1(Margins::over(&scores, &truth.class, scope.progress)?))
        };
        let moved = match centred(&clips, "clips").and_then(|clips| Ok((clips, centred(&texts, "texts")?))) {
            Ok((clips, texts)) => Some(top1(Arc::new(clips), texts)?),
            Err(why) => {
                report.notes.push(why);
                None
            }
        };
        let plain = top1(clips, texts)?;
        let difference = moved.as_ref().map(|moved| Difference::new(moved, &plain)).transpose()?;
        let measures: [(&str, Option<&dyn Measure>); 3] = [
            ("top1", Some(&plain)),
            ("top1_centred", moved.as_ref().map(|moved| moved as &dyn Measure)),
            ("top1_centring_difference", difference.as_ref().map(|difference| difference as &dyn Measure)),
        ];
        for (name, measure) in measures {
            let Some(measure) = measure else {
                report.metrics.push(Estimate::point(name, f64::NAN));
                continue;
            };
            let sampled = bootstrap.estimate(measure, None, scope.progress)?;
            report.metrics.extend(sampled.estimates.into_iter().map(|e| Estimate { name: name.to_owned(), ..e }));
        }
        let mut table = Table::new(["metric", "value", "low", "high"]);
        for m in &report.metrics {
            table.push(vec![m.name.as_str().into(), m.value.into(), m.low.into(), m.high.into()]);
        }
        report.tables.push(table);
        let bars = report.metrics.iter().map(|m| (m.name.clone(), m.clone())).collect();
        report.figures.push(Figure::Bars { title: "modality gap".into(), unit: String::new(), bars });
        Ok(report.into())
    }
}

/// Top-1 accuracy alone.
struct Top1(Margins);

impl Measure for Top1 {
    fn items(&self) -> usize {
        self.0.items()
    }

    fn names(&self) -> Vec<String> {
        vec!["top1".into()]
    }

    fn evaluate(&self, weights: &[u32]) -> Vec<f64> {
        let (mut right, mut all) = (0u64, 0u64);
        for (right_one, &w) in self.0.right().iter().zip(weights) {
            right += if *right_one { u64::from(w) } else { 0 };
            all += u64::from(w);
        }
        vec![right as f64 / all as f64]
    }
}

/// The unit vectors less their mean, at unit length again; `what` they are.
///
/// # Errors
/// Says in a sentence how many lie at the mean, and have no direction left but that of rounding.
pub fn centred(rows: &Embeddings, what: &str) -> Result<Embeddings, String> {
    let dim = rows.dim();
    let mut mean = vec![0.0f64; dim];
    for row in rows.rows().chunks_exact(dim) {
        mean.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x) / rows.len() as f64);
    }
    let values = rows.rows().chunks_exact(dim).flat_map(|row| row.iter().zip(&mean).map(|(&x, m)| (f64::from(x) - m) as f32));
    let values: Vec<f32> = values.collect();
    // A row and the mean have a length of at most 1 each.
    let at_the_mean = |row: &&[f32]| row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt() <= 2.0 * ROUNDING;
    match values.chunks_exact(dim).filter(at_the_mean).count() {
        0 => Embeddings::from_rows(rows.space.clone(), dim, values).map_err(|fault| fault.to_string()),
        n => Err(format!(
            "{n} of {} {what} lie at the mean of all and have no direction less that mean: centred numbers are undefined",
            rows.len()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::{Modality, Space, Stage};

    #[test]
    fn what_lies_at_the_mean_has_no_direction() {
        let of = |rows: &[f32]| Embeddings::from_rows(Space::new("m", Modality::Audio, Stage::Joint), 3, rows.to_vec()).unwrap();
        // 0.3 of 90 equal rows does not add up to 0.3, and lengths round differently.
        let equal: Vec<f32> = (1..=90).flat_map(|n| [0.3, -0.7, 0.2].map(|x: f32| x * n as f32)).collect();
        let why = centred(&of(&equal), "clips").unwrap_err();
        assert!(why.starts_with("90 of 90 clips lie at the mean"), "{why}");
        // Their mean lies beside the third, but not on it.
        let apart = of(&[1.0, 0.0, 1.0, -1.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
        assert!(centred(&apart, "texts").is_ok_and(|rows| (rows.row(0)[0] - 1.0).abs() < 0.1));
    }
}
