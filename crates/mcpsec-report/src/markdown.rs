//! The report as Markdown, for the summary of a CI job or a comment on a pull request.
//!
//! A stranger's words stand in code spans and fenced blocks only, each fence longer than any run of its character inside:
//! there nothing is a link, a mention, an image or HTML, and nothing ends the block. What a reader would not see is escaped.
//! The document has a bound: whole blocks are left out at its end, never parts of one, and it says how many.
use mcpsec_model::{
    drift::{Change, DriftLevel},
    report::{ClosureChange, Report, ServerReport},
    text::{Untrusted, escape},
    verdict::{Source, Verdict},
};

use crate::{
    fold::{self, Story},
    human::amount,
    inert::inert,
    standing::{self, Item, Standing, What},
};

/// The longest document, in bytes; a comment may have 65,536 characters.
const MAX_BYTES: usize = 60_000;
/// What is kept for the note about what was left out.
const RESERVED: usize = 400;
/// How many servers the table has.
const ROWS: usize = 100;
/// How many subjects of one story are named.
const NAMED: usize = 5;
/// The longest text of one code span, in characters.
const SPAN: usize = 600;
/// The longest fenced text, in characters.
const FENCED: usize = 4_000;
/// How many packages a closure's change lists.
const LISTED: usize = 100;

/// The report as Markdown, ending in a newline; what needs a decision first.
pub fn markdown(report: &Report) -> String {
    let mut page = Page::default();
    let verdict = report.verdict();
    page.block(&format!("## mcpsec {}: {verdict}\n", report.command));
    page.block(&sentence(report));
    page.block(&table(report));
    let mut groups = standing::of_report(report);
    // Stable: the project first, then servers of one verdict in the order of the lock.
    groups
        .sort_by_key(|(server, items)| std::cmp::Reverse(server.map_or_else(|| worst(items), |server| server.verdict)));
    for (server, items) in &groups {
        let quiet = items.iter().all(|item| item.standing >= Standing::Tolerated);
        if quiet && server.is_none_or(|server| server.drift.changes.is_empty() && server.closure.is_empty()) {
            continue;
        }
        let name = server.map(|server| server.name.as_str());
        let title = server.map_or_else(|| "the project".to_owned(), |server| code(server.name.as_str(), SPAN));
        let verdict = server.map_or_else(|| worst(items), |server| server.verdict);
        page.block(&format!("### {title}: {verdict}\n"));
        for section in items.chunk_by(|a, b| a.standing.is_like(b.standing)) {
            stories(&mut page, section, report.command, name);
        }
        if let Some(server) = server {
            page.block(&closure(&server.closure));
        }
    }
    page.finish(report.command)
}

