//! Whether enough people approved exactly what is locked: pure, the same question has the same answer everywhere.
//!
//! Every approval of a server is weighed, and each that does not count says why. People are counted, not signatures: two lines, or
//! two keys, of one person are one person.
use std::{
    cell::OnceCell,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use mcpsec_model::{
    approval::{
        Approval, Approved, Changes, Envelope, Import, Line, Revocation, RulesId, Signer, Signers, Statement, Summary,
        Word,
    },
    check::{Check, CheckResult, CheckStatus},
    digest::ApprovalId,
    text::{Untrusted, escape},
    time::Timestamp,
};
use smol_str::SmolStr;

use super::{Refusal, signature};

/// How far a signer's clock may be ahead, in seconds.
pub const AHEAD: i64 = 3600;

/// Statements about one server, and whose file they stand in.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// The other team, for an imported file.
    pub import: Option<&'a Import>,
    /// The statements with their lines, in the order of the file.
    pub statements: Vec<(&'a Line, Statement)>,
}

/// One approval, weighed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Weighed {
    /// What a revocation would name.
    pub id: ApprovalId,
    /// Its line, from 1.
    pub line: usize,
    /// Which of the sources it stands in.
    pub source: usize,
    /// The import that it comes from.
    pub import: Option<Word>,
    /// What it says.
    pub approval: Approval,
    /// Who signed it, if a known key did.
    pub signer: Option<SmolStr>,
    /// For which criteria it counts, by our words; or why it counts for none.
    pub counts: Result<BTreeSet<Word>, Refusal>,
}

/// What is needed, and who gave it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Need {
    /// The criterion; `None` for the number in the policy, to which every approval counts.
    pub criterion: Option<Word>,
    /// How many people.
    pub required: u32,
    /// Who; sorted.
    pub people: BTreeSet<SmolStr>,
}

/// How a server stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Every approval of it, in the order of the files.
    pub approvals: Vec<Weighed>,
    /// What is needed.
    pub needs: Vec<Need>,
    /// What changed since the latest approval that was once good; `None` when there is none.
    pub since: Option<Since>,
}

/// What changed since an approval.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Since {
    /// Which approval.
    pub id: ApprovalId,
    /// Who gave it.
    pub by: SmolStr,
    /// When, by its own word.
    pub issued: Timestamp,
    /// The version that it is for, as it came.
    pub version: String,
    /// What is different.
    pub changes: Changes,
}

/// What approvals are held against.
#[derive(Clone, Copy, Debug)]
pub struct Locked<'a> {
    /// What is locked.
    pub what: &'a Approved,
    /// What it consists of.
    pub summary: &'a Summary,
    /// The policy that stands.
    pub rules: RulesId,
    /// How many people the policy asks for.
    pub required: u32,
}

/// Weighs all statements about one server. Sources of the same people are one: a revocation in the log of the team takes back an
/// approval in the file, and the other way round.
pub fn weigh(sources: &[Source<'_>], signers: &Signers, locked: Locked<'_>, now: Timestamp) -> Standing {
    Heard::new(sources, signers).weigh(locked, now)
}

/// All statements about one server, to be weighed for as many versions as there are: each signature is checked once, and only when
/// something rests on it.
#[derive(Debug)]
pub struct Heard<'a> {
    sources: &'a [Source<'a>],
    signers: &'a Signers,
    /// For each source, for each of its statements: whose signature it has.
    signed: Vec<Vec<OnceCell<Result<&'a Signer, Refusal>>>>,
}

/// The place of a statement: its source, and which it is there.
type At = (usize, usize);

