//! Random words that mean nothing: the context that should not matter to a model.
//!
//! ChaCha8, keyed by BLAKE3 of the seed and the label: each label has its own words, whatever other labels there are, and
//! the same on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// 64 words, so that the low bits of a random number choose without bias.
const WORDS: &str = "\
    lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna \
    aliqua enim ad minim veniam quis nostrud exercitation ullamco laboris nisi aliquip ex ea commodo consequat duis aute \
    irure in reprehenderit voluptate velit esse cillum eu fugiat nulla pariatur excepteur sint occaecat cupidatat non \
    proident sunt culpa qui officia deserunt mollit anim id est laborum vel";

/// `count` words for this label, separated by spaces.
pub(super) fn words(seed: u64, label: &str, count: usize) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(label.as_bytes());
    let mut random = ChaCha8Rng::from_seed(*hasher.finalize().as_bytes());
    let all: Vec<&str> = WORDS.split(' ').collect();
    let words = (0..count).filter_map(|_| all.get(random.next_u32() as usize % all.len()).copied());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_seed_and_a_label_never_change() {
        assert_eq!(words(2024, "violin", 5), "irure non pariatur exercitation magna");
        assert_eq!(words(2024, "violin", 12).split(' ').count(), 12);
        assert!(words(2024, "violin", 12).starts_with(&words(2024, "violin", 5)));
        assert_ne!(words(2024, "violin", 12), words(2025, "violin", 12));
        assert_ne!(words(2024, "violin", 12), words(2024, "viola", 12));
        assert_eq!(words(1, "x", 0), "");
    }

    #[test]
    fn the_list_has_64_distinct_words() {
        let distinct: std::collections::HashSet<&str> = WORDS.split(' ').collect();
        assert_eq!((WORDS.split(' ').count(), distinct.len()), (64, 64));
    }
}
