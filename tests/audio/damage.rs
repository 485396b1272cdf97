//! Damaged files: each ends in an error that says why, or in samples that are finite; none panics, hangs or eats memory.

use std::time::{Duration, Instant};

use dyad::audio::Error;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::wav::{Sample, sine, wav};
use super::{decode, fixture};

const COMPRESSED: [&str; 14] = [
    "stereo.flac",
    "mono24.flac",
    "six.flac",
    "stereo.mp3",
    "bare.mp3",
    "stereo.ogg",
    "stereo.m4a",
    "alac.m4a",
    "mono.aac",
    "mono.aiff",
    "float.aiff",
    "mono.caf",
    "alac.caf",
    "adpcm.wav",
];

fn good_files() -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = COMPRESSED.iter().map(|name| (name.to_string(), fixture(name))).collect();
    for (sample, channels, extensible) in [(Sample::Int(16), 2, false), (Sample::Float(32), 1, true), (Sample::U8, 6, true)] {
        let values = sine(22_050, 0.1, &[0.5; 6][..channels]);
        files.push((format!("{sample:?}.wav"), wav(sample, channels as u16, 22_050, extensible, &values)));
    }
    files
}

/// One way to damage a file, drawn from the generator.
fn damage(bytes: &mut Vec<u8>, random: &mut ChaCha8Rng) -> &'static str {
    let n = bytes.len();
    match random.random_range(0..8) {
        0 => {
            bytes.truncate(random.random_range(0..n));
            "cut anywhere"
        }
        1 => {
            bytes.truncate(random.random_range(0..n.min(600)));
            "cut in the header"
        }
        2 => {
            (0..random.random_range(1..20)).for_each(|_| bytes[random.random_range(0..n)] ^= 1 << random.random_range(0..8));
            "bits flipped"
        }
        3 => {
            (0..random.random_range(1..6)).for_each(|_| bytes[random.random_range(0..n.min(200))] = random.random());
            "header bytes"
        }
        4 => {
            let at = random.random_range(0..n);
            let end = (at + random.random_range(1..2_000)).min(n);
            bytes[at..end].fill(0);
            "zeroed"
        }
        5 => {
            let at = random.random_range(0..n.min(300));
            let word = [u32::MAX, i32::MAX as u32, 0x8000_0000, 0, 1, 0x00ff_ffff][random.random_range(0..6)];
            let end = (at + 4).min(n);
            bytes[at..end].copy_from_slice(&word.to_be_bytes()[..end - at]);
            "absurd number in the header"
        }
        6 => {
            let at = random.random_range(0..n);
            bytes.drain(at..(at + random.random_range(1..500)).min(n));
            "piece missing"
        }
        _ => {
            let at = random.random_range(0..n);
            let noise: Vec<u8> = (0..random.random_range(1..500)).map(|_| random.random()).collect();
            bytes.splice(at..at, noise);
            "noise inserted"
        }
    }
}

/// Decodes a damaged file and holds what every outcome must fulfil; true when it was refused.
fn survives(bytes: &[u8], what: &str) -> bool {
    let start = Instant::now();
    let outcome = decode(bytes);
    assert!(start.elapsed() < Duration::from_secs(5), "{what}: took {:?}", start.elapsed());
    match outcome {
        Ok(clip) => {
            assert!(!clip.samples.is_empty() && clip.samples.iter().all(|s| s.is_finite()), "{what}");
            false
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.len() > 15 && !message.ends_with('.') && !message.contains('\n'), "{what}: {message}");
            true
        }
    }
}

#[test]
fn seeded_damage() {
    let rounds = std::env::var("DYAD_DAMAGE_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let (mut tried, mut refused) = (0, 0);
    for (name, good) in good_files() {
        assert!(!survives(&good, &name), "{name} must be good before it is damaged");
        for seed in 0..rounds {
            let mut bytes = good.clone();
            let kind = damage(&mut bytes, &mut ChaCha8Rng::seed_from_u64(seed));
            tried += 1;
            refused += usize::from(survives(&bytes, &format!("{name}, {kind}, seed {seed}")));
        }
    }
    assert!(tried >= 200 && refused * 2 > tried, "{refused} of {tried} refused");
}

#[test]
fn a_cut_is_never_taken_for_the_whole() {
    for (name, good) in good_files() {
        // Without a declared length a cut at a packet's end cannot be noticed; `decode` documents it.
        if name == "bare.mp3" || name == "mono.aac" {
            continue;
        }
        for keep in [0, 1, 3, 10, 25, 50, 75] {
            let bytes = &good[..good.len() * keep / 100];
            assert!(decode(bytes).is_err(), "{name}: {keep} % pass for the whole");
        }
    }
}

#[test]
fn flipped_samples_are_found_by_flacs_checksum() {
    let mut found = 0;
    let good = fixture("stereo.flac");
    for at in (9_000..good.len()).step_by(200) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        found += usize::from(decode(&bytes).is_err());
        assert!(decode(&bytes).is_err(), "byte {at}");
    }
    assert!(found > 10);
}

