//! `wrap` and `unwrap` of texts.
use super::{
    Kind, Launch, RewriteError, entries,
    entry::Parts,
    list::{self, Edit, apply, before_on_line, line_end, quoted},
    parse, read,
    table::{Format, Location},
    tree::{Member, Node},
};

/// One entry to be pointed elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapping {
    /// See [`super::ClientServer::path`].
    pub path: Vec<String>,
    /// The program and its arguments that the entry shall start.
    pub words: Vec<String>,
}

/// A text whose entries were pointed elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// The new text; the old one where nothing was done.
    pub text: String,
    /// What was not done.
    pub left: Vec<Left>,
}

/// An entry that stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// See [`super::ClientServer::path`].
    pub path: Vec<String>,
    /// Why.
    pub why: RewriteError,
}

/// A text with what its entries started before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwrapped {
    /// The new text; the old one where nothing was done.
    pub text: String,
    /// The entries that were put back.
    pub restored: Vec<Vec<String>>,
    /// Entries that start `mcpsec run`, and nothing says what they started before, or they cannot be put back.
    pub left: Vec<Left>,
}

/// Points entries elsewhere: only the bytes of their commands and arguments change.
///
/// # Errors
/// The text cannot be read, or what came out would not say exactly what is wanted. Single entries that cannot be rewritten are
/// in [`Wrapped::left`].
pub fn wrap(location: &'static Location, text: &str, wrappings: &[Wrapping]) -> Result<Wrapped, RewriteError> {
    let root = parse(location.format, text)?;
    let known = entries(location, text, &root)?;
    let mut edits = Vec::new();
    let mut left = Vec::new();
    let mut done: Vec<&Wrapping> = Vec::new();
    for wrapping in wrappings {
        if done.iter().any(|other| other.path == wrapping.path) {
            continue;
        }
        let entry = known.iter().find(|(path, _)| *path == wrapping.path);
        match entry.ok_or(RewriteError::Gone).and_then(|(_, member)| point(location, text, &member.value, wrapping)) {
            Ok(mut more) => {
                edits.append(&mut more);
                done.push(wrapping);
            }
            Err(why) => left.push(Left { path: wrapping.path.clone(), why }),
        }
    }
    let new = apply(text, edits).ok_or(RewriteError::Unsure)?;
    let after = parse(location.format, &new).map_err(|_| RewriteError::Unsure)?;
    for wrapping in &done {
        let entry = after.at(&wrapping.path).ok_or(RewriteError::Unsure)?;
        let parts = Parts::of(entry, &location.shape).ok_or(RewriteError::Unsure)?;
        let (_, words) = parts.words().map_err(|_| RewriteError::Unsure)?;
        if words != wrapping.words {
            return Err(RewriteError::Unsure);
        }
    }
    let paths: Vec<&[String]> = done.iter().map(|wrapping| wrapping.path.as_slice()).collect();
    only_these_differ(location, &root, &after, &paths)?;
    Ok(Wrapped { text: new, left })
}

