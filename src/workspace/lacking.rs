//! Clips without a vector in the space that a statement is about: they take no part, and the result says so.

use super::sift::{Source, nothing_passes};
use super::{Error, Workspace, holds_windows};
use crate::diagnostic::Diagnostic;
use crate::progress::Progress;
use crate::query::Predicate;
use crate::store::{Collection, SpaceInfo};

impl Workspace {
    /// How many clips pass `filter` and have no vector in the space; `there` are those that pass and have one.
    ///
    /// # Errors
    /// When the store can't be read, or the user cancels.
    pub(super) fn lacking(
        &self,
        collection: &Collection,
        info: &SpaceInfo,
        filter: Option<&Predicate>,
        there: usize,
        progress: &dyn Progress,
    ) -> Result<u64, Error> {
        let all = in_all(collection, info)?;
        let (true, Some(filter)) = (all > 0, filter) else { return Ok(all) };
        let source = Source { collection, modality: info.key.space.modality, space: None };
        let mut passing = 0u64;
        progress.begin("counting items without vectors", Some(info.rows + all));
        let read = source.each(Some(filter), progress, &mut |_| passing += 1);
        progress.end();
        read?;
        Ok(passing.saturating_sub(there as u64))
    }

    /// Counts them and leaves word of them.
    ///
    /// # Errors
    /// As [`Workspace::lacking`].
    pub(super) fn note_lacking(
        &self,
        collection: &Collection,
        info: &SpaceInfo,
        filter: Option<&Predicate>,
        there: usize,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let lacking = self.lacking(collection, info, filter, there, progress)?;
        self.say_lacking(collection, info, lacking);
        Ok(())
    }

    /// Leaves word of so many clips without a vector in the space.
    pub(super) fn say_lacking(&self, collection: &Collection, info: &SpaceInfo, lacking: u64) {
        if lacking > 0 {
            let what = if holds_windows(collection.name()) { "window" } else { "clip" };
            let (s, have, were) = if lacking == 1 { ("", "has", "was") } else { ("s", "have", "were") };
            let space = &info.key.space;
            self.say(format!("{lacking} {what}{s} {have} no vectors in `{space}` and {were} left out"));
        }
    }
}

/// How many items of the space's modality have no vector in it.
pub(super) fn in_all(collection: &Collection, info: &SpaceInfo) -> Result<u64, Error> {
    Ok(collection.len(info.key.space.modality)?.saturating_sub(info.rows))
}

/// The refusal of a filter that none of the clips with vectors passes; those without may.
pub(super) fn none_with_vectors(collection: &Collection, info: &SpaceInfo, filter: &Predicate) -> Diagnostic {
    let fault = nothing_passes(collection.name(), usize::try_from(info.rows).unwrap_or(usize::MAX), filter);
    match in_all(collection, info) {
        Ok(lacking) if lacking > 0 => fault.hint(format!("{lacking} more have no vectors in `{}`", info.key.space)),
        _ => fault,
    }
}

#[cfg(test)]
mod tests {
    use crate::embedding::{Modality, Space, Stage};
    use crate::progress::Silent;
    use crate::query::Predicate;
    use crate::query::predicate::equals;
    use crate::store::{NewItem, SpaceKey, Store};
    use crate::workspace::Workspace;

    /// Six clips: `c0` to `c3` of fold 0, `c4` and `c5` of fold 1; the last three have no vector after the projection.
    fn workspace() -> (Workspace, [SpaceKey; 2]) {
        let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
        let keys = [Stage::Joint, Stage::PreJoint].map(|stage| SpaceKey::new(Space::new("m", Modality::Audio, stage), "hash"));
        let clip = |i: u8| {
            let has = keys.iter().filter(|key| i < 3 || key.space.stage != Stage::Joint);
            NewItem {
                metadata: [("fold".to_owned(), i64::from(i / 4).into())].into(),
                vectors: has.map(|key| (key.clone(), vec![1.0, f32::from(i)])).collect(),
                ..NewItem::new(format!("c{i}"), Modality::Audio)
            }
        };
        workspace.store().create("c").unwrap().commit((0..6).map(clip).collect()).unwrap();
        (workspace, keys)
    }

    #[test]
    fn clips_without_vectors_are_counted_whoever_reads_them() {
        let (workspace, [joint, pre_joint]) = workspace();
        let collection = workspace.store().collection("c").unwrap().unwrap();
        let said = |key: &SpaceKey, filter: Option<&Predicate>| {
            let info = collection.space(key).unwrap().unwrap();
            let clips = workspace.clips(&collection, &info, filter, &Silent).map(|clips| clips.len());
            let said = workspace.said();
            let _ = workspace.among(&collection, &info, filter, &Silent);
            assert_eq!(workspace.said(), said);
            let _ = workspace.clips_in_blocks(&collection, &info, filter, &Silent);
            assert_eq!(workspace.said(), said);
            (clips.map_err(|fault| fault.to_string()), said.join("; "))
        };
        let left_out = |n: &str| format!("{n} no vectors in `m joint (audio)` and");
        assert_eq!(said(&joint, None), (Ok(3), format!("{} were left out", left_out("3 clips have"))));
        let fold = |n: i64| equals("fold", n);
        assert_eq!(said(&joint, Some(&fold(0))), (Ok(3), format!("{} was left out", left_out("1 clip has"))));
        let ids = Predicate::Or(vec![equals("id", "c1"), equals("id", "c5")]);
        assert_eq!(said(&joint, Some(&ids)), (Ok(1), format!("{} was left out", left_out("1 clip has"))));
        assert_eq!(said(&joint, Some(&equals("id", "c1"))), (Ok(1), String::new()));
        assert_eq!(said(&pre_joint, None), (Ok(6), String::new()));
        let (none, _) = said(&joint, Some(&fold(1)));
        assert!(none.unwrap_err().starts_with("none of the 3 clips of `c`"));
        let info = collection.space(&joint).unwrap().unwrap();
        let fault = super::none_with_vectors(&collection, &info, &fold(1));
        assert!(fault.hints.iter().any(|hint| hint == "3 more have no vectors in `m joint (audio)`"), "{fault:?}");
    }
}
