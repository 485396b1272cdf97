//! What is known of clips that can have several labels, or captions.
//!
//! ```text
//!   labels   absent        violin  flute  tuba
//!   violin   —             yes     no     no        without `absent`, `labels` is complete
//!   flute    violin        no      yes    unknown   with it, what stands in neither list is unknown
//! ```
//!
//! Source: the partial labels of OpenMIC-2018 (Humphrey, Durand, McFee, ISMIR 2018).

use crate::store::Item;
use crate::value::Value;
use crate::verb::truth::distinct;

/// The classes that each clip has and has not, by number, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Several {
    present: Vec<Vec<usize>>,
    /// None where everything else is absent.
    absent: Vec<Option<Vec<usize>>>,
}

/// The classes of clips as bits.
pub struct Sharing {
    /// Words a clip.
    words: usize,
    has: Vec<u64>,
    /// What a clip has, or may have for all that is known.
    may: Vec<u64>,
}

impl Sharing {
    /// Whether two clips have a class in common; none where it is not known.
    pub fn known(&self, a: usize, b: usize) -> Option<bool> {
        let of = |bits: &'_ [u64], clip: usize, word: usize| bits.get(clip * self.words + word).copied().unwrap_or(0);
        let meet = |bits: &[u64]| (0..self.words).any(|word| of(bits, a, word) & of(bits, b, word) != 0);
        match (meet(&self.has), meet(&self.may)) {
            (true, _) => Some(true),
            (false, true) => None,
            (false, false) => Some(false),
        }
    }
}

impl Several {
    /// Reads the lists `field` and, if asked for, `absent` of the items; the classes are their distinct members, sorted.
    pub fn read(items: &[&Item], field: &str, partial: bool) -> (Vec<String>, Several) {
        let members = |item: &Item, field: &str| -> Option<Vec<String>> {
            let value = item.metadata.get(field).filter(|value| !value.is_null())?;
            Some(value.members().iter().map(Value::to_string).collect())
        };
        let present: Vec<Vec<String>> = items.iter().map(|item| members(item, field).unwrap_or_default()).collect();
        let absent: Vec<Option<Vec<String>>> =
            items.iter().map(|item| if partial { members(item, "absent") } else { None }).collect();
        let classes = distinct(present.iter().flatten().chain(absent.iter().flatten().flatten()));
        let numbers = |names: &Vec<String>| -> Vec<usize> {
            let mut numbers: Vec<usize> = names.iter().filter_map(|name| classes.binary_search(name).ok()).collect();
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        };
        let several = Several {
            present: present.iter().map(numbers).collect(),
            absent: absent.iter().map(|names| names.as_ref().map(numbers)).collect(),
        };
        (classes, several)
    }

    /// Whether a clip has a class; none where it is not known. Where both lists name it, it is there.
    pub fn known(&self, clip: usize, class: usize) -> Option<bool> {
        if self.has(clip, class) {
            return Some(true);
        }
        match self.absent.get(clip) {
            Some(Some(absent)) => absent.binary_search(&class).is_ok().then_some(false),
            _ => Some(false),
        }
    }

    /// Whether a clip is known to have a class.
    pub fn has(&self, clip: usize, class: usize) -> bool {
        self.present.get(clip).is_some_and(|present| present.binary_search(&class).is_ok())
    }

    /// The classes that a clip has.
    pub fn present(&self, clip: usize) -> &[usize] {
        self.present.get(clip).map_or(&[], Vec::as_slice)
    }

    /// What each clip has of `classes` classes, to hold each clip against each.
    pub fn sharing(&self, classes: usize) -> Sharing {
        let words = classes.div_ceil(64).max(1);
        let mut sharing = Sharing { words, has: vec![0; words * self.present.len()], may: vec![0; words * self.present.len()] };
        for clip in 0..self.present.len() {
            for class in 0..classes {
                let (at, bit, known) = (clip * words + class / 64, 1 << (class % 64), self.known(clip, class));
                sharing.has[at] |= if known == Some(true) { bit } else { 0 };
                sharing.may[at] |= if known == Some(false) { 0 } else { bit };
            }
        }
        sharing
    }

    /// Pairs of a clip and one of `classes` classes of which it is not known whether it is there.
    pub fn unknown(&self, classes: usize) -> usize {
        let of = |clip: usize| (0..classes).filter(|&class| self.known(clip, class).is_none()).count();
        (0..self.present.len()).filter(|&clip| matches!(self.absent.get(clip), Some(Some(_)))).map(of).sum()
    }

    /// Labels a clip, on average.
    pub fn mean(&self) -> f64 {
        self.present.iter().map(Vec::len).sum::<usize>() as f64 / self.present.len() as f64
    }
}
