//! Each dataset's layout in miniature, with real audio: what is read of it, and what is said when it is not as it should be.

use std::path::Path;

use dyad::ingest::dataset::{DATASETS, Listing, Request, read};
use dyad::value::{Fields, Value};

use super::program::{Place, cell};

/// Copies a bundled note to `name`.
fn note(place: &Place, name: &str) {
    let note = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/audio/violin/Vn-G3-pp.flac");
    place.write(name, std::fs::read(note).unwrap());
}

fn listing(place: &Place, dataset: &str) -> Listing {
    read(&Request { dataset, folder: &place.at("set"), annotations: None, thorough: false }).unwrap()
}

/// The fields of the clip whose id ends so.
#[track_caller]
fn fields(listing: &Listing, end: &str) -> Fields {
    let clip = listing.clips().find(|(source, _)| source.id.ends_with(end));
    clip.unwrap_or_else(|| panic!("no {end}: {listing:?}")).1.clone()
}

#[track_caller]
fn is(fields: &Fields, expected: &[(&str, Value)]) {
    for (name, value) in expected {
        assert_eq!(fields.get(*name), Some(value), "{name} of {fields:?}");
    }
}

fn list(members: &[&str]) -> Value {
    Value::list(members.iter().copied())
}

const TINYSOL: &str = "Path,Fold,Family,Instrument (abbr.),Instrument (in full),Technique (abbr.),Technique (in full),Pitch,Pitch ID,Dynamics,Dynamics ID,Instance ID,String ID (if applicable),Needed digital retuning\n";

