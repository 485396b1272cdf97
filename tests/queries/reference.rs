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
    assert!(!made.contains("{clauses}") && !made.contains("{sections}"), "a place of the template was not filled");
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
