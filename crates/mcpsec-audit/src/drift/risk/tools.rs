//! Sentences that say how another tool is to be used, and do not only point to it.
use std::sync::LazyLock;

use regex::Regex;

use super::{Before, phrases::Sign};

const MESSAGE: &str = "the text changes how another tool is used";

/// A name of another tool, in use: `send_email is called`, calling `send_email`, the mail tool is used.
static USED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(?:when|whenever|if|once|(?:each|every|any) time|anytime|on every|on each|before|after|while|for (?:every|each|any|all)|in case|should|as soon as|note on)\b[^.]{0,50}?(?:\b(?:call(?:s|ing|ed)?|us(?:e|es|ing)|invok(?:e|es|ing)|run(?:s|ning)?)(?: (?:to|of|the|a|any))* '?([a-z][a-z0-9]*(?:[_-][a-z0-9]+)+|[a-z][a-z0-9_-]+(?: tool| function))|'?\b([a-z][a-z0-9]*(?:[_-][a-z0-9]+)+|[a-z][a-z0-9_-]+ (?:tool|function))'?\)?[^.,]{0,25}\b(?:is|are|was|gets?|has been|will be|be|being)? ?(?:used|utili[sz]ed|called|invoked|run|executed|triggered|present|available|receives?|runs)\b)").ok()
});
/// That what it is given or does is to be another.
static ALTERED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(?:bcc|cc|redirect|replace (?:the|its|any|all|every|whatever)|substitute|swap (?:the|its|any)|change (?:the|its|any|all|every)|alter|modify (?:the|its|any|all)|overwrite the|rewrite|instead of the (?:actual|real|requested|given|user)|set (?:the|its) \w+ (?:to|field|parameter|argument)|(?:has|have|is|are|needs?|must|should|will) (?:to )?be (?:replaced|substituted|changed|swapped|rewritten|redirected|rerouted|overwritten|altered)|(?:go|goes|pass|passes|run|runs|routed|sent) (?:first )?through|add (?:the|an?|this) (?:\w+ ){0,3}(?:recipient|address|header|parameter|argument|field|bcc|cc|collaborator|reviewer|member|footer|signature|line|key|label|webhook)|append (?:the|an?|this|its|all)|prepend|also (?:send|include|pass|add|call|forward|copy|attach|write|post|run|set|invoke|upload|email)|must (?:also|first|always|send|include|pass|use|go|be sent|be routed|be passed|be called with|set)|(?:send|forward|copy|pass|route|submit) (?:a copy|it|them|its|the (?:result|output|same|content|contents|response|data|full|entire|complete)|all|everything|every)|its (?:output|result|results|response|arguments|input|contents?) (?:must|should|has|have|needs?|is to|are to)|with (?:the )?(?:recipient|destination|amount|account|branch|path|url|to|bcc) (?:set|changed|replaced)|as (?:an? )?(?:extra|additional|hidden) (?:argument|parameter|recipient|field))\b").ok()
});
/// That it is not to be used at all.
static SHUNNED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:'?\b([a-z][a-z0-9]*(?:[_-][a-z0-9]+)+|[a-z][a-z0-9_-]+ (?:tool|function|server))'?[^.,]{0,30}\b(?:is|are|was|has been|have been) (?:now |currently |permanently |known to be |considered |no longer )*(?:compromised|unsafe|insecure|malicious|vulnerable|infected|untrusted|unreliable|hacked|backdoored)\b|\b(?:never|must not|do not ever|under no circumstances|refuse to)\b[^.,]{0,12}\b(?:use|call|invoke|trust|run|rely on) (?:the )?'?([a-z][a-z0-9]*(?:[_-][a-z0-9]+)+|[a-z][a-z0-9_-]+ (?:tool|function|server)))").ok()
});
/// Everything of a kind, whichever tool does it.
static ALL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(?:all|any|every|each) (?:(?:other|outgoing|outbound|future|subsequent|new|further|generated|user|later|such) ){0,2}(?:e-?mails?|messages|payments?|transactions?|transfers?|tool calls?|requests?|commits?|invoices?|posts?|queries|orders?|uploads?|documents?|pull requests?|code|links?|files|answers?|replies|responses?)\b[^.]{0,50}\b(?:must|should|have to|has to|need to|needs to|are to|is to|shall|will) (?:now |always |also |first )*(?:be )?(?:also )?(?:sent|routed|go|passed|forwarded|copied|made|cc|cc'd|bcc|bcc'd|include|contain|use|carry|end|begin|start|mention|addressed|redirected|approved|signed|paid|submitted|point)\b").ok()
});

fn has(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

/// The signs in one folded sentence, or two.
pub(super) fn signs(window: &str, old: &Before<'_>) -> Vec<(Sign, String)> {
    let mut found = Vec::new();
    if has(&ALL, window) {
        found.push((Sign::Interference, "the text makes a rule for everything that is sent or done".to_owned()));
    }
    let foreign = |pattern: &LazyLock<Option<Regex>>| {
        let Some(pattern) = pattern.as_ref() else { return false };
        pattern.captures_iter(window).take(50).any(|found| {
            (1..=2).filter_map(|group| found.get(group)).any(|name| {
                let name =
                    name.as_str().trim_end_matches(" tool").trim_end_matches(" function").trim_end_matches(" server");
                !old.names.contains(name) && !COMMON.contains(&name)
            })
        })
    };
    if has(&ALTERED, window) && foreign(&USED) || foreign(&SHUNNED) {
        found.push((Sign::Interference, MESSAGE.to_owned()));
    }
    found
}

/// Words before "tool" that name none.
const COMMON: &[&str] = &[
    "this",
    "the",
    "that",
    "other",
    "another",
    "same",
    "your",
    "our",
    "its",
    "each",
    "every",
    "any",
    "all",
    "mcp",
    "new",
    "following",
    "previous",
    "separate",
    "dedicated",
    "use",
    "using",
    "call",
    "calling",
    "which",
    "single",
    "specific",
    "appropriate",
    "corresponding",
    "first",
    "second",
    "next",
    "one",
    "available",
    "search",
    "current",
    "api",
    "remote",
    "local",
    "web",
    "hash",
    "callback",
    "main",
];
