//! Takes every word of a label out of a sentence, whole words only.
//!
//! ```text
//! "The tuba's tubas, a tuba."  without  "bass tuba"  →  "The tubas, a."
//! ```
//!
//! This makes the third prompt of the ISMIR 2024 paper. Taking `flute` out leaves `fluted` as it is.

/// The sentence without the words of `label`, in any case and with or without `'s`.
pub(super) fn words_of(label: &str, sentence: &str) -> String {
    let label = label.to_lowercase();
    let forbidden: Vec<&str> = label.split(|c| !in_word(c)).filter(|word| !word.is_empty()).collect();
    let mut kept = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some(first) = rest.chars().next() {
        let inside = in_word(first);
        let end = rest.find(|c| in_word(c) != inside).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        let lower = run.to_lowercase();
        let bare = lower.strip_suffix("'s").or_else(|| lower.strip_suffix("’s")).unwrap_or(&lower);
        if !inside || !(forbidden.contains(&lower.as_str()) || forbidden.contains(&bare)) {
            kept.push_str(run);
        }
        rest = after;
    }
    tidy(&kept)
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '\'' || c == '’'
}

/// One space between words, none before a closing mark.
fn tidy(text: &str) -> String {
    let mut out = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for mark in [",", ".", ";", ":"] {
        out = out.replace(&format!(" {mark}"), mark);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::words_of;

    #[test]
    fn whole_words_only() {
        let cases = [
            ("bass tuba", "The tuba's tubas, a tuba.", "The tubas, a."),
            ("flute", "A Flute in a fluted case", "A in a fluted case"),
            ("french horn", "The French horn, or horn, is French.", "The, or, is."),
            ("clarinet in b-flat", "It is B-flat in pitch", "It is - pitch"),
            ("harp", "a harpsichord is no harp", "a harpsichord is no"),
            ("", "untouched", "untouched"),
            ("笛", "笛 and 笛子", "and 笛子"),
        ];
        for (label, sentence, expected) in cases {
            assert_eq!(words_of(label, sentence), expected);
        }
    }
}