impl<'a> Heard<'a> {
    /// Checks nothing yet.
    pub fn new(sources: &'a [Source<'a>], signers: &'a Signers) -> Self {
        let signed = sources.iter().map(|source| vec![OnceCell::new(); source.statements.len()]).collect();
        Self { sources, signers, signed }
    }

    /// [`weigh`].
    pub fn weigh(&self, locked: Locked<'_>, now: Timestamp) -> Standing {
        self.standing(locked, now, |_| true)
    }

    /// [`weigh`] that lists approvals of the locked version only. Those of others count for nothing.
    pub fn weigh_version(&self, locked: Locked<'_>, now: Timestamp) -> Standing {
        self.standing(locked, now, |approval| approval.what.version == locked.what.version)
    }

    fn standing(&self, locked: Locked<'_>, now: Timestamp, listed: impl Fn(&Approval) -> bool) -> Standing {
        let revocations: Vec<Vec<Revoked<'_>>> =
            self.sources.iter().map(|source| self.revocations(source.import, now)).collect();
        let weighed = |at: At, approval: &Approval| self.weighed(at, approval, &revocations[at.0], locked, now);
        let mut all: Vec<(At, &Approval)> = self.approvals().collect();
        let approvals: Vec<Weighed> =
            all.iter().filter(|(_, one)| listed(one)).map(|(at, one)| weighed(*at, one)).collect();
        let needs = needs(&approvals, self.signers, locked.required);
        // The latest first, and of two the one that was added last: most often the first that is looked at will do.
        all.sort_by_key(|(at, approval)| Reverse((approval.issued, *at)));
        let since = all.iter().find_map(|(at, approval)| since(&weighed(*at, approval), locked.summary));
        Standing { approvals, needs, since }
    }

    fn approvals(&self) -> impl Iterator<Item = (At, &'a Approval)> {
        self.sources.iter().enumerate().flat_map(|(source, of)| {
            of.statements.iter().enumerate().filter_map(move |(index, (_, statement))| match statement {
                Statement::Approval(approval) => Some(((source, index), &**approval)),
                Statement::Revocation(_) => None,
            })
        })
    }

    /// Whose signature a statement has.
    fn signed(&self, (source, index): At) -> &Result<&'a Signer, Refusal> {
        self.signed[source][index].get_or_init(|| {
            let source = &self.sources[source];
            let people = source.import.map_or(&self.signers.signers, |import| &import.signers);
            let (line, statement) = &source.statements[index];
            signed_by(&line.envelope, statement, people)
        })
    }

    fn weighed(
        &self,
        at: At,
        approval: &Approval,
        revocations: &[Revoked<'_>],
        locked: Locked<'_>,
        now: Timestamp,
    ) -> Weighed {
        let source = &self.sources[at.0];
        let (line, signed) = (source.statements[at.1].0, self.signed(at));
        let id = line.envelope.id();
        let counts = signed.clone().and_then(|signer| {
            let revoked = revocations.iter().find(|revocation| revocation.takes_back(id, &signer.name));
            judge(approval, signer, source.import, revoked, self.signers, locked, now)
        });
        Weighed {
            id,
            line: line.number,
            source: at.0,
            import: source.import.map(|import| import.name.clone()),
            approval: approval.clone(),
            signer: signed.as_ref().ok().map(|signer| signer.name.clone()),
            counts,
        }
    }

    /// What the people of an import, or our own, took back, in whichever of their sources. A person can take back their own approval
    /// even with a key that is no longer valid: it only ever takes trust away. Taking back what others gave needs the role `admin`
    /// and a valid key.
    fn revocations(&self, import: Option<&Import>, now: Timestamp) -> Vec<Revoked<'_>> {
        let of_same = |other: &Source<'_>| other.import.map(|import| &import.name) == import.map(|import| &import.name);
        let sources = self.sources.iter().enumerate().filter(|(_, source)| of_same(source));
        let revoked = sources.flat_map(|(source, of)| {
            of.statements.iter().enumerate().filter_map(move |(index, (_, statement))| {
                let Statement::Revocation(revocation) = statement else { return None };
                let by = *self.signed((source, index)).as_ref().ok()?;
                let of_others = by.is_admin() && by.refuses(revocation.issued, now).is_none();
                Some(Revoked { statement: revocation, by, of_others })
            })
        });
        revoked.collect()
    }
}

/// The signer whose key made this statement's signature; whether the key is valid, and the statement good for anything, is not asked.
///
/// # Errors
/// Nobody's key, a signature that does not hold, another name than the key's owner has.
pub fn signed_by<'s>(envelope: &Envelope, statement: &Statement, people: &'s [Signer]) -> Result<&'s Signer, Refusal> {
    let stated = statement.reviewer();
    let shown = |text: &str| Untrusted::new(text).excerpt(60);
    let signer = people
        .iter()
        .find(|signer| signer.key.fingerprint() == stated.key)
        .ok_or_else(|| Refusal::Unknown(shown(&stated.key)))?;
    signature::check(&signer.key, envelope, &stated.key)?;
    if signer.name != stated.name {
        return Err(Refusal::Name { stated: shown(&stated.name), owner: signer.name.to_string() });
    }
    Ok(signer)
}

/// A revocation whose signature holds.
struct Revoked<'a> {
    statement: &'a Revocation,
    by: &'a Signer,
    /// Whether it may take back what others gave.
    of_others: bool,
}

impl Revoked<'_> {
    fn takes_back(&self, id: ApprovalId, signer: &str) -> bool {
        self.statement.approval == id && (self.of_others || self.by.name == signer)
    }
}

