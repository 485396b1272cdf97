//! `help`: usage and meaning of the verbs, made from their signatures.

use std::fmt::Write as _;

use crate::diagnostic::{Diagnostic, Spanned};
use crate::query::Clause;
use crate::query::Signature;
use crate::report::{Report, Table};
use crate::verb::{STATEMENT_WORDS, VERBS, find};

/// Statements that are no verbs: name, usage, meaning.
pub const STATEMENTS: [(&str, &str, &str); 2] = [
    ("explain", "explain STATEMENT", "shows what a statement would do: collection, space, exact or HNSW and why, texts to embed"),
    ("help", "help [VERB]", "shows the verbs, or one verb with its clauses, parameters and examples"),
];

/// The report of `help` or of `help TOPIC`.
///
/// # Errors
/// When there is no such topic.
pub fn help(topic: Option<&Spanned<String>>) -> Result<Report, Diagnostic> {
    let mut report = Report::new("help");
    let Some(topic) = topic else {
        let mut table = Table::new(["verb", "meaning"]);
        for verb in VERBS {
            table.push(vec![verb.signature().name.into(), verb.signature().summary.into()]);
        }
        for (name, _, meaning) in STATEMENTS {
            table.push(vec![name.into(), meaning.into()]);
        }
        report.tables.push(table);
        report.notes.push("`help VERB` shows one verb with its clauses, parameters and examples".into());
        return Ok(report);
    };
    if let Some(verb) = find(&topic.node) {
        report.text = verb_help(verb.signature());
        return Ok(report);
    }
    if let Some((_, usage, meaning)) = STATEMENTS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(&topic.node)) {
        report.text = format!("{usage}\n\n  {meaning}\n");
        return Ok(report);
    }
    if let Some(clause) = Clause::ALL.iter().find(|c| c.word().eq_ignore_ascii_case(&topic.node)) {
        let (form, meaning) = clause.help();
        report.text = format!("{form}\n\n  {meaning}\n");
        return Ok(report);
    }
    let names = || VERBS.iter().map(|v| v.signature().name).chain(STATEMENT_WORDS).chain(Clause::ALL.iter().map(|c| c.word()));
    Err(Diagnostic::new(format!("there is no help on `{}`", topic.node))
        .at(topic.span)
        .expected("a verb or a clause")
        .suggest(&topic.node, names())
        .hint("`help` lists the verbs"))
}

/// One verb as text.
fn verb_help(signature: &Signature) -> String {
    let mut out = format!("{} — {}\n\nUsage:\n", signature.name, signature.summary);
    for usage in signature.usage {
        let _ = writeln!(out, "  {usage}");
    }
    let _ = write!(out, "\n{}\n", wrapped(signature.about, 96));
    if !signature.clauses.is_empty() {
        out.push_str("\nClauses:\n");
        for clause in signature.clauses {
            let (form, meaning) = clause.help();
            let _ = writeln!(out, "  {form:24}{meaning}");
        }
    }
    if !signature.parameters.is_empty() {
        out.push_str("\nParameters:\n");
        for p in signature.parameters {
            let _ = writeln!(out, "  {:24}{}", format!("{}=", p.name), p.help);
            let _ = writeln!(out, "  {:24}{}; default {}", "", p.kind.expects(), p.default);
        }
    }
    if !signature.examples.is_empty() {
        out.push_str("\nExamples:\n");
        for example in signature.examples {
            let _ = writeln!(out, "  {}\n      {}", example.statement, example.gives);
        }
    }
    out
}

/// Breaks a paragraph into lines of at most `width` characters.
fn wrapped(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let size = word.chars().count();
        if length > 0 && length + 1 + size > width {
            out.push('\n');
            length = 0;
        } else if length > 0 {
            out.push(' ');
            length += 1;
        }
        out.push_str(word);
        length += size;
    }
    out
}
