//! The tags of a remote that come before a tag: listed, and their objects fetched without the trees they stand for.
//!
//! Tag objects alone are asked for with the filter `tree:0` at depth 1: a pack of a few kilobytes (the tags and their commits).
//! A server without filters is not asked for more than it would take to answer well. Everything that comes is bounded: lines
//! of the list, bytes of the pack, bytes of one object. The caller gives this a deadline of its own and can do without it.
use std::{collections::BTreeMap, io::Read as _, num::NonZeroU32, path::Path, sync::atomic::AtomicBool};

use gix::{
    ObjectId,
    objs::Kind,
    odb::pack,
    protocol::{
        Handshake,
        fetch::{self, Arguments, Shallow, negotiate},
        transport::{
            Service,
            client::blocking_io::{Transport, TransportV2Ext as _},
        },
    },
};

use super::{
    clone::Mirror,
    connect::{Authenticate, Line, listed, open_bare},
    error::{GitError, causes},
    history::{MAX_BYTES, MAX_LISTED, MAX_NAME, MAX_REMOTE, preceding},
    reference::Listed,
    signed::{TAGS, TagObject},
    tree::Objects,
    watch::Meter,
};

/// Most bytes of a pack of tag objects and their commits.
const MAX_PACK: u64 = 4 << 20;

/// How we introduce ourselves to servers that ask.
const AGENT: &str = "mcpsec";

impl Mirror {
    /// The annotated tags before the tag `own`: `None` when there are some and none of them could be had.
    pub(super) fn earlier_tags(
        &self,
        own: &str,
        meter: &Meter,
        interrupt: &AtomicBool,
    ) -> Result<Option<Vec<TagObject>>, GitError> {
        // Without the lock: a server that hangs here must not keep others from fetching what they need.
        let scratch = self.scratch("list-")?;
        let mut chosen = Vec::new();
        let spec = format!("+{TAGS}*:{TAGS}*");
        self.connected(scratch.path(), &[spec], |repo, mut line, authenticate| {
            let mut handshake = shake(repo, &mut line, authenticate, meter)?;
            chosen = choose(own, &advertised(&mut handshake, line.transport_mut(), meter)?);
            let missing: Vec<ObjectId> = chosen
                .iter()
                .filter_map(|item| item.tag.filter(|tag| self.kept_tag(*tag, MAX_BYTES).is_none()))
                .collect();
            if !missing.is_empty() {
                receive(repo, handshake, line.transport_mut(), missing, meter, interrupt)?;
            }
            Ok(())
        })?;
        self.take_over(scratch.path(), &chosen)?;
        let _guard = self.lock(meter)?;
        self.remember(&chosen)?;
        Ok(self.kept(&chosen))
    }

    /// The same from what is remembered.
    pub(super) fn remembered_tags(&self, own: &str) -> Result<Option<Vec<TagObject>>, GitError> {
        let all = self.remembered()?;
        Ok(self.kept(&choose(own, &all)).filter(|tags| !tags.is_empty()))
    }

    /// Moves tag objects from a scratch repository to their place. What is too large, or no tag, stays behind.
    fn take_over(&self, scratch: &Path, chosen: &[Listed]) -> Result<(), GitError> {
        let repo = open_bare(scratch, &self.options)
            .map_err(|error| GitError::Open { url: self.url.to_string(), reason: causes(&error) })?;
        let objects = Objects { repo: &repo, url: &self.url, limits: &self.options.limits };
        for tag in chosen.iter().filter_map(|item| item.tag) {
            if let Ok(raw) = objects.read(tag, Kind::Tag, "a tag", MAX_BYTES) {
                self.keep_tag(tag, &raw)?;
            }
        }
        Ok(())
    }

    fn kept(&self, chosen: &[Listed]) -> Option<Vec<TagObject>> {
        let read = |item: &Listed| {
            let id = item.tag?;
            let name = item.name.strip_prefix(TAGS)?.into();
            Some(TagObject { name, id: id.to_string().into(), raw: self.kept_tag(id, MAX_BYTES)? })
        };
        let tags: Vec<TagObject> = chosen.iter().filter_map(read).collect();
        (chosen.is_empty() || !tags.is_empty()).then_some(tags)
    }
}

/// The annotated tags to look at.
fn choose(own: &str, all: &[Listed]) -> Vec<Listed> {
    let annotated: BTreeMap<&str, &Listed> = all
        .iter()
        .filter(|item| item.tag.is_some())
        .filter_map(|item| Some((item.name.strip_prefix(TAGS)?, item)))
        .collect();
    let (names, _) = preceding(own, annotated.keys().copied());
    names.into_iter().take(MAX_REMOTE).filter_map(|name| annotated.get(name).map(|item| (*item).clone())).collect()
}

