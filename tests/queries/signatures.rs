//! What the signatures claim: every example runs, every verb, clause and statement has help, every form names its verb.

use dyad::query::Clause;
use dyad::query::signature::Signature;
use dyad::verb::VERBS;
use dyad::verb::help::STATEMENTS;

use crate::store::{output, session};

fn signatures() -> impl Iterator<Item = &'static Signature> {
    static KEPT: [Signature; STATEMENTS.len()] = STATEMENTS;
    VERBS.iter().map(|v| v.signature()).chain(&KEPT)
}

#[test]
fn every_example_runs_on_the_bundled_data() {
    let mut failed = Vec::new();
    for signature in signatures() {
        assert!(!signature.examples.is_empty(), "`{}` has no example", signature.name);
        for example in signature.examples {
            match output(&mut session(), example.statement) {
                Ok(text) if text.trim().is_empty() => failed.push(format!("{}\n  writes nothing", example.statement)),
                Ok(_) => {}
                Err(fault) => failed.push(fault),
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// A text whose words have one space between them.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn everything_has_help() {
    let mut session = session();
    let all = output(&mut session, "help").unwrap();
    for signature in signatures() {
        assert!(all.contains(signature.name), "`help` leaves `{}` out", signature.name);
        let text = output(&mut session, &format!("help {}", signature.name)).unwrap();
        for part in signature.usage.iter().chain(signature.examples.iter().map(|e| &e.statement)) {
            // Help is broken at the terminal's width, inside statements too.
            assert!(words(&text).contains(&words(part)), "`help {}` leaves `{part}` out", signature.name);
        }
        for parameter in signature.parameters {
            assert!(text.contains(&format!("{}=", parameter.name)), "`help {}` leaves `{}` out", signature.name, parameter.name);
        }
    }
    for clause in Clause::ALL {
        let text = output(&mut session, &format!("help {}", clause.word())).unwrap();
        assert!(text.contains(clause.help().0), "{text}");
    }
}

#[test]
fn forms_begin_with_their_verb_and_summaries_are_one_line() {
    for signature in signatures() {
        for usage in signature.usage {
            assert!(usage.starts_with(signature.name), "{usage}");
        }
        assert!(!signature.summary.ends_with('.') && !signature.summary.contains('\n'), "{}", signature.summary);
        assert!(!signature.about.is_empty(), "`{}` is not explained", signature.name);
    }
}
