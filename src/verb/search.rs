//! `search`: text → audio, in the joint space.

use std::ops::RangeInclusive;

use crate::diagnostic::Diagnostic;
use crate::embedding::{Embeddings, Stage};
use crate::query::signature::{Clause, Kind, Parameter, shared};
use crate::query::{Bound, Example, Predicate, Signature, Sum};
use crate::report::Report;
use crate::store::{Collection, SpaceInfo};
use crate::verb::hits::{self, How};
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, moments, parameters, provenance};
use crate::workspace::ModelRef;

pub struct Search;

static SIGNATURE: Signature = Signature {
    name: "search",
    summary: "finds clips by words, in the joint space",
    usage: &[
        "search clips [in C] for \"TEXT\" [+ W * \"TEXT\" …] [without \"TEXT\"] [where PREDICATE] [windows=best|all|pooled] [top K]",
    ],
    about: "Embeds the text and lists the clips with the greatest cosine; a text that was imported keeps the vector that it came \
            with. Texts may be added with weights, and taken away with `without` \
            (weight −1): the vectors are summed at unit length. Every row is compared below 50,000 rows; above that, or with \
            `exact=false`, the HNSW graph is searched and its measured recall stands beside the result; `ef` is for that graph, and \
            a note says where it was not used. Where the windows of clips were kept (`dyad ingest --windows`), each clip is found \
            by its best window, and `start_s` and `end_s` say where that is; `windows=all` lists windows, `windows=pooled` compares \
            whole clips.",
    subjects: &["clip"],
    clauses: &[Clause::In, Clause::Where, Clause::Top, Clause::For, Clause::Without],
    parameters: &[shared::MODEL, shared::EXACT, shared::EF, WINDOWS],
    examples: &[
        Example { statement: "search clips for \"a bright trumpet\" top 5", gives: "the five nearest clips" },
        Example {
            statement: "search clips for \"cello\" + 0.5 * \"dark\" without \"voice\" where dynamic=\"pp\"",
            gives: "a sum of texts, among the soft clips",
        },
    ],
    ..Signature::BARE
};

/// Beyond them a sum is lost in the rounding of its greatest term, or is infinite.
const WEIGHTS: RangeInclusive<f64> = 1e-6..=1e6;

const WINDOWS: Parameter = Parameter {
    name: "windows",
    kind: Kind::Choice(&moments::CHOICES),
    default: "best where windows were kept, else pooled",
    help: "what is compared: each clip's best window, all windows, or clips as a whole",
};

impl Verb for Search {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(0, &SIGNATURE)?;
        let Some(sum) = bound.sum() else {
            let at = bound.target.as_ref().map_or(bound.verb.span, |t| t.span);
            let fault = Diagnostic::new("`search` needs a text to look for").at(at);
            return Err(fault.expected("`for \"TEXT\"`, as in `search clips for \"a bright trumpet\"`").into());
        };
        let mut sum = sum.clone();
        if let Some(without) = &bound.without {
            sum.0.extend(without.node.iter().map(|text| (-1.0, text.clone())));
        }
        if let Some((_, text)) = sum.0.iter().find(|(weight, text)| text.trim().is_empty() || *weight == 0.0) {
            let fault = Diagnostic::new(format!("the text `{text}` says nothing"))
                .at(bound.target.as_ref().map_or(bound.verb.span, |t| t.span));
            return Err(fault.expected("a text that is not empty, with a weight that is not 0").into());
        }
        if let Some((weight, text)) = sum.0.iter().find(|(weight, _)| !WEIGHTS.contains(&weight.abs())) {
            let fault = Diagnostic::new(format!("`{weight:e}` is no weight for the text `{text}`"))
                .at(bound.target.as_ref().map_or(bound.verb.span, |t| t.span));
            return Err(fault.expected(format!("a weight from {} to {}", WEIGHTS.start(), WEIGHTS.end())).into());
        }
        if bound.flag("exact") == Some(true) {
            bound.refuse(&["ef"], "an exact scan, which compares every row")?;
        }
        let (collection, model, info) = parameters::clips_of(&bound, Stage::Joint, scope)?;
        let windows = windows(&bound, &collection, &model, scope)?;
        Ok(Box::new(SearchPlan {
            collection,
            model,
            info,
            windows,
            sum,
            filter: bound.filter.clone(),
            how: How::of(&bound, scope),
        }))
    }
}

