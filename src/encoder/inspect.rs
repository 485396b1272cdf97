//! What a graph file must not hold, looked for before either backend reads it.
//!
//! ```text
//!   audio.onnx ─ ModelProto ─┬─ GraphProto ─┬─ NodeProto ─ attributes ─ nested graphs …
//!                            │              └─ initializers: weights inside, as many as their shape says
//!                            └─ functions: none
//! ```
//!
//! Refused are nodes that may repeat without an end (`Loop`, `Scan`, the searches of language models), that give other numbers
//! each time, functions (thirty lines of them unfold to a thousand million nodes), weights in other files (the model's hash does
//! not cover them), sparse ones, and weights whose shape is not that of their bytes. Graphs nest sixteen deep at most.
//!
//! Convention: the file's bytes are walked as they lie, nothing is copied or unfolded; what cannot be walked is left for the
//! backend to complain about. Source: protobuf's wire format; the field numbers of onnx.proto (ONNX 1.19).

/// Nodes that repeat a graph as often as a number in the data says.
const REPEATING: [&[u8]; 6] = [b"Loop", b"Scan", b"BeamSearch", b"GreedySearch", b"Sampling", b"WhisperBeamSearch"];
/// Nodes whose numbers are drawn anew at every run.
const RANDOM: [&[u8]; 6] =
    [b"RandomNormal", b"RandomNormalLike", b"RandomUniform", b"RandomUniformLike", b"Multinomial", b"Bernoulli"];
/// Graphs in graphs; those of real models nest once or twice.
const DEEPEST: usize = 16;

/// Nodes of graphs that compute in 8 bits.
const EIGHT_BITS: [&[u8]; 5] = [b"MatMulInteger", b"ConvInteger", b"DynamicQuantizeLinear", b"QLinearMatMul", b"QLinearConv"];

/// Whether the outermost graph computes in 8 bits.
pub(super) fn eight_bits(bytes: &[u8]) -> bool {
    let of = |number, bytes| Fields(bytes).filter(move |(n, _)| *n == number).filter_map(|(_, field)| field.bytes());
    of(7, bytes).flat_map(|graph| of(1, graph)).flat_map(|node| of(4, node)).any(|kind| EIGHT_BITS.contains(&kind))
}

