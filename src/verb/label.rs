//! `label`: audio → the nearest labels of an ontology, in the joint space.

use crate::diagnostic::{Diagnostic, Spanned};
use crate::embedding::Stage;
use crate::ontology::{self, Ontology};
use crate::query::signature::{Clause, Kind, Parameter, shared};
use crate::query::{Bound, Example, Signature};
use crate::report::{Report, Table};
use crate::store::{Collection, SpaceInfo};
use crate::value::Value;
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, parameters, provenance};
use crate::workspace::{ModelRef, Prompts};

pub struct Label;

static SIGNATURE: Signature = Signature {
    name: "label",
    summary: "gives a clip the nearest labels of an ontology",
    usage: &["label clip \"ID\" [in C] [ontology=NAME] [prompt=\"A <> track\"] [top K]"],
    about: "Puts every leaf of the ontology into the prompt and lists those with the greatest cosine to the clip.",
    subjects: &["clip"],
    clauses: &[Clause::In, Clause::Where, Clause::Top],
    parameters: &[
        Parameter { name: "ontology", kind: Kind::Ontology, default: ontology::USUAL, help: "whose leaves are the labels" },
        shared::PROMPT,
        shared::MODEL,
    ],
    examples: &[Example {
        statement: "label clip \"violin/Vn-G4-mf.flac\" ontology=hdio top 5",
        gives: "the five nearest of 100 instruments",
    }],
    ..Signature::BARE
};

impl Verb for Label {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(1, &SIGNATURE)?;
        let Some(id) = bound.argument(0) else {
            let fault = Diagnostic::new("`label` needs a clip").at(bound.verb.span);
            return Err(fault.expected("`label clip \"ID\" ontology=hdio`").into());
        };
        bound.refuse(&["where"], "one clip, which is no set")?;
        let ontology = scope.workspace.ontology(&parameters::ontology(&bound))?;
        let (collection, model, info) = parameters::clips_of(&bound, Stage::Joint, scope)?;
        let prompts = parameters::prompt(&bound)?;
        Ok(Box::new(LabelPlan { collection, model, info, id, ontology, prompts, top: bound.top.unwrap_or(5) }))
    }
}

struct LabelPlan {
    collection: Collection,
    model: ModelRef,
    info: SpaceInfo,
    id: Spanned<String>,
    ontology: Ontology,
    prompts: Prompts,
    top: usize,
}

impl Plan for LabelPlan {
    fn steps(&self) -> Vec<Step> {
        vec![
            Step::new("collection", self.collection.name()),
            Step::new("space", self.info.key.to_string()),
            Step::new("labels", format!("the {} leaves of {}", self.ontology.leaves().len(), self.ontology.name)),
            Step::new("prompt", self.prompts.keys().join(", ")),
            Step::new("search", format!("exact: the clip with every label; the best {}", self.top)),
        ]
    }

    fn estimate(&self, scope: &Scope<'_>) -> Result<Vec<Step>, Error> {
        let labels: Vec<String> = self.ontology.leaves().iter().map(|&t| self.ontology.spoken(t)).collect();
        let unread = scope.workspace.unread(&self.model, Stage::Joint, &self.prompts, &labels)?;
        Ok(vec![
            parameters::reading(unread, labels.len() * self.prompts.0.len()),
            Step::new("work", format!("{} cosines", parameters::whole(labels.len()))),
        ])
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let (clip, vector) = scope.workspace.clip_vector(&self.collection, &self.info, &self.id, scope.progress)?;
        let leaves = self.ontology.leaves();
        let labels: Vec<String> = leaves.iter().map(|&t| self.ontology.spoken(t)).collect();
        let texts = scope.workspace.label_vectors(&self.model, Stage::Joint, &self.prompts, &labels, scope.progress)?;
        let scores = vector.cosines(&texts)?;
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by(|&a, &b| scores.values[b].total_cmp(&scores.values[a]).then(a.cmp(&b)));
        let mut report = Report::new("label");
        report.context = provenance::context(scope, Some(self.collection.name()), &self.model, "joint");
        report.context.n = Some(labels.len());
        provenance::prompted(&mut report.context, &self.prompts);
        report.context.fact("clip", clip.id.as_str());
        report.context.fact("ontology", self.ontology.name.as_str());
        let mut table = Table::new(["rank", "label", "similarity", "path"]);
        for (rank, &i) in order.iter().take(self.top).enumerate() {
            let path = self.ontology.term(leaves[i]).path.as_str();
            table.push(vec![Value::from(rank + 1), labels[i].as_str().into(), f64::from(scores.values[i]).into(), path.into()]);
        }
        report.tables.push(table);
        Ok(report.into())
    }
}
