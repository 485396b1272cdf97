//! How many samples an MP4 file wants dropped from the start of a track: the encoder's priming, from the edit list.
//!
//! ```text
//!   moov ─ trak ─┬─ tkhd           track id
//!                ├─ edts ─ elst    duration, media time, rate;  media time 1024 = the sound starts there
//!                └─ mdia ─ mdhd    ticks per second of the media time
//! ```
//!
//! symphonia 0.6 does not follow edit lists, so AAC in m4a would start 1024 samples late (2112 from Apple's encoder); ffmpeg
//! and all players drop them. Only the plain case counts: at most an empty edit, then one edit.
//! Convention: anything odd in these boxes means 0; whether the file is sound is judged elsewhere.
//! Source: ISO/IEC 14496-12, 8.6.6.

use std::io::{Read, Seek, SeekFrom};

/// Boxes on the top level that are looked at before giving up.
const MAX_BOXES: usize = 1_000;
/// Larger movie headers are not read.
const MAX_MOOV: u64 = 16 << 20;

/// What to drop from the start of the track `track_id`: ticks, and ticks per second.
pub fn of_track(moov: &[u8], track_id: u32) -> Option<(u64, u32)> {
    boxes(moov).filter(|(kind, _)| kind == b"trak").find_map(|(_, trak)| {
        let id = versioned(find(trak, b"tkhd")?, 12, 20)?;
        if id != track_id {
            return None;
        }
        let ticks_per_s = versioned(find(find(trak, b"mdia")?, b"mdhd")?, 12, 20)?;
        Some((media_time(find(find(trak, b"edts")?, b"elst")?)?, ticks_per_s))
    })
}

/// The movie header of an MP4 file, without its own size and name; `media` is at its start again afterwards.
///
/// # Errors
/// What the operating system says; a file without a movie header is no error.
pub fn movie_header(media: &mut (impl Read + Seek + ?Sized)) -> std::io::Result<Option<Vec<u8>>> {
    let found = find_movie_header(media)?;
    media.seek(SeekFrom::Start(0))?;
    Ok(found)
}

fn find_movie_header(media: &mut (impl Read + Seek + ?Sized)) -> std::io::Result<Option<Vec<u8>>> {
    let mut at = 0u64;
    for _ in 0..MAX_BOXES {
        media.seek(SeekFrom::Start(at))?;
        let mut head = Vec::new();
        Read::take(&mut *media, 16).read_to_end(&mut head)?;
        let Some((kind, start, length)) = box_head(&head) else { break };
        if kind == b"moov" {
            if length > MAX_MOOV {
                break;
            }
            media.seek(SeekFrom::Start(at + start))?;
            let mut moov = Vec::new();
            Read::take(&mut *media, length - start).read_to_end(&mut moov)?;
            return Ok(Some(moov));
        }
        let Some(next) = at.checked_add(length) else { break };
        at = next;
    }
    Ok(None)
}

/// Name, length of the head and of the whole box.
fn box_head(bytes: &[u8]) -> Option<(&[u8], u64, u64)> {
    let kind = bytes.get(4..8)?;
    let (start, length) = match u64::from(u32_at(bytes, 0)?) {
        1 => (16, u64_at(bytes, 8)?),
        length => (8, length),
    };
    (length >= start).then_some((kind, start, length))
}

/// The boxes that `bytes` consists of: name and contents.
fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let (kind, start, length) = box_head(bytes)?;
        let contents = bytes.get(start as usize..usize::try_from(length).ok()?)?;
        bytes = bytes.get(length as usize..)?;
        Some((kind, contents))
    })
}

fn find<'a>(bytes: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    boxes(bytes).find(|(kind, _)| *kind == name).map(|(_, contents)| contents)
}

/// A 32-bit field whose place depends on the box's version, 0 or 1.
fn versioned(bytes: &[u8], at_0: usize, at_1: usize) -> Option<u32> {
    u32_at(bytes, if *bytes.first()? == 1 { at_1 } else { at_0 })
}

/// Media time of the single edit of an edit list.
fn media_time(elst: &[u8]) -> Option<u64> {
    let wide = *elst.first()? == 1;
    let size = if wide { 20 } else { 12 };
    let count = u32_at(elst, 4)? as usize;
    let mut edits = elst
        .get(8..)?
        .chunks_exact(size)
        .take(count)
        .map(|edit| if wide { u64_at(edit, 8).map(|t| t as i64) } else { u32_at(edit, 4).map(|t| i64::from(t as i32)) });
    // An edit of media time −1 is silence before the sound.
    let first = edits.find(|time| *time != Some(-1))??;
    if edits.next().is_some() { None } else { u64::try_from(first).ok() }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn atom(kind: &[u8; 4], contents: &[&[u8]]) -> Vec<u8> {
        let contents = contents.concat();
        [&(contents.len() as u32 + 8).to_be_bytes()[..], kind, &contents].concat()
    }

    fn movie(edits: &[(u32, i32)]) -> Vec<u8> {
        let tkhd = atom(b"tkhd", &[&[0; 12], &7u32.to_be_bytes(), &[0; 60]]);
        let mdhd = atom(b"mdhd", &[&[0; 12], &44_100u32.to_be_bytes(), &[0; 8]]);
        let list: Vec<u8> = edits
            .iter()
            .flat_map(|(duration, time)| [duration.to_be_bytes(), time.to_be_bytes(), 0x10000u32.to_be_bytes()].concat())
            .collect();
        let elst = atom(b"elst", &[&[0; 4], &(edits.len() as u32).to_be_bytes(), &list]);
        let trak = atom(b"trak", &[&tkhd, &atom(b"edts", &[&elst]), &atom(b"mdia", &[&mdhd])]);
        [atom(b"ftyp", &[b"M4A "]), atom(b"mdat", &[&[0; 99]]), atom(b"moov", &[&trak])].concat()
    }

    fn priming(file: &[u8], track: u32) -> Option<(u64, u32)> {
        of_track(&movie_header(&mut Cursor::new(file)).unwrap()?, track)
    }

    #[test]
    fn one_edit_counts_with_or_without_an_empty_one() {
        assert_eq!(priming(&movie(&[(200, 1024)]), 7), Some((1024, 44_100)));
        assert_eq!(priming(&movie(&[(50, -1), (200, 2112)]), 7), Some((2112, 44_100)));
        assert_eq!(priming(&movie(&[(200, 1024), (100, 9999)]), 7), None);
        assert_eq!(priming(&movie(&[]), 7), None);
        assert_eq!(priming(&movie(&[(200, 1024)]), 8), None);
    }

    #[test]
    fn damage_gives_nothing_and_ends() {
        let file = movie(&[(200, 1024)]);
        for end in 0..file.len() {
            let _ = priming(&file[..end], 7);
            let mut flipped = file.clone();
            flipped[end] ^= 0xff;
            let _ = priming(&flipped, 7);
        }
        assert_eq!(priming(&[0; 64], 7), None);
        assert_eq!(priming(b"", 7), None);
    }
}
