//! One ONNX graph, held to what the manifest says of it.
//!
//! ```text
//!   Contract (manifest) ─┐
//!                        ├─ load: names, types, shapes ─ run: shapes, NaN ─ Rows
//!   audio.onnx ──────────┘
//! ```
//!
//! Convention: every input is `[batch, length]` of f32 or i64, every output `[batch, dim]` of f32. A graph is loaded when it
//! is first run, and a failure is kept and given again.

use std::path::PathBuf;
use std::sync::OnceLock;

use super::guard::guard;
use super::rows::Rows;
use super::runtime::{self, Backend, Engine};
use super::{Error, inspect, onnxruntime, tract};
use crate::diagnostic::{did_you_mean, one_of};

/// The type of a graph's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Element {
    F32,
    I64,
    Other(String),
}

impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Element::F32 => "f32",
            Element::I64 => "i64",
            Element::Other(name) => name,
        })
    }
}

/// An input or output as the graph declares it; an open dimension is `None`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Port {
    pub name: String,
    pub element: Element,
    pub shape: Vec<Option<usize>>,
}

/// An input or output as the manifest wants it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    /// Where the manifest names it, as `audio.input`.
    pub key: &'static str,
    pub name: String,
    pub element: Element,
    /// The second dimension, where it is always the same.
    pub length: Option<usize>,
}

/// What a graph takes and gives.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Contract {
    pub inputs: Vec<Wanted>,
    pub outputs: Vec<Wanted>,
}

