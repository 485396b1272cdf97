//! How much longer a tokenizer may make a text: a few words must not become a gigabyte.
//!
//! ```text
//!   normalizer  Replace "a" → "aaaaaaaaaa" ten times over     10¹⁰ times: refused
//!               Precompiled: one sign → the longest it holds  XLM-RoBERTa: some tens of bytes
//!   template    the text once, between its special tokens     100,000 times: refused
//! ```
//!
//! Convention: an upper bound, read from the parts of the file as JSON; parts that keep a text's length to within a few times
//! count as 1. Regular expressions need no bound of their own: Oniguruma gives up after ten million steps back.
//! Source: the JSON of `tokenizers` 0.23; SentencePiece's precompiled table (a trie's length in bytes, the trie, strings that
//! end with 0).

use serde_json::Value;

/// Real tokenizers stay below twenty in the parts that are counted.
pub(super) const MOST: f64 = 1000.0;

/// How many times longer the part and those inside it may make a text of a few words.
pub(super) fn growth(part: &Value) -> f64 {
    let length = |key: &str| part[key].as_str().map_or(0, str::len) as f64;
    let inside = |key: &str| part[key].as_array().into_iter().flatten();
    match part["type"].as_str().unwrap_or_default() {
        "Sequence" => inside("normalizers").chain(inside("processors")).map(growth).product(),
        "Replace" => match part["pattern"]["String"].as_str() {
            Some(pattern) => (length("content") / pattern.len().max(1) as f64).max(1.0),
            // An expression may match nothing between any two signs.
            None => 1.0 + length("content"),
        },
        "Prepend" => 1.0 + part["prepend"].as_str().map_or(0, str::len) as f64,
        "Precompiled" => longest(part["precompiled_charsmap"].as_str().unwrap_or_default()).max(1) as f64,
        "TemplateProcessing" => inside("single").filter(|piece| piece["Sequence"].is_object()).count().max(1) as f64,
        _ => 1.0,
    }
}

/// The longest string in SentencePiece's table, given as base64.
fn longest(base64: &str) -> usize {
    let six = base64.bytes().filter_map(|byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    });
    let (mut bytes, mut bits, mut held) = (Vec::with_capacity(base64.len()), 0u32, 0);
    for value in six {
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    let Some((head, rest)) = bytes.split_first_chunk::<4>() else { return 0 };
    let trie = u32::from_le_bytes(*head) as usize;
    rest.get(trie..).unwrap_or_default().split(|&byte| byte == 0).map(<[u8]>::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_multiply() {
        let replace = |content: &str| json!({"type": "Replace", "pattern": {"String": "a"}, "content": content});
        let ten = replace(&"a".repeat(10));
        assert_eq!(growth(&json!({"type": "Sequence", "normalizers": [ten, ten, {"type": "Lowercase"}]})), 100.0);
        assert_eq!(growth(&replace("")), 1.0);
        assert_eq!(growth(&json!({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"})), 4.0);
        assert_eq!(growth(&json!({"type": "Prepend", "prepend": "▁"})), 4.0);
        let text = json!({"Sequence": {"id": "A", "type_id": 0}});
        let token = json!({"SpecialToken": {"id": "<s>", "type_id": 0}});
        assert_eq!(growth(&json!({"type": "TemplateProcessing", "single": [token, text, token]})), 1.0);
        assert_eq!(growth(&json!({"type": "TemplateProcessing", "single": [text, text, token]})), 2.0);
        assert_eq!(growth(&Value::Null), 1.0);
    }

    #[test]
    fn the_longest_string_of_a_table() {
        // A trie of 4 bytes `abcd`, then `xy`, `hello`, `z`.
        assert_eq!(longest("BAAAAGFiY2R4eQBoZWxsbwB6AA=="), 5);
        assert_eq!(longest(""), 0);
        assert_eq!(longest("/////w=="), 0, "a trie longer than the table");
    }
}
