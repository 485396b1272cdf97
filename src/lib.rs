//! dyad: an embedding vector store with a query language for two-tower audio–text models.
//!
//! ```text
//!   audio files ─ audio ─┐                       ┌─ joint ──────┐
//!                        ├─ encoder (two towers) ┤              ├─ store ─ index
//!   ontology labels ─────┘                       └─ pre-joint ──┘    │
//!                                                                    ▼
//!   "classify clip where …" ─ query ─ verb (plan → run) ─ metric ─ report ─ render
//! ```
//!
//! | layer | modules | may import |
//! |---|---|---|
//! | 0 | `diagnostic` `kernel` `value` `progress` `guard` | nothing of dyad |
//! | 1 | `embedding` `report` | layer 0 |
//! | 2 | `audio` `store` `exchange` `index` `ontology` `prompt` `metric` `query` `render` | layers 0–1 |
//! | 3 | `encoder` | layers 0–2 |
//! | 4 | `workspace` | layers 0–3 |
//! | 5 | `verb` `ingest` | layers 0–4 |
//! | 6 | `session` | layers 0–5 |
//! | 7 | `repl` | layers 0–6 |
//! | 8 | `cli`, the binary | all |
//!
//! `tests/architecture.rs` holds this table against the source.
// Unsafe code is allowed in `kernel` alone.
#![deny(unsafe_code)]

pub mod audio;
pub mod cli;
pub mod diagnostic;
pub mod embedding;
pub mod encoder;
pub mod exchange;
mod guard;
pub mod index;
pub mod ingest;
pub mod kernel;
pub mod metric;
pub mod ontology;
pub mod progress;
pub mod prompt;
pub mod query;
pub mod render;
pub mod repl;
pub mod report;
pub mod session;
pub mod store;
pub mod value;
pub mod verb;
pub mod workspace;
