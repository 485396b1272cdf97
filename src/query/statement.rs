//! A statement as written: verb, arguments and clauses, each with its place.
//!
//! `classify clips in tinysol where prompt="A <> track" and pitch > 60 top 3` is the verb `classify`, the argument `clips`
//! and the clauses `in`, `where` and `top`.

use std::fmt;

use crate::diagnostic::{Span, Spanned};
use crate::query::predicate::Predicate;
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
    /// A word: a subject (`clips`), a name, a flag (`confusion`).
    Word(Spanned<String>),
    /// A quoted text: an item's id, a file.
    Text(Spanned<String>),
    /// A number.
    Number(Spanned<f64>),
    /// A statement in brackets.
    Nested(Spanned<Box<Statement>>),
}

impl Argument {
    /// Its place.
    pub fn span(&self) -> Span {
        match self {
            Argument::Word(s) | Argument::Text(s) => s.span,
            Argument::Number(n) => n.span,
            Argument::Nested(s) => s.span,
        }
    }
}

/// A value as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Scalar(Value),
    /// `("…", "…")`
    List(Vec<Spanned<Literal>>),
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Scalar(Value::Text(text)) => write!(f, "{}", quoted(text)),
            Literal::Scalar(value) => write!(f, "{value}"),
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
