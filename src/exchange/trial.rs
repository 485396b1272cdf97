//! Every format of the table, held to the same: what is written comes back, damage is noticed or harmless, a full disk is an
//! error.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::*;

/// Bytes in memory that fail from a given number on.
#[derive(Clone)]
struct Disk {
    bytes: Arc<Mutex<Cursor<Vec<u8>>>>,
    room: usize,
}

impl Disk {
    fn of(room: usize) -> Disk {
        Disk { bytes: Arc::default(), room }
    }
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.bytes.lock().unwrap();
        if kept.position() as usize + bytes.len() > self.room {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "no room left"));
        }
        kept.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Disk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.lock().unwrap().seek(to)
    }
}

fn rows(n: usize) -> Vec<Row> {
    let row = |i: usize| {
        let vector = [i as f32 + 0.1, -0.0, f32::MIN_POSITIVE / 8.0, 1.0 / 3.0, f32::MAX].to_vec();
        let mut fields = BTreeMap::from([
            ("label".to_owned(), Value::from(["violin", "naïve \"x\"\n"][i % 2])),
            ("pitch".to_owned(), Value::Int(i as i64 - 5)),
            ("seconds".to_owned(), Value::Float(i as f64 / 7.0)),
            ("id".to_owned(), Value::from("a field of that name")),
        ]);
        if !i.is_multiple_of(3) {
            fields.insert("solo".into(), Value::Bool(i % 3 == 1));
        }
        if i.is_multiple_of(4) {
            fields.insert("labels".into(), Value::list(["violin", "a \"flute\""]));
        }
        if i == 1 {
            fields.insert("rare".into(), Value::Int(i64::MIN));
        }
        if i.is_multiple_of(5) {
            fields.insert("rests.missing".into(), Value::Bool(i.is_multiple_of(2)));
        }
        Row { id: Some(format!("clip/é{i}")), fields, vector: Ok(vector) }
    };
    (0..n).map(row).collect()
}

fn write(format: &Format, rows: &[Row], disk: &Disk) -> Result<Vec<u8>, Error> {
    let mut sheet = Sheet::new(5);
    rows.iter().for_each(|row| sheet.add(row.id.as_deref().unwrap(), &row.fields));
    let mut writer = format.create(Box::new(disk.clone()), &sheet)?;
    for row in rows {
        writer.write(row.id.as_deref().unwrap(), &row.fields, row.vector.as_ref().unwrap())?;
    }
    writer.finish()?;
    Ok(disk.bytes.lock().unwrap().get_ref().clone())
}

fn read(format: &Format, path: &Path) -> Result<Vec<Row>, Error> {
    let mut reader = format.open(path, &Ask::default())?;
    let mut rows = Vec::new();
    loop {
        let more = reader.read(7)?;
        if more.is_empty() {
            return Ok(rows);
        }
        rows.extend(more);
    }
}

#[test]
fn rows_come_back_to_the_bit() {
    let dir = tempfile::tempdir().unwrap();
    for format in &FORMATS {
        let path = dir.path().join(format.name);
        for n in [1, 6, 7, 100] {
            let expected = rows(n);
            std::fs::write(&path, write(format, &expected, &Disk::of(usize::MAX)).unwrap()).unwrap();
            let found = read(format, &path).unwrap();
            assert_eq!(found.len(), n, "{}", format.name);
            for (found, mut expected) in found.iter().zip(expected) {
                let bits = |row: &Row| row.vector.as_ref().unwrap().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(found), bits(&expected), "{}", format.name);
                if !format.has_fields {
                    (expected.id, expected.fields) = (None, BTreeMap::new());
                }
                assert_eq!((&found.id, &found.fields), (&expected.id, &expected.fields), "{}", format.name);
            }
        }
    }
}

#[test]
fn a_full_disk_is_an_error_wherever_it_fills() {
    for format in &FORMATS {
        let whole = write(format, &rows(20), &Disk::of(usize::MAX)).unwrap().len();
        for room in (0..whole).step_by(whole / 50) {
            let error = write(format, &rows(20), &Disk::of(room)).map(drop).unwrap_err();
            assert!(!error.to_string().is_empty(), "{} in {room} of {whole}", format.name);
        }
    }
}

#[test]
fn a_file_that_is_cut_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for format in &FORMATS {
        let path = dir.path().join(format.name);
        let whole = write(format, &rows(20), &Disk::of(usize::MAX)).unwrap();
        for end in (0..whole.len()).step_by(whole.len() / 60 + 1) {
            std::fs::write(&path, &whole[..end]).unwrap();
            match read(format, &path) {
                Err(error) => assert!(!error.to_string().contains(" you"), "{error}"),
                // Lines end anywhere: the last may be torn, and is a bad row then; or the file ends with a line.
                Ok(rows) => {
                    let torn = rows.last().is_some_and(|row| row.vector.is_err());
                    assert!(format.name == "jsonl" && (torn || rows.len() < 20), "{} cut at {end}", format.name);
                }
            }
        }
    }
}

/// A flipped bit in a number that no checksum holds is a number; anywhere else it is an error or nothing. It never panics,
/// and never makes more rows than there were.
#[test]
fn no_flipped_bit_does_harm() {
    let dir = tempfile::tempdir().unwrap();
    for format in &FORMATS {
        let path = dir.path().join(format.name);
        let whole = write(format, &rows(20), &Disk::of(usize::MAX)).unwrap();
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..500 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (at, bit) = ((random >> 33) as usize % whole.len(), random >> 61);
            let mut bad = whole.clone();
            bad[at] ^= 1 << bit;
            std::fs::write(&path, &bad).unwrap();
            if let Ok(rows) = read(format, &path) {
                assert!(rows.len() <= 21, "{}: {} rows with byte {at} flipped", format.name, rows.len());
            }
        }
    }
}

#[test]
fn more_or_fewer_rows_than_were_announced_are_noticed() {
    for format in &FORMATS {
        let mut sheet = Sheet::new(5);
        rows(3).iter().for_each(|row| sheet.add(row.id.as_deref().unwrap(), &row.fields));
        let mut writer = format.create(Box::new(Disk::of(usize::MAX)), &sheet).unwrap();
        writer.write("a", &BTreeMap::new(), &[0.5; 5]).unwrap();
        assert!(writer.finish().unwrap_err().to_string().contains("1 rows"), "{}", format.name);
    }
}
