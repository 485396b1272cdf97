//! `import npy`: files that are right, files that are wrong, and what a model without graphs can answer.

use super::program::{Place, Ran, cell, npy, toy};

/// An import of `file` as the toy's audio joint space, with more arguments.
fn import(place: &Place, file: &str, more: &[&str]) -> Ran {
    let args = ["import", "npy", file, "--collection", "c", "--model", "m", "--space", "joint"];
    place.dyad(&[&args, more].concat())
}

const AUDIO: [&str; 2] = ["--modality", "audio"];

fn rows(n: usize) -> Vec<Vec<f64>> {
    (0..n).map(|i| vec![1.0, i as f64, 0.5]).collect()
}

/// The bytes with one run of them replaced by another as long.
fn patched(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = bytes.windows(from.len()).position(|w| w == from).unwrap();
    [&bytes[..at], to, &bytes[at + to.len()..]].concat()
}

#[test]
fn floats_of_both_widths_come_in() {
    let place = Place::new();
    place.write("a.npy", npy("<f4", &rows(3)));
    place.write("b.npy", npy("<f8", &rows(3)));
    place.write("a.csv", "id,label\nx,violin\ny,tuba\nz,tuba\n");
    import(&place, "a.npy", &[&AUDIO[..], &["--labels", "a.csv"]].concat()).ok();
    // The same ids again are the same items.
    import(&place, "b.npy", &[&AUDIO[..], &["--labels", "a.csv"]].concat()).ok();
    let objects = place.json(&["count clips by label", "show spaces", "similar clip \"y\" top 1", "show models"]);
    assert_eq!((objects[0]["context"]["n"].as_u64(), cell(&objects[0], 0, "label").as_str()), (Some(3), Some("tuba")));
    assert_eq!((cell(&objects[1], 0, "dim").as_u64(), cell(&objects[1], 0, "vectors").as_u64()), (Some(3), Some(3)));
    assert_eq!(cell(&objects[2], 0, "id"), "z");
    let toy = objects[3]["rows"].as_array().unwrap().iter().find(|row| row[0] == "m").unwrap();
    assert_eq!(toy[8], "imported vectors only");
}

#[test]
fn one_hot_tables_give_labels() {
    let place = Place::new();
    place.write("a.npy", npy("<f4", &rows(3)));
    place.write("a.csv", "song,bass tuba,violin\nx,1,0\ny,0,1\nz,0,1\n");
    import(&place, "a.npy", &[&AUDIO[..], &["--labels", "a.csv"]].concat()).ok();
    let counted = &place.json(&["count clips by label"])[0];
    assert_eq!(counted["rows"], serde_json::json!([["bass tuba", 1], ["violin", 2]]));
}

#[test]
fn a_wrong_file_is_refused_with_its_reason_and_leaves_no_trace() {
    let place = Place::new();
    let mut spoilt = rows(3);
    spoilt[1][2] = f64::NAN;
    place.write("nan.npy", npy("<f4", &spoilt));
    spoilt[1] = vec![0.0; 3];
    place.write("zero.npy", npy("<f4", &spoilt));
    let good = npy("<f4", &rows(3));
    place.write("cut.npy", &good[..good.len() - 5]);
    place.write("long.npy", [&good[..], b"tail"].concat());
    place.write("text.npy", "not numpy at all");
    place.write("empty.npy", "");
    place.write("none.npy", npy("<f4", &[]));
    place.write("int.npy", patched(&good, b"<f4", b"<i4"));
    place.write("huge.npy", patched(&good, b"(3, 3), }      ", b"(3, 99999999), "));
    for (file, reason) in [
        ("nan.npy", "row 1"),
        ("nan.npy", "NaN"),
        ("zero.npy", "all zeros"),
        ("cut.npy", "cut short"),
        ("long.npy", "after the array"),
        ("text.npy", "not a numpy .npy file"),
        ("empty.npy", "not a numpy .npy file"),
        ("none.npy", "holds no vectors"),
        ("int.npy", "float32"),
        ("huge.npy", "cut short"),
        ("missing.npy", "`missing.npy`"),
    ] {
        let ran = import(&place, file, &AUDIO).code(1).says(reason).says("error: ");
        assert!(ran.out.is_empty() && !ran.err.contains(" you"), "{}", ran.err);
    }
    let objects = place.json(&["show collections", "show models"]);
    assert_eq!(objects[0]["rows"], serde_json::json!([]), "a failed import made a collection");
    assert!(!objects[1]["rows"].to_string().contains("imported"), "a failed import made a model");
}