fn error_of(bytes: &[u8]) -> Error {
    decode(bytes).unwrap_err()
}

#[test]
fn each_damage_has_its_own_reason() {
    let tone = |rate_hz| wav(Sample::Int(16), 1, rate_hz, false, &sine(16_000, 0.1, &[0.5]));
    assert_eq!(error_of(b""), Error::NoBytes);
    assert_eq!(error_of(&[0; 5_000]), Error::NotAudio);
    assert_eq!(error_of(b"id,label\n1,cello\n"), Error::NotAudio);
    assert_eq!(error_of(b"<!DOCTYPE html><html><body>404</body></html>"), Error::NotAudio);
    assert!(matches!(error_of(b"RF64\xff\xff\xff\xffWAVEds64"), Error::Format { .. }));
    assert!(matches!(error_of(&tone(16_000)[..30]), Error::Header { .. }));
    assert!(matches!(error_of(&tone(16_000)[..36]), Error::Header { .. }));
    assert_eq!(error_of(&tone(16_000)[..1_044]), Error::Truncated { decoded: 500, declared: 1_600 });
    assert_eq!(error_of(&tone(0)), Error::SampleRate { sample_rate_hz: 0 });
    assert_eq!(error_of(&tone(12)), Error::SampleRate { sample_rate_hz: 12 });
    assert_eq!(error_of(&tone(4_000_000_000)), Error::SampleRate { sample_rate_hz: 4_000_000_000 });
    assert_eq!(error_of(&wav(Sample::Int(16), 1, 16_000, false, &[])), Error::Empty);
    for (value, sample) in [(f64::NAN, 3), (f64::INFINITY, 3), (-1e300, 3), (1e10, 3)] {
        let error = error_of(&wav(Sample::Float(64), 1, 16_000, false, &[0.0, 0.1, 0.2, value, 0.3]));
        assert!(matches!(error, Error::Amplitude { sample: found, .. } if found == sample), "{value}: {error}");
    }
    let loud = decode(&wav(Sample::Float(32), 1, 16_000, false, &[0.0, 32_767.0])).unwrap();
    assert_eq!(loud.warnings, ["the samples reach `32767`, full scale is 1"]);
}

#[test]
fn absurd_headers_are_refused_before_they_cost_anything() {
    let good = wav(Sample::Int(16), 1, 16_000, false, &sine(16_000, 0.1, &[0.5]));
    let with = |at: usize, bytes: &[u8]| {
        let mut file = good.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    for channels in [0u16, 65, 1_000, u16::MAX] {
        let error = error_of(&with(22, &channels.to_le_bytes()));
        assert!(
            matches!(error, Error::Channels { .. } | Error::Header { .. } | Error::Unsupported { .. }),
            "{channels}: {error}"
        );
    }
    // Ten hours declared in a file of three kilobytes, four hours allowed.
    let declaring = |bytes: u32| {
        let mut file = with(40, &bytes.to_le_bytes());
        file[4..8].copy_from_slice(&(bytes + 36).to_le_bytes());
        file
    };
    assert_eq!(error_of(&declaring(1_152_000_000)), Error::TooLong { limit_s: 14_400.0 });
    assert_eq!(error_of(&declaring(40_000)), Error::Truncated { decoded: 1_600, declared: 20_000 });
    assert!(matches!(error_of(&with(40, &40_000u32.to_le_bytes())), Error::Header { .. }));
    for bits in [0u16, 1, 7, 12, 64, 1_000] {
        assert!(decode(&with(34, &bits.to_le_bytes())).is_err(), "{bits} bits");
    }
}

#[test]
fn noise_is_not_audio() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for length in [1, 100, 5_000, 200_000] {
        let noise: Vec<u8> = (0..length).map(|_| random.random()).collect();
        assert!(decode(&noise).is_err(), "{length} bytes of noise pass for audio");
    }
}