/// Numbers for one input, row-major.
pub(super) enum Feed<'a> {
    F32(&'a [f32]),
    I64(&'a [i64]),
}

/// An output: its shape and its numbers.
pub(super) type Output = (Vec<usize>, Vec<f32>);

/// A graph file and, once it was needed, the graph.
pub(super) struct Graph {
    path: PathBuf,
    contract: Contract,
    engine: Option<Engine>,
    loaded: OnceLock<Result<Loaded, Error>>,
}

struct Loaded {
    backend: Backend,
    eight_bits: bool,
    runner: Runner,
}

enum Runner {
    OnnxRuntime(onnxruntime::Pool),
    Tract(tract::Plan),
}

impl Graph {
    /// A graph to load when it is needed, on `engine` or on the process's backend.
    pub fn new(path: PathBuf, contract: Contract, engine: Option<Engine>) -> Graph {
        Graph { path, contract, engine, loaded: OnceLock::new() }
    }

    /// Loads the graph if it is not loaded, and tells what it runs on.
    pub fn backend(&self) -> Result<&Backend, Error> {
        self.loaded().map(|loaded| &loaded.backend)
    }

    /// Whether the graph computes in 8 bits on the backend that is slow at it.
    pub fn slow_here(&self) -> Result<bool, Error> {
        self.loaded().map(|loaded| loaded.eight_bits && loaded.backend.engine == Engine::Tract)
    }

    /// Whether a row has the same bits beside any others, from two rows on: ONNX Runtime in single precision gives them. Of one row
    /// alone it leaves out a dimension of length 1, and sums come in another order. tract gives rows at the edge of a tile other
    /// bits, and a graph that quantizes as it runs takes the range of a whole batch.
    pub fn keeps_rows_apart(&self) -> Result<bool, Error> {
        self.loaded().map(|loaded| !loaded.eight_bits && loaded.backend.engine == Engine::OnnxRuntime)
    }

    fn loaded(&self) -> Result<&Loaded, Error> {
        self.loaded.get_or_init(|| self.load()).as_ref().map_err(Error::clone)
    }

    fn load(&self) -> Result<Loaded, Error> {
        let backend = self.engine.map_or_else(runtime::backend, runtime::on)?;
        let failed = |reason: String| Error::Graph { path: self.path.clone(), backend: backend.to_string(), reason };
        let check = |inputs: &[Port], outputs: &[Port]| {
            self.contract.check(inputs, outputs).map_err(|complaint| Error::Port { path: self.path.clone(), complaint })
        };
        let bytes = std::fs::read(&self.path).map_err(|error| failed(error.to_string()))?;
        inspect::inspect(&bytes).map_err(&failed)?;
        let runner = match backend.engine {
            Engine::OnnxRuntime => {
                let pool = guard(|| onnxruntime::Pool::open(&self.path, &bytes)).map_err(&failed)?.map_err(&failed)?;
                check(&pool.inputs, &pool.outputs)?;
                Runner::OnnxRuntime(pool)
            }
            Engine::Tract => {
                let model = guard(|| tract::Model::read(&bytes)).map_err(&failed)?.map_err(&failed)?;
                check(&model.inputs, &model.outputs)?;
                Runner::Tract(guard(|| model.plan(&self.contract)).map_err(&failed)?.map_err(&failed)?)
            }
        };
        Ok(Loaded { backend, eight_bits: inspect::eight_bits(&bytes), runner })
    }

    /// Runs `batch` rows. `feeds` go with the contract's inputs, each `batch × length` numbers; the rows that come back go
    /// with its outputs.
    pub fn run(&self, batch: usize, feeds: &[Feed]) -> Result<Vec<Rows>, Error> {
        let loaded = self.loaded()?;
        let failed = |reason: String| Error::Run { path: self.path.clone(), backend: loaded.backend.to_string(), reason };
        let outputs = guard(|| match &loaded.runner {
            Runner::OnnxRuntime(pool) => pool.run(&self.contract, batch, feeds),
            Runner::Tract(plan) => plan.run(batch, feeds),
        })
        .map_err(&failed)?
        .map_err(&failed)?;
        let mut all = Vec::with_capacity(outputs.len());
        for ((shape, values), wanted) in outputs.into_iter().zip(&self.contract.outputs) {
            let dim = wanted.length.unwrap_or(0);
            if shape != [batch, dim] || values.len() != batch * dim {
                return Err(failed(format!("output `{}` has shape {shape:?}: expected [{batch}, {dim}]", wanted.name)));
            }
            if !values.iter().all(|x| x.is_finite()) {
                return Err(Error::NotFinite { path: self.path.clone(), output: wanted.name.clone() });
            }
            all.push(Rows::new(dim, values));
        }
        Ok(all)
    }
}

impl Contract {
    /// Names, types and shapes; the first that does not fit, as a sentence.
    fn check(&self, inputs: &[Port], outputs: &[Port]) -> Result<(), String> {
        for wanted in &self.inputs {
            wanted.check("input", inputs)?;
        }
        for wanted in &self.outputs {
            wanted.check("output", outputs)?;
        }
        let unfed = inputs.iter().find(|port| !self.inputs.iter().any(|wanted| wanted.name == port.name));
        unfed.map_or(Ok(()), |port| {
            let known = one_of(self.inputs.iter().map(|wanted| wanted.key));
            Err(format!("the graph has an input `{}` that the manifest names nowhere: expected it in {known}", port.name))
        })
    }
}

impl Wanted {
    fn check(&self, side: &str, ports: &[Port]) -> Result<(), String> {
        let names = || ports.iter().map(|port| port.name.as_str());
        let Some(port) = ports.iter().find(|port| port.name == self.name) else {
            let near = did_you_mean(&self.name, names()).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(format!(
                "`{} = \"{}\"` is no {side} of the graph: expected {}{near}",
                self.key,
                self.name,
                one_of(names())
            ));
        };
        if port.element != self.element {
            return Err(format!("{side} `{}` holds {}: expected {}", self.name, port.element, self.element));
        }
        // A shape that the graph does not declare is checked when it runs.
        let fits = |have: Option<usize>, want: Option<usize>| have.is_none() || want.is_none() || have == want;
        match port.shape[..] {
            [] => Ok(()),
            [batch, length] if fits(batch, Some(1)) && fits(length, self.length) => Ok(()),
            _ => {
                let dim = |d: Option<usize>| d.map_or_else(|| "any".to_owned(), |d| d.to_string());
                let shape = port.shape.iter().map(|&d| dim(d)).collect::<Vec<_>>().join(", ");
                Err(format!("{side} `{}` has shape [{shape}]: expected [any, {}]", self.name, dim(self.length)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(name: &str, element: Element, shape: &[Option<usize>]) -> Port {
        Port { name: name.into(), element, shape: shape.to_vec() }
    }

    #[test]
    fn a_graph_must_fit_its_manifest() {
        let wave = Wanted { key: "audio.input", name: "waveform".into(), element: Element::F32, length: Some(48_000) };
        let joint = Wanted { key: "spaces.audio_joint.output", name: "joint".into(), element: Element::F32, length: Some(128) };
        let contract = Contract { inputs: vec![wave], outputs: vec![joint] };
        let input = |shape: &[Option<usize>]| vec![port("waveform", Element::F32, shape)];
        let outputs = vec![port("joint", Element::F32, &[None, Some(128)]), port("other", Element::I64, &[])];
        assert_eq!(contract.check(&input(&[None, None]), &outputs), Ok(()));
        assert_eq!(contract.check(&input(&[Some(1), Some(48_000)]), &outputs), Ok(()));
        let complaint = |inputs: &[Port], outputs: &[Port]| contract.check(inputs, outputs).unwrap_err();
        assert_eq!(complaint(&input(&[None, Some(10)]), &outputs), "input `waveform` has shape [any, 10]: expected [any, 48000]");
        assert_eq!(complaint(&input(&[Some(4), None]), &outputs), "input `waveform` has shape [4, any]: expected [any, 48000]");
        assert_eq!(
            complaint(&[port("wavform", Element::F32, &[])], &outputs),
            "`audio.input = \"waveform\"` is no input of the graph: expected `wavform`; did you mean `wavform`?"
        );
        assert_eq!(complaint(&[port("waveform", Element::I64, &[])], &outputs), "input `waveform` holds i64: expected f32");
        assert_eq!(
            complaint(&input(&[]), &[port("x", Element::F32, &[])]),
            "`spaces.audio_joint.output = \"joint\"` is no output of the graph: expected `x`"
        );
        let mut two = input(&[]);
        two.push(port("mask", Element::I64, &[]));
        assert_eq!(
            complaint(&two, &outputs),
            "the graph has an input `mask` that the manifest names nowhere: expected it in `audio.input`"
        );
    }
}
