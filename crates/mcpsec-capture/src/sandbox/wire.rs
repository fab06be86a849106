//! What the two halves of the launcher say to each other: one order, a few answers with open files attached.
//!
//! Everything travels over one socket that both inherit, so that neither arguments nor environment of any process ever hold
//! the plan (its environment may hold secrets). A frame is a tag byte, the length as four bytes (little endian), the payload.
use std::{
    ffi::{OsStr, OsString},
    io::{self, Read, Write},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
};

use crate::observe::{Reach, Watch};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Network, Plan, plan::Limits};

/// Longest frame, in bytes; arguments and environment together are smaller on every system.
const LONGEST: usize = 16 << 20;

/// The order of the parent.
pub(super) const ORDER: u8 = b'O';
/// Open files of the child, with [`Files`] as payload.
pub(super) const FILES: u8 = b'F';
/// The stranger's program has started; no payload.
pub(super) const STARTED: u8 = b'S';
/// It has not, with [`Failure`] as payload.
pub(super) const FAILED: u8 = b'E';

/// Exit code of a trial in which everything could be set up but a `/proc`.
pub(super) const WITHOUT_PROC: u8 = 77;

/// Bytes that need not be UTF-8, as JSON: each byte is the character of the same number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Raw(pub(super) Vec<u8>);

impl Raw {
    pub(super) fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }
}

impl From<&OsStr> for Raw {
    fn from(text: &OsStr) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<&Path> for Raw {
    fn from(path: &Path) -> Self {
        Self::from(path.as_os_str())
    }
}

impl From<Raw> for PathBuf {
    fn from(raw: Raw) -> Self {
        Self::from(OsString::from_vec(raw.0))
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.iter().map(|byte| char::from(*byte)).collect::<String>())
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
        bytes.map(Self).map_err(|_| D::Error::custom("a character above U+00FF"))
    }
}

/// A tier as it is ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Tier {
    Namespace,
    Landlock,
}

/// What the second half shall do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) tier: Tier,
    pub(super) program: Raw,
    pub(super) args: Vec<Raw>,
    pub(super) env: Vec<(Raw, Raw)>,
    pub(super) cwd: Option<Raw>,
    pub(super) read: Vec<Raw>,
    pub(super) write: Vec<Raw>,
    /// Scratch folder on this machine, for tiers that cannot make one of their own.
    pub(super) scratch: Option<Raw>,
    /// What the canaries in its home are drawn from; `None`: there are none.
    pub(super) canaries: Option<[u8; 32]>,
    /// Whether calls are watched and told.
    pub(super) observe: bool,
    /// Processor seconds of each process.
    pub(super) cpu: Option<u64>,
    pub(super) memory: Option<u64>,
    pub(super) processes: Option<u64>,
    pub(super) disk: Option<u64>,
    pub(super) file: Option<u64>,
    pub(super) files: Option<u64>,
    /// Nothing is executed; the program ends well when everything is set up.
    pub(super) probe: bool,
    /// Newest Landlock version to use, so that tests can be an older kernel.
    pub(super) landlock_at_most: Option<u8>,
}

impl Tier {
    /// What is watched in this tier: everything, if that is asked for. Else, where nothing may be addressed, nothing has to
    /// be; and where the program has its own network, only that it does not leave it through a unix socket.
    pub(super) fn watch(self, observe: bool) -> Option<Watch> {
        match self {
            Self::Namespace => Some(Watch { reach: Reach::Own, opens: observe, connects_only: !observe }),
            Self::Landlock => observe.then_some(Watch { reach: Reach::Shared, opens: true, connects_only: false }),
        }
    }
}

impl Order {
    /// What is watched.
    pub(super) fn watch(&self) -> Option<Watch> {
        self.tier.watch(self.observe)
    }

    pub(super) fn new(tier: Tier, plan: &Plan, scratch: Option<&Path>, seed: Option<[u8; 32]>) -> Self {
        let Limits { wall: _, cpu, memory, processes, output: _, disk, file, files } = plan.limits.clone();
        Self {
            tier,
            program: plan.program.as_path().into(),
            args: plan.args.iter().map(|arg| arg.as_os_str().into()).collect(),
            env: plan.env.iter().map(|(name, value)| (name.as_os_str().into(), value.as_os_str().into())).collect(),
            cwd: plan.cwd.as_deref().map(Raw::from),
            read: plan.read.iter().map(|path| path.as_path().into()).collect(),
            write: plan.write.iter().map(|path| path.as_path().into()).collect(),
            scratch: scratch.map(Raw::from),
            canaries: seed,
            // Allowed hosts are led outside by the observer.
            observe: plan.observe || plan.network != Network::None,
            cpu: cpu.map(|cpu| cpu.as_secs().max(1)),
            memory,
            processes,
            disk,
            file,
            files,
            probe: false,
            landlock_at_most: None,
        }
    }
}

/// Which open files came along, in this order.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Files {
    pub(super) names: Vec<FileName>,
    /// The user that the program runs as, where it is not the one who started mcpsec.
    pub(super) user: Option<u32>,
    /// The program's home, as it sees it.
    pub(super) home: Option<Raw>,
}

/// An open file of the child.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum FileName {
    /// The scratch folders' file system.
    Scratch,
    /// Where the kernel tells of the calls that are watched.
    Notify,
    /// UDP socket on the name server's address inside.
    NamesUdp,
    /// TCP listener on the name server's address inside.
    NamesTcp,
    /// The watch on the canaries.
    Trap,
}

/// What the second half could not do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Failure {
    /// The step, in words of ours: `mount /proc`.
    pub(super) step: String,
    /// The system's error number.
    pub(super) errno: i32,
    /// Whether everything was set up and only the program itself would not start.
    pub(super) program: bool,
}

/// Writes one frame.
pub(super) fn send(mut to: &UnixStream, tag: u8, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut frame = Vec::with_capacity(payload.len() + 5);
    frame.push(tag);
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(payload);
    to.write_all(&frame)
}

/// Writes what follows the tag, when the tag has been sent together with files.
pub(super) fn send_rest(mut to: &UnixStream, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(payload)
}

/// Reads the length and the payload that follow a tag.
pub(super) fn payload(mut from: &UnixStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut payload = vec![0; length];
    from.read_exact(&mut payload)?;
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive() {
        let all = Raw((0..=255).collect());
        let text = serde_json::to_string(&all).expect("JSON");
        assert_eq!(serde_json::from_str::<Raw>(&text).expect("JSON"), all);
        assert!(serde_json::from_str::<Raw>("\"\\u0100\"").is_err());
    }

    #[test]
    fn long_frames_are_refused() {
        let (a, b) = UnixStream::pair().expect("sockets");
        (&a).write_all(&u32::MAX.to_le_bytes()).expect("written");
        assert_eq!(payload(&b).expect_err("too long").kind(), io::ErrorKind::InvalidData);
    }
}
