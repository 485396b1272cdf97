//! How many channels a WAV file says that it has.
//!
//! ```text
//!   RIFF size WAVE ─ chunk, chunk, … ─ fmt : format, channels, …
//! ```
//!
//! symphonia gives each channel a place in a mask of speakers, which has 26 of them, and 18 where the file brings a mask. From 33
//! channels on its count wraps: 33 with an empty mask would come out as one, 33 times as long. So the number is looked at first.

use std::io::{Read, Seek, SeekFrom};

use super::Error;

/// The most channels that are decoded.
const MOST: u16 = 26;
/// Chunks that are looked at before giving up.
const MAX_CHUNKS: usize = 1_000;

/// Refuses a WAV file of more channels than are decoded; `media` is at its start again afterwards.
///
/// # Errors
/// [`Error::Unsupported`], or what the operating system says. A file without such a number is judged elsewhere.
pub fn check_channels(media: &mut (impl Read + Seek + ?Sized)) -> Result<(), Error> {
    let channels = channels(media)?;
    media.seek(SeekFrom::Start(0))?;
    match channels {
        Some(n) if n > MOST => Err(Error::Unsupported { reason: format!("a wav of `{n}` channels: expected at most {MOST}") }),
        _ => Ok(()),
    }
}

fn channels(media: &mut (impl Read + Seek + ?Sized)) -> std::io::Result<Option<u16>> {
    let mut at = 12u64;
    for _ in 0..MAX_CHUNKS {
        media.seek(SeekFrom::Start(at))?;
        let mut head = Vec::new();
        Read::take(&mut *media, 12).read_to_end(&mut head)?;
        let Ok([n0, n1, n2, n3, s0, s1, s2, s3, _, _, low, high]) = <[u8; 12]>::try_from(head) else { break };
        if [n0, n1, n2, n3] == *b"fmt " {
            return Ok(Some(u16::from_le_bytes([low, high])));
        }
        let size = u64::from(u32::from_le_bytes([s0, s1, s2, s3]));
        at += 8 + size.next_multiple_of(2);
    }
    Ok(None)
}
