//! `dyad check`, `compact`, `snapshot` and `restore`: the care of a store.

use std::path::Path;

use super::{App, args};
use crate::diagnostic::Diagnostic;
use crate::report::{Report, Table};
use crate::session::Failure;
use crate::store::{self, Checkup, Remedy, Store};
use crate::value::Value;
use crate::workspace::{self, GraphFault};

/// Something is damaged: as for a store that cannot be opened.
const DAMAGED: u8 = 3;
/// All is mended, and something is lost.
const LOST: u8 = 1;

/// `dyad check [COLLECTION] [--repair]`
pub fn check(app: &App, args: args::Check) -> Result<u8, Failure> {
    let checked = Store::check_folder(&app.store, args.collection.as_deref(), args.repair, &app.bars);
    let checkup = checked.map_err(unopened)?;
    let mut report = Report::new("check");
    report.context.store = Some(app.store.display().to_string());
    report.context.collection = args.collection.clone();
    report.tables.push(findings(&checkup, args.repair));
    report.context.fact("items", checkup.items as usize);
    report.context.fact("vectors", checkup.vectors as usize);
    report.context.fact("lost", checkup.lost());
    // The search files are looked at through the store; one that cannot be opened has told enough.
    let mut damaged = !checkup.is_whole();
    if (args.repair || !damaged)
        && let Ok(workspace) = app.workspace()
    {
        for fault in workspace.audit_graphs()? {
            damaged |= graph(fault, args.collection.as_deref(), args.repair, &mut report);
        }
    }
    if !damaged {
        report.notes.insert(0, format!("whole: {} items, {} vectors", checkup.items, checkup.vectors));
    } else if args.repair {
        report.notes.insert(0, "mended: what is lost can be ingested or imported again".into());
    } else {
        report.notes.insert(0, "damaged: `dyad check --repair` mends what can be and takes out what is lost".into());
    }
    let kept = checkup.kept.iter().map(|kept| format!("what was there before stays in `{}`", kept.display()));
    report.notes.extend(kept);
    app.print(&report)?;
    Ok(match (damaged, args.repair) {
        (false, _) => 0,
        (true, false) => DAMAGED,
        (true, true) if checkup.lost() == 0 => 0,
        (true, true) => LOST,
    })
}

/// What a check says of a store that it cannot open: not to check it.
fn unopened(error: store::Error) -> Failure {
    let diagnostic = Diagnostic::new(error.to_string());
    match error {
        store::Error::Damaged { .. } => {
            let again = "`dyad --store NEW restore FILE` brings back a snapshot; without one, `dyad check --repair` keeps what can be \
                         read and leaves what was there as `db.damaged`";
            Failure::Store(diagnostic.hint(again))
        }
        other => fault(other),
    }
}

/// `dyad compact`
pub fn compact(app: &App) -> Result<u8, Failure> {
    there(app)?;
    let done = Store::compact_folder(&app.store, &app.bars).map_err(fault)?;
    let mut table = Table::new(["", "bytes", "blocks", "replaced rows"]);
    let number = |n: u64| Value::from(n as usize);
    table.push(vec!["before".into(), number(done.bytes_before), number(done.blocks_before), number(done.rows_removed)]);
    table.push(vec!["after".into(), number(done.bytes_after), number(done.blocks_after), number(0)]);
    print(app, "compact", table, Vec::new())
}

/// `dyad snapshot FILE`
pub fn snapshot(app: &App, file: &Path) -> Result<u8, Failure> {
    there(app)?;
    let done = Store::open(&app.store).and_then(|store| store.snapshot(file, &app.bars)).map_err(fault)?;
    let mut table = Table::new(["snapshot", "entries", "files", "bytes"]);
    let count = |n: u64| Value::from(n as usize);
    table.push(vec![file.display().to_string().into(), count(done.entries), count(done.files), count(done.bytes)]);
    let skipped = done.skipped.iter().map(|path| format!("`{}` is no plain file and was left out", path.display()));
    print(app, "snapshot", table, skipped.collect())
}

/// `dyad restore FILE`
pub fn restore(app: &App, file: &Path) -> Result<u8, Failure> {
    let done = Store::restore(file, &app.store, &app.bars).map_err(|error| match error {
        store::Error::Refused(store::Refused::Taken { .. }) => {
            Failure::Statement(Diagnostic::new(error.to_string()).hint("`--store NEW` names another place"))
        }
        other => fault(other),
    })?;
    let mut table = Table::new(["store", "entries", "files"]);
    table.push(vec![app.store.display().to_string().into(), (done.entries as usize).into(), (done.files as usize).into()]);
    print(app, "restore", table, vec!["search files are made again when a search needs them".into()])
}

/// These commands do not make a store.
fn there(app: &App) -> Result<(), Failure> {
    if app.store.is_dir() {
        return Ok(());
    }
    if app.store.is_file() {
        Store::open(&app.store).and_then(|store| store.writable()).map_err(fault)?;
    }
    Err(fault(store::Error::NoStore { path: app.store.clone() }))
}

fn print(app: &App, kind: &str, table: Table, notes: Vec<String>) -> Result<u8, Failure> {
    let mut report = Report::new(kind);
    report.context.store = Some(app.store.display().to_string());
    report.tables.push(table);
    report.notes = notes;
    app.print(&report)?;
    Ok(0)
}

/// The failure of a command that works on the store itself.
pub fn fault(error: store::Error) -> Failure {
    workspace::Error::from(error).into()
}

fn outcome(remedy: Remedy, repaired: bool) -> &'static str {
    match (remedy, repaired) {
        (Remedy::Lost, _) => "lost",
        (Remedy::Rebuilt, true) => "rebuilt",
        (Remedy::Rebuilt, false) => "can be rebuilt",
    }
}

fn findings(checkup: &Checkup, repaired: bool) -> Table {
    let mut table = Table::new(["collection", "item", "fault", "outcome"]);
    for finding in &checkup.findings {
        table.push(vec![
            Value::from(finding.collection.clone()),
            Value::from(finding.item.clone()),
            finding.fault.as_str().into(),
            outcome(finding.remedy, repaired).into(),
        ]);
    }
    table
}

/// Tells of a search file, and removes one that is of no use when asked to. True when it was damaged.
fn graph(fault: GraphFault, only: Option<&str>, repair: bool, report: &mut Report) -> bool {
    let name = |file: &Path| file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match fault {
        GraphFault::Missing { collection, space } => {
            if only.is_none_or(|only| only == collection) {
                report.notes.push(format!("no search file for `{space}` of `{collection}`: a search that needs one makes it"));
            }
            false
        }
        GraphFault::Stale { file } => {
            let done = if repair && std::fs::remove_file(&file).is_ok() { "removed" } else { "of no use, `--repair` removes it" };
            report.notes.push(format!(
                "the search file `{}` is of no present space, of an earlier version, or unfinished: {done}",
                name(&file)
            ));
            false
        }
        GraphFault::Bad { file, collection, fault } => {
            if repair {
                let _ = std::fs::remove_file(&file);
            }
            if let Some(table) = report.tables.first_mut() {
                let what = format!("the search file `{}`: {fault}", name(&file));
                table.push(vec![Value::from(collection), Value::Null, what.into(), outcome(Remedy::Rebuilt, repair).into()]);
            }
            true
        }
    }
}
