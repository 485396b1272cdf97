//! Triplets of clips that people made, from a file.
//!
//! - `anchor,positive,negative`: a triplet a row, by clip id or file name.
//! - MagnaTagATune's `comparisons_final.csv` (tabs, three clips and the votes for each as the odd one out): the clip with
//!   most votes is the negative of the other two, so a row gives two triplets; a draw gives none, nor does a clip twice.
//!
//! Source of the second: Law et al., ISMIR 2009; read as by Wolff, Weyde, ISMIR 2011.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use csv::StringRecord;

use super::Vocabulary;
use crate::audio::stem;
use crate::diagnostic::{Diagnostic, Span};
use crate::report::Report;
use crate::store::Item;
use crate::value::Value;
use crate::verb::Error;
use crate::workspace::Clips;

/// Reads the file; rows about clips that are not there are left out, and counted.
///
/// # Errors
/// When the file can't be read, has neither form, or names no clip that is there.
pub fn read(file: &Path, clips: &Clips, span: Span, report: &mut Report) -> Result<Vocabulary, Error> {
    let shown = file.display().to_string();
    let fault = |what: String| Diagnostic::new(format!("`{shown}` {what}")).at(span);
    let bytes = std::fs::read(file).map_err(|e| fault(format!("can't be read: {e}")))?;
    let items = clips.items();
    let judged = judgements(&bytes, &Names::of(&items), &fault)?;
    if judged.triplets.is_empty() {
        let fault = fault(format!("gives no triplet of clips that are there, of {} rows", judged.rows));
        return Err(fault.expected("clip ids as `list clips` shows them").into());
    }
    report.context.fact("from", shown.as_str());
    report.context.fact("rows", judged.rows);
    report.notes.extend(judged.left_out());
    let families = items.iter().map(|item| item.metadata.get("label").map(Value::to_string)).collect();
    Ok(Vocabulary { names: items.iter().map(|item| item.id.clone()).collect(), families, triplets: judged.triplets })
}

/// What the rows of a table come to; `fault` says of the file what is wrong.
fn judgements(bytes: &[u8], names: &Names, fault: &dyn Fn(String) -> Diagnostic) -> Result<Judgements, Diagnostic> {
    let first_line = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
    let delimiter = if first_line.contains(&b'\t') { b'\t' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(bytes);
    let no_table = |e: csv::Error| fault(format!("is no table: {e}"));
    let header = reader.headers().map_err(no_table)?.clone();
    let Some(form) = Form::of(&header) else {
        let found = header.iter().collect::<Vec<_>>().join("`, `");
        let fault = fault(format!("has the columns `{found}`"));
        return Err(fault.expected("`anchor`, `positive` and `negative`, or those of `comparisons_final.csv`"));
    };
    let mut judged = Judgements::default();
    for record in reader.records() {
        judged.add(form.triplets(&record.map_err(no_table)?, names));
    }
    Ok(judged)
}

/// Anchor, positive, negative.
type Triplet = (u32, u32, u32);

/// The triplets of all rows, and how many rows gave none.
#[derive(Default)]
struct Judgements {
    triplets: Vec<Triplet>,
    rows: usize,
    flawed: BTreeMap<Flaw, usize>,
}

impl Judgements {
    fn add(&mut self, row: Result<Vec<Triplet>, Flaw>) {
        self.rows += 1;
        match row {
            Ok(triplets) => self.triplets.extend(triplets),
            Err(flaw) => *self.flawed.entry(flaw).or_default() += 1,
        }
    }

    /// A sentence for each kind of row that was left out.
    fn left_out(&self) -> impl Iterator<Item = String> {
        let rows = self.rows;
        self.flawed.iter().map(move |(flaw, count)| format!("{count} of {rows} rows {} and were left out", flaw.said()))
    }
}

/// Why a row gives no triplet, in the order in which that is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Flaw {
    Absent,
    Repeated,
    Unreadable,
    Drawn,
}

impl Flaw {
    fn said(self) -> &'static str {
        match self {
            Flaw::Absent => "name clips that are not there",
            Flaw::Repeated => "name one clip twice",
            Flaw::Unreadable => "have votes that are no whole numbers",
            Flaw::Drawn => "are a draw",
        }
    }
}

/// The places of clips by all that a file may call them.
struct Names(HashMap<String, u32>);

impl Names {
    /// A clip's full id goes before its file's name without folder and ending, and before the data set's own number.
    fn of(items: &[&Item]) -> Names {
        let mut known: HashMap<String, u32> = HashMap::new();
        for (row, item) in (0u32..).zip(items) {
            let number = item.metadata.get("clip_id").map(Value::to_string);
            for name in [number, Some(stem(&item.id).to_owned())].into_iter().flatten() {
                known.entry(name).or_insert(row);
            }
        }
        known.extend((0u32..).zip(items).map(|(row, item)| (item.id.clone(), row)));
        Names(known)
    }

    fn find(&self, name: &str) -> Option<u32> {
        self.0.get(name).or_else(|| self.0.get(stem(name))).copied()
    }
}

/// The columns of a table that say something.
enum Form {
    /// Anchor, positive, negative.
    Plain([usize; 3]),
    /// Of three clips the votes, the ids, and the files.
    Votes { votes: [usize; 3], ids: [usize; 3], paths: Option<[usize; 3]> },
}

