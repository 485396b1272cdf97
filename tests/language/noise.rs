//! Valid statements with random damage: each is parsed and bound or refused with a diagnostic, never with a panic or a hang.

use dyad::query::split::{Continuation, split};
use dyad::query::{Settings, Statement, bind, parse};
use dyad::verb::{VERBS, find};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ROUNDS: usize = 6_000;

fn seeds() -> Vec<String> {
    let mut seeds: Vec<String> =
        VERBS.iter().flat_map(|v| v.signature().examples).map(|example| example.statement.to_owned()).collect();
    let more = [
        r#"list clips where not (a = 1 and b in (1, 2.5, "x")) or c is not null and d not like 'x\'%' limit 3"#,
        r#"search clips for "cello" + 0.5 * "dark" - "voice" without "noise", "hum" top 5 as json into "x.json""#,
        r#"compare (classify clips) with (classify clips using prototypes by take) seed=1"#,
        "explain analyze count clips -- note\nlet a = triplets ontology=hdio\nexpect top1 > .4 and n <= 1e3",
        "count clips where label in (\"a\",\n \"笛子\", 'é') \\\n by label order by midi desc; use \u{feff}notes",
    ];
    seeds.extend(more.map(str::to_owned));
    seeds
}

/// One random change.
fn damage(text: &mut Vec<char>, seeds: &[Vec<char>], rng: &mut ChaCha8Rng) {
    const SIGNS: &[char] = &[
        '"',
        '\'',
        '(',
        ')',
        '=',
        '<',
        '>',
        ',',
        ';',
        '\\',
        '\n',
        '\t',
        '-',
        '#',
        '*',
        '+',
        '.',
        '0',
        '\0',
        'é',
        '笛',
        '\u{301}',
        '\u{1f3bb}',
        '\u{202e}',
    ];
    const WORDS: &[&str] = &[
        " where ",
        " top ",
        " not ",
        " explain ",
        " let a = ",
        " in ",
        " or ",
        " by ",
        " as ",
        "<>",
        " 1e400 ",
        " -0 ",
        " 99999999999999999999 ",
        " is null ",
        " () ",
    ];
    let at = rng.random_range(0..=text.len());
    let to = (at + rng.random_range(0..8)).min(text.len());
    match rng.random_range(0..6) {
        0 => text.insert(at, *SIGNS.choose(rng).unwrap()),
        1 => drop(text.drain(at..to)),
        2 => drop(text.splice(at..at, WORDS.choose(rng).unwrap().chars())),
        3 => {
            let copy = text[at..to].to_vec();
            text.splice(at..at, copy);
        }
        4 => text.truncate(at),
        _ => {
            let other = seeds.choose(rng).unwrap();
            text.splice(to.., other[rng.random_range(0..=other.len())..].iter().copied());
        }
    }
}

/// Splits, parses and binds as the session does; gives what was wrong.
fn read(source: &str, continuation: Continuation) -> Vec<dyad::diagnostic::Diagnostic> {
    let mut faults = Vec::new();
    for piece in split(source, continuation) {
        match piece.and_then(parse) {
            Err(fault) => faults.push(fault),
            Ok(Statement::Command(command)) => {
                if let Some(verb) = find(&command.verb.node) {
                    faults.extend(bind(*command, verb.signature(), &Settings::new()).err());
                }
            }
            Ok(_) => {}
        }
    }
    faults
}

#[test]
fn noise_is_refused_and_nothing_panics() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let seeds: Vec<Vec<char>> = seeds().iter().map(|s| s.chars().collect()).collect();
    let session = super::session();
    let mut refused = 0;
    for round in 0..ROUNDS {
        let mut text = seeds.choose(&mut rng).unwrap().clone();
        for _ in 0..rng.random_range(1..5) {
            damage(&mut text, &seeds, &mut rng);
        }
        let source: String = text.iter().collect();
        let continuation = if round % 2 == 0 { Continuation::Explicit } else { Continuation::Indented };
        for fault in read(&source, continuation) {
            refused += 1;
            assert!(!fault.message.is_empty());
            let shown = fault.render(&source, Some("noise.dyad"));
            assert!(shown.starts_with("error: "), "{shown}");
            let span = fault.span.unwrap_or_else(|| panic!("no place: {shown}{source:?}"));
            assert!(span.start <= span.end && span.end <= source.len() + 1, "{span:?} in {source:?}");
        }
        if round % 10 == 0 {
            let at = rng.random_range(0..=text.len());
            let pos = text[..at].iter().map(|c| c.len_utf8()).sum();
            let (start, _) = session.complete(&source, pos);
            assert!(start <= pos && source.is_char_boundary(start), "{start} of {pos} in {source:?}");
        }
    }
    assert!(refused > ROUNDS / 4, "{refused} of {ROUNDS} were refused");
}

#[test]
fn examples_of_the_verbs_bind() {
    for example in VERBS.iter().flat_map(|v| v.signature().examples) {
        let faults = read(example.statement, Continuation::Explicit);
        assert!(faults.is_empty(), "{}: {faults:?}", example.statement);
    }
}

/// Long chains and deep nesting end in a message or in a result, not in an overflow of the stack.
#[test]
fn depth_and_length_are_bounded() {
    let many = 20_000;
    for (text, fine) in [
        ("explain ".repeat(many) + "count clips", false),
        ("let a = ".repeat(many) + "count clips", false),
        (format!("compare ({}count clips)", "explain ".repeat(many)), false),
        ("explain \\\n".repeat(many) + "count clips", false),
        ("explain \\ \t\n let\\\r\na = ".repeat(many) + "count clips", false),
        ("explain\u{feff}".repeat(many) + "count clips", false),
        (format!("compare ({}count clips)", "explain # x\n ".repeat(many)), false),
        (format!("compare ({}count clips)", "let a = -- x\n".repeat(many)), false),
        (format!("search clips for \"we ({}be)\"", "let it ".repeat(many)), true),
        (format!("list clips where {}a = 1", "not ".repeat(many)), true),
        (format!("list clips where {}a = 1", "a = 1 and ".repeat(many)), true),
        (format!("search clips for {}\"b\"", "\"a\" + ".repeat(many)), true),
        (format!("list clips where {}a = 1{}", "(".repeat(60), ")".repeat(60)), true),
        (format!("list clips where a = {}1{}", "(".repeat(60), ")".repeat(60)), false),
        ("(".repeat(many), false),
        (format!("use {}", "x".repeat(2_000_000)), false),
        (format!("count clips where {}", "(not ".repeat(60)), false),
    ] {
        let faults = read(&text, Continuation::Explicit);
        assert_eq!(faults.is_empty(), fine, "{}…: {:?}", &text[..40], faults.first().map(|f| &f.message));
    }
}