/// Writes a miniature of a dataset below `set`; the name says how many clips it has.
fn build(place: &Place, dataset: &str) -> usize {
    let table = |name: &str, text: &str| drop(place.write(&format!("set/{name}"), text));
    let notes = |names: &[&str]| names.iter().for_each(|name| note(place, &format!("set/{name}")));
    match dataset {
        "tinysol" => {
            let rows = "Brass/Bass_Tuba/ordinario/BTb-ord-F#1-pp-N-N.wav,0,Brass,BTb,Bass Tuba,ord,ordinario,F#1,30,pp,0,0,,TRUE\n\
                        Strings/Violin/ordinario/Vn-ord-A4-ff-4c-R.wav,3,Strings,Vn,Violin,ord,ordinario,A4,69,ff,4,0,4.0,FALSE\n";
            table("TinySOL_metadata.csv", &format!("{TINYSOL}{rows}"));
            notes(&["TinySOL2020/Brass/Bass_Tuba/ordinario/BTb-ord-F#1-pp-N-N.wav"]);
            notes(&["TinySOL2020/Strings/Violin/ordinario/Vn-ord-A4-ff-4c-R.wav"]);
            2
        }
        "medley-solos-db" => {
            table(
                "annotation/Medley-solos-DB_metadata.csv",
                "subset,instrument,instrument_id,song_id,uuid4\ntest,clarinet,0,000,0e43\ntraining,female singer,2,12,aa\n",
            );
            notes(&["audio/Medley-solos-DB_test-0_0e43.wav", "audio/Medley-solos-DB_training-2_aa.wav"]);
            2
        }
        "openmic-2018" => {
            table(
                "openmic-2018-aggregated-labels.csv",
                "sample_key,instrument,relevance,num_responses\n000046_3840,clarinet,0.17105,3\n000046_3840,flute,0.0,3\n000046_3840,trumpet,0.5,3\n000135_483840,mallet_percussion,1.0,4\n",
            );
            table("partitions/split01_train.csv", "000046_3840\n");
            table("partitions/split01_test.csv", "000135_483840\n");
            notes(&["audio/000/000046_3840.ogg", "audio/000/000135_483840.ogg"]);
            2
        }
        "nsynth" => {
            let note = |family: &str, pitch: u32| {
                format!(
                    r#"{{"note": 1, "instrument_family": 0, "instrument_family_str": "{family}", "instrument_source_str": "synthetic", "instrument_str": "{family}_synthetic_068", "pitch": {pitch}, "velocity": 25, "qualities": [0, 1], "qualities_str": ["dark", "reverb"], "sample_rate": 16000}}"#
                )
            };
            let (bass, flute) = (note("bass", 49), note("flute", 70));
            table("nsynth-train/examples.json", &format!(r#"{{"bass_synthetic_068-049-025": {bass}}}"#));
            table("nsynth-test/examples.json", &format!(r#"{{"flute_synthetic_068-070-025": {flute}}}"#));
            notes(&["nsynth-train/audio/bass_synthetic_068-049-025.wav", "nsynth-test/audio/flute_synthetic_068-070-025.wav"]);
            2
        }
        "gtzan" => {
            notes(&["genres/blues/blues.00000.wav", "genres/hiphop/hiphop.00099.wav"]);
            2
        }
        "mtg-jamendo" => {
            table(
                "data/autotagging.tsv",
                "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\ntrack_0000214\tartist_000014\talbum_000031\t14/214.mp3\t124.6\tgenre---punkrock\ntrack_0000215\tartist_000014\talbum_000031\t15/215.mp3\t151.4\tgenre---metal\tinstrument---voice\tmood/theme---dark\tgenre---rock\n",
            );
            notes(&["14/214.mp3", "15/215.low.mp3"]);
            2
        }
        "magnatagatune" => {
            let tags: Vec<String> = (0..186).map(|i| format!("\"tag {i}\"")).collect();
            let cells = |ones: &[usize]| {
                (0..188).map(|i| if ones.contains(&i) { "\"1\"" } else { "\"0\"" }).collect::<Vec<_>>().join("\t")
            };
            let header = format!("\"clip_id\"\t\"no voice\"\t\"singer\"\t{}\t\"mp3_path\"\n", tags.join("\t"));
            let rows = format!("\"2\"\t{}\t\"f/a-b-30-59.mp3\"\n\"6\"\t{}\t\"f/c.mp3\"\n", cells(&[0, 187]), cells(&[]));
            table("annotations_final.csv", &format!("{header}{rows}"));
            notes(&["mp3/f/a-b-30-59.mp3", "mp3/f/c.mp3"]);
            2
        }
        "musiccaps" => {
            table(
                "musiccaps-public.csv",
                "ytid,start_s,end_s,audioset_positive_labels,aspect_list,caption,author_id,is_balanced_subset,is_audioset_eval\n-0Gj8-vB1q4,30,40,\"/m/0140xf,/m/02cjck\",\"['low quality', \"\"it's slow\"\"]\",\"A slow, sad tune; strings.\",4,False,True\n_x,0,10,/m/04rlf,\"['fast']\",A fast one.,2,True,True\n",
            );
            notes(&["clips/[-0Gj8-vB1q4]-[30-40].wav", "clips/_x.wav"]);
            2
        }
        "song-describer" | "song-describer-valid" => {
            table(
                "song_describer.csv",
                "caption_id,track_id,caption,is_valid_subset,familiarity,artist_id,album_id,path,duration\n1,1004034,\"First, with comma\",True,2,7,8,34/1004034.mp3,120.0\n2,100,Other,False,3,7,9,00/100.mp3,60.5\n3,1004034,Second,False,1,7,8,34/1004034.mp3,120.0\n",
            );
            notes(&["audio/audio/34/1004034.2min.mp3", "audio/audio/00/100.2min.mp3"]);
            if dataset == "song-describer" { 2 } else { 1 }
        }
        "muscall" => {
            let rows = r#"[{"audio_id": 1, "caption": " First! ", "audio_path": "track_1.npy"}, {"audio_id": 2, "caption": "Other", "audio_path": "track_2.npy"}, {"audio_id": 1, "caption": "Second", "audio_path": "track_1.npy"}]"#;
            table("dataset_test.json", rows);
            notes(&["audio/track_1.wav", "audio/track_2.wav"]);
            2
        }
        "esc-50" => {
            table(
                "meta/esc50.csv",
                "filename,fold,target,category,esc10,src_file,take\n1-100032-A-0.wav,1,0,dog,True,100032,A\n2-7-B-14.wav,2,14,chirping_birds,False,7,B\n",
            );
            notes(&["audio/1-100032-A-0.wav", "audio/2-7-B-14.wav"]);
            2
        }
        "urbansound8k" => {
            table(
                "metadata/UrbanSound8K.csv",
                "slice_file_name,fsID,start,end,salience,fold,classID,class\n100032-3-0-0.wav,100032,0.0,0.317551,1,5,3,dog_bark\n100263-2-0-117.wav,100263,58.5,62.5,1,5,2,children_playing\n",
            );
            notes(&["audio/fold5/100032-3-0-0.wav", "audio/fold5/100263-2-0-117.wav"]);
            2
        }
        other => panic!("no miniature of {other}"),
    }
}

#[test]
fn every_dataset_is_read_as_it_is_laid_out() {
    for dataset in &DATASETS {
        let place = Place::new();
        let clips = build(&place, dataset.name);
        let found = listing(&place, dataset.name);
        let faults: Vec<&str> = found.faults.iter().map(|f| f.reason.as_str()).collect();
        assert_eq!((found.len(), faults), (clips, vec![]), "{}", dataset.name);
        // Every field that the record promises is there, in one clip at least.
        for column in dataset.columns {
            let promised = column.becomes.words();
            let Some(field) = promised.split('`').nth(1) else { continue };
            let name = if field.starts_with("song-describer") { "captions" } else { field };
            assert!(found.clips().any(|(_, fields)| fields.contains_key(name)), "{}: no `{name}`", dataset.name);
        }
        // Copies are partial, and say so.
        if dataset.clips > 0 {
            let warned = found.warnings.iter().any(|(_, what)| what.starts_with(&format!("{clips} of the {}", dataset.clips)));
            assert!(warned, "{}: {:?}", dataset.name, found.warnings);
        }
    }
}

#[test]
fn fields_are_what_the_tables_say() {
    let of = |dataset: &str| {
        let place = Place::new();
        build(&place, dataset);
        listing(&place, dataset)
    };
    let tuba = fields(&of("tinysol"), "BTb-ord-F#1-pp-N-N.wav");
    is(&tuba, &[("label", "tuba".into()), ("fold", Value::Int(0)), ("midi", Value::Int(30)), ("dynamic", "pp".into())]);
    is(&tuba, &[("instrument", "Bass Tuba".into()), ("retuned", true.into())]);
    is(&fields(&of("tinysol"), "4c-R.wav"), &[("string", Value::Int(4)), ("retuned", false.into())]);
    is(&fields(&of("medley-solos-db"), "_aa.wav"), &[("label", "female singer".into()), ("subset", "training".into())]);
    let openmic = of("openmic-2018");
    let first = fields(&openmic, "000046_3840.ogg");
    is(&first, &[("labels", list(&["trumpet"])), ("absent", list(&["clarinet", "flute"])), ("split", "train".into())]);
    is(
        &fields(&openmic, "483840.ogg"),
        &[("labels", list(&["mallet_percussion"])), ("absent", list(&[])), ("split", "test".into())],
    );
    let bass = fields(&of("nsynth"), "049-025.wav");
    is(&bass, &[("label", "bass".into()), ("midi", Value::Int(49)), ("split", "train".into())]);
    is(&bass, &[("qualities", list(&["dark", "reverb"])), ("source", "synthetic".into())]);
    is(&fields(&of("gtzan"), "hiphop.00099.wav"), &[("label", "hiphop".into())]);
    let tagged = fields(&of("mtg-jamendo"), "215.low.mp3");
    is(&tagged, &[("labels", list(&["metal", "voice", "dark", "rock"])), ("genre", list(&["metal", "rock"]))]);
    is(&tagged, &[("instrument", list(&["voice"])), ("mood_theme", list(&["dark"])), ("track", "track_0000215".into())]);
    let clips = of("magnatagatune");
    is(&fields(&clips, "a-b-30-59.mp3"), &[("labels", list(&["no voice", "tag 185"])), ("clip", Value::Int(2))]);
    is(&fields(&clips, "c.mp3"), &[("labels", list(&[]))]);
    let tune = fields(&of("musiccaps"), "[30-40].wav");
    is(&tune, &[("captions", list(&["A slow, sad tune; strings."])), ("aspects", list(&["low quality", "it's slow"]))]);
    is(&tune, &[("audioset", list(&["/m/0140xf", "/m/02cjck"])), ("ytid", "-0Gj8-vB1q4".into()), ("balanced", false.into())]);
    is(&fields(&of("song-describer"), "34/1004034.2min.mp3"), &[("captions", list(&["First, with comma", "Second"]))]);
    is(&fields(&of("song-describer-valid"), "34/1004034.2min.mp3"), &[("captions", list(&["First, with comma"]))]);
    is(&fields(&of("muscall"), "track_1.wav"), &[("captions", list(&["First!", "Second"])), ("split", "test".into())]);
    is(
        &fields(&of("esc-50"), "2-7-B-14.wav"),
        &[("label", "chirping_birds".into()), ("fold", Value::Int(2)), ("esc10", false.into())],
    );
    is(&fields(&of("urbansound8k"), "0-117.wav"), &[("label", "children_playing".into()), ("start_s", Value::Float(58.5))]);
}

#[test]
fn faults_name_file_line_and_column() {
    let place = Place::new();
    build(&place, "esc-50");
    let csv = "filename,fold,target,category,esc10,src_file,take,mood\n1-100032-A-0.wav,1,0,dog,True,100032,A,x\n\
               gone.wav,1,0,dog,True,1,A,x\n2-7-B-14.wav,2,14\n1-100032-A-0.wav,1,0,dog,True,100032,A,x\n";
    place.write("set/meta/esc50.csv", csv);
    note(&place, "set/audio/stranger.wav");
    let ran = place.dyad(&["datasets", "check", "esc-50", "set", "--format", "json"]).code(1);
    let told = ran.object();
    assert_eq!((cell(&told, 0, "clips"), cell(&told, 0, "faults")), (&1.into(), &4.into()));
    for (place, what) in [
        ("meta/esc50.csv, line 1, column 8", "`mood` is no column of this dataset"),
        ("meta/esc50.csv, line 3, column `filename`", "`gone.wav` is not below"),
        ("meta/esc50.csv, line 4", "3 cells, expected 8"),
        ("meta/esc50.csv, line 5, column `filename`", "for the second time"),
    ] {
        assert!(ran.out.contains(place) && ran.out.contains(what), "{place}: {}", ran.out);
    }
    assert!(ran.out.contains("2 audio files are not named by the dataset"), "{}", ran.out);
    // The ingest stops before the first file, unless it is told to go on.
    let ran = place.dyad(&["ingest", "--dataset", "esc-50", "set"]).code(1).says("line 1, column 8").says("--skip-bad");
    assert!(ran.err.contains("the first of 4 faults"), "{}", ran.err);
    place.write("set/meta/esc50.csv", "filename,fold,target\n");
    place.dyad(&["datasets", "check", "esc-50", "set"]).code(1).says("has no column `category`");
    std::fs::remove_file(place.at("set/meta/esc50.csv")).unwrap();
    place.dyad(&["datasets", "check", "esc-50", "set"]).code(1).says("has no file `esc50.csv`").says("--annotations");
    place.dyad(&["datasets", "check", "esc-50", "nowhere"]).code(1).says("`nowhere` can't be read");
    place.dyad(&["datasets", "describe", "esc50"]).code(1).says("did you mean `esc-50`?");
}

#[test]
fn values_that_cannot_be_are_faults() {
    let faults = |dataset: &str, file: &str, text: &str| -> Vec<String> {
        let place = Place::new();
        build(&place, dataset);
        place.write(&format!("set/{file}"), text);
        listing(&place, dataset).faults.into_iter().map(|f| format!("{}: {}", f.file, f.reason)).collect()
    };
    let found = faults(
        "openmic-2018",
        "openmic-2018-aggregated-labels.csv",
        "sample_key,instrument,relevance,num_responses\n000046_3840,flute,1.5,3\n",
    );
    assert!(found[0].contains("line 2, column `relevance`: `1.5` is no relevance"), "{found:?}");
    let found = faults(
        "mtg-jamendo",
        "data/autotagging.tsv",
        "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\nt\ta\tb\t14/214.mp3\t1\tpunk\n",
    );
    assert!(found[0].contains("line 2, column `TAGS`: `punk` is no tag"), "{found:?}");
    let found = faults(
        "tinysol",
        "TinySOL_metadata.csv",
        &format!("{TINYSOL}a.wav,0,Brass,Kazoo,Kazoo,ord,ordinario,A4,69,ff,4,0,,TRUE\n"),
    );
    assert!(found[0].contains("column `Instrument (abbr.)`: `Kazoo` is no instrument"), "{found:?}");
    let found = faults("gtzan", "genres/polka/polka.00000.wav", "x");
    assert!(found[0].contains("polka.00000.wav: the name is not `GENRE.NUMBER.wav`"), "{found:?}");
    let found = faults("magnatagatune", "annotations_final.csv", "clip_id\ta\tmp3_path\n1\t2\tf/c.mp3\n");
    assert!(found[0].contains("1 tags, expected 188") && found[1].contains("column `a`: `2` is neither 0 nor 1"), "{found:?}");
    let place = Place::new();
    build(&place, "nsynth");
    place.write("set/nsynth-test/examples.json", "{\"x\": {\"pitch\": \"high\"}}");
    place.dyad(&["datasets", "check", "nsynth", "set"]).code(1).says("it is not as NSynth has it");
}

#[test]
fn a_mirdata_index_is_held_against_its_checksums() {
    let place = Place::new();
    for name in ["audio/a.wav", "audio/b.wav"] {
        place.write(&format!("set/{name}"), "hello");
    }
    place.write("set/beats/a.txt", "1");
    let index = r#"{"version": "1.0", "metadata": {"info": ["info.csv", "00"]}, "tracks": {
        "A": {"audio": ["audio/a.wav", "5d41402abc4b2a76b9719d911017c592"], "beats": ["beats/a.txt", "bad"], "f0": [null, null]},
        "B": {"audio": ["audio/b.wav", "5d41402abc4b2a76b9719d911017c593"]},
        "C": {"audio_mix": ["audio/c.wav", null]}}}"#;
    place.write("some_index.json", index);
    let ran = place.dyad(&["datasets", "check", "some_index.json", "set"]).code(1);
    for what in [
        "track `A`, `beats`",
        "track `B`, `audio`",
        "has the MD5 5d41402abc4b2a76b9719d911017c592",
        "`audio/c.wav` is not below",
        "metadata `info`",
    ] {
        assert!(ran.out.contains(what), "{what}: {}", ran.out);
    }
    let (index, folder) = (place.at("some_index.json"), place.at("set"));
    let request = Request { dataset: index.to_str().unwrap(), folder: &folder, annotations: None, thorough: false };
    let found = read(&request).unwrap();
    // An ingest asks for the audio only.
    assert_eq!((found.len(), found.faults.len()), (1, 2));
    is(&fields(&found, "a.wav"), &[("track", "A".into())]);
    place.write("bad.json", "{\"tracks\": 3}");
    place.dyad(&["datasets", "check", "bad.json", "set"]).code(1).says("it is no index of mirdata");
}

/// Shapes of real indexes: phenicx_anechoic's and filosax's multitracks, a null part, and mirdata's own first ones.
#[test]
fn every_shape_of_a_mirdata_index_is_read() {
    let place = Place::new();
    for name in ["audio/horn1.wav", "audio/horn2.wav", "audio/mix [a].wav", "10161_chorus.wav"] {
        place.write(&format!("set/{name}"), "hello");
    }
    let good = "5d41402abc4b2a76b9719d911017c592";
    let shapes = [
        format!(
            r#"{{"version": "sample", "metadata": null, "tracks": {{
                "b-horn": {{"audio_horn1": ["audio/horn1.wav", "{good}"], "audio_horn2": ["audio/horn2.wav", "{good}"], "midi": [null, null]}}}},
                "multitracks": {{"b": {{"tracks": ["b-horn", "b-violin"], "audio": ["audio/mix [a].wav", "{good}"]}}}}}}"#
        ),
        format!(r#"{{"tracks": {{"x": {{"audio": ["10161_chorus.wav", "{good}"]}}}}, "multitracks": null}}"#),
        format!(
            r#"{{"10161_chorus": {{"audio": ["10161_chorus.wav", "{good}"]}}, "10161_verse": {{"audio": ["10161_verse.wav", "{good}"]}},
                "10162": {{"audio": ["audio/horn1.wav", "3f77d0d69dc41b3696f074ad6bf2852z"]}}}}"#
        ),
    ];
    for (index, (clips, faults)) in shapes.iter().zip([(3, 0), (1, 0), (1, 2)]) {
        let (file, folder) = (place.write("i.json", index), place.at("set"));
        let request = Request { dataset: file.to_str().unwrap(), folder: &folder, annotations: None, thorough: true };
        let found = read(&request).unwrap();
        assert_eq!((found.len(), found.faults.len()), (clips, faults), "{index}: {:?}", found.faults);
    }
    for other in ["{}", "{\"name\": \"a package\"}", "{\"tracks\": [1]}"] {
        place.write("i.json", other);
        let ran = place.dyad(&["datasets", "check", "i.json", "set"]);
        assert_eq!(ran.code, Some(1), "{other}: {}", ran.out);
    }
}

