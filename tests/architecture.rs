//! The house's own rules, held against the source: layers, file heads, file lengths, where unsafe code may stand.
//!
//! The scan reads tokens, not lines: comments, strings and character literals are skipped, `use crate::{a, b::c}` counts as
//! `a` and `b`, and a chain of `super` that reaches the crate's root counts as `crate`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The table of src/lib.rs: a module imports from the rows above its own.
const LAYERS: &[&[&str]] = &[
    &["diagnostic", "kernel", "value", "progress", "guard"],
    &["embedding", "report"],
    &["audio", "store", "exchange", "index", "ontology", "prompt", "metric", "query", "render"],
    &["encoder"],
    &["workspace"],
    &["verb", "ingest"],
    &["session"],
    &["repl"],
    &["cli"],
];
/// A file that is longer asks to be split.
const LONGEST: usize = 400;
/// Files that are longer all the same, each with its reason. Best empty.
const LONGER: &[(&str, &str)] = &[];
/// The only module with unsafe code.
const UNSAFE: &str = "src/kernel/";

struct Source {
    /// `src/verb/mod.rs`
    name: String,
    text: String,
}

impl Source {
    /// `verb` for everything in src/verb and for src/verb.rs; none for lib.rs and main.rs.
    fn module(&self) -> Option<&str> {
        let below = self.name.strip_prefix("src/")?;
        match below {
            "lib.rs" | "main.rs" => None,
            _ => below.split('/').next().map(|first| first.trim_end_matches(".rs")),
        }
    }

    /// How many modules deep the file's own module is: 1 for src/verb.rs and src/verb/mod.rs, 2 for src/verb/list.rs.
    fn depth(&self) -> usize {
        let parts = self.name.split('/').count() - 1;
        if self.name.ends_with("/mod.rs") { parts - 1 } else { parts }
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src")];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    let read = |path: PathBuf| Source {
        name: path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/"),
        text: std::fs::read_to_string(&path).unwrap(),
    };
    files.into_iter().map(read).collect()
}

fn row_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

/// A token with its line.
#[derive(Debug, Clone, PartialEq)]
struct Token {
    text: String,
    line: usize,
}

