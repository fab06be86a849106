//! `mcpsec unwrap`: client configurations start what they started before `wrap`, to the byte.
use mcpsec_model::client::{self, Launch};

use super::clients::{self, Backups, Entry, File, FileTold, Skip, State, Told, Which};
use crate::{cli::UnwrapArgs, error::CommandError, exit::Code, files, settings::Settings, ui::Ui};

pub(super) fn run(settings: &Settings, args: &UnwrapArgs) -> Result<Code, CommandError> {
    let which = Which { clients: &args.client, user: args.user };
    let found = clients::find(settings, &which);
    let mut told = Told::new("unwrap", args.dry_run);
    for file in &found {
        let file = unwrap_file(file, args);
        if file.problem.is_some() || !file.entries.is_empty() {
            told.files.push(file);
        }
    }
    if told.files.is_empty() {
        let ui = Ui::new(false, settings.verbosity);
        ui.note(if args.user {
            "no configuration starts `mcpsec run`"
        } else {
            "no configuration of this project starts `mcpsec run`; --user looks at your own too"
        });
    }
    told.print(settings)?;
    Ok(if told.count("left") > 0 { crate::exit::USAGE } else { super::wrap::worst(&told) })
}

fn unwrap_file(file: &File, args: &UnwrapArgs) -> FileTold {
    let mut told = FileTold::new(file);
    let (before, places) = match &file.state {
        State::Read { text, places } => (text, places),
        State::Unreadable(why) => {
            told.problem = Some(format!("left as it is: {why}"));
            return told;
        }
    };
    let backups = Backups::of(&file.path);
    let mut text = before.clone();
    for (location, servers) in places {
        let asked: Vec<_> = servers
            .iter()
            .filter(|server| match &server.launch {
                Launch::Locked(launch) => {
                    args.names.is_empty()
                        || args.names.iter().any(|name| name == server.name() || name == launch.name.as_str())
                }
                _ => false,
            })
            .collect();
        let wanted = |path: &[String]| asked.iter().any(|server| server.path == path);
        let left = match client::unwrap(location, &text, &backups.texts(), &wanted) {
            Ok(unwrapped) => {
                text = unwrapped.text;
                unwrapped.left
            }
            Err(why) => {
                asked.iter().map(|server| client::Left { path: server.path.clone(), why: why.clone() }).collect()
            }
        };
        for server in asked {
            told.entries.push(match left.iter().find(|left| left.path == server.path) {
                Some(left) => Entry::left(server, Skip { why: left.why.to_string(), hint: None }),
                None => Entry::new(server, "restored", ""),
            });
        }
    }
    if text == *before || args.dry_run {
        return told;
    }
    match files::replace_unchanged(&file.path, before, &text) {
        Ok(_) => {
            told.changed = true;
            // It says again what the copy says: the copy has done its work.
            backups.remove_equal(&text);
        }
        Err(error) => {
            told.entries.clear();
            told.problem = Some(format!("left as it is: {error}"));
        }
    }
    told
}
