//! Every way in which a manifest can be wrong, with the sentence that it earns.

use std::path::Path;

use dyad::encoder::Manifest;

const GOOD: &str = r#"schema = 1
id = "small"
licence = "MIT"

[source]
file = "small.pt"
sha256 = "7f45e3b646fcc32bc47f87dccc1e8aed12cb2c39e183112784e1906a3fbb12e0"

[audio]
graph = "audio.onnx"
input = "waveform"
sample_rate = 16000 # Hz
channels = "mean"
quantize = "none"
samples = 48000
short = "zero"
long = "chunks"
hop = 48000
tail = "last-aligned"
aggregate = "mean"
max_batch = 8

[text]
graph = "text.onnx"
tokenizer = "tokenizer.json"
max_tokens = 77
pad = "longest"
pad_id = 1
template = "{} <|endoftext|>"
inputs = { ids = "input_ids", mask = "attention_mask" }

[spaces.audio_pre_joint]
tower = "audio"
output = "pre_joint"
dim = 384
norm = "none"

[spaces.audio_joint]
tower = "audio"
output = "joint"
dim = 128
norm = "l2"

[spaces.text_pre_joint]
tower = "text"
output = "pre_joint"
dim = 384
norm = "none"

[spaces.text_joint]
tower = "text"
output = "joint"
dim = 128
norm = "l2"

[check]
golden = "golden.safetensors"
atol = 1e-4
"#;

fn complaint(text: &str) -> String {
    Manifest::parse(text, Path::new("m/model.toml")).map_or_else(|error| error.to_string(), |_| "(none)".to_owned())
}

#[test]
fn a_good_manifest_has_nothing_to_complain_of_and_survives_writing() {
    let manifest = Manifest::parse(GOOD, Path::new("model.toml")).unwrap();
    let again = toml_round_trip(&manifest);
    assert_eq!(manifest, again);
    assert_eq!(manifest.audio.unwrap().policy().samples, 48_000);
    assert_eq!(manifest.text.unwrap().inputs.types, None);
}

/// Through JSON, since the crate's toml is built without its writer.
fn toml_round_trip(manifest: &Manifest) -> Manifest {
    serde_json::from_str(&serde_json::to_string(manifest).unwrap()).unwrap()
}

