//! Handing descriptors from the sandboxed side to its parent, over a unix socket (`SCM_RIGHTS`).
use std::{
    io,
    os::fd::{BorrowedFd, OwnedFd},
};

use super::{Watch, install, sys};

/// Most descriptors of one message.
pub const MAX_DESCRIPTORS: usize = 8;

/// Sends descriptors with one byte of text.
///
/// # Errors
/// There are none or more than [`MAX_DESCRIPTORS`], or the channel is broken.
pub fn send(channel: BorrowedFd<'_>, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    if descriptors.is_empty() || descriptors.len() > MAX_DESCRIPTORS {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    sys::send_descriptors(channel, descriptors)
}

/// Receives what one [`send`] sent; waits for it as long as the channel's read time-out says.
///
/// # Errors
/// The channel was closed or is broken, or the message was not one of [`send`].
pub fn receive(channel: BorrowedFd<'_>) -> io::Result<Vec<OwnedFd>> {
    let received = sys::receive_descriptors(channel)?;
    if received.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(received) }
}

/// Installs the filter and sends its listener. Sending is a watched call itself, so a second thread, started before the
/// filter and not under it, does that; it has ended when this returns. The calling process should `exec` next.
///
/// # Errors
/// The kernel refused the filter, or the channel is broken. After the latter, watched calls fail.
pub fn install_and_send(watch: &Watch, channel: BorrowedFd<'_>) -> io::Result<()> {
    let (listener_to, listener_from) = std::sync::mpsc::sync_channel::<OwnedFd>(1);
    std::thread::scope(|scope| {
        let sender = scope.spawn(move || match listener_from.recv() {
            Ok(listener) => sys::send_descriptors(channel, &[std::os::fd::AsFd::as_fd(&listener)]),
            // The filter was refused; that error is told.
            Err(_) => Ok(()),
        });
        let installed = install(watch).map(|listener| {
            // The receiver is alive until it has received.
            let _received = listener_to.send(listener);
        });
        drop(listener_to);
        let sent = sender.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        installed.and(sent)
    })
}
