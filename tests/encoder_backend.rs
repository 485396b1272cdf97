//! Which backend is taken under which environment. The choice is made once a process, so each case runs in one of its own:
//! this test program again, with only [`child`].

use std::path::Path;
use std::process::Command;

use dyad::encoder::{Engine, runtime};

/// What the child says: the backend or the error, then every place that was looked at.
fn ask(variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).env("DYAD_TEST_CHILD", "1");
    command.env_remove("DYAD_BACKEND").env_remove("ORT_DYLIB_PATH").envs(variables.iter().copied());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| line.starts_with("> ")).collect::<Vec<_>>().join("\n")
}

#[test]
fn child() {
    if std::env::var_os("DYAD_TEST_CHILD").is_none() {
        return;
    }
    match runtime::backend() {
        Ok(backend) => println!("\n> {backend}"),
        Err(error) => println!("\n> {error}"),
    }
    for place in runtime::looked() {
        println!("> {} {}", place.path.display(), place.outcome);
    }
    assert!(!runtime::choose(runtime::Choice { engine: Some(Engine::Tract), library: None }), "too late");
}

#[test]
fn the_variable_decides() {
    assert!(ask(&[("DYAD_BACKEND", "tract")]).starts_with("> tract 0.23"));
    let wrong = ask(&[("DYAD_BACKEND", "cuda")]);
    assert!(
        wrong.starts_with("> the backend `cuda` cannot be used: expected `tract` or `onnxruntime` in `DYAD_BACKEND`"),
        "{wrong}"
    );
}

#[test]
fn files_that_are_no_library_are_passed_over_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("libonnxruntime.so");
    std::fs::write(&text, "no library").unwrap();
    let old = folder.path().join("libonnxruntime.so.1.9.0");
    std::fs::write(&old, "no library").unwrap();
    for (path, reason) in [
        (Path::new("/no/such/file.so"), "cannot be opened: "),
        (&text, "is not an ONNX Runtime library that this machine can load"),
        (&old, "has version 1.9: expected 1.24 or newer"),
    ] {
        let path = path.to_str().unwrap();
        let answer = ask(&[("ORT_DYLIB_PATH", path)]);
        assert!(answer.starts_with("> tract ") || answer.starts_with("> onnxruntime 1."), "{answer}");
        assert!(answer.contains(&format!("> {path} {reason}")), "{answer}");
    }
}

#[test]
fn onnxruntime_by_name_or_a_sentence_on_how_to_get_it() {
    let nowhere = [("HOME", "/no/home"), ("VIRTUAL_ENV", ""), ("CONDA_PREFIX", ""), ("XDG_DATA_HOME", "/no/data")];
    let answer = ask(&[&nowhere[..], &[("DYAD_BACKEND", "onnxruntime")]].concat());
    let found = answer.starts_with("> onnxruntime 1.");
    assert!(found || (answer.starts_with("> the backend `onnxruntime` cannot be used: ") && answer.contains("pip install")));
}
