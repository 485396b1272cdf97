//! One statement's text → [`Statement`], with spans into the source that it came from.

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;
use pest_derive::Parser;

use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::query::predicate::{Predicate, Relation};
use crate::query::split::Piece;
use crate::query::statement::{Argument, Command, Literal, Order, Statement, Sum, Target, With};
use crate::value::Value;

#[derive(Parser)]
#[grammar = "grammar/dyad.pest"]
struct Grammar;

/// Reads one statement.
///
/// # Errors
/// A diagnostic with its place when the text has not the shape of a statement, or names a clause twice.
///
/// ```
/// use dyad::query::{Piece, Statement, parse};
/// let text = r#"classify clip where prompt="A <> track" top 3"#;
/// let Statement::Command(command) = parse(Piece { text, offset: 0 }).unwrap() else { panic!() };
/// assert_eq!(command.verb.node, "classify");
/// ```
pub fn parse(piece: Piece<'_>) -> Result<Statement, Diagnostic> {
    let reader = Reader { offset: piece.offset };
    let mut pairs = Grammar::parse(Rule::input, piece.text).map_err(|e| reader.syntax_error(&e, piece.text))?;
    let statement = pairs.next().and_then(|input| input.into_inner().next());
    match statement {
        Some(pair) => reader.statement(pair),
        None => Err(Diagnostic::new("a statement is empty")),
    }
}

struct Reader {
    offset: usize,
}

