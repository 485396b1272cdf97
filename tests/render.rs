//! Reports as they are written, held as golden files, and what no report may do to a terminal.
//!
//! `DYAD_BLESS=1 cargo test --test render` rewrites `tests/golden/render`.

use std::path::Path;

use dyad::render::{Format, Style, renderer};
use dyad::report::{Estimate, Figure, Report, Table};
use dyad::value::Value;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unicode_width::UnicodeWidthStr;

fn render(report: &Report, format: Format, style: &Style) -> String {
    let mut out = Vec::new();
    renderer(format, style).report(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/render").join(name);
    if std::env::var_os("DYAD_BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{name} differs; DYAD_BLESS=1 rewrites it");
}

fn terminal(width: usize) -> Style {
    Style { width: Some(width), ..Style::default() }
}

/// What `classify` gives: metrics, a table per class, the confusion matrix, one note.
fn classify() -> Report {
    let mut report = Report::new("classify");
    report.statement = "classify clip where prompt=\"A <> track\" by=class top 3".into();
    let context = &mut report.context;
    context.store = Some(".dyad".into());
    context.collection = Some("tinysol".into());
    context.model = Some("music-clap".into());
    context.model_hash = Some("9f2c51aa03de77b1c0ffee".into());
    context.space = Some("joint".into());
    context.prompts = vec!["A <> track".into()];
    context.similarity = Some("cosine, greater is nearer".into());
    context.exact = Some(true);
    context.seed = Some(0);
    context.n = Some(2913);
    context.fact("chance", 1.0 / 14.0);
    context.fact("ties", 0_usize);
    context.fact("confidence", 0.95);
    context.fact("resamples", 1000_usize);
    context.fact("backend", "onnxruntime 1.24.4");
    report.metrics = vec![
        Estimate::interval("top1", 0.47118, 0.4531, 0.4889),
        Estimate::interval("top2", 0.64, 0.622, 0.658),
        Estimate::interval("roc_auc", 0.8751, 0.869, 0.8812),
        Estimate::point("median_rank", 2.0),
        Estimate::point("pr_auc", f64::NAN),
    ];
    let mut table = Table::new(["label", "n", "f1", "roc_auc"]);
    table.push(vec!["violin".into(), 284_usize.into(), 0.8123.into(), 0.97.into()]);
    table.push(vec!["笛子 (dízi)".into(), 12_usize.into(), 0.05.into(), f64::NAN.into()]);
    table.push(vec!["french_horn".into(), 134_usize.into(), 0.5.into(), 1e-7.into()]);
    table.push(vec!["oboe".into(), 0_usize.into(), Value::Null, Value::Null]);
    report.tables = vec![table, spans()];
    report.figures = vec![confusion()];
    report.notes = vec!["class `oboe` has no clip: it counts in no mean".into()];
    report
}

fn spans() -> Table {
    let mut table =
        Table::new(["id", "start", "length", "right"]).titled("Least certain clips").unit("start", "s").unit("length", "s");
    table.push(vec!["strings/violin/ordinario/Vn-ord-A#3-ff-4c-T17d.wav".into(), 0.0.into(), 2.5.into(), true.into()]);
    table.push(vec!["winds/flute/Fl-ord-C4-mf.wav".into(), 2.5.into(), 10.25.into(), false.into()]);
    table
}

fn confusion() -> Figure {
    let labels: Vec<String> = ["violin", "笛子", "french_horn"].map(String::from).into();
    let values = vec![vec![0.93, 0.07, 0.0], vec![0.3, 0.5, 0.2], vec![0.05, f64::NAN, 0.7]];
    Figure::Heat { title: "Confusion".into(), rows: labels.clone(), columns: labels, values, counts: false }
}

fn histogram() -> Figure {
    let bell = |center: f64, n: f64| (0..40).map(|i| (n * (-((f64::from(i) - center) / 5.0).powi(2)).exp()).round()).collect();
    let edges = (0..=40).map(|i| -0.2 + 0.025 * f64::from(i)).collect();
    let series = vec![("negative".to_owned(), bell(14.0, 4000.0)), ("positive".to_owned(), bell(24.0, 300.0))];
    Figure::Histogram { title: "Similarity of pairs".into(), unit: "cosine".into(), edges, series }
}

fn figures() -> Report {
    let mut report = Report::new("similarity");
    report.metrics = vec![Estimate::point("overlap", 0.41)];
    let single = match histogram() {
        Figure::Histogram { title, unit, edges, series } => {
            Figure::Histogram { title, unit, edges, series: series[..1].to_vec() }
        }
        other => other,
    };
    let bars = vec![
        ("A <> track".to_owned(), Estimate::interval("top1", 0.471, 0.453, 0.489)),
        ("bare label".to_owned(), Estimate::point("top1", 0.29)),
        ("difference".to_owned(), Estimate::interval("top1", -0.2, -0.35, -0.05)),
    ];
    let columns = ["joint", "pre-joint"].map(String::from).into();
    let values = vec![vec![0.2, 0.9], vec![0.6, 0.4], vec![0.1, 0.7]];
    let rows = ["tuba", "oboe", "viola"].map(String::from).into();
    report.figures = vec![
        histogram(),
        single,
        Figure::Bars { title: "Prompts".into(), unit: String::new(), bars },
        Figure::Heat { title: "Spaces".into(), rows, columns, values, counts: false },
        Figure::Bars { title: "Empty".into(), unit: String::new(), bars: Vec::new() },
    ];
    report
}

#[test]
fn a_report_as_every_format() {
    for format in Format::NAMES {
        let style = Style { width: Some(100), ..Style::default() };
        golden(&format!("classify.{format}"), &render(&classify(), Format::parse(format).unwrap(), &style));
    }
}

#[test]
fn a_report_at_other_terminals() {
    golden("classify.narrow.txt", &render(&classify(), Format::Table, &terminal(48)));
    golden("classify.tiny.txt", &render(&classify(), Format::Table, &terminal(24)));
    golden("classify.pipe.txt", &render(&classify(), Format::Table, &Style::default()));
    golden("classify.ascii.txt", &render(&classify(), Format::Table, &Style { unicode: false, ..terminal(80) }));
    golden("classify.color.txt", &render(&classify(), Format::Table, &Style { color: true, max_rows: Some(1), ..terminal(80) }));
    golden("classify.bare.csv", &render(&classify(), Format::Csv, &Style { headers: false, ..Style::default() }));
}

#[test]
fn figures_in_characters() {
    golden("figures.unicode.txt", &render(&figures(), Format::Plot, &terminal(80)));
    golden("figures.ascii.txt", &render(&figures(), Format::Plot, &Style { unicode: false, ..terminal(60) }));
    golden("figures.narrow.txt", &render(&figures(), Format::Plot, &terminal(30)));
    golden("figures.color.txt", &render(&figures(), Format::Plot, &Style { color: true, ..terminal(60) }));
    let without = Report { figures: Vec::new(), ..classify() };
    golden("figures.none.txt", &render(&without, Format::Plot, &terminal(60)));
    let nothing = Report::new("show");
    assert_eq!(render(&nothing, Format::Plot, &terminal(60)), "note:  nothing to plot in a `show` result\n");
}

#[test]
fn metrics_stand_in_for_a_missing_table() {
    let report = Report { tables: Vec::new(), ..classify() };
    let csv = render(&report, Format::Csv, &Style::default());
    assert_eq!(csv.lines().next(), Some("metric,value,low,high"));
    assert!(csv.contains("\ntop1,0.47118,0.4531,0.4889\n") && csv.ends_with("\npr_auc,,,\n"), "{csv}");
    assert_eq!(render(&Report::new("use"), Format::Csv, &Style::default()), "");
}

#[test]
fn json_reads_back() {
    let pretty: serde_json::Value = serde_json::from_str(&render(&classify(), Format::Json, &Style::default())).unwrap();
    assert_eq!(pretty, classify().to_json());
    let line = render(&classify(), Format::Jsonl, &Style::default());
    assert_eq!(line.matches('\n').count(), 1);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), pretty);
}

