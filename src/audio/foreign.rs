//! Names the formats and codecs that are known but cannot be decoded, so that the error can say more than "not audio".
//!
//! A file is known by its first bytes. Its extension only says whether an ingest of its folder looks at it: such a file is
//! reported and not overlooked.

use std::path::Path;

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known as codec;

/// First bytes at an offset, and the name of what starts so.
const MAGIC: [(usize, &[u8], &str); 24] = [
    (28, b"OpusHead", "Opus"),
    (28, b"Speex   ", "Speex"),
    (0, b"RF64", "RF64 (wav above 4 GB)"),
    (0, b"BW64", "BW64 (wav above 4 GB)"),
    (0, b"riff\x2e\x91\xcf\x11", "Wave64"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"TTA1", "True Audio"),
    (0, b"DSD ", "DSD"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
    (0, b"MThd", "MIDI (notes without sound)"),
    (0, b"#!AMR", "AMR"),
    (0, b".snd", "Sun AU"),
    (0, b"dns.", "Sun AU"),
    (0, b"FRM8", "DSD"),
    (0, b"MPCK", "Musepack"),
    (0, b"MP+", "Musepack"),
    (0, b"OFR ", "OptimFROG"),
    (0, b".ra\xfd", "RealAudio"),
    (0, b".RMF", "RealAudio"),
    (0, b"NIST_1A", "NIST SPHERE"),
    (0, b"Creative Voice File", "Creative Voice"),
    (0, b"\x0b\x77", "AC-3"),
];

/// Codecs within containers that can be read.
const CODECS: [(AudioCodecId, &str); 9] = [
    (codec::CODEC_ID_OPUS, "Opus"),
    (codec::CODEC_ID_SPEEX, "Speex"),
    (codec::CODEC_ID_MP1, "MPEG audio of layers I and II"),
    (codec::CODEC_ID_MP2, "MPEG audio of layers I and II"),
    (codec::CODEC_ID_AC3, "AC-3"),
    (codec::CODEC_ID_EAC3, "Enhanced AC-3"),
    (codec::CODEC_ID_AC4, "AC-4"),
    (codec::CODEC_ID_DCA, "DTS"),
    (codec::CODEC_ID_WMA, "Windows Media"),
];

/// Extensions of audio that cannot be decoded.
const EXTENSIONS: [&str; 23] = [
    "au", "snd", "wma", "ac3", "eac3", "dts", "mp1", "mp2", "ape", "wv", "tta", "mpc", "ofr", "dsf", "dff", "spx", "amr", "ra",
    "rf64", "w64", "sph", "voc", "mka",
];

/// How many bytes of a file [`name`] looks at.
pub const HEAD: usize = 36;

/// The name of the undecodable format that starts with `head`.
pub fn name(head: &[u8]) -> Option<&'static str> {
    MAGIC.iter().find(|(at, magic, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic))).map(|(_, _, name)| *name)
}

/// The name of a codec that cannot be decoded.
pub fn codec_name(id: AudioCodecId) -> Option<&'static str> {
    CODECS.iter().find(|(known, _)| *known == id).map(|(_, name)| *name)
}

/// True when the name says audio of a kind that cannot be decoded, and is not that of a hidden file.
///
/// ```
/// use std::path::Path;
/// use dyad::audio::is_foreign_name;
/// assert!(is_foreign_name(Path::new("blues/blues.00000.AU")));
/// assert!(!is_foreign_name(Path::new("blues/blues.00000.wav")));
/// ```
pub fn is_foreign_name(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    !hidden && extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}
