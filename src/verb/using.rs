//! `use COLLECTION`: the collection of the statements that follow.

use crate::diagnostic::Diagnostic;
use crate::query::{Bound, Example, Literal, Signature};
use crate::report::Report;
use crate::value::Value;
use crate::verb::{Effect, Error, Outcome, Plan, Scope, Step, Verb};

pub struct Use;

static SIGNATURE: Signature = Signature {
    name: "use",
    summary: "makes a collection the default of the statements that follow",
    usage: &["use COLLECTION"],
    about: "Without it a statement takes the only collection with clips, or of several the only one that has vectors of its model; a \
            note names that one. `in COLLECTION` goes before all that.",
    examples: &[Example { statement: "use demo", gives: "the statements that follow are about `demo`" }],
    ..Signature::BARE
};

impl Verb for Use {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(1, &SIGNATURE)?;
        let Some(name) = bound.argument(0) else {
            return Err(Diagnostic::new("`use` needs the name of a collection")
                .at(bound.verb.span)
                .expected("`use COLLECTION`")
                .into());
        };
        let collection = scope.workspace.collection(&name)?;
        Ok(Box::new(UsePlan { collection: collection.name().to_owned() }))
    }
}

struct UsePlan {
    collection: String,
}

impl Plan for UsePlan {
    fn steps(&self) -> Vec<Step> {
        vec![Step::new("session", format!("the default collection becomes `{}`", self.collection))]
    }

    fn run(&self, _: &Scope<'_>) -> Result<Outcome, Error> {
        let mut report = Report::new("use");
        report.context.collection = Some(self.collection.clone());
        report.notes.push(format!("using collection `{}`", self.collection));
        let value = Some(Literal::Scalar(Value::Text(self.collection.clone())));
        Ok(Outcome { effect: Some(Effect::Set { key: "collection".into(), value }), ..report.into() })
    }
}
