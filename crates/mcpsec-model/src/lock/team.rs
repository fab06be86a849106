//! The `[team]` entry: how far the log of the team's registry was seen. All ways of it through the lock are here.
use super::{
    LockError,
    fields::{Fields, Source},
    lines::Lines,
    seal,
    wire::{Team, Text},
    write,
};
use crate::{digest::Digest, team::TeamPin, text::Untrusted};

/// What messages call it.
const NAME: &str = "the pin of the team's log";

/// Its plain keys, without opening line and seal.
pub(super) fn write(pin: &TeamPin, out: &mut write::Text) {
    out.text("registry", &pin.registry.to_string());
    out.text("key", pin.key.as_str());
    out.raw(&format!("size = {}\n", pin.size));
    out.text("root", &pin.root_digest().to_string());
}

impl<'t> Lines<'t> {
    /// Takes the entry if it stands here. The outer option is for one that is malformed.
    pub(super) fn team(&mut self) -> Option<Option<Team<'t>>> {
        if self.after_blank() != Some(seal::TEAM) {
            return Some(None);
        }
        self.exactly("")?;
        self.exactly(seal::TEAM)?;
        let (registry, key) = (self.required("registry")?, self.required("key")?);
        let at = self.at() + "size = ".len();
        let (line, digits) = self.value("size")?;
        let size = (digits.parse().ok()?, at);
        self.advance(line);
        let root = self.required("root")?;
        let _checked_on_the_text = self.required("seal")?;
        Some(Some(Team { registry, key, size, root }))
    }
}

/// The thorough reading.
pub(super) fn table<'t>(mut fields: Fields<'_, 't>) -> Result<Team<'t>, LockError> {
    fields.rename(NAME.to_owned());
    let registry = fields.required("registry")?;
    let key = fields.required("key")?;
    let at = fields.at();
    let size = fields.number("size")?.ok_or_else(|| fields.invalid(at, "`size` is missing"))?;
    let team = Team { registry, key, size: (size, at), root: fields.required("root")? };
    let _checked_on_the_text = fields.optional("seal")?;
    fields.finish()?;
    Ok(team)
}

/// What it means.
pub(super) fn meaning(source: &Source<'_>, wire: &Team<'_>) -> Result<TeamPin, LockError> {
    let refuse = |text: &Text<'_>, key: &str, why: &str| {
        let shown = Untrusted::new(&*text.text).excerpt(80);
        source.invalid(text.at, NAME, format!("`{key}` is `{shown}`, which {why}"))
    };
    // An address may hold a password: it is not repeated.
    let registry = wire.registry.text.parse();
    let registry = registry.map_err(|error| source.invalid(wire.registry.at, NAME, format!("`registry` {error}")))?;
    let key = wire.key.text.parse().map_err(|_| refuse(&wire.key, "key", "is no key of a log"))?;
    let Ok(Digest::Sha256(root)) = wire.root.text.parse::<Digest>() else {
        return Err(refuse(&wire.root, "root", "is not `sha256:…`"));
    };
    let (size, at) = wire.size;
    if i64::try_from(size).is_err() {
        return Err(source.invalid(at, NAME, format!("`size` is {size}, more than any log has")));
    }
    Ok(TeamPin { registry, key, size, root })
}
