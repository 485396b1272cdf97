//! Writes WAV files of every flavour, to be read back.

/// How samples are stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sample {
    /// Unsigned 8 bits.
    U8,
    /// Signed integers of 16, 24 or 32 bits.
    Int(u16),
    /// Floats of 32 or 64 bits.
    Float(u16),
}

impl Sample {
    pub fn bits(self) -> u16 {
        match self {
            Sample::U8 => 8,
            Sample::Int(bits) | Sample::Float(bits) => bits,
        }
    }

    fn push(self, value: f64, out: &mut Vec<u8>) {
        match self {
            Sample::U8 => out.push((value * 127.0 + 128.0).round() as u8),
            Sample::Int(bits) => {
                let full = f64::from(2u32.pow(u32::from(bits) - 1)) - 1.0;
                let bytes = ((value * full).round() as i32).to_le_bytes();
                out.extend_from_slice(&bytes[..usize::from(bits / 8)]);
            }
            Sample::Float(32) => out.extend_from_slice(&(value as f32).to_le_bytes()),
            Sample::Float(_) => out.extend_from_slice(&value.to_le_bytes()),
        }
    }
}

/// A WAV file of interleaved `values`; `extensible` writes the long header with a channel mask and a GUID.
pub fn wav(sample: Sample, channels: u16, rate_hz: u32, extensible: bool, values: &[f64]) -> Vec<u8> {
    let mut data = Vec::new();
    values.iter().for_each(|&value| sample.push(value, &mut data));
    let tag: u16 = if matches!(sample, Sample::Float(_)) { 3 } else { 1 };
    let block = channels * sample.bits() / 8;
    let mut format = Vec::new();
    format.extend_from_slice(&(if extensible { 0xfffe } else { tag }).to_le_bytes());
    format.extend_from_slice(&channels.to_le_bytes());
    format.extend_from_slice(&rate_hz.to_le_bytes());
    format.extend_from_slice(&(rate_hz.wrapping_mul(u32::from(block))).to_le_bytes());
    format.extend_from_slice(&block.to_le_bytes());
    format.extend_from_slice(&sample.bits().to_le_bytes());
    if extensible {
        format.extend_from_slice(&22u16.to_le_bytes());
        format.extend_from_slice(&sample.bits().to_le_bytes());
        // Of more channels than there are bits no place is said.
        let mask = 1u32.checked_shl(u32::from(channels)).map_or(0, |bit| bit - 1);
        format.extend_from_slice(&mask.to_le_bytes());
        format.extend_from_slice(&tag.to_le_bytes());
        format.extend_from_slice(b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71");
    }
    let mut body = b"WAVE".to_vec();
    for (name, chunk) in [(b"fmt ", &format), (b"data", &data)] {
        body.extend_from_slice(name);
        body.extend_from_slice(&(chunk.len() as u32).to_le_bytes());
        body.extend_from_slice(chunk);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    let mut file = b"RIFF".to_vec();
    file.extend_from_slice(&(body.len() as u32).to_le_bytes());
    file.extend(body);
    file
}

/// 440 Hz for `duration_s`, one amplitude a channel, interleaved.
pub fn sine(rate_hz: u32, duration_s: f64, amplitudes: &[f64]) -> Vec<f64> {
    let frames = (duration_s * f64::from(rate_hz)).round() as usize;
    let step = std::f64::consts::TAU * 440.0 / f64::from(rate_hz);
    (0..frames).flat_map(|k| amplitudes.iter().map(move |a| a * (step * k as f64).sin())).collect()
}
