//! `dyad check`: what is damaged, what is lost, what can be made again.

use std::path::Path;

use super::{App, args};
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
    let checkup = checked.map_err(fault)?;
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
    app.print(&report)?;
    Ok(match (damaged, args.repair) {
        (false, _) => 0,
        (true, false) => DAMAGED,
        (true, true) if checkup.lost() == 0 => 0,
        (true, true) => LOST,
    })
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
            let done = if repair && std::fs::remove_file(&file).is_ok() { "removed" } else { "of no use" };
            report.notes.push(format!("the search file `{}` is of rows that are no more: {done}", name(&file)));
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
