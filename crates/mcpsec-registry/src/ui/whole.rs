//! One entry of a manifest, whole, in pages of its text: whatever another page leaves out is here.
use maud::{Markup, html};
use mcpsec_model::{
    capture::Captured,
    manifest::{Kind, Subject},
};
use serde_json::{Value, json};

use super::{
    asked, bits,
    words::{self, Setting},
};

/// Characters of a page.
const SIZE: usize = 100_000;

/// The entry at a place as JSON text, in parts; `None` when there is none.
pub(super) fn of(captured: &Captured, place: &str, asked_page: Option<usize>, address: &str) -> Option<Markup> {
    let value = found(captured, place)?;
    let text = serde_json::to_string_pretty(&value).ok()?;
    let part = bits::part(text.chars().count(), SIZE, asked_page);
    let start = text.char_indices().nth(part.from).map_or(text.len(), |(at, _)| at);
    let (shown, _) = words::cut(&text[start..], SIZE);
    let turn = |page: usize| asked::address(address, &[("at", place), ("page", &page.to_string())]);
    Some(html! {
        h2 { "All of " code { (words::line(place)) } }
        p { (bits::amount(text.chars().count(), "characters")) " of JSON. Hidden characters are shown as their escapes." }
        (bits::turner(part, turn))
        pre class="told" tabindex="0" translate="no" { code { (words::set(shown, &[], Setting::Prose)) } }
        (bits::turner(part, turn))
        p { a href=(address) { "All that it tells the model" } }
    })
}

/// What stands at a place: an entry, several of one name, or what the server says about itself.
fn found(captured: &Captured, place: &str) -> Option<Value> {
    let manifest = &captured.manifest;
    if place == Subject::server().as_str() {
        return Some(json!({
            "serverInfo": manifest.server_info(),
            "capabilities": manifest.capabilities(),
            "instructions": manifest.instructions(),
        }));
    }
    if let Some(index) = place.strip_prefix("unstable:") {
        return captured.unstable.get(index.parse::<usize>().ok()?).map(|unstable| unstable.other.clone());
    }
    let all = Kind::ALL.iter().flat_map(|kind| manifest.entries(*kind));
    let of_place: Vec<&Value> =
        all.filter(|entry| entry.subject().as_str() == place).map(|entry| entry.json()).collect();
    match of_place.as_slice() {
        [] => None,
        [one] => Some((*one).clone()),
        many => Some(json!(many)),
    }
}
