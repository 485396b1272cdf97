//! A search graph in flat tables: for each row the rows near it, and sparser layers above to come near fast.
//!
//! ```text
//!   layer 2      rows [17]                table [0 · · ·]                     entry = 17
//!   layer 1      rows [4, 17, 90]         table [2 17 90 ·][2 4 90 ·][1 17 · ·]
//!   layer 0      every row                table [count id id id …] × n
//! ```
//! One line of a table is a fixed number of u32: how many neighbours, then their rows. A graph that exists is sound: every id
//! is a row, every count fits its line ([`Graph::fault`] is asked when bytes come from a file). So no search can leave a table.

/// Which rows are near which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// Names the rows that it was made from.
    pub identity: [u8; 32],
    pub(super) dim: u32,
    /// Most neighbours in an upper layer; twice as many in layer 0.
    pub(super) links: u32,
    pub(super) build_beam: u32,
    /// Rows that do not find themselves even after the audit.
    pub(super) lost: u32,
    pub(super) entry: u32,
    pub(super) base: Table,
    /// Layer 1 first.
    pub(super) upper: Vec<Layer>,
}

/// Lines of neighbours.
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

    /// The neighbours in line `i`; none where there is no such line.
    #[inline]
    pub fn line(&self, i: usize) -> &[u32] {
        let Some(line) = self.cells.get(i * self.stride..(i + 1) * self.stride) else { return &[] };
        line.split_first().and_then(|(&count, ids)| ids.get(..count as usize)).unwrap_or_default()
    }

    /// Adds a neighbour to line `i`; false when it is full or has it already.
    pub fn add(&mut self, i: usize, id: u32) -> bool {
        if self.line(i).contains(&id) {
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

    fn fault(&self, lines: usize, n: usize) -> Option<&'static str> {
        if self.stride == 0 || self.cells.len() != lines * self.stride {
            return Some("a table is of another size than its rows");
        }
        for line in self.cells.chunks_exact(self.stride) {
            match line.split_first().and_then(|(&count, ids)| ids.get(..count as usize)) {
                None => return Some("a line is longer than its table"),
                Some(ids) if ids.iter().any(|&id| id as usize >= n) => return Some("a neighbour is no row"),
                Some(_) => {}
            }
        }
        None
    }
}

impl Layer {
    /// The neighbours of a row in this layer.
    #[inline]
    pub fn neighbours(&self, row: u32) -> &[u32] {
        self.rows.binary_search(&row).map_or(&[], |line| self.table.line(line))
    }
}

impl Graph {
    /// Number of rows that it was made from.
    pub fn len(&self) -> usize {
        self.base.cells.len() / self.base.stride.max(1)
    }

    /// True when it was made from no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Numbers in a row.
    pub fn dim(&self) -> usize {
        self.dim as usize
    }

    /// Rows that do not find themselves when searched for; 0 in a good graph.
    pub fn lost(&self) -> usize {
        self.lost as usize
    }

    /// Most neighbours of a row in the upper layers, and how many candidates were looked at for each.
    pub fn parameters(&self) -> (usize, usize) {
        (self.links as usize, self.build_beam as usize)
    }

    /// Memory of the tables, in bytes.
    pub fn bytes(&self) -> usize {
        4 * (self.base.cells.len() + self.upper.iter().map(|layer| layer.rows.len() + layer.table.cells.len()).sum::<usize>())
    }

    /// What is wrong with it, if anything is.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let n = self.len();
        if n > 0 && self.entry as usize >= n {
            return Some("the entry is no row");
        }
        for layer in &self.upper {
            let rising = layer.rows.windows(2).all(|pair| pair[0] < pair[1]);
            if !rising || layer.rows.last().is_some_and(|&last| last as usize >= n) {
                return Some("the rows of a layer are not in order");
            }
            if let Some(fault) = layer.table.fault(layer.rows.len(), n) {
                return Some(fault);
            }
        }
        self.base.fault(n, n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_take_what_fits() {
        let mut table = Table::new(2, 2);
        assert!(table.add(1, 7) && !table.add(1, 7) && table.add(1, 8) && !table.add(1, 9) && !table.add(2, 1));
        assert_eq!((table.line(0), table.line(1), table.line(2)), (&[][..], &[7, 8][..], &[][..]));
        assert_eq!(table.fault(2, 9), None);
        assert!(table.fault(2, 8).is_some() && table.fault(3, 9).is_some());
        table.cells[0] = 3;
        assert!(table.fault(2, 9).is_some() && table.line(0).is_empty());
    }
}
