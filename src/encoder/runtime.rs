//! Which program runs the graphs: ONNX Runtime where it is installed, tract (built in, pure Rust) elsewhere.
//!
//! ```text
//!   libonnxruntime ≥ 1.24 found?  yes → onnxruntime 1.24.4 (/…/libonnxruntime.so.1.24.4), about five times faster
//!                                 no  → tract 0.23.9
//!   DYAD_BACKEND=tract|onnxruntime forces one;  ORT_DYLIB_PATH names the library
//! ```
//!
//! Convention: the search runs once in a process, at the first graph. Nothing here panics; what was looked at and why it was
//! not taken is kept for `dyad doctor`.
//! Source: ort 2.0.0-rc.14. Its `init_from` leaves an uninitialised library behind when it fails, so every file is probed
//! first and `init_from` is called once, with a file that works.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::Error;
use super::guard::{guard, one_line};
use super::library;

/// The oldest ONNX Runtime that has the functions used here, as 1.x.
pub const OLDEST_MINOR: u32 = ort::MINOR_VERSION;
const TRACT_VERSION: &str = "0.23.9";

/// One of the two programs that run graphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    OnnxRuntime,
    Tract,
}

impl Engine {
    /// Reads a name.
    pub fn parse(name: &str) -> Option<Engine> {
        match name.to_lowercase().as_str() {
            "onnxruntime" | "ort" => Some(Engine::OnnxRuntime),
            "tract" => Some(Engine::Tract),
            _ => None,
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Engine::OnnxRuntime => "onnxruntime",
            Engine::Tract => "tract",
        })
    }
}

/// The program that runs graphs, for `doctor` and for the context of results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    pub engine: Engine,
    pub version: String,
    /// The library's file; none for tract, which is part of this program.
    pub path: Option<PathBuf>,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.engine, self.version)
    }
}

/// What was looked at on the way to ONNX Runtime: a path, and what was found there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    pub path: PathBuf,
    pub outcome: String,
}

/// What the user wants; the empty choice takes the best that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    pub engine: Option<Engine>,
    /// A libonnxruntime to use and no other.
    pub library: Option<PathBuf>,
}

static CHOICE: OnceLock<Choice> = OnceLock::new();
static LIBRARY: OnceLock<Library> = OnceLock::new();

struct Library {
    loaded: Option<(ort::environment::Environment, Backend)>,
    looked: Vec<Looked>,
}

/// Decides for the whole process; false when a graph was already loaded or another choice made.
pub fn choose(choice: Choice) -> bool {
    LIBRARY.get().is_none() && CHOICE.set(choice).is_ok()
}

/// The backend that graphs run on when none is asked for.
///
/// # Errors
/// When `DYAD_BACKEND` or a [`Choice`] asks for one that cannot be had.
pub fn backend() -> Result<Backend, Error> {
    let choice = CHOICE.get().cloned().unwrap_or_default();
    let engine =
        match (choice.engine, std::env::var("DYAD_BACKEND").ok().filter(|name| !name.is_empty())) {
            (Some(engine), _) => Some(engine),
            (None, Some(name)) => Some(Engine::parse(&name).ok_or_else(|| Error::Backend {
                name,
                reason: "expected `tract` or `onnxruntime` in `DYAD_BACKEND`".to_owned(),
            })?),
            (None, None) => choice.library.is_some().then_some(Engine::OnnxRuntime),
        };
    match engine {
        Some(engine) => on(engine),
        None => on(Engine::OnnxRuntime).or_else(|_| on(Engine::Tract)),
    }
}

/// The backend of one engine.
///
/// # Errors
/// When ONNX Runtime is asked for and no usable library was found; tract is always there.
pub fn on(engine: Engine) -> Result<Backend, Error> {
    match engine {
        Engine::Tract => Ok(Backend { engine, version: TRACT_VERSION.to_owned(), path: None }),
        Engine::OnnxRuntime => environment().map(|(_, backend)| backend.clone()),
    }
}

