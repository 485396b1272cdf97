//! The arguments.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args as ClapArgs, CommandFactory, Parser, Subcommand, ValueEnum};

use super::meant::or_statement;
use crate::exchange;
use crate::render::Format;

/// An embedding vector store with a query language for two-tower audio-text models.
#[derive(Debug, Parser)]
#[command(
    name = "dyad",
    version,
    about,
    after_help = "Without a command: the REPL on a terminal, else statements from standard input.\nExit codes: 0 all succeeded, 1 a statement or file failed, 2 wrong usage, 3 store locked or damaged, 130 interrupted."
)]
pub struct Args {
    /// The store's folder, or a snapshot file, which is only read
    #[arg(long, global = true, value_name = "DIR|FILE", env = "DYAD_STORE")]
    pub store: Option<PathBuf>,
    /// Another folder to look for models in (may be given again)
    #[arg(long = "models", global = true, value_name = "DIR")]
    pub models: Vec<PathBuf>,
    /// How results are written: table, csv, tsv, json, jsonl, markdown or plot
    #[arg(long, global = true, value_parser = format)]
    pub format: Option<Format>,
    /// Colours
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    /// Threads of embedding, indexing and evaluation; any number gives the same results, but a graph that several threads built finds others now and then: 1 makes the same one each time
    #[arg(long, visible_alias = "jobs", global = true, value_name = "N", env = "DYAD_THREADS", value_parser = threads())]
    pub threads: Option<u16>,
    /// Only results and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Tells on standard error what is read, and the time of each statement
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Goes on after a statement that fails
    #[arg(long, global = true)]
    pub keep_going: bool,
    /// Reads and writes no index files: a search scans the store's vectors; `ingest` leaves out the ontology labels too
    #[arg(long, global = true)]
    pub no_index: bool,
    /// Leaves out the rc file at the start of the REPL
    #[arg(long)]
    pub no_init: bool,
    /// Runs statements and exits (may be given again)
    #[arg(short = 'c', long = "command", value_name = "STATEMENT")]
    pub statements: Vec<String>,
    #[command(subcommand)]
    pub task: Option<Task>,
}

