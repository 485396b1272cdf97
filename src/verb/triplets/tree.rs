//! Triplets of an ontology's terms.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::Vocabulary;
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::embedding::Modality;
use crate::ontology::triplets::{Distance, Rule, each};
use crate::ontology::{self, Ontology, TermId, Triplet, Unresolved, released};
use crate::query::{Bound, statement};
use crate::report::Report;
use crate::verb::truth::Task;
use crate::verb::{Error, Scope, Step, parameters, way_on};
use crate::workspace::spoken;

/// The tree as the paper's code has it.
const RELEASED_TREE: &str = "hdio-ismir2024";

/// The labels that are here without a collection.
const BUNDLED: &str = "tinysol";
/// What `labels=` takes beside the name of a collection.
const OTHERS: [&str; 2] = [BUNDLED, "all"];

/// An ontology, and which triplets of it.
pub struct Tree {
    asked: Spanned<String>,
    ontology: Ontology,
    released: bool,
    rule: Rule,
    inner_nodes: bool,
    sample: Option<(usize, u64)>,
}

/// `labels=`, where it does not mean all of the ontology.
pub fn labels(bound: &Bound, scope: &Scope<'_>) -> Result<Option<Spanned<String>>, Error> {
    let Some(name) = bound.text_of("labels").filter(|name| !name.node.eq_ignore_ascii_case("all")) else { return Ok(None) };
    let name = Spanned::new(name.node.to_owned(), name.span);
    if let Some(name) = collection(Some(&name)) {
        scope.workspace.labels_of(name, &OTHERS, scope.progress)?;
    }
    Ok(Some(name))
}

/// The collection whose labels are meant; none where they are bundled.
pub fn collection(labels: Option<&Spanned<String>>) -> Option<&Spanned<String>> {
    labels.filter(|name| !name.node.eq_ignore_ascii_case(BUNDLED))
}

impl Tree {
    /// Reads `ontology=`, `convention=`, `distance=`, `margin=`, `nodes=` and `sample=`.
    ///
    /// # Errors
    /// When the ontology is unknown.
    pub fn of(bound: &Bound, scope: &Scope<'_>) -> Result<Tree, Error> {
        let released = bound.text_of("convention").is_some_and(|c| c.node.eq_ignore_ascii_case("released"));
        let asked = parameters::ontology(bound);
        let ontology = scope.workspace.ontology(&asked)?;
        // The published code has its own, slightly misplaced tree; comparing with it means using it.
        let ontology = match released && ontology.name == "hdio" {
            true => scope.workspace.ontology(&Spanned::new(RELEASED_TREE.to_owned(), asked.span))?,
            false => ontology,
        };
        let distance = bound.text_of("distance").and_then(|d| Distance::parse(d.node)).unwrap_or_default();
        let seed = bound.int("seed").and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        Ok(Tree {
            asked,
            ontology,
            released,
            rule: Rule { distance, margin: bound.float("margin").unwrap_or(0.0) },
            inner_nodes: bound.text_of("nodes").is_some_and(|n| n.node.eq_ignore_ascii_case("all")),
            sample: bound.int("sample").and_then(|n| usize::try_from(n).ok()).map(|n| (n, seed)),
        })
    }

