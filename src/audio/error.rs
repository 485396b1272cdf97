//! What can be wrong with an audio file, or with what is asked of it.

/// One reason why a file gave no samples; each variant says in a sentence what kind of damage it is.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The signal has no samples at all.
    #[error("the audio has no samples")]
    Empty,
    /// A window policy that cannot be followed.
    #[error("`{key} = {value}` is not a usable window setting: expected {expected}")]
    Policy { key: &'static str, value: usize, expected: &'static str },
}
