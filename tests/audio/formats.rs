//! Every promised format comes out with the right level, frequency and length.

use dyad::audio::window::{ChannelMix, Quantize};
use dyad::audio::{AudioFile, Error, Limits, Target, hash, is_audio_name, load, load_bytes};

use super::wav::{Sample, sine, wav};
use super::{RATE_HZ, decode, fixture, fixture_path, target, tone};

#[test]
fn wav_of_every_kind() {
    for (sample, tolerance) in [
        (Sample::U8, 8e-3),
        (Sample::Int(16), 1e-4),
        (Sample::Int(24), 1e-5),
        (Sample::Int(32), 1e-5),
        (Sample::Float(32), 1e-5),
        (Sample::Float(64), 1e-5),
    ] {
        for extensible in [false, true] {
            for channels in [1usize, 2, 6] {
                let amplitudes: Vec<f64> = (0..channels).map(|c| 0.6 - 0.1 * c as f64).collect();
                let mean = amplitudes.iter().sum::<f64>() / channels as f64;
                let bytes = wav(sample, channels as u16, 44_100, extensible, &sine(44_100, 0.2, &amplitudes));
                let clip = decode(&bytes).unwrap();
                let (level, frequency_hz) = tone(&clip.samples, RATE_HZ);
                let what = format!("{sample:?}, {channels} channels, extensible {extensible}");
                assert!(
                    (level - mean).abs() < tolerance && (frequency_hz - 440.0).abs() < 0.5,
                    "{what}: {level} at {frequency_hz} Hz"
                );
                assert_eq!(clip.samples.len(), 3_200, "{what}");
                assert_eq!((clip.source.channels, clip.source.sample_rate_hz), (channels, 44_100), "{what}");
                assert_eq!(clip.source.container, "wave");
                assert!(clip.warnings.is_empty(), "{what}: {:?}", clip.warnings);
            }
        }
    }
}

#[test]
fn wav_of_every_rate() {
    for rate_hz in [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000] {
        let clip = decode(&wav(Sample::Int(24), 1, rate_hz, false, &sine(rate_hz, 0.4, &[0.5]))).unwrap();
        let (level, frequency_hz) = tone(&clip.samples, RATE_HZ);
        assert!((level - 0.5).abs() < 1e-5 && (frequency_hz - 440.0).abs() < 0.1, "{rate_hz}: {level} at {frequency_hz} Hz");
        assert_eq!(clip.samples.len(), 6_400, "{rate_hz}");
        assert!((clip.duration_s() - 0.4).abs() < 1e-9 && (clip.source.duration_s - 0.4).abs() < 1e-4);
    }
}

#[test]
fn wav_of_many_channels_is_read_as_it_is_or_refused() {
    let of = |channels: u16, extensible: bool| {
        let values = sine(16_000, 0.05, &vec![0.5; usize::from(channels)]);
        decode(&wav(Sample::Int(16), channels, 16_000, extensible, &values))
    };
    for (channels, extensible) in [(26, false), (18, true)] {
        let clip = of(channels, extensible).unwrap();
        assert_eq!((clip.source.channels, clip.samples.len()), (usize::from(channels), 800));
    }
    for channels in [27, 32, 33, 34, 50, 64] {
        for extensible in [false, true] {
            let message = of(channels, extensible).unwrap_err().to_string();
            assert!(message.contains(&format!("a wav of `{channels}` channels: expected at most 26")), "{message}");
        }
    }
    assert!(of(20, true).is_err());
}

#[test]
fn tags_behind_a_flac_are_no_part_of_it() {
    let bare = fixture("stereo.flac");
    let whole = decode(&bare).unwrap();
    let id3 = [&b"TAG"[..], &[0; 125]].concat();
    let edge = [&b"APETAGEX"[..], &2_000u32.to_le_bytes(), &52u32.to_le_bytes(), &[0; 7], &[0x80], &[0; 8]].concat();
    let ape = [&edge[..], &[1; 20], &edge[..]].concat();
    for tags in [id3.clone(), ape.clone(), [ape, id3.clone()].concat()] {
        assert_eq!(decode(&[&bare[..], &tags[..]].concat()).unwrap(), whole);
    }
    assert!(decode(&[&bare[..bare.len() * 9 / 10], &id3[..]].concat()).is_err());
}

