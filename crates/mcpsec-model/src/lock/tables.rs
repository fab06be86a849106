//! The thorough reader: takes any TOML and says, with line and entry, what in it is not a lock.
use toml::de::DeTable;

use super::{
    LockError,
    fields::{Fields, Source},
    team, told,
    wire::{Artifact, Document, Finding, Lists, Package, Server, SignedBy, Text},
};
use crate::text::Untrusted;

/// Takes from TOML tables what a lock has, in any order, and nothing else.
pub(super) fn document<'t>(source: &Source<'t>, toml: DeTable<'t>) -> Result<Document<'t>, LockError> {
    let mut head = Fields::new(source, "the head of the file".to_owned(), 0, toml);
    let _checked_before = head.number("version")?;
    let listed = head.texts("servers")?;
    let imports = head.texts("imports")?;
    let team = head.table("team")?.map(team::table).transpose()?;
    let (servers, packages) = (head.tables("server", "server")?, head.tables("package", "package")?);
    head.finish()?;
    let servers = servers.into_iter().map(server).collect::<Result<_, _>>()?;
    let packages = packages.into_iter().map(package).collect::<Result<_, _>>()?;
    Ok(Document { listed, imports, team, servers, packages })
}

/// Parses TOML.
pub(super) fn parse<'t>(source: &Source<'t>) -> Result<DeTable<'t>, LockError> {
    let file = source.file.to_owned();
    let whole = source.text.ends_with('\n');
    match DeTable::parse(source.text) {
        Ok(document) if whole => Ok(document.into_inner()),
        Ok(_) => Err(LockError::Truncated { file, line: source.last_line(), reason: String::new() }),
        Err(error) => {
            let reason = Untrusted::new(error.message().trim()).excerpt(200);
            let at = error.span().map_or(0, |span| span.start);
            // What is open at the very end was cut off there.
            if !whole || at >= source.text.trim_end().len() {
                return Err(LockError::Truncated { file, line: source.last_line(), reason: format!(": {reason}") });
            }
            let (line, column) = source.line_and_column(at);
            Err(LockError::NotToml { file, line, column, reason })
        }
    }
}

/// Names the entry in messages from here on.
fn named<'t>(fields: &mut Fields<'_, 't>, key: &str) -> Result<Text<'t>, LockError> {
    let text = fields.required(key)?;
    let name = format!("{} {}", fields.entry(), Untrusted::new(&*text.text).excerpt(160));
    fields.rename(name);
    Ok(text)
}

fn server<'t>(mut fields: Fields<'_, 't>) -> Result<Server<'t>, LockError> {
    let fields_of = &mut fields;
    let server = Server {
        at: fields_of.at(),
        name: named(fields_of, "name")?,
        spec: fields_of.required("spec")?,
        version: fields_of.required("version")?,
        command: fields_of.optional("command")?,
        entry: fields_of.required("entry")?,
        as_of: fields_of.optional("as-of")?,
        targets: fields_of.texts("targets")?,
        root: fields_of.required("root")?,
        closure_id: fields_of.required("closure-id")?,
        overrides: pairs(fields_of.map("overrides")?)?,
        findings: {
            let entry = fields_of.entry().to_owned();
            fields_of.tables("finding", &entry)?.into_iter().map(finding).collect::<Result<_, _>>()?
        },
        told: told::tables::told(fields_of)?,
        only_on: lists(fields_of.map("only-on")?)?,
        closure: lists(fields_of.map("closure")?)?,
    };
    let _checked_on_the_text = fields_of.required("seal")?;
    fields.finish()?;
    Ok(server)
}

fn pairs<'t>(mut fields: Fields<'_, 't>) -> Result<Vec<(Text<'t>, Text<'t>)>, LockError> {
    let keys = fields.keys();
    keys.into_iter().map(|key| fields.required(&key.text).map(|value| (key, value))).collect()
}

fn lists<'t>(mut fields: Fields<'_, 't>) -> Result<Lists<'t>, LockError> {
    let keys = fields.keys();
    keys.into_iter().map(|key| fields.texts(&key.text).map(|values| (key, values))).collect()
}

fn finding<'t>(mut fields: Fields<'_, 't>) -> Result<Finding<'t>, LockError> {
    let finding = Finding {
        rule: fields.required("rule")?,
        subject: fields.required("subject")?,
        message: fields.required("message")?,
        evidence: fields.optional("evidence")?,
    };
    fields.finish()?;
    Ok(finding)
}

fn package<'t>(mut fields: Fields<'_, 't>) -> Result<Package<'t>, LockError> {
    let package = Package {
        at: fields.at(),
        id: named(&mut fields, "id")?,
        os: fields.texts("os")?,
        cpu: fields.texts("cpu")?,
        libc: fields.texts("libc")?,
        requires_python: fields.optional("requires-python")?,
        install_scripts: fields.flag("install-scripts")?,
        bundled_in: fields.optional("bundled-in")?,
        git_reference: fields.optional("git-reference")?,
        git_tree: fields.optional("git-tree")?,
        artifacts: {
            let entry = fields.entry().to_owned();
            fields.tables("artifacts", &entry)?.into_iter().map(artifact).collect::<Result<_, _>>()?
        },
        evidence: fields.optional("evidence")?,
        signed_by: {
            let entry = fields.entry().to_owned();
            fields.tables("signed-by", &entry)?.into_iter().map(signed_by).collect::<Result<_, _>>()?
        },
    };
    let _checked_on_the_text = fields.required("seal")?;
    fields.finish()?;
    Ok(package)
}

fn signed_by<'t>(fields: Fields<'_, 't>) -> Result<SignedBy<'t>, LockError> {
    Ok(SignedBy { at: fields.at(), fields: pairs(fields)? })
}

fn artifact<'t>(mut fields: Fields<'_, 't>) -> Result<Artifact<'t>, LockError> {
    let artifact = Artifact {
        file: fields.required("file")?,
        kind: fields.optional("kind")?,
        size: fields.number("size")?,
        sha512: fields.optional("sha512")?,
        sha256: fields.optional("sha256")?,
    };
    fields.finish()?;
    Ok(artifact)
}
