//! `dyad ontologies`, `dyad collections`.

use super::args::{CollectionAction, ListAction};
use super::{App, ingest};
use crate::audio::Limits;
use crate::diagnostic::Spanned;
use crate::progress::Silent;
use crate::query::split::Piece;
use crate::session::Failure;
use crate::workspace::Error as WorkspaceError;

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

pub fn show(app: &App, statement: &str) -> Result<u8, Failure> {
    let executed = app.session()?.execute(Piece { text: statement, offset: 0 }, &Silent)?;
    app.print(&executed.report)?;
    Ok(0)
}
