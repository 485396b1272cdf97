//! A search graph in flat tables: for each row the rows near it, and sparser layers above to come near fast.
//!
//! ```text
//!   layer 2      rows [17]                table [0 · · ·]                     entry = 17
//!   layer 1      rows [4, 17, 90]         table [2 17 90 ·][2 4 90 ·][1 17 · ·]
//!   layer 0      every row                table [count id id id …] × n
//! ```
//! One line of a table is a fixed number of u32: how many neighbours, then their rows. A table may come from a file, so what it
//! says is never trusted: a count that is too large is no neighbours, and a walk passes over ids that are no rows.

/// Lines of neighbours, somewhere in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines<'a> {
    pub stride: usize,
    pub cells: &'a [u32],
}

impl<'a> Lines<'a> {
    /// The neighbours in line `i`; none where there is no such line.
    #[inline]
    pub fn line(&self, i: usize) -> &'a [u32] {
        let Some(line) = self.cells.get(i * self.stride..(i + 1) * self.stride) else { return &[] };
        line.split_first().and_then(|(&count, ids)| ids.get(..count as usize)).unwrap_or_default()
    }
}

/// Lines that can be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Table {
    pub stride: usize,
    pub cells: Vec<u32>,
}

/// The rows of one upper layer, ascending, and a line for each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Layer {
    pub rows: Vec<u32>,
    pub table: Table,
}

impl Table {
    /// `lines` without neighbours, with room for `most` each.
    pub fn new(lines: usize, most: usize) -> Self {
        Table { stride: most + 1, cells: vec![0; lines * (most + 1)] }
    }

    /// As it is read.
    #[inline]
    pub fn lines(&self) -> Lines<'_> {
        Lines { stride: self.stride, cells: &self.cells }
    }

    /// Adds a neighbour to line `i`; false when it is full or has it already.
    pub fn add(&mut self, i: usize, id: u32) -> bool {
        if self.lines().line(i).contains(&id) {
            return false;
        }
        let Some(line) = self.cells.get_mut(i * self.stride..(i + 1) * self.stride) else { return false };
        let Some((count, ids)) = line.split_first_mut() else { return false };
        match ids.get_mut(*count as usize) {
            Some(free) => {
                *free = id;
                *count += 1;
                true
            }
            None => false,
        }
    }

    /// Puts `ids` into line `i` in place of what is there, as many as fit.
    pub fn set(&mut self, i: usize, ids: &[u32]) {
        let Some(line) = self.cells.get_mut(i * self.stride..(i + 1) * self.stride) else { return };
        let Some((count, places)) = line.split_first_mut() else { return };
        *count = ids.len().min(places.len()) as u32;
        places.fill(0);
        places.iter_mut().zip(ids).for_each(|(place, &id)| *place = id);
    }
}

impl Layer {
    /// The neighbours of a row in this layer.
    #[inline]
    pub fn neighbours(&self, row: u32) -> &[u32] {
        self.rows.binary_search(&row).map_or(&[], |line| self.table.lines().line(line))
    }
}

/// A graph as a walk reads it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Graph<'a> {
    pub entry: u32,
    pub base: Lines<'a>,
    /// Layer 1 first.
    pub upper: &'a [Layer],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_take_what_fits() {
        let mut table = Table::new(2, 2);
        assert!(table.add(1, 7) && !table.add(1, 7) && table.add(1, 8) && !table.add(1, 9) && !table.add(2, 1));
        let lines = table.lines();
        assert_eq!((lines.line(0), lines.line(1), lines.line(2)), (&[][..], &[7, 8][..], &[][..]));
        table.set(0, &[5, 6, 7]);
        table.set(1, &[3]);
        assert_eq!(table.cells, [2, 5, 6, 1, 3, 0]);
        table.cells[0] = 3;
        assert!(table.lines().line(0).is_empty(), "a count that is too large is no neighbours");
    }
}