    fn convention(&self) -> &'static str {
        if self.released { "released" } else { "strict" }
    }

    fn own_terms(&self) -> Vec<TermId> {
        match self.inner_nodes {
            true => self.ontology.ids().filter(|&id| Some(id) != self.ontology.root()).collect(),
            false => self.ontology.leaves(),
        }
    }

    pub fn steps(&self, labels: Option<&Spanned<String>>) -> Vec<Step> {
        let labels = match labels {
            Some(name) => name.node.clone(),
            None if self.released => "all terms of the ontology".to_owned(),
            None if self.inner_nodes => format!("the {} terms of the ontology", self.own_terms().len()),
            None => format!("the {} leaves of the ontology", self.own_terms().len()),
        };
        let how = self.sample.map_or_else(|| "enumerated".to_owned(), |(n, seed)| format!("{n} drawn with seed {seed}"));
        vec![
            Step::new("ontology", format!("{} ({} terms)", self.ontology.name, self.ontology.terms().len())),
            Step::new("labels", labels),
            Step::new("triplets", format!("{}, {how}", self.convention())),
        ]
    }

    /// The triplets of the labels named, or of the ontology's own terms.
    ///
    /// # Errors
    /// When a label is no term, or there is no triplet.
    pub fn vocabulary(
        &self,
        labels: Option<&Spanned<String>>,
        span: Span,
        report: &mut Report,
        scope: &Scope<'_>,
    ) -> Result<Vocabulary, Error> {
        let Some(name) = labels else {
            if self.released {
                let all = released::enumerate(&self.ontology);
                let names = all.names.iter().map(|name| name.replace('_', " ")).collect();
                return self.finish(names, all.terms, all.triplets, span, report);
            }
            let own = self.own_terms().into_iter().map(|term| (self.ontology.spoken(term), term));
            return self.among(own.collect(), span, report);
        };
        let named = collection(Some(name));
        let words: Vec<String> = match named {
            None => ontology::bundled::TINYSOL.iter().map(|&l| l.to_owned()).collect(),
            Some(name) => scope.workspace.labels_of(name, &OTHERS, scope.progress)?,
        };
        let clips = || -> Option<String> {
            let collection = scope.workspace.store().collection(&named?.node).ok()??;
            let name = statement::is_bare(collection.name()).then(|| collection.name().to_owned());
            let name = name.unwrap_or_else(|| statement::quoted(collection.name()));
            let has_clips = collection.len(Modality::Audio).is_ok_and(|clips| clips > 0);
            has_clips.then(|| format!("triplets ontology={} using prototypes in {name}", self.ontology.name))
        };
        let mut labels: Vec<(String, TermId)> = Vec::with_capacity(words.len());
        for (word, term) in words.iter().zip(self.resolved(&words, name.span, clips)?) {
            match labels.iter().find(|(_, known)| *known == term) {
                None => labels.push((spoken(word), term)),
                Some((first, _)) => {
                    let ontology = &self.ontology.name;
                    report.notes.push(format!("`{word}` is the term of `{first}` in `{ontology}`, and was left out"));
                }
            }
        }
        if self.released {
            labels = self.in_order(labels, report);
        }
        self.among(labels, span, report)
    }

    /// The released convention goes by the order of its labels: that of the paper where they are its own.
    fn in_order(&self, labels: Vec<(String, TermId)>, report: &mut Report) -> Vec<(String, TermId)> {
        let paper = ontology::bundled::TINYSOL.iter().filter_map(|label| self.ontology.resolve(label).ok());
        let ordered: Option<Vec<_>> = paper.map(|term| labels.iter().find(|(_, own)| *own == term).cloned()).collect();
        if let Some(ordered) = ordered.filter(|ordered| ordered.len() == labels.len()) {
            return ordered;
        }
        let what = "convention=released depends on the order of the labels, which is that of the collection's names here";
        report.notes.push(what.to_owned());
        labels
    }

    /// The triplets of these labels of clips, in their order and under their names.
    ///
    /// # Errors
    /// When a label is no term, or there is no triplet.
    pub fn over(&self, labels: &[String], task: &Task, report: &mut Report) -> Result<Vocabulary, Error> {
        let span = task.bound.verb.span;
        let terms = self.resolved(labels, span, || Some("triplets using prototypes".to_owned()))?;
        self.among(labels.iter().map(|label| spoken(label)).zip(terms).collect(), span, report)
    }

    /// The term of each label; `clips` begins a statement about the clips that have one, to which a condition can be added.
    ///
    /// # Errors
    /// When a label is not one term.
    fn resolved(&self, labels: &[String], span: Span, clips: impl FnOnce() -> Option<String>) -> Result<Vec<TermId>, Error> {
        let found: Vec<Result<TermId, Unresolved>> = labels.iter().map(|label| self.ontology.resolve(label)).collect();
        let Some(first) = found.iter().find_map(|term| term.as_ref().err()) else {
            return Ok(found.into_iter().flatten().collect());
        };
        let fault = Diagnostic::new(first.to_string()).at(span);
        let fault = match first.hint() {
            Some(hint) => fault.hint(hint),
            None => fault,
        };
        let of = |is_term: bool| -> Vec<&str> {
            let labels = labels.iter().zip(&found).filter(|(_, term)| term.is_ok() == is_term);
            labels.map(|(label, _)| label.as_str()).collect()
        };
        Err(way_on::without_term(fault, &of(true), &of(false), &self.ontology.name, clips()).into())
    }

    fn among(&self, labels: Vec<(String, TermId)>, span: Span, report: &mut Report) -> Result<Vocabulary, Error> {
        let (names, terms): (Vec<String>, Vec<TermId>) = labels.into_iter().unzip();
        let triplets = match (self.released, self.sample) {
            (true, _) => released::subset(&self.ontology, &terms),
            (false, Some((n, seed))) => return self.drawn(names, terms, n, seed, span, report),
            (false, None) => {
                let mut all = Vec::new();
                each(&self.ontology, &terms, self.rule, &mut |triplet| all.push(triplet));
                all
            }
        };
        self.finish(names, terms, triplets, span, report)
    }

    /// Counts all triplets, draws so many of their numbers, and keeps those: nothing else is held in memory.
    fn drawn(
        &self,
        names: Vec<String>,
        terms: Vec<TermId>,
        n: usize,
        seed: u64,
        span: Span,
        report: &mut Report,
    ) -> Result<Vocabulary, Error> {
        let mut total = 0usize;
        each(&self.ontology, &terms, self.rule, &mut |_| total += 1);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut chosen = rand::seq::index::sample(&mut random, total, n.min(total)).into_vec();
        chosen.sort_unstable();
        let (mut at, mut next, mut triplets) = (0usize, chosen.into_iter().peekable(), Vec::new());
        each(&self.ontology, &terms, self.rule, &mut |triplet| {
            if next.next_if_eq(&at).is_some() {
                triplets.push(triplet);
            }
            at += 1;
        });
        report.context.fact("sample_of", total);
        self.finish(names, terms, triplets, span, report)
    }

    fn finish(
        &self,
        names: Vec<String>,
        terms: Vec<TermId>,
        triplets: Vec<Triplet>,
        span: Span,
        report: &mut Report,
    ) -> Result<Vocabulary, Error> {
        if triplets.is_empty() {
            let fault = Diagnostic::new(format!("the labels give no triplet in `{}`", self.ontology.name)).at(span);
            return Err(fault.expected("labels of which some are related more closely than others").into());
        }
        report.context.fact("ontology", self.ontology.name.as_str());
        report.context.fact("convention", self.convention());
        if self.released {
            let inverted = ontology::judge(&self.ontology, &terms, &triplets).inverted;
            report.context.fact("inverted", inverted);
            report.notes.push(format!(
                "convention=released: {inverted} of {} triplets are inverted against their own definition; `convention=strict` puts them right",
                triplets.len()
            ));
            if self.asked.node != self.ontology.name {
                report.notes.push(format!("the tree is `{}`, the one that the published code used", self.ontology.name));
            }
        } else {
            report.context.fact("distance", self.rule.distance.name());
            if self.rule.margin > 0.0 {
                report.context.fact("margin", self.rule.margin);
            }
        }
        let family = |&term: &TermId| self.ontology.family(term).map(|family| self.ontology.spoken(family));
        Ok(Vocabulary {
            names,
            families: terms.iter().map(family).collect(),
            triplets: triplets.iter().map(|t| (t.anchor, t.positive, t.negative)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_labels_have_the_papers_order() {
        let tree = Tree {
            asked: Spanned::new("hdio".to_owned(), Span::default()),
            ontology: ontology::bundled::ontology(RELEASED_TREE).unwrap(),
            released: true,
            rule: Rule { distance: Distance::default(), margin: 0.0 },
            inner_nodes: false,
            sample: None,
        };
        let mut sorted = ontology::bundled::TINYSOL.map(|label| if label == "violoncello" { "cello" } else { label });
        sorted.sort_unstable();
        let labels: Vec<(String, TermId)> =
            sorted.iter().map(|label| (spoken(label), tree.ontology.resolve(label).unwrap())).collect();
        let count = |labels: &[(String, TermId)]| {
            let terms: Vec<TermId> = labels.iter().map(|(_, term)| *term).collect();
            released::subset(&tree.ontology, &terms).len()
        };
        let mut report = Report::new("triplets");
        assert_ne!(count(&labels), 237);
        let ordered = tree.in_order(labels.clone(), &mut report);
        assert_eq!((count(&ordered), report.notes.len()), (237, 0));
        // Each keeps its own word.
        assert!(ordered.iter().all(|label| labels.contains(label)), "{ordered:?}");
        assert_eq!((tree.in_order(labels[1..].to_vec(), &mut report), report.notes.len()), (labels[1..].to_vec(), 1));
    }
}
