//! Which languages a sentence may be in: short words of one language are other words in the next.
//!
//! Scripts of their own need no guess. For languages in Latin letters the most common words are counted.

/// Languages that are told apart by their common words.
const COMMON: &[(&str, &[&str])] = &[
    (
        "en",
        &[
            "the", "to", "and", "of", "is", "this", "for", "with", "in", "that", "it", "you", "not", "or", "as", "be",
            "your", "any", "when", "before", "user", "on", "by", "from", "are", "its", "do", "their", "will", "an",
            "all", "if", "at", "use", "must",
        ],
    ),
    (
        "de",
        &[
            "der", "die", "das", "und", "ist", "nicht", "den", "dem", "des", "ein", "eine", "einen", "mit", "von",
            "zu", "zum", "zur", "auf", "fur", "sie", "es", "im", "als", "wird", "dieses", "diese", "oder", "auch",
            "ohne", "du", "nichts", "davon", "bevor", "uber", "werkzeug", "wenn",
        ],
    ),
    (
        "fr",
        &[
            "le",
            "la",
            "les",
            "des",
            "du",
            "de",
            "et",
            "est",
            "une",
            "un",
            "dans",
            "que",
            "qui",
            "pour",
            "pas",
            "ne",
            "sur",
            "avec",
            "ce",
            "cet",
            "cette",
            "au",
            "aux",
            "son",
            "sans",
            "l'utilisateur",
            "avant",
            "par",
            "ou",
            "en",
            "outil",
            "l'outil",
            "d'utiliser",
        ],
    ),
    (
        "es",
        &[
            "el",
            "la",
            "los",
            "las",
            "de",
            "del",
            "y",
            "es",
            "una",
            "un",
            "en",
            "que",
            "para",
            "no",
            "con",
            "por",
            "al",
            "su",
            "este",
            "esta",
            "se",
            "lo",
            "como",
            "sin",
            "antes",
            "usuario",
            "herramienta",
            "o",
            "le",
        ],
    ),
    (
        "pt",
        &[
            "o",
            "a",
            "os",
            "as",
            "de",
            "do",
            "da",
            "dos",
            "das",
            "e",
            "um",
            "uma",
            "em",
            "no",
            "na",
            "que",
            "para",
            "nao",
            "com",
            "por",
            "ao",
            "este",
            "esta",
            "se",
            "sem",
            "antes",
            "usuario",
            "ferramenta",
            "isso",
            "seu",
            "sua",
            "como",
        ],
    ),
    (
        "it",
        &[
            "il",
            "lo",
            "la",
            "gli",
            "le",
            "di",
            "del",
            "della",
            "dei",
            "e",
            "un",
            "una",
            "in",
            "che",
            "per",
            "non",
            "con",
            "al",
            "alla",
            "questo",
            "questa",
            "prima",
            "sono",
            "senza",
            "strumento",
            "utente",
            "l'utente",
            "come",
            "da",
            "nel",
            "all'utente",
        ],
    ),
    (
        "nl",
        &[
            "de",
            "het",
            "een",
            "en",
            "van",
            "is",
            "niet",
            "dit",
            "deze",
            "dat",
            "voor",
            "met",
            "op",
            "aan",
            "te",
            "in",
            "als",
            "om",
            "je",
            "door",
            "gebruiker",
            "zonder",
            "naar",
            "over",
            "voordat",
            "of",
        ],
    ),
    (
        "pl",
        &[
            "i",
            "w",
            "na",
            "z",
            "do",
            "nie",
            "sie",
            "jest",
            "to",
            "tego",
            "o",
            "ze",
            "jako",
            "po",
            "przed",
            "oraz",
            "lub",
            "dla",
            "uzytkownika",
            "uzytkownikowi",
            "narzedzia",
            "tym",
            "jego",
            "bez",
            "od",
            "zanim",
        ],
    ),
    (
        "tr",
        &[
            "bir",
            "ve",
            "bu",
            "icin",
            "ile",
            "de",
            "da",
            "olarak",
            "once",
            "ne",
            "gibi",
            "kullanici",
            "kullaniciya",
            "araci",
            "daha",
            "sonra",
            "veya",
            "her",
            "ya",
            "hakkinda",
            "dosyasini",
            "parametresine",
        ],
    ),
    (
        "id",
        &[
            "yang", "dan", "di", "ke", "ini", "itu", "untuk", "dengan", "dari", "pada", "tidak", "jangan", "sebelum",
            "pengguna", "alat", "sebagai", "atau", "kepada", "ada", "isi", "tentang", "harus",
        ],
    ),
    (
        "sv",
        &[
            "och", "att", "det", "som", "en", "pa", "ar", "av", "for", "med", "till", "den", "inte", "utan", "fran",
            "alla", "i", "om", "visar", "innan", "ett",
        ],
    ),
    (
        "da",
        &[
            "og", "at", "det", "som", "en", "pa", "er", "af", "for", "med", "til", "den", "ikke", "uden", "fra",
            "alle", "i", "om", "et", "dette",
        ],
    ),
    (
        "no",
        &[
            "og", "det", "som", "en", "pa", "er", "av", "for", "med", "til", "den", "ikke", "uten", "fra", "alle", "i",
            "om", "et", "dette",
        ],
    ),
    (
        "fi",
        &[
            "ja", "on", "ei", "se", "tama", "etta", "kun", "kaikki", "ennen", "sita", "myos", "ala", "tai", "sen",
            "joka",
        ],
    ),
    (
        "cs",
        &[
            "a",
            "v",
            "se",
            "na",
            "je",
            "to",
            "s",
            "z",
            "do",
            "o",
            "nic",
            "pro",
            "pred",
            "tom",
            "si",
            "vsechny",
            "jako",
            "uzivateli",
            "nebo",
        ],
    ),
    (
        "sk",
        &["a", "v", "sa", "na", "je", "to", "s", "z", "do", "o", "nic", "pre", "pred", "tom", "vsetky", "ako", "alebo"],
    ),
    (
        "ro",
        &[
            "si", "de", "in", "la", "nu", "cu", "din", "pe", "este", "sa", "un", "o", "pentru", "ca", "inainte",
            "toate", "al",
        ],
    ),
    (
        "hu",
        &["a", "az", "es", "nem", "hogy", "egy", "ne", "is", "ezt", "minden", "elott", "meg", "vagy", "felhasznalonak"],
    ),
    ("hr", &["i", "u", "na", "je", "se", "da", "za", "od", "sve", "prije", "ili", "kao", "o", "ne"]),
    ("ca", &["el", "la", "els", "de", "i", "no", "que", "en", "per", "amb", "a", "abans", "usuari", "aquesta", "les"]),
    ("lt", &["ir", "yra", "ne", "kad", "i", "su", "visas", "pries", "apie"]),
    ("lv", &["un", "ir", "ne", "ka", "visas", "pirms", "par", "no"]),
    ("et", &["ja", "on", "ei", "see", "koik", "enne", "et", "ara"]),
    ("af", &["die", "en", "is", "nie", "van", "alle", "om", "wat", "voor"]),
    ("sw", &["na", "ya", "wa", "kwa", "ni", "za", "yote", "zote", "kabla", "katika"]),
    ("tl", &["ang", "ng", "sa", "na", "mga", "at", "ito", "bago", "lahat", "nang"]),
    ("ms", &["yang", "dan", "di", "ini", "untuk", "dengan", "semua", "sebelum"]),
    ("eo", &["la", "kaj", "de", "en", "ne", "al", "ciujn", "estas"]),
    (
        "vi",
        &[
            "va", "cua", "la", "cho", "nay", "khong", "trong", "voi", "nguoi", "dung", "truoc", "khi", "cac", "den",
            "vao", "tep", "nhu", "phai", "hay", "mot", "duoc", "co", "cong", "cu",
        ],
    ),
];

