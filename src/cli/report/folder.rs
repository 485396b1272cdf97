//! A report's folder. A new report is drafted in a hidden folder inside and takes the place of the one before it when it is whole:
//! whatever stops it leaves that one as it was.

use std::ffi::OsString;
use std::io::Error;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{PAGE, page};
use crate::diagnostic::Diagnostic;
use crate::session::Failure;

/// Names of drafts begin so. One that a killed run left is no reason to refuse the folder.
const DRAFT: &str = ".dyad-report-";

/// A report that is being written.
pub(super) struct Draft {
    out: PathBuf,
    files: TempDir,
}

impl Draft {
    /// Begins a report for the folder `out`, which is made if there is none.
    ///
    /// # Errors
    /// When it holds something else than a report, or can't be written to.
    pub fn begin(out: &Path) -> Result<Draft, Failure> {
        std::fs::create_dir_all(out).map_err(|e| fault(out, "made", &e))?;
        if page_in(out).is_none() && !is_empty(out).map_err(|e| fault(out, "read", &e))? {
            let fault = Diagnostic::new(format!("`{}` holds something else than a report", out.display()));
            return Err(fault.expected("a new folder, or one with a report, which is replaced").into());
        }
        let files = tempfile::Builder::new().prefix(DRAFT).tempdir_in(out).map_err(|e| fault(out, "written to", &e))?;
        Ok(Draft { out: out.to_owned(), files })
    }

    /// Adds a file.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        Ok(std::fs::write(self.files.path().join(name), bytes).map_err(|e| fault(&self.out.join(name), "written", &e))?)
    }

    /// Puts the report in the place of the one before it, whose files its page names; other files stay. Gives the page.
    ///
    /// # Errors
    /// When a file can't be moved or removed.
    pub fn keep(self) -> Result<PathBuf, Failure> {
        let fault = |error: Error| fault(&self.out, "replaced", &error);
        let before = page_in(&self.out).map(|page| linked(&page)).unwrap_or_default();
        let entries = std::fs::read_dir(self.files.path()).map_err(fault)?;
        let names: Vec<OsString> = entries.map(|e| e.map(|e| e.file_name())).collect::<Result<_, _>>().map_err(fault)?;
        let place = |name: &Path| std::fs::rename(self.files.path().join(name), self.out.join(name));
        // The page first: with it the folder is known as a report, whatever happens to the rest.
        place(Path::new(PAGE)).map_err(fault)?;
        for name in names.iter().filter(|name| *name != PAGE) {
            place(Path::new(name)).map_err(fault)?;
        }
        let gone = before.iter().filter(|old| names.iter().all(|name| name.as_os_str() != old.as_str()));
        for file in gone.map(|name| self.out.join(name)).filter(|file| file.is_file()) {
            std::fs::remove_file(file).map_err(fault)?;
        }
        Ok(self.out.join(PAGE))
    }
}

fn fault(path: &Path, what: &str, error: &Error) -> Diagnostic {
    // `tempfile` tells the name of its own folder, which nobody gave.
    let reason = error.to_string();
    Diagnostic::new(format!("`{}` can't be {what}: {}", path.display(), reason.split(" at path ").next().unwrap_or_default()))
}

/// The page of the report in a folder, if there is one.
fn page_in(out: &Path) -> Option<String> {
    std::fs::read_to_string(out.join(PAGE)).ok().filter(|page| page.contains(page::TITLE))
}

fn is_empty(out: &Path) -> Result<bool, Error> {
    for entry in std::fs::read_dir(out)? {
        if !entry?.file_name().to_string_lossy().starts_with(DRAFT) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The files beside a page that it names.
fn linked(page: &str) -> Vec<String> {
    let linked = page.split("<a href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let own = |name: &&str| name.starts_with(|c: char| c.is_ascii_digit()) && !name.contains(['/', '\\']);
    linked.filter(own).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(out: &Path, file: &str) -> Draft {
        let draft = Draft::begin(out).unwrap();
        draft.write(file, b"x").unwrap();
        let page = format!("{}<a href=\"{file}\">{file}</a>", page::TITLE);
        draft.write(PAGE, page.as_bytes()).unwrap();
        draft
    }

    fn names(out: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(out).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_report_that_is_stopped_leaves_the_one_before_it() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("out");
        assert!(draft(&out, "01-a.csv").keep().is_ok());
        std::fs::write(out.join("mine.txt"), "mine").unwrap();
        drop(draft(&out, "01-b.csv"));
        assert_eq!(names(&out), ["01-a.csv", "index.html", "mine.txt"]);
        assert!(draft(&out, "01-b.csv").keep().is_ok());
        assert_eq!(names(&out), ["01-b.csv", "index.html", "mine.txt"]);
    }

    #[test]
    fn what_a_killed_run_left_is_no_reason_to_refuse() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join(".dyad-report-abc")).unwrap();
        assert!(Draft::begin(place.path()).is_ok());
        std::fs::write(place.path().join("01-a.csv"), "mine").unwrap();
        assert!(Draft::begin(place.path()).is_err());
    }
}
