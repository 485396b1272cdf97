//! Statements over the bundled audio and model: every example of every signature, the reference, the example files.
//!
//! The bundled clips are embedded once for all tests of this program (some 20 s without ONNX Runtime), into a folder that
//! goes with it. `DYAD_TEST_STORE=DIR` keeps that store: made when it is not there, taken as it is when it is.

mod examples;
mod reference;
mod signatures;
mod statements;
mod store;
