//! The way from a file to windows against numpy: `tools/golden/make_windows.py` wrote the expected numbers from the loaders'
//! own descriptions.

use std::path::{Path, PathBuf};

use dyad::audio::window::{ChannelMix, Quantize, WindowPolicy, windows};
use dyad::audio::{Limits, Target, load};
use serde_json::Value;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn table(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(golden("windows.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    all[name].as_array().unwrap().clone()
}

#[test]
fn short_and_long_clips_are_filled_and_cut_as_the_loaders_do() {
    let cases = table("windows");
    assert!(cases.len() > 100);
    for case in cases {
        let policy: WindowPolicy = serde_json::from_value(case.clone()).unwrap();
        let clip: Vec<f32> = (1..=case["n"].as_u64().unwrap()).map(|x| x as f32).collect();
        let expected: Vec<Vec<f32>> = serde_json::from_value(case["windows"].clone()).unwrap();
        let ours: Vec<Vec<f32>> = windows(&clip, &policy).unwrap().iter().map(|w| w.samples.to_vec()).collect();
        assert_eq!(ours, expected, "{case}");
    }
}

#[test]
fn mixing_resampling_and_quantising_give_numpys_samples() {
    let cases = table("chains");
    assert!(cases.len() >= 8);
    for case in cases {
        let quantize: Quantize = serde_json::from_value(case["quantize"].clone()).unwrap();
        let target = Target { sample_rate_hz: case["rate"].as_u64().unwrap() as u32, mix: ChannelMix::Mean, quantize };
        let clip = load(&golden(case["file"].as_str().unwrap()), &target, &Limits::default()).unwrap();
        let what = format!("{} → {} {quantize:?}", case["file"], case["rate"]);
        assert_eq!(clip.samples.len() as u64, case["samples"].as_u64().unwrap(), "{what}");
        let values: Vec<(usize, f64)> = serde_json::from_value(case["values"].clone()).unwrap();
        let step = 1.0 / 32767.0;
        let mut moved = 0;
        for &(i, expected) in &values {
            let apart = (f64::from(clip.samples[i]) - expected).abs();
            match quantize {
                Quantize::None => assert!(apart < 1e-6, "{what}: sample {i} is off by {apart:e}"),
                // A sample that lies on a step may fall to either side, by the last bit of the resampler.
                Quantize::Int16Trunc => {
                    assert!(apart < 1e-7 || (apart - step).abs() < 1e-7, "{what}: sample {i} is off by {apart:e}");
                    moved += usize::from(apart > 1e-7);
                }
            }
        }
        assert!(moved * 50 < values.len(), "{what}: {moved} of {} samples are a step off", values.len());
    }
}
