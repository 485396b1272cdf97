//! `dyad doctor`: what runtime, models and store were found, and what to do about what was not.

use super::{App, bundled};
use crate::encoder::{Engine, ModelFolders, runtime};
use crate::report::{Report, Table};
use crate::session::Failure;
use crate::value::Value;

/// `dyad doctor`
pub fn doctor(app: &App) -> Result<u8, Failure> {
    let mut report = Report::new("doctor");
    let mut table = Table::new(["what", "found", "detail"]);
    let mut row = |what: &str, found: bool, detail: String| table.push(vec![what.into(), Value::Bool(found), detail.into()]);
    row("dyad", true, format!("{} on {} {}", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH));
    row(
        "threads",
        true,
        format!("{}; `--threads 1` or `DYAD_THREADS=1` for one, with the same results", rayon::current_num_threads()),
    );
    match runtime::backend() {
        Ok(backend) => {
            let path = backend.path.as_ref().map_or_else(|| "built in".to_owned(), |p| p.display().to_string());
            row("backend", true, format!("{backend} ({path}): {}", runtime::why(backend.engine)));
            if backend.engine == Engine::Tract {
                let faster = match runtime::on(Engine::OnnxRuntime) {
                    Ok(there) => format!("{there} is there and about 4 times faster: `unset DYAD_BACKEND` takes it"),
                    Err(_) => "the built-in backend is about 4 times slower than ONNX Runtime: `pip install onnxruntime` gives the faster one".to_owned(),
                };
                report.notes.push(faster);
            }
        }
        Err(error) => row("backend", false, error.to_string()),
    }
    let mut broken = 0;
    let folders = ModelFolders::new(&app.models, Some(&app.store));
    for found in folders.list() {
        match &found.manifest {
            Ok(manifest) => row("model", true, format!("{} in {}", manifest.id, found.dir.display())),
            Err(error) => {
                broken += 1;
                row("model", false, error.to_string());
            }
        }
    }
    match bundled::audio() {
        Some(dir) => row("bundled audio", true, dir.display().to_string()),
        None => row("bundled audio", false, "no folder `data/audio` with `manifest.csv`".into()),
    }
    let mut code = u8::from(broken > 0);
    if app.store.exists() {
        match app.workspace() {
            Ok(workspace) => {
                let collections = workspace.store().collections().map_err(crate::workspace::Error::from)?;
                let items: u64 = collections.iter().map(|c| c.items).sum();
                row("store", true, format!("{}: {} collections, {items} items", app.store.display(), collections.len()));
            }
            Err(failure) => {
                code = failure.exit_code();
                row("store", false, failure.diagnostic().to_string());
            }
        }
    } else {
        row("store", false, format!("{} is not there yet: `dyad ingest DIR` makes it", app.store.display()));
    }
    report.tables.push(table);
    let mut looked = Table::new(["library", "outcome"]).titled("where ONNX Runtime was looked for");
    for place in runtime::looked() {
        looked.push(vec![place.path.display().to_string().into(), place.outcome.as_str().into()]);
    }
    if !looked.rows.is_empty() {
        report.tables.push(looked);
    }
    let mut searched = Table::new(["folder", "there"]).titled("where models were looked for");
    for folder in folders.folders() {
        searched.push(vec![folder.display().to_string().into(), folder.is_dir().into()]);
    }
    report.tables.push(searched);
    app.print(&report)?;
    Ok(code)
}
