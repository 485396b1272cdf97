//! safetensors: a JSON header of tensors, then their bytes.
//!
//! ```text
//!   0   length   u64 of the header
//!   8   header   {"vector":{"dtype":"F32","shape":[3,128],"data_offsets":[0,1536]}}, padded with spaces to a multiple of 8
//!   ..  tensors
//! ```
//! Read: two-dimensional tensors of `F16`, `BF16`, `F32` or `F64`. Written: `F32`. Text has no place in it: ids and fields go
//! into a JSONL file beside it. Source: the crate `safetensors`, which reads the header; the tensors are streamed.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use safetensors::tensor::{Dtype, Metadata};

use super::columns::Sheet;
use super::grid::{Float, Grid, Place};
use super::npy::Rows;
use super::{Ask, Error, Reader, Row, Sink, VECTOR, Writer};

/// The format's own limit.
const LONGEST_HEADER: u64 = 100_000_000;

struct Tensor {
    grid: Grid,
    left_out: Vec<String>,
}

pub(super) fn open(path: &Path, ask: &Ask) -> Result<Box<dyn Reader>, Error> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|_| Error::wrong("it is not a safetensors file: it has no header"))?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST_HEADER || length.saturating_add(8) > size {
        let reason = format!("its header claims to be {length} bytes long and the file has {size}");
        return Err(Error::wrong(format!("it is not a safetensors file, or cut short: {reason}")));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header)?;
    let metadata: Metadata = serde_json::from_slice(&header)
        .map_err(|e| Error::wrong(format!("it is not a safetensors file: its header is wrong ({e})")))?;
    let mut tensors: Vec<_> = metadata.tensors().into_iter().collect();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    let able: Vec<&str> =
        tensors.iter().filter(|(_, t)| t.shape.len() == 2 && float(t.dtype).is_some()).map(|(n, _)| n.as_str()).collect();
    let name = ask.vectors_of("two-dimensional tensor", &able)?;
    let found = tensors.iter().find(|(n, _)| n == name).and_then(|(_, t)| Some((t, float(t.dtype)?)));
    let (Some((tensor, float)), start) = (found, 8 + length) else { return Err(Error::wrong("it has no tensor of vectors")) };
    let [rows, dim] = tensor.shape[..] else { return Err(Error::wrong("it has no two-dimensional tensor")) };
    if rows == 0 || dim == 0 {
        return Err(Error::wrong(format!("it holds no vectors: the shape of `{name}` is ({rows}, {dim})")));
    }
    let (from, to) = tensor.data_offsets;
    if Some(to.saturating_sub(from)) != rows.checked_mul(dim).and_then(|numbers| numbers.checked_mul(float.bytes())) {
        return Err(Error::wrong(format!(
            "its header gives `{name}` {} bytes for {rows} × {dim} numbers",
            to.saturating_sub(from)
        )));
    }
    if start.saturating_add(to as u64) > size {
        return Err(Error::wrong(format!(
            "it is cut short: `{name}` ends at byte {} of {size}",
            start.saturating_add(to as u64)
        )));
    }
    file.seek(SeekFrom::Start(start + from as u64))?;
    let place = Place::Rows(Box::new(BufReader::with_capacity(1 << 20, file.take((to - from) as u64))));
    let left_out = tensors.iter().filter(|(n, _)| n != name).map(|(n, _)| format!("the tensor `{n}`")).collect();
    let grid = Grid { rows: rows as u64, dim, float, big_endian: false, place, done: 0 };
    Ok(Box::new(Tensor { grid, left_out }))
}

fn float(dtype: Dtype) -> Option<Float> {
    Some(match dtype {
        Dtype::F16 => Float::F16,
        Dtype::BF16 => Float::Bf16,
        Dtype::F32 => Float::F32,
        Dtype::F64 => Float::F64,
        _ => return None,
    })
}

impl Reader for Tensor {
    fn read(&mut self, most: usize) -> Result<Vec<Row>, Error> {
        self.grid.nameless(most)
    }

    fn rows(&self) -> Option<u64> {
        Some(self.grid.rows)
    }

    fn left_out(&self) -> &[String] {
        &self.left_out
    }
}

pub(super) fn create(sink: Box<dyn Sink>, sheet: &Sheet) -> Result<Box<dyn Writer>, Error> {
    let bytes = sheet.rows.saturating_mul(4 * sheet.dim as u64);
    let tensor = serde_json::json!({ "dtype": "F32", "shape": [sheet.rows, sheet.dim], "data_offsets": [0, bytes] });
    let mut header = serde_json::json!({ VECTOR: tensor }).to_string();
    while !header.len().is_multiple_of(8) {
        header.push(' ');
    }
    Rows::begin(sink, &[&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat(), sheet)
}
