//! `dyad ingest` and `dyad import`.

use std::path::PathBuf;

use super::{App, args};
use crate::audio::Limits;
use crate::diagnostic::{Diagnostic, Spanned};
use crate::embedding::{Modality, Stage};
use crate::ingest::labelling::Rows;
use crate::ingest::{self, Labelling, Options, Summary, npy};
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
    if let Some(jobs) = args.jobs {
        // The pool is made once; a failure means that it is there already.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(usize::from(jobs)).build_global();
    }
    let labelling = match &args.labels {
        Some(table) => Labelling::Table(Rows::read(table)?),
        None => Labelling::parse(&args.label_from)?,
    };
    if !(args.max_duration > 0.0 && args.max_duration.is_finite()) {
        return Err(Diagnostic::new(format!("`--max-duration {}` is no length", args.max_duration))
            .expected("a number of seconds above 0")
            .into());
    }
    let workspace = app.workspace()?;
    let model = hearing_model(&workspace, args.model)?;
    let limits = Limits { max_duration_s: args.max_duration };
    let options = Options { paths: args.paths, collection: args.collection, labelling, limits };
    let done = ingest::ingest(&workspace, &model, &options, &app.bars);
    let summary = match done {
        Ok(summary) => summary,
        Err(ingest::Error::Cancelled) => {
            app.say("what was stored so far stays; the same command goes on from there");
            return Err(Failure::Interrupted);
        }
        Err(error) => return Err(error.into()),
    };
    if !app.no_index {
        prepare(&workspace, &model, &summary.collection, &app.bars)?;
    }
    app.print(&report(&workspace, &model, &summary))?;
    Ok(u8::from(!summary.failures.is_empty()))
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

/// Embeds the ontologies' labels at both stages, and builds the search graphs.
pub fn prepare(workspace: &Workspace, model: &ModelRef, collection: &str, progress: &dyn Progress) -> Result<(), Failure> {
    if model.model.as_ref().is_some_and(|m| m.text.is_some()) {
        let mut labels: Vec<String> = Vec::new();
        for ontology in workspace.ontologies()?.iter() {
            labels.extend(ontology.terms().iter().map(|t| t.spoken()));
        }
        let name = Spanned::new(collection.to_owned(), Default::default());
        labels.extend(workspace.labels_of(&name, &[]).unwrap_or_default());
        labels.sort();
        labels.dedup();
        let prompt = crate::prompt::Prompt::template("A <> track").map_err(|e| Diagnostic::new(e.to_string()))?;
        workspace.label_vectors(model, Stage::Joint, &Prompts(vec![prompt]), &labels, progress)?;
    }
    let Some(stored) = workspace.store().collection(collection).map_err(crate::workspace::Error::from)? else { return Ok(()) };
    for stage in [Stage::PreJoint, Stage::Joint] {
        if let Ok(info) = workspace.audio_space(&stored, model, stage) {
            workspace.index(&stored, &info, progress)?;
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
    report.notes.extend(summary.warnings.iter().map(|(file, warning)| format!("{file}: {warning}")));
    report
}

/// `dyad import npy FILE …`
pub fn import(app: &App, args: args::Import) -> Result<u8, Failure> {
    let modality = match args.modality {
        args::ModalityArg::Audio => Modality::Audio,
        args::ModalityArg::Text => Modality::Text,
    };
    let args::ImportKind::Npy = args.kind;
    let options = npy::Options {
        file: args.file,
        collection: args.collection,
        model: args.model,
        model_hash: args.model_hash,
        modality,
        stage: args.space,
        labels: args.labels,
        prompt: args.prompt,
        skip_bad: args.skip_bad,
    };
    let workspace = app.workspace()?;
    let imported = npy::import(&workspace, &options, &app.bars)?;
    let mut report = Report::new("import");
    report.context.store = Some(workspace.place());
    report.context.collection = Some(options.collection.clone());
    report.context.model = Some(options.model.clone());
    report.context.prompts = options.prompt.clone().into_iter().collect();
    let mut table = Table::new(["file", "space", "vectors", "dim", "skipped"]);
    let space = crate::embedding::Space::new(&options.model, modality, options.stage);
    let file: PathBuf = options.file;
    table.push(vec![
        file.display().to_string().into(),
        space.to_string().into(),
        imported.rows.into(),
        imported.dim.into(),
        imported.skipped.len().into(),
    ]);
    report.tables.push(table);
    report.notes.extend(imported.skipped.iter().take(20).map(|(row, reason)| format!("row {row} {reason}")));
    app.print(&report)?;
    Ok(0)
}