impl Reader {
    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let span = pair.as_span();
        let text = span.as_str();
        let start = span.start() + self.offset;
        Span::new(start, start + text.trim_end().len())
    }

    fn statement(&self, pair: Pair<'_, Rule>) -> Result<Statement, Diagnostic> {
        let Some(inner) = pair.into_inner().next() else { return Err(Diagnostic::new("a statement is empty")) };
        match inner.as_rule() {
            Rule::explain => {
                let mut analyze = false;
                let mut statement = None;
                for part in inner.into_inner() {
                    match part.as_rule() {
                        Rule::kw_analyze => analyze = true,
                        Rule::statement => statement = Some(Box::new(self.statement(part)?)),
                        _ => {}
                    }
                }
                statement
                    .map(|statement| Statement::Explain { analyze, statement })
                    .ok_or_else(|| Diagnostic::new("`explain` needs a statement"))
            }
            Rule::let_named => {
                let mut name = None;
                let mut statement = None;
                for part in inner.into_inner() {
                    match part.as_rule() {
                        Rule::name => name = Some(self.word(&part)),
                        Rule::statement => statement = Some(Box::new(self.statement(part)?)),
                        _ => {}
                    }
                }
                name.zip(statement)
                    .map(|(name, statement)| Statement::Let { name, statement })
                    .ok_or_else(|| Diagnostic::new("`let` needs a name and a statement"))
            }
            Rule::expect => {
                let span = self.span(&inner);
                let predicate = inner.into_inner().find(|p| p.as_rule() == Rule::predicate);
                match predicate {
                    Some(pair) => Ok(Statement::Expect(Spanned::new(self.predicate(pair)?, span))),
                    None => Err(Diagnostic::new("`expect` needs a condition").at(span)),
                }
            }
            Rule::help => {
                let topics: Vec<_> = inner.into_inner().filter(|p| p.as_rule() == Rule::topic).collect();
                let topic = topics.first().zip(topics.last()).map(|(first, last)| {
                    let words: Vec<&str> = topics.iter().map(|t| t.as_str()).collect();
                    Spanned::new(words.join(" "), self.span(first).to(self.span(last)))
                });
                Ok(Statement::Help(topic))
            }
            _ => Ok(Statement::Command(Box::new(self.command(inner)?))),
        }
    }

    fn command(&self, pair: Pair<'_, Rule>) -> Result<Command, Diagnostic> {
        let mut command = Command { text: pair.as_str().trim().to_owned(), ..Default::default() };
        for part in pair.into_inner() {
            self.part(&mut command, part)?;
        }
        Ok(command)
    }

    fn part(&self, command: &mut Command, part: Pair<'_, Rule>) -> Result<(), Diagnostic> {
        let span = self.span(&part);
        let rule = part.as_rule();
        match rule {
            Rule::verb => command.verb = self.word(&part),
            Rule::parameter => {
                let mut inner = part.into_inner();
                if let (Some(key), Some(value)) = (inner.next(), inner.next()) {
                    command.parameters.push((self.word(&key), self.value(value)?));
                }
            }
            Rule::argument => {
                if let Some(inner) = part.into_inner().next() {
                    command.arguments.push(match inner.as_rule() {
                        Rule::string => Argument::Text(self.string(inner)?),
                        Rule::number => Argument::Number(Spanned::new(self.float(&inner)?, span)),
                        _ => Argument::Word(self.word(&inner)),
                    });
                }
            }
            Rule::nested => {
                if let Some(statement) = part.into_inner().next() {
                    command.arguments.push(Argument::Nested(Spanned::new(Box::new(self.statement(statement)?), span)));
                }
            }
            Rule::within => put(&mut command.collection, self.last_word(part)?, "in", span)?,
            Rule::filter => {
                if let Some(predicate) = last(part) {
                    let inner = self.span(&predicate);
                    put(&mut command.filter, Some(Spanned::new(self.predicate(predicate)?, inner)), "where", span)?;
                }
            }
            Rule::top => put(&mut command.top, self.last_value(part)?, "top", span)?,
            Rule::limit => put(&mut command.limit, self.last_value(part)?, "limit", span)?,
            Rule::by => put(&mut command.by, self.last_word(part)?, "by", span)?,
            Rule::order => {
                let mut field = String::new();
                let mut descending = false;
                for inner in part.into_inner() {
                    match inner.as_rule() {
                        Rule::field => field = inner.as_str().to_owned(),
                        Rule::direction => descending = inner.as_str().trim().eq_ignore_ascii_case("desc"),
                        _ => {}
                    }
                }
                put(&mut command.order, Some(Spanned::new(Order { field, descending }, span)), "order by", span)?;
            }
            Rule::format => put(&mut command.format, self.last_word(part)?, "as", span)?,
            Rule::into => put(&mut command.into, self.last_word(part)?, "into", span)?,
            Rule::using => put(&mut command.using, self.last_word(part)?, "using", span)?,
            Rule::target => {
                let target = match last(part) {
                    Some(inner) if inner.as_rule() == Rule::sum => Some(Target::Sum(self.sum(inner)?)),
                    Some(inner) => Some(Target::Word(inner.as_str().to_owned())),
                    None => None,
                };
                put(&mut command.target, target.map(|t| Spanned::new(t, span)), "for", span)?;
            }
            Rule::without => {
                let texts: Result<Vec<_>, _> =
                    part.into_inner().filter(|p| p.as_rule() == Rule::string).map(|p| self.string(p).map(|s| s.node)).collect();
                put(&mut command.without, Some(Spanned::new(texts?, span)), "without", span)?;
            }
            Rule::against => {
                let with = match last(part) {
                    Some(inner) if inner.as_rule() == Rule::nested => match inner.into_inner().next() {
                        Some(statement) => Some(With::Statement(Box::new(self.statement(statement)?))),
                        None => None,
                    },
                    Some(inner) => Some(With::Name(inner.as_str().to_owned())),
                    None => None,
                };
                put(&mut command.with, with.map(|w| Spanned::new(w, span)), "with", span)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn word(&self, pair: &Pair<'_, Rule>) -> Spanned<String> {
        Spanned::new(pair.as_str().trim().to_owned(), self.span(pair))
    }

    fn last_word(&self, pair: Pair<'_, Rule>) -> Result<Option<Spanned<String>>, Diagnostic> {
        match last(pair) {
            Some(inner) if inner.as_rule() == Rule::string => self.string(inner).map(Some),
            Some(inner) => Ok(Some(self.word(&inner))),
            None => Ok(None),
        }
    }

    fn last_value(&self, pair: Pair<'_, Rule>) -> Result<Option<Spanned<Literal>>, Diagnostic> {
        last(pair).map(|inner| self.value(inner)).transpose()
    }

    fn value(&self, pair: Pair<'_, Rule>) -> Result<Spanned<Literal>, Diagnostic> {
        let span = self.span(&pair);
        let Some(inner) = pair.into_inner().next() else { return Err(Diagnostic::new("a value is missing").at(span)) };
        let literal = match inner.as_rule() {
            Rule::list => {
                let items: Result<Vec<_>, _> = inner.into_inner().map(|item| self.value(item)).collect();
                Literal::List(items?)
            }
            Rule::string => Literal::Scalar(Value::Text(self.string(inner)?.node)),
            Rule::number => Literal::Scalar(match inner.as_str().parse::<i64>() {
                Ok(int) => Value::Int(int),
                Err(_) => Value::Float(self.float(&inner)?),
            }),
            _ => Literal::Scalar(match inner.as_str() {
                word if word.eq_ignore_ascii_case("true") => Value::Bool(true),
                word if word.eq_ignore_ascii_case("false") => Value::Bool(false),
                word => Value::Text(word.to_owned()),
            }),
        };
        Ok(Spanned::new(literal, span))
    }

    fn scalar(&self, value: Spanned<Literal>) -> Result<Value, Diagnostic> {
        match value.node {
            Literal::Scalar(scalar) => Ok(scalar),
            Literal::List(_) => Err(Diagnostic::new("a list stands inside a list").at(value.span).expected("one value")),
        }
    }

    fn float(&self, pair: &Pair<'_, Rule>) -> Result<f64, Diagnostic> {
        let number = pair.as_str().trim().parse::<f64>().ok().filter(|n| n.is_finite());
        number.ok_or_else(|| {
            Diagnostic::new(format!("`{}` is out of range", pair.as_str())).at(self.span(pair)).expected("a number")
        })
    }

    /// A quoted text with its escapes resolved: `\n \t \r \\ \" \'`.
    fn string(&self, pair: Pair<'_, Rule>) -> Result<Spanned<String>, Diagnostic> {
        let span = self.span(&pair);
        let body = pair.into_inner().next();
        let Some(body) = body else { return Ok(Spanned::new(String::new(), span)) };
        let start = body.as_span().start() + self.offset;
        let raw = body.as_str();
        let mut out = String::with_capacity(raw.len());
        let mut chars = raw.char_indices();
        while let Some((at, c)) = chars.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, 't')) => out.push('\t'),
                Some((_, 'r')) => out.push('\r'),
                Some((_, c @ ('\\' | '"' | '\''))) => out.push(c),
                Some((_, c)) => {
                    return Err(Diagnostic::new(format!("unknown escape `\\{c}`"))
                        .at(Span::new(start + at, start + at + 1 + c.len_utf8()))
                        .expected(r#"`\n`, `\t`, `\r`, `\\`, `\"` or `\'`"#));
                }
                None => out.push('\\'),
            }
        }
        Ok(Spanned::new(out, span))
    }

    fn sum(&self, pair: Pair<'_, Rule>) -> Result<Sum, Diagnostic> {
        let mut terms = Vec::new();
        let mut sign = if pair.as_str().trim_start().starts_with('-') { -1.0 } else { 1.0 };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::sign => sign = if part.as_str().trim() == "-" { -1.0 } else { 1.0 },
                Rule::weighted => {
                    let mut weight = 1.0;
                    let mut text = String::new();
                    for inner in part.into_inner() {
                        match inner.as_rule() {
                            Rule::number => weight = self.float(&inner)?,
                            _ => text = self.string(inner)?.node,
                        }
                    }
                    terms.push((sign * weight, text));
                    sign = 1.0;
                }
                _ => {}
            }
        }
        Ok(Sum(terms))
    }

    fn predicate(&self, pair: Pair<'_, Rule>) -> Result<Predicate, Diagnostic> {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::predicate => self.joined(pair, Rule::conjunction, Predicate::Or),
            Rule::conjunction => self.joined(pair, Rule::negation, Predicate::And),
            Rule::negation => {
                let negated = pair.clone().into_inner().any(|p| p.as_rule() == Rule::kw_not);
                match last(pair) {
                    Some(inner) if negated => Ok(Predicate::Not(Box::new(self.predicate(inner)?))),
                    Some(inner) => self.predicate(inner),
                    None => Err(Diagnostic::new("a condition is missing").at(span)),
                }
            }
            _ => self.comparison(pair),
        }
    }

    fn joined(&self, pair: Pair<'_, Rule>, rule: Rule, join: fn(Vec<Predicate>) -> Predicate) -> Result<Predicate, Diagnostic> {
        let parts: Result<Vec<_>, _> = pair.into_inner().filter(|p| p.as_rule() == rule).map(|p| self.predicate(p)).collect();
        let mut parts = parts?;
        Ok(if parts.len() == 1 { parts.remove(0) } else { join(parts) })
    }

    fn comparison(&self, pair: Pair<'_, Rule>) -> Result<Predicate, Diagnostic> {
        let span = self.span(&pair);
        let missing = || Diagnostic::new("a comparison is incomplete").at(span).expected("`FIELD = VALUE`");
        let mut inner = pair.into_inner();
        let field = inner.next().map(|p| self.word(&p)).ok_or_else(missing)?;
        let test = inner.next().ok_or_else(missing)?;
        let negated = test.clone().into_inner().any(|p| p.as_rule() == Rule::kw_not);
        match test.as_rule() {
            Rule::null_test => Ok(Predicate::IsNull { field, negated }),
            Rule::membership => {
                let list = last(test).ok_or_else(missing)?;
                let values: Result<Vec<_>, _> =
                    list.into_inner().map(|item| self.value(item).and_then(|v| self.scalar(v))).collect();
                Ok(Predicate::In { field, values: values?, negated })
            }
            Rule::pattern => {
                let text = last(test).ok_or_else(missing)?;
                Ok(Predicate::Like { field, pattern: self.string(text)?.node, negated })
            }
            _ => {
                let mut parts = test.into_inner();
                let (sign, value) = parts.next().zip(parts.next()).ok_or_else(missing)?;
                let relation = match sign.as_str() {
                    "=" => Relation::Equal,
                    "!=" | "<>" => Relation::NotEqual,
                    "<" => Relation::Less,
                    "<=" => Relation::LessEqual,
                    ">" => Relation::Greater,
                    _ => Relation::GreaterEqual,
                };
                let value = self.value(value)?;
                match (value.node, relation) {
                    (Literal::Scalar(scalar), _) => {
                        Ok(Predicate::Compare { field, relation, value: Spanned::new(scalar, value.span) })
                    }
                    (list, Relation::Equal) => Ok(Predicate::ListEquals { field, list: Spanned::new(list, value.span) }),
                    _ => Err(Diagnostic::new(format!("`{}` is compared with a list", field.node))
                        .at(value.span)
                        .expected("one value")),
                }
            }
        }
    }

    fn syntax_error(&self, error: &pest::error::Error<Rule>, text: &str) -> Diagnostic {
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
        Diagnostic::new(format!("unexpected `{offending}`")).at(Span::new(start, start + offending.len())).expected(expected)
    }
}

