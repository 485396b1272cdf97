//! Names the formats that are known by their first bytes but cannot be decoded, so that the error can say more than "not audio".

/// First bytes at an offset, and the name of what starts so.
const MAGIC: [(usize, &[u8], &str); 13] = [
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
];

/// How many bytes of a file [`name`] looks at.
pub const HEAD: usize = 36;

/// The name of the undecodable format that starts with `head`.
pub fn name(head: &[u8]) -> Option<&'static str> {
    MAGIC.iter().find(|(at, magic, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic))).map(|(_, _, name)| *name)
}
