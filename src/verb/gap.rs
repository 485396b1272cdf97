//! `gap`: the modality gap of a joint space, the cones of its two sides, and what centring does.

use std::sync::Arc;

use crate::embedding::Embeddings;
use crate::metric::{Difference, Gap as Measured, Margins, Measure, Product};
use crate::query::signature::{Clause, shared};
use crate::query::{Bound, Example, Signature};
use crate::report::{Estimate, Figure, Table};
use crate::verb::truth::Task;
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, parameters, provenance};
use crate::workspace::{self, Prompts};

pub struct Gap;

static SIGNATURE: Signature = Signature {
    name: "gap",
    summary: "modality gap: how far audio and texts lie apart in the joint space, and how narrow each cone is",
    usage: &["gap clips [in C] [where prompt=\"A <> track\" and …]"],
    about: "`gap` is the distance of the mean of the clips' unit vectors from the mean of the label texts' (0 to 2). `audio_cone` and \
            `text_cone` are the mean cosine of two different vectors of one side: 1 is a point, 0 uses all directions. `cross_cosine` is \
            the mean cosine of a clip with a text. Centring takes each side's own mean away and brings vectors to unit length again; \
            `top1` is given before and after it, with the paired difference. Intervals resample clips; the texts stay, so `text_cone` \
            does not move, and the means that are taken away are those of all clips. Source: Liang et al., NeurIPS 2022.",
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
        let moved = top1(Arc::new(centred(&clips)?), centred(&texts)?)?;
        let plain = top1(clips, texts)?;
        let difference = Difference::new(&moved, &plain)?;
        let measures: [(&str, &dyn Measure); 3] =
            [("top1", &plain), ("top1_centred", &moved), ("top1_centring_difference", &difference)];
        for (name, measure) in measures {
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

/// The unit vectors less their mean, at unit length again.
///
/// # Errors
/// When one lies at the mean and has no direction left.
pub fn centred(rows: &Embeddings) -> Result<Embeddings, Error> {
    let dim = rows.dim();
    let mut mean = vec![0.0f64; dim];
    for row in rows.rows().chunks_exact(dim) {
        mean.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x) / rows.len() as f64);
    }
    let values = rows.rows().chunks_exact(dim).flat_map(|row| row.iter().zip(&mean).map(|(&x, m)| (f64::from(x) - m) as f32));
    let centred = Embeddings::from_rows(rows.space.clone(), dim, values.collect());
    Ok(centred.map_err(workspace::Error::from)?)
}
