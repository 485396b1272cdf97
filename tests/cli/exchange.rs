//! `import` and `export` of every format: read by others, round to the bit, refused with reasons.

use std::collections::BTreeMap;
use std::fs::File;

use ndarray::{Array1, Array2, ShapeBuilder};
use ndarray_npy::{NpzReader, NpzWriter, ReadNpyExt, WriteNpyExt};
use serde_json::{Value, json};

use super::program::{Place, Ran};

const FORMATS: [&str; 5] = ["npy", "npz", "safetensors", "jsonl", "parquet"];
const SPACE: [&str; 6] = ["--model", "m", "--space", "joint", "--modality", "audio"];

fn import(place: &Place, format: &str, file: &str, collection: &str, more: &[&str]) -> Ran {
    place.dyad(&[&["import", format, file, "--collection", collection], &SPACE[..], more].concat())
}

fn export(place: &Place, format: &str, file: &str, collection: &str, more: &[&str]) -> Ran {
    place.dyad(&[&["export", format, file, "--collection", collection], more].concat())
}

fn vectors(n: usize) -> Vec<Vec<f32>> {
    let number =
        |i: usize, j: usize| ((i * 31 + j * 7) as f32 * 0.37).sin() * 10f32.powi((i % 60) as i32 - 30) + f32::MIN_POSITIVE;
    (0..n).map(|i| (0..4).map(|j| number(i, j)).collect()).collect()
}

/// `n` clips with fields of every kind, some missing.
fn source(n: usize) -> String {
    let line = |(i, vector): (usize, Vec<f32>)| {
        let mut row =
            json!({"id": format!("clip/é{i}"), "label": (["violin", "tuba"][i % 2]), "pitch": i as i64 - 3, "s": i as f64 / 7.0});
        if i % 3 == 0 {
            row["solo"] = json!(i % 2 == 0);
        }
        row["vector"] = vector.iter().map(|x| f64::from(*x)).collect();
        row.to_string() + "\n"
    };
    vectors(n).into_iter().enumerate().map(line).collect()
}

/// A place with the collection `c` of `n` clips.
fn place(n: usize) -> Place {
    let place = Place::new();
    place.write("source.jsonl", source(n));
    import(&place, "jsonl", "source.jsonl", "c", &[]).ok();
    place
}

fn dump(place: &Place, collection: &str) -> String {
    export(place, "jsonl", "dump.jsonl", collection, &["--force"]).ok();
    std::fs::read_to_string(place.at("dump.jsonl")).unwrap()
}

#[test]
fn every_format_goes_out_and_comes_back_to_the_bit() {
    // Above a commit's rows.
    let place = place(1_300);
    let expected = dump(&place, "c");
    assert_eq!(expected.lines().count(), 1_300);
    for format in FORMATS {
        let (file, copy, names) = (format!("out/{format}.{format}"), format!("copy-{format}"), format!("out/{format}.jsonl"));
        std::fs::create_dir_all(place.at("out")).unwrap();
        export(&place, format, &file, "c", &[]).ok();
        let beside = matches!(format, "npy" | "safetensors");
        let labels: &[&str] = if beside { &["--labels", &names] } else { &[] };
        import(&place, format, &file, &copy, labels).ok();
        assert!(dump(&place, &copy) == expected, "{format}");
        let left: Vec<_> = std::fs::read_dir(place.at("out")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), if beside { 2 } else { 1 }, "{left:?}");
        std::fs::remove_dir_all(place.at("out")).unwrap();
    }
}

