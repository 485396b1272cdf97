//! `dyad ingest`.

use super::{App, args};
use crate::audio::Limits;
use crate::diagnostic::{Diagnostic, Spanned};
use crate::embedding::Stage;
use crate::ingest::dataset::{self, Request};
use crate::ingest::files::{self, Found};
use crate::ingest::labelling::Rows;
use crate::ingest::{self, Keep, Labelling, Options, Summary};
use crate::progress::Progress;
use crate::report::{Report, Table};
use crate::session::Failure;
use crate::workspace::{ModelRef, Prompts, Workspace};

impl From<ingest::Error> for Failure {
    fn from(error: ingest::Error) -> Self {
        match error {
            ingest::Error::Workspace(error) => error.into(),
            ingest::Error::Cancelled => Failure::Interrupted,
            other => Failure::Statement(Diagnostic::new(other.to_string())),
        }
    }
}

/// `dyad ingest PATH …`
pub fn ingest(app: &App, args: args::Ingest) -> Result<u8, Failure> {
    let (found, labelling) = match &args.dataset {
        Some(dataset) => from_dataset(dataset, &args)?,
        None => {
            let labelling = match &args.labels {
                Some(table) => Labelling::Table(Rows::read(table)?),
                None => args.label_from.as_deref().map_or(Ok(Labelling::FolderAtFirst), Labelling::parse)?,
            };
            (files::find(&args.paths)?, labelling)
        }
    };
    if !(args.max_duration > 0.0 && args.max_duration.is_finite()) {
        return Err(Diagnostic::new(format!("`--max-duration {}` is no length", args.max_duration))
            .expected("a number of seconds above 0")
            .into());
    }
    let workspace = app.workspace()?;
    let model = hearing_model(&workspace, args.model)?;
    let keep = Keep { windows: args.windows, pool: args.pool, storage: args.storage };
    let limits = Limits { max_duration_s: args.max_duration };
    let options = Options { paths: args.paths, collection: args.collection, labelling, limits, keep };
    let done = ingest::ingest_found(&workspace, &model, &options, &found, &app.bars);
    let summary = match done {
        Ok(summary) => summary,
        Err(ingest::Error::Cancelled) => {
            app.say("what was stored so far stays; the same command goes on from there");
            return Err(Failure::Interrupted);
        }
        Err(error) => return Err(error.into()),
    };
    let prepared = if app.no_index { Ok(()) } else { prepare(&workspace, &model, &summary.collection, &app.bars) };
    let mut told = report(&workspace, &model, &summary);
    if !app.no_index
        && reads_texts(&model)
        && let Err(reason) = workspace.ontologies()
    {
        told.notes.push(format!("the texts of labels were not read beforehand: {reason}"));
    }
    // What was stored is told, whatever came after it.
    app.print(&told)?;
    prepared?;
    Ok(u8::from(!summary.failures.is_empty() && !args.skip_bad))
}

fn reads_texts(model: &ModelRef) -> bool {
    model.model.as_ref().is_some_and(|m| m.text.is_some())
}

/// The clips of a dataset, with its own fields; those of `--labels` or `--label-from` come on top.
fn from_dataset(dataset: &str, args: &args::Ingest) -> Result<(Found, Labelling), Failure> {
    let [folder] = args.paths.as_slice() else {
        return Err(Diagnostic::new("a dataset is one folder").expected("`dyad ingest --dataset NAME FOLDER`").into());
    };
    let request = Request { dataset, folder, annotations: args.annotations.as_deref(), thorough: false };
    let mut listing = dataset::read(&request)?;
    let (sources, mut fields) = listing.take_clips();
    let (failures, mut warnings) = (listing.faults, listing.warnings);
    if let (Some(first), false) = (failures.first(), args.skip_bad) {
        let more = if failures.len() > 1 { format!(", the first of {} faults", failures.len()) } else { String::new() };
        let fault = Diagnostic::new(format!("{}: {}{more}", first.file, first.reason));
        let all = format!("`dyad datasets check {dataset} {}` lists them all", folder.display());
        return Err(fault.hint("`--skip-bad` leaves out what is at fault and goes on").hint(all).into());
    }
    if sources.is_empty() {
        let fault = Diagnostic::new(format!("`{}` holds no clip of `{dataset}`", folder.display()));
        return Err(fault.hint(format!("`dyad datasets describe {dataset}` draws its layout")).into());
    }
    let own = match (&args.labels, &args.label_from) {
        (Some(table), _) => Labelling::Table(Rows::read(table)?),
        (None, Some(rule)) => Labelling::parse(rule)?,
        (None, None) => Labelling::None,
    };
    warnings.extend(own.strange(&sources));
    for source in &sources {
        own.add_to(fields.entry(source.id.clone()).or_default(), &source.id, &source.path);
    }
    Ok((Found { sources, failures, warnings }, Labelling::Listed(fields)))
}

