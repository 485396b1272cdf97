//! Panels: the codes of 16 rows side by side, for the products of many queries with many rows.
//!
//! ```text
//!   line g of a panel, 64 bytes:   row 0: 4 bytes   row 1: 4 bytes   …   row 15: 4 bytes
//!   a query:                       group 0: 4 bytes   group 1: 4 bytes   …
//! ```
//! The four bytes are four codes of a byte where one instruction multiplies such (VNNI), else two of 16 bits each: AVX2 takes
//! as many of those at once, and they round less.

use super::{Level, portable};

#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Rows that lie side by side in a panel.
pub const PANEL: usize = 16;
/// Queries that one pass over a panel serves.
pub const QUERIES: usize = 8;
/// Bytes of a row in a line, and of a group of a query.
pub const GROUP: usize = 4;

/// What stands in panels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codes {
    /// Rows as `u8`, queries as `i8`.
    Bytes,
    /// Both as `i16`. No product of a query with the beginning of a row may leave an `i32`, nor may −32768 be among them.
    Words,
}

/// What panels hold on this processor.
#[inline]
pub fn panel_codes() -> Codes {
    codes_at(Level::detect())
}

pub(super) fn codes_at(level: Level) -> Codes {
    if level == Level::Avx512Vnni { Codes::Bytes } else { Codes::Words }
}

/// Puts the codes of a row, whole groups, into place `at`, one of 16.
#[inline]
pub fn place(codes: &[u8], at: usize, panel: &mut [u8]) {
    let places = panel.as_chunks_mut::<GROUP>().0.iter_mut().skip(at).step_by(PANEL);
    codes.as_chunks::<GROUP>().0.iter().zip(places).for_each(|(group, place)| *place = *group);
}

/// Products of [`QUERIES`] queries with one panel, as many groups each: `sums[q]` becomes the 16 sums of query `q`. Queries that
/// do not fit the panel give zeros.
#[inline]
pub fn panel(queries: &[u8], panel: &[u8], sums: &mut [[i32; PANEL]; QUERIES]) {
    panel_at(Level::detect(), queries, panel, sums);
}

#[inline]
pub(super) fn panel_at(level: Level, queries: &[u8], panel: &[u8], sums: &mut [[i32; PANEL]; QUERIES]) {
    let groups = panel.len() / PANEL / GROUP;
    if groups == 0 || queries.len() != groups * GROUP * QUERIES || panel.len() != groups * GROUP * PANEL {
        *sums = [[0; PANEL]; QUERIES];
        return;
    }
    match level {
        // SAFETY: this processor has the level; the panel has `groups` lines and there are 8 queries, all of `groups` groups.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 => unsafe { avx2::panel(queries, panel, groups, sums) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512Vnni => unsafe { avx512::panel_vnni(queries, panel, groups, sums) },
        _ => portable::panel(queries, panel, groups, sums),
    }
}
