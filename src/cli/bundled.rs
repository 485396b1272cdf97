//! Where the files lie that come with the program.

use std::path::{Path, PathBuf};

/// The folder of the bundled audio, if it is found: below the current folder, beside the program, or in the source tree.
pub fn audio() -> Option<PathBuf> {
    let mut places = vec![PathBuf::from("data/audio")];
    if let Some(program) = std::env::current_exe().ok().as_deref().and_then(Path::parent) {
        places.push(program.join("../share/dyad/audio"));
    }
    places.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/audio"));
    places.into_iter().find(|place| place.join("manifest.csv").is_file())
}
