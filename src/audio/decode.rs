//! Bytes of a sound file → blocks of mono samples, packet by packet.
//!
//! The format is found by content, never by the file's name. What comes out is checked against what the file says of itself:
//!
//! | check | outcome |
//! |---|---|
//! | fewer samples than declared (PCM and FLAC: at all, others: by over two packets) | [`Error::Truncated`] |
//! | the data ends inside a packet | [`Error::Cut`] |
//! | packets that cannot be decoded | above 1 % [`Error::Damaged`], else a warning with their number |
//! | FLAC's MD5 of the samples, in containers other than its own | [`Error::Checksum`] |
//! | NaN, infinity, beyond 2³¹ × full scale | [`Error::Amplitude`] |
//! | beyond 16 × full scale | a warning |
//! | 0 or over 64 channels (wav: 26), a rate outside 1–768 kHz, over the limit's duration | an error before or while decoding |
//!
//! In FLAC's own container each frame has a CRC-16, and only frames that fit theirs are decoded: damage is a missing frame, which
//! the declared length tells, or, in a stream of unknown length, the number that the last frame bears. The MD5 beside it found
//! nothing more in 18,000 damages, and costs a quarter of decoding.
//! An MP3 file without a LAME tag, an ADTS file and a FLAC written to a pipe do not declare their length: a cut there cannot be
//! noticed.
//! The silence that MP3 and AAC encoders put in front and behind is dropped where the file tells how long it is
//! (LAME tag, Ogg positions, MP4 edit list: see `priming`).

use std::io::{Read, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::common::Limit;
use symphonia::core::errors::Error as Fault;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
pub use symphonia::core::io::MediaSource;
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use super::signal::{Limits, Signal, Sink, check_channels};
use super::window::ChannelMix;
use super::{Error, foreign, priming, riff, tail};

/// One second of 768 kHz; a header that declares larger packets is nonsense, and buffers would be made from it.
const MAX_PACKET_FRAMES: u64 = 768_000;
const MAX_EMPTY_PACKETS: u64 = 10_000;

/// What a file was before it became mono at another rate.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceInfo {
    /// "wave", "flac", "mp3", "ogg", "isomp4", "aiff", "caf", "aac".
    pub container: String,
    /// "pcm_s16le", "flac", "mp3", "vorbis", "aac", "alac", ….
    pub codec: String,
    pub channels: usize,
    pub sample_rate_hz: u32,
    /// Bits per sample, where the format has such a number.
    pub bits: Option<u32>,
    /// Length of what was decoded.
    pub duration_s: f64,
}

/// Decodes all of `media` into `sink`; gives what it was and what was odd about it.
///
/// # Errors
/// The reason why the samples are not to be trusted; blocks may have reached `sink` before it was found.
pub fn decode(
    media: Box<dyn MediaSource + '_>,
    mix: ChannelMix,
    limits: &Limits,
    sink: Sink,
) -> Result<(SourceInfo, Vec<String>), Error> {
    // Decoders of damaged bytes are many thousand lines that others wrote: a panic in them must cost one file, not the
    // ingest. Everything that the closure touches is dropped when it unwinds.
    catch_unwind(AssertUnwindSafe(|| decode_unguarded(media, mix, limits, sink))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Error::Decoder { reason: text.unwrap_or("it panicked").replace('\n', " ") })
    })
}

