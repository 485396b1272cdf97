//! `describe NAME`: all that is known of one collection, model, ontology, prompt set or term.

mod number;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Spanned};
use crate::embedding::Modality;
use crate::metric::{self, Direction};
use crate::ontology::{Ontology, TermId, Unresolved};
use crate::query::{Bound, Example, Signature};
use crate::report::{Report, Table};
use crate::store::Collection;
use crate::value::Value;
use crate::verb::truth::labels_of;
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, provenance};
use crate::workspace::{Error as WorkspaceError, ModelRef, heeding};

pub struct Describe;

static SIGNATURE: Signature = Signature {
    name: "describe",
    summary: "tells of one collection, model, ontology, prompt set, or term of an ontology",
    usage: &["describe NAME"],
    about: "A collection: its clips, their distinct labels, its texts and spaces, and its fields with their values. A model: \
            towers, spaces, licence, hash. A term: its path, notation, neighbours, aliases, and for each collection the clips that \
            carry it and those that carry a term below it. A metric: range, direction, definition and source; other numbers of results \
            (`chance`, `text_audio_skewness`): what they are. A word that stands at several places of an ontology is refused with the \
            places.",
    examples: &[
        Example { statement: "describe demo", gives: "the spaces and fields of the collection" },
        Example { statement: "describe cello", gives: "where it stands in the ontologies, its neighbours and its clips" },
        Example { statement: "describe \"321.322\"", gives: "the class of this number in Hornbostel–Sachs" },
        Example { statement: "describe pr_auc", gives: "what the metric means" },
        Example { statement: "describe top1_pre_joint", gives: "what the number of a result is made of" },
    ],
    ..Signature::BARE
};

/// Values of a field, and names of terms, that are shown.
const SHOWN: usize = 6;

impl Verb for Describe {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(1, &SIGNATURE)?;
        let Some(name) = bound.argument(0) else {
            return Err(Diagnostic::new("`describe` needs a name").at(bound.verb.span).expected("`describe NAME`").into());
        };
        let found = Found::named(&name, scope)?;
        Ok(Box::new(DescribePlan { name: name.node, found }))
    }
}

/// What a name stands for; a name may stand for several things.
struct Found {
    collection: Option<Collection>,
    model: Option<ModelRef>,
    ontology: bool,
    prompts: bool,
    term: bool,
    metric: Option<&'static metric::Metric>,
    /// What else is so called in results, where the name stands for nothing else.
    number: Option<Table>,
}

impl Found {
    fn named(name: &Spanned<String>, scope: &Scope<'_>) -> Result<Found, Error> {
        let workspace = scope.workspace;
        let ontologies = workspace.ontologies()?;
        let sets = workspace.prompt_sets()?;
        let models = workspace.model_ids()?;
        let mut found = Found {
            collection: workspace.store().collection(&name.node).map_err(WorkspaceError::from)?,
            model: models.contains(&name.node).then(|| workspace.model(name)).transpose()?,
            ontology: ontologies.iter().any(|o| o.name.eq_ignore_ascii_case(&name.node)),
            prompts: sets.iter().any(|s| s.name.eq_ignore_ascii_case(&name.node)),
            term: ontologies.iter().any(|o| o.resolve(&name.node).is_ok()),
            metric: metric::named(&name.node),
            number: None,
        };
        let thing = found.collection.is_some() || found.model.is_some() || found.metric.is_some();
        if thing || found.ontology || found.prompts || found.term {
            return Ok(found);
        }
        found.number = number::described(&name.node);
        if found.number.is_some() {
            return Ok(found);
        }
        let several = ontologies.iter().map(|o| o.resolve(&name.node)).find_map(|found| match found {
            Err(ambiguous @ Unresolved::Ambiguous { .. }) => Some(ambiguous),
            _ => None,
        });
        if let Some(several) = several {
            return Err(Diagnostic::new(several.to_string()).at(name.span).into());
        }
        let collections = workspace.store().collections().map_err(WorkspaceError::from)?;
        let known = collections.iter().map(|c| c.name.as_str()).chain(models.iter().map(String::as_str));
        let known = known.chain(ontologies.iter().map(|o| o.name.as_str())).chain(sets.iter().map(|s| s.name.as_str()));
        let known = known.chain(metric::METRICS.iter().map(|m| m.name)).chain(number::FACTS.map(|(name, _)| name));
        let terms = ontologies.iter().flat_map(|o| o.terms().iter().map(|t| t.name.as_str()));
        Err(Diagnostic::new(format!("nothing is called `{}`", name.node))
            .at(name.span)
            .expected("a collection, a model, an ontology, a prompt set, a metric or a term of an ontology")
            .suggest(&name.node, known.chain(terms))
            .into())
    }
}

struct DescribePlan {
    name: String,
    found: Found,
}

