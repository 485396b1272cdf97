//! Where a result goes, and in which format: `as FORMAT`, `into "FILE"`.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Executed, Failure};
use crate::diagnostic::{Diagnostic, Spanned, one_of};
use crate::exchange::Target;
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
/// When there is no such format, or none goes with the file's ending.
pub fn destination(statement: &Statement) -> Result<Destination, Diagnostic> {
    let command = match statement {
        Statement::Command(command) => command,
        Statement::Explain { statement, .. } | Statement::Let { statement, .. } => return destination(statement),
        Statement::Expect(_) | Statement::Help(_) => return Ok(Destination::default()),
    };
    let format = command.format.as_ref().map(|name| Format::named(&name.node, name.span)).transpose()?;
    let file = command.into.as_ref();
    let format = match (format, file) {
        (None, Some(file)) => by_extension(file)?,
        (format, _) => format,
    };
    Ok(Destination { format, file: file.map(|f| PathBuf::from(&f.node)) })
}

/// Writes a result where its statement says, else to `out`.
///
/// # Errors
/// When the file or `out` can't be written.
pub fn write(executed: &Executed, default: Format, style: &Style, out: &mut dyn Write) -> Result<(), Failure> {
    let Destination { format, file } = &executed.destination;
    let format = format.unwrap_or(default);
    let Some(file) = file else {
        let written = renderer(format, style).report(&executed.report, out).and_then(|()| out.flush());
        return written.map_err(|e| Diagnostic::new(format!("the result can't be written: {e}")).into());
    };
    let write = |to: &mut dyn Write| renderer(format, &Style::default()).report(&executed.report, to).and_then(|()| to.flush());
    written(file, write).map_err(|reason| Diagnostic::new(format!("`{}` can't be written: {reason}", file.display())).into())
}

/// Writes a file whole or not at all; a device or a pipe as it comes.
fn written(file: &Path, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), String> {
    if file.starts_with("/dev") || file.exists() && !file.is_file() && !file.is_dir() {
        return std::fs::File::create(file).and_then(|mut device| write(&mut device)).map_err(|e| e.to_string());
    }
    // What a link leads to is written, and the link stays.
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let target = Target::begin(&file, true).map_err(|e| e.to_string())?;
    let mut sink = target.sink().map_err(|e| e.to_string())?;
    write(&mut sink).map_err(|e| e.to_string())?;
    drop(sink);
    target.keep().map_err(|e| e.to_string())
}

/// The endings of files that say how they are written.
const ENDINGS: [(&str, Format); 6] = [
    ("csv", Format::Csv),
    ("tsv", Format::Tsv),
    ("json", Format::Json),
    ("jsonl", Format::Jsonl),
    ("md", Format::Markdown),
    ("txt", Format::Table),
];

/// The format of a file's ending; none where it has no ending.
fn by_extension(file: &Spanned<String>) -> Result<Option<Format>, Diagnostic> {
    let Some(ending) = Path::new(&file.node).extension().map(|ending| ending.to_string_lossy()) else { return Ok(None) };
    match ENDINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(&ending)) {
        Some((_, format)) => Ok(Some(*format)),
        None => Err(Diagnostic::new(format!("no format goes with the ending `.{ending}` of `{}`", file.node))
            .at(file.span)
            .expected(format!("a file that ends in {}", one_of(ENDINGS.map(|(ending, _)| ending))))
            .suggest(&ending, ENDINGS.map(|(ending, _)| ending))
            .hint("`as FORMAT` says how a file with another ending is written")),
    }
}