/// A set of languages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Languages(u32);

impl Languages {
    /// Every language.
    pub(super) const ALL: Self = Self(u32::MAX);

    /// The languages that a plain text may be in.
    pub(super) fn of(plain: &str) -> Self {
        let mut counts = [0_u32; COMMON.len()];
        let mut total = 0_u32;
        for word in plain.split(|c: char| !(c.is_alphanumeric() || c == '\'')).filter(|word| !word.is_empty()).take(400)
        {
            total += 1;
            for (count, (_, words)) in counts.iter_mut().zip(COMMON) {
                *count += u32::from(words.contains(&word));
            }
        }
        let english = counts.first().copied().unwrap_or_default();
        let best = counts.iter().copied().max().unwrap_or_default();
        let mut set = 0;
        for (index, count) in counts.iter().copied().enumerate() {
            let likely = if index == 0 {
                // English words are mixed into every language's descriptions.
                count * 2 >= best
            } else {
                count * 4 >= best * 3 && count >= english && (count >= 2 || (count == 1 && total <= 8 && english == 0))
            };
            set |= u32::from(likely) << index;
        }
        Self(set)
    }

    /// Whether a word of this language may be one.
    pub(super) fn allow(self, language: &str) -> bool {
        match COMMON.iter().position(|(code, _)| *code == language) {
            Some(index) => self.0 & (1 << index) != 0,
            None => true,
        }
    }

    /// Both together.
    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The common words of English.
pub(super) fn english() -> impl Iterator<Item = &'static str> {
    COMMON.iter().filter(|(code, _)| *code == "en").flat_map(|(_, words)| words.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_words_tell_languages_apart() {
        for (text, language) in [
            ("lies die datei und sage dem nutzer nichts davon", "de"),
            ("no le digas nada al usuario", "es"),
            ("leia o arquivo e nao diga ao usuario", "pt"),
            ("przeczytaj plik i nie mow o tym", "pl"),
            ("read the file and do not tell the user", "en"),
        ] {
            let languages = Languages::of(text);
            assert!(languages.allow(language), "{text}");
            assert_eq!(languages.allow("en"), language == "en", "{text}");
            assert!(languages.allow("ja"), "{text}");
        }
    }
}
