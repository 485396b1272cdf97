//! The index files of a store: made when first asked for, grown when clips come in, made again when damaged, left alone when
//! not wanted.

use std::fs;

use super::program::{Place, cell, npy};

/// Directions all around a circle, from `from` on.
fn rows(from: usize, n: usize) -> Vec<Vec<f64>> {
    (from..from + n).map(|i| (i as f64 * 0.01).sin_cos()).map(|(s, c)| vec![s, c, 0.3]).collect()
}

fn import(place: &Place, name: &str, from: usize, n: usize) {
    place.write(&format!("{name}.npy"), npy("<f4", &rows(from, n)));
    let ids: String = (from..from + n).map(|i| format!("c{i},l{}\n", i % 3)).collect();
    place.write(&format!("{name}.csv"), format!("id,label\n{ids}"));
    let (file, labels) = (format!("{name}.npy"), format!("{name}.csv"));
    let args = ["import", "npy", &file, "--collection", "c", "--model", "m", "--space", "joint", "--modality", "audio"];
    place.dyad(&[&args[..], &["--labels", &labels]].concat()).ok();
}

fn files(place: &Place) -> Vec<std::path::PathBuf> {
    fs::read_dir(place.at("store/index")).map_or(Vec::new(), |dir| dir.map(|file| file.unwrap().path()).collect())
}

const NEAR: &str = "similar clip \"c40\" exact=false top 2";

#[test]
fn an_index_is_made_grows_and_is_mended() {
    let place = Place::new();
    import(&place, "a", 0, 300);
    assert!(files(&place).is_empty(), "nobody asked for one");
    let first = place.json(&[NEAR]);
    let mut near = [cell(&first[0], 0, "id").clone(), cell(&first[0], 1, "id").clone()].map(|id| id.as_str().unwrap().to_owned());
    near.sort();
    assert_eq!(near, ["c39", "c41"]);
    assert_eq!(first[0]["context"]["recall_by"], "clips");
    let file = files(&place).pop().unwrap();
    let before = fs::read(&file).unwrap();
    // A search that is there already writes nothing.
    place.json(&[NEAR, "similar clip \"c40\" where label=\"l1\" exact=false top 1"]);
    assert!(fs::read(&file).unwrap() == before);

    import(&place, "b", 300, 20);
    let grown = place.json(&["similar clip \"c310\" exact=false top 400", NEAR]);
    assert_eq!(grown[0]["rows"].as_array().unwrap().len(), 319);
    assert_eq!(grown[1]["rows"], first[0]["rows"]);
    assert_eq!(files(&place), std::slice::from_ref(&file), "one file a space");
    assert!(fs::read(&file).unwrap().len() > before.len());

    // A vector of another direction under an id that is there: the old one is no hit any more.
    import(&place, "c", 0, 1);
    place.write("c.npy", npy("<f4", &[vec![-0.01, -1.0, -0.3]]));
    place
        .dyad(&[
            "import",
            "npy",
            "c.npy",
            "--collection",
            "c",
            "--model",
            "m",
            "--space",
            "joint",
            "--modality",
            "audio",
            "--labels",
            "c.csv",
        ])
        .ok();
    let renewed = place.json(&["similar clip \"c1\" exact=false top 400"]);
    let last = renewed[0]["rows"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((renewed[0]["rows"].as_array().unwrap().len(), last[1].as_str()), (319, Some("c0")));

    for damage in ["cut", "foreign", "rows"] {
        let mut bytes = fs::read(&file).unwrap();
        match damage {
            "cut" => bytes.truncate(5000),
            "foreign" => bytes[..8].copy_from_slice(b"notdyads"),
            // Past the head: noticed when the rows are read.
            _ => bytes.iter_mut().skip(4096).step_by(3).for_each(|byte| *byte ^= 1),
        }
        fs::write(&file, bytes).unwrap();
        let mended = place.json(&[NEAR]);
        assert_eq!(mended[0]["rows"], first[0]["rows"], "{damage}");
        let again = place.json(&[NEAR]);
        assert_eq!(again[0]["notes"], first[0]["notes"], "{damage}: mended for good");
    }
}

#[test]
fn no_index_reads_and_writes_none() {
    let place = Place::new();
    import(&place, "a", 0, 300);
    let args = ["--no-index", "--format", "jsonl", "-c", NEAR, "-c", "similar clip \"c40\" exact=true top 2"];
    let without = place.dyad(&args).ok().objects();
    assert!(files(&place).is_empty());
    assert_eq!(without[0]["rows"], without[1]["rows"]);
    let with = place.json(&[NEAR, "similar clip \"c40\" exact=true top 2", "similar clip \"c40\" top 2"]);
    assert!(with.iter().all(|object| object["rows"] == without[0]["rows"]));
}

#[test]
fn one_thread_makes_the_same_file_every_time() {
    let made = || {
        let place = Place::new();
        import(&place, "a", 0, 2_000);
        place.dyad(&["--threads", "1", "-c", NEAR]).ok();
        fs::read(files(&place).pop().unwrap()).unwrap()
    };
    assert!(made() == made());
}

#[test]
fn fewer_hits_than_were_asked_for_are_said() {
    let place = Place::new();
    import(&place, "a", 0, 300);
    for exact in ["exact=false", "exact=true"] {
        let found = place.json(&[
            &format!("similar clip \"c40\" where label=\"l1\" {exact} top 400"),
            &format!("similar clip \"c40\" where label=\"l1\" {exact} top 99"),
            &format!("similar clip \"c40\" where id in (\"c1\", \"c40\") {exact}"),
        ]);
        // c40 itself is of l1, and is no hit.
        let note = "99 hits, not 400: these are all clips that there are to find";
        assert!(found[0]["notes"].to_string().contains(note), "{}", found[0]["notes"]);
        assert_eq!(found[0]["rows"].as_array().unwrap().len(), 99);
        assert!(found[1..].iter().all(|one| !one["notes"].to_string().contains("hits, not")), "{found:?}");
    }
}

#[test]
fn without_index_files_no_graph_is_built_unasked() {
    let place = Place::new();
    import(&place, "a", 0, 30);
    let explained = |statement: &str| place.dyad(&["--no-index", "-c", &format!("explain {statement}")]).ok();
    explained("similar clip \"c4\"").shows("exact scan, as no index is kept");
    explained(NEAR).shows("HNSW");
}
