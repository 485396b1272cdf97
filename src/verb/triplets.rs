//! `triplets`: does the text space put near what the ontology puts near? (Figure 5 of the paper.)

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Spanned};
use crate::embedding::{Modality, Stage};
use crate::metric::{Bootstrap, Triplets as Judged};
use crate::ontology::{self, Ontology, TermId, Triplet, released, triplets};
use crate::query::signature::{Kind, Parameter, shared};
use crate::query::{Bound, Example, Signature};
use crate::report::{Estimate, Figure, Report, Table};
use crate::verb::parameters::whole;
use crate::verb::trial::Trial;
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, parameters, provenance, spaces};
use crate::workspace::{ModelRef, Prompts};

pub struct Triplets;

/// The tree as the paper's code has it.
const RELEASED_TREE: &str = "hdio-ismir2024";
/// Anchors listed as the hardest.
const HARDEST: usize = 10;

static SIGNATURE: Signature = Signature {
    name: "triplets",
    summary: "semantic meaningfulness of a text space: triplets of an ontology, judged by cosine",
    usage: &[
        "triplets ontology=NAME [labels=tinysol|all|COLLECTION] [space=joint|pre-joint|all] [prompt=\"A <> track\"] [convention=strict|released]",
    ],
    about: "A triplet (anchor, positive, negative) says that by the ontology the anchor is nearer to the positive than to the negative; \
            it is right when cos(anchor, positive) > cos(anchor, negative). An equal cosine is a tie, wrong, and counted. Nearness in \
            the ontology is the path through the lowest common ancestor; two terms that share only the root are unrelated: never a \
            positive pair, and farther than any related one. The interval resamples anchors with all their triplets. \
            `convention=strict` takes every ordered triplet of distinct labels; `convention=released` takes those of the paper's \
            published code, many of which are inverted against their own definition, on the tree that it used.",
    parameters: &[
        Parameter { name: "ontology", kind: Kind::Ontology, default: "hdio", help: "the tree of terms" },
        Parameter {
            name: "labels",
            kind: Kind::Text,
            default: "all",
            help: "`tinysol` (its 14 instruments), `all` (the ontology's leaves; with `released`, its terms), or a collection's labels",
        },
        shared::MODEL,
        spaces::SPACE,
        shared::PROMPT,
        Parameter {
            name: "convention",
            kind: Kind::Choice(&["strict", "released"]),
            default: "strict",
            help: "`released` repeats the paper's published code",
        },
        shared::RESAMPLES,
        shared::CONFIDENCE,
        shared::SEED,
    ],
    examples: &[
        Example { statement: "triplets ontology=hdio", gives: "accuracy over 242,312 triplets of the 100 leaves" },
        Example {
            statement: "triplets ontology=hdio labels=tinysol space=pre-joint",
            gives: "686 triplets of the 14 TinySOL labels, before the projection",
        },
        Example {
            statement: "triplets ontology=hdio space=all",
            gives: "before and after the projection, side by side with the paired difference",
        },
        Example {
            statement: "triplets ontology=hdio labels=tinysol convention=released",
            gives: "the 237 triplets of the paper's code, of which 67 are inverted",
        },
    ],
    ..Signature::BARE
};

impl Verb for Triplets {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(0, &SIGNATURE)?;
        let released = bound.text_of("convention").is_some_and(|c| c.node.eq_ignore_ascii_case("released"));
        let asked = bound
            .text_of("ontology")
            .map_or_else(|| Spanned::new("hdio".to_owned(), bound.verb.span), |o| Spanned::new(o.node.to_owned(), o.span));
        let ontology = scope.workspace.ontology(&asked)?;
        // The published code has its own, slightly misplaced tree; comparing with it means using it.
        let ontology = match released && ontology.name == "hdio" {
            true => scope.workspace.ontology(&Spanned::new(RELEASED_TREE.to_owned(), asked.span))?,
            false => ontology,
        };
        let model = scope.workspace.model_of_texts(parameters::model_name(&bound).as_ref())?;
        let prompts = parameters::prompt(&bound)?;
        let labels = labels(&bound, &ontology, scope)?;
        spaces::each(bound, scope, &|bound, stage, _| {
            Ok(Box::new(TripletsPlan {
                asked: asked.node.clone(),
                ontology: ontology.clone(),
                labels: labels.clone(),
                released,
                model: model.clone(),
                stage,
                prompts: prompts.clone(),
                bootstrap: parameters::bootstrap(&bound),
                span: bound.verb.span,
            }))
        })
    }
}

/// Whose triplets.
#[derive(Clone)]
enum Labels {
    /// The ontology's own: leaves, or every term in the released convention.
    All,
    /// These terms, in this order.
    Some { name: String, terms: Vec<TermId> },
}