/// Why it is this engine and not the other, for `doctor`.
pub fn why(engine: Engine) -> &'static str {
    let asked = CHOICE.get().is_some_and(|choice| choice.engine.is_some() || choice.library.is_some());
    match (asked, std::env::var_os("DYAD_BACKEND").is_some_and(|name| !name.is_empty()), engine) {
        (true, _, _) => "the program that uses this library chose it",
        (_, true, _) => "`DYAD_BACKEND` asks for it",
        (_, _, Engine::OnnxRuntime) => "the first usable library that was found",
        (_, _, Engine::Tract) => "no usable ONNX Runtime was found",
    }
}

/// Every place where ONNX Runtime was looked for, in order, for `doctor`. Runs the search if it has not run.
pub fn looked() -> &'static [Looked] {
    &library().looked
}

/// The one environment of this process and the backend that it belongs to.
pub(super) fn environment() -> Result<&'static (ort::environment::Environment, Backend), Error> {
    library().loaded.as_ref().ok_or_else(|| {
        let named = library().looked.iter().find(|looked| CHOICE.get().is_some_and(|c| c.library.as_ref() == Some(&looked.path)));
        let reason = match named {
            Some(looked) => format!("`{}` {}", looked.path.display(), looked.outcome),
            None => format!(
                "no libonnxruntime 1.{OLDEST_MINOR} or newer was found: expected one in `ORT_DYLIB_PATH`, beside the program or \
                 from `pip install onnxruntime`"
            ),
        };
        Error::Backend { name: Engine::OnnxRuntime.to_string(), reason }
    })
}

fn library() -> &'static Library {
    LIBRARY.get_or_init(|| {
        let mut looked = Vec::new();
        let loaded = search(&mut looked);
        Library { loaded, looked }
    })
}

fn search(looked: &mut Vec<Looked>) -> Option<(ort::environment::Environment, Backend)> {
    if let Some(file) = CHOICE.get().and_then(|choice| choice.library.clone()) {
        return try_file(&file, looked);
    }
    if let Some(file) = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        let loaded = try_file(Path::new(&file), looked);
        if loaded.is_some() {
            return loaded;
        }
    }
    let candidates = library::candidates();
    let loaded = candidates.files.iter().find_map(|file| try_file(file, looked));
    looked.extend(candidates.empty.into_iter().map(|path| Looked { path, outcome: "holds no libonnxruntime".to_owned() }));
    loaded
}

fn try_file(file: &Path, looked: &mut Vec<Looked>) -> Option<(ort::environment::Environment, Backend)> {
    let result = load(file);
    let outcome = match &result {
        Ok((_, backend)) => format!("is used, version {}", backend.version),
        Err(reason) => reason.clone(),
    };
    looked.push(Looked { path: file.to_owned(), outcome });
    result.ok()
}

fn load(file: &Path) -> Result<(ort::environment::Environment, Backend), String> {
    let old = |minor: u32| format!("has version 1.{minor}: expected 1.{OLDEST_MINOR} or newer");
    let path = std::fs::canonicalize(file).map_err(|error| format!("cannot be opened: {error}"))?;
    if let Some(minor) = library::minor_in_name(&path)
        && minor < OLDEST_MINOR
    {
        return Err(old(minor));
    }
    let minor = guard(|| ort::util::probe(&path))?.ok_or("is not an ONNX Runtime library that this machine can load")?;
    if minor < OLDEST_MINOR {
        return Err(old(minor));
    }
    let environment = guard(|| {
        let builder = ort::init_from(&path).map_err(|error| one_line(&error.to_string()))?;
        // Its warnings about graphics cards and the like are not for the user of this program.
        let silent: ort::logging::LoggerFunction = std::sync::Arc::new(|_, _, _, _, _| {});
        builder.with_name("dyad").with_telemetry(false).with_logger(silent).build().map_err(|error| one_line(&error.to_string()))
    })?
    .map_err(|reason| format!("cannot be started: {reason}"))?;
    let version = library::version_in_name(&path).map_or_else(|| format!("1.{minor}"), str::to_owned);
    Ok((environment, Backend { engine: Engine::OnnxRuntime, version, path: Some(path) }))
}