fn shake(
    repo: &gix::Repository,
    line: &mut Line<'_, '_>,
    authenticate: Authenticate<'_>,
    meter: &Meter,
) -> gix::Result<Handshake> {
    let transport = line.transport_mut();
    let url = transport.to_url().into_owned();
    if let Some(config) = repo.transport_options(gix::bstr::BStr::new(&url), None)? {
        transport.configure(&*config).map_err(|error| gix::Error::from(gix::error::message!("{error}")))?;
    }
    gix::protocol::handshake(transport, Service::UploadPack, authenticate, Vec::new(), &mut meter.clone())
}

/// All tags that the remote lists.
fn advertised(handshake: &mut Handshake, transport: &mut impl Transport, meter: &Meter) -> gix::Result<Vec<Listed>> {
    if let Some(refs) = handshake.refs.take() {
        return Ok(listed(&refs));
    }
    let agent = handshake.capabilities.capability("agent").map(|_| ("agent", Some(AGENT)));
    let arguments = ["peel".to_owned(), format!("ref-prefix {TAGS}")].map(Into::into);
    let mut lines = transport.invoke("ls-refs", agent.into_iter(), Some(arguments.into_iter()), false)?;
    let (mut all, mut count) = (Vec::new(), 0);
    while let Some(line) = lines.readline() {
        let line = line.map_err(gix::Error::from_error)??;
        meter.alive();
        count += 1;
        if count > MAX_LISTED {
            return Err(gix::error::message("it lists too many tags").into());
        }
        all.extend(line.as_slice().and_then(read_line));
    }
    Ok(all)
}

/// `<id> <name> peeled:<id>`; anything else is not an annotated tag that could be used.
fn read_line(line: &[u8]) -> Option<Listed> {
    let mut words = std::str::from_utf8(line).ok()?.trim_end_matches('\n').split(' ');
    let id = ObjectId::from_hex(words.next()?.as_bytes()).ok()?;
    let name = words.next().filter(|name| name.len() <= TAGS.len() + MAX_NAME)?.to_owned();
    let peeled = words.find_map(|word| word.strip_prefix("peeled:"))?;
    let commit = ObjectId::from_hex(peeled.as_bytes()).ok()?;
    Some(Listed { name, commit, tag: Some(id), target: None })
}

/// Fetches the objects into the scratch repository.
fn receive(
    repo: &gix::Repository,
    mut handshake: Handshake,
    transport: &mut impl Transport,
    wanted: Vec<ObjectId>,
    meter: &Meter,
    interrupt: &AtomicBool,
) -> gix::Result<()> {
    let folder = repo.objects.store_ref().path().join("pack");
    let options = pack::bundle::write::Options {
        thread_limit: Some(1),
        // A delta may be larger than what it makes; no object that is wanted is larger than this.
        alloc_limit_bytes: Some(1 << 20),
        ..Default::default()
    };
    let outcome = gix::protocol::fetch(
        &mut Wants(wanted),
        |reader, progress, interrupt| {
            let mut bounded = reader.take(MAX_PACK);
            pack::Bundle::write_to_directory(
                &mut bounded,
                Some(&folder),
                progress,
                interrupt,
                None::<gix::OdbHandle>,
                repo.object_hash(),
                options,
            )?;
            // What follows the pack is of no interest.
            Ok(false)
        },
        meter.clone(),
        interrupt,
        fetch::Context {
            handshake: &mut handshake,
            transport,
            user_agent: ("agent", Some(AGENT.to_owned())),
            trace_packetlines: false,
        },
        fetch::Options {
            shallow_file: repo.shallow_file()?,
            shallow: &Shallow::DepthAtRemote(NonZeroU32::MIN),
            tags: fetch::Tags::None,
            reject_shallow_remote: false,
        },
    )?;
    if outcome.is_none() {
        tracing::debug!("the remote has no filters; earlier tags are not fetched");
    }
    Ok(())
}

/// Asks for these objects, without trees, and has nothing to offer.
struct Wants(Vec<ObjectId>);

impl fetch::Negotiate for Wants {
    fn mark_complete_and_common_ref(&mut self) -> gix::Result<negotiate::Action> {
        Ok(negotiate::Action::MustNegotiate { remote_ref_target_known: Vec::new() })
    }

    fn add_wants(&mut self, arguments: &mut Arguments, _known: &[bool]) -> bool {
        if !arguments.can_use_filter() {
            return false;
        }
        arguments.filter("tree:0");
        for id in &self.0 {
            arguments.want(id);
        }
        true
    }

    fn one_round(
        &mut self,
        _state: &mut negotiate::one_round::State,
        _arguments: &mut Arguments,
        _previous: Option<&fetch::Response>,
    ) -> gix::Result<(negotiate::Round, bool)> {
        let round = negotiate::Round {
            haves_sent: 0,
            in_vain: 0,
            haves_to_send: 0,
            previous_response_had_at_least_one_in_common: false,
        };
        Ok((round, true))
    }
}
