//! A file's signal at the target's rate, piece by piece.
//!
//! ```text
//!   decode ─ packet, mono ─ resample ─ quantise ─ sink, sink, sink …
//! ```

use super::decode::{MediaSource, decode};
use super::resample::Resampler;
use super::{Clip, Error, Limits, SourceInfo, Target};

/// Where pieces of the signal go.
pub type Piece<'a> = &'a mut dyn FnMut(&[f32]) -> Result<(), Error>;

/// What is known of a signal when all of it has gone by.
#[derive(Debug, Clone, PartialEq)]
pub struct Streamed {
    /// Samples at the target's rate.
    pub samples: usize,
    /// The target's rate.
    pub sample_rate_hz: u32,
    /// What the file was.
    pub source: SourceInfo,
    /// What was odd about the file without making it useless, one sentence each.
    pub warnings: Vec<String>,
}

impl Streamed {
    /// Length in seconds.
    pub fn duration_s(&self) -> f64 {
        self.samples as f64 / f64::from(self.sample_rate_hz)
    }
}

/// Decodes `media` into `sink`; see [`AudioFile::stream`](super::AudioFile::stream).
pub fn stream(media: Box<dyn MediaSource + '_>, target: &Target, limits: &Limits, sink: Piece) -> Result<Streamed, Error> {
    let (mut resampler, mut piece, mut samples): (Option<Resampler>, Vec<f32>, usize) = (None, Vec::new(), 0);
    let mut pass_on = |piece: &mut Vec<f32>| {
        target.quantize.apply(piece);
        samples += piece.len();
        let passed = if piece.is_empty() { Ok(()) } else { sink(piece) };
        piece.clear();
        passed
    };
    let (source, warnings) = decode(media, target.mix, limits, &mut |rate_hz, block| {
        let resampler = match &mut resampler {
            Some(resampler) => resampler,
            none => none.insert(Resampler::new(rate_hz, target.sample_rate_hz)?),
        };
        resampler.push(block, &mut piece)?;
        pass_on(&mut piece)
    })?;
    resampler.ok_or(Error::Empty)?.finish(&mut piece)?;
    pass_on(&mut piece)?;
    Ok(Streamed { samples, sample_rate_hz: target.sample_rate_hz, source, warnings })
}

/// The whole signal of `media`.
pub fn whole(media: Box<dyn MediaSource + '_>, target: &Target, limits: &Limits) -> Result<Clip, Error> {
    let mut samples = Vec::new();
    let known = stream(media, target, limits, &mut |piece| {
        samples.extend_from_slice(piece);
        Ok(())
    })?;
    samples.shrink_to_fit();
    Ok(Clip { samples, sample_rate_hz: known.sample_rate_hz, source: known.source, warnings: known.warnings })
}