impl Plan for DescribePlan {
    fn steps(&self) -> Vec<Step> {
        vec![Step::new("describe", self.name.clone())]
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let mut report = Report::new("describe");
        report.context = provenance::store_context(scope);
        if let Some(collection) = &self.found.collection {
            report.context.collection = Some(self.name.clone());
            describe_collection(collection, &mut report, scope)?;
        }
        if let Some(model) = &self.found.model {
            report.tables.push(describe_model(model));
        }
        if let Some(metric) = self.found.metric {
            report.tables.push(describe_metric(metric));
        }
        report.tables.extend(self.found.number.clone());
        if self.found.ontology || self.found.prompts || self.found.term {
            let labels = if self.found.term { carried(scope)? } else { Vec::new() };
            for ontology in scope.workspace.ontologies()?.iter() {
                if ontology.name.eq_ignore_ascii_case(&self.name) {
                    report.tables.push(facts([
                        ("ontology", ontology.name.as_str().into()),
                        ("title", ontology.title.as_str().into()),
                        ("source", ontology.source.as_str().into()),
                        ("licence", ontology.licence.as_str().into()),
                        ("terms", ontology.terms().len().into()),
                        ("leaves", ontology.leaves().len().into()),
                    ]));
                }
                if let Ok(id) = ontology.resolve(&self.name) {
                    report.tables.push(describe_term(ontology, id));
                    report.tables.extend(coverage(ontology, id, &labels));
                }
            }
            for set in scope.workspace.prompt_sets()?.iter().filter(|s| s.name.eq_ignore_ascii_case(&self.name)) {
                let mut table = Table::new(["name", "prompt"]).titled(format!("prompt set {}: {}", set.name, set.description));
                for prompt in &set.prompts {
                    table.push(vec![prompt.name.as_str().into(), prompt.key().into()]);
                }
                report.tables.push(table);
            }
        }
        Ok(report.into())
    }
}

fn facts<'a>(rows: impl IntoIterator<Item = (&'a str, Value)>) -> Table {
    let mut table = Table::new(["what", "value"]);
    for (name, value) in rows {
        table.push(vec![name.into(), value]);
    }
    table
}

fn describe_collection(collection: &Collection, report: &mut Report, scope: &Scope<'_>) -> Result<(), Error> {
    // Items that have the field, and how many have each value; of a list, each member.
    let mut fields: BTreeMap<String, (usize, BTreeMap<String, usize>)> = BTreeMap::new();
    let (mut clips, mut texts, mut labels) = (0usize, 0usize, BTreeSet::new());
    for item in heeding(scope.progress, collection.items()) {
        let item = item?;
        match item.modality {
            Modality::Audio => {
                clips += 1;
                labels.extend(labels_of(&item));
            }
            Modality::Text => texts += 1,
        }
        for (field, value) in item.metadata {
            let (items, values) = fields.entry(field).or_default();
            *items += usize::from(!value.is_null());
            let members: BTreeSet<String> = value.members().iter().map(Value::to_string).collect();
            for member in members {
                *values.entry(member).or_default() += 1;
            }
        }
    }
    let storage = collection.storage().map_err(WorkspaceError::from)?;
    report.tables.push(facts([
        ("collection", collection.name().into()),
        ("clips", clips.into()),
        ("labels", labels.len().into()),
        ("texts", texts.into()),
        ("storage", storage.name().into()),
    ]));
    let mut spaces = Table::new(["space", "prompt", "dim", "vectors"]).titled("spaces");
    for info in collection.spaces().map_err(WorkspaceError::from)? {
        let rows = Value::Int(i64::try_from(info.rows).unwrap_or(i64::MAX));
        spaces.push(vec![info.key.space.to_string().into(), info.key.prompt.clone().into(), info.dim.into(), rows]);
    }
    report.tables.push(spaces);
    if !fields.is_empty() {
        let mut table = Table::new(["field", "items", "values", "most frequent"]).titled("fields");
        for (field, (items, values)) in fields {
            let distinct = values.len();
            let mut frequent: Vec<(String, usize)> = values.into_iter().collect();
            frequent.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
            let shown = some(frequent.iter().map(|(value, n)| format!("{value} ({n})")));
            table.push(vec![field.into(), items.into(), distinct.into(), shown.into()]);
        }
        report.tables.push(table);
    }
    Ok(())
}

/// The first few names, and how many more there are.
fn some(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(SHOWN);
    let mut shown: Vec<String> = names.take(SHOWN).collect();
    if more > 0 {
        shown.push(format!("… ({more} more)"));
    }
    shown.join(", ")
}

