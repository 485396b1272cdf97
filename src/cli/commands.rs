//! `dyad models`, `dyad ontologies`, `dyad collections`.

use super::args::{CollectionAction, ListAction, ModelAction};
use super::{App, ingest};
use crate::audio::Limits;
use crate::diagnostic::Spanned;
use crate::progress::Silent;
use crate::query::split::Piece;
use crate::query::statement::quoted;
use crate::session::Failure;
use crate::workspace::Error as WorkspaceError;

/// `dyad models [list | check MODEL]`
pub fn models(app: &App, action: Option<ModelAction>) -> Result<u8, Failure> {
    match action.unwrap_or(ModelAction::List) {
        ModelAction::List => show(app, "show models"),
        ModelAction::Check { model } => check_model(app, &model),
    }
}

/// `dyad ontologies [list]`
pub fn ontologies(app: &App, _: Option<ListAction>) -> Result<u8, Failure> {
    show(app, "show ontologies")
}

/// `dyad collections [list | drop COLLECTION]`
pub fn collections(app: &App, action: Option<CollectionAction>) -> Result<u8, Failure> {
    match action.unwrap_or(CollectionAction::List) {
        CollectionAction::List => show(app, "show collections"),
        CollectionAction::Drop { collection } => {
            let workspace = app.workspace()?;
            workspace.collection(&Spanned::new(collection.clone(), Default::default()))?;
            if let Some(windows) = workspace.windows_of(&collection)? {
                workspace.store().drop_collection(windows.name()).map_err(WorkspaceError::from)?;
            }
            workspace.store().drop_collection(&collection).map_err(WorkspaceError::from)?;
            app.say(&format!("dropped `{collection}`"));
            Ok(0)
        }
        CollectionAction::Reembed { collection, model } => reembed(app, collection, model),
    }
}

/// `dyad collections reembed COLLECTION`
fn reembed(app: &App, name: String, model: Option<String>) -> Result<u8, Failure> {
    let workspace = app.workspace()?;
    let collection = workspace.collection(&Spanned::new(name, Default::default()))?;
    let model = ingest::hearing_model(&workspace, model)?;
    let summary = crate::ingest::reembed(&workspace, &model, collection, Limits::default(), &app.bars)?;
    ingest::prepare(&workspace, &model, &summary.collection, &app.bars)?;
    app.print(&ingest::report(&workspace, &model, &summary))?;
    Ok(u8::from(!summary.failures.is_empty()))
}

fn show(app: &App, statement: &str) -> Result<u8, Failure> {
    let executed = app.session()?.execute(Piece { text: statement, offset: 0 }, &Silent)?;
    app.print(&executed.report)?;
    Ok(0)
}

fn check_model(app: &App, name: &str) -> Result<u8, Failure> {
    let statement = format!("check model {}", quoted(name));
    let report = app.session()?.execute(Piece { text: &statement, offset: 0 }, &Silent)?.report;
    app.print(&report)?;
    Ok(u8::from(report.metric("faults").is_none_or(|faults| faults.value != 0.0)))
}
