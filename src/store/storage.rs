//! How the numbers of vectors are kept on the disk: as f32, as the model gave them, or rounded to f16 in half the place.
//!
//! ```text
//!   f32  4 bytes   as given
//!   f16  2 bytes   IEEE 754 binary16, to the nearest: each number within 1/2048 of itself from 6.1e-5 to 65504 in size
//! ```
//! It is said once, when a collection is made, and holds for all of its vectors; what is read is f32 in either. A vector that f16
//! cannot keep is refused, never bent: one with a number beyond 65504, which would become infinite, and one whose numbers are so
//! small that it would lose more than [`MOST_LOST`] of its length.

use std::fmt;

use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use serde::{Deserialize, Serialize};

/// The part of a vector's length that rounding may take. Numbers of a fair size lose less than 1/2048.
pub const MOST_LOST: f64 = 1e-3;

/// Bytes of f16 that are read at a time.
const STEP: usize = 256;

/// What the numbers of a collection's vectors are kept as. The order of variants is the format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Storage {
    #[default]
    F32,
    F16,
}

/// Why a storage cannot keep a vector: a clause that follows its name.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Unkept {
    #[error("holds {value}, beyond the range of f16, ±65504")]
    Beyond { value: f32 },
    #[error("is too short for f16: rounding would take {lost:.2} of its length, at most {MOST_LOST} may go")]
    Lost { lost: f32 },
}

impl Storage {
    /// The names that the command line takes.
    pub const NAMES: [&'static str; 2] = ["f32", "f16"];

    /// Reads a storage by name.
    pub fn parse(name: &str) -> Option<Storage> {
        match name.to_lowercase().as_str() {
            "f32" => Some(Storage::F32),
            "f16" => Some(Storage::F16),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Storage::F32 => "f32",
            Storage::F16 => "f16",
        }
    }

    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Storage::F32 => 4,
            Storage::F16 => 2,
        }
    }

    /// Whether the vector can be kept. NaN, infinities and zeros are refused elsewhere.
    ///
    /// # Errors
    /// [`Unkept`].
    pub fn keeps(self, vector: &[f32]) -> Result<(), Unkept> {
        if self == Storage::F32 {
            return Ok(());
        }
        let (mut lost, mut all) = (0.0, 0.0);
        for &value in vector {
            let kept = f16::from_f32(value);
            if kept.is_infinite() {
                return Err(Unkept::Beyond { value });
            }
            lost += (f64::from(value) - f64::from(kept)).powi(2);
            all += f64::from(value).powi(2);
        }
        let lost = (lost / all).sqrt();
        if lost > MOST_LOST { Err(Unkept::Lost { lost: lost as f32 }) } else { Ok(()) }
    }

    /// Puts the numbers behind `bytes`, little-endian.
    pub(super) fn write(self, row: &[f32], bytes: &mut Vec<u8>) {
        match self {
            Storage::F32 => bytes.extend(row.iter().flat_map(|x| x.to_le_bytes())),
            Storage::F16 => bytes.extend(row.iter().flat_map(|&x| f16::from_f32(x).to_le_bytes())),
        }
    }

    /// Puts the numbers that [`Storage::write`] wrote behind `row`.
    pub(super) fn read(self, bytes: &[u8], row: &mut Vec<f32>) {
        match self {
            Storage::F32 => row.extend(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
            Storage::F16 => {
                let (mut bits, mut numbers) = ([0; STEP], [0.0; STEP]);
                for part in bytes.chunks(2 * STEP) {
                    let n = part.len() / 2;
                    bits.iter_mut().zip(part.chunks_exact(2)).for_each(|(bits, b)| *bits = u16::from_le_bytes([b[0], b[1]]));
                    if let (Some(bits), Some(numbers)) = (bits.get(..n), numbers.get_mut(..n)) {
                        // Many at a time: by the processor's own instruction where it has one.
                        bits.reinterpret_cast::<f16>().convert_to_f32_slice(numbers);
                        row.extend_from_slice(numbers);
                    }
                }
            }
        }
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(storage: Storage, row: &[f32]) -> Vec<f32> {
        let (mut bytes, mut back) = (Vec::new(), Vec::new());
        storage.write(row, &mut bytes);
        assert_eq!(bytes.len(), storage.bytes() * row.len());
        storage.read(&bytes, &mut back);
        back
    }

    #[test]
    fn numbers_come_back_to_the_nearest() {
        // More than are read at a time, and every bit pattern of f16 that is a number.
        let all: Vec<f32> = (0..=u16::MAX).map(f16::from_bits).filter(|x| x.is_finite()).map(f16::to_f32).collect();
        assert_eq!(round(Storage::F16, &all), all);
        let odd = [1.0, 1.0 + 1.0 / 4096.0, 1.0 + 3.0 / 4096.0, -65504.0, 65519.9, 0.1];
        assert_eq!(round(Storage::F16, &odd), [1.0, 1.0, 1.0 + 1.0 / 1024.0, -65504.0, 65504.0, 0.099975586]);
        assert_eq!(round(Storage::F32, &odd), odd);
    }

    #[test]
    fn what_f16_cannot_keep_is_told() {
        assert_eq!(Storage::F16.keeps(&[1.0, 65504.0]), Ok(()));
        assert_eq!(Storage::F16.keeps(&[1.0, -65520.0]), Err(Unkept::Beyond { value: -65520.0 }));
        assert_eq!(Storage::F32.keeps(&[1e38, 1e-38]), Ok(()));
        assert_eq!(Storage::F16.keeps(&[1e-9, 1e-9]), Err(Unkept::Lost { lost: 1.0 }));
        // A few numbers that vanish beside large ones are no loss.
        assert_eq!(Storage::F16.keeps(&[1.0, 1e-9]), Ok(()));
        assert!(matches!(Storage::F16.keeps(&[3.3e-6, 4.7e-6, 5.1e-6]), Err(Unkept::Lost { .. })));
    }

    #[test]
    fn names_are_read() {
        assert_eq!(Storage::NAMES.map(|name| Storage::parse(name).unwrap().name()), Storage::NAMES);
        assert_eq!((Storage::parse("F16"), Storage::parse("int8")), (Some(Storage::F16), None));
    }
}