fn decode_unguarded(
    mut media: Box<dyn MediaSource + '_>,
    mix: ChannelMix,
    limits: &Limits,
    sink: Sink,
) -> Result<(SourceInfo, Vec<String>), Error> {
    let head = head(media.as_mut())?;
    if head.is_empty() {
        return Err(Error::NoBytes);
    }
    if let Some(format) = foreign::name(&head) {
        return Err(Error::Format { format });
    }
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WAVE") {
        riff::check_channels(media.as_mut())?;
    }
    let mut media = tail::untagged(media)?;
    let is_mp4 = head.get(4..8) == Some(b"ftyp");
    let movie_header = if is_mp4 { priming::movie_header(media.as_mut())? } else { None };
    let stream = MediaSourceStream::new(media, Default::default());
    let no_pictures = MetadataOptions::default().limit_visual_bytes(Limit::Maximum(0));
    let mut reader =
        symphonia::default::get_probe().probe(&Hint::new(), stream, FormatOptions::default(), no_pictures).map_err(at_opening)?;
    let container = reader.format_info().short_name;
    let track = reader.default_track(TrackType::Audio).ok_or(Error::NoTrack)?.clone();
    let mut decoder = open(container, &track)?;
    let declared = declared_frames(container, &track);
    let mut signal = Signal::new(mix, limits);
    signal.edit = movie_header.and_then(|moov| priming::of_track(&moov, track.id));
    // The rate that counts is that of the decoded blocks: an MP4 header cannot hold one above 65535 Hz, and has 0.
    if let (Some(frames), Some(rate_hz @ 1..)) = (declared, decoder.codec_params().sample_rate) {
        signal.check_length(frames, rate_hz)?;
    }
    let mut packets = read_packets(&mut reader, &mut decoder, track.id, &mut signal, sink)?;
    let codec = decoder.codec_info().short_name;
    // A WAV of unknown length simply ends with the file.
    packets.cut &= container != "wave" || declared.is_some();
    let at_least = if container == "flac" { declared.or(Some(packets.end)) } else { declared };
    judge(&signal, &packets, at_least, codec)?;
    if decoder.finalize().verify_ok == Some(false) {
        return Err(Error::Checksum);
    }
    let info = SourceInfo {
        container: container.to_owned(),
        codec: codec.to_owned(),
        channels: signal.channels,
        sample_rate_hz: signal.rate_hz,
        bits: decoder.codec_params().bits_per_sample.filter(|&bits| bits > 0),
        duration_s: signal.frames as f64 / f64::from(signal.rate_hz.max(1)),
    };
    // ffmpeg's CAF files count their last packet whole.
    let declared = declared.filter(|_| container != "caf");
    Ok((info, warnings(&signal, &packets, declared)))
}

fn head(media: &mut (dyn MediaSource + '_)) -> Result<Vec<u8>, Error> {
    let mut head = Vec::with_capacity(foreign::HEAD);
    Read::take(&mut *media, foreign::HEAD as u64).read_to_end(&mut head)?;
    media.seek(SeekFrom::Start(0))?;
    Ok(head)
}

fn at_opening(fault: Fault) -> Error {
    match fault {
        Fault::Unsupported(reason) if reason.starts_with("core (probe)") => Error::NotAudio,
        // symphonia says "unsupported" also when a part of the file is not there.
        Fault::Unsupported(reason) if reason.contains("missing") => Error::Header { reason: reason.to_owned() },
        Fault::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::Header { reason: "the file ends inside it".to_owned() }
        }
        Fault::IoError(io) => io.into(),
        other => refused(other),
    }
}

fn refused(fault: Fault) -> Error {
    match fault {
        Fault::Unsupported(reason) => Error::Unsupported { reason: reason.to_owned() },
        other => Error::Header { reason: in_words(&other) },
    }
}

fn in_words(fault: &Fault) -> String {
    match fault {
        Fault::DecodeError(reason) | Fault::Unsupported(reason) => (*reason).to_owned(),
        other => other.to_string(),
    }
}

fn open(container: &str, track: &Track) -> Result<Box<dyn AudioDecoder>, Error> {
    let parameters = track.codec_params.as_ref().and_then(|p| p.audio()).ok_or(Error::NoTrack)?;
    if let Some(format) = foreign::codec_name(parameters.codec) {
        return Err(Error::Format { format });
    }
    check(parameters)?;
    // Without a tag that tells the padding, symphonia guesses an MP3's length from its first frames and would cut the end.
    let options = AudioDecoderOptions::default().verify(container != "flac").gapless(!is_guessed(container, track));
    let decoder = symphonia::default::get_codecs().make_audio_decoder(parameters, &options).map_err(refused)?;
    check(decoder.codec_params())?;
    Ok(decoder)
}

fn check(parameters: &AudioCodecParameters) -> Result<(), Error> {
    if let Some(channels) = &parameters.channels {
        check_channels(channels.count())?;
    }
    match parameters.max_frames_per_packet {
        Some(frames) if frames > MAX_PACKET_FRAMES => {
            Err(Error::Header { reason: format!("it declares packets of `{frames}` samples") })
        }
        _ => Ok(()),
    }
}

/// True when the length is symphonia's estimate and not what the file says.
fn is_guessed(container: &str, track: &Track) -> bool {
    match container {
        "mp1" | "mp2" | "mp3" => track.delay.is_none() && track.padding.is_none(),
        "aac" => true,
        _ => false,
    }
}

