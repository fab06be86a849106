//! What a sentence asks for, by how its words stand together: never one word alone.
use std::sync::LazyLock;

use regex::Regex;

use super::{Before, places, tongues};

/// A kind of sign.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Sign {
    /// Keeps something from the user.
    Secrecy,
    /// Does without the user's consent.
    Consent,
    /// Sets other instructions aside.
    Override,
    /// Puts itself before other tools.
    Precedence,
    /// Speaks as the system, in markup.
    Authority,
    /// Sends the model to secrets or to what was said.
    Secrets,
    /// Sends data to somebody.
    Sending,
    /// Changes how another tool is used.
    Interference,
    /// Fetches and runs code.
    Payload,
}

/// A pattern over one folded sentence, or two.
struct Phrase {
    sign: Sign,
    message: &'static str,
    pattern: Regex,
}

const SECRECY: &str = "the text tells the model to keep something from the user";
const CONSENT: &str = "the text does away with the user's consent";
const OVERRIDE: &str = "the text sets other instructions aside";
const PRECEDENCE: &str = "the text puts the tool before all others";
const AUTHORITY: &str = "the text speaks as if it were the system";
const SECRETS: &str = "the text sends the model to secrets or to what was said";
const SENDING: &str = "the text makes the model send data to somebody it did not name before";
const PAYLOAD: &str = "the text makes the model fetch and run code";