impl Args {
    /// The arguments of this run.
    ///
    /// # Errors
    /// What the user is told: wrong usage, or the help that was asked for.
    pub fn read() -> Result<Args, clap::Error> {
        let args = Args::try_parse().map_err(or_statement)?;
        if args.task.is_some() && !args.statements.is_empty() {
            let message = "`-c STATEMENT` and a command can't go together: expected one of them (`run FILE` runs statements too)";
            return Err(Args::command().error(ErrorKind::ArgumentConflict, message));
        }
        Ok(args)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Task {
    /// The whole path on the bundled audio and model, in one go
    Demo,
    /// Runs query files
    Run {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Embeds audio files into a collection
    Ingest(Ingest),
    /// Imports vectors that were computed elsewhere
    Import(Import),
    /// Writes vectors with ids and fields into a file that other programs read
    Export(Export),
    /// Adds, checks, describes, removes or lists models
    Models {
        #[command(subcommand)]
        action: Option<ModelAction>,
    },
    /// Adds or lists ontologies
    Ontologies {
        #[command(subcommand)]
        action: Option<OntologyAction>,
    },
    /// Lists the datasets that can be ingested, tells of one, or checks a copy of it
    Datasets {
        #[command(subcommand)]
        action: Option<DatasetAction>,
    },
    /// Lists or drops collections
    Collections {
        #[command(subcommand)]
        action: Option<CollectionAction>,
    },
    /// The paper's experiments on all that the store holds, as a page with tables and results beside it
    Report {
        /// The folder that it is written into
        #[arg(long, value_name = "DIR", default_value = "dyad-report")]
        out: PathBuf,
    },
    /// Runs a saved JSON result again and says whether it still holds
    Replay {
        #[arg(value_name = "RESULT.json")]
        file: PathBuf,
    },
    /// Looks for damage in the store, and names what is lost
    Check(Check),
    /// Writes away replaced rows and makes the store's files anew
    Compact,
    /// Writes the whole store to one new file
    Snapshot {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Makes a store, where `--store` says and nothing is, from a snapshot
    Restore {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// What runtime, models and store were found, and what to do about what was not
    Doctor,
}

#[derive(Debug, ClapArgs)]
pub struct Ingest {
    /// Folders and files of audio (wav, flac, mp3, ogg/vorbis, m4a/aac/alac, aiff, caf); with `--dataset` the dataset's folder
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The collection, made if there is none
    #[arg(long, value_name = "NAME", default_value = "clips")]
    pub collection: String,
    /// The model; without it the only one that can hear
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// A table of labels and metadata (CSV, TSV or JSON lines): a column that names the file, then `label`, `labels`, `captions` and others, or a column of 0 and 1 a class
    #[arg(long, value_name = "FILE", conflicts_with = "label_from")]
    pub labels: Option<PathBuf>,
    /// Reads a dataset as it is unpacked, with its labels: a name of `dyad datasets`, or a FILE.json, .csv, .tsv or .jsonl
    #[arg(long, value_name = "NAME")]
    pub dataset: Option<String>,
    /// The dataset's table, where it has another name or there are several
    #[arg(long, value_name = "FILE", requires = "dataset")]
    pub annotations: Option<PathBuf>,
    /// Where labels come from: folder, none, or filename:REGEX with named groups, held against the name without its extension; without it and `--labels` the folder, for clips without a label
    #[arg(long, value_name = "RULE")]
    pub label_from: Option<String>,
    /// Files that can't be taken, or whose vectors have no direction, are listed and are no failure (exit code 0)
    #[arg(long)]
    pub skip_bad: bool,
    /// Keeps the vector of each window too, with its start and end, so that `search` says where in a track it hits
    #[arg(long)]
    pub windows: bool,
    /// How the windows of a clip become its vector: mean or max; without it as the model says
    #[arg(long, value_name = "HOW", value_parser = pool)]
    pub pool: Option<crate::ingest::Pool>,
    /// What the numbers of vectors are kept as, said when the collection is made: f32, or f16 in half the place; without it f32
    #[arg(long, value_name = "KIND", value_parser = storage)]
    pub storage: Option<crate::store::Storage>,
    /// Longest audio that is taken, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 14_400.0)]
    pub max_duration: f64,
}

#[derive(Debug, ClapArgs)]
pub struct Import {
    /// The file's kind: npy, npz, safetensors, jsonl or parquet
    #[arg(value_name = "FORMAT", value_parser = exchange_format)]
    pub kind: &'static exchange::Format,
    /// One file or several, read in this order as one
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The collection, made if there is none
    #[arg(long, value_name = "NAME")]
    pub collection: String,
    /// The model that made the vectors; it need not have graphs
    #[arg(long, value_name = "NAME")]
    pub model: String,
    /// Tells versions of a model without graphs apart
    #[arg(long, value_name = "HASH")]
    pub model_hash: Option<String>,
    /// Before or after the projection
    #[arg(long, value_parser = stage)]
    pub space: crate::embedding::Stage,
    /// Which tower
    #[arg(long, value_enum)]
    pub modality: ModalityArg,
    /// Ids and fields: for audio a table in the rows' order (`id,label`, or an id and one-hot classes) or JSONL; for text a label
    /// a line, or a `.csv` or `.tsv` table with a column `label`. For a file with ids of its own a table that is looked up by id
    #[arg(long, visible_alias = "ids", value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// The prompt that text vectors were made from, as in "A <> track"
    #[arg(long, value_name = "PROMPT")]
    pub prompt: Option<String>,
    /// What the numbers of vectors are kept as, said when the collection is made: f32, or f16 in half the place; without it f32
    #[arg(long, value_name = "KIND", value_parser = storage)]
    pub storage: Option<crate::store::Storage>,
    /// The array, tensor, column or member that holds the vectors
    #[arg(long, value_name = "NAME")]
    pub vectors_in: Option<String>,
    /// The array, column or member that holds the ids
    #[arg(long, value_name = "NAME")]
    pub ids_in: Option<String>,
    /// Leaves out rows that can't be taken, and names them, instead of failing
    #[arg(long)]
    pub skip_bad: bool,
}

#[derive(Debug, ClapArgs)]
#[command(
    override_usage = "dyad export FORMAT FILE --collection NAME [OPTIONS]\n       dyad export COLLECTION --to FILE [OPTIONS]"
)]
pub struct Export {
    /// The file's kind: npy, npz, safetensors, jsonl or parquet; with `--to` the collection
    #[arg(value_name = "FORMAT|COLLECTION")]
    pub first: String,
    #[arg(required_unless_present = "to")]
    pub file: Option<PathBuf>,
    /// The collection
    #[arg(long, value_name = "NAME", required_unless_present = "to")]
    pub collection: Option<String>,
    /// The file; its ending says its kind
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "collection"])]
    pub to: Option<PathBuf>,
    /// The model; without it the only one with such vectors
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Before or after the projection
    #[arg(long, value_parser = stage, default_value = "joint")]
    pub space: crate::embedding::Stage,
    /// Which tower
    #[arg(long, value_enum, default_value = "audio")]
    pub modality: ModalityArg,
    /// The prompt that text vectors were made from
    #[arg(long, value_name = "PROMPT")]
    pub prompt: Option<String>,
    /// Replaces a file that is there
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Check {
    /// Only this collection; without it the whole store
    #[arg(value_name = "COLLECTION")]
    pub collection: Option<String>,
    /// Makes again what can be, and takes out what is left of what is lost
    #[arg(long, conflicts_with = "collection")]
    pub repair: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModalityArg {
    Audio,
    Text,
}

#[derive(Debug, Subcommand)]
pub enum OntologyAction {
    /// Lists them
    List,
    /// Reads a file (JSON, AudioSet's JSON, SKOS Turtle, CSV or indented text) and copies it into the store
    Add {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum ModelAction {
    /// Lists them
    List,
    /// Verifies a model folder and copies it into the user's own
    Add {
        /// What `tools/export` wrote
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
        /// Takes the place of another model of the same id
        #[arg(long)]
        force: bool,
    },
    /// Holds a model against its golden file, and measures its spaces
    Check {
        /// An id, or a folder
        model: String,
    },
    /// Tells of one model: towers, spaces, licence, hash
    Describe { model: String },
    /// Removes a model that was added
    Remove {
        model: String,
        /// Even when collections of the store hold its vectors
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum DatasetAction {
    /// Lists them with their licences
    List,
    /// Layout, columns, licence, citation, and where to get it
    Describe { dataset: String },
    /// Lists what is missing or damaged in a copy; an index of mirdata is held against its checksums
    Check {
        /// A name, or a FILE.json, .csv, .tsv or .jsonl
        dataset: String,
        folder: PathBuf,
        /// The dataset's table, where it has another name or there are several
        #[arg(long, value_name = "FILE")]
        annotations: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub enum CollectionAction {
    /// Lists them
    List,
    /// Removes a collection and all that is in it
    Drop { collection: String },
    /// Embeds a collection's clips again from their files, after a change of the model
    Reembed {
        collection: String,
        /// The model; without it the only one that can hear
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
    },
}

fn format(name: &str) -> Result<Format, String> {
    Format::parse(name).ok_or_else(|| format!("expected {}", crate::diagnostic::one_of(Format::NAMES)))
}

fn exchange_format(name: &str) -> Result<&'static exchange::Format, String> {
    let known = exchange::FORMATS.iter().map(|format| format.name);
    exchange::Format::named(name).ok_or_else(|| format!("expected {}", crate::diagnostic::one_of(known)))
}

fn pool(name: &str) -> Result<crate::ingest::Pool, String> {
    let known = crate::ingest::Pool::NAMES;
    crate::ingest::Pool::parse(name).ok_or_else(|| format!("expected {}", crate::diagnostic::one_of(known)))
}

fn storage(name: &str) -> Result<crate::store::Storage, String> {
    let known = crate::store::Storage::NAMES;
    crate::store::Storage::parse(name).ok_or_else(|| format!("expected {}", crate::diagnostic::one_of(known)))
}

fn stage(name: &str) -> Result<crate::embedding::Stage, String> {
    let known = crate::embedding::Stage::NAMES;
    crate::embedding::Stage::parse(name).ok_or_else(|| format!("expected {}", crate::diagnostic::one_of(known)))
}

/// A number of threads that any machine can start.
fn threads() -> impl clap::builder::TypedValueParser<Value = u16> {
    clap::value_parser!(u16).range(1..=1024)
}
