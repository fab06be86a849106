//! OpenVEX 0.2.0: what a policy says about known vulnerabilities of locked packages.
//!
//! An exemption is somebody's decision to live with an advisory until a day, so its status is `affected` and its action the
//! reason and the end. `not_affected` would be a claim about code that no exemption makes.
use mcpsec_model::{
    config::Exemption,
    finding::Rule,
    package::PackageId,
    time::{AsOf, Timestamp},
};
use serde::Serialize;

use crate::{
    json::pretty,
    sbom::{Origin, uuid},
};

/// An exemption of an advisory that is not in the document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotTold<'a> {
    /// Its last day is over: nothing is exempt any more.
    Over(&'a Exemption),
    /// Its subject is not one advisory of one package, `npm:left@1.0.3#GHSA-…`.
    Unnamed(&'a Exemption),
}

/// The exemptions of advisories as OpenVEX, ending in a newline, and those that are not in it. `now` decides which ones are
/// over: an exemption counts through the end of its last day, UTC; the document's time is that of `origin`, else the start of 1970.
pub fn openvex<'a>(
    exemptions: &'a [Exemption],
    author: &str,
    now: Timestamp,
    origin: &Origin<'_>,
) -> (String, Vec<NotTold<'a>>) {
    let (mut statements, mut not_told) = (Vec::new(), Vec::new());
    let of_advisories = [Rule::Malware.id(), Rule::Vulnerable.id()];
    for exemption in exemptions.iter().filter(|exemption| of_advisories.contains(&exemption.rule.as_str())) {
        let end = exemption.until.to_string().parse::<AsOf>();
        if end.is_ok_and(|end| !end.includes(now)) {
            not_told.push(NotTold::Over(exemption));
            continue;
        }
        match statement(exemption) {
            Some(statement) => statements.push(statement),
            None => not_told.push(NotTold::Unnamed(exemption)),
        }
    }
    let created = origin.created.unwrap_or(Timestamp::UNIX_EPOCH).to_string();
    let mut document = Document {
        context: "https://openvex.dev/ns/v0.2.0",
        id: String::new(),
        author: author.to_owned(),
        timestamp: created,
        version: 1,
        tooling: format!("mcpsec/{}", origin.version),
        statements,
    };
    document.id = format!("https://mcpsec.invalid/vex/{}", uuid(&pretty(&document)));
    (pretty(&document), not_told)
}

fn statement(exemption: &Exemption) -> Option<Statement> {
    // A git package's id may have a `#` of its own; an advisory's id never has one.
    let (package, advisory) = exemption.subject.rsplit_once('#')?;
    let purl = package.parse::<PackageId>().ok()?.purl();
    let named = !advisory.is_empty() && advisory.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
    named.then(|| Statement {
        vulnerability: Vulnerability { name: advisory.to_owned() },
        products: [Product { id: purl.clone(), identifiers: Identifiers { purl } }],
        status: "affected",
        action_statement: format!("accepted through {}: {}", exemption.until, exemption.reason),
    })
}

#[derive(Serialize)]
struct Document {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@id")]
    id: String,
    author: String,
    timestamp: String,
    version: u32,
    tooling: String,
    statements: Vec<Statement>,
}

#[derive(Serialize)]
struct Statement {
    vulnerability: Vulnerability,
    products: [Product; 1],
    status: &'static str,
    action_statement: String,
}

#[derive(Serialize)]
struct Vulnerability {
    name: String,
}

#[derive(Serialize)]
struct Product {
    #[serde(rename = "@id")]
    id: String,
    identifiers: Identifiers,
}

#[derive(Serialize)]
struct Identifiers {
    purl: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exemption(rule: &str, subject: &str, until: &str) -> Exemption {
        let until = until.parse().expect("date");
        Exemption {
            rule: rule.into(),
            subject: subject.to_owned(),
            reason: "only \u{202e}parsed".to_owned(),
            until,
            place: None,
        }
    }

    #[test]
    fn exemptions_are_told_as_what_they_are() {
        let all = [
            exemption("vulnerable", "npm:@scope/left@1.0.3#GHSA-aaaa-bbbb-cccc", "2027-01-31"),
            exemption("malware", "pypi:evil@1.0#MAL-2026-1", "2026-11-22"),
            exemption("vulnerable", "npm:left@1.0.3", "2027-01-31"),
            exemption("vulnerable", "npm:left@1.0.3#x y", "2027-01-31"),
            exemption("no-provenance", "npm:left@1.0.3#GHSA-x", "2027-01-31"),
        ];
        let origin = Origin { version: "0.1.0", created: None };
        let (text, not_told) = openvex(&all, "the team", "2026-11-23T00:00:00Z".parse().expect("time"), &origin);
        insta::assert_snapshot!(text);
        assert_eq!(not_told, [NotTold::Over(&all[1]), NotTold::Unnamed(&all[2]), NotTold::Unnamed(&all[3])]);
        // The last day still counts.
        let (text, _) = openvex(&all, "the team", "2026-11-22T23:59:59Z".parse().expect("time"), &origin);
        assert!(text.contains("MAL-2026-1") && text.contains("pkg:pypi/evil@1.0"), "{text}");
    }
}
