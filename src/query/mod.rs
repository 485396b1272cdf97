//! The query language: text → statements → statements bound to a verb's signature.
//!
//! ```text
//!   source ─ split ─→ one text a statement ─ parse ─→ Statement ─ bind ─→ Bound (clauses and parameters judged)
//! ```
//!
//! `grammar/dyad.pest` knows shapes only; [`signature`] says what a verb takes and [`mod@bind`] holds a statement against it,
//! so that messages point at words. [`predicate`] is the `where` clause.

pub mod bind;
mod bound_to;
pub mod kinds;
pub mod lex;
mod lift;
mod parse;
pub mod predicate;
pub mod signature;
pub mod split;
pub mod statement;
mod subjects;
pub mod unknown;

pub use bind::{Bound, Settings, bind};
pub use parse::{is_expectation, parse};
pub use predicate::Predicate;
pub use signature::{Clause, Example, Kind, Parameter, Signature};
pub use split::{Piece, split};
pub use statement::{Argument, Command, Literal, Order, Statement, Sum};
