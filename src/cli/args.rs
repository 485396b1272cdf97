//! The arguments.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

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
    /// The store's folder
    #[arg(long, global = true, value_name = "DIR", env = "DYAD_STORE")]
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
    /// Only results and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
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
        /// Goes on after a statement that fails
        #[arg(long, id = "run_keep_going")]
        #[clap(hide = true)]
        keep_going: bool,
    },
    /// Embeds audio files into a collection
    Ingest(Ingest),
    /// Imports vectors that were computed elsewhere
    Import(Import),
    /// Lists or checks models
    Models {
        #[command(subcommand)]
        action: Option<ModelAction>,
    },
    /// Lists ontologies
    Ontologies {
        #[command(subcommand)]
        action: Option<ListAction>,
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
    /// What runtime, models and store were found, and what to do about what was not
    Doctor,
}

#[derive(Debug, ClapArgs)]
pub struct Ingest {
    /// Folders and files of audio (wav, flac, mp3, ogg/vorbis, m4a/aac, aiff, caf)
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The collection, made if there is none
    #[arg(long, value_name = "NAME", default_value = "clips")]
    pub collection: String,
    /// The model; without it the only one that can hear
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// A CSV or TSV table of labels and metadata: a column that names the file, then `label` and others, or one-hot classes
    #[arg(long, value_name = "FILE", conflicts_with = "label_from")]
    pub labels: Option<PathBuf>,
    /// Where labels come from: folder, none, or filename:REGEX with named groups
    #[arg(long, value_name = "RULE", default_value = "folder")]
    pub label_from: String,
    /// Threads
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Longest audio that is taken, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 14_400.0)]
    pub max_duration: f64,
}

#[derive(Debug, ClapArgs)]
pub struct Import {
    /// The file's kind
    #[arg(value_enum)]
    pub kind: ImportKind,
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
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
    /// For audio a table in the rows' order (`id,label`, or an id and one-hot classes); for text a label a line
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// The prompt that text vectors were made from, as in "A <> track"
    #[arg(long, value_name = "PROMPT")]
    pub prompt: Option<String>,
    /// Leaves out rows with NaN or of zeros instead of failing
    #[arg(long)]
    pub skip_bad: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImportKind {
    Npy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModalityArg {
    Audio,
    Text,
}

#[derive(Debug, Subcommand)]
pub enum ListAction {
    /// Lists them
    List,
}

#[derive(Debug, Subcommand)]
pub enum ModelAction {
    /// Lists them
    List,
    /// Holds a model against its golden file, and measures its spaces
    Check { model: String },
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

fn stage(name: &str) -> Result<crate::embedding::Stage, String> {
    let known = crate::embedding::Stage::NAMES;
    crate::embedding::Stage::parse(name).ok_or_else(|| format!("expected {}", crate::diagnostic::one_of(known)))
}