fn labels(bound: &Bound, ontology: &Ontology, scope: &Scope<'_>) -> Result<Labels, Error> {
    let Some(name) = bound.text_of("labels") else { return Ok(Labels::All) };
    let words: Vec<String> = match name.node {
        word if word.eq_ignore_ascii_case("all") => return Ok(Labels::All),
        word if word.eq_ignore_ascii_case("tinysol") => ontology::bundled::TINYSOL.iter().map(|&l| l.to_owned()).collect(),
        word => scope.workspace.labels_of(&Spanned::new(word.to_owned(), name.span), &["tinysol", "all"])?,
    };
    let mut terms = Vec::with_capacity(words.len());
    for word in &words {
        let term = ontology.resolve(word).map_err(|unresolved| {
            let fault = Diagnostic::new(unresolved.to_string()).at(name.span);
            match unresolved.hint() {
                Some(hint) => fault.hint(hint),
                None => fault,
            }
        })?;
        if !terms.contains(&term) {
            terms.push(term);
        }
    }
    Ok(Labels::Some { name: name.node.to_owned(), terms })
}

struct TripletsPlan {
    asked: String,
    ontology: Ontology,
    labels: Labels,
    released: bool,
    model: ModelRef,
    stage: Stage,
    prompts: Prompts,
    bootstrap: Bootstrap,
    span: crate::diagnostic::Span,
}

/// Triplets over a vocabulary: texts to embed, and the term that each means.
struct Vocabulary {
    texts: Vec<String>,
    terms: Vec<TermId>,
    triplets: Vec<Triplet>,
}

impl TripletsPlan {
    fn convention(&self) -> &'static str {
        if self.released { "released" } else { "strict" }
    }

    fn vocabulary(&self) -> Vocabulary {
        let spoken = |terms: &[TermId]| terms.iter().map(|&t| self.ontology.spoken(t)).collect();
        let over = |terms: Vec<TermId>, triplets: Vec<Triplet>| Vocabulary { texts: spoken(&terms), terms, triplets };
        match (&self.labels, self.released) {
            (Labels::All, true) => {
                let all = released::enumerate(&self.ontology);
                let texts = all.names.iter().map(|name| name.replace('_', " ")).collect();
                Vocabulary { texts, terms: all.terms, triplets: all.triplets }
            }
            (Labels::All, false) => {
                let leaves = self.ontology.leaves();
                let triplets = triplets::strict(&self.ontology, &leaves);
                over(leaves, triplets)
            }
            (Labels::Some { terms, .. }, true) => over(terms.clone(), released::subset(&self.ontology, terms)),
            (Labels::Some { terms, .. }, false) => over(terms.clone(), triplets::strict(&self.ontology, terms)),
        }
    }

    fn families(
        &self,
        vocabulary: &Vocabulary,
        judged: &Judged,
        scope: &Scope<'_>,
    ) -> Result<(Table, Vec<(String, Estimate)>), Error> {
        let mut families: BTreeMap<String, Vec<crate::metric::Anchor>> = BTreeMap::new();
        for anchor in judged.anchors() {
            let family = vocabulary.terms.get(anchor.term as usize).and_then(|&t| self.ontology.family(t));
            let name = family.map_or_else(|| "(root)".to_owned(), |f| self.ontology.spoken(f));
            families.entry(name).or_default().push(*anchor);
        }
        let mut table = Table::new(["family", "accuracy", "low", "high", "triplets", "anchors"]);
        let mut bars = Vec::new();
        for (name, anchors) in families {
            let count = anchors.len();
            let family = Judged::of(anchors)?;
            let sampled = self.bootstrap.estimate(&family, None, scope.progress)?;
            for estimate in sampled.estimates {
                let triplets = usize::try_from(family.count()).unwrap_or(usize::MAX);
                table.push(vec![
                    name.as_str().into(),
                    estimate.value.into(),
                    estimate.low.into(),
                    estimate.high.into(),
                    triplets.into(),
                    count.into(),
                ]);
                bars.push((name.clone(), estimate));
            }
        }
        Ok((table, bars))
    }
}

impl Plan for TripletsPlan {
    fn steps(&self) -> Vec<Step> {
        let labels = match &self.labels {
            Labels::All if self.released => "all terms of the ontology".to_owned(),
            Labels::All => format!("the {} leaves of the ontology", self.ontology.leaves().len()),
            Labels::Some { name, terms } => format!("{name} ({} terms)", terms.len()),
        };
        vec![
            Step::new("ontology", format!("{} ({} terms)", self.ontology.name, self.ontology.terms().len())),
            Step::new("labels", labels),
            Step::new("model", self.model.id.clone()),
            Step::new("space", provenance::space_name(Modality::Text, self.stage)),
            Step::new("prompt", self.prompts.keys().join(", ")),
            Step::new("triplets", format!("{}, enumerated", self.convention())),
            Step::new("intervals", format!("{} resamples of anchors", self.bootstrap.resamples)),
        ]
    }