/// Puts entries back to what they started in the first of the `originals` that has them as something else than `mcpsec run`:
/// the very bytes of that text. Where nothing else was edited since, the whole text is that original again.
///
/// `wanted` says which entries; it is given their paths.
///
/// # Errors
/// The text cannot be read, or what came out would not say exactly what is wanted. Originals that cannot be read are no
/// originals.
pub fn unwrap(
    location: &'static Location,
    text: &str,
    originals: &[&str],
    wanted: &dyn Fn(&[String]) -> bool,
) -> Result<Unwrapped, RewriteError> {
    let root = parse(location.format, text)?;
    let known = entries(location, text, &root)?;
    let is_wrapped = |text: &str| -> Result<Vec<Vec<String>>, RewriteError> {
        let servers = read(location, text)?;
        let of_ours = servers.into_iter().filter(|server| matches!(server.launch, Launch::Locked(_)));
        Ok(of_ours.map(|server| server.path).collect())
    };
    let before: Vec<(&str, Node, Vec<Vec<String>>)> = originals
        .iter()
        .filter_map(|original| Some((*original, parse(location.format, original).ok()?, is_wrapped(original).ok()?)))
        .collect();
    let mut edits = Vec::new();
    let mut restored: Vec<(Vec<String>, &Node)> = Vec::new();
    let mut left = Vec::new();
    for path in is_wrapped(text)?.into_iter().filter(|path| wanted(path)) {
        let Some((_, member)) = known.iter().find(|(other, _)| *other == path) else { continue };
        let original =
            before.iter().find_map(
                |(original, root, wrapped)| {
                    if wrapped.contains(&path) { None } else { Some((*original, root.at(&path)?)) }
                },
            );
        let step = match original {
            None => Err(RewriteError::Form("no backup says what it started before")),
            Some((original, entry)) => {
                restore(location, text, &member.value, original, entry).map(|more| (more, entry))
            }
        };
        match step {
            Ok((mut more, entry)) => {
                edits.append(&mut more);
                restored.push((path, entry));
            }
            Err(why) => left.push(Left { path, why }),
        }
    }
    let new = apply(text, edits).ok_or(RewriteError::Unsure)?;
    let after = parse(location.format, &new).map_err(|_| RewriteError::Unsure)?;
    for (path, original) in &restored {
        let words = |entry: &Node| Parts::of(entry, &location.shape).and_then(|parts| parts.words().ok());
        let entry = after.at(path).ok_or(RewriteError::Unsure)?;
        if words(entry) != words(original) {
            return Err(RewriteError::Unsure);
        }
    }
    let restored: Vec<Vec<String>> = restored.into_iter().map(|(path, _)| path).collect();
    let paths: Vec<&[String]> = restored.iter().map(Vec::as_slice).collect();
    only_these_differ(location, &root, &after, &paths)?;
    Ok(Unwrapped { text: new, restored, left })
}

/// Whether both trees say the same, but for the commands and arguments of these entries.
fn only_these_differ(
    location: &Location,
    before: &Node,
    after: &Node,
    paths: &[&[String]],
) -> Result<(), RewriteError> {
    let shape = location.shape;
    let aside = |path: &[String], key: &str| {
        let outer = key == shape.command || key == shape.args;
        let inner = key == "path" || key == "args";
        outer && paths.contains(&path)
            || inner && path.split_last().is_some_and(|(last, entry)| last == shape.command && paths.contains(&entry))
    };
    // A map as the command (old Zed) has other members, which must stay too.
    for path in paths {
        let command = |root: &Node| root.at(path).and_then(|entry| entry.get(shape.command)).cloned();
        if let (Some(one), Some(two)) = (command(before), command(after))
            && one.map().is_some()
        {
            let inner = |_: &[String], key: &str| key == "path" || key == "args";
            if !one.says_the_same(&two, &mut Vec::new(), &inner) {
                return Err(RewriteError::Unsure);
            }
        }
    }
    if before.says_the_same(after, &mut Vec::new(), &aside) { Ok(()) } else { Err(RewriteError::Unsure) }
}

/// The edits that make one entry start `words`.
fn point(location: &Location, text: &str, entry: &Node, wrapping: &Wrapping) -> Result<Vec<Edit>, RewriteError> {
    let format = location.format;
    let (program, args) = wrapping.words.split_first().ok_or(RewriteError::Gone)?;
    let parts = Parts::of(entry, &location.shape).ok_or(RewriteError::Gone)?;
    parts.words().map_err(RewriteError::Form)?;
    let raw = |node: &Node| text.get(node.span.clone()).unwrap_or_default();
    let command = &parts.command.value;
    if let Kind::List(list) = &command.kind {
        return list::rewrite(format, text, command, list, &wrapping.words);
    }
    if raw(command).contains(['\n', '\r']) {
        return Err(RewriteError::Form("its command runs over several lines"));
    }
    let mut edits = Vec::new();
    if command.text() != Some(program) {
        edits.push(Edit::new(command.span.clone(), quoted(format, program, raw(command))));
    }
    match parts.args.map(|args| &args.value) {
        Some(node) => match &node.kind {
            Kind::List(list) => edits.extend(list::rewrite(format, text, node, list, args)?),
            _ if node.is_nothing() && !node.span.is_empty() => {
                edits.push(Edit::new(node.span.clone(), brackets(format, args, ", ")));
            }
            _ => return Err(RewriteError::Form("its arguments are not written in brackets")),
        },
        None => edits.push(new_args(format, text, &parts, args)),
    }
    Ok(edits)
}

