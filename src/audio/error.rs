//! What can be wrong with an audio file, or with what is asked of it.
//!
//! Each variant is one kind of damage, and its message is the reason that stands beside the file's name in the list of files
//! that could not be read.

/// One reason why a file gave no samples.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("the file cannot be read: {reason}")]
    Io { reason: String },
    /// A file of no bytes.
    #[error("the file is empty")]
    NoBytes,
    /// No format was recognised.
    #[error("this is not audio in a format that can be read: expected wav, flac, mp3, ogg vorbis, m4a, aac, aiff or caf")]
    NotAudio,
    /// A format that is recognised, but has no decoder here.
    #[error("{format} is not supported; convert it, for example with `ffmpeg -i IN out.flac`")]
    Format { format: &'static str },
    /// A known format in a flavour that the decoder does not know.
    #[error("this kind of audio is not supported ({reason}); convert it, for example with `ffmpeg -i IN out.flac`")]
    Unsupported { reason: String },
    /// The container's header does not hold together.
    #[error("the header is damaged: {reason}")]
    Header { reason: String },
    /// A container without audio in it.
    #[error("the file has no audio track")]
    NoTrack,
    /// No channels, or absurdly many.
    #[error("`{channels}` channels are not believable: expected 1 to 64")]
    Channels { channels: usize },
    /// A sample rate outside 1–768 kHz.
    #[error("a sample rate of `{sample_rate_hz}` Hz is not believable: expected 1000 to 768000 Hz")]
    SampleRate { sample_rate_hz: u32 },
    /// Two parts of the file have different sample rates.
    #[error("the sample rate changes midway, from `{from_hz}` to `{to_hz}` Hz")]
    RateChange { from_hz: u32, to_hz: u32 },
    /// Longer than [`Limits`](super::Limits) allow, by its header or as decoded.
    #[error("the audio lasts longer than the limit of `{limit_s}` s")]
    TooLong { limit_s: f64 },
    /// The signal has no samples at all.
    #[error("the audio has no samples")]
    Empty,
    /// Fewer samples than the header promises.
    #[error("the file is cut short or damaged: `{decoded}` of `{declared}` declared samples could be decoded")]
    Truncated { decoded: u64, declared: u64 },
    /// The data ends inside a packet.
    #[error("the file is cut short: it ends in the middle of its audio, after `{decoded}` samples")]
    Cut { decoded: u64 },
    /// Too many packets that could not be decoded.
    #[error("the audio is damaged: `{bad}` of `{packets}` packets cannot be decoded ({reason})")]
    Damaged { bad: u64, packets: u64, reason: String },
    /// The decoded samples do not have the checksum that the file carries.
    #[error("the audio is damaged: the checksum of the decoded samples differs from the one in the file")]
    Checksum,
    /// NaN, infinity or a number far beyond full scale.
    #[error("sample `{sample}` is `{value}`, which is not a usable amplitude: expected a finite number around ±1")]
    Amplitude { sample: u64, value: f32 },
    /// Packets keep coming, but no samples.
    #[error("the audio is damaged: `{packets}` packets in a row hold no samples")]
    Stalled { packets: u64 },
    /// The decoder itself gave up.
    #[error("the decoder failed on this file: {reason}")]
    Decoder { reason: String },
    /// The resampler refused; no input is known to cause it.
    #[error("the sample rate cannot be changed: {reason}")]
    Resampler { reason: String },
    /// Two readings of the file differ.
    #[error("the file changed while it was read")]
    Changed,
    /// Whoever listened wanted no more of it.
    #[error("it was not read to its end")]
    Stopped,
    /// A window policy that cannot be followed.
    #[error("`{key} = {value}` is not a usable window setting: expected {expected}")]
    Policy { key: &'static str, value: usize, expected: &'static str },
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Error::Io { reason: error.to_string() }
    }
}