/// file, container, codec, channels, rate, level of the mix, samples at 16 kHz, tolerance in samples
type Fixture = (&'static str, &'static str, &'static str, usize, u32, f64, usize, usize);

const FIXTURES: [Fixture; 16] = [
    ("stereo.flac", "flac", "flac", 2, 44_100, 0.375, 3_200, 0),
    ("mono24.flac", "flac", "flac", 1, 96_000, 0.5, 3_200, 0),
    ("six.flac", "flac", "flac", 6, 48_000, 0.35, 3_200, 0),
    ("stereo.mp3", "mp3", "mp3", 2, 44_100, 0.375, 3_200, 0),
    ("bare.mp3", "mp3", "mp3", 1, 44_100, 0.5, 3_200, 900),
    ("stereo.ogg", "ogg", "vorbis", 2, 44_100, 0.375, 3_200, 0),
    ("stereo.m4a", "isomp4", "aac", 2, 44_100, 0.375, 3_200, 144),
    ("alac.m4a", "isomp4", "alac", 2, 44_100, 0.375, 3_200, 0),
    ("mono.aac", "aac", "aac", 1, 44_100, 0.5, 3_200, 900),
    ("mono.aiff", "aiff", "pcm_s16be", 1, 44_100, 0.5, 3_200, 0),
    ("float.aiff", "aiff", "pcm_f32be", 1, 44_100, 0.5, 3_200, 0),
    ("mono.caf", "caf", "pcm_s24le", 1, 44_100, 0.5, 3_200, 0),
    ("alac.caf", "caf", "alac", 2, 44_100, 0.375, 3_200, 0),
    ("adpcm.wav", "wave", "adpcm_ima_wav", 1, 44_100, 0.5, 3_200, 503),
    ("ms.wav", "wave", "adpcm_ms", 1, 44_100, 0.5, 3_200, 503),
    ("mulaw.wav", "wave", "pcm_mulaw", 1, 44_100, 0.5, 3_200, 0),
];

#[test]
fn every_other_format() {
    for (name, container, codec, channels, rate_hz, level, samples, tolerance) in FIXTURES {
        let clip = decode(&fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let source = &clip.source;
        assert_eq!((source.container.as_str(), source.codec.as_str()), (container, codec), "{name}");
        assert_eq!((source.channels, source.sample_rate_hz), (channels, rate_hz), "{name}");
        let (found, frequency_hz) = tone(&clip.samples[600..3_000], RATE_HZ);
        assert!(
            (found - level).abs() < 0.06 * level && (frequency_hz - 440.0).abs() < 1.0,
            "{name}: {found} at {frequency_hz} Hz"
        );
        let off = clip.samples.len().abs_diff(samples);
        assert!(off <= tolerance, "{name}: {} samples", clip.samples.len());
        assert!(clip.warnings.is_empty(), "{name}: {:?}", clip.warnings);
    }
}

/// ffmpeg and sox cannot go back to fill in the lengths when they write to a pipe.
#[test]
fn wav_written_to_a_pipe() {
    let mut bytes = wav(Sample::Int(16), 1, RATE_HZ, false, &sine(RATE_HZ, 0.2, &[0.5]));
    for (riff, data) in [(u32::MAX, u32::MAX), (0x7fff_f024, 0x7fff_f000)] {
        bytes[4..8].copy_from_slice(&riff.to_le_bytes());
        bytes[40..44].copy_from_slice(&data.to_le_bytes());
        let clip = decode(&bytes).unwrap();
        assert_eq!(clip.samples.len(), 3_200);
    }
}

#[test]
fn opus_is_named() {
    let message = decode(&fixture("mono.opus")).unwrap_err().to_string();
    assert_eq!(message, "Opus is not supported; convert it, for example with `ffmpeg -i IN out.flac`");
}

#[test]
fn mixing_and_quantising() {
    let bytes = wav(Sample::Float(32), 3, RATE_HZ, false, &[0.3, -0.6, 0.9, 1.5, 0.0, 1.8]);
    assert_eq!(decode(&bytes).unwrap().samples, [(0.3 - 0.6 + 0.9) / 3.0, (1.5 + 0.0 + 1.8) / 3.0]);
    let left = load_bytes(&bytes, &target(ChannelMix::Left), &Limits::default()).unwrap();
    assert_eq!(left.samples, [0.3, 1.5]);
    let rough = Target { quantize: Quantize::Int16Trunc, ..target(ChannelMix::Left) };
    assert_eq!(load_bytes(&bytes, &rough, &Limits::default()).unwrap().samples, [9830.0 / 32767.0, 1.0]);
    // One sample is a signal.
    assert_eq!(decode(&wav(Sample::Int(16), 1, RATE_HZ, false, &[1.0])).unwrap().samples, [32767.0 / 32768.0]);
}

#[test]
fn the_name_does_not_matter_and_the_bytes_are_the_identity() {
    let folder = tempfile::tempdir().unwrap();
    let misnamed = folder.path().join("cello.wav");
    std::fs::copy(fixture_path("stereo.mp3"), &misnamed).unwrap();
    let (a, b) = (AudioFile::read(&misnamed).unwrap(), AudioFile::read(&fixture_path("stereo.mp3")).unwrap());
    assert_eq!(a.hash, b.hash);
    assert_eq!(a.hash, hash(&misnamed).unwrap());
    assert_eq!(a.hash.len(), 64);
    let t = target(ChannelMix::Mean);
    assert_eq!(a.load(&t, &Limits::default()).unwrap(), load(&fixture_path("stereo.mp3"), &t, &Limits::default()).unwrap());
    assert_ne!(a.hash, hash(&fixture_path("stereo.flac")).unwrap());
}

#[test]
fn what_is_not_a_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("missing.wav")] {
        let error = AudioFile::read(&path).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
        assert!(error.to_string().starts_with("the file cannot be read: "), "{error}");
    }
    assert!(is_audio_name(std::path::Path::new("a/b.FLAC")) && !is_audio_name(std::path::Path::new("a/flac")));
}

#[test]
fn limits_hold_for_declared_and_for_decoded_length() {
    let short = Limits { max_duration_s: 0.1 };
    for name in ["stereo.flac", "stereo.ogg", "stereo.mp3", "bare.mp3", "mono.aac", "alac.m4a"] {
        let error = load_bytes(&fixture(name), &target(ChannelMix::Mean), &short).unwrap_err();
        assert_eq!(error, Error::TooLong { limit_s: 0.1 }, "{name}");
    }
}

#[test]
fn joined_files_are_noticed() {
    let clip = decode(&fixture("stereo.mp3").repeat(2)).unwrap();
    assert_eq!(clip.samples.len(), 3_200);
    assert!(clip.warnings[0].contains("as if files had been joined"), "{:?}", clip.warnings);
    assert!(matches!(decode(&fixture("stereo.ogg").repeat(2)), Err(Error::Unsupported { .. })));
}
