//! Orders to deceive: other people's money to another account, and answers that are not so.
use mcpsec_model::finding::{Confidence, Severity};

use super::{
    context::Context,
    reading::{Reading, Sentence},
    sense::Sense,
};

type Verdict = Option<(Severity, Confidence, &'static str)>;

/// Other people's money to another account.
pub(super) fn money(reading: &Reading, index: usize, sentence: &Sentence, context: &Context) -> Verdict {
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

/// Saying what is not so, for somebody's profit.
pub(super) fn lying(reading: &Reading, index: usize, sentence: &Sentence) -> Verdict {
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
