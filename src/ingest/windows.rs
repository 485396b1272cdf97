//! Windows that are kept: each with its vectors and its place, in the collection beside that of the clips.
//!
//! ```text
//!   clip ─ windows ─ audio tower ─┬─ pooled: the clip's own vectors, field `windows` says how many there were
//!                                 └─ `clip#0`, `clip#1`, …  with track, start_s, end_s
//! ```
//! A clip's windows are stored before the clip is: whatever happens between, the clip is embedded again and nothing is doubled.

use super::Error;
use crate::embedding::Modality;
use crate::encoder::{Heard, TowerOutput};
use crate::store::{Collection, Item, NewItem, SpaceKey, Storage};
use crate::value::{Fields, Value};
use crate::workspace::{SPAN, TRACK, Workspace, holds_windows, windows_name};

pub use crate::audio::window::Aggregate as Pool;

/// Windows in one commit.
const CHUNK: usize = 1_000;
/// The field of a clip that says how many windows it has.
pub(super) const COUNT: &str = "windows";
/// The field of a clip that says how its windows became one vector, where that was not the model's own way.
pub(super) const POOL: &str = "pool";

/// What is kept of a clip of several windows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keep {
    /// Each window's vectors too. A collection whose windows were kept once keeps them from then on.
    pub windows: bool,
    /// How windows become the clip's vector; by default as in the collection before, else as the model says.
    pub pool: Option<Pool>,
    /// What the numbers of vectors are kept as; by default as in the collection before, else f32.
    pub storage: Option<Storage>,
}

/// Where windows go, and how they are pooled.
pub(super) struct Kept {
    pub windows: Option<Collection>,
    /// None for the model's own way.
    pub pool: Option<Pool>,
    pub storage: Storage,
}

impl Kept {
    /// What `keep` means for a collection: what it was filled with before goes on.
    ///
    /// # Errors
    /// When it was pooled in another way, is itself one of windows, or the store fails.
    pub fn of(workspace: &Workspace, collection: &Collection, model: Pool, keep: Keep) -> Result<Kept, Error> {
        let name = collection.name();
        if holds_windows(name) {
            return Err(Error::Refused(format!(
                "`{name}` is a name for the windows of another collection: expected one without `.windows`"
            )));
        }
        let storage = collection.storage()?;
        let windows = match keep.windows {
            true => Some(workspace.store().open_or_create_as(&windows_name(name), Some(storage))?),
            false => workspace.windows_of(name)?,
        };
        let before = pooled_by(collection, model)?;
        match (before, keep.pool) {
            (Some(before), Some(asked)) if before != asked => Err(Error::Refused(format!(
                "the clips of `{name}` were pooled by `{}`: expected `--pool {0}`, or another collection",
                before.name()
            ))),
            (before, asked) => Ok(Kept { windows, pool: asked.or(before).filter(|pool| *pool != model), storage }),
        }
    }
}

/// How the clips that are there were pooled; none without embedded clips.
fn pooled_by(collection: &Collection, model: Pool) -> Result<Option<Pool>, Error> {
    for item in collection.items() {
        let item = item?;
        if item.modality == Modality::Audio && item.metadata.contains_key("duration_s") {
            let said = item.metadata.get(POOL).and_then(Value::as_text);
            return Ok(Some(said.and_then(Pool::parse).unwrap_or(model)));
        }
    }
    Ok(None)
}

/// The id of a clip's window.
pub(super) fn id(track: &str, number: usize) -> String {
    format!("{track}#{number}")
}

/// How many windows a stored clip has.
pub(super) fn count(item: &Item) -> Option<usize> {
    match item.metadata.get(COUNT) {
        Some(Value::Int(n)) => usize::try_from(*n).ok(),
        _ => None,
    }
}

/// The windows of a clip as items of their own; `keys` are those of both stages.
pub(super) fn items(track: &NewItem, heard: &Heard, [pre_joint, joint]: [&SpaceKey; 2], storage: Storage) -> Vec<NewItem> {
    let TowerOutput { pre_joint: pre_rows, joint: rows } = &heard.windows;
    let window = |(number, span): (usize, &crate::encoder::WindowSpan)| {
        let mut metadata = of_clip(&track.metadata);
        metadata.insert(TRACK.into(), track.id.as_str().into());
        metadata.extend(SPAN.into_iter().map(str::to_owned).zip([span.start_s.into(), span.end_s.into()]));
        let vectors = vec![(pre_joint.clone(), pre_rows.row(number).to_vec()), (joint.clone(), rows.row(number).to_vec())];
        NewItem {
            content_hash: track.content_hash.clone(),
            metadata,
            vectors,
            ..NewItem::new(id(&track.id, number), Modality::Audio)
        }
    };
    // A silent window may have no direction, or one that is too short to be kept; the others have.
    let direction = |vector: &[f32]| {
        vector.iter().all(|x| x.is_finite()) && vector.iter().any(|&x| x != 0.0) && storage.keeps(vector).is_ok()
    };
    let sound = |item: &NewItem| item.vectors.iter().all(|(_, vector)| direction(vector));
    if !track.vectors.iter().all(|(_, vector)| direction(vector)) {
        return Vec::new();
    }
    heard.spans.iter().enumerate().map(window).filter(sound).collect()
}

/// Those fields of a clip that its windows have too: not what is said of the clip as a whole, and not where a window lies.
fn of_clip(fields: &Fields) -> Fields {
    let own = [COUNT, POOL, "duration_s", TRACK].into_iter().chain(SPAN).collect::<Vec<_>>();
    fields.iter().filter(|(name, _)| !own.contains(&name.as_str())).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// New fields of a clip, for those of its windows that are there: a silent one may never have been stored.
pub(super) fn relabelled(windows: &Collection, clip: &Item, fields: &Fields) -> Result<Vec<NewItem>, Error> {
    let (metadata, mut items) = (of_clip(fields), Vec::new());
    for number in 0..count(clip).unwrap_or(0) {
        let id = id(&clip.id, number);
        if windows.item_by_id(Modality::Audio, &id)?.is_some() {
            items.push(NewItem { metadata: metadata.clone(), ..NewItem::new(id, Modality::Audio) });
        }
    }
    Ok(items)
}

/// Stores windows, and removes those whose clip has fewer now.
pub(super) fn store(windows: &Collection, items: Vec<NewItem>, gone: &[String]) -> Result<(), Error> {
    let mut items = items.into_iter();
    loop {
        let chunk: Vec<NewItem> = items.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            break;
        }
        windows.commit(chunk)?;
    }
    Ok(windows.remove(Modality::Audio, gone)?)
}
