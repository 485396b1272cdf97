//! A dataset's own table: columns that are known beforehand, each with the field that it becomes.
//!
//! ```text
//!   esc50.csv    filename     fold      target    category     esc10   …
//!                names clip   field     nothing   label        field
//! ```
//!
//! A column that is not there ends the reading; one that is too many, and a row with another number of cells, are faults.

use super::listing::Listing;
use crate::diagnostic::one_of;
use crate::ingest::files::Source;
use crate::ingest::table::text;
use crate::ingest::{Error, cells};
use crate::value::{Fields, Value};

/// A column of a dataset's table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// As the file's first line has it.
    pub name: &'static str,
    pub becomes: Becomes,
}

/// What a cell becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Becomes {
    /// It names the clip, alone or with others.
    Name,
    /// The field `label`.
    Label,
    /// A member of the field `captions`.
    Caption,
    /// A field of this name: a number where it is written as one.
    Field(&'static str),
    /// A field of this name: a list in brackets, or parted by `,`.
    List(&'static str),
    /// Read by the dataset's own file.
    Own(&'static str),
    Nothing,
}

impl Becomes {
    /// What it becomes, in words.
    pub fn words(self) -> String {
        match self {
            Becomes::Name => "names the clip".into(),
            Becomes::Label => "`label`".into(),
            Becomes::Caption => "`captions`".into(),
            Becomes::Field(field) => format!("`{field}`"),
            Becomes::List(field) => format!("`{field}`, a list"),
            Becomes::Own(words) => words.into(),
            Becomes::Nothing => "—".into(),
        }
    }
}

/// A column in short.
pub const fn column(name: &'static str, becomes: Becomes) -> Column {
    Column { name, becomes }
}

/// A table with its lines.
pub struct Table<'a> {
    columns: &'a [Column],
    /// The place of each of `columns`.
    places: Vec<usize>,
    file: String,
    rows: Vec<(u64, csv::StringRecord)>,
}

/// Whether rows may have more cells than the header: all further ones belong to the last column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Square,
    Ragged,
}

impl<'a> Table<'a> {
    /// Reads a table with a line of column names.
    ///
    /// # Errors
    /// When it can't be read, is no UTF-8 text, or lacks a column.
    pub fn read(
        file: &Source,
        delimiter: u8,
        shape: Shape,
        columns: &'a [Column],
        listing: &mut Listing,
    ) -> Result<Table<'a>, Error> {
        let text = text(&file.path)?;
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
        let fault = |reason: String| Error::Read { path: file.path.clone(), reason };
        let header: Vec<String> =
            reader.headers().map_err(|e| fault(e.to_string()))?.iter().map(|name| name.trim().to_owned()).collect();
        let mut places = Vec::with_capacity(columns.len());
        for column in columns {
            match header.iter().position(|name| name.eq_ignore_ascii_case(column.name)) {
                Some(place) => places.push(place),
                None => {
                    let expected = one_of(columns.iter().map(|c| c.name)).replace(" or ", " and ");
                    return Err(fault(format!("its line 1 has no column `{}`: expected {expected}", column.name)));
                }
            }
        }
        for (at, name) in header.iter().enumerate().filter(|(at, _)| !places.contains(at)) {
            listing.fault(
                format!("{}, line 1, column {}", file.id, at + 1),
                format!("`{name}` is no column of this dataset: expected {}", one_of(columns.iter().map(|c| c.name))),
            );
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|e| fault(e.to_string()))?;
            let line = record.position().map_or(0, csv::Position::line);
            let fits = match shape {
                Shape::Square => record.len() == header.len(),
                Shape::Ragged => record.len() + 1 >= header.len(),
            };
            if fits {
                rows.push((line, record));
            } else {
                let reason = format!("{} cells, expected {} as in line 1", record.len(), header.len());
                listing.fault(format!("{}, line {line}", file.id), reason);
            }
        }
        Ok(Table { columns, places, file: file.id.clone(), rows })
    }

    /// The rows in order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(move |(line, record)| Row { table: self, line: *line, record })
    }
}

/// One line of a table.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    table: &'a Table<'a>,
    line: u64,
    record: &'a csv::StringRecord,
}

impl<'a> Row<'a> {
    /// A cell without blanks around it; nothing where there is no such column.
    pub fn cell(&self, name: &str) -> &'a str {
        let column = self.table.columns.iter().position(|c| c.name == name);
        let place = column.and_then(|at| self.table.places.get(at));
        place.and_then(|&place| self.record.get(place)).unwrap_or_default().trim()
    }

    /// The cells from this column on, to the end of the line.
    pub fn cells_from(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let column = self.table.columns.iter().position(|c| c.name == name);
        let place = column.and_then(|at| self.table.places.get(at)).copied().unwrap_or(usize::MAX);
        self.record.iter().skip(place).map(str::trim).filter(|cell| !cell.is_empty())
    }

    /// "esc50.csv, line 3, column `fold`", for faults.
    pub fn place(&self, column: &str) -> String {
        format!("{}, line {}, column `{column}`", self.table.file, self.line)
    }

    /// The fields that the columns become.
    pub fn fields(&self) -> Fields {
        let mut fields = Fields::new();
        for column in self.table.columns {
            let cell = self.cell(column.name);
            if cell.is_empty() {
                continue;
            }
            let (name, value) = match column.becomes {
                Becomes::Label => ("label", Value::from(cell)),
                Becomes::Caption => ("captions", Value::list([cell])),
                Becomes::Field(name) => (name, scalar(cell)),
                Becomes::List(name) => {
                    let parted = || Value::list(cell.split(',').map(str::trim).filter(|member| !member.is_empty()));
                    (name, cells::words(cell).unwrap_or_else(parted))
                }
                Becomes::Name | Becomes::Own(_) | Becomes::Nothing => continue,
            };
            fields.insert(name.to_owned(), value);
        }
        fields
    }
}

/// A cell as Python and R write it too: `True`, `FALSE`, `3.0`.
fn scalar(cell: &str) -> Value {
    match cell {
        "True" | "TRUE" => Value::Bool(true),
        "False" | "FALSE" => Value::Bool(false),
        _ => match Value::infer(cell) {
            Value::Float(float) if float.fract() == 0.0 && float.abs() < 1e15 => Value::Int(float as i64),
            value => value,
        },
    }
}
