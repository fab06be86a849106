//! Reads JavaScript and TypeScript: what one file does, names and hides.
//!
//! ```text
//! text -> depth measured (scan) -> syntax tree -> one walk (reader, with resolve, bind, effects, mail) -> facts
//!      \-> does not parse: pieces (scan) -> facts, and why they are not all (fallback)
//! code in strings that is run -> the same again, twice at most
//! ```
//! Nothing is run and nothing is loaded. Every file ends in facts: what cannot be read says so in [`FileFacts::unread`].
use std::thread;

use oxc_allocator::Allocator;
use oxc_parser::{ParseOptions, Parser};
use oxc_span::SourceType;

use super::facts::{FileFacts, SignKind};

mod bind;
mod calls;
mod decode;
mod disguise;
mod effects;
mod fallback;
mod flows;
mod lines;
mod mail;
mod reader;
mod resolve;
mod scan;
mod value;

use lines::Lines;
use reader::Reader;

/// The longest file that is parsed, in bytes.
pub const LONGEST: usize = 8 << 20;
/// The deepest nesting that is parsed. People write 20 levels, bundlers 100.
const DEEPEST: usize = 1_500;
/// Address space for the parser; what is not touched costs nothing.
const STACK: usize = 1 << 30;
/// Stack that one level takes at most, in debug builds.
const STACK_OF_LEVEL: usize = 4 << 10;
/// How often text that is run is read as code again.
const INNER_LEVELS: u32 = 2;
/// How much text that is run is read as code, in bytes.
const INNER_TEXT: usize = 1 << 20;

/// Whether a file is one that [`facts`] reads, by its ending. Declarations of types are: they may be loaded all the same.
pub fn is_source(path: &str) -> bool {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    matches!(ending.as_deref(), Some("js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx"))
}

/// Whether a file without such an ending is a program for a JavaScript runtime, by its first line.
pub fn is_script(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.starts_with("#!") && ["node", "bun", "deno", "tsx", "ts-node"].iter().any(|runtime| first.contains(runtime))
}

/// What one file does. The path tells which language it is; nothing is read but the text.
///
/// Never fails: a file that is too long, too deep or no JavaScript gives what its strings and words tell, and
/// [`FileFacts::unread`].
pub fn facts(path: &str, text: &str) -> FileFacts {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > LONGEST {
        let mut end = LONGEST;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let head = &text[..end];
        return told(head, format!("longer than {} MiB", LONGEST >> 20));
    }
    let shape = scan::scan(text, |_, _| ());
    if shape.depth > DEEPEST || shape.ambiguous && shape.openers > STACK / STACK_OF_LEVEL {
        return told(text, format!("nested more than {DEEPEST} levels deep"));
    }
    // The parser descends into what it reads. Where the measure of depth is wrong, the stack still suffices.
    let result = thread::scope(|scope| {
        let reader = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || parsed(path, text, 0, None));
        reader.ok().and_then(|reader| reader.join().ok())
    });
    let mut facts = result.unwrap_or_else(|| told(text, "the parser gave up".to_owned()));
    finish(&mut facts);
    facts
}

fn told(text: &str, why: String) -> FileFacts {
    let lines = Lines::new(text);
    let mut facts = fallback::read(text, &lines);
    disguise::of_text(text, &lines, &mut facts);
    facts.unread = Some(why);
    finish(&mut facts);
    facts
}

fn parsed(path: &str, text: &str, level: u32, outer_line: Option<u32>) -> FileFacts {
    let lines = Lines::new(text);
    let mut why = None;
    for kind in kinds(path) {
        let allocator = Allocator::default();
        let options = ParseOptions { allow_return_outside_function: true, ..ParseOptions::default() };
        let parsed = Parser::new(&allocator, text, kind).with_options(options).parse();
        if parsed.panicked {
            let first = parsed.diagnostics.first();
            why.get_or_insert_with(|| first.map_or_else(String::new, |error| error.message.to_string()));
            continue;
        }
        let (mut facts, inner) = Reader::new(text, &lines, outer_line).read(&parsed.program);
        if outer_line.is_none() {
            disguise::of_text(text, &lines, &mut facts);
        }
        let mut left = INNER_TEXT;
        for (code, line) in inner {
            if level >= INNER_LEVELS || code.len() > left {
                break;
            }
            left -= code.len();
            if scan::scan(&code, |_, _| ()).depth <= DEEPEST {
                merge(&mut facts, self::parsed("inner.js", &code, level + 1, Some(outer_line.unwrap_or(line))));
            }
        }
        return facts;
    }
    if outer_line.is_some() {
        // Text that is run need not be a whole program.
        return FileFacts::default();
    }
    let mut facts = fallback::read(text, &lines);
    disguise::of_text(text, &lines, &mut facts);
    facts.unread = Some(format!("no JavaScript that parses: {}", why.unwrap_or_default()));
    facts
}

/// How a file may be meant, the likeliest first.
fn kinds(path: &str) -> Vec<SourceType> {
    let name = path.to_ascii_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending {
        _ if name.ends_with(".d.ts") || name.ends_with(".d.mts") || name.ends_with(".d.cts") => {
            vec![SourceType::d_ts()]
        }
        "ts" | "mts" | "cts" => vec![SourceType::ts(), SourceType::tsx()],
        "tsx" => vec![SourceType::tsx()],
        "jsx" => vec![SourceType::jsx(), SourceType::tsx()],
        "mjs" => vec![SourceType::mjs(), SourceType::cjs(), SourceType::jsx()],
        "cjs" => vec![SourceType::cjs(), SourceType::mjs(), SourceType::jsx()],
        _ => vec![SourceType::unambiguous(), SourceType::cjs(), SourceType::jsx(), SourceType::tsx()],
    }
}

fn merge(facts: &mut FileFacts, inner: FileFacts) {
    for (deed, lines) in inner.deeds {
        for line in lines {
            facts.does(deed, line);
        }
    }
    for (name, line) in inner.names {
        facts.names.entry(name).or_insert(line);
    }
    facts.signs.extend(inner.signs.into_iter().filter(|sign| sign.kind != SignKind::Packed));
}

/// Signs sorted, each once; what is strong somewhere need not be said weakly as well.
fn finish(facts: &mut FileFacts) {
    facts.signs.sort();
    facts.signs.dedup();
    let strong: Vec<_> = facts.signs.iter().filter(|sign| !sign.weak).map(|sign| (sign.kind, sign.line)).collect();
    facts.signs.retain(|sign| !sign.weak || !strong.contains(&(sign.kind, sign.line)));
}

#[cfg(test)]
mod tests;
