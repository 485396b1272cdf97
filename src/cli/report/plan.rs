//! Which statements a report runs: the paper's five experiments and what goes beyond them, for what the store holds.

use std::collections::BTreeSet;

use crate::diagnostic::{Span, Spanned};
use crate::embedding::{Modality, Stage};
use crate::query::statement::quoted;
use crate::session::Failure;
use crate::store::CollectionInfo;
use crate::workspace::{Error as WorkspaceError, ModelRef, Workspace};

/// A part of the page, with its statements and their captions.
pub struct Planned {
    pub id: String,
    pub title: String,
    pub lead: String,
    pub statements: Vec<(String, String)>,
}

/// The sections of a report on this store.
///
/// # Errors
/// When the store can't be read.
pub fn sections(workspace: &Workspace) -> Result<Vec<Planned>, Failure> {
    let collections = workspace.store().collections().map_err(WorkspaceError::from)?;
    let mut sections = vec![Planned {
        id: "store".into(),
        title: "What is here".into(),
        lead: "Every number below is computed from this store by the statement that stands above it.".into(),
        statements: own(&[("Models", "show models"), ("Collections", "show collections"), ("Spaces", "show spaces")]),
    }];
    for collection in collections.iter().filter(|c| c.audio > 0 && !crate::workspace::holds_windows(&c.name)) {
        for model in models(collection, Modality::Audio, Stage::Joint) {
            sections.extend(experiments(workspace, collection, &model)?);
        }
    }
    // The paper's order, as far as there is one collection and model.
    let place = sections.iter().position(|s| s.id.starts_with("prototypes-")).unwrap_or(sections.len());
    sections.insert(place, triplets(workspace)?);
    let mut seen = BTreeSet::new();
    for section in &mut sections {
        // `a.b` and `a-b` have the same slug.
        let slug = section.id.clone();
        let mut number = 2;
        while !seen.insert(section.id.clone()) {
            section.id = format!("{slug}-{number}");
            number += 1;
        }
    }
    Ok(sections)
}

fn own(statements: &[(&str, &str)]) -> Vec<(String, String)> {
    statements.iter().map(|(caption, statement)| ((*caption).to_owned(), (*statement).to_owned())).collect()
}

/// Models with vectors of this kind in a collection, each once.
fn models(collection: &CollectionInfo, modality: Modality, stage: Stage) -> Vec<String> {
    let spaces = collection.spaces.iter().filter(|s| s.key.space.modality == modality && s.key.space.stage == stage);
    let mut models: Vec<String> = spaces.map(|s| s.key.space.model.clone()).collect();
    models.dedup();
    models
}

/// `prompts=…` that this model can answer: the sets when it reads texts, else the imported prompts.
fn prompts(workspace: &Workspace, model: &str) -> Result<Vec<(String, String)>, Failure> {
    let Some(found) = usable(workspace, model)? else { return Ok(Vec::new()) };
    if found.model.as_ref().is_some_and(|m| m.text.is_some()) {
        return Ok(own(&[("The six prompts of the paper", "ismir2024"), ("Controls", "controls")]));
    }
    let imported: Vec<String> =
        workspace.imported_prompts(&found, Stage::Joint)?.into_iter().filter(|p| p.contains("<>")).collect();
    if imported.is_empty() {
        return Ok(Vec::new());
    }
    let list: Vec<String> = imported.iter().map(|p| quoted(p)).collect();
    Ok(vec![("The imported prompts".to_owned(), format!("({})", list.join(", ")))])
}

/// A model; none where its folder is broken, which `show models` tells.
fn usable(workspace: &Workspace, model: &str) -> Result<Option<ModelRef>, Failure> {
    match workspace.model(&Spanned::new(model.to_owned(), Span::default())).map_err(Failure::from) {
        Err(Failure::Statement(_)) => Ok(None),
        found => found.map(Some),
    }
}

