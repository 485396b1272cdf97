//! Any text is split, parsed and bound, or refused with a diagnostic that can be shown; nothing panics, nothing hangs.
#![no_main]

use dyad::diagnostic::Diagnostic;
use dyad::query::split::{Continuation, open_at_end, split};
use dyad::query::{Settings, Statement, bind, parse};
use dyad::verb::find;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for continuation in [Continuation::Explicit, Continuation::Indented] {
        let (pieces, fault) = split(text, continuation);
        let mut faults: Vec<Diagnostic> = fault.into_iter().collect();
        for piece in pieces {
            faults.extend(parse(piece).and_then(bound).err());
        }
        for fault in faults {
            assert!(!fault.render(text, Some("fuzz")).is_empty());
        }
    }
    let _ = open_at_end(text);
});

fn bound(statement: Statement) -> Result<(), Diagnostic> {
    match statement {
        Statement::Command(command) => match find(&command.verb.node) {
            Some(verb) => bind(*command, verb.signature(), &Settings::new()).map(drop),
            None => Ok(()),
        },
        Statement::Explain { statement, .. } | Statement::Let { statement, .. } => bound(*statement),
        Statement::Expect(_) | Statement::Help(_) => Ok(()),
    }
}