/// (what to replace, by what, the error).
const WRONG: &[(&str, &str, &str)] = &[
    // Keys.
    (
        "sample_rate = 16000",
        "sampel_rate = 16000",
        "`m/model.toml`, line 12 in `[audio]`: unknown key `sampel_rate`: expected `graph`, `input`, `sample_rate`, `channels`, `quantize`, `samples`, `short`, `long`, `hop`, `tail`, `aggregate` or `max_batch`; did you mean `sample_rate`?",
    ),
    (
        "licence =",
        "license =",
        "`m/model.toml`, line 3 at the top: unknown key `license`: expected `schema`, `id`, `licence`, `source`, `audio`, `text`, `spaces` or `check`; did you mean `licence`?",
    ),
    (
        "mask = \"attention_mask\" }",
        "maks = \"attention_mask\" }",
        "`m/model.toml`, line 30 in `[text]`: unknown key `maks`: expected `ids`, `mask` or `types`; did you mean `mask`?",
    ),
    (
        "[spaces.audio_joint]",
        "[spaces.audio_join]",
        "`m/model.toml`, line 38 in `[spaces.audio_join]`: unknown key `audio_join`: expected `audio_pre_joint`, `audio_joint`, `text_pre_joint` or `text_joint`; did you mean `audio_joint`?",
    ),
    ("hop = 48000\n", "", "`m/model.toml`, in `[audio]`: the key `hop` is missing"),
    ("schema = 1\n", "", "`m/model.toml`, at the top: the key `schema` is missing"),
    ("id = \"small\"", "id = \"small\"\nid = \"other\"", "`m/model.toml`, line 3 at the top: duplicate key"),
    // Types and words.
    (
        "short = \"zero\"",
        "short = \"repeat-flor\"",
        "`m/model.toml`, line 16 in `[audio]`: `short = \"repeat-flor\"`: expected `zero`, `repeat-cut`, `repeat-floor`, `repeat-floor-zero` or `wrap`; did you mean `repeat-floor`?",
    ),
    (
        "channels = \"mean\"",
        "channels = \"random\"",
        "`m/model.toml`, line 13 in `[audio]`: `channels = \"random\"`: expected `mean` or `left`",
    ),
    (
        "aggregate = \"mean\"",
        "aggregate = \"median\"",
        "`m/model.toml`, line 20 in `[audio]`: `aggregate = \"median\"`: expected `mean` or `max`; did you mean `mean`?",
    ),
    (
        "sample_rate = 16000",
        "sample_rate = \"16000\"",
        "`m/model.toml`, line 12 in `[audio]`: `sample_rate = \"16000\"`: expected a whole number, 0 or more",
    ),
    ("hop = 48000", "hop = -1", "`m/model.toml`, line 18 in `[audio]`: `hop = -1`: expected a whole number, 0 or more"),
    ("id = \"small\"", "id = 7", "`m/model.toml`, line 2 at the top: `id = 7`: expected text in quotes"),
    ("atol = 1e-4", "atol = \"small\"", "`m/model.toml`, line 58 in `[check]`: `atol = \"small\"`: expected a number"),
    ("[check]", "[check", "`m/model.toml`, line 56 in `[check`: unclosed table, expected `]`"),
    // Values.
    ("schema = 1", "schema = 2", "`schema = 2` in `m/model.toml` is not usable: expected 1, the schema that this version reads"),
    (
        "id = \"small\"",
        "id = \"a b\"",
        "`id = \"a b\"` in `m/model.toml` is not usable: expected 1 to 100 letters, digits, `.`, `_` or `-`, a letter or digit first",
    ),
    (
        "sha256 = \"7f",
        "sha256 = \"",
        "`source.sha256 = \"45e3b646fcc32bc47f87dccc1e8aed12cb2c39e183112784e1906a3fbb12e0\"` in `m/model.toml` is not usable: expected 64 hexadecimal digits",
    ),
    (
        "graph = \"audio.onnx\"",
        "graph = \"../audio.onnx\"",
        "`audio.graph = \"../audio.onnx\"` in `m/model.toml` is not usable: expected the name of a file in the model's folder",
    ),
    (
        "tokenizer = \"tokenizer.json\"",
        "tokenizer = \"/etc/passwd\"",
        "`text.tokenizer = \"/etc/passwd\"` in `m/model.toml` is not usable: expected the name of a file in the model's folder",
    ),
    (
        "sample_rate = 16000",
        "sample_rate = 0",
        "`audio.sample_rate = 0` in `m/model.toml` is not usable: expected a rate from 1000 to 384000 Hz",
    ),
    (
        "samples = 48000",
        "samples = 0",
        "`audio.samples = 0` in `m/model.toml` is not usable: expected a length from 1 to 115200000 samples",
    ),
    (
        "hop = 48000",
        "hop = 0",
        "`audio.hop = 0` in `m/model.toml` is not usable: expected at least 1 sample and a 64th of `samples`",
    ),
    ("max_batch = 8", "max_batch = 0", "`audio.max_batch = 0` in `m/model.toml` is not usable: expected at least 1"),
    ("max_tokens = 77", "max_tokens = 0", "`text.max_tokens = 0` in `m/model.toml` is not usable: expected 1 to 32768 tokens"),
    (
        "template = \"{} <|endoftext|>\"",
        "template = \"text\"",
        "`text.template = \"text\"` in `m/model.toml` is not usable: expected `{}` once, where the text goes",
    ),
    (
        "tower = \"audio\"\noutput = \"pre_joint\"",
        "tower = \"text\"\noutput = \"pre_joint\"",
        "`spaces.audio_pre_joint.tower = \"text\"` in `m/model.toml` is not usable: expected `audio`, as the table's name says",
    ),
    ("dim = 384", "dim = 0", "`spaces.audio_pre_joint.dim = 0` in `m/model.toml` is not usable: expected 1 to 65536 numbers"),
    (
        "dim = 128\nnorm = \"l2\"\n\n[spaces.text_pre",
        "dim = 64\nnorm = \"l2\"\n\n[spaces.text_pre",
        "`spaces.text_joint.dim = 128` in `m/model.toml` is not usable: expected 64, the dimension of `spaces.audio_joint`",
    ),
    (
        "[spaces.text_joint]\ntower = \"text\"\noutput = \"joint\"\ndim = 128\nnorm = \"l2\"\n",
        "",
        "`m/model.toml` has no table `[spaces.text_joint]`, which a model with `[text]` must describe",
    ),
    ("atol = 1e-4", "atol = nan", "`check.atol = NaN` in `m/model.toml` is not usable: expected a number above 0"),
];

#[test]
fn every_mistake_has_its_sentence() {
    for (from, to, expected) in WRONG {
        assert!(GOOD.contains(from), "{from}");
        assert_eq!(complaint(&GOOD.replacen(from, to, 1)), *expected);
    }
}

#[test]
fn nothing_that_is_no_manifest_panics() {
    for text in ["", "\0", "[[[", "schema = ", "🎵 = 1", "a = {b = [1, 2", "id = \"\\u{}\"", &"[a.".repeat(5_000)] {
        assert_ne!(complaint(text), "(none)", "{text:.40}");
    }
    for end in (0..GOOD.len()).filter(|&end| GOOD.is_char_boundary(end)) {
        let sentence = complaint(&GOOD[..end]);
        assert!(sentence == "(none)" || sentence.contains("m/model.toml"), "{sentence}");
        assert!(!sentence.contains('\n') && !sentence.ends_with('.'), "{sentence}");
    }
}

#[test]
fn the_reference_shows_every_key_and_its_example_is_valid() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join("models.md")).unwrap();
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let manifest = Manifest::parse(example, Path::new("docs/models.md")).unwrap();
    let mut keys = Vec::new();
    collect(&serde_json::to_value(&manifest).unwrap(), &mut keys);
    assert!(keys.len() > 30);
    for key in keys {
        assert!(
            key == "check" || key == "text" || page.contains(&format!("`{key}`")) || page.contains(&format!("[{key}")),
            "{key}"
        );
    }
}

fn collect(value: &serde_json::Value, keys: &mut Vec<String>) {
    for (key, inner) in value.as_object().into_iter().flatten() {
        keys.push(key.clone());
        collect(inner, keys);
    }
}