impl Form {
    fn of(header: &StringRecord) -> Option<Form> {
        let column = |name: &str| header.iter().position(|h| h.eq_ignore_ascii_case(name));
        let named = |names: [&str; 3]| {
            let [first, second, third] = names.map(column);
            Some([first?, second?, third?])
        };
        if let Some(columns) = named(["anchor", "positive", "negative"]) {
            return Some(Form::Plain(columns));
        }
        Some(Form::Votes {
            votes: named(["clip1_numvotes", "clip2_numvotes", "clip3_numvotes"])?,
            ids: named(["clip1_id", "clip2_id", "clip3_id"])?,
            paths: named(["clip1_mp3_path", "clip2_mp3_path", "clip3_mp3_path"]),
        })
    }

    fn triplets(&self, row: &StringRecord, names: &Names) -> Result<Vec<Triplet>, Flaw> {
        let cells = |columns: [usize; 3]| columns.map(|column| row.get(column).unwrap_or_default());
        match self {
            Form::Plain(columns) => {
                let [anchor, positive, negative] = distinct(cells(*columns).map(|name| names.find(name)))?;
                Ok(vec![(anchor, positive, negative)])
            }
            Form::Votes { votes, ids, paths } => {
                let votes = whole(cells(*votes))?;
                let (ids, paths) = (cells(*ids), paths.map_or([""; 3], cells));
                let clips = distinct([0, 1, 2].map(|i: usize| names.find(ids[i]).or_else(|| names.find(paths[i]))))?;
                Ok(odd_one_out(clips, votes)?.into())
            }
        }
    }
}

/// Three clips that are there.
fn distinct(found: [Option<u32>; 3]) -> Result<[u32; 3], Flaw> {
    let [Some(a), Some(b), Some(c)] = found else { return Err(Flaw::Absent) };
    if a == b || a == c || b == c { Err(Flaw::Repeated) } else { Ok([a, b, c]) }
}

fn whole(votes: [&str; 3]) -> Result<[u64; 3], Flaw> {
    match votes.map(str::parse::<u64>) {
        [Ok(a), Ok(b), Ok(c)] => Ok([a, b, c]),
        _ => Err(Flaw::Unreadable),
    }
}

/// The clip with most votes is the negative of the other two.
fn odd_one_out(clips: [u32; 3], votes: [u64; 3]) -> Result<[Triplet; 2], Flaw> {
    let leads = |&i: &usize| (0..3).all(|j| j == i || votes[j] < votes[i]);
    let odd = (0..3).find(leads).ok_or(Flaw::Drawn)?;
    let [negative, first, second] = [odd, (odd + 1) % 3, (odd + 2) % 3].map(|i| clips[i]);
    Ok([(first, second, negative), (second, first, negative)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOTES: &str = "clip1_id\tclip2_id\tclip3_id\tclip1_numvotes\tclip2_numvotes\tclip3_numvotes\t\
                         clip1_mp3_path\tclip2_mp3_path\tclip3_mp3_path";

    fn judged(table: &str) -> Result<Judgements, String> {
        let names = Names((0u32..).zip(["a", "b", "c"]).map(|(row, name)| (name.to_owned(), row)).collect());
        judgements(table.as_bytes(), &names, &|what| Diagnostic::new(what).at(Span::default())).map_err(|fault| fault.message)
    }

    #[test]
    fn the_clip_with_most_votes_is_the_negative_of_the_others() {
        assert_eq!(odd_one_out([7, 8, 9], [1, 5, 0]), Ok([(9, 7, 8), (7, 9, 8)]));
        assert_eq!(odd_one_out([7, 8, 9], [2, 0, 2]), Err(Flaw::Drawn));
        let found = judged(&format!("{VOTES}\n1\t2\t3\t0\t1\t4\tx/a.mp3\tb.mp3\tc\n")).unwrap();
        assert_eq!(found.triplets, [(0, 1, 2), (1, 0, 2)]);
    }

    #[test]
    fn each_row_is_left_out_for_its_first_flaw() {
        let rows = ["1\t2\t3\t0\tmany\t4\t\t\t", "a\tb\t3\t0\t0\t4\t\t\t", "a\tb\ta\t1\t1\t1\t\t\t", "a\tb\tc\t1\t1\t0\t\t\t"];
        let found = judged(&format!("{VOTES}\n{}\n", rows.join("\n"))).unwrap();
        assert!(found.triplets.is_empty());
        let flaws: Vec<_> = found.flawed.iter().map(|(flaw, count)| (*flaw, *count)).collect();
        assert_eq!(flaws, [(Flaw::Absent, 1), (Flaw::Repeated, 1), (Flaw::Unreadable, 1), (Flaw::Drawn, 1)]);
        assert_eq!(found.left_out().last().unwrap(), "1 of 4 rows are a draw and were left out");
        let plain = judged("Anchor,positive,negative\na,b,c\na,b,b\na,b,x\n").unwrap();
        assert_eq!((plain.triplets, plain.rows, plain.flawed.len()), (vec![(0, 1, 2)], 3, 2));
    }

    #[test]
    fn a_table_of_another_form_is_refused() {
        assert_eq!(judged("a,b,c\n1,2,3\n").err().unwrap(), "has the columns `a`, `b`, `c`");
        assert_eq!(judged("clip1_id,clip2_id,clip3_id\n").err().unwrap(), "has the columns `clip1_id`, `clip2_id`, `clip3_id`");
    }
}
