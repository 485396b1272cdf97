//! From a file of any common audio format to the mono samples that a model listens to.
//!
//! ```text
//!   bytes ─ hash ─┬─ known content? skip
//!                 └─ decode ─ mix down ─ resample ─ quantise ─ Clip ─ windows ─ model
//!                    symphonia  packet by packet                      WindowPolicy
//! ```
//!
//! All of it goes packet by packet: [`AudioFile::stream`] passes the signal on as it comes, so that a file of hours takes no more
//! memory than one of seconds; [`load`] gathers it into a [`Clip`].
//! The same file always gives the same samples. A damaged file is an error that says what is wrong, never half a signal:
//! the number of decoded samples is held against the number that the header declares, and checksums are verified.
//!
//! Conventions: full scale is ±1; lengths in samples unless a name says `_s`; rates in Hz.

mod aggregate;
mod cut;
mod decode;
mod error;
mod file;
mod foreign;
mod priming;
pub mod resample;
mod riff;
mod signal;
mod stream;
mod tail;
pub mod window;

pub use decode::SourceInfo;
pub use error::Error;
pub use file::{AudioFile, hash, is_audio_name, load, load_bytes, stem};
pub use foreign::is_foreign_name;
pub use signal::Limits;
pub use stream::Streamed;

use window::{ChannelMix, Quantize};

/// What a model wants to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The model's sample rate.
    pub sample_rate_hz: u32,
    /// How channels become one.
    pub mix: ChannelMix,
    /// Whether samples pass through 16 bits; the last step, after resampling.
    pub quantize: Quantize,
}

/// A whole signal, mono, at the target's rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// Amplitudes, full scale ±1; at least one.
    pub samples: Vec<f32>,
    /// The target's rate.
    pub sample_rate_hz: u32,
    /// What the file was.
    pub source: SourceInfo,
    /// What was odd about the file without making it useless, one sentence each.
    pub warnings: Vec<String>,
}

impl Clip {
    /// Length in seconds.
    pub fn duration_s(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate_hz)
    }
}
