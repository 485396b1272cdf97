//! Where the text has not the shape of a statement: the word that stands there, and what could have stood there, in words.

use pest::error::{ErrorVariant, InputLocation};

use super::{Reader, Rule};
use crate::diagnostic::{Diagnostic, Span, did_you_mean};
use crate::query::lex::{Kind, tokens};
use crate::query::signature::Clause;

/// What could stand behind a word of a statement with a verb, and behind the condition of `expect`.
const NEXT: &str = "a word, a `parameter=value`, a clause or the end of the statement";
const AFTER_CONDITION: &str = "`and`, `or` or the end of the statement";

/// Whether a statement is meant for `expect`, though it may be no statement.
pub fn is_expectation(text: &str) -> bool {
    let first = tokens(text, 0).find(|token| !matches!(token.kind, Kind::Space | Kind::Newline | Kind::Comment | Kind::Join));
    first.and_then(|token| text.get(token.start..token.end)).is_some_and(|word| word.eq_ignore_ascii_case("expect"))
}

impl Reader {
    pub(super) fn syntax_error(&self, error: &pest::error::Error<Rule>, text: &str) -> Diagnostic {
        let at = match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => at.min(text.len()),
        };
        let rest = text.get(at..).unwrap_or("");
        let before = text.get(..at).unwrap_or("");
        let word: String = rest.chars().take_while(|c| !c.is_whitespace() && !"()=,;\"'".contains(*c)).collect();
        let offending = if word.is_empty() { rest.chars().next().map(String::from).unwrap_or_default() } else { word };
        let expected = match &error.variant {
            ErrorVariant::ParsingError { positives, .. } => expectation(positives, before),
            ErrorVariant::CustomError { message } => message.clone(),
        };
        let judges = is_expectation(text);
        let expected = if judges && expected == NEXT { AFTER_CONDITION.to_owned() } else { expected };
        let start = at + self.offset;
        if offending.is_empty() {
            let end = text.trim_end().len() + self.offset;
            return Diagnostic::new("the statement ends too early").at(Span::new(end, end + 1)).expected(expected);
        }
        let fault = Diagnostic::new(format!("unexpected `{offending}`"));
        let fault = fault.at(Span::new(start, start + offending.len())).expected(expected);
        if offending == "=" && before.ends_with('=') {
            return fault.hint("equality is written `=`");
        }
        if let Some(hint) = unquoted(before, &offending) {
            return fault.hint(hint);
        }
        // No clause goes with `expect`, whose numbers have names such as `top1`.
        match misspelt_clause(before).filter(|_| !judges) {
            Some((word, clause)) => fault.hint(format!("did you mean `{clause}` for `{word}`?")),
            None => fault,
        }
    }
}

/// What is said of a text that lacks its quotes: `violin/a.flac`, `“violin”`, `prompt=A <> track`.
fn unquoted(before: &str, offending: &str) -> Option<String> {
    let joined = |c: char| !c.is_whitespace() && !"()=<>!,;\"'*".contains(c);
    let begun = before.rsplit(|c: char| !joined(c)).next().unwrap_or("");
    let goes_on =
        if begun.is_empty() { offending.len() > 1 && offending.starts_with('/') } else { offending.starts_with(joined) };
    let is_verb = begun.len() == before.trim_start().len();
    if goes_on && !is_verb {
        let signs = "letters, digits, `_`, `.` and `-`";
        return Some(format!("a text with other signs than {signs} stands in quotes: `\"{begun}{offending}\"`"));
    }
    if offending.starts_with(['“', '”', '„', '‘', '’', '«', '»']) {
        return Some("the quotes of a text are straight: `\"…\"` or `'…'`".to_owned());
    }
    let prompt = offending == "<>" && before.to_lowercase().contains("prompt");
    prompt.then(|| "a prompt stands in quotes, as in `prompt=\"A <> track\"`".to_owned())
}

/// The last word before the place that is nearly that of a clause, and the clause's: `wher` leaves `pitch > 60` to nothing.
fn misspelt_clause(before: &str) -> Option<(&str, &'static str)> {
    let words = tokens(before, 0).filter(|token| token.kind == Kind::Word).filter_map(|token| before.get(token.start..token.end));
    let clauses = || Clause::ALL.iter().filter_map(|clause| clause.word().split(' ').next());
    let said = |word: &str| clauses().any(|clause| clause.eq_ignore_ascii_case(word));
    let mut near = words.skip(1).filter(|word| word.len() > 3 && !said(word));
    near.by_ref().filter_map(|word| Some((word, did_you_mean(word, clauses())?))).last()
}

