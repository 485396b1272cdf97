//! The file of a graph.
//!
//! ```text
//!   0    magic        "dyadhnsw"
//!   8    version      1
//!   12   dim  links  build_beam  lost  entry  layers
//!   36   identity     32 bytes
//!   68   table        lines, stride, then lines × stride cells          layer 0
//!   ..   layer        its rows: lines values; then its table            × layers, from layer 1 up
//!   end  checksum     32 bytes: blake3 of all before
//! ```
//! Numbers are u32, little-endian; in a layer the table's two numbers come before the rows. The file is written beside its
//! place and moved there, so a reader sees the old one or the new one.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::Error;
use super::graph::{Graph, Layer, Table};

const MAGIC: &[u8; 8] = b"dyadhnsw";
const VERSION: u32 = 1;
const CHECKSUM: usize = 32;
/// More layers than any graph of 2³² rows has.
const MOST_LAYERS: u32 = 32;

impl Graph {
    /// Writes the graph to `path`, in place of what is there.
    ///
    /// # Errors
    /// [`Error::Io`]; then what was there is there still.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let bytes = self.to_bytes();
        let beside = path.with_extension(format!("{}.tmp", std::process::id()));
        let write = || {
            let mut file = fs::File::create(&beside)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&beside, path)
        };
        write().map_err(|source| {
            let _ = fs::remove_file(&beside);
            Error::Io { doing: "write", path: path.to_owned(), source }
        })
    }

    /// Reads the graph of the rows that `identity` names; `None` when there is no file.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Damaged`], [`Error::Foreign`], [`Error::Io`].
    pub fn load(path: &Path, identity: &[u8; 32]) -> Result<Option<Graph>, Error> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Io { doing: "read", path: path.to_owned(), source }),
        };
        if bytes.get(..12) != Some(&[&MAGIC[..], &VERSION.to_le_bytes()].concat()) {
            return Err(Error::Foreign { path: path.to_owned(), supported: VERSION });
        }
        let graph = Graph::from_bytes(&bytes).map_err(|what| Error::Damaged { path: path.to_owned(), what: what.to_owned() })?;
        if graph.identity != *identity {
            return Err(Error::Stale { path: path.to_owned() });
        }
        Ok(Some(graph))
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bytes() + 1024);
        bytes.extend_from_slice(MAGIC);
        let put = |bytes: &mut Vec<u8>, values: &[u32]| bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let size = |table: &Table| [(table.cells.len() / table.stride.max(1)) as u32, table.stride as u32];
        put(&mut bytes, &[VERSION, self.dim, self.links, self.build_beam, self.lost, self.entry, self.upper.len() as u32]);
        bytes.extend_from_slice(&self.identity);
        put(&mut bytes, &size(&self.base));
        put(&mut bytes, &self.base.cells);
        for layer in &self.upper {
            put(&mut bytes, &size(&layer.table));
            put(&mut bytes, &layer.rows);
            put(&mut bytes, &layer.table.cells);
        }
        let sum = blake3::hash(&bytes);
        bytes.extend_from_slice(sum.as_bytes());
        bytes
    }

    /// Reads what [`Graph::to_bytes`] wrote. Any other bytes, with a right checksum too, give an error or a sound graph.
    fn from_bytes(bytes: &[u8]) -> Result<Graph, &'static str> {
        let end = bytes.len().checked_sub(CHECKSUM).ok_or("it is cut")?;
        let (content, sum) = bytes.split_at(end);
        if blake3::hash(content).as_bytes() != sum {
            return Err("its checksum is wrong");
        }
        let mut reader = Reader(content.get(12..).ok_or("it is cut")?);
        let [dim, links, build_beam, lost, entry, layers] = reader.numbers()?;
        let mut identity = [0; 32];
        identity.copy_from_slice(reader.take(32)?);
        let [lines, stride] = reader.numbers()?;
        let base = reader.table(lines, stride)?;
        if layers > MOST_LAYERS {
            return Err("it has too many layers");
        }
        let mut upper = Vec::new();
        for _ in 0..layers {
            let [lines, stride] = reader.numbers()?;
            upper.push(Layer { rows: reader.values(lines as usize)?, table: reader.table(lines, stride)? });
        }
        if !reader.0.is_empty() {
            return Err("it is too long");
        }
        let graph = Graph { identity, dim, links, build_beam, lost, entry, base, upper };
        graph.fault().map_or(Ok(graph), Err)
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], &'static str> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or("it is cut")?;
        self.0 = rest;
        Ok(taken)
    }

    /// Allocates only what the bytes that are there fill.
    fn values(&mut self, count: usize) -> Result<Vec<u32>, &'static str> {
        let bytes = self.take(count.checked_mul(4).ok_or("it is cut")?)?;
        Ok(bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }

    fn numbers<const N: usize>(&mut self) -> Result<[u32; N], &'static str> {
        self.values(N)?.try_into().map_err(|_| "it is cut")
    }

    fn table(&mut self, lines: u32, stride: u32) -> Result<Table, &'static str> {
        let (lines, stride) = (lines as usize, stride as usize);
        Ok(Table { stride, cells: self.values(lines.checked_mul(stride).ok_or("it is cut")?)? })
    }
}