#[test]
fn tables_of_paths_and_captions_stand_for_a_dataset() {
    let place = Place::new();
    build(&place, "muscall");
    place.write("list.tsv", "path\tlabels\tsplit\naudio/track_1.wav\ttuba;flute\ttrain\naudio/track_9.wav\tflute\ttest\n");
    place.write("list.jsonl", "{\"audio_path\": \"track_2.wav\", \"captions\": [\"One.\", \"Two.\"]}\n");
    let of = |file: &str| {
        let (file, folder) = (place.at(file), place.at("set"));
        read(&Request { dataset: file.to_str().unwrap(), folder: &folder, annotations: None, thorough: false }).unwrap()
    };
    let found = of("list.tsv");
    is(&fields(&found, "track_1.wav"), &[("labels", list(&["tuba", "flute"])), ("split", "train".into())]);
    assert_eq!((found.len(), found.faults[0].file.as_str()), (1, "list.tsv, line 3"));
    is(&fields(&of("list.jsonl"), "track_2.wav"), &[("captions", list(&["One.", "Two."]))]);
    // A name of two files that lie as high means neither.
    place.write("set/other/track_2.wav", "");
    let found = of("list.jsonl");
    let reason = "`track_2.wav` may be `audio/track_2.wav` or `other/track_2.wav`: expected a path that says which";
    assert_eq!((found.len(), found.faults[0].reason.as_str()), (0, reason));
    std::fs::remove_file(place.at("set/other/track_2.wav")).unwrap();
    let found = of("set/dataset_test.json");
    is(&fields(&found, "track_1.wav"), &[("captions", list(&["First!", "Second"]))]);
}

