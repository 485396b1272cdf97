//! Where a libonnxruntime may be lying.
//!
//! ```text
//!   named ($ORT_DYLIB_PATH) → beside the program → the user's data folder → Python's site-packages → the system's libraries
//! ```
//!
//! `pip install onnxruntime` is enough: its wheel holds `onnxruntime/capi/libonnxruntime.so.1.24.4`. Python is not started;
//! its usual folders are read. The current folder is never searched, so that a data set cannot bring code with it.

use std::env;
use std::path::{Path, PathBuf};

/// Library files in the order in which they are tried, and the folders that held none.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    pub files: Vec<PathBuf>,
    pub empty: Vec<PathBuf>,
}

/// Looks into all usual places.
pub(super) fn candidates() -> Candidates {
    let mut found = Candidates::default();
    for folder in folders() {
        let files = libraries(&folder);
        if files.is_empty() {
            found.empty.push(folder);
        }
        for file in files {
            if !found.files.contains(&file) {
                found.files.push(file);
            }
        }
    }
    found
}

/// The version that a file name carries: `libonnxruntime.so.1.24.4` → `1.24.4`.
pub(super) fn version_in_name(file: &Path) -> Option<&str> {
    let name = file.file_name()?.to_str()?;
    let version = &name[name.find(|c: char| c.is_ascii_digit())?..];
    Some(version.trim_end_matches(|c: char| !c.is_ascii_digit()))
}

/// The middle number of such a version: `1.24.4` → 24.
pub(super) fn minor_in_name(file: &Path) -> Option<u32> {
    version_in_name(file)?.split('.').nth(1)?.parse().ok()
}

fn folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Some(folder) = env::current_exe().ok().as_deref().and_then(Path::parent) {
        folders.extend([folder.to_owned(), folder.join("lib"), folder.join("../lib")]);
    }
    folders.extend(data_folder());
    for site in site_packages() {
        folders.push(site.join("onnxruntime").join("capi"));
    }
    if cfg!(unix) {
        let system = ["/usr/local/lib", "/usr/lib", "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];
        folders.extend(system.map(PathBuf::from));
        folders.push(PathBuf::from("/opt/homebrew/lib"));
    }
    folders.retain(|folder| folder.is_dir());
    folders
}

/// The user's data folder of this program: where a downloaded library can be put.
pub(super) fn data_folder() -> Option<PathBuf> {
    let base = if cfg!(windows) {
        set("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library/Application Support"))
    } else {
        set("XDG_DATA_HOME").or_else(|| home().map(|home| home.join(".local/share")))
    };
    base.map(|base| base.join("dyad"))
}

/// Folders called `site-packages` or `dist-packages`, the active environment's first.
fn site_packages() -> Vec<PathBuf> {
    let mut prefixes: Vec<PathBuf> = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(set).collect();
    if let Some(home) = home() {
        prefixes.push(home.join(".local"));
        let pyenv = set("PYENV_ROOT").unwrap_or_else(|| home.join(".pyenv"));
        prefixes.extend(children(&pyenv.join("versions"), ""));
        prefixes.extend(["miniconda3", "miniforge3", "anaconda3"].map(|name| home.join(name)));
    }
    if cfg!(windows) {
        if let Some(local) = set("LOCALAPPDATA") {
            prefixes.extend(children(&local.join("Programs").join("Python"), "Python3"));
        }
    } else {
        prefixes.extend(["/usr/local", "/usr", "/opt/homebrew"].map(PathBuf::from));
    }
    let mut sites = Vec::new();
    for prefix in prefixes {
        sites.push(prefix.join("Lib").join("site-packages"));
        for python in children(&prefix.join("lib"), "python3") {
            sites.extend([python.join("site-packages"), python.join("dist-packages")]);
        }
    }
    sites
}

/// The ONNX Runtime libraries right in `folder`, the newest first.
fn libraries(folder: &Path) -> Vec<PathBuf> {
    let mut files = children(folder, if cfg!(windows) { "onnxruntime" } else { "libonnxruntime" });
    files.retain(|file| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or("");
        let library = if cfg!(windows) {
            name == "onnxruntime.dll"
        } else if cfg!(target_os = "macos") {
            name.ends_with(".dylib") && !name.contains("providers")
        } else {
            name == "libonnxruntime.so" || name.starts_with("libonnxruntime.so.")
        };
        library && file.is_file()
    });
    files.sort_by_key(|file| std::cmp::Reverse(minor_in_name(file)));
    files
}

/// What `folder` holds whose name starts with `prefix`, sorted; nothing if it cannot be read.
fn children(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<PathBuf> =
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix)).map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn set(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn home() -> Option<PathBuf> {
    set("HOME").or_else(|| set("USERPROFILE"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_in_names() {
        assert_eq!(minor_in_name(Path::new("/a.1.9/libonnxruntime.so.1.24.4")), Some(24));
        assert_eq!(version_in_name(Path::new("libonnxruntime.1.25.0.dylib")), Some("1.25.0"));
        assert_eq!(minor_in_name(Path::new("libonnxruntime.so")), None);
    }

    #[test]
    fn only_the_library_itself_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["libonnxruntime.so.1.9.0", "libonnxruntime.so.1.24.4", "libonnxruntime_providers_shared.so", "x.so"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        if cfg!(target_os = "linux") {
            let names = libraries(folder.path()).into_iter().map(|path| minor_in_name(&path)).collect::<Vec<_>>();
            assert_eq!(names, [Some(24), Some(9)]);
        }
        assert!(libraries(Path::new("/no/such/folder")).is_empty());
    }
}