fn experiments(workspace: &Workspace, collection: &CollectionInfo, model: &str) -> Result<Vec<Planned>, Failure> {
    let name = &collection.name;
    let scope = format!("in {} model={}", quoted(name), quoted(model));
    let pre_joint = models(collection, Modality::Audio, Stage::PreJoint).iter().any(|m| m == model);
    let id = |what: &str| format!("{what}-{}", slug(&format!("{name}-{model}")));
    let title = |what: &str| format!("{what}: {name}, {model}");
    let mut sections = Vec::new();

    let mut sweep: Vec<(String, String)> = Vec::new();
    for (caption, prompts) in prompts(workspace, model)? {
        sweep.push((caption, format!("classify clips {scope} prompts={prompts}")));
    }
    if !sweep.is_empty() {
        sweep.splice(0..0, sensitivity(&scope, &sweep));
        sweep.push((
            "Per class, and what is taken for what, with “A <> track”".into(),
            format!("classify clips {scope} where prompt=\"A <> track\" by=class confusion"),
        ));
        sections.push(Planned {
            id: id("prompts"),
            title: title("1 · Prompt sensitivity"),
            lead: "Zero-shot classification under different prompts (Figure 2 of the paper). A model that reads well is moved little by the wording, helped by a definition, and hurt when the label is taken out of it.".into(),
            statements: sweep,
        });
        sections.push(Planned {
            id: id("similarity"),
            title: title("2 · Similarity distributions"),
            lead: "Cosines of clips with their own label (positive) and with the others (negative), by text and by audio-only label (Figure 3).".into(),
            statements: vec![
                ("Texts".into(), format!("similarity clips {scope} where prompt=\"A <> track\"")),
                ("Audio-only labels".into(), format!("similarity clips {scope} using prototypes")),
            ],
        });
        sections.push(Planned {
            id: id("margin"),
            title: title("3 · Confidence"),
            lead: "The best similarity less the second best, for each clip (Figure 4).".into(),
            statements: vec![
                ("Texts".into(), format!("margin clips {scope} where prompt=\"A <> track\"")),
                ("Audio-only labels".into(), format!("margin clips {scope} using prototypes")),
            ],
        });
    }
    let mut heard =
        vec![("After the projection".to_owned(), format!("classify clips {scope} using prototypes space=joint by=class"))];
    if pre_joint {
        heard.push(("Before the projection".into(), format!("classify clips {scope} using prototypes space=pre-joint by=class")));
    }
    sections.push(Planned {
        id: id("prototypes"),
        title: title("5 · Joint against pre-joint"),
        lead: "Class means of audio as labels: what the model hears, without any text. Each tested clip is left out of its own class's mean.".into(),
        statements: heard,
    });
    if !sections.iter().any(|s| s.id.starts_with("prompts")) {
        return Ok(sections);
    }
    sections.push(Planned {
        id: id("beyond"),
        title: title("Beyond the paper"),
        lead: "Retrieval in both directions, the gap between the modalities, and hubs: items that are near everything.".into(),
        statements: vec![
            ("Clips for labels".into(), format!("retrieve clips for labels {scope}")),
            ("Labels for clips".into(), format!("retrieve labels for clips {scope}")),
            ("Modality gap".into(), format!("gap {scope}")),
            ("Hubs".into(), format!("hubness {scope}")),
        ],
    });
    Ok(sections)
}

/// The spread over paraphrases: the usual ones where sets can be read, else those that were imported, if they are several.
fn sensitivity(scope: &str, sweeps: &[(String, String)]) -> Option<(String, String)> {
    let imported = sweeps.iter().find_map(|(_, statement)| statement.split_once(" prompts=(")).map(|(_, list)| list);
    let prompts = match imported {
        Some(list) if !list.contains(", ") => return None,
        Some(list) => format!(" prompts=({list}"),
        None => String::new(),
    };
    Some(("How much hangs on the wording, and what controls do".into(), format!("sensitivity clips {scope}{prompts}")))
}

fn triplets(workspace: &Workspace) -> Result<Planned, Failure> {
    let mut statements = Vec::new();
    for id in workspace.model_ids()? {
        let Some(found) = usable(workspace, &id)? else { continue };
        let reads = found.model.as_ref().is_some_and(|m| m.text.is_some());
        let prompt = crate::prompt::USUAL;
        for stage in [Stage::Joint, Stage::PreJoint] {
            let imported = workspace.imported_prompts(&found, stage)?.iter().any(|p| p == prompt);
            if !reads && !imported {
                continue;
            }
            let model = quoted(&id);
            for convention in ["strict", "released"] {
                let statement = format!(
                    "triplets ontology=hdio labels=tinysol model={model} space={stage} prompt=\"{prompt}\" convention={convention}"
                );
                statements.push((format!("{id}, {stage}, the 14 labels of TinySOL, {convention}"), statement));
            }
            if reads {
                let own = format!("model={model} space={stage} prompt=\"{prompt}\"");
                statements.push((format!("{id}, {stage}, all leaves, strict"), format!("triplets ontology=hdio {own}")));
                let other = format!("triplets ontology=hornbostel-sachs labels=tinysol {own}");
                statements.push((format!("{id}, {stage}, the 14 labels by Hornbostel and Sachs"), other));
            }
        }
    }
    Ok(Planned {
        id: "triplets".into(),
        title: "4 · Does the text space mean anything?".into(),
        lead: "Triplets of an ontology (Figure 5): the anchor is nearer to the positive than to the negative. The paper's published code takes its distance matrix for a similarity, so 67 of its 237 triplets over the labels of TinySOL are inverted against their own definition (and 143,813 of the 434,116 over the whole ontology). `convention=released` repeats it, to compare with the paper; `convention=strict` puts it right. On the authors' own released text embeddings of Music CLAP the accuracy is 0.570 released and 0.722 strict: the text branch is far from chance.".into(),
        statements,
    })
}

fn slug(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}
