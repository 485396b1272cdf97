//! `dyad replay`: what counts as the same result.

use super::program::{Place, toy};

fn toy() -> Place {
    let place = Place::new();
    toy::import(&place);
    place
}

/// Saves what the last of these statements gives.
fn save(place: &Place, statements: &[&str]) {
    let objects = place.json(statements);
    place.write("saved.json", objects.last().unwrap().to_string());
}

#[test]
fn rows_and_items_are_compared_too() {
    let place = toy();
    save(&place, &["list clips order by id limit 3"]);
    place.dyad(&["replay", "saved.json"]).ok().shows("the result holds");
    let text = std::fs::read_to_string(place.at("saved.json")).unwrap();
    place.write("saved.json", text.replace("tuba", "tube").replace("trumpet", "crumpet"));
    place.dyad(&["replay", "saved.json"]).code(1).shows("does not hold");
    save(&place, &["classify clips"]);
    place.dyad(&["replay", "saved.json"]).ok().shows("the result holds");
    let text = std::fs::read_to_string(place.at("saved.json")).unwrap();
    place.write("saved.json", text.replace("\"n\":8", "\"n\":9"));
    place.dyad(&["replay", "saved.json"]).code(1).shows("does not hold");
    save(&place, &["set seed=3"]);
    place.dyad(&["replay", "saved.json"]).code(1).shows("nothing that could be compared");
}

#[test]
fn settings_and_named_results_come_with_a_result() {
    let place = toy();
    let statements =
        ["use notes", "set seed=7", "let a = classify clips", "set seed=default", "compare a with (classify clips top 2)"];
    let objects = place.json(&statements);
    assert_eq!(objects[4]["before"], serde_json::json!(statements[..4]));
    for object in &objects[2..] {
        if object["kind"] != "set" {
            place.write("saved.json", object.to_string());
            place.dyad(&["replay", "saved.json"]).ok().shows("the result holds");
        }
    }
}