/// What a condition begins with.
const CONDITION: [Rule; 5] = [Rule::field, Rule::comparison, Rule::predicate, Rule::conjunction, Rule::negation];

/// What could have stood at the place of a syntax error, in words.
fn expectation(positives: &[Rule], before: &str) -> String {
    let any = |rules: &[Rule]| rules.iter().any(|r| positives.contains(r));
    let previous = before.split_whitespace().last().unwrap_or("").to_lowercase();
    match previous.as_str() {
        "top" | "limit" => return "a whole number, as in `top 3`".into(),
        "as" => return "a format, as in `as json`".into(),
        "in" if any(&[Rule::bare, Rule::string]) => return "the name of a collection".into(),
        "into" => return "a file name in quotes, as in `into \"out.csv\"`".into(),
        "by" => return "a field, as in `by label`".into(),
        "order" => return "`by` and a field, as in `order by pitch`".into(),
        "using" => return "`prototypes` or `knn`, as in `using prototypes`".into(),
        "with" => return "a statement in brackets or the name of a result, as in `with (classify clips)`".into(),
        "*" if !any(&[Rule::string]) => return "a number, as in `\"cello\" * 0.5`".into(),
        "not" if !any(&CONDITION) => return "`in` and a list, or `like` and a text, as in `label not like \"vio%\"`".into(),
        _ => {}
    }
    let offered = |table: &[(&[Rule], &'static str)]| -> Vec<&'static str> {
        table.iter().filter(|(rules, _)| any(rules)).map(|(_, words)| *words).collect()
    };
    let mut words = offered(&[
        (&CONDITION, "a condition, as in `pitch > 60`"),
        (
            &[Rule::relation_sign, Rule::null_test, Rule::membership, Rule::relation],
            "a comparison (`=`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `like` or `is null`)",
        ),
        (&[Rule::kw_null], "`null`"),
        (&[Rule::list], "a list, as in `(\"a\", \"b\")`"),
        (&[Rule::value], "a value: a number, a word or a text in quotes"),
        (&[Rule::sum, Rule::weighted, Rule::string], "a text in quotes"),
        (&[Rule::statement, Rule::command], "a statement"),
    ]);
    if words.is_empty() {
        words = offered(&[
            (&[Rule::verb], "a verb, as in `classify` or `help`"),
            (&[Rule::name], "a name"),
            (&[Rule::number], "a number"),
            (&[Rule::parameter, Rule::argument, Rule::within, Rule::filter, Rule::EOI], NEXT),
        ]);
    }
    words.dedup();
    if words.is_empty() { "another word or sign".into() } else { words.join(" or ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Piece, parse};

    fn fault(text: &str) -> Diagnostic {
        parse(Piece { text, offset: 0 }).unwrap_err()
    }

    #[test]
    fn what_is_missing_is_said_in_words() {
        let expected = |text: &str| fault(text).expected.unwrap();
        assert_eq!(expected("classify clips using"), "`prototypes` or `knn`, as in `using prototypes`");
        assert!(expected("compare p with").contains("the name of a result"));
        assert!(expected("list clips where label not").contains("`like` and a text"));
        assert_eq!(expected("list clips where not"), "a condition, as in `pitch > 60`");
        assert_eq!(expected("search clips for \"x\" *"), "a number, as in `\"cello\" * 0.5`");
        assert_eq!(expected("search clips for 0.5 * 3"), "a text in quotes");
    }

    #[test]
    fn a_text_without_quotes_is_told_of_them() {
        let hint = |text: &str| fault(text).hints.join(" ");
        assert!(hint("classify clip violin/Vn-G4.flac").ends_with("stands in quotes: `\"violin/Vn-G4.flac\"`"));
        assert!(hint("list clips where path = /tmp/a.wav").ends_with("`\"/tmp/a.wav\"`"));
        assert!(hint("count clips by a.b&c").ends_with("`\"a.b&c\"`"));
        assert!(hint("list clips where label = “violin”").contains("straight"));
        assert!(hint("classify clips prompt=A <> track").contains("`prompt=\"A <> track\"`"));
        for text in ["list clips where midi ~ 60", "list clips, limit 3", "list/clips", "list clips where midi > > 3"] {
            assert_eq!(hint(text), "", "{text}");
        }
    }

    #[test]
    fn expect_is_judged_by_its_own_words() {
        let fault = fault("expect top1 > 0.5 as json");
        assert_eq!((fault.expected.as_deref(), fault.hints.len()), (Some(AFTER_CONDITION), 0));
        assert!(is_expectation("# so\nEXPECT top1 >") && is_expectation("expect"));
        assert!(!is_expectation("explain expect a > 1") && !is_expectation("\"expect\"") && !is_expectation(""));
    }
}
