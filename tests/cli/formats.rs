//! Every `--format`, and what a pipe gets of colours.

use super::program::{Place, toy};

#[test]
fn every_format_can_be_read_by_its_readers() {
    let place = Place::new();
    toy::import(&place);
    let ran = |format: &str, statement: &str| place.dyad(&["--format", format, "-c", statement]).ok().out;

    let table = ran("table", "classify clips top 2");
    assert!(table.contains("top1") && table.contains("0.875") && table.contains("dyad "), "{table}");
    for (format, separator) in [("csv", b','), ("tsv", b'\t')] {
        let text = ran(format, "list clips order by midi desc");
        let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap(), vec!["id", "label", "midi", "take"]);
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!((rows.len(), &rows[0][0], &rows[0][2]), (8, "tuba/7.wav", "67"));
    }
    let json: serde_json::Value = serde_json::from_str(&ran("json", "count clips")).unwrap();
    assert_eq!(json["rows"][0][0], 8);
    let jsonl = ran("jsonl", "count clips; count labels in words");
    assert_eq!(jsonl.lines().count(), 2);
    let markdown = ran("markdown", "count clips by label");
    assert!(markdown.contains("| label | count |") && markdown.contains("| tuba | 2 |"), "{markdown}");
    let plot = ran("plot", "count clips by label");
    assert!(plot.contains("tuba") && plot.contains('█'), "{plot}");
    for format in ["table", "csv", "tsv", "json", "jsonl", "markdown", "plot"] {
        for statement in
            ["count clips", "show models", "help", "help classify", "explain classify clips", "set seed=1", "describe notes"]
        {
            let own = place.dyad(&["-c", &format!("count clips as {format}")]).ok();
            assert_eq!(own.out, ran(format, "count clips").replace("count clips\"", &format!("count clips as {format}\"")));
            assert!(!ran(format, statement).contains('\u{1b}'), "{format} of {statement}");
        }
    }
}

#[test]
fn colours_on_demand_only() {
    let place = Place::new();
    toy::import(&place);
    let statement = ["-c", "classify clips top 1"];
    let colour = |args: &[&str], variable: Option<(&str, &str)>| {
        let args = [args, &statement].concat();
        let mut command = place.command(&args);
        if let Some((name, value)) = variable {
            command.env(name, value);
        }
        String::from_utf8(command.output().unwrap().stdout).unwrap().contains('\u{1b}')
    };
    assert!(!colour(&[], None));
    assert!(colour(&["--color", "always"], None));
    assert!(!colour(&["--color", "never"], None));
    assert!(!colour(&[], Some(("NO_COLOR", "1"))));
    // What the command line says goes before the environment.
    assert!(colour(&["--color", "always"], Some(("NO_COLOR", "1"))));
}

#[test]
fn prose_as_csv_is_text() {
    let place = Place::new();
    for statement in ["help classify", "show ontology hdio"] {
        place.dyad(&["--format", "csv", "-c", statement]).ok().shows("\n");
    }
}