fn worst(items: &[Item<'_>]) -> Verdict {
    items.iter().map(|item| item.standing.verdict()).max().unwrap_or(Verdict::Pass)
}

/// Blocks, as long as there is room.
#[derive(Default)]
struct Page {
    text: String,
    left_out: usize,
}

impl Page {
    /// Adds a block and an empty line after it, or counts it.
    fn block(&mut self, block: &str) {
        if block.is_empty() {
            return;
        }
        let block = inert(block);
        if self.text.len() + block.len() + 1 > MAX_BYTES - RESERVED {
            self.left_out += 1;
            return;
        }
        self.text.push_str(&block);
        self.text.push('\n');
    }

    fn finish(mut self, command: &str) -> String {
        if self.left_out > 0 {
            let blocks = amount(self.left_out, "parts");
            self.text.push_str(&format!(
                "_{blocks} of this report left out for length; `mcpsec {command} --format json` has everything._\n"
            ));
        }
        format!("{}\n", self.text.trim_end())
    }
}

/// How it went, in one sentence.
fn sentence(report: &Report) -> String {
    let counts: Vec<String> = [Verdict::Deny, Verdict::Incomplete, Verdict::Pass]
        .into_iter()
        .filter_map(|verdict| {
            let n = report.servers.iter().filter(|server| server.verdict == verdict).count();
            (n > 0).then(|| format!("{n} {verdict}"))
        })
        .collect();
    let servers = amount(report.servers.len(), "servers");
    let servers = if counts.is_empty() { servers } else { format!("{servers}: {}", counts.join(", ")) };
    match report.verdict() {
        Verdict::Pass => format!("**The gate says yes.** {servers}.\n"),
        Verdict::Deny => format!("**The gate says no.** {servers}. What is denied comes first.\n"),
        Verdict::Incomplete => {
            format!("**Something that the policy requires could not be checked.** {servers}.\n")
        }
    }
}

fn table(report: &Report) -> String {
    if report.servers.is_empty() {
        return String::new();
    }
    let mut servers: Vec<&ServerReport> = report.servers.iter().collect();
    servers.sort_by_key(|server| std::cmp::Reverse(server.verdict));
    let mut out = String::from(
        "| server | version | verdict | denied | not checked | allowed | warned | drift |\n|---|---|---|---|---|---|---|---|\n",
    );
    for server in servers.iter().take(ROWS) {
        let items = standing::of_server(server);
        let count = |wanted: fn(&Standing<'_>) -> bool| items.iter().filter(|item| wanted(&item.standing)).count();
        let version =
            server.version.as_deref().map_or_else(|| "not locked".to_owned(), |version| cell(&code(version, 80)));
        out.push_str(&format!(
            "| {} | {version} | {} | {} | {} | {} | {} | {} |\n",
            cell(&code(server.name.as_str(), 80)),
            server.verdict,
            count(|standing| matches!(standing, Standing::Denied)),
            count(|standing| matches!(standing, Standing::Required | Standing::Tolerated)),
            count(|standing| matches!(standing, Standing::Allowed(_))),
            count(|standing| matches!(standing, Standing::Warned)),
            server.drift.level(),
        ));
    }
    if let Some(more) = servers.len().checked_sub(ROWS).filter(|more| *more > 0) {
        out.push_str(&format!("\nand {more} more, none of them worse\n"));
    }
    out
}

/// One section: what has the same standing.
fn stories(page: &mut Page, section: &[Item<'_>], command: &str, server: Option<&str>) {
    let Some(first) = section.first() else { return };
    let plain: Vec<&Item<'_>> = section.iter().filter(|item| !matches!(item.what, What::Change(_))).collect();
    let stories = fold::items(&plain, command, server);
    let heading = first.standing.heading();
    if matches!(first.standing, Standing::Tolerated | Standing::Noted) {
        let words = amount(section.len(), "things");
        page.block(&format!("{}: {words}\n", capital(heading)));
        return;
    }
    page.block(&format!("**{}**\n", capital(heading)));
    for story in &stories {
        page.block(&tell(story));
    }
    let changes = section
        .iter()
        .filter_map(|item| if let What::Change(change) = item.what { Some((item, change)) } else { None });
    for (item, change) in changes {
        page.block(&drift(item, change, command, server));
    }
}

fn tell(story: &Story<'_>) -> String {
    let item = story.first;
    let word = match (item.what, item.source) {
        (What::Check(result), _) => result.status.as_str(),
        (What::Finding(finding), _) => finding.severity().as_str(),
        (What::Change(_) | What::Nothing, Source::Rule(rule)) => rule.severity().as_str(),
        (What::Change(_) | What::Nothing, _) => "unexplained",
    };
    let mut named: Vec<String> = story.subjects.iter().take(NAMED).map(|subject| code(subject, 200)).collect();
    if let Some(more) = story.subjects.len().checked_sub(NAMED).filter(|more| *more > 0) {
        named.push(format!("and {more} more"));
    }
    let mut out = format!("- **{word} {}** {}\n", item.source.id(), named.join(", "));
    let mut line = |text: String| out.push_str(&format!("  <br>{text}\n"));
    line(code(item.message(), SPAN));
    if let Some(place) = item.project_place().or(item.package_place()) {
        line(format!("at {}", code(&format!("{}:{}", place.file, place.line), 300)));
    }
    if let Some(evidence) = item.evidence() {
        line(format!("evidence: {}", code(evidence.raw(), SPAN)));
    }
    if let Standing::Allowed(by) = item.standing {
        line(code(&standing::allowed(by), SPAN));
    }
    if let (Some(key), Standing::Denied | Standing::Required) = (item.key, item.standing) {
        line(format!("policy: {}", code(key, 200)));
    }
    if let Some(help) = story.help.as_deref().filter(|_| item.standing <= Standing::Required) {
        line(format!("next: {}", code(help, SPAN)));
    }
    out
}

/// One change of what the server tells the model, with its exact words.
fn drift(item: &Item<'_>, change: &Change, command: &str, server: Option<&str>) -> String {
    let mut out = format!(
        "- **{} drift** {}: {}\n",
        change.level,
        code(change.subject.as_str(), 200),
        code(&change.message, SPAN)
    );
    if let Standing::Allowed(by) = item.standing {
        out.push_str(&format!("  <br>{}\n", code(&standing::allowed(by), SPAN)));
    }
    if let Some(next) = item.next(command, server) {
        out.push_str(&format!("  <br>next: {}\n", code(&next, SPAN)));
    }
    if change.level > DriftLevel::Cosmetic {
        let lines = crate::drift::plain(change, FENCED);
        if !lines.is_empty() {
            out.push_str(&format!("\n{}", indented(&fenced("text", &lines))));
        }
    }
    out
}

/// How the closure changed, folded.
fn closure(change: &ClosureChange) -> String {
    if change.is_empty() {
        return String::new();
    }
    let gone = change.removed.iter().map(|id| format!("- {id}"));
    let new = change.added.iter().map(|id| format!("+ {id}"));
    let changed = change.changed.iter().map(|(before, after)| format!("! {before} -> {after}"));
    let lines: Vec<String> = gone.chain(new).chain(changed).map(|line| Untrusted::new(line).excerpt(300)).collect();
    let mut text = lines.iter().take(LISTED).map(|line| format!("{line}\n")).collect::<String>();
    if let Some(more) = lines.len().checked_sub(LISTED).filter(|more| *more > 0) {
        text.push_str(&format!("and {more} more\n"));
    }
    format!(
        "<details><summary>closure: {} added, {} removed, {} changed</summary>\n\n{}\n</details>\n",
        change.added.len(),
        change.removed.len(),
        change.changed.len(),
        fenced("diff", &text)
    )
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

/// A text as a code span (CommonMark §6.1): on one line, hidden characters escaped, delimited by more backticks than it has
/// in a row, and never empty.
fn code(text: &str, max: usize) -> String {
    let shown = Untrusted::new(escape(text)).excerpt(max);
    let shown = if shown.trim().is_empty() { "(nothing)".to_owned() } else { shown };
    let ticks = "`".repeat(longest_run(&shown, '`') + 1);
    // The space at either end is taken off again; without it a backtick at an end would belong to the delimiter.
    format!("{ticks} {shown} {ticks}")
}

/// A code span in a table, where only a pipe ends a cell (GFM, tables), even in a code span.
fn cell(span: &str) -> String {
    span.replace('|', "\\|")
}

/// A fenced block (CommonMark §4.5) of lines that were escaped one by one; its fence is longer than any run of tildes or
/// backticks in it.
fn fenced(language: &str, lines: &str) -> String {
    let run = longest_run(lines, '`').max(longest_run(lines, '~')).max(2);
    let fence = "~".repeat(run + 1);
    let end = if lines.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{lines}{end}{fence}\n")
}

/// A block inside a list item.
fn indented(block: &str) -> String {
    block.lines().map(|line| format!("  {line}\n")).collect()
}

fn longest_run(text: &str, of: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == of { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_fences_hold_whatever_is_in_them() {
        assert_eq!(code("a", 10), "` a `");
        assert_eq!(code("`` ` ```", 20), "```` `` ` ``` ````");
        assert_eq!(code("", 10), "` (nothing) `");
        assert_eq!(code("a\nb\u{202e}", 20), "` a\\nb\\u{202e} `");
        assert_eq!(cell(&code("a|b", 10)), "` a\\|b `");
        assert_eq!(fenced("text", "a\n~~~~\nb"), "~~~~~text\na\n~~~~\nb\n~~~~~\n");
    }
}
