//! The words that rules look for, one table per class, by language.
//!
//! A table is a list of (language, words); words are separated by `|`, a `*` at the end makes a word a stem, one at the beginning an ending. Words are
//! written naturally: they are folded like the texts they are compared with; `¦` stands for the character `|`. `*` as language: names that all languages
//! share.
mod hiding;
mod indirect;
mod more;
mod objects;
mod orders;
mod places;
mod rules;
mod tongues;
mod tools;
mod verbs;

use super::sense::Sense;

/// Words of one sense: language and words.
pub(super) type Table = &'static [(&'static str, &'static str)];

/// All words.
pub(super) fn all() -> impl Iterator<Item = &'static (Sense, Table)> {
    TABLES.iter().chain(more::TABLES).chain(indirect::TABLES).chain(tongues::TABLES)
}

/// The tables of the languages that have the most words.
const TABLES: &[(Sense, Table)] = &[
    (Sense::Order, orders::ORDER),
    (Sense::Trigger, orders::TRIGGER),
    (Sense::Model, orders::MODEL),
    (Sense::User, orders::USER),
    (Sense::Not, orders::NOT),
    (Sense::Every, orders::EVERY),
    (Sense::This, orders::THIS),
    (Sense::Ask, orders::ASK),
    (Sense::Threat, orders::THREAT),
    (Sense::Tell, hiding::TELL),
    (Sense::Show, hiding::SHOW),
    (Sense::Know, hiding::KNOW),
    (Sense::Hush, hiding::HUSH),
    (Sense::Covert, hiding::COVERT),
    (Sense::Quiet, hiding::QUIET),
    (Sense::Conceal, hiding::CONCEAL),
    (Sense::Unasked, hiding::UNASKED),
    (Sense::Feign, hiding::FEIGN),
    (Sense::Secret, objects::SECRET),
    (Sense::Credential, objects::CREDENTIAL),
    (Sense::Talk, objects::TALK),
    (Sense::Data, objects::DATA),
    (Sense::Slot, objects::SLOT),
    (Sense::Channel, objects::CHANNEL),
    (Sense::Reply, objects::REPLY),
    (Sense::Money, objects::MONEY),
    (Sense::Acquire, verbs::ACQUIRE),
    (Sense::Transfer, verbs::TRANSFER),
    (Sense::Modify, verbs::MODIFY),
    (Sense::Run, verbs::RUN),
    (Sense::Disable, verbs::DISABLE),
    (Sense::Protection, verbs::PROTECTION),
    (Sense::Danger, verbs::DANGER),
    (Sense::Payload, verbs::PAYLOAD),
    (Sense::Decode, verbs::DECODE),
    (Sense::Override, rules::OVERRIDE),
    (Sense::Prior, rules::PRIOR),
    (Sense::Rules, rules::RULES),
    (Sense::Takeover, rules::TAKEOVER),
    (Sense::Authority, rules::AUTHORITY),
    (Sense::Regardless, rules::REGARDLESS),
    (Sense::Obey, rules::OBEY),
    (Sense::Steer, rules::STEER),
    (Sense::Defence, rules::DEFENCE),
    (Sense::Others, tools::OTHERS),
    (Sense::ToolWord, tools::TOOL_WORD),
    (Sense::Invoked, tools::INVOKED),
    (Sense::Instead, tools::INSTEAD),
    (Sense::Broken, tools::BROKEN),
    (Sense::Priority, tools::PRIORITY),
    (Sense::Local, places::LOCAL),
    (Sense::Memory, places::MEMORY),
    (Sense::Consent, places::CONSENT),
    (Sense::Granted, places::GRANTED),
    (Sense::Rank, places::RANK),
    (Sense::Lawless, places::LAWLESS),
    (Sense::Lie, places::LIE),
];
