//! A store of vectors "computed elsewhere": a model `toy` without graphs, eight clips, six labels, two prompts.
//!
//! The joint space has an axis an instrument, so nearly every clip is nearest to its own label; one clip of the violin lies
//! nearer to the viola, so that accuracy is 7/8.

use super::{Place, npy};

pub const LABELS: [&str; 6] = ["violin", "viola", "violoncello", "flute", "trumpet", "tuba"];
/// Class of each clip, as a place in [`LABELS`].
pub const CLASSES: [usize; 8] = [0, 0, 1, 2, 3, 4, 5, 5];
const FAMILY: [usize; 6] = [0, 0, 0, 1, 2, 2];

/// The vector of a label: its own axis, and a little of its family's.
pub fn label(class: usize) -> Vec<f64> {
    let mut row = vec![0.0; 9];
    row[class] = 1.0;
    row[6 + FAMILY[class]] = 0.8;
    row
}

/// The vector of a clip: that of its label, off by a little.
fn clip(at: usize) -> Vec<f64> {
    let class = if at == 1 { 1 } else { CLASSES[at] };
    let mut row = label(class);
    row[(class + 1) % 6] += 0.1 * (at as f64 + 1.0) / 8.0;
    row
}

pub fn clip_id(at: usize) -> String {
    format!("{}/{at}.wav", LABELS[CLASSES[at]])
}

/// Writes the files and imports them into the collections `notes` (clips) and `words` (labels).
pub fn import(place: &Place) {
    let clips: Vec<Vec<f64>> = (0..CLASSES.len()).map(clip).collect();
    let labels: Vec<Vec<f64>> = (0..LABELS.len()).map(label).collect();
    let shorter = |rows: &[Vec<f64>]| rows.iter().map(|r| r[..7].to_vec()).collect::<Vec<_>>();
    place.write("clips.npy", npy("<f4", &clips));
    place.write("clips-pre.npy", npy("<f8", &shorter(&clips)));
    place.write("labels.npy", npy("<f4", &labels));
    place.write("labels-pre.npy", npy("<f4", &shorter(&labels)));
    let mut table = "id,label,take,midi\n".to_owned();
    for at in 0..CLASSES.len() {
        table.push_str(&format!("{},{},{},{}\n", clip_id(at), LABELS[CLASSES[at]], at % 2, 60 + at));
    }
    place.write("clips.csv", table);
    place.write("labels.txt", LABELS.join("\n"));
    let audio = [
        "import",
        "npy",
        "clips.npy",
        "--collection",
        "notes",
        "--model",
        "toy",
        "--space",
        "joint",
        "--modality",
        "audio",
        "--labels",
        "clips.csv",
    ];
    place.dyad(&audio).ok().shows("8");
    let mut pre = audio;
    (pre[2], pre[8]) = ("clips-pre.npy", "pre-joint");
    place.dyad(&pre).ok();
    for (file, space) in [("labels.npy", "joint"), ("labels-pre.npy", "pre-joint")] {
        let text = [
            "import",
            "npy",
            file,
            "--collection",
            "words",
            "--model",
            "toy",
            "--space",
            space,
            "--modality",
            "text",
            "--labels",
            "labels.txt",
            "--prompt",
            "A <> track",
        ];
        place.dyad(&text).ok();
    }
    place
        .dyad(&[
            "import",
            "npy",
            "labels.npy",
            "--collection",
            "words",
            "--model",
            "toy",
            "--space",
            "joint",
            "--modality",
            "text",
            "--labels",
            "labels.txt",
            "--prompt",
            "<>",
        ])
        .ok();
}
