//! Reading a byte store of which some pages cannot be read.
//!
//! A scan ends at the first page with wrong bytes. What lies behind it is asked for key by key, where the keys can be
//! guessed (numbers up to the next one), or by longer prefixes, where they cannot.

use crate::store::error::Error;
use crate::store::key_value::KeyValue;

/// A value, or why it cannot be read.
pub type Read = Result<Vec<u8>, String>;
/// Takes a key and what was read under it.
type Each<'a> = dyn FnMut(&[u8], Read) -> Result<(), Error> + 'a;

/// The value of a key; wrong bytes are no error.
///
/// # Errors
/// Those of the byte store that are not damage.
pub fn get(kv: &dyn KeyValue, key: &[u8]) -> Result<Option<Read>, Error> {
    match kv.get(key) {
        Ok(value) => Ok(value.map(Ok)),
        Err(Error::Damaged { what }) => Ok(Some(Err(what))),
        Err(error) => Err(error),
    }
}

/// Gives `each` what stands under `prefix`: by a scan, and behind a page that cannot be read by asking for `probes`, which
/// come in order of keys. True when the scan came to its end.
///
/// # Errors
/// Those of the byte store that are not damage, and those of `each`.
pub fn visit(
    kv: &dyn KeyValue,
    prefix: &[u8],
    probes: impl IntoIterator<Item = Vec<u8>>,
    mut each: impl FnMut(&[u8], Read) -> Result<(), Error>,
) -> Result<bool, Error> {
    let mut last = Vec::new();
    if scan(kv, prefix, &mut last, &mut each)? {
        return Ok(true);
    }
    for key in probes.into_iter().filter(|key| *key > last) {
        if let Some(read) = get(kv, &key)? {
            each(&key, read)?;
        }
    }
    Ok(false)
}

/// As [`visit`], where keys cannot be guessed: behind a page that cannot be read each next byte of the prefix is scanned for
/// itself.
///
/// # Errors
/// As [`visit`].
pub fn visit_unguessed(
    kv: &dyn KeyValue,
    prefix: &[u8],
    mut each: impl FnMut(&[u8], Read) -> Result<(), Error>,
) -> Result<bool, Error> {
    let mut last = Vec::new();
    if scan(kv, prefix, &mut last, &mut each)? {
        return Ok(true);
    }
    for byte in 0..=u8::MAX {
        scan(kv, &[prefix, &[byte]].concat(), &mut last, &mut each)?;
    }
    Ok(false)
}

/// Gives `each` what comes after `last`; false when it met wrong bytes.
fn scan(kv: &dyn KeyValue, prefix: &[u8], last: &mut Vec<u8>, each: &mut Each<'_>) -> Result<bool, Error> {
    for entry in kv.scan_prefix(prefix) {
        match entry {
            Ok((key, value)) if key > *last => {
                each(&key, Ok(value))?;
                *last = key;
            }
            Ok(_) => {}
            Err(Error::Damaged { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
