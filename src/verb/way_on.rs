//! What to write where some of the labels can't be used: they have no sentence in a prompt, or are no terms of an ontology.

use crate::diagnostic::Diagnostic;
use crate::embedding::Stage;
use crate::prompt::Prompt;
use crate::query::statement::quoted;
use crate::verb::{Error, Scope};
use crate::workspace::{self, ModelRef, Prompts};

/// Labels that are named.
const NAMED: usize = 10;

/// The labels of a statement.
#[derive(Clone, Copy)]
pub struct Labels<'a> {
    pub names: &'a [String],
    /// Whether they are those of the clips that pass a condition on `label`, which can choose among them.
    pub of_clips: bool,
}

/// Adds to a fault of reading `prompts` which labels a prompt has no sentence for, and what leaves them out. Other faults stay.
pub fn without_sentence(
    fault: workspace::Error,
    (model, stage): (&ModelRef, Stage),
    prompts: &[Prompt],
    labels: Labels<'_>,
    scope: &Scope<'_>,
) -> Error {
    let fault = match fault {
        workspace::Error::Diagnostic(fault) => fault,
        other => return other.into(),
    };
    // Without a text graph sentences are not read.
    for prompt in prompts.iter().filter(|prompt| model.model.is_some() && !prompt.is_written_out()) {
        let one = Prompts(vec![prompt.clone()]);
        let lacks = |label: &&String| scope.workspace.unread(model, stage, &one, std::slice::from_ref(*label)).is_err();
        let (without, with): (Vec<&String>, Vec<&String>) = labels.names.iter().partition(lacks);
        if !without.is_empty() {
            let [with, without] = [with, without].map(|of| of.into_iter().map(String::as_str).collect::<Vec<&str>>());
            return lacking_sentences(fault, &with, &without, labels.of_clips).into();
        }
    }
    workspace::Error::from(fault).into()
}

fn lacking_sentences(fault: Diagnostic, with: &[&str], without: &[&str], of_clips: bool) -> Diagnostic {
    let all = with.len() + without.len();
    let fault = match (with.is_empty(), of_clips) {
        (true, _) => fault,
        (false, true) => fault.hint(format!("{} of {all} labels have one: `where {}`", with.len(), chosen(with, without))),
        (false, false) => fault.hint(format!("{} of {all} labels have none: {}", without.len(), some_of(without))),
    };
    fault
        .hint("prompts that need no sentence can be named one by one: `prompts=(\"A <> track\", \"<>\")`")
        .hint("`sensitivity clips` leaves out the prompts that lack one, with a note")
}

/// Adds to a fault of finding terms which labels are none, and what leaves them out; `terms` are the labels that are.
pub fn without_term(fault: Diagnostic, terms: &[&str], others: &[&str], ontology: &str, clips: Option<String>) -> Diagnostic {
    let all = terms.len() + others.len();
    let fault = match others {
        [] | [_] => fault,
        _ => fault.hint(format!("{} of {all} labels are not one term of `{ontology}`: {}", others.len(), some_of(others))),
    };
    let fault = match clips.filter(|_| !terms.is_empty()) {
        Some(statement) => fault.hint(format!("the others are taken by `{statement} where {}`", chosen(terms, others))),
        None => fault,
    };
    fault.hint("an ontology of one's own can have them as terms or aliases: `dyad ontologies add FILE`")
}

/// The condition that takes the labels of `wanted` and not the `others`, by whichever are fewer.
fn chosen(wanted: &[&str], others: &[&str]) -> String {
    let (word, names) = if others.len() < wanted.len() { ("not in", others) } else { ("in", wanted) };
    let mut listed: Vec<String> = names.iter().take(NAMED).map(|name| quoted(name)).collect();
    if names.len() > NAMED {
        listed.push("…".to_owned());
    }
    format!("label {word} ({})", listed.join(", "))
}

/// The first of these names, and how many more there are.
pub fn some_of(names: &[&str]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let named = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::diagnostic::Spanned;
    use crate::progress::Silent;
    use crate::prompt::bundled;
    use crate::query::Settings;
    use crate::store::Store;
    use crate::workspace::Workspace;

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("c{i}")).collect()
    }

    #[test]
    fn ten_are_named() {
        let names = names(12);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(some_of(&names[..2]), "c0, c1");
        assert_eq!(some_of(&names), "c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 and 2 more");
        assert!(chosen(&names, &names).ends_with("\"c9\", …)"));
    }

    #[test]
    fn the_shorter_list_is_written() {
        assert_eq!(chosen(&["a", "b"], &["the \"c\""]), r#"label not in ("the \"c\"")"#);
        assert_eq!(chosen(&["a"], &["b", "c"]), r#"label in ("a")"#);
    }

    #[test]
    fn labels_with_a_sentence_are_chosen_where_clips_can_be() {
        let told = |with: &[&str], of_clips| lacking_sentences(Diagnostic::new("no sentence"), with, &["x"], of_clips).hints;
        assert_eq!(told(&["a", "b"], true)[0], r#"2 of 3 labels have one: `where label not in ("x")`"#);
        assert_eq!(told(&["a", "b"], false)[0], "1 of 3 labels have none: x");
        assert!(told(&[], true)[0].starts_with("prompts that need no sentence"));
    }

    #[test]
    fn a_prompt_that_lacks_a_sentence_says_for_which_labels() {
        let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
        let model = workspace.model(&Spanned::new("musicnn-minilm".to_owned(), Default::default())).unwrap();
        let (settings, named) = (Settings::new(), BTreeMap::new());
        let scope =
            Scope { workspace: &workspace, settings: &settings, named: &named, progress: &Silent, first: None, order: None };
        let set = bundled::set("ismir2024").unwrap();
        let prompts = Prompts(vec![set.prompt("definition").unwrap().clone()]);
        let names = ["violin", "kitchen sink"].map(str::to_owned);
        let fault = workspace.label_vectors(&model, Stage::Joint, &prompts, &names, &Silent).unwrap_err();
        let labels = Labels { names: &names, of_clips: true };
        let told = without_sentence(fault, (&model, Stage::Joint), &prompts.0, labels, &scope);
        let Error::Diagnostic(told) = told else { panic!("{told}") };
        assert!(told.message.contains("has no sentence for `kitchen sink`"), "{told}");
        assert_eq!(told.hints[0], r#"1 of 2 labels have one: `where label in ("violin")`"#);
        // What else went wrong is told as it is.
        let other = without_sentence(workspace::Error::Cancelled, (&model, Stage::Joint), &prompts.0, labels, &scope);
        assert!(matches!(other, Error::Workspace(workspace::Error::Cancelled)));
    }

    #[test]
    fn what_is_no_term_is_counted() {
        let told = |terms: &[&str], clips: Option<&str>| {
            without_term(Diagnostic::new("unknown label `x`"), terms, &["x", "y"], "hdio", clips.map(str::to_owned)).hints
        };
        let hints = told(&["violin"], Some("triplets using prototypes in c"));
        assert_eq!(hints[0], "2 of 3 labels are not one term of `hdio`: x, y");
        assert_eq!(hints[1], r#"the others are taken by `triplets using prototypes in c where label in ("violin")`"#);
        assert_eq!((told(&[], Some("s")).len(), told(&["violin"], None).len()), (2, 2));
    }
}
