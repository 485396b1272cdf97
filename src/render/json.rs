//! `as json`, `as jsonl`: [`Report::to_json`], one object a statement, each on its own.

use std::io;

use super::Renderer;
use crate::report::Report;

/// The `json` (indented) and `jsonl` (one line a report) formats.
pub struct Json {
    pub pretty: bool,
}

impl Renderer for Json {
    fn report(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
        let object = report.to_json();
        if self.pretty {
            serde_json::to_writer_pretty(&mut *out, &object)?;
        } else {
            serde_json::to_writer(&mut *out, &object)?;
        }
        writeln!(out)
    }
}