    fn estimate(&self, scope: &Scope<'_>) -> Result<Vec<Step>, Error> {
        let vocabulary = self.vocabulary();
        let (texts, triplets) = (vocabulary.texts.len(), vocabulary.triplets.len());
        let unread = scope.workspace.unread(&self.model, self.stage, &self.prompts, &vocabulary.texts)?;
        Ok(vec![
            parameters::reading(unread, texts * self.prompts.0.len()),
            Step::new("work", format!("{} cosines, {} judgements", whole(texts * texts), whole(triplets))),
        ])
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let vocabulary = self.vocabulary();
        if vocabulary.triplets.is_empty() {
            let fault = Diagnostic::new(format!("the labels give no triplet in `{}`", self.ontology.name)).at(self.span);
            return Err(fault.expected("labels of which some are related more closely than others").into());
        }
        let texts = scope.workspace.label_vectors(&self.model, self.stage, &self.prompts, &vocabulary.texts, scope.progress)?;
        let cosines = texts.cosines(&texts)?;
        let cosine = |a: u32, b: u32| f64::from(cosines.row(a as usize)[b as usize]);
        let indices: Vec<(u32, u32, u32)> = vocabulary.triplets.iter().map(|t| (t.anchor, t.positive, t.negative)).collect();
        let judged = Judged::new(vocabulary.texts.len(), cosine, &indices)?;
        let sampled = self.bootstrap.estimate(&judged, None, scope.progress)?;

        let mut report = Report::new("triplets");
        report.context = provenance::context(scope, None, &self.model, provenance::space_name(Modality::Text, self.stage));
        provenance::prompted(&mut report.context, &self.prompts);
        provenance::sampled(&mut report.context, &self.bootstrap);
        report.context.n = usize::try_from(judged.count()).ok();
        report.context.fact("ontology", self.ontology.name.as_str());
        report.context.fact("labels", vocabulary.texts.len());
        report.context.fact("convention", self.convention());
        report.context.fact("ties", usize::try_from(judged.ties()).unwrap_or(usize::MAX));
        report.context.fact("chance", Judged::CHANCE);
        if self.released {
            let judgement = ontology::judge(&self.ontology, &vocabulary.terms, &vocabulary.triplets);
            report.context.fact("inverted", judgement.inverted);
            report.notes.push(format!(
                "convention=released: {} of {} triplets are inverted against their own definition; `convention=strict` puts them right",
                judgement.inverted,
                judged.count()
            ));
            if self.asked != self.ontology.name {
                report.notes.push(format!("the tree is `{}`, the one that the published code used", self.ontology.name));
            }
        }
        report.notes.extend(sampled.notes());
        report.metrics = sampled.estimates;
        let (table, bars) = self.families(&vocabulary, &judged, scope)?;
        report.tables.push(table);
        report.tables.push(hardest(&vocabulary, &judged));
        report.figures.push(Figure::Bars { title: "triplet accuracy by family of the anchor".into(), unit: String::new(), bars });
        Ok(Outcome { trial: Some(Arc::new(trial(&vocabulary, judged))), ..report.into() })
    }
}

/// The anchors, for `compare`. A name that the released list repeats gets a number.
fn trial(vocabulary: &Vocabulary, judged: Judged) -> Trial {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let number = |text: &'_ str, count: usize| if count == 1 { text.to_owned() } else { format!("{text} ({count})") };
    let mut names = Vec::with_capacity(vocabulary.texts.len());
    for text in &vocabulary.texts {
        let count = seen.entry(text).or_default();
        *count += 1;
        names.push(number(text, *count));
    }
    let anchors = judged.anchors();
    Trial {
        unit: "anchors",
        items: anchors.iter().filter_map(|a| names.get(a.term as usize).cloned()).collect(),
        truth: Vec::new(),
        values: vec![("accuracy", anchors.iter().map(|a| a.accuracy()).collect())],
        vocabulary: names,
        groups: None,
        right: None,
        measure: Box::new(judged),
    }
}

fn hardest(vocabulary: &Vocabulary, judged: &Judged) -> Table {
    let mut anchors: Vec<_> = judged.anchors().to_vec();
    anchors.sort_by(|a, b| a.accuracy().total_cmp(&b.accuracy()).then(a.term.cmp(&b.term)));
    let mut table = Table::new(["anchor", "accuracy", "triplets"]).titled("hardest anchors");
    for anchor in anchors.iter().take(HARDEST) {
        let name = vocabulary.texts.get(anchor.term as usize).map_or("", String::as_str);
        table.push(vec![name.into(), anchor.accuracy().into(), usize::try_from(anchor.count).unwrap_or(usize::MAX).into()]);
    }
    table
}
