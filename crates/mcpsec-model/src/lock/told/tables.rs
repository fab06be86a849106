//! The thorough reader's part: the same tables from any TOML, with words for what is wrong.
use super::{
    REST, TEXTS, VALUES,
    wire::{Accepted, Capture, Entry, Manifest, Told, Unstable},
};
use crate::{
    lock::{LockError, fields::Fields},
    manifest::Kind,
};

/// Takes them out of a server's table.
pub(in crate::lock) fn told<'t>(server: &mut Fields<'_, 't>) -> Result<Told<'t>, LockError> {
    let entry = server.entry().to_owned();
    let accepted = server.tables("accepted", &entry)?.into_iter().map(accepted).collect::<Result<_, _>>()?;
    let capture = server.table("capture")?.map(capture).transpose()?;
    let unstable = server.tables("unstable", &entry)?.into_iter().map(unstable).collect::<Result<_, _>>()?;
    let manifest = server.table("manifest")?.map(manifest).transpose()?;
    Ok(Told { accepted, capture, unstable, manifest })
}

fn accepted<'t>(mut fields: Fields<'_, 't>) -> Result<Accepted<'t>, LockError> {
    let accepted = Accepted {
        subject: fields.required("subject")?,
        rule: fields.optional("rule")?,
        entry: fields.required("entry")?,
        reason: fields.required("reason")?,
    };
    fields.finish()?;
    Ok(accepted)
}

fn capture<'t>(mut fields: Fields<'_, 't>) -> Result<Capture<'t>, LockError> {
    let capture = Capture {
        at: fields.at(),
        unchecked: fields.optional("unchecked")?,
        isolation: fields.optional("isolation")?,
        runtime: fields.optional("runtime")?,
        protocol: fields.optional("protocol")?,
        placeholders: fields.texts("placeholders")?,
        real_env: fields.texts("real-env")?,
        network: fields.texts("network")?,
        tried_hosts: fields.texts("tried-hosts")?,
        tried_files: fields.texts("tried-files")?,
        tried_canaries: fields.texts("tried-canaries")?,
        tried_programs: fields.texts("tried-programs")?,
        tried_calls: fields.texts("tried-calls")?,
        tried_more: fields.flag("tried-more")?,
    };
    fields.finish()?;
    Ok(capture)
}

fn unstable<'t>(mut fields: Fields<'_, 't>) -> Result<Unstable<'t>, LockError> {
    let unstable = Unstable {
        subject: fields.required("subject")?,
        between: fields.required("between")?,
        other: fields.required("other")?,
    };
    fields.finish()?;
    Ok(unstable)
}

fn manifest<'t>(mut fields: Fields<'_, 't>) -> Result<Manifest<'t>, LockError> {
    let mut manifest = Manifest {
        at: fields.at(),
        id: fields.required("id")?,
        instructions: fields.words("instructions")?,
        server_info: fields.optional("server-info")?,
        capabilities: fields.optional("capabilities")?,
        entries: Vec::new(),
    };
    let name = fields.entry().to_owned();
    for kind in Kind::ALL {
        for fields in fields.tables(kind.as_str(), &name)? {
            manifest.entries.push(entry(kind, fields)?);
        }
    }
    fields.finish()?;
    Ok(manifest)
}

fn entry<'t>(kind: Kind, mut fields: Fields<'_, 't>) -> Result<Entry<'t>, LockError> {
    let (mut texts, mut values) = (Vec::new(), Vec::new());
    for (member, key) in TEXTS {
        texts.extend(fields.words(key)?.map(|text| (member, text)));
    }
    for (member, key) in VALUES {
        values.extend(fields.optional(key)?.map(|text| (member, text)));
    }
    let entry = Entry { at: fields.at(), kind, texts, values, rest: fields.optional(REST)? };
    fields.finish()?;
    Ok(entry)
}