/// The windows that are compared in place of clips.
struct Windows {
    collection: Collection,
    info: SpaceInfo,
    /// Every window is a hit, not only the best of a track.
    each: bool,
}

fn windows(bound: &Bound, clips: &Collection, model: &ModelRef, scope: &Scope<'_>) -> Result<Option<Windows>, Error> {
    let asked = bound.text_of("windows");
    if asked.as_ref().is_some_and(|asked| asked.node.eq_ignore_ascii_case("pooled")) {
        return Ok(None);
    }
    if let Some(collection) = scope.workspace.windows_of(clips.name())?
        && let Ok(info) = scope.workspace.audio_space(&collection, model, Stage::Joint)
    {
        let each = asked.is_some_and(|asked| asked.node.eq_ignore_ascii_case("all"));
        return Ok(Some(Windows { collection, info, each }));
    }
    match asked {
        None => Ok(None),
        Some(asked) => Err(Diagnostic::new(format!("no windows of the clips of `{}` were kept", clips.name()))
            .at(asked.span)
            .expected("`windows=pooled`")
            .hint("`dyad ingest … --windows` keeps them")
            .into()),
    }
}

struct SearchPlan {
    collection: Collection,
    model: ModelRef,
    info: SpaceInfo,
    /// None compares clips.
    windows: Option<Windows>,
    sum: Sum,
    filter: Option<Predicate>,
    how: How,
}

impl SearchPlan {
    /// The collection and the space whose rows are compared.
    fn compared(&self) -> (&Collection, &SpaceInfo) {
        self.windows.as_ref().map_or((&self.collection, &self.info), |windows| (&windows.collection, &windows.info))
    }

    /// The weighted sum of the texts' unit vectors.
    fn query(&self, scope: &Scope<'_>) -> Result<Embeddings, Error> {
        let mut total: Vec<f32> = Vec::new();
        let mut space = None;
        for (weight, text) in &self.sum.0 {
            let vector = scope.workspace.text_vector(&self.model, text, scope.progress)?;
            total.resize(vector.dim(), 0.0);
            total.iter_mut().zip(vector.row(0)).for_each(|(t, x)| *t += *weight as f32 * x);
            space = Some(vector.space);
        }
        let space = space.ok_or_else(|| Diagnostic::new("`search` needs a text to look for"))?;
        let dim = total.len();
        Embeddings::from_rows(space, dim, total)
            .map_err(|_| Diagnostic::new(format!("the texts {} cancel out", self.sum)).expected("a sum with a direction").into())
    }
}

impl Plan for SearchPlan {
    fn steps(&self) -> Vec<Step> {
        let (collection, info) = self.compared();
        let mut steps = vec![
            Step::new("collection", collection.name()),
            Step::new("space", format!("{}, {} rows of {}", info.key, info.rows, info.dim)),
            Step::new("texts", self.sum.to_string()),
        ];
        steps.extend(self.filter.iter().map(|f| Step::new("filter", f.to_string())));
        steps.push(self.how.step(info));
        steps
    }

    fn estimate(&self, _: &Scope<'_>) -> Result<Vec<Step>, Error> {
        let texts = self.sum.0.len();
        Ok(vec![parameters::reading(texts, texts), self.how.work(self.compared().1)])
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let (collection, info) = self.compared();
        let among = scope.workspace.among(collection, info, self.filter.as_ref(), scope.progress)?;
        let query = self.query(scope)?;
        query.space.comparable(&info.key.space)?;
        let mut report = Report::new("search");
        report.context = provenance::context(scope, Some(self.collection.name()), &self.model, "joint");
        report.context.prompts = self.sum.0.iter().map(|(_, text)| text.clone()).collect();
        if let Some(filter) = &self.filter {
            report.context.fact("where", filter.to_string());
        }
        match &self.windows {
            Some(windows) => moments::find(&mut report, &among, query.row(0), windows.each, &self.model, &self.how, scope)?,
            None => hits::find(&mut report, &among, query.row(0), None, Some(&self.model), &self.how, scope)?,
        }
        Ok(report.into())
    }
}
