//! Damaged files: each ends in an error that says why, or in samples that are finite; none panics, hangs or eats memory.

use std::time::Duration;

use dyad::audio::{AudioFile, Error, Limits, is_audio_name};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::wav::{Sample, sine, wav};
use dyad::audio::window::ChannelMix;

use super::{decode, fixture, target};

const COMPRESSED: [&str; 15] = [
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
    "ms.wav",
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

/// Most memory that this process ever had, where the system tells. What a header of some bytes declares must not be asked for:
/// ten hours are 2 to 20 GB as samples.
fn holds_no_more_than_it_needs() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    assert!(peak.is_none_or(|kib| kib < 512 << 10), "{peak:?} KiB");
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
    holds_no_more_than_it_needs();
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

/// Whatever bit of a FLAC's frames is flipped, its frame's CRC-16 tells.
#[test]
fn flipped_samples_are_found_by_flacs_checksums() {
    let good = fixture("stereo.flac");
    let flips = (9_000..good.len()).step_by(13).map(|at| (at, 1u8 << (at % 8)));
    let mut found = 0;
    for (at, bit) in flips {
        let mut bytes = good.clone();
        bytes[at] ^= bit;
        assert!(decode(&bytes).is_err(), "bit {bit} of byte {at}");
        found += 1;
    }
    assert!(found > 100, "{found}");
    // A FLAC that was written to a pipe does not know its length (the last 36 bits before the MD5, from byte 18 on).
    let mut piped = good.clone();
    piped[21] &= 0xf0;
    piped[22..42].fill(0);
    assert!(decode(&piped).is_ok());
    // In the first of two frames.
    piped[9_000 + (good.len() - 9_000) / 4] ^= 1;
    let found = decode(&piped).map(|clip| clip.samples.len());
    assert!(matches!(found, Err(Error::Truncated { .. })), "a frame is missing in the middle: {found:?}");
    // Parts of a frame that were lost, doubled or overwritten, as by a bad disk.
    for at in (9_000..good.len() - 600).step_by(997) {
        let zeroed = [&good[..at], &[0; 512], &good[at + 512..]].concat();
        let lost = [&good[..at], &good[at + 512..]].concat();
        let twice = [&good[..at + 512], &good[at..]].concat();
        for bytes in [zeroed, lost, twice] {
            assert!(decode(&bytes).is_err(), "512 bytes at {at}");
        }
    }
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
    let silent = decode(&wav(Sample::Int(16), 1, 16_000, false, &[0.0; 800])).unwrap();
    assert_eq!(silent.warnings, ["all samples are 0: it is silent"]);
    let opposite = decode(&wav(Sample::Float(32), 2, 16_000, false, &[0.5, -0.5, -0.25, 0.25])).unwrap();
    assert_eq!(opposite.warnings, ["all samples are 0 once they are mixed to one channel: it is silent"]);
    let faint = decode(&wav(Sample::Float(32), 1, 16_000, false, &[0.0, 1e-30])).unwrap();
    assert!(faint.warnings.is_empty(), "{:?}", faint.warnings);
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

/// A fixture with some bytes of it replaced.
fn patched(name: &str, at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = fixture(name);
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

/// Where a box or a tag begins in a fixture.
fn place_of(name: &str, tag: &[u8]) -> usize {
    let file = fixture(name);
    file.windows(tag.len()).position(|w| w == tag).unwrap_or_else(|| panic!("{name} has no {tag:?}"))
}

#[test]
fn every_container_can_declare_too_much() {
    let hours = |rate: u32, hours: u32| rate * 3600 * hours;
    let ten = hours(44_100, 10).to_be_bytes();
    for (name, tag, offset) in [
        ("stereo.flac", &b"fLaC"[..], 22),
        ("mono.aiff", b"COMM", 10),
        ("float.aiff", b"COMM", 10),
        ("mono.caf", b"data", 8),
        ("alac.caf", b"pakt", 24),
        ("stereo.m4a", b"stts", 12),
        ("alac.m4a", b"stts", 16),
        ("stereo.m4a", b"stsz", 12),
        ("stereo.m4a", b"mdhd", 16),
        ("alac.m4a", b"mvhd", 16),
        ("stereo.mp3", b"Info", 8),
        ("adpcm.wav", b"data", 4),
        ("adpcm.wav", b"fact", 8),
    ] {
        for declared in [ten, u32::MAX.to_be_bytes(), i32::MAX.to_be_bytes()] {
            let mut declared = declared;
            if name.ends_with(".wav") {
                declared.reverse();
            }
            let at = place_of(name, tag) + offset;
            survives(&patched(name, at, &declared), &format!("{name}, {tag:?} declares {declared:?}"));
        }
    }
    // What counts for the decoder is refused before it decodes.
    for (name, tag, offset) in [("stereo.flac", &b"fLaC"[..], 22), ("alac.m4a", b"stts", 16)] {
        let error = error_of(&patched(name, place_of(name, tag) + offset, &ten));
        assert!(matches!(error, Error::TooLong { .. } | Error::Truncated { .. } | Error::Header { .. }), "{name}: {error}");
    }
    holds_no_more_than_it_needs();
}

#[test]
fn every_container_can_have_no_channels_and_no_numbers() {
    for channels in [0u16, 255, u16::MAX] {
        let bytes = channels.to_be_bytes();
        assert!(decode(&patched("mono.aiff", place_of("mono.aiff", b"COMM") + 8, &bytes)).is_err(), "{channels}");
        let error = error_of(&patched("mono.caf", 46, &bytes));
        assert!(matches!(error, Error::Channels { .. } | Error::Header { .. } | Error::Unsupported { .. }), "{error}");
        survives(&patched("stereo.m4a", place_of("stereo.m4a", b"mp4a") + 20, &bytes), "channels of an mp4 box");
    }
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let error = error_of(&patched("float.aiff", 0x3c + 4 * 100, &value.to_be_bytes()));
        assert!(matches!(error, Error::Amplitude { .. }), "{error}");
        let error = error_of(&wav(Sample::Float(32), 2, 16_000, true, &[0.0, 0.1, f64::from(value), 0.3]));
        assert!(matches!(error, Error::Amplitude { sample: 1, .. }), "{error}");
    }
}

#[test]
fn formats_that_cannot_be_read_are_named() {
    let ogg = |name: &[u8]| [&b"OggS\0\x02"[..], &[0; 22], name, &[0; 40]].concat();
    for (bytes, name) in [
        (b".snd\0\0\0\x18\0\0\0\0\0\0\0\x01".to_vec(), "Sun AU"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11".to_vec(), "Windows Media"),
        (ogg(b"OpusHead"), "Opus"),
        (ogg(b"Speex   "), "Speex"),
        (b"\x0b\x77\0\0".to_vec(), "AC-3"),
        (b"NIST_1A\n   1024\n".to_vec(), "NIST SPHERE"),
        (b"Creative Voice File\x1a".to_vec(), "Creative Voice"),
        (b"wvpk".to_vec(), "WavPack"),
    ] {
        let message = error_of(&bytes).to_string();
        assert!(message.starts_with(&format!("{name} is not supported; convert it")), "{message}");
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
