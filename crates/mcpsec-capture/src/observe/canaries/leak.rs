//! Finds the canaries' secrets in what a program says or sends: plain, in base64, in hexadecimal, backwards.
use aho_corasick::{AhoCorasick, MatchKind};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

use super::Canary;

/// The names of the canaries (`~/.npmrc`) whose secrets stand in `text`, sorted and each once. Base64 is found wherever in a
/// longer text the secret begins; hexadecimal in either case.
pub fn leaked(canaries: &[Canary], text: &[u8]) -> Vec<String> {
    let mut needles: Vec<(usize, Vec<u8>)> = Vec::new();
    for (index, canary) in canaries.iter().enumerate() {
        let forms = canary.secrets.iter().flat_map(|secret| forms(secret.as_bytes()));
        needles.extend(forms.map(|form| (index, form)));
    }
    let built = AhoCorasick::builder().match_kind(MatchKind::Standard).build(needles.iter().map(|(_, form)| form));
    let mut found: Vec<String> = match built {
        Ok(automaton) => automaton
            .find_overlapping_iter(text)
            .filter_map(|hit| canaries.get(needles.get(hit.pattern().as_usize())?.0))
            .map(Canary::name)
            .collect(),
        // Only automata of more than 2^31 states fail; slower, but the same.
        Err(_) => needles
            .iter()
            .filter(|(_, form)| text.windows(form.len()).any(|window| window == form))
            .filter_map(|(index, _)| canaries.get(*index).map(Canary::name))
            .collect(),
    };
    found.sort();
    found.dedup();
    found
}

fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let hexadecimal = hex::encode(secret);
    let mut forms = vec![
        secret.to_vec(),
        secret.iter().rev().copied().collect(),
        hexadecimal.to_uppercase().into_bytes(),
        hexadecimal.into_bytes(),
    ];
    // In a longer text the secret begins at one of three places of a group. Its first and last characters there depend on
    // what stands beside it, so they are left out.
    for before in 0..3 {
        let skip = [0, 2, 3][before];
        let shifted = [&vec![0; before][..], secret].concat();
        let whole = shifted.len() / 3 * 4;
        for encoded in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
            forms.extend(encoded.as_bytes().get(skip..whole).map(<[u8]>::to_vec));
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    fn canaries() -> Vec<Canary> {
        vec![
            Canary { path: ".npmrc", secrets: vec!["npm_0123456789abcdefghij".to_owned()] },
            Canary { path: ".netrc", secrets: vec!["ZYXWVUTSRQPONMLKJIHGF".to_owned()] },
        ]
    }

    #[test]
    fn secrets_are_found_in_every_form() {
        let secret = "npm_0123456789abcdefghij";
        for before in 0..7 {
            for after in 0..4 {
                let text = format!("{}{secret}{}", "?~>".repeat(3).split_at(before).0, "~?~".split_at(after.min(3)).0);
                for form in [
                    text.clone(),
                    STANDARD.encode(&text),
                    URL_SAFE.encode(&text),
                    hex::encode(&text),
                    hex::encode_upper(&text),
                    text.chars().rev().collect(),
                ] {
                    let spoken = format!("{{\"result\":\"{form}\"}}");
                    assert_eq!(leaked(&canaries(), spoken.as_bytes()), ["~/.npmrc"], "{before} {after} {form}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_found_where_nothing_is() {
        assert!(leaked(&canaries(), b"npm_0123456789abcdefghi and ZYXWVUTSRQPONMLKJIHG").is_empty());
        assert!(leaked(&[], b"anything").is_empty());
    }

    #[test]
    fn several_are_told_once_each_and_sorted() {
        let text = b"ZYXWVUTSRQPONMLKJIHGF npm_0123456789abcdefghij ZYXWVUTSRQPONMLKJIHGF";
        assert_eq!(leaked(&canaries(), text), ["~/.netrc", "~/.npmrc"]);
    }
}
