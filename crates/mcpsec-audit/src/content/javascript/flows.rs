//! What happens together: within one function, or within one file.
//!
//! A function that reads key files and sends something is a thief in nearly every case; a file that does both may be a client of a
//! cloud. So what is seen is noted for the innermost function and handed to the one around it as long as that is short enough to be
//! about one thing.
use super::super::facts::{FileFacts, Sign, SignKind};

/// The longest function that is about one thing, in bytes.
const ONE_THING: u32 = 6_000;

/// Something that was seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Event {
    /// A file of secrets is named.
    SecretPlace,
    /// A file is read.
    Read,
    /// A file is written.
    Write,
    /// A file is made executable.
    Executable,
    /// The environment is turned into text.
    WholeEnvironment,
    /// Something is sent or fetched.
    Network,
    /// A program is started.
    Process,
    /// Text that is not known is run as code.
    Dynamic,
    /// A package's install script is written.
    InstallScript,
}

const EVENTS: usize = 9;

/// What was seen in one function, with the line of the first time. Secrets of different services are counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    length: u32,
    first: [Option<u32>; EVENTS],
    families: Vec<&'static str>,
    place: Option<&'static str>,
    judged: bool,
}

/// The functions around the place that is being read, and the file.
#[derive(Clone, Debug)]
pub(super) struct Flows {
    frames: Vec<Frame>,
    file: Frame,
}

impl Flows {
    pub(super) fn new(length: u32) -> Self {
        Self { frames: vec![Frame { length, ..Frame::default() }], file: Frame { length, ..Frame::default() } }
    }

    pub(super) fn enter(&mut self, length: u32) {
        self.frames.push(Frame { length, ..Frame::default() });
    }

    /// Ends a function: judges it, and hands what was seen to the one around it. Says whether it sends and is about one thing.
    pub(super) fn leave(&mut self, signs: &mut Vec<Sign>) -> bool {
        let Some(mut frame) = self.frames.pop() else { return false };
        frame.judge(signs);
        if let Some(outer) = self.frames.last_mut() {
            outer.take(&frame);
        }
        frame.length <= ONE_THING && frame.first[Event::Network as usize].is_some()
    }

    pub(super) fn see(&mut self, event: Event, line: u32) {
        for frame in self.frames.last_mut().into_iter().chain([&mut self.file]) {
            frame.first[event as usize].get_or_insert(line);
        }
    }

    /// A file of secrets that next to nobody has reason to read.
    pub(super) fn secret_place(&mut self, place: &'static str, line: u32) {
        self.see(Event::SecretPlace, line);
        for frame in self.frames.last_mut().into_iter().chain([&mut self.file]) {
            frame.place.get_or_insert(place);
        }
    }

    /// A variable of a service whose secrets are collected.
    pub(super) fn family(&mut self, family: &'static str) {
        for frame in self.frames.last_mut().into_iter().chain([&mut self.file]) {
            if !frame.families.contains(&family) {
                frame.families.push(family);
            }
        }
    }

    /// Ends the file.
    pub(super) fn finish(mut self, facts: &mut FileFacts) {
        while !self.frames.is_empty() {
            self.leave(&mut facts.signs);
        }
        let told = |kind| facts.signs.iter().any(|sign| sign.kind == kind && !sign.weak);
        let has = |event: Event| self.file.first[event as usize];
        let mut weak = Vec::new();
        if let (Some(line), Some(_), Some(_)) = (has(Event::SecretPlace), has(Event::Read), has(Event::Network))
            && !told(SignKind::Theft)
        {
            let place = self.file.place.unwrap_or_default();
            weak.push((SignKind::Theft, line, format!("names {place}, reads files and uses the network")));
        } else if let (Some(line), Some(_)) = (has(Event::WholeEnvironment), has(Event::Network))
            && !told(SignKind::Theft)
        {
            weak.push((SignKind::Theft, line, "takes the whole environment and uses the network".to_owned()));
        }
        if let (Some(line), Some(_)) = (has(Event::Dynamic), has(Event::Network))
            && !told(SignKind::RemoteCode)
        {
            weak.push((SignKind::RemoteCode, line, "runs text as code and uses the network".to_owned()));
        }
        facts.signs.extend(weak.into_iter().map(|(kind, line, shown)| Sign { kind, line, shown, weak: true }));
    }
}

impl Frame {
    fn take(&mut self, inner: &Self) {
        for (mine, theirs) in self.first.iter_mut().zip(inner.first) {
            *mine = mine.or(theirs);
        }
        for family in &inner.families {
            if !self.families.contains(family) {
                self.families.push(family);
            }
        }
        self.place = self.place.or(inner.place);
        self.judged |= inner.judged;
    }

    fn judge(&mut self, signs: &mut Vec<Sign>) {
        if self.judged || self.length > ONE_THING {
            return;
        }
        let has = |event: Event| self.first[event as usize];
        let mut found = Vec::new();
        if let (Some(line), Some(_), Some(_)) = (has(Event::SecretPlace), has(Event::Read), has(Event::Network)) {
            found.push((SignKind::Theft, line, format!("reads {} and sends", self.place.unwrap_or_default())));
        }
        if let Some(line) = has(Event::Network)
            && self.families.len() >= 3
        {
            found.push((SignKind::Theft, line, format!("takes secrets of {} and sends", self.families.join(", "))));
        }
        if let (Some(_), Some(_), Some(line), Some(_)) =
            (has(Event::Network), has(Event::Write), has(Event::Executable), has(Event::Process))
        {
            found.push((SignKind::RemoteCode, line, "downloads a file, makes it executable and runs it".to_owned()));
        }
        if let (Some(line), Some(_)) = (has(Event::InstallScript), has(Event::Write)) {
            found.push((SignKind::Spreading, line, "writes an install script into a package".to_owned()));
        }
        self.judged = !found.is_empty();
        signs.extend(found.into_iter().map(|(kind, line, shown)| Sign { kind, line, shown, weak: false }));
    }
}
