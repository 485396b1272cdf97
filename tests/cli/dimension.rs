//! Vectors of one model that compare have one dimension, in whatever collection they are.

use super::program::{Place, npy};

#[test]
fn a_model_has_one_dimension_in_all_collections() {
    let place = Place::new();
    place.write("a.npy", npy("<f4", &[vec![1.0; 3], vec![1.0, 2.0, 3.0]]));
    place.write("wide.npy", npy("<f4", &[vec![1.0; 5], vec![2.0; 5]]));
    place.write("a.txt", "violin\ntuba\n");
    let import = |file: &str, to: &str, model: &str, space: &str, more: &[&str]| {
        let args = ["import", "npy", file, "--collection", to, "--model", model, "--space", space];
        place.dyad(&[&args[..], more].concat())
    };
    let audio = ["--modality", "audio"];
    let text = ["--modality", "text", "--labels", "a.txt", "--prompt", "A <> track"];
    import("a.npy", "c", "m", "joint", &audio).ok();
    for (more, space) in [(&text[..], "text"), (&audio[..], "audio")] {
        import("wide.npy", "d", "m", "joint", more)
            .code(1)
            .says("the collection `c` holds vectors of the model `m` in `m joint (audio)` with 3 dimensions")
            .says(&format!("`m joint ({space})` have 5"))
            .says("`--model NAME`");
    }
    assert_eq!(place.json(&["show collections"])[0]["rows"].as_array().unwrap().len(), 1);
    // Before the projection texts and clips do not compare.
    import("wide.npy", "d", "m", "pre-joint", &text).ok();
    import("a.npy", "d", "m", "pre-joint", &audio).ok();
    import("wide.npy", "d", "n", "joint", &text).ok();
    import("a.npy", "d", "m", "joint", &text).ok();
}
