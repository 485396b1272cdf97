//! `dyad models add|check|describe|remove|list`.
//!
//! ```text
//!   dyad models add models/music-clap      verified: 28 comparisons, largest difference 3.1e-6; added `music-clap`
//!   dyad models remove music-clap          refused while a collection holds its vectors
//! ```

use std::path::Path;

use super::App;
use super::args::ModelAction;
use super::commands::show;
use crate::diagnostic::Diagnostic;
use crate::encoder::manifest::FILE as MANIFEST;
use crate::encoder::{Error, Model, ModelFolders, check, install};
use crate::progress::Silent;
use crate::query::split::Piece;
use crate::query::statement::quoted;
use crate::session::{Failure, Session};
use crate::workspace::Error as WorkspaceError;

/// `dyad models [add FOLDER | check MODEL | describe MODEL | remove MODEL | list]`
pub fn models(app: &App, action: Option<ModelAction>) -> Result<u8, Failure> {
    match action.unwrap_or(ModelAction::List) {
        ModelAction::List => show(app, "show models"),
        ModelAction::Describe { model } => show(app, &format!("describe {}", quoted(&model))),
        ModelAction::Check { model } => check_model(app, &model),
        ModelAction::Add { folder, force } => add(app, &folder, force),
        ModelAction::Remove { model, force } => remove(app, &model, force),
    }
}

fn check_model(app: &App, name: &str) -> Result<u8, Failure> {
    // A folder may be checked before it is added; one that only bears the model's name is none of it.
    let folder = Path::new(name);
    let (id, folders) = match folder.join(MANIFEST).is_file() {
        true => (Model::open(folder).map_err(WorkspaceError::from)?.id, [&[folder.to_owned()], app.models.as_slice()].concat()),
        false => (name.to_owned(), app.models.clone()),
    };
    let statement = format!("check model {}", quoted(&id));
    let mut session = Session::new(app.present(&folders)?);
    let report = session.execute(Piece { text: &statement, offset: 0 }, &app.bars)?.report;
    app.print(&report)?;
    Ok(u8::from(report.metric("faults").is_none_or(|faults| faults.value != 0.0)))
}

fn add(app: &App, folder: &Path, force: bool) -> Result<u8, Failure> {
    let into = install::user_folder().map_err(WorkspaceError::from)?;
    let added = install::add(folder, &into, force).map_err(WorkspaceError::from)?;
    let worst = added.parity.iter().map(|p| p.largest_difference).fold(0.0, f64::max);
    match added.parity.len() {
        0 => app.say("no graphs to verify: vectors of this model are imported"),
        n => app.say(&format!("verified: {n} comparisons with the golden file, largest difference {worst:.1e}")),
    }
    let model = Model::open(&added.dir).map_err(WorkspaceError::from)?;
    for space in check::health(&model, &Silent).map_err(WorkspaceError::from)?.iter().filter(|space| space.collapsed()) {
        let share = space.mean_cosine;
        app.say(&format!("note: {} is collapsed: different inputs have a mean cosine of {share:.4}", space.space));
    }
    if let Some(slow) = model.slow_here().map_err(WorkspaceError::from)? {
        app.say(&format!("note: {slow}"));
    }
    let what = if added.new { "added" } else { "already there:" };
    app.say(&format!("{what} `{}` {} in {}", added.id, added.hash.get(..12).unwrap_or(&added.hash), added.dir.display()));
    // Another folder may come before the user's.
    let seen = ModelFolders::new(&app.models, Some(&app.store)).list();
    let first = seen.iter().find(|found| found.manifest.as_ref().is_ok_and(|manifest| manifest.id == added.id));
    if let Some(first) = first.filter(|first| first.dir != added.dir) {
        app.say(&format!("note: the model of the same id in {} hides it", first.dir.display()));
    }
    Ok(0)
}

fn remove(app: &App, id: &str, force: bool) -> Result<u8, Failure> {
    if app.store.exists() && !force {
        let collections = app.workspace()?.store().collections().map_err(WorkspaceError::from)?;
        let holds = |c: &&crate::store::CollectionInfo| c.spaces.iter().any(|space| space.key.space.model == id);
        let users: Vec<&str> = collections.iter().filter(holds).map(|c| c.name.as_str()).collect();
        if !users.is_empty() {
            let named = users.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let fault = Diagnostic::new(format!("the model `{id}` has vectors in collections of this store: {named}"));
            return Err(fault.expected("`--force`, after which nothing new can be embedded beside them").into());
        }
    }
    let folder = install::user_folder().map_err(WorkspaceError::from)?;
    let folders = ModelFolders::new(&app.models, Some(&app.store));
    let dir = install::remove(id, &folder, &folders).map_err(|error: Error| WorkspaceError::from(error))?;
    app.say(&format!("removed `{id}` from {}", dir.display()));
    Ok(0)
}
