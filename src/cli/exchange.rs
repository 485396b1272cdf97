//! `dyad import` and `dyad export`.

use std::path::PathBuf;

use super::{App, args};
use crate::diagnostic::{Diagnostic, Spanned, one_of};
use crate::embedding::Modality;
use crate::exchange::{Ask, FORMATS, Format};
use crate::ingest::{export, import};
use crate::report::{Report, Table};
use crate::session::Failure;
use crate::store::{Collection, SpaceInfo};

/// Reasons that are shown; the others are counted.
const SHOWN: usize = 20;

/// The exit code of arguments that make no sense together.
const WRONG_USAGE: u8 = 2;

/// `dyad import FORMAT FILE …`
pub fn import(app: &App, args: args::Import) -> Result<u8, Failure> {
    let options = import::Options {
        format: args.kind,
        files: args.files,
        ask: Ask { vectors: args.vectors_in, ids: args.ids_in },
        collection: args.collection,
        model: args.model,
        model_hash: args.model_hash,
        modality: modality(args.modality),
        stage: args.space,
        labels: args.labels,
        prompt: args.prompt,
        storage: args.storage,
        skip_bad: args.skip_bad,
    };
    let workspace = app.workspace()?;
    let imported = import::import(&workspace, &options, &app.bars)?;
    let mut report = Report::new("import");
    report.context.store = Some(workspace.place());
    report.context.collection = Some(options.collection.clone());
    report.context.model = Some(options.model.clone());
    report.context.prompts = options.prompt.clone().into_iter().collect();
    let mut table = Table::new(["file", "space", "vectors", "dim", "replaced", "skipped"]);
    let space = crate::embedding::Space::new(&options.model, options.modality, options.stage);
    let mut shown: Vec<String> = Vec::new();
    let mut ends = 0;
    for ((file, rows), replaced) in options.files.iter().zip(&imported.of_files).zip(&imported.replaced) {
        let skipped = imported.skipped.range(ends..ends + rows).count();
        for (row, reason) in imported.skipped.range(ends..ends + rows).take(SHOWN.saturating_sub(shown.len())) {
            let of = if options.files.len() > 1 { format!(" of `{}`", file.display()) } else { String::new() };
            shown.push(format!("row {}{of} {reason}", row - ends));
        }
        ends += rows;
        table.push(vec![
            file.display().to_string().into(),
            space.to_string().into(),
            (*rows as usize).saturating_sub(skipped).into(),
            imported.dim.into(),
            (*replaced as usize).into(),
            skipped.into(),
        ]);
    }
    report.tables.push(table);
    report.notes.extend(imported.left_out.iter().map(|what| format!("left out: {what}")));
    report.notes.extend(imported.strange);
    report.notes.extend(shown);
    if let Some(more @ 1..) = imported.skipped.len().checked_sub(SHOWN) {
        report.notes.push(format!("{more} more rows were skipped"));
    }
    app.print(&report)?;
    Ok(0)
}

/// `dyad export FORMAT FILE --collection C …` or `dyad export C --to FILE …`
pub fn export(app: &App, args: args::Export) -> Result<u8, Failure> {
    let (format, file, collection) = match wanted(&args) {
        Ok(wanted) => wanted,
        Err(fault) => {
            app.complain(&fault);
            return Ok(WRONG_USAGE);
        }
    };
    let workspace = app.present(&app.models)?;
    let collection = workspace.collection(&Spanned::new(collection, Default::default()))?;
    let info = space(&collection, &args)?;
    let options = export::Options { format, file, force: args.force };
    let exported = export::export(&collection, &info.key, &options, &app.bars)?;
    let mut report = Report::new("export");
    report.context.store = Some(workspace.place());
    report.context.collection = Some(collection.name().to_owned());
    report.context.model = Some(info.key.space.model.clone());
    report.context.model_hash = Some(info.key.model_hash.clone());
    report.context.prompts = info.key.prompt.iter().cloned().collect();
    let mut table = Table::new(["file", "space", "vectors", "dim", "size"]).unit("size", "bytes");
    for file in &exported.files {
        let size = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
        table.push(vec![
            file.display().to_string().into(),
            info.key.space.to_string().into(),
            (exported.rows as usize).into(),
            exported.dim.into(),
            (size as usize).into(),
        ]);
    }
    report.tables.push(table);
    app.print(&report)?;
    Ok(0)
}

/// What kind of file, which, and of what collection, in either spelling.
fn wanted(args: &args::Export) -> Result<(&'static Format, PathBuf, String), Diagnostic> {
    let fault = |what: String| Diagnostic::new(what).expected(one_of(FORMATS.iter().map(|format| format.name)));
    match (&args.to, &args.file, &args.collection) {
        (Some(file), ..) => {
            let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
            let unknown = || fault(format!("the ending of `{}` is no kind of file", file.display()));
            Ok((Format::named(&ending).ok_or_else(unknown)?, file.clone(), args.first.clone()))
        }
        (None, Some(file), Some(collection)) => {
            let unknown = || fault(format!("`{}` is no kind of file", args.first));
            let format = Format::named(&args.first).ok_or_else(unknown)?;
            Ok((format, file.clone(), collection.clone()))
        }
        // The arguments are refused before they come here.
        (None, ..) => Err(Diagnostic::new("`export` needs a file").expected("`FILE` with `--collection`, or `--to FILE`")),
    }
}

fn modality(arg: args::ModalityArg) -> Modality {
    match arg {
        args::ModalityArg::Audio => Modality::Audio,
        args::ModalityArg::Text => Modality::Text,
    }
}

/// The one space that is meant.
fn space(collection: &Collection, args: &args::Export) -> Result<SpaceInfo, Failure> {
    let (name, modality) = (collection.name(), modality(args.modality));
    let all = collection.spaces().map_err(crate::workspace::Error::from)?;
    let of_kind: Vec<&SpaceInfo> =
        all.iter().filter(|s| s.key.space.modality == modality && s.key.space.stage == args.space).collect();
    let of_model: Vec<&SpaceInfo> =
        of_kind.iter().copied().filter(|s| args.model.as_ref().is_none_or(|model| s.key.space.model == *model)).collect();
    let meant: Vec<&SpaceInfo> =
        of_model.iter().copied().filter(|s| args.prompt.is_none() || s.key.prompt == args.prompt).collect();
    match meant.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let there: Vec<String> = all.iter().map(|s| s.key.to_string()).collect();
            let fault = Diagnostic::new(format!("the collection `{name}` has no such vectors"));
            Err(match there.is_empty() {
                true => fault.hint("it has no vectors at all"),
                false => fault.expected(format!("one of its spaces: {}", one_of(there.iter().map(String::as_str)))),
            }
            .into())
        }
        several => {
            let texts: Vec<String> = several.iter().map(|s| s.key.to_string()).collect();
            let fault = Diagnostic::new(format!("the collection `{name}` has several such spaces"));
            Err(fault.expected(format!("`--model` or `--prompt` for one of {}", one_of(texts.iter().map(String::as_str)))).into())
        }
    }
}