fn declared_frames(container: &str, track: &Track) -> Option<u64> {
    let parameters = track.codec_params.as_ref()?.audio()?;
    let frame_bits = u64::from(parameters.bits_per_sample.unwrap_or(0)) * parameters.channels.as_ref()?.count() as u64;
    // sox writes this length when its output is a pipe (ffmpeg writes u32::MAX, which symphonia knows).
    let is_piped = |frames: u64| container == "wave" && (0x7fff_f000 - 64..=0x8000_0000).contains(&(frames * frame_bits / 8));
    track.num_frames.filter(|&frames| frames > 0 && !is_piped(frames) && !is_guessed(container, track))
}

/// How the packets fared.
#[derive(Default)]
struct Packets {
    seen: u64,
    bad: u64,
    /// Why the first bad one was bad.
    reason: String,
    /// Those since the last sound.
    silent: u64,
    /// Most samples that one gave.
    longest: u64,
    /// The data ended inside one.
    cut: bool,
    /// Where the last of them ends, as it says itself.
    end: u64,
}

fn read_packets(
    reader: &mut Box<dyn FormatReader + '_>,
    decoder: &mut Box<dyn AudioDecoder>,
    track_id: u32,
    signal: &mut Signal,
    sink: Sink,
) -> Result<Packets, Error> {
    let mut packets = Packets::default();
    loop {
        let packet = match reader.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return Ok(packets),
            Err(Fault::IoError(io)) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
                packets.cut = true;
                return Ok(packets);
            }
            Err(Fault::IoError(io)) => return Err(io.into()),
            Err(Fault::ResetRequired) => {
                return Err(Error::Unsupported { reason: "several streams one after another".to_owned() });
            }
            Err(other) => return Err(Error::Damaged { bad: 1, packets: packets.seen + 1, reason: in_words(&other) }),
        };
        packets.silent += 1;
        if packets.silent > MAX_EMPTY_PACKETS {
            return Err(Error::Stalled { packets: packets.silent });
        }
        if packet.track_id != track_id {
            continue;
        }
        packets.seen += 1;
        packets.end = u64::try_from(packet.pts.get()).map_or(0, |start| start.saturating_add(packet.dur.get())).max(packets.end);
        match decoder.decode(&packet) {
            Ok(buffer) if buffer.frames() == 0 => {}
            Ok(buffer) => {
                packets.silent = 0;
                packets.longest = packets.longest.max(buffer.frames() as u64);
                let (channels, rate_hz) = (buffer.spec().channels().count(), buffer.spec().rate());
                check_channels(channels)?;
                buffer.copy_to_vec_interleaved(&mut signal.interleaved);
                signal.pass_on(channels, rate_hz, sink)?;
            }
            Err(fault) => {
                packets.bad += 1;
                if packets.reason.is_empty() {
                    packets.reason = in_words(&fault);
                }
            }
        }
    }
}

fn judge(signal: &Signal, packets: &Packets, declared: Option<u64>, codec: &str) -> Result<(), Error> {
    let decoded = signal.frames + signal.skipped;
    // Where sound comes in packets, writers count the last one whole, or the encoder's own delay, or neither.
    let spare = if codec.starts_with("pcm") || codec == "flac" { 0 } else { 2 * packets.longest };
    if packets.bad * 100 > packets.seen {
        return Err(Error::Damaged { bad: packets.bad, packets: packets.seen, reason: packets.reason.clone() });
    }
    match declared {
        Some(declared) if decoded + spare < declared => Err(Error::Truncated { decoded, declared }),
        _ if packets.cut => Err(Error::Cut { decoded }),
        _ if signal.frames == 0 => Err(Error::Empty),
        _ => Ok(()),
    }
}

fn warnings(signal: &Signal, packets: &Packets, declared: Option<u64>) -> Vec<String> {
    let mut warnings = Vec::new();
    let decoded = signal.frames + signal.skipped;
    if let Some(declared) = declared.filter(|&declared| decoded < declared) {
        warnings.push(format!("`{decoded}` of `{declared}` declared samples could be decoded, as if a packet were missing"));
    }
    if packets.bad > 0 {
        let (bad, seen, reason) = (packets.bad, packets.seen, &packets.reason);
        warnings.push(format!("`{bad}` of `{seen}` packets cannot be decoded and are left out ({reason})"));
    }
    // An encoder's padding is less than three packets.
    if packets.silent > 3 {
        warnings.push(format!("`{}` packets after the declared end are left out, as if files had been joined", packets.silent));
    }
    if signal.peak > 16.0 {
        warnings.push(format!("the samples reach `{}`, full scale is 1", signal.peak));
    }
    if signal.peak == 0.0 {
        let mixed = if signal.channels > 1 { " once they are mixed to one channel" } else { "" };
        warnings.push(format!("all samples are 0{mixed}: it is silent"));
    }
    warnings
}
