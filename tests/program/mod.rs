//! The built program as tests run it, and the small files that they feed it.
//!
//! A [`Place`] is a temporary folder with a store in it; [`Place::dyad`] runs the program there, far from the user's own
//! store, history and settings. `DYAD_BINARY` names another program than the one that cargo built.
// Each test program uses its own part of this.
#![allow(dead_code)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

pub mod toy;

/// The program under test.
pub fn binary() -> PathBuf {
    std::env::var_os("DYAD_BINARY").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_dyad")), PathBuf::from)
}

/// Says on standard error that a test holds nothing, and what it lacks. Past the harness, which keeps what is printed to itself.
pub fn skipped(test: &str, lacks: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {lacks}");
}

/// A command with a clean environment: no store, no settings, no history but those below `home`.
pub fn command(home: &Path) -> Command {
    let mut command = Command::new(binary());
    for name in [
        "DYAD_STORE",
        "DYAD_MODELS",
        "NO_COLOR",
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
        "XDG_DATA_HOME",
        "XDG_CACHE_HOME",
        "LC_ALL",
        "LC_CTYPE",
        "COLUMNS",
    ] {
        command.env_remove(name);
    }
    command.env("HOME", home).env("LANG", "C.UTF-8").env("TERM", "xterm").current_dir(home);
    command
}

/// A temporary folder; the store is `store` in it.
pub struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Place {
        Place { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file, its folders too.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Copies a fixture of tests/data/audio.
    pub fn audio(&self, fixture: &str, name: &str) -> PathBuf {
        let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/audio").join(fixture)).unwrap();
        self.write(name, bytes)
    }

    /// The program with these arguments, here, with its own store.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = command(self.path());
        command.arg("--store").arg(self.at("store")).args(args).stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn dyad(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args), args)
    }

    /// Runs it with `input` piped in.
    pub fn piped(&self, args: &[&str], input: &str) -> Ran {
        let mut command = self.command(args);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ran::from(child, args)
    }

    /// Runs statements, each an object of the answer.
    pub fn json(&self, statements: &[&str]) -> Vec<Value> {
        let mut args = vec!["--format", "jsonl"];
        for statement in statements {
            args.extend(["-c", statement]);
        }
        self.dyad(&args).ok().objects()
    }
}

/// What a run gave.
#[derive(Debug, Clone)]
pub struct Ran {
    pub what: String,
    /// None when a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    fn of(command: &mut Command, args: &[&str]) -> Ran {
        let output = command.output().unwrap();
        Ran {
            what: args.join(" "),
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("results are UTF-8"),
            err: String::from_utf8(output.stderr).expect("messages are UTF-8"),
        }
    }

    /// Waits for a child whose outputs are piped.
    pub fn from(child: Child, args: &[&str]) -> Ran {
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran { what: args.join(" "), code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Holds the exit code; nothing may ever panic.
    #[track_caller]
    pub fn code(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "dyad {}\n--- out\n{}--- err\n{}", self.what, self.out, self.err);
        for word in ["panicked", "RUST_BACKTRACE", "stack backtrace"] {
            assert!(!self.err.contains(word) && !self.out.contains(word), "dyad {}\n{}", self.what, self.err);
        }
        self
    }

    #[track_caller]
    pub fn ok(self) -> Ran {
        self.code(0)
    }

    /// Holds that standard error says `text`.
    #[track_caller]
    pub fn says(self, text: &str) -> Ran {
        assert!(self.err.contains(text), "dyad {}\nexpected `{text}` in\n{}", self.what, self.err);
        self
    }

    /// Holds that standard output has `text`.
    #[track_caller]
    pub fn shows(self, text: &str) -> Ran {
        assert!(self.out.contains(text), "dyad {}\nexpected `{text}` in\n{}", self.what, self.out);
        self
    }

    /// Standard output as JSON objects, one a line.
    #[track_caller]
    pub fn objects(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    }

    /// Standard output as one JSON object.
    #[track_caller]
    pub fn object(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }
}

/// The cell of a report's first table.
#[track_caller]
pub fn cell<'a>(report: &'a Value, row: usize, column: &str) -> &'a Value {
    let columns = report["columns"].as_array().unwrap();
    let at = columns.iter().position(|c| c == column).unwrap_or_else(|| panic!("no column {column} in {columns:?}"));
    &report["rows"][row][at]
}

/// A mono 16-bit wav file of 16 kHz: a tone with a few partials.
pub fn wav(hz: f32, seconds: f32) -> Vec<u8> {
    let rate = 16_000u32;
    let n = (seconds * rate as f32) as u32;
    let mut bytes = Vec::new();
    bytes.extend(b"RIFF");
    bytes.extend((36 + 2 * n).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    bytes.extend(1u16.to_le_bytes());
    bytes.extend(1u16.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((2 * rate).to_le_bytes());
    bytes.extend(2u16.to_le_bytes());
    bytes.extend(16u16.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend((2 * n).to_le_bytes());
    for i in 0..n {
        let t = i as f32 / rate as f32 * hz * std::f32::consts::TAU;
        let value = 0.4 * t.sin() + 0.2 * (2.0 * t).sin() + 0.1 * (3.0 * t).sin();
        bytes.extend(((value * 32_000.0) as i16).to_le_bytes());
    }
    bytes
}

/// A two-dimensional array as numpy saves it; `descr` is `<f4` or `<f8`.
pub fn npy(descr: &str, rows: &[Vec<f64>]) -> Vec<u8> {
    let columns = rows.first().map_or(0, Vec::len);
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}, {columns}), }}", rows.len());
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    for x in rows.iter().flatten() {
        match descr {
            "<f4" => bytes.extend((*x as f32).to_le_bytes()),
            _ => bytes.extend(x.to_le_bytes()),
        }
    }
    bytes
}

/// Copies a folder with all that is in it.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