fn describe_model(model: &ModelRef) -> Table {
    let mut rows: Vec<(&str, Value)> = vec![("model", model.id.as_str().into()), ("hash", model.hash.as_str().into())];
    match &model.model {
        None => rows.push(("graphs", "none: only vectors that were imported".into())),
        Some(towers) => {
            let manifest = &towers.manifest;
            rows.push(("licence", manifest.licence.as_str().into()));
            rows.push(("folder", towers.dir.as_ref().map(|dir| dir.display().to_string()).into()));
            if let Some(audio) = &manifest.audio {
                rows.push(("audio rate (Hz)", i64::from(audio.sample_rate).into()));
                rows.push(("audio window (s)", (audio.samples as f64 / f64::from(audio.sample_rate)).into()));
            }
            if let Some(text) = &manifest.text {
                rows.push(("longest text (tokens)", text.max_tokens.into()));
            }
            for (name, modality, stage) in crate::encoder::manifest::SPACES {
                rows.push((name, towers.dim(modality, stage).into()));
            }
        }
    }
    facts(rows)
}

fn describe_metric(metric: &metric::Metric) -> Table {
    let (least, greatest) = metric.range;
    let better = match metric.direction {
        Direction::Greater => "greater is better",
        Direction::Smaller => "smaller is better",
        Direction::Neutral => "describes, does not judge",
    };
    facts([
        ("metric", metric.name.into()),
        ("definition", metric.about.into()),
        ("range", format!("{least} to {greatest}").into()),
        ("direction", better.into()),
        ("computed from", metric.input().into()),
        ("source", metric.source.into()),
    ])
}

fn describe_term(ontology: &Ontology, id: TermId) -> Table {
    let term = ontology.term(id);
    let names = |ids: &[TermId]| some(ids.iter().map(|&t| ontology.spoken(t)));
    // Each once, though two parents may share it.
    let mut seen = std::collections::BTreeSet::from([id]);
    let mut siblings: Vec<_> = term.parents.iter().flat_map(|&p| ontology.term(p).children.iter().copied()).collect();
    siblings.retain(|&sibling| seen.insert(sibling));
    let mut rows: Vec<(&str, Value)> = vec![
        ("term", ontology.spoken(id).into()),
        ("ontology", ontology.name.as_str().into()),
        ("path", term.path.as_str().into()),
    ];
    let others = term.parents.iter().skip(1).map(|&p| format!("{}/{}", ontology.term(p).path, term.name));
    rows.extend(others.map(|path| ("path too", path.into())));
    rows.extend(term.notation.as_deref().map(|notation| ("notation", notation.into())));
    rows.extend([
        ("aliases", term.aliases.join(", ").into()),
        ("below it", names(&term.children).into()),
        ("beside it", names(&siblings).into()),
    ]);
    rows.retain(|(_, value)| value.as_text() != Some(""));
    facts(rows)
}

/// A collection with the labels that its clips have together, and how many clips have just these.
type Carried = (String, BTreeMap<Vec<String>, usize>);

/// Each collection that has labelled clips, with the labels and how many clips have them.
fn carried(scope: &Scope<'_>) -> Result<Vec<Carried>, Error> {
    let mut all = Vec::new();
    for info in scope.workspace.store().collections().map_err(WorkspaceError::from)? {
        let Some(collection) = scope.workspace.store().collection(&info.name).map_err(WorkspaceError::from)? else { continue };
        let mut clips: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for item in heeding(scope.progress, collection.items()) {
            let item = item?;
            let labels = if item.modality == Modality::Audio { labels_of(&item) } else { Vec::new() };
            if !labels.is_empty() {
                *clips.entry(labels).or_default() += 1;
            }
        }
        if !clips.is_empty() {
            all.push((info.name, clips));
        }
    }
    Ok(all)
}

/// For each collection how many of its clips carry the term, or one below it; none without collections.
fn coverage(ontology: &Ontology, id: TermId, collections: &[Carried]) -> Option<Table> {
    let title = format!("clips that carry it, by {}", ontology.name);
    let mut table =
        Table::new(["collection", "with this label", "with one below it", "labels below it", "labelled clips"]).titled(title);
    for (collection, clips) in collections {
        let (mut own, mut below, mut names) = (0usize, 0usize, BTreeSet::new());
        for (labels, count) in clips {
            let terms = labels.iter().filter_map(|label| Some((label.as_str(), ontology.resolve(label).ok()?)));
            let (this, others): (Vec<_>, Vec<_>) = terms.partition(|&(_, term)| term == id);
            let lower: Vec<&str> =
                others.iter().filter(|&&(_, term)| ontology.is_below(term, id)).map(|&(label, _)| label).collect();
            own += if this.is_empty() { 0 } else { *count };
            below += if lower.is_empty() { 0 } else { *count };
            names.extend(lower);
        }
        let names = some(names.into_iter().map(str::to_owned));
        let all: usize = clips.values().sum();
        table.push(vec![collection.as_str().into(), own.into(), below.into(), names.into(), all.into()]);
    }
    (!table.rows.is_empty()).then_some(table)
}
