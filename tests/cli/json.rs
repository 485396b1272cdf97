//! The JSON contract of docs/json.md: keys, metric names, context fields.

use serde_json::Value;

use super::program::{Place, toy};

const KEYS: [&str; 10] = ["dyad", "statement", "before", "kind", "context", "metrics", "columns", "rows", "tables", "notes"];
const CONTEXT: [&str; 11] =
    ["store", "collection", "model", "model_hash", "space", "prompts", "similarity", "exact", "recall", "seed", "n"];
const CLASSIFY: [&str; 10] =
    ["top1", "top2", "top3", "top4", "top5", "f1_weighted", "f1_macro", "balanced_accuracy", "roc_auc", "pr_auc"];

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// What holds of every object.
fn hold(object: &Value, statement: &str, kind: &str) {
    assert_eq!(keys(object).iter().filter(|k| **k != "text").copied().collect::<Vec<_>>(), KEYS, "{statement}");
    assert_eq!(object["dyad"], env!("CARGO_PKG_VERSION"));
    assert_eq!(object["statement"], statement);
    assert_eq!(object["kind"], kind);
    assert_eq!(keys(&object["context"])[..CONTEXT.len()], CONTEXT, "{statement}");
    for (name, metric) in object["metrics"].as_object().unwrap() {
        assert_eq!(keys(metric), ["value", "low", "high"], "{statement}: {name}");
        if let (Some(low), Some(value), Some(high)) = (metric["low"].as_f64(), metric["value"].as_f64(), metric["high"].as_f64())
        {
            assert!(low <= value && value <= high, "{statement}: {name} {metric}");
        }
    }
    let mut tables = vec![object];
    tables.extend(object["tables"].as_array().unwrap());
    for table in tables {
        let width = table["columns"].as_array().unwrap().len();
        assert!(table["rows"].as_array().unwrap().iter().all(|row| row.as_array().unwrap().len() == width), "{statement}");
    }
    assert!(object["notes"].as_array().unwrap().iter().all(Value::is_string));
}

#[test]
fn every_statement_keeps_the_contract() {
    let place = Place::new();
    toy::import(&place);
    let statements = [
        ("classify clips", "classify"),
        ("classify clips top 2 by=class confusion", "classify"),
        ("classify clip \"tuba/6.wav\" top 3", "classify"),
        ("classify clips where prompts=(\"A <> track\", \"<>\")", "classify"),
        ("classify clips using prototypes space=pre-joint", "classify"),
        ("triplets model=toy labels=words", "triplets"),
        ("similar clip \"tuba/6.wav\" top 3", "similar"),
        ("search clips for \"tuba\" + 0.5 * \"trumpet\" top 3", "search"),
        ("show collections", "show"),
        ("show settings", "show"),
        ("describe notes", "describe"),
        ("list clips limit 3", "list"),
        ("count clips", "count"),
        ("use notes", "use"),
        ("set seed=3", "set"),
        ("help", "help"),
        ("help classify", "help"),
        ("explain classify clips", "explain"),
        ("explain analyze count clips", "explain"),
        ("let a = count clips", "count"),
        ("expect count = 8", "expect"),
    ];
    let words: Vec<&str> = statements.iter().map(|(statement, _)| *statement).collect();
    let objects = place.json(&words);
    assert_eq!(objects.len(), statements.len());
    for (object, (statement, kind)) in objects.iter().zip(statements) {
        hold(object, statement, kind);
    }
}

#[test]
fn classify_names_its_metrics() {
    let place = Place::new();
    toy::import(&place);
    let objects = place.json(&[
        "classify clips",
        "classify clips where prompt=\"A <> track\" top 3",
        "classify clips where take = 0 resamples=0",
    ]);
    assert_eq!(keys(&objects[0]["metrics"]), CLASSIFY);
    assert_eq!(keys(&objects[1]["metrics"]), [&CLASSIFY[..3], &CLASSIFY[5..]].concat());
    let (context, metrics) = (&objects[0]["context"], &objects[0]["metrics"]);
    assert_eq!(metrics["top1"]["value"], 0.875);
    assert!(metrics["top1"]["low"].as_f64().unwrap() < 0.875);
    for (name, value) in
        [("collection", "notes"), ("model", "toy"), ("space", "joint"), ("similarity", "cosine, greater is nearer")]
    {
        assert_eq!(context[name], value);
    }
    assert_eq!((context["n"].as_u64(), context["seed"].as_u64(), context["exact"].as_bool()), (Some(8), Some(0), Some(true)));
    assert_eq!(context["prompts"], serde_json::json!(["A <> track"]));
    assert!(context["recall"].is_null() && context["ties"] == 0 && context["classes"] == 6);
    assert!((context["chance"].as_f64().unwrap() - 1.0 / 6.0).abs() < 1e-12);
    assert!(context["model_hash"].as_str().is_some_and(|h| h.len() == 64), "{context}");
    assert!(context["store"].as_str().unwrap().ends_with("store"));
    assert_eq!(objects[2]["context"]["n"], 4);
    assert!(objects[2]["metrics"]["top1"]["low"].is_null());
}

#[test]
fn triplets_name_their_metric() {
    let place = Place::new();
    toy::import(&place);
    let objects =
        place.json(&["triplets model=toy labels=words", "triplets model=toy labels=words space=pre-joint convention=released"]);
    assert_eq!(keys(&objects[0]["metrics"]), ["accuracy"]);
    let context = &objects[0]["context"];
    assert_eq!(
        (&context["space"], &context["convention"], &context["ontology"]),
        (&"joint".into(), &"strict".into(), &"hdio".into())
    );
    assert!(context["n"].as_u64().unwrap() > 0 && context["chance"] == 0.5 && context["ties"].is_u64(), "{context}");
    // The toy's space knows strings and brass, and no kinship beyond them: better than chance, with ties.
    assert!(objects[0]["metrics"]["accuracy"]["value"].as_f64().unwrap() > 0.5, "{}", objects[0]["metrics"]);
    assert_eq!(objects[1]["context"]["space"], "text pre-joint");
    assert_eq!(objects[1]["context"]["ontology"], "hdio-ismir2024");
    assert!(objects[1]["context"]["inverted"].is_u64());
}

#[test]
fn the_same_seed_gives_the_same_numbers() {
    let place = Place::new();
    toy::import(&place);
    let objects = place.json(&["classify clips seed=5", "classify clips seed=5", "classify clips seed=6"]);
    assert_eq!(objects[0]["metrics"], objects[1]["metrics"]);
    assert_eq!(objects[0]["metrics"]["top1"]["value"], objects[2]["metrics"]["top1"]["value"]);
}
