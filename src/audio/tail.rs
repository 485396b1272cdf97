//! A FLAC file without the tags that taggers of MP3 put behind it.
//!
//! ```text
//!   [ID3v2] fLaC … frames │ [APE tag, ends in 32 bytes APETAGEX …] [ID3v1, 128 bytes TAG …]
//!                         └ here the file ends for the decoder
//! ```
//!
//! A FLAC's last frame ends where the file does, so symphonia would take a tag for a part of it.
//! Source: ID3v1 and the head of ID3v2.4 (id3.org), APEv2 (wiki.hydrogenaud.io).

use std::io::{Read, Result, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

/// Bytes of an ID3v1 tag, and where its year ends.
const ID3V1: u64 = 128;
const YEAR: usize = 93;
const YEAR_END: usize = 97;
/// Bytes of an APE tag's head and foot.
const APE: u64 = 32;

/// The file up to such tags, at its start.
///
/// # Errors
/// What the operating system says.
pub fn untagged<'a>(mut media: Box<dyn MediaSource + 'a>) -> Result<Box<dyn MediaSource + 'a>> {
    let (mut length, mut end) = (0, 0);
    if is_flac(media.as_mut())? {
        length = media.seek(SeekFrom::End(0))?;
        end = end_of_sound(media.as_mut(), length)?;
    }
    media.seek(SeekFrom::Start(0))?;
    if end == length {
        return Ok(media);
    }
    Ok(Box::new(Held { media, end, at: 0 }))
}

fn is_flac(media: &mut (dyn MediaSource + '_)) -> Result<bool> {
    let start = match bytes_at::<10>(media, 0)? {
        Some([b'I', b'D', b'3', _, _, flags, a, b, c, d]) => {
            let size = [a, b, c, d].into_iter().fold(0, |size, byte| size << 7 | u64::from(byte & 0x7f));
            let foot = if flags & 0x10 == 0 { 0 } else { 10 };
            10 + size + foot
        }
        _ => 0,
    };
    Ok(bytes_at::<4>(media, start)? == Some(*b"fLaC"))
}

fn end_of_sound(media: &mut (dyn MediaSource + '_), length: u64) -> Result<u64> {
    let mut end = length;
    if let Some(at) = end.checked_sub(ID3V1)
        && let Some(tag) = bytes_at::<YEAR_END>(media, at)?
        && tag.starts_with(b"TAG")
        // Three letters may stand in a frame too; a year behind them does not.
        && tag.iter().skip(YEAR).all(|byte| byte.is_ascii_digit() || matches!(byte, 0 | b' '))
    {
        end = at;
    }
    if let Some(at) = end.checked_sub(APE)
        && let Some(foot) = bytes_at::<24>(media, at)?
        && foot.starts_with(b"APETAGEX")
    {
        let size = u64::from(u32::from_le_bytes([foot[12], foot[13], foot[14], foot[15]]));
        let head = if foot[23] & 0x80 == 0 { 0 } else { APE };
        end = end.checked_sub(size.max(APE) + head).unwrap_or(end);
    }
    Ok(end)
}

/// So many bytes at a place; none where the file ends before.
fn bytes_at<const N: usize>(media: &mut (dyn MediaSource + '_), at: u64) -> Result<Option<[u8; N]>> {
    media.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::with_capacity(N);
    Read::take(&mut *media, N as u64).read_to_end(&mut bytes)?;
    Ok(bytes.try_into().ok())
}

/// A source that ends early.
struct Held<'a> {
    media: Box<dyn MediaSource + 'a>,
    end: u64,
    at: u64,
}

impl Read for Held<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        let read = self.media.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Held<'_> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.at = self.media.seek(match to {
            SeekFrom::Start(_) => to,
            SeekFrom::Current(offset) => SeekFrom::Start(self.at.saturating_add_signed(offset)),
            SeekFrom::End(offset) => SeekFrom::Start(self.end.saturating_add_signed(offset)),
        })?;
        Ok(self.at)
    }
}

impl MediaSource for Held<'_> {
    fn is_seekable(&self) -> bool {
        self.media.is_seekable()
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.end)
    }
}