/// What is wrong with the graph in `bytes`, as a sentence without its file.
///
/// # Errors
/// The first thing that is refused.
pub(super) fn inspect(bytes: &[u8]) -> Result<(), String> {
    if bytes.is_empty() {
        return Err("it is empty: expected an ONNX graph".to_owned());
    }
    for (number, field) in Fields(bytes) {
        match (number, field) {
            (7, Field::Bytes(graph)) => self::graph(graph, 0)?,
            (25, Field::Bytes(function)) => {
                let name = name(function, 1);
                return Err(format!("it has the function `{name}`: expected a graph with its functions put in their places"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn graph(bytes: &[u8], depth: usize) -> Result<(), String> {
    if depth > DEEPEST {
        return Err(format!("its graphs are nested more than {DEEPEST} deep"));
    }
    for (number, field) in Fields(bytes) {
        match (number, field) {
            (1, Field::Bytes(node)) => self::node(node, depth)?,
            (5, Field::Bytes(weights)) => tensor(weights)?,
            (15, Field::Bytes(_)) => return Err(SPARSE.to_owned()),
            _ => {}
        }
    }
    Ok(())
}

const SPARSE: &str = "it has sparse weights: expected dense ones";

fn node(bytes: &[u8], depth: usize) -> Result<(), String> {
    let kind = Fields(bytes).find_map(|(number, field)| field.bytes().filter(|_| number == 4)).unwrap_or_default();
    let named = || format!("`{}`, a {}", name(bytes, 2), String::from_utf8_lossy(kind));
    if REPEATING.contains(&kind) {
        return Err(format!("it may never end because of {}: expected a graph without loops", named()));
    }
    if RANDOM.contains(&kind) {
        return Err(format!("it gives other numbers each time because of {}: expected a graph without chance", named()));
    }
    // The third input of a Dropout says whether it is in training; an empty name is an input left out.
    let third = Fields(bytes).filter(|(number, _)| *number == 1).nth(2).and_then(|(_, field)| field.bytes());
    if kind == b"Dropout" && third.is_some_and(|name| !name.is_empty()) {
        return Err(format!(
            "it may give other numbers each time because of {} with `training_mode`: expected a graph exported for inference",
            named()
        ));
    }
    for (_, attribute) in Fields(bytes).filter(|(number, _)| *number == 5) {
        for (number, field) in Fields(attribute.bytes().unwrap_or_default()) {
            match (number, field) {
                (5 | 10, Field::Bytes(value)) => tensor(value)?,
                (6 | 11, Field::Bytes(nested)) => graph(nested, depth + 1)?,
                (22 | 23, Field::Bytes(_)) => return Err(SPARSE.to_owned()),
                _ => {}
            }
        }
    }
    Ok(())
}

/// A tensor's shape must not claim more numbers than its bytes can hold.
fn tensor(bytes: &[u8]) -> Result<(), String> {
    let (mut numbers, mut kind, mut raw, mut listed) = (Some(1u64), 0, None, 0usize);
    let mut dim = |value: u64| numbers = numbers.and_then(|n| n.checked_mul(value)).filter(|_| i64::try_from(value).is_ok());
    for (number, field) in Fields(bytes) {
        match (number, field) {
            (1, Field::Number(value)) => dim(value),
            (1, Field::Bytes(packed)) => Varints(packed).for_each(&mut dim),
            (2, Field::Number(value)) => kind = value,
            (9, Field::Bytes(value)) => raw = Some(value.len()),
            // Numbers by kind; each takes at least one byte, a string the length before it.
            (4 | 5 | 7 | 10 | 11, Field::Bytes(value)) => listed += value.len(),
            (4..=7 | 10 | 11, _) => listed += 8,
            (13, _) | (14, Field::Number(1)) => {
                return Err(format!("its weights `{}` are in another file: expected them in the graph's own", name(bytes, 8)));
            }
            _ => {}
        }
    }
    // Bits of a number of each type, by ONNX's count of types; a type that is not known here is left for the backend.
    let bits: u64 = match kind {
        1 | 6 | 12 => 32,
        4 | 5 | 10 | 16 => 16,
        7 | 11 | 13 | 14 => 64,
        15 => 128,
        21..=23 => 4,
        2 | 3 | 9 | 17..=20 => 8,
        _ => 0,
    };
    let fits = numbers.is_some_and(|n| match raw {
        Some(length) => n.checked_mul(bits).is_some_and(|bits| bits.div_ceil(8) <= length as u64),
        // Of four bits, two lie in a byte.
        None => n <= listed as u64 * if bits == 4 { 2 } else { 1 },
    });
    match fits {
        true => Ok(()),
        false => Err(format!("its weights `{}` have another shape than their bytes", name(bytes, 8))),
    }
}

/// The name in the field `number`.
fn name(bytes: &[u8], number: u32) -> String {
    let found = Fields(bytes).find_map(|(n, field)| field.bytes().filter(|_| n == number));
    String::from_utf8_lossy(found.unwrap_or_default()).chars().filter(|c| !c.is_control()).take(80).collect()
}

/// A field's value as it lies in the message.
#[derive(Clone, Copy)]
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes.
    Fixed,
}

impl<'a> Field<'a> {
    fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Field::Bytes(bytes) => Some(bytes),
            Field::Number(_) | Field::Fixed => None,
        }
    }
}

/// The fields of a message, up to the first byte that cannot be one.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, Field<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = varint(&mut self.0)?;
        let number = u32::try_from(tag >> 3).ok()?;
        let length = match tag & 7 {
            0 => return Some((number, Field::Number(varint(&mut self.0)?))),
            1 => 8,
            2 => usize::try_from(varint(&mut self.0)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some((number, if tag & 7 == 2 { Field::Bytes(taken) } else { Field::Fixed }))
    }
}

/// The numbers of a packed field.
struct Varints<'a>(&'a [u8]);

impl Iterator for Varints<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        varint(&mut self.0)
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 127).checked_shl(shift).unwrap_or(0);
        if byte & 128 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(field: u8, inside: &[u8]) -> Vec<u8> {
        [&[field << 3 | 2, inside.len() as u8], inside].concat()
    }

    #[test]
    fn kinds_of_nodes_are_read_where_they_stand() {
        let graph = |kind: &str| message(7, &message(1, &message(4, kind.as_bytes())));
        assert!(eight_bits(&graph("MatMulInteger")) && !eight_bits(&graph("MatMul")));
        assert!(eight_bits(&[graph("MatMul"), graph("DynamicQuantizeLinear")].concat()), "a message in two parts");
        assert!(inspect(&graph("Loop")).is_err() && inspect(&graph("LSTM")).is_ok());
    }

    #[test]
    fn dropout_is_for_training_only_with_a_third_input() {
        let dropout = |inputs: &[&str]| {
            let inputs = inputs.iter().flat_map(|name| message(1, name.as_bytes())).collect::<Vec<u8>>();
            inspect(&message(7, &message(1, &[inputs, message(4, b"Dropout")].concat())))
        };
        assert_eq!((dropout(&["x"]), dropout(&["x", "ratio"]), dropout(&["x", "ratio", ""])), (Ok(()), Ok(()), Ok(())));
        assert!(dropout(&["x", "", "training"]).is_err_and(|said| said.contains("`training_mode`")));
    }

    #[test]
    fn numbers_of_every_width_fill_their_shape() {
        let weights = |kind: u8, dim: u8, raw: usize| {
            message(7, &message(5, &[&[8, dim, 16, kind][..], &message(9, &vec![0; raw])].concat()))
        };
        for (kind, bytes) in [(1, 24), (10, 12), (7, 48), (2, 6), (22, 3), (15, 96)] {
            assert_eq!(inspect(&weights(kind, 6, bytes)), Ok(()), "type {kind}");
            assert!(inspect(&weights(kind, 6, bytes - 1)).is_err(), "type {kind}");
        }
    }

    #[test]
    fn what_is_no_message_ends_the_walk() {
        for bytes in [&[0x3a, 0xff][..], &[0xff; 40], &[0x3a, 0x05, 0x0a, 0x7f], &[0x07]] {
            let _ = inspect(bytes);
        }
        assert!(inspect(b"").is_err());
        assert_eq!(varint(&mut &[0x80, 0x01][..]), Some(128));
        assert_eq!(varint(&mut &[0x80; 20][..]), None);
    }
}
