//! `docs/language.md` is what the signatures say, and `docs/datasets.md` what the records of the datasets say.

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