#[test]
fn bad_rows_can_be_left_out() {
    let place = Place::new();
    let mut spoilt = rows(4);
    spoilt[1][2] = f64::INFINITY;
    place.write("bad.npy", npy("<f8", &spoilt));
    import(&place, "bad.npy", &[&AUDIO[..], &["--skip-bad"]].concat()).ok().shows("row 1");
    assert_eq!(place.json(&["count clips"])[0]["context"]["n"], 3);
}

#[test]
fn a_bad_row_late_in_a_long_file_stores_nothing_of_it() {
    let place = Place::new();
    let mut spoilt = rows(2_500);
    spoilt[2_400][0] = f64::NAN;
    place.write("late.npy", npy("<f4", &spoilt));
    import(&place, "late.npy", &AUDIO).code(1).says("row 2400");
    place.dyad(&["-c", "count clips in c"]).code(1).says("unknown collection `c`");
}

#[test]
fn what_does_not_fit_the_space_is_refused() {
    let place = Place::new();
    place.write("a.npy", npy("<f4", &rows(3)));
    place.write("wide.npy", npy("<f4", &[vec![1.0; 5]]));
    place.write("two.csv", "id,label\nx,a\ny,b\n");
    place.write("twice.csv", "id,label\nx,a\ny,b\nx,b\n");
    import(&place, "a.npy", &[&AUDIO[..], &["--model-hash", "aaaa"]].concat()).ok();
    import(&place, "wide.npy", &AUDIO).code(1).says("3 dimensions").says("5");
    import(&place, "a.npy", &[&AUDIO[..], &["--model-hash", "bbbb"]].concat()).code(1).says("`m`").says("bbbb");
    import(&place, "a.npy", &[&AUDIO[..], &["--labels", "two.csv"]].concat()).code(1).says("3 rows").says("2");
    let twice = [&AUDIO[..], &["--labels", "twice.csv"]].concat();
    import(&place, "a.npy", &twice).code(1).says("line 4 of `twice.csv`, which names `x` twice: line 2 did");
    import(&place, "a.npy", &[&twice[..], &["--skip-bad", "--model-hash", "aaaa"]].concat())
        .ok()
        .shows("row 2 is named by line 4 of `twice.csv`, which names `x` twice: line 2 did");
    import(&place, "a.npy", &[&AUDIO[..], &["--labels", "none.csv"]].concat()).code(1).says("`none.csv`");
    import(&place, "a.npy", &[&AUDIO[..], &["--prompt", "A <> track"]].concat()).code(1).says("no prompt");
    // Those that are called by their numbers, and `x` and `y`.
    assert_eq!(place.json(&["count clips"])[0]["context"]["n"], 5);
}

#[test]
fn texts_need_labels_and_their_prompt() {
    let place = Place::new();
    place.write("a.npy", npy("<f4", &rows(2)));
    place.write("a.txt", "violin\ntuba\n");
    let text = |more: &[&str]| import(&place, "a.npy", &[&["--modality", "text"], more].concat());
    text(&["--labels", "a.txt"]).code(1).says("--prompt");
    text(&["--prompt", "A <> track"]).code(1).says("--labels");
    text(&["--labels", "a.txt", "--prompt", "A track"]).code(1).says("<>");
    text(&["--labels", "a.txt", "--prompt", "A <> track"]).ok();
}

