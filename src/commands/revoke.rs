//! `mcpsec revoke`: a signed line that takes an approval back. The approval itself stays: the file is only ever appended to.
use mcpsec_model::{
    approval::{Approval, Line, Reviewer, Revocation, Statement},
    digest::ApprovalId,
    lock::Lock,
    text::is_hidden,
};

use super::{
    approval::{self, Approving},
    approve::{asked, signed, signer_of, whole_seconds},
    team::{self, Ask},
};
use crate::{agent::Hand, cli::RevokeArgs, error::CommandError, exit::Code, project::Project, settings::Settings, ui};

/// The fewest digits of an id.
const MIN_ID: usize = 8;

pub(super) async fn run(settings: &Settings, args: &RevokeArgs) -> Result<Code, CommandError> {
    let project = Project::new(&settings.project);
    let lock = project.lock()?.unwrap_or_else(Lock::empty);
    let config = project.config_or_starter()?;
    let reason = args.reason.trim();
    if reason.is_empty() || reason.chars().any(is_hidden) || reason.chars().count() > 1000 {
        return Err(CommandError::usage("--reason must be 1 to 1000 visible characters"));
    }
    let to = team::check_destination(settings, &config, args.to)?;
    let log = team::look(settings, &config, &lock, Ask::Registry).await?;
    if let Some(log) = &log {
        log.check()?;
    }
    let approving = Approving::load(settings, &project, &config, &lock, log)?;
    let mut hand = Hand::new(settings, &args.with, &approving.signers)?;
    let signer = signer_of(&hand, &approving, settings.now)?;
    let own = approving.own().map_err(|error| CommandError::usage(error).hint(error.hint()))?;

    let mut found: Vec<(ApprovalId, Approval)> = Vec::new();
    let mut taken: Vec<ApprovalId> = Vec::new();
    let mut statements = own
        .lines()
        .iter()
        .map(|line| Ok((line.clone(), statement(line)?)))
        .collect::<Result<Vec<_>, CommandError>>()?;
    statements.extend(approving.logged(&args.what)?);
    for (line, statement) in statements {
        match statement {
            Statement::Approval(approval) => {
                let id = line.envelope.id();
                let mine = approval.reviewer.key == hand.public().fingerprint()
                    || approval.reviewer.name == signer.name.as_str();
                let named = approval.what.server.as_str() == args.what && mine;
                if named || is_id(&args.what, id) {
                    found.push((id, *approval));
                }
            }
            Statement::Revocation(revocation) => taken.push(revocation.approval),
        }
    }
    found.retain(|(id, _)| !taken.contains(id));
    found.sort_by_key(|(id, _)| *id);
    found.dedup_by_key(|(id, _)| *id);
    if found.is_empty() {
        return Err(CommandError::usage(format!(
            "{} no approval by {} of a server `{}`, and none with such an id, that is not revoked already",
            if config.team.is_some() {
                "neither mcp-approvals.jsonl nor the team's log has"
            } else {
                "mcp-approvals.jsonl has"
            },
            signer.name,
            mcpsec_model::text::escape(&args.what)
        ))
        .hint("mcpsec approvals lists approvals with their ids"));
    }
    if let Some((_, approval)) = found.iter().find(|(_, approval)| approval.reviewer.name != signer.name.as_str())
        && !signer.is_admin()
    {
        return Err(CommandError::denied(format!(
            "that approval is of {}, and {} has no role `admin`",
            mcpsec_model::text::escape(&approval.reviewer.name),
            signer.name
        )));
    }
    let mut statements = Vec::new();
    for (id, approval) in &found {
        ui::print_data(&format!(
            "revoke {} {} of {}, issued {}\n",
            approval.what.server,
            mcpsec_model::text::escape(&approval.what.version),
            mcpsec_model::text::escape(&approval.reviewer.name),
            approval.issued
        ))?;
        statements.push(Statement::Revocation(Box::new(Revocation {
            approval: *id,
            server: approval.what.server.clone(),
            reviewer: Reviewer { name: signer.name.to_string(), key: hand.public().fingerprint() },
            reason: reason.to_owned(),
            issued: whole_seconds(settings.now),
        })));
    }
    let question = format!("sign {}? [y/N] ", ui::count(statements.len(), "revocation"));
    if !args.yes && !asked(&question)? {
        return Err(CommandError::denied("nothing was signed").hint("--yes signs without asking"));
    }
    let envelopes = signed(&mut hand, &statements)?;
    team::deliver(settings, &project, &config, &envelopes, to).await?;
    let _seen = team::settle(settings, &project, &config).await?;
    Ok(crate::exit::GOOD)
}

fn statement(line: &Line) -> Result<Statement, CommandError> {
    Statement::parse(line.envelope.payload())
        .map_err(|error| CommandError::usage(format!("{}:{}: {error}", approval::FILE, line.number)))
}

/// Whether a text is the start of an id, long enough to mean one.
pub(super) fn is_id(text: &str, id: ApprovalId) -> bool {
    let text = text.strip_prefix("sha256:").unwrap_or(text);
    text.len() >= MIN_ID && id.to_string().strip_prefix("sha256:").is_some_and(|hex| hex.starts_with(text))
}
