//! Damaged files: each ends in an error that says why, or in samples that are finite; none panics, hangs or eats memory.

use std::time::Duration;

use dyad::audio::{AudioFile, Error, Limits, is_audio_name};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::wav::{Sample, sine, wav};
use dyad::audio::window::ChannelMix;

use super::{decode, fixture, target};

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
    match random.random_range(0..9) {
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
        7 => {
            // As a copy protection leaves it: headers that hold together, and a payload that is noise.
            let from = random.random_range(0..n.min(2_000));
            bytes[from..].iter_mut().for_each(|byte| *byte ^= random.random::<u8>());
            "payload encrypted"
        }
        _ => {
            let at = random.random_range(0..n);
            let noise: Vec<u8> = (0..random.random_range(1..500)).map(|_| random.random()).collect();
            bytes.splice(at..at, noise);
            "noise inserted"
        }
    }
}

/// What this thread has used of a core, where the system tells: a bound on work that a busy machine does not change.
fn processor_time() -> Option<Duration> {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(times.split(' ').next()?.parse().ok()?))
}

/// Decodes a damaged file and holds what every outcome must fulfil; true when it was refused.
fn survives(bytes: &[u8], what: &str) -> bool {
    let before = processor_time();
    let outcome = decode(bytes);
    if let (Some(before), Some(after)) = (before, processor_time()) {
        assert!(after - before < Duration::from_secs(1), "{what}: took {:?} of a core", after - before);
    }
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

#[test]
fn copy_protected_files_have_a_reason() {
    // The sample entry of FairPlay and of common encryption, in place of `mp4a`.
    let good = fixture("stereo.m4a");
    let at = good.windows(4).position(|word| word == b"mp4a").unwrap();
    for entry in [b"drms", b"enca"] {
        let mut bytes = good.clone();
        bytes[at..at + 4].copy_from_slice(entry);
        assert!(survives(&bytes, &String::from_utf8_lossy(entry)), "{entry:?} passes for audio");
    }
    // Audible's brand over noise, and a Windows Media header.
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut noise: Vec<u8> = (0..50_000).map(|_| random.random()).collect();
    noise[..20].copy_from_slice(b"\x00\x00\x00\x14ftypaax \x00\x00\x00\x01aax ");
    assert!(survives(&noise, "aax"));
    noise[..8].copy_from_slice(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11");
    assert_eq!(error_of(&noise), Error::Format { format: "Windows Media" });
    // Packets of noise behind a sound header are no signal.
    for name in ["stereo.m4a", "stereo.flac", "stereo.ogg"] {
        let mut bytes = fixture(name);
        let from = bytes.len() / 4;
        bytes[from..].iter_mut().for_each(|byte| *byte ^= random.random::<u8>());
        assert!(survives(&bytes, name), "{name}: noise passes for audio");
    }
}

#[test]
fn the_content_counts_and_not_the_extension() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits::default();
    let good = wav(Sample::Int(16), 1, 16_000, false, &sine(16_000, 0.1, &[0.5]));
    for (name, bytes, is_audio) in [
        ("a.mp3", good.clone(), true),
        ("b.flac", fixture("stereo.ogg"), true),
        ("c.wav", b"RIFF of a kind, says the letter\n".to_vec(), false),
        ("d.flac", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR".to_vec(), false),
        ("e.ogg", Vec::new(), false),
        ("f.mp3", vec![0; 70_000], false),
        ("g.m4a", b"PK\x03\x04 a zip file with a song in it".to_vec(), false),
    ] {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        assert!(is_audio_name(&path));
        let outcome = AudioFile::read(&path).and_then(|file| file.load(&target(ChannelMix::Mean), &limits));
        assert_eq!(outcome.is_ok(), is_audio, "{name}: {:?}", outcome.map(|clip| clip.samples.len()));
    }
}

#[test]
fn one_sample_is_a_signal_or_has_a_reason() {
    for sample in [Sample::U8, Sample::Int(16), Sample::Int(24), Sample::Float(32), Sample::Float(64)] {
        for rate_hz in [8_000, 16_000, 44_100, 192_000] {
            for values in [vec![0.5], vec![0.5, -0.5]] {
                let channels = values.len() as u16;
                survives(
                    &wav(sample, channels, rate_hz, false, &values),
                    &format!("{sample:?}, {channels} channels, {rate_hz} Hz"),
                );
            }
        }
    }
    let bytes = wav(Sample::Int(16), 1, 16_000, false, &[0.5]);
    assert_eq!(decode(&bytes).unwrap().samples.len(), 1);
}
