//! `dyad ontologies`, `dyad collections`.

use std::io::Write;
use std::path::Path;

use super::args::{CollectionAction, OntologyAction};
use super::{App, ingest};
use crate::audio::Limits;
use crate::diagnostic::{Diagnostic, Spanned};
use crate::exchange::Target;
use crate::progress::Silent;
use crate::query::split::Piece;
use crate::session::Failure;
use crate::workspace::{Error as WorkspaceError, Workspace};

/// `dyad ontologies [list | add FILE]`
pub fn ontologies(app: &App, action: Option<OntologyAction>) -> Result<u8, Failure> {
    match action.unwrap_or(OntologyAction::List) {
        OntologyAction::List => show(app, "show ontologies"),
        OntologyAction::Add { file } => add_ontology(app, &file),
    }
}

/// `dyad ontologies add FILE`: read first, so that what is in the store's folder can be read.
fn add_ontology(app: &App, file: &Path) -> Result<u8, Failure> {
    let read = crate::ontology::read(file).map_err(|error| Diagnostic::new(error.to_string()))?;
    let workspace = app.workspace()?;
    workspace.store().writable().map_err(WorkspaceError::from)?;
    let known = workspace.ontologies()?;
    if let Some(other) = known.iter().find(|other| other.name.eq_ignore_ascii_case(&read.name)) {
        let fault = Diagnostic::new(format!("there is an ontology `{}` already", other.name));
        return Err(fault.expected("another name, in the file or of the file").into());
    }
    let (Some(folder), Some(name)) = (workspace.beside("ontologies"), file.file_name()) else {
        return Err(Diagnostic::new(format!("`{}` can't be kept: the store has no folder", file.display())).into());
    };
    let to = folder.join(name);
    let fault = |error: &dyn std::fmt::Display| Diagnostic::new(format!("`{}` can't be written: {error}", to.display()));
    let bytes = std::fs::read(file).map_err(|error| fault(&error))?;
    std::fs::create_dir_all(&folder).map_err(|error| fault(&error))?;
    let target = Target::begin(&to, false).map_err(|error| fault(&error))?;
    target.sink().and_then(|mut sink| Ok(sink.write_all(&bytes).and_then(|()| sink.flush())?)).map_err(|error| fault(&error))?;
    target.keep().map_err(|error| fault(&error))?;
    app.say(&format!("added `{}`, {} terms, as {}", read.name, read.terms().len(), to.display()));
    Ok(0)
}

/// `dyad collections [list | drop COLLECTION]`
pub fn collections(app: &App, action: Option<CollectionAction>) -> Result<u8, Failure> {
    match action.unwrap_or(CollectionAction::List) {
        CollectionAction::List => show(app, "show collections"),
        CollectionAction::Drop { collection } => {
            let workspace = app.present(&app.models)?;
            workspace.collection(&Spanned::new(collection.clone(), Default::default()))?;
            drop_collection(&workspace, &collection)?;
            app.say(&format!("dropped `{collection}`"));
            Ok(0)
        }
        CollectionAction::Reembed { collection, model } => reembed(app, collection, model),
    }
}

/// Removes a collection, and that of its windows.
pub fn drop_collection(workspace: &Workspace, name: &str) -> Result<(), Failure> {
    if let Some(windows) = workspace.windows_of(name)? {
        workspace.store().drop_collection(windows.name()).map_err(WorkspaceError::from)?;
    }
    Ok(workspace.store().drop_collection(name).map_err(WorkspaceError::from)?)
}

/// `dyad collections reembed COLLECTION`
fn reembed(app: &App, name: String, model: Option<String>) -> Result<u8, Failure> {
    let workspace = app.present(&app.models)?;
    let collection = workspace.collection(&Spanned::new(name, Default::default()))?;
    let model = ingest::hearing_model(&workspace, model)?;
    let summary = crate::ingest::reembed(&workspace, &model, collection, Limits::default(), &app.bars)?;
    let prepared = ingest::prepare(&workspace, &model, &summary.collection, &app.bars);
    app.print(&ingest::report(&workspace, &model, &summary))?;
    prepared?;
    Ok(u8::from(!summary.failures.is_empty()))
}

pub fn show(app: &App, statement: &str) -> Result<u8, Failure> {
    let executed = app.session()?.execute(Piece { text: statement, offset: 0 }, &Silent)?;
    app.print(&executed.report)?;
    Ok(0)
}
