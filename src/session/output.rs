//! Where a result goes, and in which format: `as FORMAT`, `into "FILE"`.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Executed, Failure};
use crate::diagnostic::{Diagnostic, one_of};
use crate::query::Statement;
use crate::render::{Format, Style, renderer};

/// What a statement says about its own output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destination {
    pub format: Option<Format>,
    pub file: Option<PathBuf>,
}

/// Reads `as` and `into` of a statement.
///
/// # Errors
/// When there is no such format.
pub fn destination(statement: &Statement) -> Result<Destination, Diagnostic> {
    let command = match statement {
        Statement::Command(command) => command,
        Statement::Explain { statement, .. } | Statement::Let { statement, .. } => return destination(statement),
        Statement::Expect(_) | Statement::Help(_) => return Ok(Destination::default()),
    };
    let format = match &command.format {
        None => None,
        Some(name) => Some(Format::parse(&name.node).ok_or_else(|| {
            Diagnostic::new(format!("unknown format `{}`", name.node))
                .at(name.span)
                .expected(one_of(Format::NAMES))
                .suggest(&name.node, Format::NAMES)
        })?),
    };
    Ok(Destination { format, file: command.into.as_ref().map(|f| PathBuf::from(&f.node)) })
}

/// Writes a result where its statement says, else to `out`.
///
/// # Errors
/// When the file or `out` can't be written.
pub fn write(executed: &Executed, default: Format, style: &Style, out: &mut dyn Write) -> Result<(), Failure> {
    let Destination { format, file } = &executed.destination;
    let Some(file) = file else {
        let format = format.unwrap_or(default);
        let written = renderer(format, style).report(&executed.report, out).and_then(|()| out.flush());
        return written.map_err(|e| Diagnostic::new(format!("the result can't be written: {e}")).into());
    };
    let format = format.or_else(|| by_extension(file)).unwrap_or(default);
    let mut bytes = Vec::new();
    let written =
        renderer(format, &Style::default()).report(&executed.report, &mut bytes).and_then(|()| std::fs::write(file, &bytes));
    written.map_err(|e| Diagnostic::new(format!("`{}` can't be written: {e}", file.display())).into())
}

fn by_extension(file: &Path) -> Option<Format> {
    match file.extension()?.to_str()? {
        "csv" => Some(Format::Csv),
        "tsv" => Some(Format::Tsv),
        "json" => Some(Format::Json),
        "jsonl" => Some(Format::Jsonl),
        "md" => Some(Format::Markdown),
        "txt" => Some(Format::Table),
        _ => None,
    }
}
