//! `similar`: audio → audio, in either space. A file outside the store is embedded on the fly.

use std::path::Path;

use crate::diagnostic::{Diagnostic, Spanned};
use crate::embedding::{Modality, Stage};
use crate::query::signature::{Clause, shared};
use crate::query::{Bound, Example, Predicate, Signature};
use crate::report::Report;
use crate::store::{Collection, SpaceInfo};
use crate::verb::hits::{self, How};
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, parameters, provenance};
use crate::workspace::ModelRef;

pub struct Similar;

static SIGNATURE: Signature = Signature {
    name: "similar",
    summary: "finds clips that sound like a clip of the collection, or like a file",
    usage: &[
        "similar clip \"ID\" [in C] [where PREDICATE] [space=joint|pre-joint] [top K]",
        "similar \"FILE.wav\" [in C] [where PREDICATE] [space=joint|pre-joint] [top K]",
    ],
    about: "Lists the clips with the greatest cosine to the given one, which is itself left out. With the word `clip` the text is an \
            id of the collection; without it, a file that is decoded and embedded now and not stored.",
    subjects: &["clip"],
    clauses: &[Clause::In, Clause::Where, Clause::Top],
    parameters: &[shared::MODEL, shared::SPACE, shared::EXACT, shared::EF],
    examples: &[
        Example {
            statement: "similar clip \"violin/Vn-G4-mf.flac\" top 5",
            gives: "the five clips nearest to it in the joint space",
        },
        Example {
            statement: "similar clip \"violin/Vn-G4-mf.flac\" where label != \"violin\" space=pre-joint",
            gives: "the nearest clips of other instruments, before the projection",
        },
    ],
    ..Signature::BARE
};

impl Verb for Similar {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(1, &SIGNATURE)?;
        let Some(name) = bound.argument(0) else {
            let fault = Diagnostic::new("`similar` needs a clip or a file").at(bound.verb.span);
            return Err(fault.expected("`similar clip \"ID\"` or `similar \"FILE.wav\"`").into());
        };
        if bound.flag("exact") == Some(true) {
            bound.refuse(&["ef"], "an exact scan, which compares every row")?;
        }
        let stage = parameters::stage(&bound);
        let (collection, model, info) = parameters::clips_of(&bound, stage, scope)?;
        let file = !bound.has("clip");
        if file && !Path::new(&name.node).is_file() {
            let fault = Diagnostic::new(format!("there is no file `{}`", name.node)).at(name.span);
            return Err(fault.hint(format!("a clip of the store is named `similar clip \"{}\"`", name.node)).into());
        }
        let how = How::of(&bound, scope);
        Ok(Box::new(SimilarPlan { collection, model, info, name, file, filter: bound.filter, how, stage }))
    }
}

struct SimilarPlan {
    collection: Collection,
    model: ModelRef,
    info: SpaceInfo,
    name: Spanned<String>,
    file: bool,
    filter: Option<Predicate>,
    how: How,
    stage: Stage,
}

impl Plan for SimilarPlan {
    fn steps(&self) -> Vec<Step> {
        let what = if self.file { "file, embedded now" } else { "clip" };
        let mut steps = vec![
            Step::new("collection", self.collection.name()),
            Step::new("space", format!("{}, {} rows of {}", self.info.key, self.info.rows, self.info.dim)),
            Step::new("query", format!("{what}: {}", self.name.node)),
        ];
        steps.extend(self.filter.iter().map(|f| Step::new("filter", f.to_string())));
        steps.push(self.how.step(&self.info));
        steps
    }

    fn estimate(&self, _: &Scope<'_>) -> Result<Vec<Step>, Error> {
        Ok(vec![self.how.work(&self.info)])
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let among = scope.workspace.among(&self.collection, &self.info, self.filter.as_ref(), scope.progress)?;
        let mut report = Report::new("similar");
        let space = provenance::space_name(Modality::Audio, self.stage);
        report.context = provenance::context(scope, Some(self.collection.name()), &self.model, space);
        if let Some(filter) = &self.filter {
            report.context.fact("where", filter.to_string());
        }
        if self.file {
            let heard = scope.workspace.hear(&self.model, Path::new(&self.name.node), self.stage, scope.progress)?;
            heard.space.comparable(&self.info.key.space)?;
            report.context.fact("file", self.name.node.as_str());
            hits::find(&mut report, &among, heard.row(0), None, None, &self.how, scope)?;
        } else {
            let (clip, vector) = scope.workspace.clip_vector(&self.collection, &self.info, &self.name, scope.progress)?;
            report.context.fact("clip", clip.id.as_str());
            hits::find(&mut report, &among, vector.row(0), Some(clip.seq), None, &self.how, scope)?;
        }
        Ok(report.into())
    }
}
