//! A statement as written: verb, arguments and clauses, each with its place.
//!
//! `classify clips in tinysol where prompt="A <> track" and pitch > 60 top 3` is the verb `classify`, the argument `clips`
//! and the clauses `in`, `where` and `top`.

use std::cmp::Ordering;
use std::fmt;

use crate::diagnostic::{Span, Spanned};
use crate::query::predicate::Predicate;
use crate::query::signature::Clause;
use crate::value::Value;

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// A verb with its clauses.
    Command(Box<Command>),
    /// `explain [analyze] STATEMENT`.
    Explain { analyze: bool, statement: Box<Statement> },
    /// `let NAME = STATEMENT`.
    Let { name: Spanned<String>, statement: Box<Statement> },
    /// `expect PREDICATE` over the metrics of the statement before.
    Expect(Spanned<Predicate>),
    /// `help [TOPIC]`.
    Help(Option<Spanned<String>>),
}

/// A verb with its arguments and clauses.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Command {
    /// The statement's own text.
    pub text: String,
    pub verb: Spanned<String>,
    pub arguments: Vec<Argument>,
    pub parameters: Vec<(Spanned<String>, Spanned<Literal>)>,
    /// `in COLLECTION`
    pub collection: Option<Spanned<String>>,
    /// `where PREDICATE`
    pub filter: Option<Spanned<Predicate>>,
    /// `top K`
    pub top: Option<Spanned<Literal>>,
    /// `limit N`
    pub limit: Option<Spanned<Literal>>,
    /// `by FIELD`
    pub by: Option<Spanned<String>>,
    /// `order by FIELD [desc]`
    pub order: Option<Spanned<Order>>,
    /// `as FORMAT`
    pub format: Option<Spanned<String>>,
    /// `into "FILE"`
    pub into: Option<Spanned<String>>,
    /// `using WORD`
    pub using: Option<Spanned<String>>,
    /// `for …`
    pub target: Option<Spanned<Target>>,
    /// `without "…", "…"`
    pub without: Option<Spanned<Vec<String>>>,
    /// `with (STATEMENT)`
    pub with: Option<Spanned<With>>,
}

impl Default for Spanned<String> {
    fn default() -> Self {
        Spanned::new(String::new(), Span::default())
    }
}

/// What stands between the verb and the clauses.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// A word: a subject (`clips`), a name (`007` too), a flag (`confusion`).
    Word(Spanned<String>),
    /// A quoted text: an item's id, a file.
    Text(Spanned<String>),
    /// A statement in brackets.
    Nested(Spanned<Box<Statement>>),
}

impl Argument {
    /// Its place.
    pub fn span(&self) -> Span {
        match self {
            Argument::Word(s) | Argument::Text(s) => s.span,
            Argument::Nested(s) => s.span,
        }
    }
}

/// A value as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Scalar(Value),
    /// A bare number or truth value, and the word itself: `007` is 7 to a number and `007` to a name or a text.
    Word(Value, String),
    /// `("…", "…")`
    List(Vec<Spanned<Literal>>),
}

impl Literal {
    /// The one value.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Literal::Scalar(value) | Literal::Word(value, _) => Some(value),
            Literal::List(_) => None,
        }
    }

    /// The one value as a text, as it is written.
    pub fn text(&self) -> Option<&str> {
        match self {
            Literal::Scalar(value) => value.as_text(),
            Literal::Word(_, word) => Some(word),
            Literal::List(_) => None,
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Scalar(Value::Text(text)) => write!(f, "{}", quoted(text)),
            Literal::Scalar(value) => write!(f, "{value}"),
            Literal::Word(_, word) => f.write_str(word),
            Literal::List(items) => {
                let items: Vec<String> = items.iter().map(|i| i.node.to_string()).collect();
                write!(f, "({})", items.join(", "))
            }
        }
    }
}

/// `order by FIELD [desc]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub field: String,
    pub descending: bool,
}

impl Order {
    /// Whether a column of this name is meant: without regard to case, and `_` stands for a space.
    pub fn means(&self, column: &str) -> bool {
        let plain = |name: &str| name.to_lowercase().replace(' ', "_");
        plain(column) == plain(&self.field)
    }

    /// Which of two cells of the column comes first. What has no value (none, null, NaN) goes before the rest, and with `desc`
    /// behind it.
    pub fn compare(&self, a: Option<&Value>, b: Option<&Value>) -> Ordering {
        let order = known(a).sort_order(known(b));
        if self.descending { order.reverse() } else { order }
    }
}

fn known(cell: Option<&Value>) -> &Value {
    static NOTHING: Value = Value::Null;
    cell.filter(|cell| !matches!(cell, Value::Float(float) if float.is_nan())).unwrap_or(&NOTHING)
}

/// What stands after `for`.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// Texts, or a weighted sum of them.
    Sum(Sum),
    /// A subject (`labels`, `clips`).
    Word(String),
}

/// `"cello" + 0.5 * "dark"`: texts with their weights.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sum(pub Vec<(f64, String)>);

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (weight, text)) in self.0.iter().enumerate() {
            let sign = match (i, weight.is_sign_negative()) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            };
            f.write_str(sign)?;
            if weight.abs() != 1.0 {
                write!(f, "{} * ", weight.abs())?;
            }
            write!(f, "{}", quoted(text))?;
        }
        Ok(())
    }
}

/// What stands after `with`.
#[derive(Debug, Clone, PartialEq)]
pub enum With {
    Statement(Box<Statement>),
    Name(String),
}

/// Whether a name can stand without quotes.
pub fn is_bare(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let reserved = ["and", "or", "not", "is", "null", "like", "true", "false"];
    let clause = Clause::ALL.iter().any(|c| c.word().split(' ').any(|w| w.eq_ignore_ascii_case(name)));
    let known = clause || reserved.iter().any(|w| w.eq_ignore_ascii_case(name));
    starts && !known && !name.contains("--") && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// The metadata field of a name. `meta.NAME` is one where a parameter has the name too; a name in quotes is read as it. `id` is the
/// item's own, and so a field of that name is kept as `meta.id`.
pub fn field_of(name: &str) -> &str {
    name.strip_prefix("meta.").filter(|field| *field != "id").unwrap_or(name)
}

/// The text in double quotes, as the language reads it back.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
