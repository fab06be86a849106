//! What is answered to messages that name their receiver.
use std::os::fd::AsFd;

use super::{
    Reach,
    address::{self, Target, is_here},
    network::{FAULT, Network, REFUSED, UNREACHABLE},
    sys::{Answer, Notice},
    target::Reader,
    unix,
};

/// Messages of one `sendmmsg` that are looked at; the kernel takes no more than 1024 at once.
const MAX_MESSAGES: usize = 1024;

impl Network {
    /// `sendto` with an address.
    pub(super) fn send_to(&self, notice: &Notice) -> Answer {
        let [_, _, _, flags, at, length] = notice.args;
        let Some(raw) = self.reader(notice).address(at, length) else { return FAULT };
        self.send(notice, &raw, flags)
    }

    /// `sendmsg`.
    pub(super) fn send_message(&self, notice: &Notice) -> Answer {
        let [_, message, flags, ..] = notice.args;
        let reader = self.reader(notice);
        let Some(head) = reader.bytes(message, 16) else { return FAULT };
        match named(reader, &head) {
            Ok(None) if flags & u64::from(libc::MSG_FASTOPEN.cast_unsigned()) == 0 => Answer::Continue,
            Ok(raw) => self.send(notice, &raw.unwrap_or_default(), flags),
            Err(answer) => answer,
        }
    }

    /// `sendmmsg`.
    pub(super) fn send_messages(&self, notice: &Notice) -> Answer {
        // `struct mmsghdr` of the 64-bit architectures.
        const STRIDE: u64 = 64;
        let [_, messages, count, flags, ..] = notice.args;
        let reader = self.reader(notice);
        let mut answer = Answer::Continue;
        for index in 0..(count & 0xffff_ffff).min(MAX_MESSAGES as u64) {
            let head = messages.checked_add(STRIDE * index).and_then(|at| reader.bytes(at, 16));
            let Some(head) = head else { return FAULT };
            match named(reader, &head) {
                Ok(None) => {}
                Ok(Some(raw)) => match self.send(notice, &raw, flags) {
                    Answer::Continue => {}
                    refused => answer = refused,
                },
                Err(wrong) => return wrong,
            }
        }
        if self.reach == Reach::Shared {
            // Every program can do with the calls for one message, and here nothing below would stop a receiver that is
            // exchanged after the look at it.
            self.shared.record().refused("sendmmsg");
            return Answer::Error(libc::EPERM);
        }
        answer
    }

    /// What becomes of bytes for this address.
    fn send(&self, notice: &Notice, raw: &[u8], flags: u64) -> Answer {
        let own = self.reach == Reach::Own;
        let target = address::decode(raw, true);
        let fast_open = flags & u64::from(libc::MSG_FASTOPEN.cast_unsigned()) != 0;
        match &target {
            Target::Internet(to) if own && is_here(to.ip()) => {}
            Target::Internet(to) => {
                let known = self.shared.names().name_of(to.ip()).is_some();
                if !known {
                    self.tell_address(*to);
                }
            }
            Target::UnixPath(path) => self.tell_path(&unix::absolute(self.reader(notice), path)),
            Target::UnixAbstract(name) => self.shared.record().file(&[b"@", &name[..]].concat()),
            _ => {}
        }
        if fast_open {
            // A connection in disguise.
            return Answer::Error(libc::EOPNOTSUPP);
        }
        match target {
            Target::Internet(to) if own && is_here(to.ip()) => {
                // One of this machine's network can only have been inherited; then its loopback is this machine's.
                let socket = self.reader(notice).duplicate(notice.args[0]);
                let inside = socket.map_or(true, |socket| self.is_inside(socket.as_fd()));
                if inside { Answer::Continue } else { UNREACHABLE }
            }
            Target::Internet(_) => UNREACHABLE,
            Target::UnixPath(_) | Target::UnixAbstract(_) => REFUSED,
            Target::Netlink => Answer::Continue,
            Target::Unspecified | Target::UnixUnnamed | Target::Malformed => Answer::Error(libc::EINVAL),
            Target::Other(_) => Answer::Error(libc::EAFNOSUPPORT),
        }
    }
}

/// The address in the first 16 bytes of a `struct msghdr`: a pointer and a length.
fn named(reader: Reader<'_>, head: &[u8]) -> Result<Option<Vec<u8>>, Answer> {
    let (Some(pointer), Some(length)) = (head.first_chunk::<8>(), head.get(8..12)) else { return Err(FAULT) };
    let pointer = u64::from_ne_bytes(*pointer);
    let length = length.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    if pointer == 0 || length == 0 {
        return Ok(None);
    }
    // The kernel takes what is longer than any address for the longest.
    let length = length.min(address::MAX_ADDRESS as u64);
    reader.address(pointer, length).map(Some).ok_or(FAULT)
}