#[test]
fn a_table_of_texts_is_a_table() {
    let place = Place::new();
    place.write("a.npy", npy("<f4", &rows(2)));
    let text = |labels: &str, content: &str| {
        place.write(labels, content);
        import(&place, "a.npy", &["--modality", "text", "--prompt", "<>", "--labels", labels])
    };
    text("a.csv", "id,label,family\n0,violin,strings\n1,\"tuba, low\",brass\n").ok();
    let listed = &place.json(&["list labels in c order by id"])[0];
    assert_eq!((cell(listed, 0, "id"), cell(listed, 1, "id")), (&"tuba, low".into(), &"violin".into()));
    assert_eq!(cell(listed, 0, "family"), "brass");
    // What stands in the first line is no label.
    text("one.csv", "label\nviolin\ntuba, low\n").code(1).says("`one.csv` can't be read");
    text("one.tsv", "label\nviolin\ntuba, low\n").ok();
    assert_eq!(place.json(&["count labels in c"])[0]["rows"], serde_json::json!([[2]]));
    text("none.csv", "0,violin\n1,tuba\n").code(1).says("`none.csv`").says("it begins with `0`").says("`label`");
    text("twice.csv", "label\ntuba\ntuba\n").code(1).says("line 3 of `twice.csv`, which names `tuba` twice: line 2 did");
    text("twice.txt", "tuba\n\ntuba\n").code(1).says("line 3 of `twice.txt`, which names `tuba` twice: line 1 did");
    text("twice.jsonl", "{\"id\":\"a\"}\n{\"id\":\"a\"}\n").code(1).says("line 2 of `twice.jsonl`, which names `a` twice");
}

