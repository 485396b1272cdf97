//! Where a result goes, and in which format: `as FORMAT`, `into "FILE"`.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Executed, Failure};
use crate::diagnostic::{Diagnostic, one_of};
use crate::exchange::Target;
use crate::query::Statement;
use crate::render::{Format, Style, left_out, renderer};

/// What a statement says about its own output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destination {
    pub format: Option<Format>,
    pub file: Option<PathBuf>,
}

/// Reads `as` and `into` of a statement.
///
/// # Errors
/// When there is no such format, or none goes with the file's ending; no format goes with that of a picture.
pub fn destination(statement: &Statement) -> Result<Destination, Diagnostic> {
    let command = match statement {
        Statement::Command(command) => command,
        Statement::Explain { statement, .. } | Statement::Let { statement, .. } => return destination(statement),
        Statement::Expect(_) | Statement::Help(_) => return Ok(Destination::default()),
    };
    let format = command.format.as_ref().map(|name| Format::named(&name.node, name.span)).transpose()?;
    let Some(file) = &command.into else { return Ok(Destination { format, file: None }) };
    let path = PathBuf::from(&file.node);
    let of_ending = format_of(&path).map_err(|fault| fault.at(file.span))?;
    let format = match format.or(of_ending) {
        None if path.extension().is_some() => {
            let hint = "`as FORMAT` says how a file with another ending is written";
            return Err(unknown_ending(&path).at(file.span).hint(hint));
        }
        format => format,
    };
    Ok(Destination { format, file: Some(path) })
}

/// Writes a result where its statement says, else to `out`, on which the result before it had the format `before`; gives what its
/// format has no place for, for whoever reads it.
///
/// # Errors
/// When the file or `out` can't be written.
pub fn write(
    executed: &Executed,
    (default, style): (Format, &Style),
    out: &mut dyn Write,
    before: &mut Option<Format>,
) -> Result<Vec<String>, Failure> {
    let Destination { format, file } = &executed.destination;
    let format = format.unwrap_or(default);
    let done = match file {
        None => {
            let gap = before.is_some_and(|before| is_delimited(before) || is_delimited(format));
            let mut out = Apart { out, gap, written: false };
            let done = renderer(format, style).report(&executed.report, &mut out).and_then(|()| out.flush());
            if out.written {
                *before = Some(format);
            }
            done.map_err(|e| format!("the result can't be written: {e}"))
        }
        Some(file) => {
            let write =
                |to: &mut dyn Write| renderer(format, &Style::default()).report(&executed.report, to).and_then(|()| to.flush());
            written(file, write).map_err(|reason| format!("`{}` can't be written: {reason}", file.display()))
        }
    };
    done.map_err(Diagnostic::new)?;
    Ok(left_out(format, &executed.report))
}

/// Whether nothing but a blank line tells a result from the one before it.
fn is_delimited(format: Format) -> bool {
    matches!(format, Format::Csv | Format::Tsv)
}

/// Where one result goes: a blank line goes before its first byte where there is a `gap` to be, and none where it has no byte.
struct Apart<'a> {
    out: &'a mut dyn Write,
    gap: bool,
    written: bool,
}

impl Write for Apart<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if !bytes.is_empty() && std::mem::take(&mut self.gap) {
            self.out.write_all(b"\n")?;
        }
        self.written |= !bytes.is_empty();
        self.out.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
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

/// The endings of files whose programs could do nothing with text.
const PICTURES: [&str; 8] = ["svg", "png", "pdf", "jpg", "jpeg", "gif", "html", "htm"];

/// The format of a file's ending; none where it has no ending, or one that says nothing.
///
/// # Errors
/// When it is that of a picture or a page, which no format writes.
pub fn format_of(file: &Path) -> Result<Option<Format>, Diagnostic> {
    let ending = file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    if PICTURES.contains(&ending.as_str()) {
        let fault = Diagnostic::new(format!("no format writes a `.{ending}` file, which `{}` asks for", file.display()));
        let hint = "`as plot into \"FILE.txt\"` draws the figures in characters; `dyad report` draws them for a page";
        return Err(fault.expected(expected()).hint(hint));
    }
    Ok(ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, format)| *format))
}

/// The format of a file's ending, as [`format_of`], for results that no statement says the format of.
///
/// # Errors
/// When it is an ending that no format goes with.
pub fn format_of_output(file: &Path) -> Result<Option<Format>, Diagnostic> {
    match format_of(file)? {
        None if file.extension().is_some() => {
            Err(unknown_ending(file).hint("`.mode FORMAT` says how a file without an ending is written"))
        }
        format => Ok(format),
    }
}

fn unknown_ending(file: &Path) -> Diagnostic {
    let ending = file.extension().unwrap_or_default().to_string_lossy();
    Diagnostic::new(format!("no format goes with the ending `.{ending}` of `{}`", file.display()))
        .expected(expected())
        .suggest(&ending, ENDINGS.map(|(ending, _)| ending))
}

fn expected() -> String {
    format!("a file that ends in {}", one_of(ENDINGS.map(|(ending, _)| ending)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::parse;
    use crate::query::split::{Continuation, split};
    use crate::report::{Report, Table};

    fn asked(statement: &str) -> Result<Destination, Diagnostic> {
        let piece = split(statement, Continuation::Explicit).into_iter().next().unwrap().unwrap();
        destination(&parse(piece).unwrap())
    }

    #[test]
    fn a_files_ending_says_its_format_unless_the_statement_does() {
        assert_eq!(asked("count clips into \"x.CSV\"").unwrap().format, Some(Format::Csv));
        assert_eq!(asked("count clips as json into \"x.dat\"").unwrap().format, Some(Format::Json));
        assert_eq!(asked("count clips into \"x\"").unwrap(), Destination { format: None, file: Some("x".into()) });
        assert!(asked("count clips into \"x.cvs\"").unwrap_err().hints[0].contains("`csv`"));
    }

    #[test]
    fn no_format_writes_a_picture() {
        for statement in ["count clips as plot into \"p.svg\"", "count clips into \"p.PNG\""] {
            let fault = asked(statement).unwrap_err();
            assert!(fault.message.starts_with("no format writes a `.") && fault.span.is_some(), "{fault:?}");
            assert!(fault.hints[0].contains("as plot into \"FILE.txt\""), "{fault:?}");
        }
        assert_eq!(format_of(Path::new("notes.foo")), Ok(None));
        let fault = format_of_output(Path::new("notes.cvs")).unwrap_err();
        assert!(fault.hints[0].contains("`csv`") && fault.hints[1].contains(".mode FORMAT"), "{fault:?}");
        assert_eq!(format_of_output(Path::new("notes")), Ok(None));
    }

    #[test]
    fn a_blank_line_stands_between_two_results_that_are_delimited() {
        let (mut out, mut before) = (Vec::new(), None);
        let mut put = |rows: usize, format: Format| {
            let mut report = Report::new("count");
            if rows > 0 {
                report.tables.push(Table { rows: vec![vec![1i64.into()]; rows], ..Table::new(["n"]) });
            }
            let executed = Executed { report, destination: Destination { format: Some(format), file: None } };
            write(&executed, (Format::Table, &Style::default()), &mut out, &mut before).unwrap();
        };
        put(1, Format::Csv);
        put(0, Format::Csv);
        put(2, Format::Tsv);
        put(0, Format::Json);
        assert!(String::from_utf8(out).unwrap().starts_with("n\n1\n\nn\n1\n1\n\n{"));
    }
}