#[test]
fn other_programs_read_what_was_written() {
    let place = place(20);
    for format in FORMATS {
        export(&place, format, &format!("{format}.{format}"), "c", &[]).ok();
    }
    let expected: Vec<f32> = vectors(20).concat();
    let ids: Vec<String> = (0..20).map(|i| format!("clip/é{i}")).collect();
    let open = |name: &str| File::open(place.at(name)).unwrap();

    let npy = Array2::<f32>::read_npy(open("npy.npy")).unwrap();
    assert_eq!((npy.dim(), npy.as_slice().unwrap()), ((20, 4), &expected[..]));
    let beside = std::fs::read_to_string(place.at("npy.jsonl")).unwrap();
    let first: Value = serde_json::from_str(beside.lines().next().unwrap()).unwrap();
    assert_eq!(first, json!({"id": "clip/é0", "label": "violin", "pitch": -3, "s": 0.0, "solo": true}));

    let mut npz = NpzReader::new(open("npz.npz")).unwrap();
    assert_eq!(npz.by_name::<ndarray::OwnedRepr<f32>, ndarray::Ix2>("vector").unwrap().as_slice().unwrap(), &expected[..]);
    // Its text arrays are deflated, which that crate reads only with a feature: the names say that they are there.
    assert!(
        ["id", "label", "pitch", "s", "solo", "solo.missing"].iter().all(|name| npz.names().unwrap().contains(&(*name).into()))
    );

    let bytes = std::fs::read(place.at("safetensors.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let tensor = tensors.tensor("vector").unwrap();
    assert_eq!((tensor.shape(), tensor.dtype()), (&[20, 4][..], safetensors::Dtype::F32));
    assert_eq!(tensor.data(), expected.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>());

    let lines = std::fs::read_to_string(place.at("jsonl.jsonl")).unwrap();
    let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.iter().map(|row| row["id"].as_str().unwrap()).collect::<Vec<_>>(), ids);
    assert_eq!((rows[1]["pitch"].as_i64(), rows[1].get("solo")), (Some(-2), None));

    use parquet::file::reader::FileReader;
    use parquet::record::{Field, RowAccessor};
    let file = parquet::file::reader::SerializedFileReader::new(open("parquet.parquet")).unwrap();
    for (at, row) in file.get_row_iter(None).unwrap().enumerate() {
        let row = row.unwrap();
        let columns: BTreeMap<String, Field> = row.get_column_iter().map(|(name, field)| (name.clone(), field.clone())).collect();
        assert_eq!(row.get_string(0).unwrap(), &ids[at]);
        let Field::ListInternal(list) = &columns["vector"] else { panic!("{columns:?}") };
        let found: Vec<&Field> = list.elements().iter().collect();
        assert_eq!(found, vectors(20)[at].iter().map(|x| Field::Float(*x)).collect::<Vec<_>>().iter().collect::<Vec<_>>());
        assert_eq!(columns["pitch"], Field::Long(at as i64 - 3));
        assert_eq!(columns["solo"] == Field::Null, at % 3 != 0);
    }
}

#[test]
fn arrays_of_others_are_read_in_every_order_and_width() {
    let place = Place::new();
    let rows = Array2::from_shape_vec((30, 4), vectors(30).concat()).unwrap();
    let mut fortran = Array2::<f32>::zeros((30, 4).f());
    fortran.assign(&rows);
    fortran.write_npy(File::create(place.at("fortran.npy")).unwrap()).unwrap();
    rows.mapv(f64::from).write_npy(File::create(place.at("double.npy")).unwrap()).unwrap();
    let mut npz = NpzWriter::new(File::create(place.at("a.npz")).unwrap());
    npz.add_array("embeddings", &fortran).unwrap();
    npz.add_array("ids", &Array1::from_iter(0..30i32)).unwrap();
    npz.add_array("year", &Array1::from_iter((0..30u16).map(|i| 1990 + i))).unwrap();
    npz.add_array("odd", &Array1::<f32>::zeros(7)).unwrap();
    npz.finish().unwrap();
    let half: Vec<u8> = rows.iter().flat_map(|x| half::f16::from_f32(x.clamp(1.0, 9.0)).to_le_bytes()).collect();
    let header = json!({"emb": {"dtype": "F16", "shape": [30, 4], "data_offsets": [0, half.len()]}}).to_string();
    place.write("half.safetensors", [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &half].concat());

    let exported = |format: &str, file: &str| {
        let collection = file.replace('.', "-");
        let ran = import(&place, format, file, &collection, &[]).ok();
        export(&place, "npy", "found.npy", &collection, &["--force"]).ok();
        (ran, Array2::<f32>::read_npy(File::open(place.at("found.npy")).unwrap()).unwrap())
    };
    assert_eq!(exported("npy", "fortran.npy").1, rows);
    assert_eq!(exported("npy", "double.npy").1, rows);
    let (ran, found) = exported("npz", "a.npz");
    assert_eq!(found, rows);
    ran.shows("left out: the array `odd`");
    assert_eq!(place.json(&["list clips in a-npz where id=\"29\""])[0]["n"], Value::Null);
    assert_eq!(place.json(&["count clips in a-npz where year > 2000"])[0]["context"]["n"], 19);
    assert_eq!(exported("safetensors", "half.safetensors").1, rows.mapv(|x| half::f16::from_f32(x.clamp(1.0, 9.0)).to_f32()));
}

#[test]
fn the_other_spelling_of_export_says_the_same() {
    let place = place(3);
    export(&place, "npz", "one.npz", "c", &[]).ok();
    place.dyad(&["export", "c", "--space", "joint", "--to", "two.NPZ"]).ok();
    assert_eq!(std::fs::read(place.at("one.npz")).unwrap(), std::fs::read(place.at("two.NPZ")).unwrap());
    place.dyad(&["export", "c", "--to", "three.doc"]).code(2).says("`three.doc`").says("`safetensors`");
    export(&place, "doc", "three.npz", "c", &[]).code(2).says("`doc`").says("`safetensors`");
    place.dyad(&["export", "c"]).code(2).says("--to FILE");
    place.dyad(&["export", "npz", "three.npz"]).code(2).says("--collection");
    place.dyad(&["export", "c", "--to", "three.npz", "--collection", "c"]).code(2).says("--to");
    assert!(!place.at("three.npz").exists());
}

#[test]
fn a_file_that_is_there_is_kept_unless_forced() {
    let place = place(3);
    place.write("out.npz", "precious");
    export(&place, "npz", "out.npz", "c", &[]).code(1).says("`out.npz`").says("there already").says("--force");
    assert_eq!(std::fs::read(place.at("out.npz")).unwrap(), b"precious");
    export(&place, "npz", "out.npz", "c", &["--force"]).ok();
    // So is the file beside it.
    place.write("out.jsonl", "precious");
    export(&place, "npy", "out.npy", "c", &[]).code(1).says("`out.jsonl`").says("--force");
    assert!(!place.at("out.npy").exists());
    std::fs::create_dir(place.at("folder")).unwrap();
    export(&place, "jsonl", "folder", "c", &["--force"]).code(1).says("`folder`").says("is a folder");
    export(&place, "jsonl", "nowhere/out.jsonl", "c", &[]).code(1).says("`nowhere`");
    export(&place, "npy", "out.csv", "d", &[]).code(1).says("unknown collection `d`");
    export(&place, "npy", "a.npy", "c", &["--modality", "text"]).code(1).says("no such vectors").says("m joint (audio)");
    export(&place, "npy", "a.jsonl", "c", &[]).code(1).says("`a.jsonl`");
    let left = std::fs::read_dir(place.path())
        .unwrap()
        .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().starts_with(".dyad-"));
    assert_eq!(left.count(), 0);
}

