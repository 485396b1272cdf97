//! The store from outside: against a model under random operations, under faults and kills, and over time.

mod check;
mod compact;
mod damage;
mod faults;
mod fixture;
mod folder;
mod import;
mod ingest;
mod model;
mod refusals;
mod snapshot;
mod storage;
mod view;

use std::collections::BTreeMap;

use dyad::embedding::{Modality, Space, Stage};
use dyad::store::{NewItem, SpaceKey};
use dyad::value::Value;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A space of model `m`, of the text tower where there is a prompt.
fn space(stage: Stage, prompt: Option<&str>) -> SpaceKey {
    let modality = if prompt.is_some() { Modality::Text } else { Modality::Audio };
    let key = SpaceKey::new(Space::new("m", modality, stage), "hash-of-m");
    match prompt {
        Some(prompt) => key.with_prompt(prompt),
        None => key,
    }
}

/// The spaces that random items have vectors in, with their dimensions. 300 numbers a row make several blocks a commit.
fn spaces() -> Vec<(SpaceKey, usize)> {
    vec![
        (space(Stage::Joint, None), 5),
        (space(Stage::PreJoint, None), 300),
        (space(Stage::Joint, Some("A <> track")), 5),
        (space(Stage::Joint, Some("<>")), 5),
        (space(Stage::PreJoint, Some("<>")), 3),
    ]
}

/// An item whose id is one of `ids`, with some fields and vectors in some spaces.
fn random_item(rng: &mut ChaCha8Rng, ids: u32) -> NewItem {
    let modality = if rng.random() { Modality::Audio } else { Modality::Text };
    let mut item = NewItem::new(format!("item/{}", rng.random_range(0..ids)), modality);
    item.content_hash = [None, Some("a"), Some("b")][rng.random_range(0..3)].map(str::to_owned);
    for field in ["label", "note"] {
        if rng.random() {
            item.metadata.insert(field.to_owned(), Value::Int(rng.random_range(0..9)));
        }
    }
    for (key, dim) in spaces() {
        if key.space.modality == modality && rng.random() {
            item.vectors.push((key, (0..dim).map(|_| rng.random_range(-1.0..1.0)).collect()));
        }
    }
    item
}

/// An audio item with a joint vector of two numbers.
fn clip(id: &str, vector: [f32; 2]) -> NewItem {
    let mut item = NewItem::new(id, Modality::Audio);
    item.metadata = BTreeMap::from([("label".to_owned(), Value::from("Flute"))]);
    item.vectors.push((space(Stage::Joint, None), vector.to_vec()));
    item
}
