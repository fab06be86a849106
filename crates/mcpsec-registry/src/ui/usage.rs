//! The lines that a reader pastes to use what is here. Nothing of them is secret: a token comes from the environment.
use maud::{Markup, html};
use mcpsec_model::{lock::LockedServer, name::Ecosystem};

use super::words::{self, Setting};
use crate::{
    address::Address,
    catalog::{Release, Status},
};

/// A block of text to copy, with its heading.
pub(super) fn block(title: &str, text: &str) -> Markup {
    html! {
        figure class="copy" {
            figcaption { (title) }
            pre tabindex="0" {
                code { @for line in text.lines() { (words::set(line, &[], Setting::Line)) "\n" } }
            }
        }
    }
}

/// A text as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=+,".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// How to take a server that is vetted.
pub(super) fn of_release(address: &Address, release: &Release, server: &LockedServer) -> Markup {
    let at = address.as_str();
    let spec = quoted(&server.spec.to_string());
    html! {
        @if release.status == Status::Vetted {
            (block("mcp.toml, once for a project", &format!("[team]\nregistry = \"{at}\"")))
            (block("Then", &format!("mcpsec add {spec} --name {0}\nmcpsec verify {0}\nmcpsec run {0}", release.server)))
            @match server.closure.root().package().ecosystem() {
                Ecosystem::Npm => (block("Only the packages: .npmrc", &format!("registry={at}/npm/"))),
                Ecosystem::Pypi => {
                    (block("Only the packages: pip.conf", &format!("[global]\nindex-url = {at}/pypi/simple/")))
                    (block("Only the packages: uv.toml", &format!("[[index]]\nurl = \"{at}/pypi/simple/\"\ndefault = true")))
                },
                Ecosystem::Git => {},
            }
        } @else {
            p { "It cannot be installed from here: it is " (release.status.as_str()) "." }
        }
        (block("Exactly this lock", &fetch(address, release)))
    }
}

/// How to get a lock, and to see that it is the right one.
fn fetch(address: &Address, release: &Release) -> String {
    let (at, hex) = (address.as_str(), release.lock.to_hex());
    format!("curl -fsS -o mcp.lock {at}/api/v1/locks/{}\necho \"{hex}  mcp.lock\" | sha256sum -c", release.lock)
}

/// How to review and approve a request: on the reviewer's own machine, where their key is.
pub(super) fn of_review(address: &Address, release: &Release) -> Markup {
    let (at, name) = (address.as_str(), &release.server);
    // What strangers chose in `asked` is inside TOML strings, which have no line breaks: no line of it can end the document.
    let text = format!(
        "mkdir review-{name} && cd review-{name}\n{}\ncp PROJECT/mcp-signers .\ncat > mcp.toml <<'EOF'\n[team]\nregistry = \"{at}\"\n\n{}EOF\n\
         mcpsec show {name}\nmcpsec approve {name} --reason 'what you looked at'",
        fetch(address, release),
        release.brief.asked
    );
    html! {
        (block("Review and approve, where your key is", &text))
    }
}
