//! Graphs on ONNX Runtime: as many sessions of one graph as threads that use it at once.
//!
//! ```text
//!   thread 1 ─ run ─ session 1        a session is taken, used by one thread, given back;
//!   thread 2 ─ run ─ session 2        one that panicked is thrown away
//! ```
//!
//! Each session computes with one thread: parallelism is across items, so the same item gives the same bits whatever the
//! number of threads.
//! Source: ort 2.0.0-rc.14, whose `run` needs a session of one's own.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session, SessionInputValue};
use ort::value::{Outlet, TensorElementType, TensorRef, ValueType};

use super::graph::{Contract, Element, Feed, Output, Port};
use super::guard::one_line;
use super::runtime;

/// Each session holds the graph's weights once more: so many bytes of them at most, whatever the number of threads.
const WEIGHTS: u64 = 4 << 30;

/// Sessions of one graph.
pub(super) struct Pool {
    path: PathBuf,
    pub inputs: Vec<Port>,
    pub outputs: Vec<Port>,
    limit: usize,
    sessions: Mutex<Sessions>,
    freed: Condvar,
}

struct Sessions {
    idle: Vec<Session>,
    /// Idle and in use.
    open: usize,
}

/// A session in use.
struct Taken<'a> {
    pool: &'a Pool,
    session: Option<Session>,
}

impl Pool {
    /// Opens the first session, of the graph in `bytes`, which `path` holds.
    pub fn open(path: &Path, bytes: &[u8]) -> Result<Pool, String> {
        let session = open(bytes)?;
        let ports = |outlets: &[Outlet]| outlets.iter().map(port).collect();
        let (inputs, outputs) = (ports(session.inputs()), ports(session.outputs()));
        let sessions = Mutex::new(Sessions { idle: vec![session], open: 1 });
        let size = bytes.len().max(1) as u64;
        let fit = usize::try_from(WEIGHTS / size).unwrap_or(usize::MAX);
        let limit = rayon::current_num_threads().min(fit).max(1);
        Ok(Pool { path: path.to_owned(), inputs, outputs, limit, sessions, freed: Condvar::new() })
    }

    pub fn run(&self, contract: &Contract, batch: usize, feeds: &[Feed]) -> Result<Vec<Output>, String> {
        let mut taken = self.take()?;
        let session = taken.session.as_mut().ok_or("no session")?;
        let mut values: Vec<(&str, SessionInputValue)> = Vec::with_capacity(feeds.len());
        for (wanted, feed) in contract.inputs.iter().zip(feeds) {
            let value = match feed {
                Feed::F32(numbers) => {
                    TensorRef::from_array_view(([batch, numbers.len() / batch.max(1)], *numbers)).map_err(reason)?.into()
                }
                Feed::I64(numbers) => {
                    TensorRef::from_array_view(([batch, numbers.len() / batch.max(1)], *numbers)).map_err(reason)?.into()
                }
            };
            values.push((wanted.name.as_str(), value));
        }
        let outputs = session.run(values).map_err(reason)?;
        let mut all = Vec::with_capacity(contract.outputs.len());
        for wanted in &contract.outputs {
            let output = outputs.get(&wanted.name).ok_or_else(|| format!("no output `{}`", wanted.name))?;
            let (shape, numbers) = output.try_extract_tensor::<f32>().map_err(reason)?;
            all.push((shape.iter().map(|&d| usize::try_from(d).unwrap_or(0)).collect(), numbers.to_vec()));
        }
        drop(outputs);
        taken.give_back();
        Ok(all)
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Result<Taken<'_>, String> {
        let mut sessions = self.lock();
        loop {
            if let Some(session) = sessions.idle.pop() {
                return Ok(Taken { pool: self, session: Some(session) });
            }
            if sessions.open < self.limit {
                sessions.open += 1;
                drop(sessions);
                // Dropping an empty `taken` gives the place back when opening fails.
                let mut taken = Taken { pool: self, session: None };
                let bytes = std::fs::read(&self.path).map_err(|error| error.to_string())?;
                taken.session = Some(open(&bytes)?);
                return Ok(taken);
            }
            sessions = self.freed.wait(sessions).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Taken<'_> {
    fn give_back(mut self) {
        if let Some(session) = self.session.take() {
            self.pool.lock().idle.push(session);
            self.pool.freed.notify_one();
            std::mem::forget(self);
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.pool.lock().open -= 1;
        self.pool.freed.notify_one();
    }
}

/// From memory, so that weights in files beside the graph, which the model's hash does not cover, are not read.
fn open(bytes: &[u8]) -> Result<Session, String> {
    let (environment, _) = runtime::environment().map_err(|error| error.to_string())?;
    Session::builder(environment)
        .map_err(reason)?
        .with_optimization_level(GraphOptimizationLevel::All)
        .map_err(|error| one_line(&error.to_string()))?
        .with_intra_threads(1)
        .map_err(|error| one_line(&error.to_string()))?
        .commit_from_memory(bytes)
        .map_err(reason)
}

fn port(outlet: &Outlet) -> Port {
    let (element, shape) = match outlet.dtype() {
        ValueType::Tensor { ty, shape, .. } => {
            let element = match ty {
                TensorElementType::Float32 => Element::F32,
                TensorElementType::Int64 => Element::I64,
                other => Element::Other(other.to_string()),
            };
            (element, shape.iter().map(|&dim| usize::try_from(dim).ok()).collect())
        }
        other => (Element::Other(other.to_string()), Vec::new()),
    };
    Port { name: outlet.name().to_owned(), element, shape }
}

fn reason(error: ort::Error) -> String {
    one_line(error.message())
}