/// The model that is named, or the only one that can hear.
pub fn hearing_model(workspace: &Workspace, name: Option<String>) -> Result<ModelRef, Failure> {
    if let Some(name) = name {
        return Ok(workspace.model(&Spanned::new(name, Default::default()))?);
    }
    let mut hearing = Vec::new();
    let mut broken = None;
    for id in workspace.model_ids()? {
        match workspace.model(&Spanned::new(id, Default::default())) {
            Ok(model) if model.model.as_ref().is_some_and(|m| m.audio.is_some()) => hearing.push(model),
            Ok(_) => {}
            Err(error) => broken = Some(error),
        }
    }
    match hearing.len() {
        1 => Ok(hearing.remove(0)),
        0 => Err(broken.map_or_else(
            || Diagnostic::new("no model that can hear was found").hint("`dyad doctor` shows where models are looked for").into(),
            Failure::from,
        )),
        _ => {
            let names = crate::diagnostic::one_of(hearing.iter().map(|m| m.id.as_str()));
            Err(Diagnostic::new("several models can hear").expected(format!("`--model NAME` with {names}")).into())
        }
    }
}

/// Embeds the labels of the usual ontology and of the collection at both stages, and builds the search graphs. Labels of other
/// ontologies are read when they are first asked for, and kept; so are all where an ontology in the store's folder is broken.
pub fn prepare(workspace: &Workspace, model: &ModelRef, collection: &str, progress: &dyn Progress) -> Result<(), Failure> {
    if reads_texts(model)
        && let Ok(ontologies) = workspace.ontologies()
    {
        let mut labels: Vec<String> = Vec::new();
        for ontology in ontologies.iter().filter(|ontology| ontology.name == crate::ontology::USUAL) {
            labels.extend(ontology.terms().iter().map(|t| t.spoken()));
        }
        let name = Spanned::new(collection.to_owned(), Default::default());
        labels.extend(workspace.labels_of(&name, &[], progress).unwrap_or_default());
        labels.sort();
        labels.dedup();
        let prompt = crate::prompt::Prompt::template(crate::prompt::USUAL).map_err(|e| Diagnostic::new(e.to_string()))?;
        workspace.label_vectors(model, Stage::Joint, &Prompts(vec![prompt]), &labels, progress)?;
    }
    let stored = workspace.store().collection(collection).map_err(crate::workspace::Error::from)?;
    for stored in stored.into_iter().chain(workspace.windows_of(collection)?) {
        for stage in [Stage::PreJoint, Stage::Joint] {
            if let Ok(info) = workspace.audio_space(&stored, model, stage) {
                workspace.index(&stored, &info, progress)?;
            }
        }
    }
    Ok(())
}

/// What an ingest did, as a report.
pub fn report(workspace: &Workspace, model: &ModelRef, summary: &Summary) -> Report {
    let mut report = Report::new("ingest");
    report.context.store = Some(workspace.place());
    report.context.collection = Some(summary.collection.clone());
    report.context.model = Some(model.id.clone());
    report.context.model_hash = Some(model.hash.clone());
    if let Some(backend) = workspace.backend_used() {
        report.context.fact("backend", backend);
    }
    let mut table = Table::new(["embedded", "known already", "failed", "audio"]).unit("audio", "s");
    let seconds = (summary.audio_s * 10.0).round() / 10.0;
    table.push(vec![summary.embedded.into(), summary.known.into(), summary.failures.len().into(), seconds.into()]);
    report.tables.push(table);
    if !summary.failures.is_empty() {
        let mut failures = Table::new(["file", "reason"]).titled("could not be read");
        for failure in &summary.failures {
            failures.push(vec![failure.file.as_str().into(), failure.reason.as_str().into()]);
        }
        report.tables.push(failures);
    }
    if summary.unlabelled > 0 {
        report.notes.push(format!("{} clips have no label: `classify` leaves them out", summary.unlabelled));
    }
    if summary.embedded + summary.known + summary.failures.len() == 0 {
        report.notes.push("no audio files were found".into());
    }
    report.notes.extend(summary.notes.iter().cloned());
    report.notes.extend(summary.warnings.iter().map(|(file, warning)| format!("{file}: {warning}")));
    report
}
