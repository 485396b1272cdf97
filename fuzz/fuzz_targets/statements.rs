//! Any text is split, parsed and bound, or refused with a diagnostic that can be shown; nothing panics, nothing hangs.
//!
//! The language's modules are taken by path: they need nothing else of the crate. Every statement is bound as one of a verb
//! that takes all clauses and one parameter of each kind.
#![no_main]
#![allow(dead_code, unused_imports)]

#[path = "../../src/diagnostic.rs"]
mod diagnostic;
#[path = "../../src/embedding.rs"]
mod embedding;
#[path = "../../src/query/mod.rs"]
mod query;
#[path = "../../src/value.rs"]
mod value;

use diagnostic::Diagnostic;
use libfuzzer_sys::fuzz_target;
use query::signature::{Clause, Signature, shared};
use query::split::{Continuation, open_at_end, split};
use query::{Settings, Statement, bind, parse};

static ANY: Signature = Signature {
    name: "any",
    subjects: &["clip", "label", "prompt", "model"],
    clauses: &Clause::ALL,
    parameters: &[
        shared::PROMPT,
        shared::PROMPTS,
        shared::MODEL,
        shared::SPACE,
        shared::SEED,
        shared::RESAMPLES,
        shared::CONFIDENCE,
        shared::EXACT,
        shared::EF,
    ],
    ..Signature::BARE
};

fuzz_target!(|text: &str| {
    for continuation in [Continuation::Explicit, Continuation::Indented] {
        for fault in split(text, continuation).into_iter().filter_map(|piece| piece.and_then(parse).and_then(bound).err()) {
            assert!(!fault.render(text, Some("fuzz")).is_empty());
        }
    }
    let _ = open_at_end(text);
});

fn bound(statement: Statement) -> Result<(), Diagnostic> {
    match statement {
        Statement::Command(command) => bind(*command, &ANY, &Settings::new()).map(drop),
        Statement::Explain { statement, .. } | Statement::Let { statement, .. } => bound(*statement),
        Statement::Expect(_) | Statement::Help(_) => Ok(()),
    }
}
