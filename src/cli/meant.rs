//! What is said of a word that is no command and begins a statement: `dyad classify clips`.

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args::Args;
use crate::verb;

/// The error of an unknown command, with the way in which statements are run where its word begins one.
pub fn or_statement(error: clap::Error) -> clap::Error {
    let word = match (error.kind(), error.get(ContextKind::InvalidSubcommand)) {
        (ErrorKind::InvalidSubcommand, Some(ContextValue::String(word))) => word.clone(),
        _ => return error,
    };
    let mut command = Args::command();
    let before: Vec<String> = std::env::args_os().skip(1).map(|said| said.to_string_lossy().into_owned()).collect();
    let before: Vec<&String> = before.iter().take_while(|said| **said != word).collect();
    let is_command = |said: &&String| command.get_subcommands().any(|known| known.get_name() == said.as_str());
    let begins = verb::find(&word).is_some() || verb::STATEMENT_WORDS.iter().any(|known| known.eq_ignore_ascii_case(&word));
    if !begins || before.iter().any(is_command) {
        return error;
    }
    let statement =
        if before.last().is_some_and(|said| *said == "help") { format!("help {word}") } else { format!("{word} …") };
    let message = format!(
        "`{word}` is a word of the language and no command: expected `dyad -c '{statement}'`, or the statement at the prompt of `dyad`"
    );
    command.error(ErrorKind::InvalidSubcommand, message)
}
