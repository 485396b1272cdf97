//! The program from outside: arguments, exit codes, what goes to which stream, and what is in the store afterwards.
//!
//! What needs no tower runs on imported vectors ([`program::toy`]); what ingests uses a few short files.

#[path = "../program/mod.rs"]
mod program;

mod again;
mod batch;
mod check;
mod conformance;
mod datasets;
mod demo;
mod dimension;
mod exchange;
mod formats;
mod import;
mod index;
mod ingest;
mod json;
mod labels;
mod long_audio;
mod maintain;
mod models;
mod replay;
mod report;
mod storage;
mod store;
mod view;
