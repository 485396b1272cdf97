//! Triplets of clips that people made, from a file.
//!
//! - `anchor,positive,negative`: a triplet a row, by clip id or file name.
//! - MagnaTagATune's `comparisons_final.csv` (tabs, three clips and the votes for each as the odd one out): the clip with
//!   most votes is the negative of the other two, so a row gives two triplets; a draw gives none, nor does a clip twice.
//!
//! Source of the second: Law et al., ISMIR 2009; read as by Wolff, Weyde, ISMIR 2011.

use std::collections::HashMap;
use std::path::Path;

use super::Vocabulary;
use crate::audio::stem;
use crate::diagnostic::{Diagnostic, Span};
use crate::report::Report;
use crate::value::Value;
use crate::verb::Error;
use crate::workspace::Clips;

/// Reads the file; rows about clips that are not there are left out, and counted.
///
/// # Errors
/// When the file can't be read, has neither form, or names no clip that is there.
pub fn read(file: &Path, clips: &Clips, span: Span, report: &mut Report) -> Result<Vocabulary, Error> {
    let shown = file.display();
    let bytes = std::fs::read(file).map_err(|e| Diagnostic::new(format!("`{shown}` can't be read: {e}")).at(span))?;
    let items = clips.items();
    let mut known: HashMap<String, u32> = HashMap::new();
    for (row, item) in (0u32..).zip(&items) {
        // A file's name without folder and ending, and the data set's own number, where the full id is not given.
        for name in [item.metadata.get("clip_id").map(Value::to_string), Some(stem(&item.id).to_owned())].into_iter().flatten() {
            known.entry(name).or_insert(row);
        }
    }
    known.extend((0u32..).zip(&items).map(|(row, item)| (item.id.clone(), row)));
    let find = |name: &str| known.get(name).or_else(|| known.get(stem(name))).copied();

    let first_line = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
    let delimiter = if first_line.contains(&b'\t') { b'\t' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(bytes.as_slice());
    let fault = |e: csv::Error| Diagnostic::new(format!("`{shown}` is no table: {e}")).at(span);
    let header = reader.headers().map_err(fault)?.clone();
    let column = |name: &str| header.iter().position(|h| h.eq_ignore_ascii_case(name));
    let named = |names: [&str; 3]| names.iter().map(|n| column(n)).collect::<Option<Vec<usize>>>();
    let plain = named(["anchor", "positive", "negative"]);
    let votes = named(["clip1_numvotes", "clip2_numvotes", "clip3_numvotes"]).zip(named(["clip1_id", "clip2_id", "clip3_id"]));
    let paths = named(["clip1_mp3_path", "clip2_mp3_path", "clip3_mp3_path"]);
    if plain.is_none() && votes.is_none() {
        let found = header.iter().collect::<Vec<_>>().join("`, `");
        let fault = Diagnostic::new(format!("`{shown}` has the columns `{found}`")).at(span);
        return Err(fault.expected("`anchor`, `positive` and `negative`, or those of `comparisons_final.csv`").into());
    }

    let (mut triplets, mut rows, mut absent, mut drawn) = (Vec::new(), 0usize, 0usize, 0usize);
    let (mut repeated, mut unreadable) = (0usize, 0usize);
    let distinct = |clips: &[u32]| clips.iter().enumerate().all(|(i, clip)| !clips[..i].contains(clip));
    for record in reader.records() {
        let record = record.map_err(fault)?;
        let cells = |columns: &[usize]| -> Vec<String> {
            columns.iter().map(|&c| record.get(c).unwrap_or_default().to_owned()).collect()
        };
        rows += 1;
        if let Some(columns) = &plain {
            match cells(columns).iter().map(|name| find(name)).collect::<Option<Vec<u32>>>().as_deref() {
                Some(clips) if !distinct(clips) => repeated += 1,
                Some(&[a, p, n]) => triplets.push((a, p, n)),
                _ => absent += 1,
            }
            continue;
        }
        let Some((votes, ids)) = &votes else { continue };
        let by_path = paths.as_ref().map(|paths| cells(paths)).unwrap_or_else(|| vec![String::new(); 3]);
        let found =
            cells(ids).iter().zip(&by_path).map(|(id, path)| find(id).or_else(|| find(path))).collect::<Option<Vec<u32>>>();
        let Ok(votes) = cells(votes).iter().map(|v| v.parse::<u64>()).collect::<Result<Vec<u64>, _>>() else {
            unreadable += 1;
            continue;
        };
        let odd = (0..3usize).max_by_key(|&i| votes[i]).filter(|&i| (0..3).all(|j| j == i || votes[j] < votes[i]));
        match (found.as_deref(), odd) {
            (None, _) => absent += 1,
            (Some(clips), _) if !distinct(clips) => repeated += 1,
            (_, None) => drawn += 1,
            (Some(found), Some(odd)) => {
                let (i, j) = ((odd + 1) % 3, (odd + 2) % 3);
                triplets.extend([(found[i], found[j], found[odd]), (found[j], found[i], found[odd])]);
            }
        }
    }
    if triplets.is_empty() {
        let fault = Diagnostic::new(format!("`{shown}` gives no triplet of clips that are there, of {rows} rows")).at(span);
        return Err(fault.expected("clip ids as `list clips` shows them").into());
    }
    report.context.fact("from", shown.to_string());
    report.context.fact("rows", rows);
    for (count, why) in [
        (absent, "name clips that are not there"),
        (repeated, "name one clip twice"),
        (unreadable, "have votes that are no whole numbers"),
        (drawn, "are a draw"),
    ] {
        if count > 0 {
            report.notes.push(format!("{count} of {rows} rows {why} and were left out"));
        }
    }
    let families = items.iter().map(|item| item.metadata.get("label").map(Value::to_string)).collect();
    Ok(Vocabulary { names: items.iter().map(|item| item.id.clone()).collect(), families, triplets })
}
