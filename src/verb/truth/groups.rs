//! Clips in groups by a field: folds, and what a bootstrap draws whole.

use crate::diagnostic::{Diagnostic, Spanned};
use crate::embedding::Modality;
use crate::query::signature::Kind;
use crate::value::Value;
use crate::verb::truth::{Task, Truth, distinct};
use crate::verb::{self, Error};
use crate::workspace::{Known, field_of};

impl Task {
    /// The value of `field` for each clip, numbered.
    ///
    /// # Errors
    /// When no clip has it, a clip lacks it, or it is a list.
    pub fn groups(&self, truth: &Truth, field: &Spanned<String>) -> Result<Vec<usize>, Error> {
        let known = Known::of(&truth.clips.loaded.items);
        let there = known.check(self.collection.name(), Modality::Audio, &[field]);
        there.map_err(|fault| self.or_parameter(fault, field))?;
        let items = truth.clips.items();
        let values: Vec<Value> = items.iter().map(|item| field_of(item, &field.node)).collect();
        let lacking: Vec<&str> =
            items.iter().zip(&values).filter(|(_, value)| value.is_null()).map(|(item, _)| item.id.as_str()).collect();
        if let Some(first) = lacking.first() {
            let fault = Diagnostic::new(format!("the clip `{first}` has no field `{}`", field.node)).at(field.span);
            let way_on =
                format!("{} of {} clips lack it: `where {} is not null` leaves them out", lacking.len(), items.len(), field.node);
            return Err(fault.expected("a field that every clip has").hint(way_on).into());
        }
        if values.iter().any(Value::is_list) {
            let fault = Diagnostic::new(format!("`{}` is a list and makes no groups of clips", field.node)).at(field.span);
            return Err(fault.expected("a field with one value a clip").into());
        }
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        let distinct = distinct(&values);
        Ok(values.iter().map(|v| distinct.partition_point(|d| d < v)).collect())
    }

    /// Says that the word is a value of the parameter `by=`, where it is one: `by class`.
    fn or_parameter(&self, fault: Diagnostic, field: &Spanned<String>) -> Diagnostic {
        let verb = verb::find(&self.bound.verb.node);
        let by = verb.and_then(|verb| verb.signature().parameters.iter().find(|parameter| parameter.name == "by"));
        match by.map(|by| (by.kind, by.help)) {
            Some((Kind::Choice(words), help)) if words.iter().any(|word| word.eq_ignore_ascii_case(&field.node)) => {
                fault.hint(help)
            }
            _ => fault,
        }
    }
}