/// Words and signs (`::` is one); no comments, strings or characters.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let (mut tokens, mut i, mut line) = (Vec::new(), 0, 1);
    while i < chars.len() {
        let start = i;
        match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => {
                let mut depth = 0;
                loop {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (depth, i) = (depth + 1, i + 2),
                        ('*', '/') => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                    if depth == 0 || i >= chars.len() {
                        break;
                    }
                }
            }
            '"' => i = after_string(&chars, i),
            'r' | 'b' if raw_hashes(&chars, i).is_some() => {
                let (quote, hashes) = raw_hashes(&chars, i).unwrap();
                i = after_raw(&chars, quote, hashes);
            }
            'b' if at(i + 1) == '"' => i = after_string(&chars, i + 1),
            // A character, not a lifetime.
            '\'' if at(i + 1) == '\\' || at(i + 2) == '\'' => {
                i += if at(i + 1) == '\\' { 3 } else { 2 };
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            }
            c if c.is_alphanumeric() || c == '_' => {
                while at(i).is_alphanumeric() || at(i) == '_' {
                    i += 1;
                }
                tokens.push(Token { text: chars[start..i].iter().collect(), line });
            }
            c if c.is_whitespace() => i += 1,
            ':' if at(i + 1) == ':' => {
                tokens.push(Token { text: "::".into(), line });
                i += 2;
            }
            c => {
                tokens.push(Token { text: c.into(), line });
                i += 1;
            }
        }
        line += chars[start..i.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

fn after_string(chars: &[char], quote: usize) -> usize {
    let mut i = quote + 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

/// For `r"`, `r#"`, `br#"`: the place of the quote and the number of hashes.
fn raw_hashes(chars: &[char], start: usize) -> Option<(usize, usize)> {
    let mut i = start;
    if start > 0 && (chars[start - 1].is_alphanumeric() || chars[start - 1] == '_') {
        return None;
    }
    if chars.get(i) == Some(&'b') {
        i += 1;
    }
    if chars.get(i) != Some(&'r') {
        return None;
    }
    let hashes = chars[i + 1..].iter().take_while(|c| **c == '#').count();
    (chars.get(i + 1 + hashes) == Some(&'"')).then_some((i + 1 + hashes, hashes))
}

fn after_raw(chars: &[char], quote: usize, hashes: usize) -> usize {
    let mut i = quote + 1;
    while i < chars.len() {
        if chars[i] == '"' && chars[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes {
            return i + 1 + hashes;
        }
        i += 1;
    }
    i
}

/// The modules of the crate's root that a file names, each with the line.
fn imports(source: &Source) -> Vec<(String, usize)> {
    let tokens = tokens(&source.text);
    let text = |i: usize| tokens.get(i).map_or("", |t| t.text.as_str());
    let mut found = Vec::new();
    // Braces that are open: true for those of an inline module.
    let mut braces: Vec<bool> = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        match text(i) {
            "{" => braces.push(i >= 2 && text(i - 2) == "mod"),
            "}" => drop(braces.pop()),
            "crate" if text(i + 1) == "::" => found.extend(heads(&tokens, i + 2)),
            "super" if i == 0 || text(i - 1) != "::" => {
                let mut steps = 1;
                while text(i + 2 * steps - 1) == "::" && text(i + 2 * steps) == "super" {
                    steps += 1;
                }
                let depth = source.depth() + braces.iter().filter(|inline| **inline).count();
                if steps >= depth {
                    found.extend(heads(&tokens, i + 2 * steps));
                }
                i += 2 * (steps - 1);
            }
            _ => {}
        }
        i += 1;
    }
    found
}

/// The names that a path or a braced list of paths begins with.
fn heads(tokens: &[Token], at: usize) -> Vec<(String, usize)> {
    let named = |i: usize| tokens.get(i).map(|t| (t.text.clone(), t.line));
    if tokens.get(at).is_none_or(|t| t.text != "{") {
        return named(at).into_iter().collect();
    }
    let (mut found, mut depth, mut fresh) = (Vec::new(), 0, false);
    for (i, token) in tokens.iter().enumerate().skip(at) {
        match token.text.as_str() {
            "{" => (depth, fresh) = (depth + 1, depth == 0),
            "}" => depth -= 1,
            "," => fresh = depth == 1,
            _ if fresh => {
                found.extend(named(i));
                fresh = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

fn report(what: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{what}:\n  {}\n", faults.join("\n  "));
}

#[test]
fn modules_import_from_lower_layers_only() {
    let mut faults = Vec::new();
    for source in sources() {
        let Some(module) = source.module() else { continue };
        let Some(row) = row_of(module) else {
            faults.push(format!("{}: the module `{module}` stands in no layer of tests/architecture.rs", source.name));
            continue;
        };
        for (import, line) in imports(&source) {
            let from = row_of(&import);
            if import != module && from.is_none_or(|from| from >= row) {
                let place = from.map_or("of no layer".to_owned(), |from| format!("of layer {from}"));
                faults.push(format!("{}:{line}: `{module}` of layer {row} imports `{import}` {place}", source.name));
            }
        }
    }
    report("a module imports from lower layers only, never from its own", &faults);
}

#[test]
fn the_table_in_lib_rs_is_this_one() {
    let lib = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let mut drawn: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for line in lib.lines() {
        let Some(row) = line.strip_prefix("//! | ") else { continue };
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        if let (Ok(layer), Some(modules)) = (cells[0].parse(), cells.get(1)) {
            drawn.insert(layer, modules.split('`').skip(1).step_by(2).map(str::to_owned).collect());
        }
    }
    let held: BTreeMap<usize, BTreeSet<String>> =
        LAYERS.iter().enumerate().map(|(layer, row)| (layer, row.iter().map(|m| (*m).to_owned()).collect())).collect();
    assert_eq!(drawn, held, "the layer table of src/lib.rs and LAYERS of tests/architecture.rs differ");
    let declared = lib
        .lines()
        .filter_map(|l| l.strip_prefix("pub ").unwrap_or(l).strip_prefix("mod ")?.strip_suffix(';'))
        .map(str::to_owned);
    let declared: BTreeSet<String> = declared.collect();
    assert_eq!(declared, held.into_values().flatten().collect(), "the modules of src/lib.rs and those of the table differ");
}

#[test]
fn every_file_says_what_it_is() {
    let silent = sources().into_iter().filter(|s| !s.text.starts_with("//!")).map(|s| s.name);
    report("a file opens with `//!`", &silent.collect::<Vec<_>>());
}

#[test]
fn no_file_is_too_long() {
    let mut faults = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        let excused = LONGER.iter().any(|(name, _)| *name == source.name);
        if lines > LONGEST && !excused {
            faults.push(format!("{} has {lines} lines", source.name));
        }
        if lines <= LONGEST && excused {
            faults.push(format!("{} has {lines} lines and needs no exception any more", source.name));
        }
    }
    report(&format!("a file has at most {LONGEST} lines"), &faults);
}

#[test]
fn unsafe_code_stands_in_one_place() {
    let mut faults = Vec::new();
    for source in sources().into_iter().filter(|s| !s.name.starts_with(UNSAFE)) {
        for token in tokens(&source.text).iter().filter(|t| t.text == "unsafe") {
            faults.push(format!("{}:{}", source.name, token.line));
        }
    }
    report(&format!("unsafe code stands in {UNSAFE} only"), &faults);
    assert!(sources().iter().any(|s| s.name.starts_with(UNSAFE)), "{UNSAFE} is gone; say where unsafe code may stand now");
}

#[test]
fn no_grab_bags() {
    let bags = ["util", "utils", "common", "helper", "helpers", "manager", "misc"];
    let stem = |name: &str| name.rsplit('/').next().unwrap_or(name).trim_end_matches(".rs").to_owned();
    let named = |s: &Source| s.name.split('/').any(|part| bags.contains(&part)) || bags.contains(&stem(&s.name).as_str());
    let found: Vec<String> = sources().into_iter().filter(named).map(|s| s.name).collect();
    report("a file's name says what it is for", &found);
}

/// The scan itself: what it finds and what it leaves.
#[test]
fn the_scan_sees_what_matters() {
    let source = |name: &str, text: &str| Source { name: name.into(), text: text.into() };
    let names = |source: &Source| imports(source).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let text = r##"
        use crate::{store::{self, Store}, verb, query::bind};
        // crate::cli
        /* crate::repl /* nested */ crate::repl */
        const A: &str = "crate::session \" crate::repl"; const B: &str = r#"crate::ingest""#; const C: char = '"';
        fn f<'a>(x: &'a crate::value::Value) { super::list::g(); super::super::encoder::h() }
        mod tests { use super::*; use super::super::super::render::x; }
    "##;
    assert_eq!(names(&source("src/verb/count.rs", text)), ["store", "verb", "query", "value", "encoder", "render"]);
    assert_eq!(names(&source("src/verb/mod.rs", "use super::session::S;")), ["session"]);
    assert_eq!(names(&source("src/verb.rs", "mod m { use super::list; }")), [""; 0]);
    assert_eq!(imports(&source("src/a.rs", "\n/* \n */ crate::b"))[0].1, 3);
}
