//! `mcpsec-registry config`: the configuration as it came out.
use clap::{ArgMatches, parser::ValueSource};

use super::{Failure, Options, definition, say};
use crate::config::{From, show};

pub(super) fn run(options: &Options, matches: Option<&ArgMatches>) -> Result<(), Failure> {
    let file = options.file()?.and_then(|settings| toml::Table::try_from(settings).ok()).unwrap_or_default();
    let definition = definition();
    let verb = definition.find_subcommand("config");
    let from = |key: &str| {
        let flag = key.replace('.', "-");
        let source = verb
            .and_then(|verb| verb.get_arguments().find(|arg| arg.get_long() == Some(flag.as_str())))
            .and_then(|arg| matches.and_then(|matches| matches.value_source(arg.get_id().as_str())));
        match source {
            Some(ValueSource::CommandLine) => From::Flag,
            Some(ValueSource::EnvVariable) => From::Environment,
            _ if in_file(&file, key) => From::File,
            _ => From::Default,
        }
    };
    say(&show(&options.config()?, from))
}

fn in_file(file: &toml::Table, key: &str) -> bool {
    match key.split_once('.') {
        Some((table, key)) => {
            file.get(table).and_then(toml::Value::as_table).is_some_and(|table| table.contains_key(key))
        }
        None => file.contains_key(key),
    }
}
