//! Model folders that somebody put together to do harm: each must end in a sentence that names the file, soon, on every backend.
//!
//! Graphs are made hostile by what is appended to a good one: two protobuf messages one after the other are one message.

use std::path::{Path, PathBuf};

use dyad::encoder::{Engine, Model, Tower, check, runtime};
use serde_json::{Value, json};

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/tiny-laion")
}

fn engines() -> Vec<Engine> {
    let mut engines = vec![Engine::Tract];
    engines.extend(runtime::on(Engine::OnnxRuntime).ok().map(|backend| backend.engine));
    engines
}

/// A copy of a tiny model whose `file` holds `bytes`.
fn with(file: &str, bytes: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(tiny()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    std::fs::write(folder.path().join(file), bytes).unwrap();
    folder
}

/// What embedding one text says, on every backend; it must be the same.
fn sentence(folder: &Path) -> Option<String> {
    let say = |engine| {
        let embed = |model: Model| model.text_tower()?.embed(&["a violin plays a long note"]).map(|_| ());
        Model::open_on(folder, Some(engine)).and_then(embed).err().map(|error| error.to_string())
    };
    let all: Vec<Option<String>> = engines().into_iter().map(say).collect();
    for one in all.iter().flatten() {
        assert!(!one.contains('\n') && !one.ends_with('.') && one.contains('`'), "{one}");
    }
    assert!(all.iter().all(|one| one.is_some() == all[0].is_some()), "{all:?}");
    all.into_iter().next().flatten()
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value > 127 {
        out.push(value as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
}

fn number(field: u64, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    varint(field << 3, &mut out);
    varint(value, &mut out);
    out
}

fn message(field: u64, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(field << 3 | 2, &mut out);
    varint(parts.iter().map(|part| part.len() as u64).sum(), &mut out);
    out.extend(parts.concat());
    out
}

/// A node of one kind that gives `evil`, with whatever attributes.
fn node(kind: &str, attributes: &[&[u8]]) -> Vec<u8> {
    let (output, op) = (message(2, &[b"evil"]), message(4, &[kind.as_bytes()]));
    message(1, &[&[&output[..], &op[..]], attributes].concat())
}

fn graph(part: &[u8]) -> Vec<u8> {
    message(7, &[part])
}

/// The sentence for a graph with something appended, without the folder's name.
fn appended(part: &[u8]) -> String {
    let good = std::fs::read(tiny().join("text.onnx")).unwrap();
    let folder = with("text.onnx", &[&good[..], part].concat());
    let said = sentence(folder.path()).unwrap_or_default();
    assert!(said.contains("text.onnx` cannot be loaded by"), "{said}");
    said.split_once(": ").unwrap().1.to_owned()
}

#[test]
fn graphs_that_may_never_end_or_draw_lots_are_not_run() {
    for kind in ["Loop", "Scan", "BeamSearch"] {
        let expected = format!("it may never end because of `evil`, a {kind}: expected a graph without loops");
        assert_eq!(appended(&graph(&node(kind, &[]))), expected);
        // The same inside a branch of an `If`.
        let branch = message(5, &[&message(6, &[&node(kind, &[])])]);
        assert_eq!(appended(&graph(&node("If", &[&branch]))), expected);
    }
    assert!(appended(&graph(&node("RandomNormal", &[]))).starts_with("it gives other numbers each time because of `evil`"));
    let twice = [message(1, &[b"twice"]), message(7, &[&node("twice", &[])])].concat();
    assert!(appended(&message(25, &[&twice])).starts_with("it has the function `twice`"));
}

#[test]
fn deep_graphs_are_not_followed_down() {
    let mut deep = node("Neg", &[]);
    for _ in 0..5_000 {
        deep = node("If", &[&message(5, &[&message(6, &[&deep])])]);
    }
    assert_eq!(appended(&graph(&deep)), "its graphs are nested more than 16 deep");
}

#[test]
fn weights_are_in_the_file_and_as_many_as_their_shape_says() {
    let name = message(8, &[b"w"]);
    let entry = |key: &str, value: &str| message(13, &[&message(1, &[key.as_bytes()]), &message(2, &[value.as_bytes()])]);
    let passwd = [entry("location", "../../../../../../etc/passwd"), number(14, 1)].concat();
    let raw = message(9, &[&[0; 16]]);
    let weights = |parts: &[&[u8]]| message(5, &[&[&name[..], &number(2, 1)], parts].concat());
    let other_file = "its weights `w` are in another file: expected them in the graph's own";
    assert_eq!(appended(&graph(&weights(&[&number(1, 4), &passwd]))), other_file);
    let constant = message(5, &[&message(5, &[&name, &number(1, 4), &number(2, 1), &passwd])]);
    assert_eq!(appended(&graph(&node("Constant", &[&constant]))), other_file);
    let shape = "its weights `w` have another shape than their bytes";
    let packed = message(1, &[&[255, 255, 255, 255, 255, 255, 255, 127, 255, 255, 255, 127]]);
    for dims in [number(1, 5), number(1, 1 << 40), number(1, u64::MAX), [number(1, 1 << 40), number(1, 1 << 40)].concat(), packed]
    {
        assert_eq!(appended(&graph(&weights(&[&dims, &raw]))), shape);
        assert_eq!(appended(&graph(&weights(&[&dims, &message(4, &[&[0; 2]])]))), shape);
    }
    assert!(appended(&graph(&message(15, &[]))).starts_with("it has sparse weights"));
}

#[test]
fn empty_files_and_noise() {
    assert!(sentence(with("text.onnx", b"").path()).unwrap().ends_with("it is empty: expected an ONNX graph"));
    for noise in [&[0xff; 64][..], b"PK\x03\x04 not a graph", &[0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f]] {
        assert!(sentence(with("text.onnx", noise).path()).unwrap().contains("text.onnx` cannot be loaded by"));
    }
    for file in ["tokenizer.json", "model.toml"] {
        assert!(sentence(with(file, b"").path()).unwrap().contains(file));
    }
}

/// A pipe that nobody writes would be read for ever.
#[cfg(unix)]
#[test]
fn pipes_are_no_files() {
    for file in ["model.toml", "text.onnx", "tokenizer.json", "golden.safetensors"] {
        let folder = with(file, b"");
        let path = folder.path().join(file);
        std::fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let said =
            Model::open(folder.path()).and_then(|model| check::parity(&model, &dyad::progress::Silent)).unwrap_err().to_string();
        assert!(said.contains(file), "{said}");
    }
}

/// The sentence for a tokenizer changed by `change`.
fn changed(change: impl Fn(&mut Value)) -> Option<String> {
    let mut tokenizer = serde_json::from_slice(&std::fs::read(tiny().join("tokenizer.json")).unwrap()).unwrap();
    change(&mut tokenizer);
    sentence(with("tokenizer.json", tokenizer.to_string().as_bytes()).path())
}

#[test]
fn tokenizers_do_not_blow_a_text_up() {
    let ten = json!({"type": "Replace", "pattern": {"String": "a"}, "content": "a".repeat(10)});
    let said = changed(|t| t["normalizer"] = json!({"type": "Sequence", "normalizers": vec![ten.clone(); 12]})).unwrap();
    assert!(said.ends_with("`normalizer` may make a text 1000000000000 times longer: expected at most 1000"), "{said}");
    let said = changed(|t| t["normalizer"] = json!({"type": "Prepend", "prepend": "a".repeat(1_000_000)})).unwrap();
    assert!(said.contains("`normalizer` may make a text 1000001 times longer"), "{said}");
    let text = json!({"Sequence": {"id": "A", "type_id": 0}});
    let template =
        |n: usize| json!({"type": "TemplateProcessing", "single": vec![&text; n], "pair": [&text], "special_tokens": {}});
    let said = changed(|t| t["post_processor"] = template(100_000)).unwrap();
    assert!(said.contains("`post_processor` may make a text 100000 times longer"), "{said}");
    let said = changed(|t| t["post_processor"] = template(30)).unwrap();
    assert!(said.contains("tokens: expected at most") && said.contains("`text.max_tokens`"), "{said}");
}

#[test]
fn regular_expressions_that_go_back_and_forth_give_up() {
    let evil = |regex: &str| {
        let split = json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false});
        let mut tokenizer: Value = serde_json::from_slice(&std::fs::read(tiny().join("tokenizer.json")).unwrap()).unwrap();
        tokenizer["pre_tokenizer"] = split;
        let folder = with("tokenizer.json", tokenizer.to_string().as_bytes());
        let model = Model::open_on(folder.path(), Some(Engine::Tract)).unwrap();
        model.text_tower().unwrap().embed(&[&"x".repeat(300)]).err().map(|error| error.to_string())
    };
    for regex in ["(x+x+)+y", "(x|x|x)*[^x]"] {
        let said = evil(regex).unwrap();
        assert!(said.contains("tokenizer.json` is not a usable tokenizer") && said.contains("retry-limit"), "{said}");
    }
    assert!(evil("(((").is_some(), "no regular expression");
}

#[test]
fn deep_json_and_large_vocabularies() {
    let deep = format!(
        "{{\"normalizer\": {}null{}}}",
        "{\"type\": \"Sequence\", \"normalizers\": [".repeat(20_000),
        "]}".repeat(20_000)
    );
    for json in [deep.as_bytes(), "[".repeat(1_000_000).as_bytes()] {
        assert!(sentence(with("tokenizer.json", json).path()).unwrap().contains("tokenizer.json` is not a usable tokenizer"));
    }
    // Ids far beyond the graph's table, asked for by a text.
    let far = changed(|t| {
        let vocabulary = t["model"]["vocab"].as_object_mut().unwrap();
        vocabulary.values_mut().for_each(|id| *id = (4_294_967_295 - id.as_u64().unwrap()).into());
    });
    assert!(far.unwrap().contains("text.onnx` cannot be run by"), "ids that the graph does not know");
    let many = changed(|t| {
        let vocabulary = t["model"]["vocab"].as_object_mut().unwrap();
        vocabulary.extend((0..100_000u64).map(|i| (format!("word{i}"), (1_000_000 + i).into())));
    });
    assert_eq!(many, None, "only large");
}

/// Each step twice as long as the one before: 2⁴⁵ numbers for each token in the end.
#[test]
fn graphs_that_grow_beyond_memory_are_not_run_by_the_built_in_backend() {
    let text = |field: u64, text: &str| message(field, &[text.as_bytes()]);
    let whole = |name: &str, value: u64| message(5, &[&text(1, name), &number(3, value), &number(20, 2)]);
    let step = |op: &str, inputs: &[&str], output: &str, attributes: &[&[u8]]| {
        let inputs: Vec<u8> = inputs.iter().flat_map(|input| text(1, input)).collect();
        let (output, op) = (text(2, output), text(4, op));
        message(1, &[&[&inputs[..], &output[..], &op[..]], attributes].concat())
    };
    let port = |field: u64, name: &str, element: u64, last: &[u8]| {
        let shape = message(2, &[&message(1, &[&text(2, "batch")]), &message(1, &[last])]);
        message(field, &[&text(1, name), &message(2, &[&message(1, &[&number(1, element), &shape])])])
    };
    let zeros = |name: &str, n: usize| {
        let (dims, raw) = ([number(1, 1), number(1, n as u64)].concat(), message(9, &[&vec![0; 4 * n]]));
        message(5, &[&text(8, name), &number(2, 1), &dims, &raw])
    };
    let mut graph = step("Cast", &["input_ids"], "c0", &[&whole("to", 1)]);
    for i in 0..45 {
        let (from, to) = (format!("c{i}"), format!("c{}", i + 1));
        graph.extend(step("Concat", &[&from, &from], &to, &[&whole("axis", 1)]));
    }
    graph.extend(step("ReduceSum", &["c45"], "sum", &[&whole("keepdims", 0)]));
    graph.extend([zeros("zeros24", 24), zeros("zeros12", 12)].concat());
    graph.extend(step("Add", &["zeros24", "sum"], "pre_joint", &[]));
    graph.extend(step("Add", &["zeros12", "sum"], "joint", &[]));
    for input in ["input_ids", "attention_mask"] {
        graph.extend(port(11, input, 7, &text(2, "length")));
    }
    graph.extend([port(12, "pre_joint", 1, &number(1, 24)), port(12, "joint", 1, &number(1, 12))].concat());
    let model = [number(1, 8), message(7, &[&graph]), message(8, &[&number(2, 17)])].concat();
    let folder = with("text.onnx", &model);
    let model = Model::open_on(folder.path(), Some(Engine::Tract)).unwrap();
    let said = model.text_tower().unwrap().embed(&["tuba"]).unwrap_err().to_string();
    assert!(said.contains("text.onnx` cannot be run by tract") && said.ends_with("gives more than 2147483648 bytes"), "{said}");
}
