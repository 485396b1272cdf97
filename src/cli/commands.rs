//! `dyad models`, `dyad ontologies`, `dyad collections`.

use super::args::{CollectionAction, ListAction, ModelAction};
use super::{App, ingest};
use crate::audio::Limits;
use crate::diagnostic::{Diagnostic, Spanned};
use crate::encoder::check;
use crate::progress::Silent;
use crate::query::split::Piece;
use crate::report::{Report, Table};
use crate::session::Failure;
use crate::workspace::Error as WorkspaceError;

/// `dyad models [list | check MODEL]`
pub fn models(app: &App, action: Option<ModelAction>) -> Result<u8, Failure> {
    match action.unwrap_or(ModelAction::List) {
        ModelAction::List => show(app, "show models"),
        ModelAction::Check { model } => check_model(app, model),
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

fn check_model(app: &App, name: String) -> Result<u8, Failure> {
    let workspace = app.workspace()?;
    let found = workspace.model(&Spanned::new(name.clone(), Default::default()))?;
    let Some(model) = &found.model else {
        return Err(Diagnostic::new(format!("the model `{name}` has no graphs to check")).into());
    };
    let fault = |e: crate::encoder::Error| Failure::from(WorkspaceError::from(e));
    let parity = check::parity(model).map_err(fault)?;
    let health = check::health(model).map_err(fault)?;
    let mut report = Report::new("check");
    report.context.model = Some(found.id.clone());
    report.context.model_hash = Some(found.hash.clone());
    if let Ok(Some(backend)) = model.backend() {
        report.context.fact("backend", backend.to_string());
    }
    let mut table = Table::new(["tensor", "largest difference", "allowed", "passed"]).titled("golden parity");
    for p in &parity {
        table.push(vec![p.what.as_str().into(), p.largest_difference.into(), p.allowed.into(), p.passed().into()]);
    }
    report.tables.push(table);
    let mut table = Table::new([
        "space",
        "inputs",
        "norm least",
        "norm mean",
        "norm greatest",
        "mean cosine",
        "first component",
        "collapsed",
    ])
    .titled("spaces");
    for h in &health {
        table.push(vec![
            h.space.to_string().into(),
            h.n.into(),
            h.norm[0].into(),
            h.norm[1].into(),
            h.norm[2].into(),
            h.mean_cosine.into(),
            h.first_component.into(),
            h.collapsed().into(),
        ]);
    }
    report.tables.push(table);
    app.print(&report)?;
    Ok(u8::from(!parity.iter().all(check::Parity::passed) || health.iter().any(check::Health::collapsed)))
}