fn last(pair: Pair<'_, Rule>) -> Option<Pair<'_, Rule>> {
    pair.into_inner().last()
}

fn put<T>(slot: &mut Option<T>, value: Option<T>, clause: &str, span: Span) -> Result<(), Diagnostic> {
    if slot.is_some() {
        return Err(Diagnostic::new(format!("the clause `{clause}` stands twice")).at(span).expected("each clause at most once"));
    }
    *slot = value;
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> Command {
        match parse(Piece { text, offset: 0 }) {
            Ok(Statement::Command(command)) => *command,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_two_sentences_parse() {
        let classify = command(r#"classify clip where prompt="A <> track" top 3"#);
        assert_eq!(classify.verb.node, "classify");
        assert_eq!(classify.filter.unwrap().node.to_string(), r#"prompt = "A <> track""#);
        assert_eq!(classify.top.unwrap().node, Literal::Scalar(Value::Int(3)));
        let triplets = command("triplets ontology=hdio");
        assert_eq!(triplets.parameters[0].0.node, "ontology");
    }

    #[test]
    fn clauses_come_in_any_order_and_keywords_in_any_case() {
        let c = command(r#"SEARCH clips top 5 FOR "cello" + 0.5 * "dark" - "voice" in lib As json Order By pitch DESC"#);
        assert_eq!(
            c.target.unwrap().node,
            Target::Sum(Sum(vec![(1.0, "cello".into()), (0.5, "dark".into()), (-1.0, "voice".into())]))
        );
        assert_eq!(c.collection.unwrap().node, "lib");
        assert_eq!(c.order.unwrap().node, Order { field: "pitch".into(), descending: true });
        assert_eq!(c.format.unwrap().node, "json");
    }

    #[test]
    fn predicates_bind_not_before_and_before_or() {
        let c = command("list clips where not a = 1 and b in (1, 2) or c is not null and d not like 'x%'");
        assert_eq!(c.filter.unwrap().node.to_string(), r#"(not (a = 1) and b in (1, 2)) or (c is not null and d not like "x%")"#);
    }

    #[test]
    fn statements_nest() {
        let c = command("compare (classify clips) with (classify clips using prototypes)");
        assert!(matches!(c.arguments[0], Argument::Nested(_)));
        assert!(matches!(c.with.unwrap().node, With::Statement(_)));
        assert!(matches!(
            parse(Piece { text: "explain analyze search clips for \"x\"", offset: 0 }),
            Ok(Statement::Explain { analyze: true, .. })
        ));
        assert!(matches!(parse(Piece { text: "let a = triplets ontology=hdio", offset: 0 }), Ok(Statement::Let { .. })));
        assert!(matches!(parse(Piece { text: "expect top1 > 0.4", offset: 0 }), Ok(Statement::Expect(_))));
        assert!(matches!(parse(Piece { text: "help order by", offset: 0 }), Ok(Statement::Help(Some(_)))));
    }

    #[test]
    fn names_may_hold_digits_hyphens_and_dots() {
        let c = command("use 2022-model.v1");
        assert!(matches!(&c.arguments[0], Argument::Word(w) if w.node == "2022-model.v1"));
        let c = command("describe 12");
        assert!(matches!(&c.arguments[0], Argument::Number(n) if n.node == 12.0));
        let c = command("set 'x' seed=12 model=7b-clap note=笛子");
        assert_eq!(c.parameters.len(), 3);
    }

    #[test]
    fn faults_point_at_words() {
        let fault = |text: &str| parse(Piece { text, offset: 10 }).unwrap_err();
        assert_eq!(fault("classify clips top").message, "the statement ends too early");
        assert_eq!(fault("list clips where pitch >").expected.unwrap(), "a value: a number, a word or a text in quotes");
        assert_eq!(fault("list clips top 3 top 4").message, "the clause `top` stands twice");
        assert_eq!(fault(r#"use "a\q""#).message, r"unknown escape `\q`");
        assert_eq!(fault("list clips where a = ) b").span.unwrap(), Span::new(31, 32));
    }
}
