//! What a store refuses, and how it says so.

use dyad::embedding::{Modality, Space, Stage};
use dyad::store::{Collection, Error, NewItem, SpaceKey, Store};

use super::{clip, space};

fn collection() -> Collection {
    let collection = Store::in_memory().unwrap().create("c").unwrap();
    collection.commit(vec![clip("a", [1.0, 2.0])]).unwrap();
    collection
}

fn refusal(item: NewItem) -> String {
    let collection = collection();
    // The good one before it must not stay behind either.
    let error = collection.commit(vec![clip("good", [1.0, 1.0]), item]).unwrap_err();
    assert!(matches!(error, Error::Refused(_)) && !error.is_fatal());
    assert_eq!(collection.len(Modality::Audio).unwrap(), 1);
    error.to_string()
}

fn with_vector(id: &str, key: SpaceKey, vector: &[f32]) -> NewItem {
    let mut item = NewItem::new(id, key.space.modality);
    item.vectors.push((key, vector.to_vec()));
    item
}

#[test]
fn vectors_that_do_not_fit_are_named() {
    let joint = || space(Stage::Joint, None);
    assert_eq!(
        refusal(with_vector("b", joint(), &[1.0; 3])),
        "`m joint (audio)` holds vectors of 2 dimensions, the vector of `b` has 3"
    );
    let text = refusal(with_vector("b", space(Stage::Joint, Some("<>")), &[1.0; 3]));
    assert_eq!(text, "`m joint (audio)` holds vectors of 2 dimensions, the vector of `b` has 3");
    for bad in [f32::NAN, f32::INFINITY] {
        assert_eq!(
            refusal(with_vector("b", joint(), &[1.0, bad])),
            "the vector of `b` in `m joint (audio)` holds NaN or an infinite number"
        );
    }
    assert_eq!(
        refusal(with_vector("b", space(Stage::Joint, Some("<>")), &[0.0, 0.0])),
        "the vector of `b` in `m joint (text), prompt \"<>\"` is all zeros and has no direction"
    );
    let other = SpaceKey::new(Space::new("m", Modality::Text, Stage::Joint), "another");
    assert_eq!(
        refusal(with_vector("b", other, &[1.0, 1.0])),
        "the collection holds vectors of model `m` with hash `hash-of-m`, those given have hash `another`: expected one hash; `dyad collections reembed` renews a collection"
    );
    let mut wrong = clip("b", [1.0, 1.0]);
    wrong.modality = Modality::Text;
    assert_eq!(refusal(wrong), "the text item `b` cannot have a vector in `m joint (audio)`");
}

