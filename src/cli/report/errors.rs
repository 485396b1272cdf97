//! The worst errors of a classification, to listen to.
//!
//! `classify … by=class` lists what it got most wrong in its table `worst errors`; the sounds of the first few are put into
//! the page where their files are still there.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::report::Report;
use crate::value::Value;
use crate::workspace::Workspace;

/// Sounds in the page at most.
const MOST: usize = 6;
/// A larger file is not put into the page.
const LARGEST: u64 = 400 << 10;

/// A sound with its caption.
pub struct Sound {
    pub caption: String,
    /// A `data:` address.
    pub source: String,
}

/// The sounds of the table `worst errors` of a report, if it has one.
pub fn worst(workspace: &Workspace, report: &Report) -> Vec<Sound> {
    let Some(table) = report.tables.iter().find(|t| t.title.as_deref() == Some("worst errors")) else { return Vec::new() };
    let Some(name) = &report.context.collection else { return Vec::new() };
    let Ok(Some(collection)) = workspace.store().collection(name) else { return Vec::new() };
    let cell =
        |row: &[Value], column: &str| table.column(column).and_then(|c| row.get(c)).map(Value::to_string).unwrap_or_default();
    let mut sounds = Vec::new();
    for row in table.rows.iter().take(MOST) {
        let id = cell(row, "id");
        let item = collection.item_by_id(crate::embedding::Modality::Audio, &id).ok().flatten();
        let path = item.and_then(|i| i.metadata.get("path").map(Value::to_string));
        let Some(source) = path.and_then(|p| data_address(Path::new(&p))) else { continue };
        let caption = format!("{id}: {} taken for {}", cell(row, "label"), cell(row, "predicted"));
        sounds.push(Sound { caption, source });
    }
    sounds
}

fn data_address(path: &Path) -> Option<String> {
    let kind = match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "flac" => "flac",
        "wav" | "wave" => "wav",
        "mp3" => "mpeg",
        "ogg" | "oga" => "ogg",
        "m4a" | "aac" => "mp4",
        _ => return None,
    };
    if std::fs::metadata(path).ok()?.len() > LARGEST {
        return None;
    }
    Some(format!("data:audio/{kind};base64,{}", STANDARD.encode(std::fs::read(path).ok()?)))
}
