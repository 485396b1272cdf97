//! The language reference, `docs/language.md`: its prose from `language.md` beside this file, its tables and sections from
//! the signatures of the verbs, the clauses, the records of the metrics and the dot commands.
//!
//! `tests/queries/reference.rs` holds the file against what is made here; `DYAD_BLESS=1` writes it anew.

use std::fmt::Write as _;

use crate::metric::{Direction, Function, METRICS, Metric};
use crate::query::{Clause, Signature};
use crate::repl::COMMANDS;
use crate::verb::VERBS;
use crate::verb::help::{STATEMENTS, takers};

/// Prose with a place `{clauses}`, `{verbs}`, `{sections}`, `{metrics}`, `{dot commands}` for each generated part.
const TEMPLATE: &str = include_str!("language.md");

/// The reference as Markdown.
pub fn markdown() -> String {
    let verbs: Vec<&Signature> = VERBS.iter().map(|v| v.signature()).chain(&STATEMENTS).collect();
    let clauses = Clause::ALL.iter().map(|clause| {
        let (form, meaning) = clause.help();
        format!("| `{}` | {} | {} |\n", cell(form), cell(meaning), takers(*clause))
    });
    let index = verbs.iter().map(|s| format!("| [`{0}`](#{0}) | {1} |\n", s.name, cell(s.summary)));
    let commands = COMMANDS.iter().map(|(name, argument, about)| {
        let usage = format!("{name} {argument}");
        format!("| `{}` | {} |\n", cell(usage.trim_end()), cell(about))
    });
    TEMPLATE
        .replace("{clauses}\n", &clauses.collect::<String>())
        .replace("{verbs}\n", &index.collect::<String>())
        .replace("{metrics}\n", &METRICS.chunk_by(|a, b| a.about == b.about).map(metrics).collect::<String>())
        .replace("{dot commands}\n", &commands.collect::<String>())
        .replace("{sections}\n", &verbs.iter().map(|s| section(s)).collect::<Vec<_>>().join("\n"))
}

fn section(signature: &Signature) -> String {
    let mut out = format!("### {}\n\n{}.\n\n", signature.name, capital(signature.summary));
    for usage in signature.usage {
        let _ = writeln!(out, "    {usage}");
    }
    let about: Vec<&str> = signature.about.split_whitespace().collect();
    let _ = write!(out, "\n{}\n", about.join(" "));
    if !signature.parameters.is_empty() {
        out.push_str("\n| parameter | takes | default | meaning |\n|---|---|---|---|\n");
        for p in signature.parameters {
            let (takes, default) = (cell(&p.kind.expects()), cell(p.default));
            let _ = writeln!(out, "| `{}` | {takes} | {default} | {} |", p.name, cell(p.help));
        }
    }
    if !signature.examples.is_empty() {
        out.push_str("\n| example | gives |\n|---|---|\n");
        for example in signature.examples {
            let _ = writeln!(out, "| `{}` | {} |", cell(example.statement), cell(example.gives));
        }
    }
    out
}

/// The row of metrics that are defined alike, which are those of one verb.
fn metrics(alike: &[Metric]) -> String {
    let Some(first) = alike.first() else { return String::new() };
    let names: Vec<String> = alike.iter().map(|metric| format!("`{}`", metric.name)).collect();
    let (verb, (least, greatest)) = (verb_of(first.function), first.range);
    let better = match first.direction {
        Direction::Greater => "greater",
        Direction::Smaller => "smaller",
        Direction::Neutral => "neither",
    };
    let (names, range) = (names.join(", "), format!("{} to {}", end(least), end(greatest)));
    format!("| {names} | [`{verb}`](#{verb}) | {range} | {better} | {} |\n", cell(first.about))
}

/// The verb whose results have the metrics of a family.
fn verb_of(function: Function) -> &'static str {
    match function {
        Function::Classification(_) => "classify",
        Function::Retrieval(_) => "retrieve",
        Function::Pairs(_) => "similarity",
        Function::Margins(_) => "margin",
        Function::Triplets(_) => "triplets",
        Function::Gap(_) => "gap",
        Function::Hubs(_) => "hubness",
        Function::Sensitivity(_) => "sensitivity",
    }
}

/// One end of a range.
fn end(value: f64) -> String {
    match value {
        f64::INFINITY => "∞".to_owned(),
        f64::NEG_INFINITY => "-∞".to_owned(),
        value => value.to_string(),
    }
}

/// A `|` would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