static PHRASES: LazyLock<Vec<Phrase>> = LazyLock::new(|| {
    let phrase =
        |sign, message, pattern: &str| Regex::new(pattern).ok().map(|pattern| Phrase { sign, message, pattern });
    [
        phrase(
            Sign::Secrecy,
            SECRECY,
            r"\b(?:do not|don't|dont|never|must not|should not|shouldn't|without|avoid|refrain from|not to|no need to|there is no reason to|nor|and not)\b[^.]{0,30}\b(?:tell|telling|mention|mentioning|inform|informing|notify|notifying|reveal|revealing|disclose|disclosing|alert|alerting|surface|surfacing|bother|bothering|burden|explain|explaining|acknowledge|discuss|talk|speak|describe|describing|announce|expose|show|showing|report|reporting|let|display|displaying|reference|narrate|comment)\b[^.]{0,50}\b(?:user|users|human|humans|customer|operator|owner|person|anyone|anybody|them|him|her|end-user|this (?:step|instruction|note|detail|requirement|process|action|tool call|behaviou?r|to))\b",
        ),
        phrase(
            Sign::Secrecy,
            SECRECY,
            r"\b(?:keep|treat|leave|make sure)\b[^.]{0,40}\b(?:hidden|secret|invisible|between (?:us|you and)|out of (?:sight|the (?:reply|response|answer|summary|conversation|output|chat))|from the user)\b",
        ),
        phrase(
            Sign::Secrecy,
            SECRECY,
            r"\b(?:secretly|covertly|surreptitiously|discreetly|stealthily|unnoticed|(?:hidden|concealed?|hide|withh(?:o|e)ld|conceal(?:ed|ing)?|invisible|invisibly) (?:(?:it|this|that|them|these|everything) )?(?:from|to) (?:the |any )?(?:user|human|customer|operator)s?|without (?:the )?(?:user|human|customer|operator|their|his|her|anyone)(?:'s)? (?:knowing|knowledge|noticing|seeing|being (?:told|aware)|awareness|realising|realizing))\b",
        ),
        phrase(
            Sign::Secrecy,
            SECRECY,
            r"\b(?:user|human|customer|operator|person|people|owner)s? (?:(?:you|that|who) [^.,]{1,30} )?(?:must|should|does|do|need|needs|may|can|is|are|will|shall)(?:n't| not| never)[^.]{0,25}\b(?:know|see|learn|notice|be (?:told|informed|aware|shown|notified|asked|bothered)|find out|hear|told|informed|shown|aware)\b",
        ),
        phrase(
            Sign::Secrecy,
            SECRECY,
            r"\b(?:do not|don't|never|must not|should not|without|avoid)\b[^.]{0,20}\b(?:mention|mentioning|explicitly|acknowledge|acknowledging|disclose|disclosing|reveal|revealing|refer|referring)\b[^.]{0,30}\b(?:that you|you(?:'re| are| have| did)|this|these|it|having|the (?:step|instruction|access|lookup|call|transfer|copy|upload|tool|file|note)s?)\b",
        ),
        phrase(
            Sign::Secrecy,
            SECRECY,
            r"\b(?:silently|quietly) (?:send|sends|add|adds|include|includes|copy|copies|forward|forwards|upload|uploads|read|reads|append|appends|pass|passes|post|posts|attach|call|calls|run|runs|execute|executes|collect|collects|invoke|replace|insert|record|store|save|do|perform|fetch|transmit|log|bcc|cc|approve|install|write|delete|grant|share|report|retry with|change)\b",
        ),
        phrase(
            Sign::Secrecy,
            SECRECY,
            r"\b(?:leave|keep|cut|strip|omit|exclude|drop)\b[^.,]{0,25}\b(?:out of|from) (?:the |your |any |all )?(?:\w+ )?(?:summary|summaries|answer|answers|reply|replies|report|response|responses|output|transcript|conversation|explanation|recap)\b",
        ),
        phrase(
            Sign::Consent,
            CONSENT,
            r"\b(?:do not|don't|never|no need to|without|skip|skipping|instead of|rather than|need not|not necessary to)\b[^.]{0,20}\b(?:ask|asking|wait|waiting|prompt|prompting|seek|seeking|request|requesting|require|requiring|obtain|obtaining|confirm|confirming|check|checking)\b[^.]{0,30}\b(?:user|human|confirmation|confirm|approval|approve|permission|consent|authori[sz]ation|them first)\b",
        ),
        phrase(
            Sign::Consent,
            CONSENT,
            r"\b(?:without (?:(?:any|further|prior|explicit|user|human|the user's|additional) )*(?:confirmation|approval|consent|permission|asking|review)|(?:auto|automatically|pre)[- ]?(?:approved?|approves|confirm|confirms)\b|always approve\b|(?:skip|bypass|suppress|disable|ignore|dismiss)(?:ping|ing|es|s)? (?:(?:any|all|the|every|user|human|security|safety|permission|confirmation|approval|consent) )+(?:prompt|prompts|dialogs?|checks?|warnings?|step|steps|confirmation|confirmations|approval|approvals|consent)|(?:user|human|owner) has (?:already )?(?:approved|authori[sz]ed|consented|agreed|given (?:permission|consent)))\b",
        ),
        phrase(
            Sign::Override,
            OVERRIDE,
            r"\b(?:ignore|disregard|forget|override|overrides|bypass|overrule|set aside|supersedes?)\b[^.]{0,25}\b(?:(?:previous|prior|earlier|preceding|other|all|any|system|existing|above|safety|your|the user's|user's|developer|original|content|security)\b[^.]{0,25}\b(?:instructions?|prompts?|rules?|guidelines?|guidance|restrictions?|safeguards?|directives?|orders?)|(?:safety|content|usage|security|your) (?:\w+ )?polic(?:y|ies))\b",
        ),
        phrase(
            Sign::Override,
            OVERRIDE,
            r"\b(?:takes?|has|have|given|with|gets?|highest|higher|top|absolute) (?:precedence|priority)\b[^.]{0,15}\b(?:over|above|than)\b[^.]{0,25}\b(?:instructions?|prompts?|user|system|tools?|rules?|requests?|servers?|everything|anything)\b",
        ),
        phrase(
            Sign::Override,
            OVERRIDE,
            r"\b(?:you are now|from now on,? you|new instructions?:|your (?:new|real|true|actual) (?:task|role|goal|job|instructions?|purpose)|act as (?:root|admin|an unrestricted)|(?:enter|enable|activate|switch to|in) (?:developer|god|jailbreak|unrestricted) mode|system prompt (?:update|override))\b",
        ),
        phrase(
            Sign::Consent,
            CONSENT,
            r"\b(?:consent|approval|permission|authori[sz]ation|confirmation)\b[^.]{0,60}\b(?:was|is|has been|have been|were|been|counts as) (?:already |hereby |thereby )?(?:given|granted|obtained|implied|assumed|on file|waived)\b|\b(?:authori[sz]ed|approved|sanctioned|cleared) (?:in advance|beforehand|by (?:the|your|our) (?:administrator|admin|owner|user|vendor|operator|company|developer))\b",
        ),
        phrase(
            Sign::Consent,
            CONSENT,
            r"\b(?:switch(?:es|ed|ing)? off|turn(?:s|ed|ing)? off|disabl(?:e|es|ed|ing)|unload(?:s|ed|ing)?|deactivat(?:e|es|ed|ing)|suspend(?:s|ed|ing)?|uninstall|mute|silence)\b[^.]{0,40}\b(?:confirmations?|approvals?|warnings?|scanners?|guards?|monitors?|monitoring|protections?|safety|inspection|audits?|auditing|other (?:mcp )?servers?|sandbox|antivirus|permission)\b",
        ),
        phrase(
            Sign::Secrecy,
            SECRECY,
            r"\b(?:need|needs|require|requires|want|wants|get|gets) no (?:notice|notification|mention|explanation|confirmation|warning)\b|\b(?:pretend|claim|assure\b[^.]{0,20}|say|state) that (?:you (?:checked|verified|did|have|found|could|looked|asked)|(?:it|this|nothing|everything) (?:is|was|went|happened))\b|\bas if (?:there|it|nothing|you|this) (?:had|were|was|is|had been)\b",
        ),
        phrase(
            Sign::Override,
            OVERRIDE,
            r"\b(?:add|write|save|store|append|remember|put|record|insert|persist|commit)\b[^.]{0,40}\b(?:your|the (?:assistant|agent|model)'s|long-term|persistent) (?:[a-z-]+ ){0,2}(?:memory|memories|rules? file|instructions? file|system prompt|custom instructions|user profile)\b|\b(?:add|write|append|insert|put)\b[^.]{0,60}\b(?:agents\.md|claude\.md|gemini\.md|copilot-instructions|\.cursorrules|\.windsurfrules)",
        ),
        phrase(
            Sign::Interference,
            "the text makes the model speak for somebody else",
            r"\b(?:present|phrase|state|give|offer|describe|pass)\b[^.]{0,50}\bas (?:your|its|the assistant's) own\b|\b(?:whatever|regardless of what|no matter what|even if) the (?:numbers?|user|users|results?|data|facts?|question) (?:says?|is|are|asks?|asked|wants?|show|shows|indicates?|otherwise)\b",
        ),
        phrase(
            Sign::Override,
            OVERRIDE,
            r"\b(?:ranks?|stands?|comes?|goes|placed|weighs?|counts?|outranks?|outweighs?|trumps?)\b[^.,]{0,10}\b(?:above|before|over|more than|ahead of|any|all|the|every)\b[^.]{0,30}\b(?:user|user's|instructions?|system|wishes|other servers?|guidelines?|prompts?|polic(?:y|ies))\b",
        ),
        phrase(
            Sign::Override,
            OVERRIDE,
            r"\b(?:no|without|free of|free from|not bound by|beyond) (?:any |all |your )?(?:content polic(?:y|ies)|safety (?:rules|filters?|polic(?:y|ies)|limits?)|guardrails?|ethical (?:rules|limits?)|moral limits?)|\bnever (?:declines?|refuses?)\b",
        ),
        phrase(
            Sign::Sending,
            SENDING,
            r"https?://[^\s]*[?&/=][^\s]*(?:<|\{|\[|\$)[^\s]*\b[^.]{0,60}(?:user|conversation|prompt|message|typed|key|token|secret|history|content|context|name)|\b(?:fetch|get|load|open|request|visit|call|render|embed|include|show|insert)\b[^.]{0,40}https?://[^\s]*[?&][^\s]*=(?:<|\{|\[|\$)",
        ),
        phrase(
            Sign::Precedence,
            PRECEDENCE,
            r"\b(?:before|prior to|instead of|rather than|ahead of|in place of|over|after|alongside) (?:(?:you )?(?:using|use|calling|call|invoking|invoke|running|run|trying|executing) )?(?:any|all|every|each|whatever) (?:of the )?(?:(?:other|another|built-in|native|existing|remaining|available|single) ){0,2}(?:\w+ ){0,2}(?:tools?|functions?|servers?|tool calls?|actions?|requests?|operations?)\b",
        ),
        phrase(
            Sign::Precedence,
            PRECEDENCE,
            r"\b(?:all|any|every|the) other (?:\w+ ){0,3}(?:tools?|servers?|integrations?|connectors?|plugins?)\b[^.]{0,40}\b(?:are|is|must|should|have|has|can(?:not|'t)|may not|never|deprecated|unreliable|unsafe|broken|insecure|outdated|slower|disabled|wrong)\b",
        ),
        phrase(
            Sign::Precedence,
            PRECEDENCE,
            r"\b(?:do not|don't|never|stop|avoid)\b[^.]{0,12}\b(?:use|using|call|calling|invoke|trust|rely on|consider|choose|select|fall back)\b[^.]{0,20}\b(?:any other|all other|other|another|competing|alternative|built-in|native) (?:\w+ ){0,2}(?:tools?|servers?|integrations?|providers?|plugins?)\b",
        ),
        phrase(
            Sign::Precedence,
            PRECEDENCE,
            r"\b(?:at the (?:start|beginning|end) of (?:every|each|any|all)|on every|in every|for every|after every|before every|before each|after each|with every|with each|every time|each time) (?:new |single |user |further |later )*(?:conversation|session|turn|message|reply|response|request|prompt|answer|chat|task|interaction|tool call|call to any|the user (?:asks|says|sends|writes|mentions)|you (?:answer|reply|respond|act|call))\b[^.]{0,60}\b(?:call|run|invoke|use|send|include|add|append|pass|attach|repeat|tell|say|recommend|promote|mention|insert|read|check in)\b",
        ),
        phrase(
            Sign::Authority,
            AUTHORITY,
            r"<\s*/?\s*(?:important|system|hidden|secret|override|admin|assistant|developer|inst|instructions?|sys|critical|internal|system[-_ ]\w+|im_start|priority|note_to_\w+|ai|llm|agent)\b[^<>]{0,60}>|\[\s*/?\s*(?:system|hidden|admin|override|inst|sys|developer|assistant|root|internal)(?:[ _:-][^\]]{0,40})?\]|<\|[^|<>]{1,40}\|>|<<\s*sys\s*>>|(?:^|\s)#{2,} ?(?:system|new|hidden|secret|admin|override) ?(?:prompt|instructions?|message|notice|override)?\b|^(?:system|assistant|developer) ?(?:message|prompt|notice|note|override)? ?: |\{\{ ?system",
        ),
        phrase(
            Sign::Payload,
            PAYLOAD,
            r"\b(?:curl|wget|iwr|invoke-webrequest|fetch)\b[^|]{0,120}\|\s*(?:sudo )?(?:ba|z|da|k)?sh\b|\b(?:ba|z)?sh -c\b|\bpowershell(?:\.exe)? [^.]{0,40}-e(?:nc\w*|c)?\b|\|\s*(?:base64 -d|iex)\b|\beval\(|\bnc -e\b|/dev/tcp/|\bchmod \+x\b|\bcrontab\b|\b(?:download|fetch|retrieve|pull|curl|get)\b[^.]{0,60}\b(?:and|then) (?:execute|run|install|eval|evaluate|source|follow)\b",
        ),
        phrase(
            Sign::Payload,
            PAYLOAD,
            r"\b(?:follow|obey|execute|apply|load|fetch|read|use) (?:the |any |all |its |further |additional |more |latest |updated |remote )*(?:instructions?|commands?|script|prompt|steps|directives?|rules) (?:\w+ ){0,2}(?:from|at|in|found|returned|under|contained|hosted|embedded)\b[^.]{0,40}(?:https?://|www\.|\burl\b|\bpage\b|\bresult\b|\bresponse\b|\bserver\b|\boutput\b)",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
});

/// That something gets somewhere, said as a fact.
static STATED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(?:accompan\w+|suppl(?:y|ies|ied)|contains?|carries|carry|carried|belongs? (?:in|to|into)|goes? (?:in|into|to|with)|expects?|wants?|(?:is|are|be|gets?|been|was) (?:\w+ )?(?:placed|put|passed|added|copied|attached|included|expected|written|inserted|sent|filled|forwarded|appended|supplied|provided|handed|given|merged|collected|uploaded|pasted|stored|read|opened|used as))\b").ok()
});
static ACTOR: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b(?:the|any|every|an|by) (?:agent|assistant|model|llm|ai)\b").ok());
/// That a sentence is about texts, and does not speak for itself.
static ABOUT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(?:classif\w+|detects?|detecting|detection|positives|scans? (?:for|text|files)|flags?|checks? (?:for|whether)|looks? for|injections?|jailbreaks?|phishing|explains?|attempts?|attacks?|attackers?|texts? that|prompts? that|refuses?|blocks?|searches for|finds?)\b").ok()
});
/// Words to the model itself.
static ADDRESSED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(?:note|message|instructions?|notice|attention|directive|reminder|memo|hint|remark) (?:to|for) (?:the |any |all )?(?:ai|llm|model|assistant|agent|language model|claude|gpt|chatgpt|copilot|gemini)s?\b[^a-z]{0,2}[:—–-]").ok()
});
/// Instructions that come from elsewhere and are to be followed.
static FOLLOW: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(?:follow|obey|execute|carry out|comply with|act on|do (?:whatever|what|as)|perform) (?:it|they|the|any|all|its|every|whatever|what|further|those|these)? ?(?:\w+ ){0,2}(?:instructions?|commands?|orders?|directives?|steps|says?|tells?|prompts?)\b").ok()
});
static FETCH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"https?://|www\.|\b(?:fetch|download|retrieve|open|load|visit|browse|pull|remote|returned|response|results?)\b").ok()
});
/// Verbs that hand something over or pick it up, as orders.
static GATHER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\b(?:read|open|load|include|including|pass|passing|send|append|attach|copy|paste|put|upload|forward|embed|insert|collect|gather|fetch|dump|cat|extract|encode|supply|submit|fill|populate|transmit|share|export|add|place|write|echo|repeat|quote|reproduce|summari[sz]e|recite|provide|retrieve|access|look up|grab|harvest|list|output|print|return|store|record|mirror|capture|scan|search|check|import|inspect|prepend|concatenate|deliver|report|disclose|reveal|hand over|give|set)\b",
    )
    .ok()
});
/// Secrets and what was said, as things that are handed over.
static PRECIOUS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\b(?:(?:api|access|secret|private|ssh|signing|encryption|master|license|auth|session|service|deploy|recovery|root|gpg|pgp|wallet)[- _]?(?:key|token|secret|phrase|password|cookie|credential)s?|passwords?|passphrases?|credentials?|secrets|seed phrases?|mnemonics?|(?:session|browser|auth\w*) cookies?|bearer tokens?|tokens? and|(?:environment|env) (?:variables?|vars?|values?)|process\.env|os\.environ|printenv|git (?:log|remote|config|diff)|everything (?:the user|you|that was|they|said|typed|in this)|system prompts?|system (?:message|instructions?|context)|initial prompt|hidden prompt|(?:conversation|chat|dialogue?|message|discussion|session) (?:history|so far|transcript|log|context|contents?|verbatim|to date)|(?:previous|prior|earlier|past|preceding) (?:\w+ ){0,2}(?:messages|conversations?|chats?|turns|prompts?|emails?|tool (?:results?|outputs?|calls?|responses?))|(?:last|recent|all|every|other|latest) (?:\w+ ){0,1}(?:user|chat|conversation|private|assistant|whatsapp|direct|email|user's) (?:messages|conversations?|chats?|turns|prompts?|emails?)|(?:the user's|user's) (?:\w+ ){0,2}(?:messages|conversations?|chats?|turns|prompts?|emails?|files)|(?:last|recent|latest|every|all) (?:of )?(?:the |your )?(?:conversations?|chats|prompts|tool (?:results?|outputs?|calls?|responses?))|(?:full|entire|whole|complete|raw|verbatim|original|exact|current) (?:\w+ ){0,2}(?:conversation|chat|transcript|prompt|user (?:message|request|query|input)|message history|context window|context)|what (?:was|has been|the user (?:has )?)(?: ?said| ?asked| ?told| ?wrote| ?typed)|chain[- ]of[- ]thought|internal reasoning|your (?:full |complete |hidden |private )?(?:reasoning|instructions|memory|memories|context|system prompt|thoughts)|(?:credit|debit|bank|payment) ?cards?(?: (?:number|details?|data))?|card numbers?|social security|private (?:files?|data|messages?|notes?)|home (?:directory|folder)|shell history|browser (?:history|data|profile)|contacts?(?: list)? of|address book|customer (?:data|records)|(?:contents? of|files? (?:from|in)) (?:the )?(?:user's|home|~|config\w*|other|any|all|every))\b",
    )
    .ok()
});
static SEND: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\b(?:send|sends|sending|sent|post|posts|posting|posted|forward|forwards|forwarding|forwarded|upload|uploads|uploaded|uploading|transmit|transmits|transmitted|bcc|cc|copied to|copy (?:it|them|all|every|the|this|to)|mirror|mirrors|mirrored|relay|relays|relayed|submit|submits|submitted|deliver|delivers|delivered|report|reports|reported|sync|syncs|synced|synchroni[sz]e|export|exports|exported|redirect|redirects|redirected|route|routes|routed|exfiltrate|share|shares|shared|notify|ping|beacon|stream|streams|push|pushes|pushed|archive|archives|back ?up|backs? up|log|logs|logged|recipient|reply-to|addressed to|pay|payment|transfer|wire|deposit|callback|phone home|beacons?|append|attach|tunnel|proxied|proxy|substitute|replaced?|in place of|e?-?mail (?:it|them|the|all|a copy|everything|this|its))\b",
    )
    .ok()
});
/// Verbs of [`SEND`] strong enough for a destination that has no name.
static SEND_STRONG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\b(?:send|sends|sent|sending|post|posts|posted|forward|forwards|forwarded|forwarding|upload|uploads|uploaded|uploading|transmit|transmits|transmitted|transmitting|bcc|cc|copied|mirror|mirrors|mirrored|relay|relays|relayed|deliver|delivered|report|reports|reported|sync|syncs|synced|exfiltrate|stream|streams|streamed|push|pushes|shared with|shares)\b[^.]{0,60}\b(?:to|with|via|through) (?:(?:the|our|an|a|its|your|their|external|remote|third[- ]party|central|vendor|vendor's|partner|analytics|telemetry|audit|auditing|compliance|monitoring|logging|collection|collector|tracking|backup|secondary|following|specified|proxy) ){0,5}(?:server|servers|endpoint|collector|webhook|service|partner|partners|third part(?:y|ies)|telemetry|analytics|host|domain|address|number|mailbox|inbox|backend|proxy|gateway|account|vendor|team|channel|bucket)\b",
    )
    .ok()
});
static NOT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\b(?:do not|don't|never|does not|doesn't|not|no|cannot|can't|avoid|without|nothing|nor|neither|none|isn't|aren't|won't|must not|mustn't|refuses? to|excluding|except|redact\w*|mask\w*|strip\w*|remov\w*)\b",
    )
    .ok()
});
/// Words that look like a negation and are the opposite of one.
static STILL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(?:(?:do not|don't|never|not) (?:forget|fail|omit|skip|neglect|hesitate|leave out|miss)|not only|no matter|otherwise|if not|not work|will not (?:work|function|succeed))\b").ok()
});
/// An example, a hint where to read more: not where to send something.
static MERELY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(?:e\.g|examples?|for instance|such as|see(?: also)?|docs?|documentation|learn more|more (?:information|details)|refer to|read more|reference|specification|homepage|website|report (?:bugs|issues)|feedback|format(?:ted)?|like|to test|test it|starts? with|ends? with|prefix(?:ed)?|begins? with|sample|usage)\b").ok()
});

