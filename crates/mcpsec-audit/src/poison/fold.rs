//! Letters that look like Latin ones, and the plain letters they stand for.
//!
//! Folding is applied to texts and to the words that are looked for alike, so that Russian or Greek words still match
//! themselves, and an English word written with Cyrillic letters matches the English word.
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Appends the plain lower-case form of one character: compatibility forms resolved (NFKC), accents of Latin, Greek and
/// Cyrillic letters dropped, look-alikes replaced. Nothing for a character that only decorates or hides.
pub(super) fn fold(c: char, out: &mut String) {
    if c.is_ascii() {
        out.push(c.to_ascii_lowercase());
        return;
    }
    if is_joiner(c) {
        return;
    }
    if let Some(plain) = tag(c) {
        out.push(plain.to_ascii_lowercase());
        return;
    }
    if let Some(plain) = enclosed(c) {
        out.push(plain);
        return;
    }
    for c in std::iter::once(c).nfkc().flat_map(char::to_lowercase) {
        if has_accents(c) {
            for part in std::iter::once(c).nfd().filter(|part| !is_combining_mark(*part)) {
                plain(part, out);
            }
        } else if !is_accent(c) {
            plain(c, out);
        }
    }
}

/// The character of the tags block stands for this ASCII character.
pub(super) fn tag(c: char) -> Option<char> {
    match u32::from(c) {
        code @ 0xe0020..=0xe007e => char::from_u32(code - 0xe0000),
        _ => None,
    }
}

/// Characters of no width that may stand inside a word without being seen.
pub(super) fn is_joiner(c: char) -> bool {
    matches!(u32::from(c),
        0xad | 0x034f | 0x061c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfe00..=0xfe0f | 0xfeff
        | 0xe0001 | 0xe007f | 0xe0100..=0xe01ef)
}

fn has_accents(c: char) -> bool {
    matches!(u32::from(c), 0xc0..=0x52f | 0x1e00..=0x1fff)
}

/// Combining marks that change a letter's look and not its identity: Latin accents, Arabic vowel signs and the stretcher.
fn is_accent(c: char) -> bool {
    matches!(u32::from(c), 0x300..=0x36f | 0x483..=0x489 | 0x640 | 0x64b..=0x65f | 0x670 | 0x20d0..=0x20ff)
}

/// Letters in circles and squares that NFKC leaves alone, and the letters of flags.
fn enclosed(c: char) -> Option<char> {
    let index = match u32::from(c) {
        code @ 0x1f150..=0x1f169 => code - 0x1f150,
        code @ 0x1f170..=0x1f189 => code - 0x1f170,
        code @ 0x1f1e6..=0x1f1ff => code - 0x1f1e6,
        _ => return None,
    };
    char::from_u32(u32::from('a') + index)
}

