//! `errors/NAME.dyad` is a mistake, `errors/NAME.txt` what is said of it.
//!
//! `DYAD_BLESS=1 cargo test --test language` writes the answers anew; read the difference before it is committed.

use std::path::{Path, PathBuf};

use dyad::diagnostic::Diagnostic;

/// Fewer cases than this, and files were lost.
const LEAST: usize = 60;

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language/errors");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "dyad")).collect();
    cases.sort();
    cases
}

fn said(path: &Path) -> (String, Diagnostic, String) {
    let source = std::fs::read_to_string(path).unwrap();
    let source = source.strip_suffix('\n').unwrap_or(&source).to_owned();
    let name = path.file_name().unwrap().to_str().unwrap();
    match super::run(&mut super::session(), &source) {
        Ok(out) => panic!("{name} is no mistake: {out}"),
        Err(failure) => {
            let diagnostic = failure.diagnostic();
            let text = diagnostic.render(&source, Some(name));
            (source, diagnostic, text)
        }
    }
}

#[test]
fn every_mistake_is_answered_as_before() {
    let bless = std::env::var_os("DYAD_BLESS").is_some();
    let mut wrong = Vec::new();
    let cases = cases();
    for path in &cases {
        let (_, _, text) = said(path);
        let golden = path.with_extension("txt");
        if bless {
            std::fs::write(&golden, &text).unwrap();
        } else {
            let expected = std::fs::read_to_string(&golden).unwrap_or_default();
            if text != expected {
                wrong.push(format!("{}\n--- expected\n{expected}--- found\n{text}", golden.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n`DYAD_BLESS=1` writes them anew", wrong.join("\n"));
    assert!(cases.len() >= LEAST, "{} cases", cases.len());
}

/// What holds of every message: one sentence without a full stop, no "you", a place, and the word that stands there.
#[test]
fn every_answer_keeps_the_rules() {
    let mut faults = Vec::new();
    for path in cases() {
        let (source, diagnostic, text) = said(&path);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let mut rule = |holds: bool, what: &str| {
            if !holds {
                faults.push(format!("{name}: {what}\n{text}"));
            }
        };
        let said = [Some(diagnostic.message.as_str()), diagnostic.expected.as_deref()];
        for sentence in said.into_iter().flatten().chain(diagnostic.hints.iter().map(String::as_str)) {
            rule(!sentence.ends_with('.'), "a message ends in a full stop");
            let words = sentence.to_lowercase();
            let mut words = words.split(|c: char| !c.is_alphabetic());
            rule(!words.any(|w| ["your", "yours", "please", "sorry", "oops"].contains(&w)), "a message speaks to the reader");
            rule(!sentence.replace("did you mean", "").contains(" you"), "a message says you");
            rule(!sentence.contains("Some(") && !sentence.contains("Rule::"), "a message shows insides");
        }
        rule(!diagnostic.message.starts_with(char::is_uppercase), "a message begins with a capital");
        rule(text.lines().all(|line| line.chars().count() <= 240), "a line is very long");
        match diagnostic.span {
            None => rule(false, "a mistake has no place"),
            Some(span) => {
                rule(span.start < span.end && span.start <= source.len(), "the caret stands nowhere");
                let word = source.get(span.start..span.end.min(source.len()));
                rule(word.is_some_and(|w| !w.starts_with(char::is_whitespace)), "the caret stands under a blank");
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