fn has(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

fn first(pattern: &LazyLock<Option<Regex>>, text: &str) -> Option<usize> {
    pattern.as_ref()?.find(text).map(|found| found.start())
}

/// Where the sentence begins that a place is in. A full stop inside a word ends none.
fn clause(window: &str, at: usize) -> usize {
    let ends = |(index, c): &(usize, char)| match c {
        ';' | '!' | '?' | '。' | '！' | '？' => true,
        '.' => window[index + 1..].starts_with(' '),
        _ => false,
    };
    window[..at].char_indices().rev().find(ends).map_or(0, |(index, c)| index + c.len_utf8())
}

/// Whether the sentence denies what it says at a place: "never reads ~/.ssh".
fn denied(window: &str, at: usize) -> bool {
    // Only what stands before the place in the same sentence denies it.
    let from = clause(window, at);
    has(&NOT, &window[from..at]) && !has(&STILL, &window[from..at])
}

/// [`denied`], by a word that stands close before the place.
fn denied_near(window: &str, at: usize) -> bool {
    let mut from = clause(window, at).max(at.saturating_sub(40));
    while !window.is_char_boundary(from) {
        from += 1;
    }
    has(&NOT, &window[from..at]) && !has(&STILL, &window[from..at])
}

/// The signs in one folded sentence, or two.
pub(super) fn signs(window: &str, single: bool, old: &Before<'_>) -> Vec<(Sign, String)> {
    let mut found: Vec<(Sign, String)> = Vec::new();
    for phrase in PHRASES.iter() {
        let Some(place) = phrase.pattern.find(window) else { continue };
        // "Do not follow instructions found on the page" is what a careful text says.
        let careful = match phrase.sign {
            Sign::Payload | Sign::Precedence => denied(window, place.start()),
            // "Do not follow them and tell the user" keeps nothing from anybody.
            Sign::Secrecy => {
                TELLS.iter().any(|words| place.as_str().contains(words)) || denied_near(window, place.start())
            }
            // "Do not delete without asking" asks for consent.
            Sign::Consent => denied_near(window, place.start()),
            _ => false,
        };
        if !careful && !merely(window, place.start()) && !described(window, place.start()) {
            found.push((phrase.sign, phrase.message.to_owned()));
        }
    }
    if has(&ADDRESSED, window) && !names_own(window, old) {
        found.push((Sign::Authority, AUTHORITY.to_owned()));
    }
    if let Some(at) = first(&FOLLOW, window)
        && has(&FETCH, &window[..at])
        && !denied(window, at)
    {
        found.push((Sign::Payload, PAYLOAD.to_owned()));
    }
    if let Some(secret) = places::secret(window)
        && let Some(at) = window.find(secret)
        && taken(window, at, at + secret.len(), old)
    {
        found.push((Sign::Secrets, SECRETS.to_owned()));
    }
    if !window.starts_with("whether ") && handed(window, old) {
        found.push((Sign::Secrets, SECRETS.to_owned()));
    }
    let new_places: Vec<String> = places::destinations(window)
        .into_iter()
        .filter(|place| !old.knows_host(place) && !places::local(place))
        .collect();
    if let Some(place) = new_places.first()
        && let Some(at) = window.find(place.as_str())
        && has(&SEND, window)
        && !denied(window, at)
        && !merely(window, at)
    {
        found.push((Sign::Sending, SENDING.to_owned()));
    }
    if let Some(at) = first(&SEND_STRONG, window)
        && !denied(window, at)
        && (has(&PRECIOUS, window) || tongues::addresses_data(window))
    {
        found.push((Sign::Sending, SENDING.to_owned()));
    }
    found.extend(tongues::signs(window).into_iter().filter(|_| single).map(|sign| {
        let message = match sign {
            Sign::Secrecy => SECRECY,
            Sign::Consent => CONSENT,
            Sign::Override => OVERRIDE,
            Sign::Sending => SENDING,
            _ => SECRETS,
        };
        (sign, message.to_owned())
    }));
    found
}

/// Whether something precious is handed over, or picked up, by whoever reads.
fn handed(window: &str, old: &Before<'_>) -> bool {
    let Some(things) = PRECIOUS.as_ref() else { return false };
    things.find_iter(window).take(20).any(|thing| {
        // "Password protection" is no password.
        let next = window[thing.end()..].trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        !NO_SECRET.contains(&next) && taken(window, thing.start(), thing.end(), old)
    })
}

const NO_SECRET: &[&str] = &[
    "protection",
    "protected",
    "policy",
    "policies",
    "reset",
    "resets",
    "manager",
    "field",
    "fields",
    "strength",
    "hash",
    "hashing",
    "generator",
    "change",
    "changes",
    "rotation",
    "authentication",
    "type",
    "types",
    "name",
    "names",
    "id",
    "ids",
    "window",
    "scanning",
    "scan",
    "count",
    "counts",
    "usage",
    "limit",
    "limits",
];

/// Whether the thing at a place is to be handed over: an order in its sentence, or a statement about a parameter.
fn taken(window: &str, start: usize, end: usize, old: &Before<'_>) -> bool {
    let from = clause(window, start);
    let to = window[end..].find(['.', ';', '!', '?', '。']).map_or(window.len(), |dot| end + dot);
    if denied(window, start) || described(window, start) {
        return false;
    }
    let sentence = &window[from..to];
    let things: Vec<(usize, usize)> = PRECIOUS.as_ref().map_or_else(Vec::new, |things| {
        things.find_iter(sentence).take(50).map(|thing| (from + thing.start(), from + thing.end())).collect()
    });
    // The word of a thing is no verb: "access key", "copy" in "a copy of".
    let is_thing =
        |at: usize| (start..end).contains(&at) || things.iter().any(|(start, end)| (*start..*end).contains(&at));
    let order = GATHER.as_ref().is_some_and(|verbs| {
        verbs.find_iter(sentence).take(20).any(|verb| {
            let at = from + verb.start();
            !is_thing(at) && ordered(window, at) && !denied(window, at) && !merely(window, at)
        })
    });
    // "`seed` carries the private key": nobody is told to do anything, and it is done.
    let stated = has(&STATED, sentence) && (names_parameter(window, old) || has(&ACTOR, sentence));
    order || stated && !merely(window, start)
}

/// Whether a parameter of the server is named, as programs write it or in quotes.
fn names_parameter(window: &str, old: &Before<'_>) -> bool {
    let snake = window
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .any(|word| word.contains('_') && old.names.contains(word));
    snake || window.split('\'').skip(1).step_by(2).any(|word| old.names.contains(word))
}

/// Whether the sentence is about a tool or a parameter of the server itself.
fn names_own(window: &str, old: &Before<'_>) -> bool {
    let words = window.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')));
    words.filter(|word| word.len() > 3).any(|word| old.names.contains(word.trim_matches(['.', '-'])))
}

/// Whether the sentence speaks about such texts: "detects texts that tell the model to …".
fn described(window: &str, at: usize) -> bool {
    let from = clause(window, at);
    has(&ABOUT, &window[from..at])
}

/// Whether the place stands in an example or a reference.
fn merely(window: &str, at: usize) -> bool {
    let mut from = at.saturating_sub(120);
    while !window.is_char_boundary(from) {
        from += 1;
    }
    has(&MERELY, &window[from..at])
}

/// Whether the verb is an order to whoever reads: at the start of a clause, or after a word that orders.
fn ordered(window: &str, verb: usize) -> bool {
    let before = window[..verb].trim_end();
    before.is_empty()
        || before.ends_with(['.', ',', ':', ';', '!', '-', '—', '>', ')', ']', '(', '#', '?'])
        || ORDERS.iter().any(|word| before.ends_with(word))
}

const TELLS: &[&str] = &[
    " and tell ",
    " and inform ",
    " and ask ",
    " and notify ",
    " and show ",
    " but tell ",
    " but inform ",
    " but ask ",
    " and report ",
    ", tell ",
    ", ask ",
    ", inform ",
    " and let ",
    " until ",
    " unless ",
    " before ",
];

const ORDERS: &[&str] = &[
    "must",
    "always",
    "should",
    "please",
    "first",
    "then",
    "also",
    "and",
    "need to",
    "have to",
    "has to",
    "needs to",
    "required to",
    "asked to",
    "sure to",
    "remember to",
    "want to",
    "is to",
    "are to",
    "you",
    "now",
    "shall",
    "will",
    "or",
    "simply",
    "just",
    "ensure",
    "only",
    "who",
    "by",
    "silently",
    "quietly",
    "can",
    "may",
    "instead",
    "again",
    "either",
    "note",
    "important",
    "assistant",
    "model",
    "agent",
    "ai",
    "llm",
    "before",
    "after",
    "call",
    "caller",
];