/// For which of our criteria an approval with a good signature counts. `*` stands for "any", where mcp-signers names none.
fn judge(
    approval: &Approval,
    signer: &Signer,
    import: Option<&Import>,
    revoked: Option<&Revoked<'_>>,
    signers: &Signers,
    locked: Locked<'_>,
    now: Timestamp,
) -> Result<BTreeSet<Word>, Refusal> {
    if let Some(revoked) = revoked {
        let by = revoked.by.name.to_string();
        return Err(Refusal::Revoked { by, reason: escape(&revoked.statement.reason) });
    }
    if let Some(why) = signer.refuses(approval.issued, now) {
        return Err(Refusal::Key(why));
    }
    if approval.issued.as_second() > now.as_second() + AHEAD {
        return Err(Refusal::Future(approval.issued));
    }
    if now >= approval.expires {
        return Err(Refusal::Expired(approval.expires));
    }
    let differences = approval.what.differences(locked.what);
    if !differences.is_empty() {
        return Err(Refusal::Differs(differences));
    }
    let ours: BTreeSet<Word> = match import {
        Some(import) => approval.criteria.iter().filter_map(|theirs| import.criteria.get(theirs).cloned()).collect(),
        None => approval.criteria.clone(),
    };
    if ours.is_empty() {
        return Err(Refusal::Criteria(approval.criteria.iter().cloned().collect()));
    }
    if signers.criteria.is_empty() {
        return Ok(ours);
    }
    let mut counts = BTreeSet::new();
    let mut refusal = None;
    for word in &ours {
        let Some(criterion) = signers.criteria.get(word) else { continue };
        // People of another team have no roles here: what their word means was decided by whoever wrote the import.
        if import.is_none() && !criterion.roles.is_empty() && signer.roles.is_disjoint(&criterion.roles) {
            let roles = criterion.roles.iter().cloned().collect();
            refusal = Some(Refusal::Role { criterion: word.clone(), roles });
        } else if criterion.same_policy && approval.rules != locked.rules {
            refusal = Some(Refusal::Policy(word.clone()));
        } else {
            counts.insert(word.clone());
        }
    }
    match (counts.is_empty(), refusal) {
        (false, _) => Ok(counts),
        (true, Some(refusal)) => Err(refusal),
        (true, None) => Err(Refusal::Criteria(ours.into_iter().collect())),
    }
}

fn needs(approvals: &[Weighed], signers: &Signers, required: u32) -> Vec<Need> {
    let people = |criterion: Option<&Word>| -> BTreeSet<SmolStr> {
        let counting = approvals.iter().filter(|weighed| {
            weighed.counts.as_ref().is_ok_and(|words| criterion.is_none_or(|word| words.contains(word)))
        });
        counting.filter_map(|weighed| weighed.signer.clone()).collect()
    };
    let total = Need { criterion: None, required, people: people(None) };
    let each = signers.criteria.iter().map(|(word, criterion)| Need {
        criterion: Some(word.clone()),
        required: criterion.required,
        people: people(Some(word)),
    });
    std::iter::once(total).chain(each).collect()
}

/// What changed since an approval, if a known person signed it and nobody took it back: what a reviewer has seen before.
fn since(weighed: &Weighed, now: &Summary) -> Option<Since> {
    let usable = match &weighed.counts {
        Ok(_) => true,
        Err(refusal) => {
            matches!(refusal, Refusal::Differs(_) | Refusal::Expired(_) | Refusal::Policy(_) | Refusal::Criteria(_))
        }
    };
    let (by, approval) = (weighed.signer.clone().filter(|_| usable)?, &weighed.approval);
    Some(Since {
        id: weighed.id,
        by,
        issued: approval.issued,
        version: approval.what.version.clone(),
        changes: approval.summary.changes(now),
    })
}

impl Standing {
    /// Whether every need is met.
    pub fn is_met(&self) -> bool {
        self.needs.iter().all(Need::is_met)
    }

    /// The check `approval`. One line: what is missing, and why what is there does not count.
    pub fn check(&self, server: &str) -> CheckResult {
        if self.is_met() {
            return CheckResult::new(Check::Approval, server, CheckStatus::Pass);
        }
        let missing: Vec<String> = self.needs.iter().filter(|need| !need.is_met()).map(Need::missing).collect();
        let mut why: BTreeMap<String, usize> = BTreeMap::new();
        for weighed in &self.approvals {
            if let Err(refusal) = &weighed.counts {
                let by = weighed.signer.as_deref().unwrap_or("somebody");
                *why.entry(format!("the one of {by} does not count: {refusal}")).or_default() += 1;
            }
        }
        let more = why.len().saturating_sub(MOST);
        let mut parts = missing;
        parts.extend(why.into_keys().take(MOST));
        if more > 0 {
            parts.push(format!("and {more} more that do not count"));
        }
        CheckResult::new(Check::Approval, server, CheckStatus::Fail(parts.join("; ")))
            .hint(format!("mcpsec approve {server}"))
    }
}

/// How many approvals that do not count are explained in one line.
const MOST: usize = 3;

impl Need {
    /// Whether enough people approved.
    pub fn is_met(&self) -> bool {
        u32::try_from(self.people.len()).is_ok_and(|count| count >= self.required)
    }

    fn missing(&self) -> String {
        let people = match self.people.len() {
            0 => "nobody approved this".to_owned(),
            _ => {
                format!("only {} approved this", self.people.iter().map(SmolStr::as_str).collect::<Vec<_>>().join(", "))
            }
        };
        match &self.criterion {
            Some(word) => format!("{people} as `{word}`, and mcp-signers asks for {}", self.required),
            None => format!("{people}, and the policy asks for {}", self.required),
        }
    }
}
