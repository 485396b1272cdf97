//! Statements as docs/language.md has them, on the bundled data: what each gives, not how well the model does.

use dyad::progress::{Silent, StopAfter};
use dyad::query::split::{Continuation, split};
use dyad::report::Report;
use dyad::session::{Failure, Session};

use crate::store::{output, session};

fn report(session: &mut Session, source: &str) -> Report {
    let pieces = split(source, Continuation::Indented);
    let [Ok(piece)] = pieces.as_slice() else { panic!("{source}: {pieces:?}") };
    session.execute(*piece, &Silent).unwrap_or_else(|f| panic!("{}", f.diagnostic().render(source, None))).report
}

fn value(report: &Report, name: &str) -> f64 {
    report.metric(name).unwrap_or_else(|| panic!("no `{name}`")).value
}

#[test]
fn an_ensemble_is_one_prompt_and_a_sweep_is_many() {
    let mut s = session();
    let ensemble = report(&mut s, r#"classify clips where prompt=("A <> track", "Sound of <>") and resamples=0"#);
    assert_eq!(ensemble.context.prompts, ["A <> track", "Sound of <>"]);
    let listed = report(&mut s, r#"classify clips where prompts=("A <> track", "Sound of <>") and resamples=0"#);
    assert_eq!(listed.tables[0].rows.len(), 2);
    let alone = report(&mut s, r#"classify clips where prompt="A <> track" and resamples=0"#);
    let (row, top1) = (&listed.tables[0].rows[0], listed.tables[0].column("top1").unwrap());
    assert_eq!(row[top1].as_f64(), Some(value(&alone, "top1")));
    let set = report(&mut s, "classify clips prompts=controls resamples=0");
    assert_eq!(set.tables[0].rows.len(), 5);
    assert_eq!(value(&set, "top1_spread"), value(&set, "top1_best") - value(&set, "top1_worst"));
    // An ensemble of one prompt twice is that prompt.
    let twice = report(&mut s, r#"classify clips where prompt=("A <> track", "A <> track") and resamples=0"#);
    assert_eq!(value(&twice, "top1"), value(&alone, "top1"));
}

#[test]
fn what_was_read_stands_beside_a_prompt_that_is_only_named() {
    let mut s = session();
    let context = report(&mut s, "classify clips prompts=ismir2024 resamples=0").context.to_json();
    let wording = context["wording"].as_object().unwrap();
    let named = ["ismir2024/definition", "ismir2024/definition-without-label", "ismir2024/random-context"];
    assert_eq!(wording.keys().collect::<Vec<_>>(), named);
    assert!(wording.values().all(|labels| labels.as_object().unwrap().len() == 14), "{wording:?}");
    let horn = |prompt: &str| wording[prompt]["french_horn"].as_str().unwrap();
    assert!(horn(named[0]).starts_with("The french horn is a brass instrument"), "{}", horn(named[0]));
    assert!(horn(named[1]).starts_with("The is a brass instrument") && horn(named[2]).starts_with("french horn "));
    // Templates say themselves what was read.
    let controls = report(&mut s, "classify clips prompts=controls resamples=0").context.to_json();
    assert!(controls["prompts"].as_array().unwrap().len() == 5 && controls.get("wording").is_none(), "{controls}");
    let terms = report(&mut s, "triplets labels=tinysol prompts=ismir2024 resamples=0").context.to_json();
    assert_eq!(terms["wording"][named[0]]["french horn"], wording[named[0]]["french_horn"]);
    let usual = report(&mut s, "sensitivity clips resamples=0").context.to_json();
    assert!(usual["wording"]["sensitivity/random-context"]["violin"].is_string(), "{usual}");
}

#[test]
fn both_statements_of_the_user_run_to_the_letter() {
    let mut s = session();
    let first = report(&mut s, r#"classify clip where prompt="A <> track" top 3"#);
    assert!(first.metric("top3").is_some() && first.metric("top4").is_none());
    assert_eq!(report(&mut s, "triplets ontology=hdio").context.n, Some(242_312));
    // Keywords in any case, words in any order, a comment, lines that are indented.
    let same = report(&mut s, "CLASSIFY clips\n  TOP 3 # best three\n  Where Prompt='A <> track'");
    assert_eq!(same.metrics, first.metrics);
}

#[test]
fn sums_weigh_their_texts() {
    let mut s = session();
    let ids = |report: &Report| report.tables[0].rows.iter().map(|row| row[1].to_string()).collect::<Vec<_>>();
    let plain = report(&mut s, r#"search clips for "cello" top 5"#);
    let doubled = report(&mut s, r#"search clips for 2 * "cello" top 5"#);
    assert_eq!(ids(&plain), ids(&doubled), "a length is no direction");
    let nothing = report(&mut s, r#"search clips for "cello" + 0.000001 * "flute" top 5"#);
    assert_eq!(ids(&plain), ids(&nothing));
    let minus = report(&mut s, r#"search clips for "cello" - 1 * "flute" top 5"#);
    let without = report(&mut s, r#"search clips for "cello" without "flute" top 5"#);
    assert_eq!(ids(&minus), ids(&without));
}

#[test]
fn conditions_fields_order_and_limit() {
    let mut s = session();
    let count = |s: &mut Session, condition: &str| report(s, &format!("count clips where {condition}")).context.n.unwrap();
    let all = report(&mut s, "count clips").context.n.unwrap();
    let loud = count(&mut s, "dynamic = \"ff\"");
    assert!(loud > 0 && loud < all);
    assert_eq!(count(&mut s, "not dynamic = \"ff\""), all - loud);
    assert_eq!(count(&mut s, "dynamic != \"ff\""), all - loud);
    assert_eq!(count(&mut s, "dynamic in (\"ff\") or (dynamic in ('mf', 'pp') and midi >= 0)"), all);
    assert_eq!(count(&mut s, "label like \"viol_\""), count(&mut s, "label = viola"));
    assert_eq!(count(&mut s, "label like \"%a\" and not label like \"tub%\""), count(&mut s, "label = viola"));
    assert_eq!(count(&mut s, "label is not null and midi < 60") + count(&mut s, "midi >= 60"), all);
    assert_eq!(count(&mut s, "meta.dynamic = \"ff\""), loud);
    let list = report(&mut s, "list clips where label=\"violin\" order by midi desc limit 3");
    let midi = list.tables[0].column("midi").unwrap();
    let notes: Vec<f64> = list.tables[0].rows.iter().map(|row| row[midi].as_f64().unwrap()).collect();
    assert!(notes.len() == 3 && notes.is_sorted_by(|a, b| a >= b), "{notes:?}");
    let by = report(&mut s, "count clips by dynamic");
    assert_eq!(by.tables[0].rows.len(), 3);
    let folds = report(&mut s, "classify clips using prototypes by dynamic resamples=0");
    assert!(folds.context.extra.iter().any(|(name, v)| name == "protocol" && v.to_string().contains("dynamic")));
}

#[test]
fn results_are_named_listed_and_held_to_expectations() {
    let mut s = session();
    output(&mut s, "let words = classify clips top 3 resamples=0\nlet sounds = classify clips using prototypes resamples=0")
        .unwrap();
    let listed = report(&mut s, "show results");
    let rows: Vec<String> = listed.tables[0].rows.iter().map(|row| format!("{} {}", row[0], row[1])).collect();
    assert_eq!(rows, ["sounds classify clips using prototypes resamples=0", "words classify clips top 3 resamples=0"]);
    output(&mut s, "count clips\nexpect n > 100\n  and n < 1000").unwrap();
    let fault = output(&mut s, "count clips\nexpect n > 100\n  and n < 100").unwrap_err();
    assert!(fault.contains("not as expected: n = 210") && fault.contains("2 | expect n > 100"), "{fault}");
}

#[test]
fn files_take_the_format_of_their_name() {
    let mut s = session();
    let dir = tempfile::tempdir().unwrap();
    let statement = |name: &str, rest: &str| format!("count clips by label {rest} into \"{}\"", dir.path().join(name).display());
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    for (name, rest) in [("a.csv", ""), ("b.json", ""), ("c.md", ""), ("d.txt", "as tsv"), ("e.txt", "as plot")] {
        assert_eq!(output(&mut s, &statement(name, rest)).unwrap(), "", "the terminal gets nothing");
    }
    assert!(read("a.csv").starts_with("label,count\n"));
    assert!(read("d.txt").starts_with("label\tcount\n"));
    assert!(serde_json::from_str::<serde_json::Value>(&read("b.json")).unwrap()["rows"].as_array().unwrap().len() == 14);
    assert!(read("c.md").contains("| label |") || read("c.md").contains("|---"), "{}", read("c.md"));
    assert!(read("e.txt").contains("violin"), "{}", read("e.txt"));
}

#[test]
fn every_figure_is_drawn() {
    let mut s = session();
    for statement in [
        "classify clips resamples=0",
        "classify clips confusion resamples=0",
        "classify clips prompts=controls resamples=0",
        "triplets ontology=hdio labels=tinysol resamples=0",
        "count clips by label",
    ] {
        assert!(!report(&mut s, statement).figures.is_empty(), "{statement}");
        let drawn = output(&mut s, &format!("{statement} as plot")).unwrap();
        assert!(drawn.lines().count() > 5 && drawn.lines().all(|line| line.chars().count() <= 130), "{statement}\n{drawn}");
    }
}

#[test]
fn own_prompt_sets_and_ontologies_lie_in_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let workspace = || dyad::workspace::Workspace::open(dir.path(), &[]).unwrap();
    drop(workspace());
    for folder in ["prompts", "ontologies"] {
        std::fs::create_dir_all(dir.path().join(folder)).unwrap();
    }
    let prompts = "name = \"mine\"\ndescription = \"two\"\nsource = \"own\"\n[[prompt]]\nname = \"a\"\ntemplate = \"Hear <>\"\n[[prompt]]\nname = \"b\"\ntemplate = \"<> here\"\n";
    std::fs::write(dir.path().join("prompts/mine.toml"), prompts).unwrap();
    std::fs::write(dir.path().join("ontologies/zoo.txt"), "birds\n  owl\n  wren\nbeasts\n  fox\n  bear\n").unwrap();
    let mut s = Session::new(workspace());
    let shown = output(&mut s, "show prompts; show ontologies; describe mine; show ontology zoo").unwrap();
    for word in ["mine", "Hear <>", "<> here", "zoo", "wren"] {
        assert!(shown.contains(word), "{word} in {shown}");
    }
    let judged = report(&mut s, "triplets ontology=zoo resamples=0");
    assert_eq!(judged.context.extra.iter().find(|(name, _)| name == "labels").unwrap().1.to_string(), "4");
    assert!(output(&mut s, "triplets ontology=zo").unwrap_err().contains("did you mean `zoo`?"));
}

#[test]
fn explain_counts_the_work_and_analyze_measures_it() {
    let mut s = session();
    let plan = output(&mut s, "explain classify clips where dynamic=\"ff\" and prompt=\"Never read before: <>\"").unwrap();
    assert!(plan.contains("texts to read") && plan.contains("14 of 14"), "{plan}");
    let again = output(&mut s, "explain classify clips where dynamic=\"ff\" and prompt=\"Never read before: <>\"").unwrap();
    assert_eq!(plan, again, "explain reads no text");
    let ran = report(&mut s, "explain analyze classify clips resamples=50");
    let stages: Vec<String> = ran.tables[1].rows.iter().map(|row| row[0].to_string()).collect();
    assert!(
        stages.contains(&"resampling".to_owned()) && stages.ends_with(&["the rest".to_owned(), "all".to_owned()]),
        "{stages:?}"
    );
}

#[test]
fn a_stopped_statement_keeps_the_session() {
    let mut s = session();
    output(&mut s, "set seed=7").unwrap();
    for statement in [
        "classify clips",
        "triplets ontology=hdio",
        "search clips for \"a text that was never read\"",
        "classify clips prompts=(\"a <> that\", \"was <> never read\")",
        "list clips",
        "check model musicnn-minilm",
    ] {
        let piece = split(statement, Continuation::Explicit).remove(0).unwrap();
        assert!(matches!(s.execute(piece, &StopAfter::default()), Err(Failure::Interrupted)), "{statement}");
    }
    assert!(output(&mut s, "show settings").unwrap().contains('7'));
    output(&mut s, "classify clips resamples=10").unwrap();
}
