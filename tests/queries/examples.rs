//! The files in `examples/` run, and write what `tests/queries/expected/` keeps.
//!
//! What is kept is the whole output: a result that changes is seen in review. Decimals may differ by 0.002, since the two
//! inference backends differ in the last bits; whole numbers are what they are; the store's folder, the backend and the program's version are left out. A new
//! bundled model changes nearly every line: then `DYAD_BLESS=1 cargo test --release --test queries examples` writes the
//! files anew.

use std::sync::LazyLock;

use dyad::query::split::{Continuation, split};
use regex::Regex;

use crate::store::{output, root, session};

#[test]
fn example_files_write_what_is_expected() {
    let mut files: Vec<_> = std::fs::read_dir(root().join("examples")).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "dyad"));
    files.sort();
    assert!(files.len() >= 8, "{files:?}");
    let bless = std::env::var_os("DYAD_BLESS").is_some();
    let mut faults = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let kept = root().join("tests/queries/expected").join(format!("{name}.txt"));
        let written = match run(&std::fs::read_to_string(&file).unwrap()) {
            Ok(written) => written,
            Err(fault) => {
                faults.push(format!("{name}: {fault}"));
                continue;
            }
        };
        if bless {
            std::fs::write(&kept, &written).unwrap();
        }
        let expected = std::fs::read_to_string(&kept).unwrap_or_default();
        if let Some(difference) = difference(&expected, &written) {
            faults.push(format!("{name}: {difference}"));
        }
    }
    let hint = "`DYAD_BLESS=1 cargo test --release --test queries examples` writes the expected files anew";
    assert!(faults.is_empty(), "{}\n{hint}", faults.join("\n"));
}

/// Each statement and what it writes.
fn run(source: &str) -> Result<String, String> {
    static VARIES: LazyLock<Regex> = LazyLock::new(|| Regex::new(r" · (store \S+|backend \S+ \S+|dyad [0-9.]+)").unwrap());
    // How many texts were read so far hangs on the tests that share the store.
    static READ: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)^(texts +0 +)\d+").unwrap());
    let mut session = session();
    let mut all = String::new();
    for piece in split(source, Continuation::Indented) {
        let piece = piece.unwrap();
        let written = output(&mut session, piece.text)?;
        all.push_str(&format!("dyad> {}\n{}\n", piece.text, READ.replace(&VARIES.replace_all(&written, ""), "${1}n")));
    }
    Ok(all)
}

/// The first line that differs in more than the last digits of a number or the length of a bar.
fn difference(expected: &str, found: &str) -> Option<String> {
    let (mut expected_lines, mut found_lines) = (expected.lines(), found.lines());
    for number in 1.. {
        return match (expected_lines.next(), found_lines.next()) {
            (None, None) => None,
            (Some(a), Some(b)) if alike(a, b) => continue,
            (a, b) => {
                Some(format!("line {number}\n  expected {}\n  found    {}", a.unwrap_or("nothing"), b.unwrap_or("nothing")))
            }
        };
    }
    None
}

fn alike(a: &str, b: &str) -> bool {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"-?[0-9]+(\.[0-9]+)?").unwrap());
    static SHAPE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[\s─━╌┄┼├┤▁▂▃▄▅▆▇█▉▊▋▌▍▎▏▐░▒▓■·]+").unwrap());
    let shape = |line: &str| SHAPE.replace_all(&NUMBER.replace_all(line, "0"), " ").trim().to_owned();
    let numbers = |line| NUMBER.find_iter(line).map(|n| n.as_str()).collect::<Vec<&str>>();
    let (x, y) = (numbers(a), numbers(b));
    let near = |x: &str, y: &str| match (x.parse::<f64>(), y.parse::<f64>()) {
        (Ok(x), Ok(y)) => (x - y).abs() <= 0.002 * x.abs().max(1.0),
        _ => false,
    };
    let same = |x: &str, y: &str| x == y || (x.contains('.') && y.contains('.') && near(x, y));
    shape(a) == shape(b) && x.len() == y.len() && x.iter().zip(&y).all(|(x, y)| same(x, y))
}

#[test]
fn only_last_digits_may_differ() {
    assert!(alike("top1  0.4712  ███▌", "top1  0.4711  ███▏"));
    assert!(!alike("top1  0.4712", "top1  0.4812") && !alike("violin 0.5", "viola 0.5") && !alike("n 210", "n 211"));
    assert!(!alike("n 2100", "n 2101"));
    assert!(difference("a\nb\n", "a\n").is_some() && difference("a\n", "a\n").is_none());
}