#[test]
fn a_cell_keeps_its_bytes_in_csv_and_loses_its_power_at_a_terminal() {
    let mut report = Report::new("list");
    report.context.collection = Some("\x1b]0;owned\x07".into());
    report.notes = vec!["read `\x1b[2J.wav`\nsecond line".into()];
    let mut table = Table::new(["id\x1b[1m", "x"]).titled("\x1b[31mred");
    table.push(vec!["evil\x1b[2J\r\n\u{202e}.wav".into(), 1_usize.into()]);
    report.figures =
        vec![Figure::Bars { title: "\x07".into(), unit: "\x08".into(), bars: vec![("\x1b".into(), Estimate::point("m", 0.5))] }];
    report.tables = vec![table];
    for format in [Format::Table, Format::Plot, Format::Markdown] {
        let text = render(&report, format, &terminal(60));
        assert!(!text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
    }
    assert!(render(&report, Format::Csv, &Style::default()).contains("evil\x1b[2J\r\n"));
}

/// Any report at any width: no panic, no line beyond the terminal, no control character.
#[test]
fn odd_reports_are_laid_out() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for round in 0..300 {
        let report = odd_report(&mut rng);
        let width = rng.random_range(20..90);
        let unicode = rng.random_bool(0.5);
        let style = Style {
            width: Some(width),
            unicode,
            max_rows: rng.random_bool(0.5).then_some(2),
            headers: rng.random_bool(0.9),
            color: false,
        };
        for format in Format::NAMES {
            let text = render(&report, Format::parse(format).unwrap(), &style);
            if format == "table" || format == "plot" {
                for line in text.lines() {
                    assert!(line.width() <= width, "round {round}, {format} at {width}: {line:?}");
                    assert!(!line.contains(char::is_control), "round {round}: {line:?}");
                }
            }
        }
        render(&report, Format::Table, &Style { color: true, ..Style::default() });
        for tiny in 0..8 {
            render(&report, Format::Table, &terminal(tiny));
            render(&report, Format::Plot, &terminal(tiny));
        }
    }
}

