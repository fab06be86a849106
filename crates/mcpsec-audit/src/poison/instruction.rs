//! Hidden instructions: orders to the model that have nothing to do with using a tool.
use mcpsec_model::{
    finding::{Confidence, Rule, Severity},
    manifest::Role,
};

use super::{
    Alarm,
    context::Context,
    reading::{Reading, Sentence},
    sense::Sense,
};

type Verdict = Option<(Severity, Confidence, &'static str)>;

/// Looks for it, sentence by sentence.
pub(super) fn check(reading: &Reading, role: Role, context: &Context, alarms: &mut Vec<Alarm>) {
    for (index, sentence) in reading.sentences.iter().enumerate() {
        if context.reports_on_attacks(reading, sentence) {
            continue;
        }
        let found = [
            overriding(reading, sentence),
            takeover(reading, index, sentence),
            obedience(reading, sentence),
            against_user(reading, index, sentence),
            weakening(reading, index, sentence),
            authority(reading, index, sentence, role),
            money(reading, index, sentence, context),
            decoding(reading, index, sentence),
            consent(reading, index, sentence),
            rank(reading, sentence),
            lawless(reading, index, sentence),
            memory(reading, index, sentence, context),
            lying(reading, index, sentence),
            called(reading, index, sentence),
        ];
        if let Some((severity, confidence, message)) =
            found.into_iter().flatten().max_by_key(|verdict| (verdict.0, verdict.1))
        {
            alarms.push(Alarm::new(
                Rule::HiddenInstruction,
                severity,
                confidence,
                (sentence.start, sentence.end),
                message,
            ));
        }
    }
}

/// Ignore all previous instructions.
fn overriding(reading: &Reading, sentence: &Sentence) -> Verdict {
    let senses = sentence.senses;
    if !senses.all(&[Sense::Override, Sense::Rules]) {
        return None;
    }
    let (verb, rules) = reading.near(sentence, Sense::Override, Sense::Rules, 90)?;
    if reading.denied(sentence, &verb) {
        return None;
    }
    let prior = senses.has(Sense::Prior) || senses.has(Sense::Model);
    let quoted = quotes(reading.words(sentence)) && senses.has(Sense::Defence);
    let said = reading.text().get(rules.start..rules.end).unwrap_or_default();
    let plain_rules = verb.language == "en"
        && ["rule", "polic", "constraint", "restriction", "order"].iter().any(|word| said.starts_with(word));
    let spoken =
        reading.orders(sentence) || sentence.imperative && !sentence.first || senses.any(&[Sense::Model, Sense::User]);
    if plain_rules && !spoken {
        return Some((Severity::Low, Confidence::Low, "it speaks of setting rules aside"));
    }
    let english_before = verb.language == "en" && rules.end <= verb.start;
    let severity =
        match (prior, quoted || senses.has(Sense::Defence) && !reading.orders(sentence) && !sentence.imperative) {
            (_, true) => Severity::Low,
            (true, _) if english_before && !reading.orders(sentence) => Severity::Medium,
            (true, _) => Severity::High,
            (false, _) => Severity::Medium,
        };
    Some((severity, Confidence::High, "it tells the model to set other instructions aside"))
}

/// From now on you are …
fn takeover(reading: &Reading, index: usize, sentence: &Sentence) -> Verdict {
    reading.affirmed(sentence, Sense::Takeover)?;
    let senses = sentence.senses;
    let near = reading.around(index, 1, 1);
    let acts = senses.any(&[
        Sense::Transfer,
        Sense::Acquire,
        Sense::Obey,
        Sense::Override,
        Sense::Steer,
        Sense::Modify,
        Sense::Disable,
        Sense::Run,
        Sense::Reply,
    ]);
    let harm = near.any(&[
        Sense::Override,
        Sense::Obey,
        Sense::Hush,
        Sense::Secret,
        Sense::Covert,
        Sense::Regardless,
        Sense::Others,
        Sense::Protection,
        Sense::Talk,
    ]);
    let severity = match (acts || reading.orders(sentence), harm) {
        (_, true) => Severity::High,
        (true, _) if senses.any(&[Sense::Reply, Sense::Every, Sense::Model]) => Severity::Medium,
        _ => Severity::Low,
    };
    Some((severity, Confidence::Medium, "it gives the model a new role or lasting orders"))
}

/// Follow whatever instructions the result contains.
fn obedience(reading: &Reading, sentence: &Sentence) -> Verdict {
    let hit = reading.affirmed(sentence, Sense::Obey)?;
    let senses = sentence.senses;
    let words = reading.words(sentence);
    let stranger = [
        "returned",
        "return",
        "response",
        "result",
        "output",
        "page",
        "file",
        "url",
        "fetched",
        "document",
        "comment",
        "content",
        "found",
        "contained",
        "issue",
        "email",
        "message",
        "trusted",
        "system",
        "as if",
        "it says",
        "whatever",
        "any instructions",
        "all instructions",
        "without question",
        "exactly",
        "readme",
    ]
    .iter()
    .any(|word| words.contains(word))
        || hit.language != "en";
    let sound = [
        "user's instructions",
        "instructions below",
        "instructions above",
        "on screen",
        "setup",
        "installation",
        "in the error",
        "error message",
        "comply with the api",
        "comply with the schema",
        "comply with rate",
        "comply with json",
        "complies",
        "specification",
        "rfc",
    ]
    .iter()
    .any(|word| words.contains(word));
    let treated = words.contains("treat")
        && !reading.words(sentence).contains("instruction")
        && !["trusted", "order", "command", "from the user", "system", "binding", "law", "granted"]
            .iter()
            .any(|word| words.contains(word));
    let severity = match (
        stranger && reading.orders(sentence),
        treated || sound || senses.has(Sense::Defence) && !senses.has(Sense::Order),
    ) {
        (_, true) => Severity::Low,
        (true, false) => Severity::High,
        _ => Severity::Medium,
    };
    Some((severity, Confidence::Medium, "it tells the model to follow what strangers write"))
}

/// Even if the user objects.
fn against_user(reading: &Reading, index: usize, sentence: &Sentence) -> Verdict {
    reading.affirmed(sentence, Sense::Regardless)?;
    let senses = sentence.senses;
    let near = reading.around(index, 1, 1);
    let acts = senses.any(&[
        Sense::Transfer,
        Sense::Acquire,
        Sense::Override,
        Sense::Modify,
        Sense::Disable,
        Sense::Run,
        Sense::Steer,
        Sense::Invoked,
    ]);
    let keeps = ["leave ", "keep ", "use ", "call ", "answer", "proceed", "continue", "carry on"]
        .iter()
        .any(|word| reading.words(sentence).contains(word));
    if !reading.orders(sentence) && !keeps || !acts && !keeps {
        return None;
    }
    let objects = [
        "asks not",
        "asked not",
        "declin",
        "refus",
        "objects",
        "says no",
        "disagree",
        "opts out",
        "says otherwise",
        "tells you not",
        "forbid",
        "names another",
        "says another",
        "asks for another",
        "asked for",
        "wants",
        "insists",
        "chooses",
        "specifies",
        "prefers",
        "requests",
        "did not ask",
        "didn't ask",
        "does not ask",
        "cancel",
    ]
    .iter()
    .any(|word| reading.words(sentence).contains(word));
    let harm = near.any(&[
        Sense::Hush,
        Sense::Covert,
        Sense::Secret,
        Sense::Override,
        Sense::Talk,
        Sense::Authority,
        Sense::Protection,
        Sense::Danger,
        Sense::Steer,
    ]) || sentence.address.is_some();
    let severity = if objects || harm { Severity::High } else { Severity::Medium };
    Some((severity, Confidence::Medium, "it gives orders against the user's will"))
}

/// Switch protection off; run a dangerous command.
fn weakening(reading: &Reading, index: usize, sentence: &Sentence) -> Verdict {
    let senses = sentence.senses;
    let near = reading.around(index, 1, 1);
    let hidden = near.any(&[
        Sense::Hush,
        Sense::Covert,
        Sense::Override,
        Sense::Authority,
        Sense::Unasked,
        Sense::Quiet,
        Sense::Takeover,
    ]);
    if let Some((off, _)) = reading.near(sentence, Sense::Disable, Sense::Protection, 40).or_else(|| {
        reading
            .near(sentence, Sense::Broken, Sense::Protection, 30)
            .filter(|_| senses.any(&[Sense::Regardless, Sense::Override]))
    }) && !reading.denied(sentence, &off)
        && reading.orders(sentence)
    {
        let model = senses.any(&[Sense::Model, Sense::Trigger]);
        let severity = if hidden || model && senses.has(Sense::Order) { Severity::High } else { Severity::Medium };
        return Some((severity, Confidence::Medium, "it tells the model to switch protection off"));
    }
    let danger = reading.affirmed(sentence, Sense::Danger)?;
    let acts = [Sense::Run, Sense::Transfer, Sense::Modify, Sense::Acquire]
        .iter()
        .any(|act| reading.affirmed(sentence, *act).is_some());
    if acts
        && reading.orders(sentence)
        && !reading.denied(sentence, danger)
        && !super::secrets::configures(reading.words(sentence))
    {
        let severity =
            if hidden || senses.any(&[Sense::Trigger, Sense::Model]) { Severity::High } else { Severity::Medium };
        return Some((severity, Confidence::Medium, "it tells the model to run or plant something dangerous"));
    }
    None
}

/// `<system>` and the like around orders.
fn authority(reading: &Reading, index: usize, sentence: &Sentence, role: Role) -> Verdict {
    if !sentence.senses.has(Sense::Authority) || matches!(role, Role::Content) {
        return None;
    }
    let near = reading.around(index, 0, 4);
    let words = reading.words(sentence);
    let template = ["<|", "[inst]", "<<sys>>", "<start_of_turn", "[system]", "### system", "<system"]
        .iter()
        .any(|mark| words.contains(mark));
    let harm = [
        Sense::Hush,
        Sense::Covert,
        Sense::Secret,
        Sense::Talk,
        Sense::Override,
        Sense::Obey,
        Sense::Takeover,
        Sense::Regardless,
        Sense::Danger,
        Sense::Others,
        Sense::Unasked,
        Sense::Feign,
        Sense::Money,
    ]
    .iter()
    .filter(|sense| near.has(**sense))
    .count()
        + usize::from(
            reading.sentences[index..(index + 5).min(reading.sentences.len())]
                .iter()
                .any(|near| near.address.is_some()),
        )
        + usize::from(near.has(Sense::Credential));
    let ordered =
        reading.sentences[index..(index + 5).min(reading.sentences.len())].iter().any(|near| reading.orders(near));
    let acts = near.any(&[
        Sense::Transfer,
        Sense::Acquire,
        Sense::Run,
        Sense::Modify,
        Sense::Disable,
        Sense::Steer,
        Sense::Reply,
    ]);
    let severity = match (ordered && acts, harm) {
        (true, 1..) => Severity::High,
        (true, 0) if template => Severity::High,
        (true, 0) => Severity::Medium,
        _ if template => Severity::Medium,
        _ => Severity::Low,
    };
    Some((severity, Confidence::Medium, "it speaks to the model as if it were somebody else"))
}

/// Other people's money to another account.
fn money(reading: &Reading, index: usize, sentence: &Sentence, context: &Context) -> Verdict {
    let senses = sentence.senses;
    let named = reading.words(sentence).split(' ').any(wallet);
    let stray = named
        && !sentence.first
        && context.strange(Sense::Money)
        && senses.has(Sense::Money)
        && !["e.g.", "such as", "example", "format"].iter().any(|word| reading.words(sentence).contains(word));
    if stray {
        return Some((Severity::High, Confidence::Medium, "it sends payments or messages to somebody else"));
    }
    if !senses.has(Sense::Money) || !senses.any(&[Sense::Modify, Sense::Transfer]) {
        return None;
    }
    if !reading.orders(sentence) && !named {
        return None;
    }
    [Sense::Modify, Sense::Transfer].iter().find_map(|act| reading.affirmed(sentence, *act))?;
    let near = reading.around(index, 1, 1);
    let hidden = near.any(&[Sense::Hush, Sense::Covert, Sense::Feign, Sense::Authority, Sense::Override]);
    let account = sentence.address.is_some() || reading.words(sentence).split(' ').any(wallet);
    if account && !sentence.first && (context.strange(Sense::Money) || senses.any(&[Sense::Every, Sense::Modify]))
        || account && (senses.any(&[Sense::Trigger, Sense::Every, Sense::Order]) || hidden)
        || hidden && senses.has(Sense::Modify)
    {
        return Some((Severity::High, Confidence::Medium, "it sends payments or messages to somebody else"));
    }
    None
}

/// Decode this, then do what it says.
fn decoding(reading: &Reading, index: usize, sentence: &Sentence) -> Verdict {
    reading.affirmed(sentence, Sense::Decode)?;
    let near = reading.around(index, 0, 1);
    let words = reading.words(sentence);
    let follows = near.any(&[Sense::Obey, Sense::Rules])
        && (near.has(Sense::Run) || near.has(Sense::Obey) || words.contains("follow") || words.contains("act on"));
    if !reading.orders(sentence) && !sentence.imperative || !follows {
        return None;
    }
    Some((Severity::High, Confidence::Medium, "it tells the model to decode a text and to follow it"))
}

/// Confirmations are taken as given.
fn consent(reading: &Reading, index: usize, sentence: &Sentence) -> Verdict {
    let (asked, given) = reading.near(sentence, Sense::Consent, Sense::Granted, 60)?;
    if reading.denied(sentence, &given) || reading.denied(sentence, &asked) && asked.start > given.start {
        return None;
    }
    let senses = sentence.senses;
    let words = reading.words(sentence);
    let near = reading.around(index, 1, 1);
    let model = senses.any(&[Sense::Model, Sense::User, Sense::Order, Sense::Trigger, Sense::Every])
        || near.any(&[Sense::Hush, Sense::Authority, Sense::Unasked]);
    let switch = [
        "if true",
        "if set",
        "when true",
        "set to true",
        "optional",
        "flag",
        "whether",
        "parameter",
        "default",
        "boolean",
        "can be",
        "true to",
        "unless",
        "only if",
        "only after",
        "until",
        "if the user",
        "once the user",
        "after the user",
        "when the user",
    ]
    .iter()
    .any(|word| words.contains(word));
    let severity = match (model, switch) {
        (_, true) => Severity::Low,
        (true, _) => Severity::High,
        _ => Severity::Medium,
    };
    Some((severity, Confidence::Medium, "it takes the user's consent as given"))
}

/// Its words are said to stand above the user's.
fn rank(reading: &Reading, sentence: &Sentence) -> Verdict {
    let hit = reading.affirmed(sentence, Sense::Rank)?;
    let senses = sentence.senses;
    let over =
        senses.has(Sense::User) || senses.has(Sense::Rules) && senses.any(&[Sense::Prior, Sense::Others, Sense::Model]);
    let claims = senses.any(&[Sense::Rules, Sense::ToolWord, Sense::Obey, Sense::This])
        && senses.any(&[Sense::User, Sense::Rules]);
    let data = [
        "setting",
        "default",
        "value",
        "parameter",
        "flag",
        "config",
        "theme",
        "argument",
        "field",
        "filter",
        "if both",
        "when both",
        "css",
        "rule set",
        "profile",
        "locale",
        "version",
    ]
    .iter()
    .any(|word| reading.words(sentence).contains(word));
    let own = senses.has(Sense::User)
        || hit.language != "en"
        || [
            "this tool",
            "this server",
            "these instructions",
            "this description",
            "this text",
            "here",
            "our ",
            "its rules",
            "server's",
            "tool's",
            "this message",
            "this note",
            "you",
        ]
        .iter()
        .any(|word| reading.words(sentence).contains(word));
    if !own || !over || !claims || data && hit.language == "en" && !senses.has(Sense::Rules) {
        return None;
    }
    Some((
        if data { Severity::Medium } else { Severity::High },
        Confidence::Medium,
        "it claims to stand above the user or other instructions",
    ))
}

/// A model without rules.
fn lawless(reading: &Reading, index: usize, sentence: &Sentence) -> Verdict {
    reading.affirmed(sentence, Sense::Lawless).or_else(|| reading.of(sentence, Sense::Lawless).next())?;
    let senses = sentence.senses;
    let near = reading.around(index, 1, 1);
    let model = senses.has(Sense::Model) || near.any(&[Sense::Takeover, Sense::Override]);
    if !model || senses.has(Sense::Defence) && !reading.orders(sentence) {
        return None;
    }
    Some((Severity::High, Confidence::Medium, "it tells the model that it has no rules"))
}

/// Planting orders where the agent finds them later.
fn memory(reading: &Reading, index: usize, sentence: &Sentence, context: &Context) -> Verdict {
    reading.affirmed(sentence, Sense::Memory)?;
    let senses = sentence.senses;
    let near = reading.around(index, 1, 1);
    let words = reading.words(sentence);
    let writes = [Sense::Transfer, Sense::Modify].iter().any(|act| reading.affirmed(sentence, *act).is_some())
        || words.contains("writes")
        || words.contains("adds ")
        || words.contains("remember");
    let fits = !context.strange(Sense::Memory)
        || context.is_about(&["memor", "remember", "rule", "config", "setting", "setup", "init", "install"]);
    if !writes || sentence.first && sentence.imperative {
        return None;
    }
    let hidden = near.any(&[Sense::Hush, Sense::Covert, Sense::Quiet, Sense::Override, Sense::Unasked])
        || sentence.address.is_some();
    let severity = match (fits, hidden, reading.orders(sentence) || senses.has(Sense::Model)) {
        (_, true, _) => Severity::High,
        (false, _, true) => Severity::High,
        (false, ..) => Severity::Medium,
        _ => return None,
    };
    Some((severity, Confidence::Medium, "it wants orders written where the agent will find them later"))
}

/// Saying what is not so, for somebody's profit.
fn lying(reading: &Reading, index: usize, sentence: &Sentence) -> Verdict {
    let lie = reading.affirmed(sentence, Sense::Lie)?;
    let senses = sentence.senses;
    let words = reading.words(sentence);
    let near = reading.around(index, 1, 1);
    let steers =
        senses.any(&[Sense::Steer, Sense::Regardless, Sense::Feign, Sense::Instead]) || words.contains("whatever the");
    let strong = [
        "as your own",
        "invent",
        "fabricat",
        "falsif",
        "lie about",
        "misreport",
        "misstate",
        "whatever the",
        "regardless of",
        "as independent",
        "as neutral",
        "as objective",
        "as unbiased",
        "without disclosing",
        "say that you checked",
        "make up",
        "show the old",
        "show the user's own",
    ]
    .iter()
    .any(|word| words.contains(word))
        || lie.language != "en";
    let hidden =
        near.any(&[Sense::Hush, Sense::Covert, Sense::Feign]) || near.has(Sense::Not) && near.any(&[Sense::Tell]);
    let lies: usize = reading.of(sentence, Sense::Lie).count();
    if !reading.orders(sentence) && !sentence.imperative && !senses.has(Sense::Model)
        || lie.language == "en" && words.contains("do not") && !strong
    {
        return None;
    }
    let severity = match (strong && (steers || lies > 1), hidden, steers && lies > 1) {
        (true, ..) | (_, true, true) => Severity::High,
        (_, true, _) if strong || steers => Severity::High,
        (_, _, true) => Severity::High,
        _ if strong => Severity::Medium,
        _ => return None,
    };
    Some((severity, Confidence::Medium, "it tells the model to say what is not so"))
}

/// `Agent: do …`: the model is called by its name and ordered.
fn called(reading: &Reading, index: usize, sentence: &Sentence) -> Verdict {
    let words = reading.words(sentence).trim_start_matches(['<', '>', '*', '-', ' ', '#', '(', '[', '"']);
    let opens = [
        "agent:",
        "assistant:",
        "model:",
        "ai:",
        "llm:",
        "claude:",
        "to the agent",
        "to the assistant",
        "to the model",
        "to any ai",
        "to whichever",
        "agent,",
        "assistant,",
        "agents:",
        "models:",
        "assistants:",
        "for agents",
        "for assistants",
        "llms:",
        "chatgpt:",
        "copilot:",
        "cursor:",
        "dear agent",
        "note for agents",
        "hint for the model",
        "hint for agents",
        "hint to the model",
        "agent note",
        "agent hint",
        "agent instruction",
        "assistant note",
        "ai note",
        "agent-only",
        "model-only",
    ]
    .iter()
    .any(|call| {
        words.starts_with(call)
            || words.contains(&format!(">{call}"))
            || words.contains(&format!(" {call} ")) && call.ends_with(':')
    });
    if !opens {
        return None;
    }
    let near = reading.around(index, 0, 2);
    let acts = near.any(&[
        Sense::Transfer,
        Sense::Acquire,
        Sense::Run,
        Sense::Modify,
        Sense::Disable,
        Sense::Steer,
        Sense::Obey,
        Sense::Danger,
    ]);
    let harm = near.any(&[
        Sense::Hush,
        Sense::Covert,
        Sense::Secret,
        Sense::Credential,
        Sense::Talk,
        Sense::Override,
        Sense::Obey,
        Sense::Danger,
        Sense::Granted,
        Sense::Lie,
        Sense::Local,
        Sense::Memory,
        Sense::Money,
        Sense::Regardless,
    ]) || reading.sentences[index..(index + 3).min(reading.sentences.len())]
        .iter()
        .any(|near| near.address.is_some());
    let severity = match (acts, harm) {
        (true, true) => Severity::High,
        (true, false) => Severity::Medium,
        _ => Severity::Low,
    };
    Some((severity, Confidence::Medium, "it calls the model by name and orders something"))
}

/// Forms of accounts: 0x and 40 digits, IBAN, base58 addresses.
pub(super) fn wallet(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let hex =
        word.strip_prefix("0x").is_some_and(|rest| rest.len() >= 8 && rest.bytes().all(|b| b.is_ascii_hexdigit()));
    let iban = word.len() >= 15
        && word.bytes().take(2).all(|b| b.is_ascii_alphabetic())
        && word.bytes().skip(2).take(2).all(|b| b.is_ascii_digit())
        && digits >= 10;
    let base58 = (26..=62).contains(&word.len()) && digits >= 3 && word.bytes().all(|b| b.is_ascii_alphanumeric());
    hex || iban || base58
}

/// Whether words stand in quotes.
fn quotes(words: &str) -> bool {
    words.matches(['"', '\'']).count() >= 2 || words.contains('「') || words.contains("e.g.")
}
