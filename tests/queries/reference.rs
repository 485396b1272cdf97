//! `docs/language.md` is what the signatures say, and `docs/datasets.md` what the records of the datasets say.

use dyad::ontology::reader::{Format, parse};

use crate::store::root;

#[test]
fn the_reference_is_not_stale() {
    let file = root().join("docs/language.md");
    let made = dyad::cli::reference::markdown();
    if std::env::var_os("DYAD_BLESS").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == made,
        "docs/language.md is stale: `DYAD_BLESS=1 cargo test --release --test queries reference` writes it anew"
    );
    let filled = ["{clauses}", "{verbs}", "{sections}", "{metrics}", "{dot commands}"].iter().all(|place| !made.contains(place));
    assert!(filled, "a place of the template was not filled");
    let metrics = made.split_once("## Metrics").unwrap().1;
    let names = dyad::metric::METRICS.iter().map(|metric| metric.name);
    let lacking: Vec<&str> = names.filter(|name| !metrics.contains(&format!("`{name}`"))).collect();
    assert!(lacking.is_empty(), "{lacking:?}");
    assert!(metrics.contains("| `r_at_1`, `r_at_5`, `r_at_10` | [`retrieve`](#retrieve) | 0 to 1 | greater |"), "{metrics}");
}

#[test]
fn the_forms_of_ontologies_are_read_as_they_are_shown() {
    let text = std::fs::read_to_string(root().join("ontology/README.md")).unwrap();
    let (_, forms) = text.split_once("## Files of one's own\n").unwrap();
    let (forms, _) = forms.split_once("\n## ").unwrap();
    let mut shown = Vec::new();
    for block in forms.split("```").skip(1).step_by(2) {
        let (kind, body) = block.split_once('\n').unwrap();
        let ending = match kind {
            "text" => "txt",
            "turtle" => "ttl",
            ending => ending,
        };
        let (_, format) = Format::ENDINGS.into_iter().find(|(known, _)| *known == ending).unwrap();
        let ontology = parse("mine", body, format).unwrap_or_else(|fault| panic!("{kind}: {fault}"));
        assert!(ontology.resolve("violin").is_ok(), "{kind}");
        shown.push(ending);
    }
    assert_eq!(shown.len(), Format::ENDINGS.len(), "{shown:?}");
}

#[test]
fn the_page_on_datasets_is_not_stale() {
    let file = root().join("docs/datasets.md");
    let made = dyad::cli::datasets::markdown();
    if std::env::var_os("DYAD_BLESS").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == made,
        "docs/datasets.md is stale: `DYAD_BLESS=1 cargo test --release --test queries reference` writes it anew"
    );
    assert!(!made.contains("{list}") && !made.contains("{forms}") && !made.contains("{sections}"));
}
