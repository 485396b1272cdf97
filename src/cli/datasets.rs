//! `dyad datasets`, and `docs/datasets.md`, which is made from the same records.
//!
//! `tests/queries/reference.rs` holds the file against what is made here; `DYAD_BLESS=1` writes it anew.

use std::fmt::Write as _;

use super::App;
use super::args::DatasetAction;
use crate::ingest::dataset::{self, DATASETS, Dataset, FORMS, Request};
use crate::report::{Report, Table};
use crate::session::Failure;
use crate::value::Value;

/// `dyad datasets [list | describe NAME | check NAME FOLDER]`
pub(super) fn datasets(app: &App, action: Option<DatasetAction>) -> Result<u8, Failure> {
    match action.unwrap_or(DatasetAction::List) {
        DatasetAction::List => app.print(&list()).map(|()| 0),
        DatasetAction::Describe { dataset } => app.print(&describe(dataset::named(&dataset)?)).map(|()| 0),
        DatasetAction::Check { dataset, folder, annotations } => {
            let request = Request { dataset: &dataset, folder: &folder, annotations: annotations.as_deref(), thorough: true };
            let listing = dataset::read(&request)?;
            let mut report = Report::new("datasets");
            let mut table = Table::new(["dataset", "clips", "faults"]);
            table.push(vec![dataset.as_str().into(), listing.len().into(), listing.faults.len().into()]);
            report.tables.push(table);
            if !listing.faults.is_empty() {
                let mut table = Table::new(["where", "what"]).titled("missing or bad");
                for fault in &listing.faults {
                    table.push(vec![fault.file.as_str().into(), fault.reason.as_str().into()]);
                }
                report.tables.push(table);
            }
            report.notes.extend(listing.warnings.into_iter().map(|(place, what)| format!("{place}: {what}")));
            app.print(&report)?;
            Ok(u8::from(!listing.faults.is_empty()))
        }
    }
}

fn list() -> Report {
    let mut report = Report::new("datasets");
    let mut table = Table::new(["name", "dataset", "clips", "truth", "licence"]);
    for d in &DATASETS {
        table.push(vec![d.name.into(), d.title.into(), clips(d), truth(d).into(), d.licence.into()]);
    }
    report.tables.push(table);
    let mut forms = Table::new(["form", "what it is"]).titled("other data");
    FORMS.iter().for_each(|(form, what)| forms.push(vec![(*form).into(), (*what).into()]));
    report.tables.push(forms);
    report.notes.push(
        "`dyad ingest --dataset NAME FOLDER` reads one, `dyad datasets describe NAME` tells of it; nothing is downloaded".into(),
    );
    report
}

fn describe(d: &Dataset) -> Report {
    let mut report = Report::new("datasets");
    let mut facts = Table::new(["what", "value"]);
    let rows: [(&str, Value); 8] = [
        ("name", d.name.into()),
        ("dataset", d.title.into()),
        ("about", d.about.into()),
        ("clips", clips(d)),
        ("licence", d.licence.into()),
        ("citation", d.citation.into()),
        ("where to get it", d.source.into()),
        ("to ingest it", format!("dyad ingest --dataset {} FOLDER", d.name).into()),
    ];
    rows.into_iter().for_each(|(what, value)| facts.push(vec![what.into(), value]));
    report.tables.push(facts);
    let mut layout = Table::new(["below the folder, at any depth"]).titled("layout");
    d.layout.lines().for_each(|line| layout.push(vec![line.into()]));
    report.tables.push(layout);
    if !d.columns.is_empty() {
        let mut columns = Table::new(["column", "becomes"]).titled("columns");
        d.columns.iter().for_each(|c| columns.push(vec![c.name.into(), c.becomes.words().into()]));
        report.tables.push(columns);
    }
    report
}

fn clips(d: &Dataset) -> Value {
    if d.clips == 0 { Value::Null } else { d.clips.into() }
}

/// Which of the fields of truth a dataset fills.
fn truth(d: &Dataset) -> String {
    let words: Vec<String> = d.columns.iter().map(|c| c.becomes.words()).collect();
    let fills = |field: &str| words.iter().any(|words| words.contains(&format!("`{field}`")));
    let found: Vec<&str> = ["label", "labels", "absent", "captions"].into_iter().filter(|field| fills(field)).collect();
    if found.is_empty() { "label".into() } else { found.join(", ") }
}

/// Prose with a place `{list}`, `{forms}` and `{sections}`.
const TEMPLATE: &str = include_str!("datasets.md");

/// The page on datasets as Markdown.
pub fn markdown() -> String {
    let list = DATASETS.iter().map(|d| {
        let clips = if d.clips == 0 { String::new() } else { d.clips.to_string() };
        format!("| [`{0}`](#{0}) | {1} | {clips} | {2} | {3} |\n", d.name, d.title, truth(d), d.licence)
    });
    let forms = FORMS.iter().map(|(form, what)| format!("| `{form}` | {what} |\n"));
    TEMPLATE
        .replace("{list}\n", &list.collect::<String>())
        .replace("{forms}\n", &forms.collect::<String>())
        .replace("{sections}\n", &DATASETS.iter().map(section).collect::<Vec<_>>().join("\n"))
}

fn section(d: &Dataset) -> String {
    let mut out = format!("### {}\n\n{}: {}.\n\n", d.name, d.title, d.about);
    d.layout.lines().for_each(|line| {
        let _ = writeln!(out, "    {line}");
    });
    if !d.columns.is_empty() {
        out.push_str("\n| column | becomes |\n|---|---|\n");
        for column in d.columns {
            let _ = writeln!(out, "| `{}` | {} |", column.name, column.becomes.words());
        }
    }
    let _ = write!(out, "\nLicence: {}. Source: <{}>. Cite: {}.\n", d.licence, d.source, d.citation);
    out
}