fn odd_text(rng: &mut ChaCha8Rng) -> String {
    const PIECES: [&str; 12] = [
        "violin",
        " ",
        "笛子",
        "\u{1b}[2J",
        "\n",
        "👩‍🚀",
        "e\u{301}",
        "_",
        "|",
        "a-very-long-word-without-any-break-in-it",
        "\t",
        "\u{0}",
    ];
    let pieces = if rng.random_bool(0.02) { 900 } else { rng.random_range(0..8) };
    (0..pieces).map(|_| PIECES[rng.random_range(0..PIECES.len())]).collect()
}

fn odd_number(rng: &mut ChaCha8Rng) -> f64 {
    const ODD: [f64; 8] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1e300, 1e-300, f64::MIN];
    if rng.random_bool(0.4) { ODD[rng.random_range(0..ODD.len())] } else { rng.random_range(-2.0..2.0) }
}

fn odd_report(rng: &mut ChaCha8Rng) -> Report {
    let mut report = Report::new("odd");
    report.context.collection = Some(odd_text(rng));
    report.context.model = Some(odd_text(rng));
    report.context.model_hash = Some("é".into());
    report.context.prompts = vec![odd_text(rng)];
    report.context.fact("confidence", odd_number(rng));
    report.context.fact("odd", odd_text(rng));
    report.notes = (0..rng.random_range(0..3)).map(|_| odd_text(rng)).collect();
    for _ in 0..rng.random_range(0..4) {
        report.metrics.push(Estimate {
            name: odd_text(rng),
            value: odd_number(rng),
            low: Some(odd_number(rng)),
            high: Some(odd_number(rng)),
            counts: rng.random(),
        });
    }
    for _ in 0..rng.random_range(0..3) {
        let columns: Vec<String> = (0..rng.random_range(0..9)).map(|_| odd_text(rng)).collect();
        let mut table = Table::new(columns.iter().map(String::as_str)).titled(odd_text(rng));
        for _ in 0..rng.random_range(0..4) {
            // Rows of the wrong length must not matter either.
            let cells = if rng.random_bool(0.9) { columns.len() } else { rng.random_range(0..9) };
            let cell = |rng: &mut ChaCha8Rng| match rng.random_range(0..4) {
                0 => Value::Null,
                1 => Value::Float(odd_number(rng)),
                2 => Value::Int(rng.random()),
                _ => Value::Text(odd_text(rng)),
            };
            table.rows.push((0..cells).map(|_| cell(rng)).collect());
        }
        report.tables.push(table);
    }
    let numbers = |rng: &mut ChaCha8Rng| (0..rng.random_range(0..100)).map(|_| odd_number(rng)).collect::<Vec<f64>>();
    let texts = |rng: &mut ChaCha8Rng| (0..rng.random_range(0..30)).map(|_| odd_text(rng)).collect::<Vec<String>>();
    for _ in 0..rng.random_range(0..3) {
        let figure = match rng.random_range(0..3) {
            0 => {
                let series = (0..rng.random_range(0..4)).map(|_| (odd_text(rng), numbers(rng))).collect();
                Figure::Histogram { title: odd_text(rng), unit: odd_text(rng), edges: numbers(rng), series }
            }
            1 => {
                let bars = texts(rng)
                    .into_iter()
                    .map(|t| (t, Estimate::interval("m", odd_number(rng), odd_number(rng), odd_number(rng))))
                    .collect();
                Figure::Bars { title: odd_text(rng), unit: String::new(), bars }
            }
            _ => {
                let values = (0..rng.random_range(0..5)).map(|_| numbers(rng)).collect();
                Figure::Heat { title: odd_text(rng), rows: texts(rng), columns: texts(rng), values, counts: rng.random_bool(0.5) }
            }
        };
        report.figures.push(figure);
    }
    report
}