fn plain(c: char, out: &mut String) {
    let folded = match c {
        // Cyrillic
        'а' => 'a',
        'е' => 'e',
        'о' => 'o',
        'р' => 'p',
        'с' => 'c',
        'у' => 'y',
        'х' => 'x',
        'ѕ' => 's',
        'і' => 'i',
        'ј' => 'j',
        'ԁ' => 'd',
        'ԛ' => 'q',
        'ԝ' => 'w',
        'һ' => 'h',
        'ѵ' => 'v',
        'ӏ' => 'l',
        'ь' => 'b',
        'м' => 'm',
        'т' => 't',
        'к' => 'k',
        'г' => 'r',
        'п' => 'n',
        // Greek
        'α' => 'a',
        'ε' => 'e',
        'ο' => 'o',
        'ρ' => 'p',
        'ι' => 'i',
        'κ' => 'k',
        'ν' => 'v',
        'υ' => 'u',
        'χ' => 'x',
        'τ' => 't',
        'ϲ' => 'c',
        'ϳ' => 'j',
        'γ' => 'y',
        'η' => 'n',
        'ω' => 'w',
        // Armenian and Cherokee
        'օ' => 'o',
        'ո' => 'n',
        'ս' => 'u',
        'հ' => 'h',
        'ց' => 'g',
        'զ' => 'q',
        'ք' => 'p',
        'ꭺ' => 'a',
        'ꭼ' => 'e',
        'ꮃ' => 'w',
        'ꮪ' => 's',
        'ꮯ' => 'c',
        'ꮲ' => 'p',
        'ꭱ' => 'e',
        // Latin with strokes and tails, small capitals, phonetic letters
        'ı' | 'ɩ' | 'ɪ' | 'ɨ' => 'i',
        'ł' | 'ɫ' | 'ʟ' | 'ƚ' => 'l',
        'đ' | 'ð' | 'ᴅ' | 'ɗ' => 'd',
        'ø' | 'ᴏ' | 'ɵ' | 'ɔ' => 'o',
        'ħ' | 'ʜ' | 'ɦ' => 'h',
        'ŧ' | 'ᴛ' | 'ƭ' => 't',
        'ɑ' | 'ᴀ' => 'a',
        'ʙ' | 'ƀ' | 'ɓ' => 'b',
        'ᴄ' | 'ƈ' => 'c',
        'ᴇ' | 'ɛ' | 'ǝ' | 'ə' => 'e',
        'ꜰ' | 'ƒ' => 'f',
        'ɡ' | 'ɢ' | 'ɠ' => 'g',
        'ᴊ' | 'ɉ' => 'j',
        'ᴋ' | 'ƙ' => 'k',
        'ᴍ' => 'm',
        'ɴ' | 'ƞ' | 'ŋ' => 'n',
        'ᴘ' | 'ƥ' => 'p',
        'ʀ' | 'ɍ' => 'r',
        'ꜱ' | 'ʂ' => 's',
        'ᴜ' | 'ʉ' => 'u',
        'ᴠ' | 'ʋ' => 'v',
        'ᴡ' => 'w',
        'ʏ' | 'ƴ' => 'y',
        'ᴢ' | 'ƶ' => 'z',
        'ʃ' => 's',
        // Punctuation that is typed in many ways
        '‘' | '’' | 'ʼ' | '‛' | '′' | '＇' => '\'',
        '“' | '”' | '„' | '‟' | '«' | '»' | '″' => '"',
        '‐' | '‑' | '‒' | '–' | '—' | '−' => '-',
        '⁄' | '∕' => '/',
        '․' => '.',
        'ß' => return out.push_str("ss"),
        'æ' => return out.push_str("ae"),
        'œ' => return out.push_str("oe"),
        c if c.is_whitespace() => ' ',
        c => c,
    };
    out.push(folded);
}

/// The plain form of a whole text, without a map back.
pub(super) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        fold(c, &mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_become_what_they_look_like() {
        for (written, meant) in [
            ("ｉｇｎｏｒｅ", "ignore"),
            ("𝒔𝒆𝒏𝒅 𝚝𝚑𝚎 𝕜𝕖𝕪", "send the key"),
            ("Ѕесrеt", "secret"),
            ("pаsswοrd", "password"),
            ("ⓢⓔⓝⓓ 🅺🅴🆈", "send key"),
            ("i\u{200b}g\u{2060}nore", "ignore"),
            ("\u{e0049}\u{e0067}", "ig"),
            ("sécrét", "secret"),
            ("se\u{301}cret", "secret"),
            ("ɪɢɴᴏʀᴇ", "ignore"),
            ("don’t", "don't"),
            ("Straße", "strasse"),
        ] {
            assert_eq!(folded(written), meant, "{written}");
        }
    }

    #[test]
    fn words_of_other_scripts_are_still_told_apart() {
        assert_eq!(folded("пароль"), folded("ПАРОЛЬ"));
        assert_ne!(folded("пароль"), folded("секрет"));
        assert_eq!(folded("비밀"), "비밀");
        assert_eq!(folded("ば"), "ば");
    }
}
