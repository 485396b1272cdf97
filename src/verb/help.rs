//! `help`: usage and meaning of the verbs, clauses and statements, made from their signatures.

use std::fmt::Write as _;

use crate::diagnostic::{Diagnostic, Spanned};
use crate::query::{Clause, Example, Signature};
use crate::report::{Report, Table};
use crate::verb::{STATEMENT_WORDS, VERBS, find};

/// Statements that are no verbs.
pub const STATEMENTS: [Signature; 4] = [
    Signature {
        name: "explain",
        summary: "shows what a statement would do, or did",
        usage: &["explain STATEMENT", "explain analyze STATEMENT"],
        about: "The plan: collection, space, filter, texts to read, exact or HNSW and why, and the work that this comes to. Nothing is \
                embedded. `analyze` runs the statement, throws its result away, and shows the time and items of each stage: of a \
                search also the rows that pass the filter, and whether they were scanned or the graph was walked.",
        examples: &[
            Example {
                statement: "explain classify clips where dynamic=\"ff\" top 3",
                gives: "the plan with its number of comparisons",
            },
            Example { statement: "explain analyze triplets ontology=hdio", gives: "the plan, and the time that each stage took" },
        ],
        ..Signature::BARE
    },
    Signature {
        name: "expect",
        summary: "holds a condition against the result before it; when it fails, the statement fails",
        usage: &["expect PREDICATE"],
        about: "Makes a query file a regression test. The names are the metrics of the last result (`top1`, and the ends of its \
                interval `top1.low`, `top1.high`), `n`, `recall`, `rows` (of its first table) and the facts of its context (`chance`, \
                `ties`, …); `describe NAME` says what each is. `is null` holds for a metric that is undefined.",
        examples: &[Example {
            statement: "classify clips top 3; expect top1 > 0.2 and n >= 100",
            gives: "fails where the accuracy is 0.2 or less",
        }],
        ..Signature::BARE
    },
    Signature {
        name: "let",
        summary: "runs a statement and keeps its result under a name",
        usage: &["let NAME = STATEMENT"],
        about: "The result is shown as ever. `show results` lists what has a name; the names last as long as the session.",
        examples: &[Example {
            statement: "let words = classify clips where prompt=\"A <> track\"; show results",
            gives: "the result, then the list of names with one in it",
        }],
        ..Signature::BARE
    },
    Signature {
        name: "help",
        summary: "shows the verbs, or one verb or clause with its parameters and examples",
        usage: &["help [VERB|CLAUSE]"],
        about: "At the terminal `.help` lists the commands of the REPL.",
        examples: &[
            Example { statement: "help classify", gives: "its forms, clauses, parameters and examples" },
            Example { statement: "help order by", gives: "the clause, and the verbs that take it" },
        ],
        ..Signature::BARE
    },
];

/// The report of `help` or of `help TOPIC`.
///
/// # Errors
/// When there is no such topic.
pub fn help(topic: Option<&Spanned<String>>) -> Result<Report, Diagnostic> {
    let mut report = Report::new("help");
    let signatures = || VERBS.iter().map(|v| v.signature()).chain(&STATEMENTS);
    let Some(topic) = topic else {
        let mut table = Table::new(["verb", "meaning"]);
        for signature in signatures() {
            table.push(vec![signature.name.into(), signature.summary.into()]);
        }
        report.tables.push(table);
        report.notes.push("`help VERB` shows one verb with its clauses, parameters and examples".into());
        return Ok(report);
    };
    let statement = || STATEMENTS.iter().find(|s| s.name.eq_ignore_ascii_case(&topic.node));
    if let Some(signature) = find(&topic.node).map(|v| v.signature()).or_else(statement) {
        report.text = verb_help(signature);
        return Ok(report);
    }
    let is_topic = |clause: &&Clause| {
        let word = clause.word();
        word.eq_ignore_ascii_case(&topic.node)
            || word.split(' ').next().is_some_and(|first| first.eq_ignore_ascii_case(&topic.node))
    };
    if let Some(clause) = Clause::ALL.iter().find(is_topic) {
        let (form, meaning) = clause.help();
        report.text = format!("{form}\n\n  {meaning}\n\nTaken by: {}\n", takers(*clause));
        return Ok(report);
    }
    let names = || VERBS.iter().map(|v| v.signature().name).chain(STATEMENT_WORDS).chain(Clause::ALL.iter().map(|c| c.word()));
    Err(Diagnostic::new(format!("there is no help on `{}`", topic.node))
        .at(topic.span)
        .expected("a verb or a clause")
        .suggest(&topic.node, names())
        .hint("`help` lists the verbs"))
}

/// The verbs that take a clause.
pub fn takers(clause: Clause) -> String {
    let takers: Vec<&str> = VERBS.iter().map(|v| v.signature()).filter(|s| s.takes(clause)).map(|s| s.name).collect();
    if takers.len() == VERBS.len() { "every verb".to_owned() } else { takers.join(", ") }
}

/// One verb as text.
fn verb_help(signature: &Signature) -> String {
    let mut out = format!("{} — {}\n\nUsage:\n", signature.name, signature.summary);
    for usage in signature.usage {
        let _ = writeln!(out, "  {usage}");
    }
    let _ = write!(out, "\n{}\n", signature.about);
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
