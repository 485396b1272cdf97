//! Where the text has not the shape of a statement: the word that stands there, and what could have stood there, in words.

use pest::error::{ErrorVariant, InputLocation};

use super::{Reader, Rule};
use crate::diagnostic::{Diagnostic, Span, did_you_mean};
use crate::query::lex::{Kind, tokens};
use crate::query::signature::Clause;

impl Reader {
    pub(super) fn syntax_error(&self, error: &pest::error::Error<Rule>, text: &str) -> Diagnostic {
        let at = match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => at.min(text.len()),
        };
        let rest = text.get(at..).unwrap_or("");
        let word: String = rest.chars().take_while(|c| !c.is_whitespace() && !"()=,;\"'".contains(*c)).collect();
        let offending = if word.is_empty() { rest.chars().next().map(String::from).unwrap_or_default() } else { word };
        let expected = match &error.variant {
            ErrorVariant::ParsingError { positives, .. } => expectation(positives, text.get(..at).unwrap_or("")),
            ErrorVariant::CustomError { message } => message.clone(),
        };
        let start = at + self.offset;
        if offending.is_empty() {
            let end = text.trim_end().len() + self.offset;
            return Diagnostic::new("the statement ends too early").at(Span::new(end, end + 1)).expected(expected);
        }
        let fault = Diagnostic::new(format!("unexpected `{offending}`")).at(Span::new(start, start + offending.len()));
        if offending == "=" && text.get(..at).is_some_and(|before| before.ends_with('=')) {
            return fault.expected(expected).hint("equality is written `=`");
        }
        match misspelt_clause(text.get(..at).unwrap_or("")) {
            Some((word, clause)) => fault.expected(expected).hint(format!("did you mean `{clause}` for `{word}`?")),
            None => fault.expected(expected),
        }
    }
}

/// The last word before the place that is nearly that of a clause, and the clause's: `wher` leaves `pitch > 60` to nothing.
fn misspelt_clause(before: &str) -> Option<(&str, &'static str)> {
    let words = tokens(before, 0).filter(|token| token.kind == Kind::Word).filter_map(|token| before.get(token.start..token.end));
    let clauses = || Clause::ALL.iter().filter_map(|clause| clause.word().split(' ').next());
    let said = |word: &str| clauses().any(|clause| clause.eq_ignore_ascii_case(word));
    let mut near = words.skip(1).filter(|word| word.len() > 3 && !said(word));
    near.by_ref().filter_map(|word| Some((word, did_you_mean(word, clauses())?))).last()
}

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
        _ => {}
    }
    let offered = |table: &[(&[Rule], &'static str)]| -> Vec<&'static str> {
        table.iter().filter(|(rules, _)| any(rules)).map(|(_, words)| *words).collect()
    };
    let mut words = offered(&[
        (&[Rule::field, Rule::comparison, Rule::predicate, Rule::conjunction, Rule::negation], "a condition, as in `pitch > 60`"),
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
            (
                &[Rule::parameter, Rule::argument, Rule::within, Rule::filter, Rule::EOI],
                "a word, a `parameter=value`, a clause or the end of the statement",
            ),
        ]);
    }
    words.dedup();
    if words.is_empty() { "something else here".into() } else { words.join(" or ") }
}