#[test]
fn a_pre_joint_space_may_have_another_dimension() {
    let collection = collection();
    collection.commit(vec![with_vector("b", space(Stage::PreJoint, None), &[1.0; 3])]).unwrap();
    collection.commit(vec![with_vector("b", space(Stage::PreJoint, Some("<>")), &[1.0; 4])]).unwrap();
    assert_eq!(collection.spaces().unwrap().iter().map(|s| s.dim).collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn what_fits_is_stored_where_the_caller_says_so() {
    let collection = collection();
    let mut half = with_vector("half", space(Stage::PreJoint, None), &[1.0; 3]);
    half.vectors.push((space(Stage::Joint, None), vec![f32::NAN, 1.0]));
    let batch = vec![
        clip("good", [1.0, 1.0]),
        half,
        with_vector("long", space(Stage::Joint, None), &[1.0; 3]),
        clip("", [1.0, 1.0]),
        clip("a", [2.0, 1.0]),
        clip("zero", [0.0, 0.0]),
        with_vector("other", SpaceKey::new(Space::new("m", Modality::Audio, Stage::Joint), "another"), &[1.0, 1.0]),
    ];
    let rejected = collection.commit_sound(batch).unwrap();
    assert_eq!(
        rejected.iter().map(|r| (r.at, r.id.as_str())).collect::<Vec<_>>(),
        [(1, "half"), (2, "long"), (3, ""), (5, "zero"), (6, "other")]
    );
    assert_eq!(rejected[3].why.to_string(), "the vector of `zero` in `m joint (audio)` is all zeros and has no direction");
    assert_eq!(collection.items().map(|item| item.unwrap().id).collect::<Vec<_>>(), ["a", "good"]);
    // The space that only a refused item had was not made, and its number is free for another.
    assert_eq!(collection.spaces().unwrap().len(), 1);
    assert_eq!(collection.vector_of(0, &space(Stage::Joint, None)).unwrap(), Some(vec![2.0, 1.0]));
    collection.commit(vec![with_vector("b", space(Stage::PreJoint, None), &[1.0; 4])]).unwrap();
    let all_bad = collection.commit_sound(vec![clip("zero", [0.0, 0.0])]).unwrap();
    assert_eq!((all_bad.len(), collection.len(Modality::Audio).unwrap()), (1, 3));
}

#[test]
fn names_and_ids_have_limits() {
    let store = Store::in_memory().unwrap();
    for name in ["", "a b", "../x", "a/b", ".hidden", "a\0b", &"x".repeat(65)] {
        assert!(matches!(store.create(name), Err(Error::Refused(_))), "{name:?}");
    }
    store.create("tiny-SOL_1.0").unwrap();
    assert_eq!(store.create("tiny-SOL_1.0").err().unwrap().to_string(), "the collection `tiny-SOL_1.0` is there already");
    assert!(refusal(NewItem::new("", Modality::Audio)).starts_with("an item's id is 1 to 4096 bytes long"));
    assert!(refusal(NewItem::new("é".repeat(3000), Modality::Audio)).contains("6000"));
}

#[test]
fn one_label_has_a_vector_for_each_prompt() {
    let collection = collection();
    let prompts = ["<>", "A <> track"];
    for (i, prompt) in prompts.iter().enumerate() {
        collection.commit(vec![with_vector("Flute", space(Stage::Joint, Some(prompt)), &[1.0, i as f32])]).unwrap();
    }
    assert_eq!(collection.len(Modality::Text).unwrap(), 1);
    let seq = collection.item_by_id(Modality::Text, "Flute").unwrap().unwrap().seq;
    for (i, prompt) in prompts.iter().enumerate() {
        assert_eq!(collection.vector_of(seq, &space(Stage::Joint, Some(prompt))).unwrap(), Some(vec![1.0, i as f32]));
    }
}

#[test]
fn records_of_others_are_kept_by_table() {
    let store = Store::in_memory().unwrap();
    store.put_record("prompts", "b", &("x".to_owned(), 1)).unwrap();
    store.put_record("prompts", "a", &("y".to_owned(), 2)).unwrap();
    store.put_record("prompts2", "c", &3u8).unwrap();
    let all: Vec<(String, (String, i32))> = store.records("prompts").unwrap();
    assert_eq!(all, [("a".to_owned(), ("y".to_owned(), 2)), ("b".to_owned(), ("x".to_owned(), 1))]);
    assert!(matches!(store.record::<Vec<String>>("prompts", "a"), Err(Error::Damaged { .. })));
    assert_eq!(store.record::<(String, i32)>("prompts", "c").unwrap(), None);
}

#[test]
fn one_record_that_is_too_long_is_refused_and_no_other() {
    let collection = collection();
    let long = |id: &str, bytes: usize| {
        let mut item = clip(id, [1.0, 1.0]);
        item.metadata.insert("text".into(), "x".repeat(bytes).into());
        item
    };
    let rejected = collection.commit_sound(vec![clip("b", [1.0, 3.0]), long("c", 17 << 20), long("d", 9 << 20)]).unwrap();
    assert_eq!((rejected.len(), rejected[0].at, rejected[0].id.as_str()), (1, 1, "c"));
    assert!(rejected[0].why.to_string().contains("expected at most 16777216"), "{}", rejected[0].why);
    assert_eq!(collection.len(Modality::Audio).unwrap(), 3);
    // With what is stored it would be too long.
    let mut more = clip("d", [2.0, 1.0]);
    more.metadata.insert("more".into(), "x".repeat(9 << 20).into());
    assert_eq!(collection.commit_sound(vec![more]).unwrap().len(), 1);
    assert_eq!(collection.vector_of(2, &space(Stage::Joint, None)).unwrap(), Some(vec![1.0, 1.0]));
}