#[test]
fn what_takes_the_place_of_stored_vectors_is_counted() {
    let place = Place::new();
    let lines = |from: usize, n: usize| {
        (from..from + n).map(|i| format!("{{\"id\":\"c{i}\",\"vector\":[{},1]}}\n", i + 1)).collect::<String>()
    };
    place.write("a.jsonl", lines(0, 1_500));
    place.write("b.jsonl", lines(1_500, 3));
    let replaced = |files: &[&str], space: &str| {
        let rest = ["--collection", "c", "--model", "m", "--space", space, "--modality", "audio"];
        let report = place.dyad(&[&["--format", "json", "import", "jsonl"], files, &rest].concat()).ok().object();
        (0..files.len()).map(|row| cell(&report, row, "replaced").as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(replaced(&["a.jsonl"], "joint"), [0]);
    // Of two files that are read at once, each has its own number.
    assert_eq!(replaced(&["b.jsonl", "a.jsonl"], "joint"), [0, 1_500]);
    place.write("b.jsonl", lines(1_501, 3));
    assert_eq!(replaced(&["b.jsonl", "a.jsonl"], "joint"), [2, 1_500]);
    assert_eq!(replaced(&["a.jsonl"], "pre-joint"), [0]);
    assert_eq!(replaced(&["b.jsonl"], "pre-joint"), [0]);
}

#[test]
fn a_model_without_graphs_answers_from_its_vectors_only() {
    let place = Place::new();
    toy::import(&place);
    let objects = place.json(&[
        "classify clips",
        "classify clips where prompt=\"<>\" top 1",
        "classify clips using prototypes protocol=resubstitution top 1",
        "classify clip \"violin/1.wav\" top 1",
        "triplets model=toy labels=words",
    ]);
    assert_eq!(objects[0]["metrics"]["top1"]["value"], 0.875);
    assert_eq!(objects[1]["metrics"]["top1"]["value"], 0.875);
    assert_eq!(cell(&objects[3], 0, "label"), "viola");
    assert!(objects[4]["context"]["backend"].is_null());

    let refused = |statement: &str| place.dyad(&["-c", statement]).code(1).says("error: ").says("`toy`").err;
    let other = refused("classify clips where prompt=\"The <>\"");
    assert!(other.contains("`The <>`") && other.contains("`A <> track`"), "{other}");
    let pre = refused("triplets model=toy labels=words space=pre-joint prompt=\"<>\"");
    assert!(pre.contains("pre-joint") && pre.contains("`A <> track`"), "{pre}");
    assert!(refused("triplets model=toy ontology=hdio").contains("labels"));
    assert!(refused("search clips for \"a bright tuba\"").contains("no text graph"));
    assert!(refused("similar \"clips.npy\"").contains("no audio graph"));
    place.dyad(&["models", "check", "toy"]).code(1).says("no graphs");
    place.write("a.wav", super::program::wav(440.0, 0.2));
    place.dyad(&["ingest", "a.wav", "--model", "toy"]).code(1).says("no audio graph");
}

#[test]
fn several_files_are_one_import() {
    let place = Place::new();
    let rows = |n: usize, at: Option<usize>| {
        let one = |i: usize| if Some(i) == at { "[0,0]".to_owned() } else { format!("[{},1]", i + 1) };
        (0..n).map(|i| format!("{{\"id\":\"{n}-{i}\",\"vector\":{}}}\n", one(i))).collect::<String>()
    };
    place.write("a.jsonl", rows(1_200, None));
    place.write("b.jsonl", rows(2, None));
    place.write("c.jsonl", rows(3, Some(1)));
    let run = |files: &[&str], more: &[&str]| {
        let rest = ["--collection", "c", "--model", "m", "--space", "joint", "--modality", "audio"];
        place.dyad(&[&["import", "jsonl"], files, &rest, more].concat())
    };
    run(&["a.jsonl", "b.jsonl", "c.jsonl"], &[]).code(1).says("row 1 of `c.jsonl` is all zeros");
    run(&["a.jsonl", "gone.jsonl"], &[]).code(1).says("gone.jsonl");
    run(&["a.jsonl", "b.jsonl", "c.jsonl"], &["--skip-bad"]).ok().shows("1200").shows("row 1 of `c.jsonl` is all zeros");
    place.dyad(&["-c", "count clips in c"]).ok().shows("1204");
    // The same again stores nothing twice; a row that comes in two files is named.
    run(&["a.jsonl", "b.jsonl", "c.jsonl"], &["--skip-bad"]).ok();
    place.dyad(&["-c", "count clips in c"]).ok().shows("1204");
    run(&["a.jsonl", "a.jsonl"], &[]).code(1).says("row 0 of `a.jsonl` names `1200-0` twice");
    place.write("d.jsonl", "{\"vector\":[1,2]}\n");
    run(&["a.jsonl", "d.jsonl"], &[]).code(1).says("`a.jsonl` names its rows and `d.jsonl` does not");
}

#[test]
fn names_with_dots_are_not_taken_for_each_other() {
    let place = Place::new();
    place.write("a.jsonl", "{\"id\":\"Op. 1\",\"vector\":[1,0]}\n{\"id\":\"Op. 2\",\"vector\":[0,1]}\n");
    place.write("a.csv", "id,label\nOp. 1,violin\n");
    let args = ["import", "jsonl", "a.jsonl", "--collection", "c", "--model", "m", "--space", "joint", "--modality", "audio"];
    place.dyad(&[&args[..], &["--labels", "a.csv"]].concat()).ok();
    assert_eq!(place.json(&["count clips where label = violin"])[0]["rows"], serde_json::json!([[1]]));
    assert_eq!(cell(&place.json(&["similar clip \"Op. 2\" top 1"])[0], 0, "id"), "Op. 1");
    place.dyad(&["-c", "similar clip \"Op. 3\""]).code(1).says("no clip `Op. 3`");
}

#[test]
fn a_field_called_id_hides_no_id() {
    let place = Place::new();
    place.write("a.npy", npy("<f4", &rows(2)));
    place.write("a.csv", "path,id,label\nx.wav,7,violin\ny.wav,8,tuba\n");
    import(&place, "a.npy", &[&AUDIO[..], &["--labels", "a.csv"]].concat()).ok();
    let objects =
        place.json(&["list clips where id = \"x.wav\"", "count clips where meta.id = 8", "list clips where meta.id = 7"]);
    assert_eq!((cell(&objects[0], 0, "id"), cell(&objects[0], 0, "meta.id")), (&"x.wav".into(), &7.into()));
    assert_eq!((&objects[1]["rows"], cell(&objects[2], 0, "id")), (&serde_json::json!([[1]]), &"x.wav".into()));
    // And back, by a file.
    place.dyad(&["export", "c", "--to", "out.jsonl"]).ok();
    let args = ["import", "jsonl", "out.jsonl", "--collection", "d", "--model", "m", "--space", "joint", "--modality", "audio"];
    place.dyad(&args).ok();
    assert_eq!(cell(&place.json(&["list clips in d where meta.id = 7"])[0], 0, "id"), "x.wav");
}

#[test]
fn a_record_that_is_too_long_is_found_before_anything_is_stored() {
    let place = Place::new();
    let row = |id: &str, text: usize| format!("{{\"id\":\"{id}\",\"text\":\"{}\",\"vector\":[1,0]}}\n", "x".repeat(text));
    place.write("a.jsonl", row("a", 1) + &row("b", 17 << 20) + &row("c", 1));
    let args = ["import", "jsonl", "a.jsonl", "--collection", "c", "--model", "m", "--space", "joint", "--modality", "audio"];
    place.dyad(&args).code(1).says("row 1").says("expected at most 16777216");
    place.dyad(&["-c", "count clips in c"]).code(1);
    place.dyad(&[&args[..], &["--skip-bad"]].concat()).ok();
    assert_eq!(place.json(&["count clips in c"])[0]["rows"], serde_json::json!([[2]]));
}

/// Rows of a JSONL file into the collection `c` of the model `m`.
fn jsonl(place: &Place, file: &str, more: &[&str]) -> Ran {
    let args = ["import", "jsonl", file, "--collection", "c", "--model", "m", "--space", "joint", "--modality", "audio"];
    place.dyad(&[&args, more].concat())
}

#[test]
fn ids_of_many_digits_stay() {
    let place = Place::new();
    let row = |id: &str, x: u8| format!("{{\"id\":{id},\"meta.x\":1,\"x\":2,\"vector\":[{x},1]}}\n");
    place.write("a.jsonl", row("9223372036854775808", 1) + &row("9223372036854775809", 2));
    jsonl(&place, "a.jsonl", &[]).ok();
    let told = &place.json(&["list clips where id = \"9223372036854775809\""])[0];
    // A name of others stays as it is.
    assert_eq!((cell(told, 0, "meta.x"), cell(told, 0, "x")), (&1.into(), &2.into()));
    assert_eq!(place.json(&["count clips"])[0]["rows"], serde_json::json!([[2]]));
    // The first row without an id does not make the others nameless.
    place.write("b.jsonl", format!("{{\"vector\":[1,2]}}\n{}", row("\"b\"", 3)));
    jsonl(&place, "b.jsonl", &[]).code(1).says("row 0 of `b.jsonl` has no `id`");
}

#[test]
fn what_could_not_be_read_back_is_refused() {
    let place = Place::new();
    place.write("long.jsonl", "{\"id\":\"a\",\"vector\":[3e38,3e38]}\n{\"id\":\"b\",\"vector\":[1,2]}\n");
    jsonl(&place, "long.jsonl", &[]).code(1).says("row 0 of `long.jsonl` is longer than");
    jsonl(&place, "long.jsonl", &["--skip-bad"]).ok().shows("row 0 is longer than");
    assert_eq!(place.json(&["count clips"])[0]["rows"], serde_json::json!([[1]]));
    // A model that is there says how many numbers its vectors have.
    let args = ["import", "jsonl", "long.jsonl", "--skip-bad", "--collection", "d", "--model", "musicnn-minilm"];
    let args = [&args[..], &["--space", "joint", "--modality", "audio"]].concat();
    place.dyad(&args).code(1).says("2 dimensions").says("`musicnn-minilm joint (audio)` have 128");
    place.dyad(&["-c", "count clips in d"]).code(1).says("unknown collection `d`");
}

#[test]
fn a_refused_name_leaves_no_model() {
    let place = Place::new();
    place.write("a.jsonl", "{\"id\":\"a\",\"vector\":[1,2]}\n");
    let args = ["import", "jsonl", "a.jsonl", "--collection", "a/b", "--model", "zzz", "--space", "joint", "--modality", "audio"];
    place.dyad(&args).code(1).says("`a/b` is no collection name");
    assert!(!place.json(&["show models"])[0]["rows"].to_string().contains("zzz"));
}

/// What the collection `c` says of its clips.
fn said(place: &Place) -> String {
    place.dyad(&["export", "jsonl", "said.jsonl", "--collection", "c", "--force"]).ok();
    let rows = std::fs::read_to_string(place.at("said.jsonl")).unwrap();
    let row = |row: &str| row.split(",\"vector\"").next().unwrap_or_default().replace("{\"id\":", "").replace('"', "");
    rows.lines().map(row).collect::<Vec<_>>().join(" | ")
}

#[test]
fn a_second_table_says_anew_what_it_says_of_the_clips_that_it_names() {
    let first = "id,label,note\na,violin,1\nb,tuba,2\nc,horn,3\n";
    // A file with ids of its own: `c` is not named. An empty cell of another column is nothing said.
    let place = Place::new();
    place.write("v.jsonl", ["a", "b", "c"].map(|id| format!("{{\"id\":\"{id}\",\"vector\":[1,2]}}\n")).concat());
    place.write("t.csv", first);
    let again = |table: &str, text: &str| {
        place.write(table, text);
        jsonl(&place, "v.jsonl", &["--labels", table]).ok();
        said(&place)
    };
    assert_eq!(again("t.csv", first), "a,label:violin,note:1 | b,label:tuba,note:2 | c,label:horn,note:3");
    assert_eq!(again("t.csv", "id,label,note\na,,\nb,oboe,\n"), "a,note:1 | b,label:oboe,note:2 | c,label:horn,note:3");
    // One kind of labels takes the other's place.
    assert_eq!(again("t.csv", "id,labels\nb,oboe;flute\n"), "a,note:1 | b,labels:[oboe,flute],note:2 | c,label:horn,note:3");
    assert_eq!(again("t.jsonl", "{\"id\":\"b\",\"labels\":null}\n"), "a,note:1 | b,note:2 | c,label:horn,note:3");
    // Without a table nothing is taken back.
    jsonl(&place, "v.jsonl", &[]).ok();
    assert_eq!(said(&place), "a,note:1 | b,note:2 | c,label:horn,note:3");
}

#[test]
fn a_second_table_in_the_rows_order_takes_back_labels_too() {
    let csv = ["id,label,note\na,violin,1\nb,tuba,2\n", "id,label,note\na,,\nb,,\n", "id,x,y\na,3,4\nb,3,4\n"];
    let jsonl = [
        "{\"id\":\"a\",\"label\":\"violin\",\"note\":1}\n{\"id\":\"b\",\"label\":\"tuba\",\"note\":2}\n",
        // That there are labels says the last line alone.
        "{\"id\":\"a\"}\n{\"id\":\"b\",\"label\":null}\n",
        "{\"id\":\"a\",\"x\":3,\"y\":4}\n{\"id\":\"b\",\"x\":3,\"y\":4}\n",
    ];
    for (table, [first, without, other]) in [("t.csv", csv), ("t.jsonl", jsonl)] {
        let place = Place::new();
        place.write("v.npy", npy("<f4", &rows(2)));
        let again = |text: &str| {
            place.write(table, text);
            import(&place, "v.npy", &[&AUDIO[..], &["--labels", table]].concat()).ok();
            said(&place)
        };
        assert_eq!(again(first), "a,label:violin,note:1 | b,label:tuba,note:2", "{table}");
        assert_eq!(again(without), "a,note:1 | b,note:2", "{table}");
        // One that has no labels takes none back.
        again(first);
        assert_eq!(again(other), "a,label:violin,note:1,x:3,y:4 | b,label:tuba,note:2,x:3,y:4", "{table}");
    }
}

#[test]
fn labels_of_other_ids_are_told() {
    let place = Place::new();
    place.write("a.jsonl", "{\"id\":\"a\",\"vector\":[1,2]}\n");
    place.write("other.csv", "id,label\nx,violin\ny,tuba\n");
    jsonl(&place, "a.jsonl", &["--labels", "other.csv"]).ok().shows("none of the 2 ids that the table of labels names was found");
    place.write("same.csv", "id,label\na,violin\n");
    let ran = jsonl(&place, "a.jsonl", &["--labels", "same.csv"]).ok();
    assert!(!ran.out.contains("none of the") && !ran.out.contains("same.csv"), "{}", ran.out);
    place.write("some.csv", "id,label\nx,violin\na,tuba\n");
    jsonl(&place, "a.jsonl", &["--labels", "some.csv"]).ok().shows("1 of 2 rows of `some.csv` names no imported id: `x`");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_no_file_of_vectors() {
    let place = Place::new();
    place.write("a.jsonl", "{\"id\":\"a\",\"vector\":[1,2]}\n");
    let made = std::process::Command::new("mkfifo").arg(place.at("pipe")).status();
    if !made.is_ok_and(|status| status.success()) {
        super::program::skipped("a_pipe_is_no_file_of_vectors", "no `mkfifo`");
        return;
    }
    jsonl(&place, "pipe", &[]).code(1).says("`pipe` can't be read: it is no regular file");
    jsonl(&place, "a.jsonl", &["--labels", "pipe"]).code(1).says("`pipe` can't be read: it is no regular file");
}