#[test]
fn a_dataset_is_ingested_with_its_labels() {
    let place = Place::new();
    build(&place, "openmic-2018");
    place.write("set/audio/000/000135_483840.ogg", "no audio");
    place.dyad(&["ingest", "--dataset", "openmic-2018", "set", "--no-index"]).code(1).shows("could not be read");
    let told = &place.json(&["list clips where labels = \"trumpet\" and absent = \"flute\""])[0];
    assert_eq!(cell(told, 0, "labels"), &serde_json::json!(["trumpet"]));
    let csv = place.dyad(&["-c", "list clips as csv"]).ok();
    assert!(csv.out.contains(r#""[""trumpet""]""#), "{}", csv.out);
    // Other labels take the place of these.
    place.write("one.csv", "file,label\n000046_3840.ogg,horn\n");
    place.dyad(&["ingest", "--dataset", "openmic-2018", "set", "--no-index", "--skip-bad", "--labels", "one.csv"]).ok();
    let told = &place.json(&["list clips where label = \"horn\""])[0];
    assert_eq!(told["rows"].as_array().map(Vec::len), Some(1));
    for args in [&["ingest", "--dataset", "openmic-2018", "set", "set"][..], &["ingest", "--annotations", "x", "set"]] {
        assert_ne!(place.dyad(args).code, Some(0));
    }
}

#[test]
fn datasets_are_listed_and_described() {
    let place = Place::new();
    let all = place.dyad(&["datasets"]).ok();
    for dataset in &DATASETS {
        assert!(all.out.contains(dataset.name), "{}", all.out);
        let told = place.dyad(&["datasets", "describe", dataset.name]).ok();
        assert!(told.out.contains(dataset.licence) && told.out.contains(dataset.citation), "{}", told.out);
    }
}
