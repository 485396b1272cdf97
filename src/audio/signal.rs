//! The decoded signal on its way out: mixed to mono, checked, and never held as a whole.
//!
//! ```text
//!   interleaved block ─ drop the priming ─ mix ─ amplitudes usable? ─ within the limit? ─ sink
//! ```

use super::Error;
use super::window::ChannelMix;

const MAX_CHANNELS: usize = 64;
/// Full scale of 32-bit integers stored as floats without scaling.
const MAX_AMPLITUDE: f32 = 2_147_483_648.0;

/// Bounds on what one file may cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Longest audio that is accepted, in seconds.
    pub max_duration_s: f64,
}

impl Default for Limits {
    /// Four hours.
    fn default() -> Self {
        Limits { max_duration_s: 4.0 * 3600.0 }
    }
}

/// Where decoded blocks go: sample rate and mono samples.
pub type Sink<'a> = &'a mut dyn FnMut(u32, &[f32]) -> Result<(), Error>;

/// The mono signal on its way to the sink.
pub struct Signal {
    mix: ChannelMix,
    limit_s: f64,
    pub channels: usize,
    pub rate_hz: u32,
    /// Samples passed on.
    pub frames: u64,
    /// Ticks, and ticks per second, to drop at the start.
    pub edit: Option<(u64, u32)>,
    /// Samples dropped at the start.
    pub skipped: u64,
    pub peak: f32,
    pub interleaved: Vec<f32>,
    mono: Vec<f32>,
}

impl Signal {
    pub fn new(mix: ChannelMix, limits: &Limits) -> Self {
        let limit_s = limits.max_duration_s;
        let (interleaved, mono) = (Vec::new(), Vec::new());
        Signal { mix, limit_s, channels: 0, rate_hz: 0, frames: 0, edit: None, skipped: 0, peak: 0.0, interleaved, mono }
    }

    pub fn check_length(&self, frames: u64, rate_hz: u32) -> Result<(), Error> {
        let too_long = frames as f64 > self.limit_s * f64::from(rate_hz);
        if too_long { Err(Error::TooLong { limit_s: self.limit_s }) } else { Ok(()) }
    }

    /// Samples still to drop.
    fn to_skip(&self) -> u64 {
        let (ticks, ticks_per_s) = self.edit.unwrap_or((0, 1));
        let whole = u128::from(ticks) * u128::from(self.rate_hz) / u128::from(ticks_per_s.max(1));
        u64::try_from(whole).unwrap_or(u64::MAX) - self.skipped
    }

    /// Mixes what `interleaved` holds and passes it on.
    pub fn pass_on(&mut self, channels: usize, rate_hz: u32, sink: Sink) -> Result<(), Error> {
        check_channels(channels)?;
        check_rate(rate_hz)?;
        if self.rate_hz != 0 && self.rate_hz != rate_hz {
            return Err(Error::RateChange { from_hz: self.rate_hz, to_hz: rate_hz });
        }
        (self.channels, self.rate_hz) = (channels.max(self.channels), rate_hz);
        let left = self.to_skip().min((self.interleaved.len() / channels) as u64);
        self.skipped += left;
        let frames = self.interleaved.chunks_exact(channels).skip(left as usize);
        self.mono.clear();
        match self.mix {
            _ if channels == 1 => self.mono.extend_from_slice(self.interleaved.get(left as usize..).unwrap_or_default()),
            ChannelMix::Left => self.mono.extend(frames.map(|frame| frame[0])),
            ChannelMix::Mean => self.mono.extend(frames.map(|frame| frame.iter().sum::<f32>() / channels as f32)),
        }
        // Without their sign, floats are in order as whole numbers, and NaN is above all: so the processor takes many at once.
        let size = |value: f32| value.to_bits() & !(1 << 31);
        let peak = self.mono.iter().fold(0, |peak, &value| size(value).max(peak));
        if peak > MAX_AMPLITUDE.to_bits() {
            let odd = (0..).zip(&self.mono).find(|&(_, &value)| size(value) > MAX_AMPLITUDE.to_bits());
            let (at, &value) = odd.unwrap_or((0, &f32::NAN));
            return Err(Error::Amplitude { sample: self.frames + at, value });
        }
        self.peak = self.peak.max(f32::from_bits(peak));
        self.frames += self.mono.len() as u64;
        self.check_length(self.frames, rate_hz)?;
        sink(rate_hz, &self.mono)
    }
}

pub fn check_channels(channels: usize) -> Result<(), Error> {
    if (1..=MAX_CHANNELS).contains(&channels) { Ok(()) } else { Err(Error::Channels { channels }) }
}

fn check_rate(sample_rate_hz: u32) -> Result<(), Error> {
    if (1_000..=768_000).contains(&sample_rate_hz) { Ok(()) } else { Err(Error::SampleRate { sample_rate_hz }) }
}