#[test]
fn what_is_no_such_file_is_refused_with_its_reason() {
    let place = place(2);
    std::fs::create_dir(place.at("folder")).unwrap();
    place.write("empty", "");
    place.write("letter", "this is a letter\n".repeat(90));
    place.write("huge.safetensors", [&u64::MAX.to_le_bytes()[..], b"{}"].concat());
    place.write("wrong.safetensors", [&19u64.to_le_bytes()[..], b"{\"a\":{\"dtype\":\"F3\"}}"].concat());
    let header = br#"{"v":{"dtype":"F32","shape":[9,9],"data_offsets":[0,324]}}"#;
    place.write("short.safetensors", [&(header.len() as u64).to_le_bytes()[..], header, &[0; 99]].concat());
    let header = br#"{"v":{"dtype":"I32","shape":[1,1],"data_offsets":[0,4]}}"#;
    place.write("int.safetensors", [&(header.len() as u64).to_le_bytes()[..], header, &[0; 4]].concat());
    for format in FORMATS {
        for (file, reason) in [("missing", "No such file"), ("folder", "is a folder"), ("empty", ""), ("letter", "")] {
            let ran = import(&place, format, file, "d", &[]).code(1).says("error: ").says(&format!("`{file}`")).says(reason);
            assert!(ran.out.is_empty() && !ran.err.contains(" you") && ran.err.lines().count() < 4, "{}", ran.err);
        }
    }
    for (file, reason) in [
        ("huge", "18446744073709551615"),
        ("wrong", "header is wrong"),
        ("short", "cut short"),
        ("int", "no two-dimensional tensor"),
    ] {
        import(&place, "safetensors", &format!("{file}.safetensors"), "d", &[]).code(1).says(reason);
    }
    let names = place.json(&["show collections"])[0]["rows"].to_string();
    assert!(!names.contains("\"d\""), "{names}");
}

