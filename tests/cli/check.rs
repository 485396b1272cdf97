//! `dyad models check`: 0 for a model that gives its golden vectors, 1 for one that does not.

use super::program::{Place, copy_folder};

/// The bundled model in the folder of a new store, under another id.
fn copied(place: &Place) -> std::path::PathBuf {
    place.dyad(&["models"]).ok();
    let folder = place.at("store/models/copy");
    copy_folder(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/models/musicnn-minilm"), &folder);
    let manifest = std::fs::read_to_string(folder.join("model.toml")).unwrap();
    std::fs::write(folder.join("model.toml"), manifest.replace("\"musicnn-minilm\"", "\"copy\"")).unwrap();
    folder
}

#[test]
fn the_exit_code_tells_parity() {
    let place = Place::new();
    let folder = copied(&place);
    place.dyad(&["models", "check", "copy"]).code(0).shows("golden parity").shows("faults      0");
    // The last expected number of the golden file, doubled in its exponent.
    let golden = folder.join("golden.safetensors");
    let mut bytes = std::fs::read(&golden).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 0x40;
    std::fs::write(&golden, bytes).unwrap();
    place.dyad(&["models", "check", "copy"]).code(1).shows("false");
    // A file is a whole or nothing.
    let whole = std::fs::read(&golden).unwrap();
    std::fs::write(&golden, &whole[..whole.len() / 2]).unwrap();
    place.dyad(&["models", "check", "copy"]).code(1).says("golden.safetensors");
}
