//! One statement's text → [`Statement`], with spans into the source that it came from.

mod condition;
mod fault;

use pest::Parser;
use pest::iterators::Pair;
use pest_derive::Parser;

use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::query::split::Piece;
use crate::query::statement::{Argument, Command, Literal, Order, Statement, Sum, Target, With, field_of};
use crate::value::Value;

pub use fault::is_expectation;

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

/// So many `explain` and `let NAME =` may stand before a verb.
const LONGEST_CHAIN: usize = 8;

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
        let mut parts = pair.into_inner();
        let mut prefixes = Vec::new();
        let inner = loop {
            match parts.next() {
                Some(part) if matches!(part.as_rule(), Rule::explain | Rule::let_named) => prefixes.push(part),
                Some(part) => break part,
                None => return Err(Diagnostic::new("a statement is empty")),
            }
        };
        if let Some(extra) = prefixes.get(LONGEST_CHAIN) {
            let fault = Diagnostic::new(format!("more than {LONGEST_CHAIN} `explain` and `let` stand before one verb"));
            let word = extra.clone().into_inner().next().map_or(self.span(extra), |keyword| self.span(&keyword));
            return Err(fault.at(word).expected("`explain STATEMENT` or `let NAME = STATEMENT`"));
        }
        let statement = match inner.as_rule() {
            Rule::expect => {
                let span = self.span(&inner);
                let Some(pair) = last(inner) else { return Err(Diagnostic::new("`expect` needs a condition").at(span)) };
                let mut predicate = self.predicate(pair)?;
                predicate.rename(&|name| field_of(name).to_owned());
                Statement::Expect(Spanned::new(predicate, span))
            }
            Rule::help => {
                let topics: Vec<_> = inner.into_inner().filter(|p| p.as_rule() == Rule::topic).collect();
                let topic = topics.first().zip(topics.last()).map(|(first, last)| {
                    let words: Vec<&str> = topics.iter().map(|t| t.as_str()).collect();
                    Spanned::new(words.join(" "), self.span(first).to(self.span(last)))
                });
                Statement::Help(topic)
            }
            _ => Statement::Command(Box::new(self.command(inner)?)),
        };
        Ok(prefixes.into_iter().rev().fold(statement, |statement, prefix| self.prefixed(prefix, Box::new(statement))))
    }

    /// `explain STATEMENT` or `let NAME = STATEMENT`.
    fn prefixed(&self, prefix: Pair<'_, Rule>, statement: Box<Statement>) -> Statement {
        match prefix.clone().into_inner().find(|part| part.as_rule() == Rule::name) {
            Some(name) => Statement::Let { name: self.word(&name), statement },
            None => Statement::Explain { analyze: prefix.into_inner().any(|p| p.as_rule() == Rule::kw_analyze), statement },
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
            Rule::by => put(&mut command.by, self.last_field(part)?, "by", span)?,
            Rule::order => {
                let direction = part.clone().into_inner().find(|p| p.as_rule() == Rule::direction);
                let descending = direction.is_some_and(|word| word.as_str().trim().eq_ignore_ascii_case("desc"));
                let field = self.last_field(part)?.map(|field| field.node).unwrap_or_default();
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

    /// The field of `by` and `order by`, where no parameter can stand.
    fn last_field(&self, pair: Pair<'_, Rule>) -> Result<Option<Spanned<String>>, Diagnostic> {
        let Some(inner) = pair.into_inner().find(|p| p.as_rule() == Rule::field) else { return Ok(None) };
        let field = self.field(inner)?;
        Ok(Some(Spanned::new(field_of(&field.node).to_owned(), field.span)))
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
            Rule::number => {
                let number =
                    inner.as_str().parse().map_or_else(|_| self.float(&inner).map(Value::Float), |int| Ok(Value::Int(int)));
                Literal::Word(number?, inner.as_str().to_owned())
            }
            _ => match inner.as_str() {
                word if word.eq_ignore_ascii_case("true") => Literal::Word(Value::Bool(true), word.to_owned()),
                word if word.eq_ignore_ascii_case("false") => Literal::Word(Value::Bool(false), word.to_owned()),
                word => Literal::Scalar(Value::Text(word.to_owned())),
            },
        };
        Ok(Spanned::new(literal, span))
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
        assert_eq!(classify.top.unwrap().node, Literal::Word(Value::Int(3), "3".into()));
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
    fn brackets_of_the_same_word_say_nothing() {
        let c = command("list clips where (a = 1 and (b = 2 and c = 3)) and (d = 4 or (e = 5 or f = 6))");
        assert_eq!(c.filter.unwrap().node.to_string(), "a = 1 and b = 2 and c = 3 and (d = 4 or e = 5 or f = 6)");
    }

    #[test]
    fn fields_may_stand_in_quotes() {
        let c = command("count clips where \"Instrument name\" = 'x' by \"Instrument name\" order by meta.by desc");
        assert_eq!(c.by.unwrap().node, "Instrument name");
        assert_eq!(c.order.unwrap().node, Order { field: "by".into(), descending: true });
        let mut filter = c.filter.unwrap().node;
        filter.rename(&|name| field_of(name).to_owned());
        assert_eq!(filter.to_string(), "\"Instrument name\" = \"x\"");
        assert!(parse(Piece { text: "list clips where \"a b\"", offset: 0 }).is_err());
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
        let c = command("describe 007");
        assert!(matches!(&c.arguments[0], Argument::Word(w) if w.node == "007"));
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
