//! The pairs of a `where` clause → [`Predicate`]: `not` binds before `and`, `and` before `or`.

use pest::iterators::Pair;

use super::{Reader, Rule, last};
use crate::diagnostic::{Diagnostic, Spanned};
use crate::query::predicate::{Predicate, Relation};
use crate::query::statement::Literal;

impl Reader {
    pub(super) fn predicate(&self, pair: Pair<'_, Rule>) -> Result<Predicate, Diagnostic> {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::predicate => self.joined(pair, Rule::conjunction, Predicate::Or),
            Rule::conjunction => self.joined(pair, Rule::negation, Predicate::And),
            Rule::negation => {
                // Twice is not at all; without recursion, however many there are.
                let negated = pair.clone().into_inner().filter(|p| p.as_rule() == Rule::kw_not).count() % 2 == 1;
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
        let mut parts = Vec::new();
        for part in pair.into_inner().filter(|p| p.as_rule() == rule) {
            match (self.predicate(part)?, rule) {
                // Brackets around what is joined by the same word say nothing: a parameter may stand in them.
                (Predicate::And(inner), Rule::negation) | (Predicate::Or(inner), Rule::conjunction) => parts.extend(inner),
                (part, _) => parts.push(part),
            }
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { join(parts) })
    }

    fn comparison(&self, pair: Pair<'_, Rule>) -> Result<Predicate, Diagnostic> {
        let span = self.span(&pair);
        let missing = || Diagnostic::new("a comparison is incomplete").at(span).expected("`FIELD = VALUE`");
        let mut inner = pair.into_inner();
        let named = inner.next().ok_or_else(missing)?;
        let written = named.as_str().trim();
        let field = self.field(named)?;
        let test = inner.next().ok_or_else(missing)?;
        let negated = test.clone().into_inner().any(|p| p.as_rule() == Rule::kw_not);
        match test.as_rule() {
            Rule::null_test => Ok(Predicate::IsNull { field, negated }),
            Rule::membership => {
                let list = last(test).ok_or_else(missing)?;
                let value = |item| self.not_null(item, written, false).and_then(|item| self.value(item)).and_then(one);
                let values: Result<Vec<_>, _> = list.into_inner().map(value).collect();
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
                let value = self.value(self.not_null(value, written, relation == Relation::NotEqual)?)?;
                match (value.node, relation) {
                    (list @ Literal::List(_), Relation::Equal) => {
                        Ok(Predicate::ListEquals { field, list: Spanned::new(list, value.span) })
                    }
                    (one @ (Literal::Scalar(_) | Literal::Word(..)), _) => {
                        Ok(Predicate::Compare { field, relation, value: Spanned::new(one, value.span) })
                    }
                    _ => Err(Diagnostic::new(format!("`{}` is compared with a list", field.node))
                        .at(value.span)
                        .expected("one value")),
                }
            }
        }
    }

    /// Refuses `null` without quotes, beside which nothing is equal or unequal; in quotes it is a text.
    fn not_null<'p>(&self, value: Pair<'p, Rule>, field: &str, negated: bool) -> Result<Pair<'p, Rule>, Diagnostic> {
        let bare = value.clone().into_inner().next().filter(|inner| inner.as_rule() == Rule::bare);
        if bare.is_none_or(|word| !word.as_str().eq_ignore_ascii_case("null")) {
            return Ok(value);
        }
        let fault = Diagnostic::new(format!("nothing compares with `{}`", value.as_str().trim())).at(self.span(&value));
        let test = if negated { "is not null" } else { "is null" };
        Err(fault.expected(format!("`{field} {test}`")).hint("the text of this name stands in quotes: `\"null\"`"))
    }

    /// The name of a field; one in quotes is never a parameter.
    pub(super) fn field(&self, pair: Pair<'_, Rule>) -> Result<Spanned<String>, Diagnostic> {
        let span = self.span(&pair);
        Ok(match last(pair) {
            Some(inner) if inner.as_rule() == Rule::string => Spanned::new(format!("meta.{}", self.string(inner)?.node), span),
            Some(inner) => self.word(&inner),
            None => Spanned::new(String::new(), span),
        })
    }
}

fn one(value: Spanned<Literal>) -> Result<Literal, Diagnostic> {
    match value.node {
        Literal::List(_) => Err(Diagnostic::new("a list stands inside a list").at(value.span).expected("one value")),
        one => Ok(one),
    }
}

#[cfg(test)]
mod tests {
    use crate::query::{Piece, parse};

    #[test]
    fn null_is_asked_for_in_its_own_words() {
        let told = |condition: &str| {
            let text = format!("list clips where {condition}");
            parse(Piece { text: &text, offset: 0 }).err().and_then(|fault| fault.expected)
        };
        assert_eq!(told("label = null").as_deref(), Some("`label is null`"));
        assert_eq!(told("\"a b\" <> NULL and c = 1").as_deref(), Some("`\"a b\" is not null`"));
        assert_eq!(told("a > null").as_deref(), Some("`a is null`"));
        assert_eq!(told("a in (1, null)").as_deref(), Some("`a is null`"));
        assert_eq!(told("a = \"null\" and b in ('null') and c = nullify and d is null"), None);
    }
}
