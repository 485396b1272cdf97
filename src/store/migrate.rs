//! From older formats to the present one, step by step.
//!
//! ```text
//!   format in `F` ─ the step from it ─ the next format in `F` ─ … ─ the present one
//! ```
//! A step is run when a store of its format is opened. It may write in as many batches as it needs; the number of the format
//! goes up in a batch of its own, after them. So a step that was killed is run again, from its beginning: what it has done must
//! not hinder it. Opening a store of the present format costs nothing.
//!
//! To draw a new format: change `layout` and its `FORMAT`, add the step from the old one to [`STEPS`], write the fixture of the
//! new one beside the old ones (`tests/store/fixture.rs`), which must all open forever.

use super::error::Error;
use super::key_value::{Batch, KeyValue};
use super::layout::{self, key};

/// Brings a store of one format to the next.
pub(super) struct Step {
    /// The format that it begins with.
    pub from: u32,
    pub run: fn(&dyn KeyValue) -> Result<(), Error>,
}

/// In order of formats; the last one leads to the present one.
pub(super) const STEPS: &[Step] = &[
    // Blocks of f16 and the table T came; what was there stays as it is.
    Step { from: 1, run: |_| Ok(()) },
];

/// Runs the steps from format `found` to format `wanted`.
///
/// # Errors
/// [`Error::Damaged`] when there is no step from a format, which none was ever of; those of the steps and the byte store.
pub(super) fn migrate(kv: &dyn KeyValue, found: u32, wanted: u32, steps: &[Step]) -> Result<(), Error> {
    for format in found..wanted {
        let step = steps.iter().find(|step| step.from == format);
        let step = step.ok_or_else(|| Error::damaged(format!("it says that it has format {format}, which there never was")))?;
        (step.run)(kv)?;
        kv.flush()?;
        let mut batch = Batch::default();
        batch.put(key::FORMAT.to_vec(), layout::encode(&(format + 1), "the format")?);
        kv.put_batch(batch)?;
        kv.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::fault::Faulty;
    use super::super::memory::Memory;
    use super::*;

    /// Puts a letter behind each value of table R: run twice it would put two, so it looks first.
    fn mark(kv: &dyn KeyValue, letter: u8) -> Result<(), Error> {
        for entry in kv.scan_prefix(b"R") {
            let (key, mut value) = entry?;
            if value.last() != Some(&letter) {
                value.push(letter);
                let mut batch = Batch::default();
                batch.put(key, value);
                kv.put_batch(batch)?;
            }
        }
        Ok(())
    }

    const MADE_UP: &[Step] = &[Step { from: 1, run: |kv| mark(kv, b'b') }, Step { from: 2, run: |kv| mark(kv, b'c') }];

    fn old() -> Arc<Memory> {
        let kv = Arc::new(Memory::default());
        let mut batch = Batch::default();
        batch.put(key::FORMAT.to_vec(), layout::encode(&1u32, "the format").unwrap());
        (0..5).for_each(|i| batch.put(vec![b'R', i], vec![b'a']));
        kv.put_batch(batch).unwrap();
        kv
    }

    fn format(kv: &Memory) -> u32 {
        layout::decode(&kv.get(key::FORMAT).unwrap().unwrap(), String::new).unwrap()
    }

    #[test]
    fn steps_are_run_in_order_and_again_where_they_failed() {
        for fails_from in 1.. {
            let kv = old();
            let done = migrate(&Faulty::new(kv.clone(), fails_from), 1, 3, MADE_UP);
            assert!(done.is_err() || format(&kv) == 3);
            migrate(&*kv, format(&kv), 3, MADE_UP).unwrap();
            assert_eq!(format(&kv), 3);
            assert!(kv.scan_prefix(b"R").all(|entry| entry.unwrap().1 == b"abc"), "call {fails_from}");
            if done.is_ok() {
                return;
            }
        }
    }

    #[test]
    fn a_format_that_never_was_is_damage() {
        let error = migrate(&*old(), 0, 3, MADE_UP).unwrap_err();
        assert_eq!(error.to_string(), "the store is damaged: it says that it has format 0, which there never was");
    }

    #[test]
    fn there_is_a_step_from_each_format() {
        assert_eq!(STEPS.iter().map(|step| step.from).collect::<Vec<_>>(), (1..layout::FORMAT).collect::<Vec<_>>());
    }
}
