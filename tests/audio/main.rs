//! Sound files of every promised format, good ones and damaged ones, through the public interface of `dyad::audio`.

mod damage;
mod formats;
mod golden;
mod wav;

use std::path::{Path, PathBuf};

use dyad::audio::window::{ChannelMix, Quantize};
use dyad::audio::{Clip, Error, Limits, Target, load_bytes};

const RATE_HZ: u32 = 16_000;

fn target(mix: ChannelMix) -> Target {
    Target { sample_rate_hz: RATE_HZ, mix, quantize: Quantize::None }
}

fn decode(bytes: &[u8]) -> Result<Clip, Error> {
    load_bytes(bytes, &target(ChannelMix::Mean), &Limits::default())
}

fn fixture_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/audio").join(name)
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixture_path(name)).unwrap()
}

/// Amplitude and frequency of a sine, by least squares at 440 Hz and by zero crossings, without the first and last eighth.
fn tone(samples: &[f32], rate_hz: u32) -> (f64, f64) {
    let middle = &samples[samples.len() / 8..samples.len() * 7 / 8];
    let step = std::f64::consts::TAU * 440.0 / f64::from(rate_hz);
    let part = |f: fn(f64) -> f64| -> f64 {
        middle.iter().enumerate().map(|(k, &s)| f64::from(s) * f(step * k as f64)).sum::<f64>() * 2.0 / middle.len() as f64
    };
    let amplitude = part(f64::sin).hypot(part(f64::cos));
    let crossings: Vec<f64> = middle
        .windows(2)
        .enumerate()
        .filter(|(_, w)| w[0] < 0.0 && w[1] >= 0.0)
        .map(|(k, w)| k as f64 + f64::from(w[0] / (w[0] - w[1])))
        .collect();
    let periods = crossings.len().saturating_sub(1) as f64;
    let span = crossings.last().unwrap_or(&0.0) - crossings.first().unwrap_or(&0.0);
    (amplitude, periods * f64::from(rate_hz) / span)
}