fn brackets(format: Format, args: &[String], comma: &str) -> String {
    let args: Vec<String> = args.iter().map(|arg| quoted(format, arg, "\"")).collect();
    format!("[{}]", args.join(comma))
}

/// A member for arguments, right behind the command's value.
fn new_args(format: Format, text: &str, parts: &Parts<'_>, args: &[String]) -> Edit {
    let Member { key_span, value, .. } = parts.command;
    let at = value.span.end;
    let colon = text.get(key_span.end..value.span.start).unwrap_or(" = ");
    let key = quoted(format, parts.args_key, if format == Format::Yaml { "plain" } else { "\"" });
    let key = if format == Format::Toml { parts.args_key.to_owned() } else { key };
    let before = before_on_line(text, key_span.start);
    let comma = if colon.ends_with(char::is_whitespace) { ", " } else { "," };
    let member = format!("{key}{colon}{}", brackets(format, args, comma));
    let with = if !parts.holder.flow {
        // A line of its own, with the indentation (or the dotted path) of the command's.
        format!("{}{before}{member}", line_end(text, at))
    } else if before.trim().is_empty() && parts.holder.members.first().is_some_and(|first| first.key_span.start > 0) {
        format!(",{}{before}{member}", line_end(text, at))
    } else {
        format!("{comma}{member}")
    };
    Edit::insert(at, with)
}

/// The edits that put the bytes of an original entry in place of what stands there now.
fn restore(
    location: &Location,
    text: &str,
    entry: &Node,
    original: &str,
    before: &Node,
) -> Result<Vec<Edit>, RewriteError> {
    let now = Parts::of(entry, &location.shape).ok_or(RewriteError::Gone)?;
    let then = Parts::of(before, &location.shape).ok_or(RewriteError::Gone)?;
    let raw = |node: &Node| original.get(node.span.clone()).unwrap_or_default();
    if now.inner != then.inner {
        return Err(RewriteError::Form("its command is written in another way than before"));
    }
    let mut edits = vec![Edit::new(now.command.value.span.clone(), raw(&then.command.value))];
    match (now.args, then.args) {
        (None, None) => {}
        (Some(now), Some(then)) => {
            let flow = |node: &Node| node.list().is_none_or(|list| list.flow);
            if flow(&now.value) != flow(&then.value) {
                return Err(RewriteError::Form("its arguments are written in another way than before"));
            }
            edits.push(Edit::new(now.value.span.clone(), raw(&then.value)));
        }
        (Some(args), None) => {
            // What `wrap` put there goes, if nobody put anything between.
            let start = now.command.value.span.end;
            let between = text.get(start..args.key_span.start).unwrap_or("?");
            let dotted = between.trim_start_matches([',', ' ', '\t', '\r', '\n']);
            let path = before_on_line(text, now.command.key_span.start).trim_start();
            if !(dotted.is_empty() || dotted == path) {
                return Err(RewriteError::Form("something was written between its command and its arguments"));
            }
            edits.push(Edit::new(start..args.value.span.end, ""));
        }
        (None, Some(_)) => return Err(RewriteError::Form("its arguments were taken away")),
    }
    Ok(edits)
}
