//! `dyad report`: the paper's experiments on every model and collection, as one page with tables and results beside it.
//!
//! ```text
//!   plan (which statements) ─ session ─ reports ─┬─ index.html   self-contained: styles, figures and sounds inside
//!                                                ├─ NN-name.csv  each table, and the metrics where they are in none
//!                                                └─ NN-name.json each result, for `dyad replay`
//! ```

mod errors;
mod folder;
mod page;
mod plan;
pub mod published;
pub(super) mod replay;

use std::io::Write;
use std::path::Path;

use super::App;
use crate::diagnostic::Diagnostic;
use crate::progress::Progress;
use crate::query::Piece;
use crate::render::{Format, Style, metric_grid, renderer};
use crate::report::Report;
use crate::session::{Failure, Session};
use folder::Draft;
use page::{Block, Page, Section};

const PAGE: &str = "index.html";

/// `dyad report [--out DIR]`
pub(super) fn report(app: &App, out: &Path) -> Result<u8, Failure> {
    let mut session = app.session()?;
    let sections = plan::sections(session.workspace())?;
    let draft = Draft::begin(out)?;
    let statements: usize = sections.iter().map(|s| s.statements.len()).sum();
    let mut page = Page::default();
    let (mut done, mut failed) = (0, 0);
    for planned in sections {
        let mut section = Section { id: planned.id, title: planned.title, lead: planned.lead, blocks: Vec::new() };
        for (caption, statement) in planned.statements {
            done += 1;
            app.say(&format!("[{done}/{statements}] {statement}"));
            let result = run(&mut session, &statement, app)?;
            let mut block = Block { caption, statement, files: Vec::new(), result: Err(String::new()), sounds: Vec::new() };
            match result {
                Ok(report) => {
                    block.files = save(&draft, done, &section.id, &report)?;
                    block.sounds = errors::worst(session.workspace(), &report);
                    block.result = Ok(report);
                }
                Err(reason) => {
                    failed += 1;
                    block.result = Err(reason);
                }
            }
            section.blocks.push(block);
        }
        page.sections.push(section);
    }
    page.sections.push(published::section());
    draft.write(PAGE, page.html(&session.workspace().place()).as_bytes())?;
    let file = draft.keep()?;
    app.say(&format!("{} statements, of which {failed} could not be answered (the page says why)", done));
    let told = writeln!(super::out::stdout(), "{}", file.display());
    told.map_err(|e| Diagnostic::new(format!("the result can't be written: {e}")))?;
    Ok(u8::from(failed > 0))
}

/// A statement's report, or why there is none. A damaged store or Ctrl-C ends the whole run.
fn run(session: &mut Session, statement: &str, app: &App) -> Result<Result<Report, String>, Failure> {
    match session.execute(Piece { text: statement, offset: 0 }, &app.bars as &dyn Progress) {
        Ok(executed) => Ok(Ok(executed.report)),
        Err(Failure::Statement(diagnostic)) => Ok(Err(diagnostic.to_string())),
        Err(fatal) => Err(fatal),
    }
}

/// Writes a result's tables as CSV and the whole as JSON; gives the files' names.
fn save(draft: &Draft, number: usize, name: &str, report: &Report) -> Result<Vec<String>, Failure> {
    let mut files = Vec::new();
    let stem = format!("{number:02}-{name}");
    for (i, table) in report.tables.iter().enumerate() {
        let one = Report { tables: vec![table.clone()], ..Report::default() };
        let suffix = if i == 0 { String::new() } else { format!("-{}", i + 1) };
        let file = format!("{stem}{suffix}.csv");
        draft.write(&file, &rendered(&one, Format::Csv))?;
        files.push(file);
    }
    if metric_grid(report, true).is_some() && !report.tables.is_empty() {
        let file = format!("{stem}-metrics.csv");
        draft.write(&file, &rendered(&Report { metrics: report.metrics.clone(), ..Report::default() }, Format::Csv))?;
        files.push(file);
    }
    let file = format!("{stem}.json");
    draft.write(&file, &rendered(report, Format::Json))?;
    files.push(file);
    Ok(files)
}

fn rendered(report: &Report, format: Format) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = renderer(format, &Style::default()).report(report, &mut bytes);
    bytes
}
