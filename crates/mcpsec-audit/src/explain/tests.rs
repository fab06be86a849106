//! Every rule and check is explained in its own words, and docs/rules.md has all of them.
use mcpsec_model::text::escape;

use super::*;

#[test]
fn every_rule_and_check_is_explained_in_its_own_words() {
    let all: Vec<Explanation> =
        Rule::ALL.iter().map(|each| rule(*each)).chain(Check::ALL.iter().map(|each| check(*each))).collect();
    for explanation in &all {
        for text in [explanation.means, explanation.why, explanation.resolve, explanation.example] {
            assert!(text.len() > 20 && escape(text) == text, "{text}");
        }
        assert_eq!(all.iter().filter(|other| other.means == explanation.means).count(), 1, "{}", explanation.means);
    }
}

/// docs/rules.md. `UPDATE_DOCS=1` writes it anew.
#[test]
fn the_document_has_every_rule_and_check() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rules.md");
    let document = document();
    #[expect(clippy::disallowed_methods, reason = "a developer asks for it, and nothing else reads the file meanwhile")]
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &document).expect("docs/rules.md can be written");
    }
    let found = std::fs::read_to_string(path).expect("docs/rules.md").replace("\r\n", "\n");
    assert!(found == document, "docs/rules.md is out of date: UPDATE_DOCS=1 cargo test -p mcpsec-audit --lib explain");
}

fn document() -> String {
    let mut out = String::from(
        "# Rules and checks\n\n<!-- Generated from crates/mcpsec-audit/src/explain: UPDATE_DOCS=1 cargo test -p mcpsec-audit \
         --lib explain -->\n\n`mcpsec explain ID` prints the same. What a finding does is for the policy to say: \
         [policy.md](policy.md).\n\n## Rules\n\n| rule | severity | |\n|---|---|---|\n",
    );
    for each in Rule::ALL {
        out.push_str(&format!("| [{0}](#{0}) | {1} | {2} |\n", each.id(), each.severity(), each.meaning()));
    }
    out.push_str("\n## Checks\n\n| check | |\n|---|---|\n");
    for each in Check::ALL {
        out.push_str(&format!("| [{0}](#check-{0}) | {1} |\n", each.id(), each.meaning()));
    }
    for each in Rule::ALL {
        section(&mut out, each.id(), rule(*each));
    }
    for each in Check::ALL {
        section(&mut out, &format!("check {}", each.id()), check(*each));
    }
    out
}

fn section(out: &mut String, title: &str, told: Explanation) {
    out.push_str(&format!(
        "\n### {title}\n\n{}\n\n*Why it matters.* {}\n\n*What to do.* {}\n",
        plain(told.means),
        plain(told.why),
        plain(told.resolve)
    ));
    if !told.example.is_empty() {
        let fence = if told.example.contains('`') { "``" } else { "`" };
        let space = if fence == "``" { " " } else { "" };
        out.push_str(&format!("\n*Example.* {fence}{space}{}{space}{fence}\n", told.example));
    }
}

/// Outside of code, what would be markup is not.
fn plain(text: &str) -> String {
    let pieces = text.split('`').enumerate();
    let pieces: Vec<String> = pieces
        .map(
            |(index, piece)| {
                if index % 2 == 0 { piece.replace('<', "&lt;").replace('*', "\\*") } else { piece.to_owned() }
            },
        )
        .collect();
    pieces.join("`")
}
