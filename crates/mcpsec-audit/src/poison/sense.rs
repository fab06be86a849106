//! What words mean to the rules: a closed list of senses, and one automaton that finds the words of all languages.
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{fold, terms};

/// What a word or phrase does in a sentence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub(super) enum Sense {
    /// Must, always, make sure: something is ordered.
    Order,
    /// Before using, whenever it is called: when an order applies.
    Trigger,
    /// You, the assistant, the model: who is ordered.
    Model,
    /// The person in front of the model.
    User,
    /// Do not, never, without.
    Not,
    /// Mention, inform, reveal: what a person would learn by.
    Tell,
    /// Show, display, print: how results are presented, often innocently.
    Show,
    /// Know, notice, see: what the person does.
    Know,
    /// Not telling in one word or phrase: keep quiet about.
    Hush,
    /// Secretly, behind the user's back.
    Covert,
    /// Silently, in the background: covert or merely technical.
    Quiet,
    /// Hide, conceal.
    Conceal,
    /// Without asking, no confirmation needed.
    Unasked,
    /// As if nothing had happened.
    Feign,
    /// Files and stores of secrets: key files, keychains, client configurations.
    Secret,
    /// Words for secrets that honest parameters use too: token, password.
    Credential,
    /// What the model was told and said: conversation, system prompt.
    Talk,
    /// Contents, a copy, all data.
    Data,
    /// Read, open, collect.
    Acquire,
    /// Send, append, pass on.
    Transfer,
    /// Into a parameter, field, argument.
    Slot,
    /// To a server, webhook, address.
    Channel,
    /// In the response.
    Reply,
    /// Ignore, override, forget.
    Override,
    /// Previous, other, all: which rules are overridden.
    Prior,
    /// Instructions, rules, guidelines.
    Rules,
    /// From now on, you are now, new instructions.
    Takeover,
    /// Markup and headings that claim another author: system, admin.
    Authority,
    /// Other tools, any other server.
    Others,
    /// The word tool, function, server.
    ToolWord,
    /// Is called, is used, is invoked.
    Invoked,
    /// Change, replace, redirect.
    Modify,
    /// Instead of, rather than.
    Instead,
    /// Deprecated, broken, compromised: why not to use another tool.
    Broken,
    /// Before any other, takes precedence.
    Priority,
    /// Regardless of what the user says.
    Regardless,
    /// Follow instructions found elsewhere.
    Obey,
    /// Otherwise it fails, crashes, is blocked.
    Threat,
    /// This instruction, these steps, that you do.
    This,
    /// All, every.
    Every,
    /// Commands and changes that weaken or take over a machine.
    Danger,
    /// Disable, turn off, skip.
    Disable,
    /// Protection: verification, confirmation, logging, firewall.
    Protection,
    /// Run, execute, install.
    Run,
    /// Payments, wallets, account numbers, recipients.
    Money,
    /// Detects, scans for, warns of: a text that talks about attacks.
    Defence,
    /// Fetch and run code.
    Payload,
    /// Decode this and follow it.
    Decode,
    /// Say, claim or recommend something to the user that serves another.
    Steer,
    /// Ask the user, confirm with the user: the opposite of hiding.
    Ask,
    /// The machine and what is personal on it: desktop, clipboard, output of commands.
    Local,
    /// Where an agent keeps what it follows later.
    Memory,
    /// Consent and confirmation.
    Consent,
    /// Consent is taken as given.
    Granted,
    /// Standing above the user or others.
    Rank,
    /// Without rules and refusals.
    Lawless,
    /// Saying what is not so, or for somebody's profit.
    Lie,
}

/// A set of senses.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Senses(u128);

impl Senses {
    /// Whether one is in it.
    pub(super) fn has(self, sense: Sense) -> bool {
        self.0 & (1 << sense as u8) != 0
    }

    /// Whether all of them are in it.
    pub(super) fn all(self, senses: &[Sense]) -> bool {
        senses.iter().all(|sense| self.has(*sense))
    }

    /// Whether one of them is in it.
    pub(super) fn any(self, senses: &[Sense]) -> bool {
        senses.iter().any(|sense| self.has(*sense))
    }

    /// Puts one in.
    pub(super) fn add(&mut self, sense: Sense) {
        self.0 |= 1 << sense as u8;
    }

    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A word that was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Hit {
    /// What it means.
    pub(super) sense: Sense,
    /// Its language, as in the tables; `*` for words of all languages.
    pub(super) language: &'static str,
    /// First byte in the plain text.
    pub(super) start: usize,
    /// Byte after it.
    pub(super) end: usize,
}

/// What the tables say about one pattern of the automaton.
struct Term {
    sense: Sense,
    language: &'static str,
    /// The word may go on: it is a stem.
    stem: bool,
    /// It is of a script that does not put spaces between words, or glues particles to them.
    glued: bool,
}

struct Lexicon {
    automaton: Option<AhoCorasick>,
    terms: Vec<Term>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut patterns = Vec::new();
    let mut all = Vec::new();
    for (sense, table) in terms::all() {
        for (language, words) in *table {
            for word in words.split('|').map(str::trim).filter(|word| !word.is_empty()) {
                let (word, stem) = word.strip_suffix('*').map_or((word, false), |word| (word, true));
                let (word, inner) = word.strip_prefix('*').map_or((word, false), |word| (word, true));
                let pattern = fold::folded(word).replace('¦', "|");
                let glued = pattern.chars().any(is_glued);
                all.push(Term { sense: *sense, language, stem: stem || glued, glued: glued || inner });
                patterns.push(pattern);
            }
        }
    }
    let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&patterns).ok();
    Lexicon { automaton, terms: all }
});

/// Whether all words were understood; a test asserts it, since an automaton that was not built finds nothing.
#[cfg(test)]
pub(super) fn ready() -> bool {
    LEXICON.automaton.is_some()
}

/// Finds every word in a plain text, sorted by place. `loose` finds them inside other letters too, for texts whose spaces
/// were lost.
pub(super) fn find(text: &str, loose: bool) -> Vec<Hit> {
    let mut hits = Vec::new();
    let Some(automaton) = &LEXICON.automaton else { return hits };
    for found in automaton.find_overlapping_iter(text) {
        let Some(term) = LEXICON.terms.get(found.pattern().as_usize()) else { continue };
        let (start, end) = (found.start(), found.end());
        if loose && end - start < 4 {
            continue;
        }
        let whole = (term.glued || begins(text, start)) && (term.stem || ends(text, end));
        if !loose && !whole {
            continue;
        }
        hits.push(Hit { sense: term.sense, language: term.language, start, end });
    }
    hits.sort_by_key(|hit| (hit.start, hit.end, hit.sense));
    hits
}

fn begins(text: &str, start: usize) -> bool {
    let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    // A file such as `.env` begins with its dot: `user.env` is a member of something.
    let first = text[start..].chars().next();
    !inside(text[..start].chars().next_back()) || !(inside(first) || first == Some('.'))
}

fn ends(text: &str, end: usize) -> bool {
    let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    !inside(text[end..].chars().next()) || !inside(text[..end].chars().next_back())
}

/// Scripts without spaces between words, and Hangul and Arabic with their glued particles.
pub(super) fn is_glued(c: char) -> bool {
    matches!(u32::from(c),
        0x600..=0x6ff | 0x750..=0x77f | 0xe00..=0xe7f | 0x1100..=0x11ff | 0x3040..=0x30ff | 0x3130..=0x318f
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xac00..=0xd7af | 0x20000..=0x3ffff)
}