#[test]
fn bad_rows_are_named_and_the_rest_goes_on() {
    let place = Place::new();
    let lines = [
        r#"{"id":"a","vector":[1,2]}"#,
        "",
        r#"{"id":"b","vector":[1,NaN]}"#,
        r#"{"id":"c","vector":[1,2,3]}"#,
        r#"{"id":"d","vector":null}"#,
        r#"{"id":"a","vector":[3,4]}"#,
        r#"{"vector":[3,4]}"#,
        r#"{"id":"e","vector":[0,0]}"#,
        r#"{"id":"f","vector":[1e39,1]}"#,
        r#"{"id":"g","vector":[1,"2"]}"#,
        r#"{"id":5,"vector":[-1.5e-3,4],"label":"x"}"#,
    ];
    place.write("rows.jsonl", lines.join("\n"));
    import(&place, "jsonl", "rows.jsonl", "c", &[]).code(1).says("row 1 ").says("line 3").says("--skip-bad");
    let ran = import(&place, "jsonl", "rows.jsonl", "c", &["--skip-bad"]).ok();
    for (row, reason) in [
        (1, "JSON"),
        (2, "3 numbers, expected 2"),
        (3, "no `vector`"),
        (4, "`a` twice"),
        (5, "no `id`"),
        (6, "zeros"),
        (7, "infinite"),
        (8, "`\"2\"`"),
    ] {
        let note = ran
            .out
            .lines()
            .find(|line| line.contains(&format!("row {row} ")))
            .unwrap_or_else(|| panic!("row {row}\n{}", ran.out));
        assert!(note.contains(reason), "{note}");
    }
    let found = place.json(&["list clips in c limit 0"])[0]["rows"].to_string();
    assert_eq!(found, r#"[["a",null],["5","x"]]"#);
}

#[test]
fn what_npz_cannot_hold_is_refused_and_parquet_holds_it() {
    for (field, value) in [("x.missing", "true"), ("note", "\"q\\u0000\"")] {
        let place = Place::new();
        place.write("a.jsonl", format!("{{\"id\":\"a\",\"x\":1,\"{field}\":{value},\"vector\":[1,2]}}\n"));
        import(&place, "jsonl", "a.jsonl", "c", &[]).ok();
        let expected = dump(&place, "c");
        assert!(expected.contains(value), "{expected}");
        let named = format!("its field `{field}`");
        export(&place, "npz", "a.npz", "c", &[]).code(1).says("`a.npz` can't be written").says(&named).says("`parquet`");
        assert!(!place.at("a.npz").exists());
        export(&place, "parquet", "a.parquet", "c", &[]).ok();
        import(&place, "parquet", "a.parquet", "d", &[]).ok();
        assert_eq!(dump(&place, "d"), expected);
    }
}

#[test]
fn texts_go_out_and_come_back_with_their_prompt() {
    let place = Place::new();
    place.write("t.jsonl", "{\"id\":\"violin\",\"vector\":[1,2]}\n{\"id\":\"tuba\",\"vector\":[2,1]}\n");
    let text = ["--model", "m", "--space", "joint", "--modality", "text", "--prompt", "A <> track"];
    place.dyad(&[&["import", "jsonl", "t.jsonl", "--collection", "c"], &text[..]].concat()).ok();
    export(&place, "parquet", "t.parquet", "c", &["--modality", "text"]).ok();
    place.dyad(&[&["import", "parquet", "t.parquet", "--collection", "d"], &text[..]].concat()).ok();
    export(&place, "jsonl", "back.jsonl", "d", &["--modality", "text", "--prompt", "A <> track"]).ok();
    let back = std::fs::read_to_string(place.at("back.jsonl")).unwrap();
    assert_eq!(back, "{\"id\":\"violin\",\"vector\":[1.0,2.0]}\n{\"id\":\"tuba\",\"vector\":[2.0,1.0]}\n");
    export(&place, "jsonl", "none.jsonl", "d", &["--modality", "text", "--prompt", "<>"]).code(1).says("no such vectors");
}
