//! Descriptors over a socket: SCM_RIGHTS of unix(7).

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;

use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::run::listeners::{Listeners, Role};

/// The roles in words, and the descriptors in the same order.
pub(super) fn send(socket: &UnixStream, listeners: &[(Role, BorrowedFd<'_>)]) -> io::Result<()> {
    let names: Vec<&str> = listeners.iter().map(|(role, _)| role.name()).collect();
    let names = format!("{}\n", names.join(" "));
    let descriptors: Vec<BorrowedFd<'_>> = listeners.iter().map(|(_, fd)| *fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("too many listeners to pass on"));
    }
    let sent = sendmsg(
        socket,
        &[IoSlice::new(names.as_bytes())],
        &mut ancillary,
        SendFlags::NOSIGNAL,
    )?;
    match sent == names.len() {
        true => Ok(()),
        false => Err(io::ErrorKind::WriteZero.into()),
    }
}

/// What was sent.
pub(super) fn receive(socket: &UnixStream) -> io::Result<Listeners> {
    let mut names = [0; 64];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut names)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let names = names.get(..received.bytes).unwrap_or_default();
    let names = String::from_utf8_lossy(names);
    let mut descriptors: Vec<OwnedFd> = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(all) = message {
            descriptors.extend(all);
        }
    }
    let roles = names.split_whitespace().map(Role::named);
    let all = roles
        .zip(descriptors)
        .filter_map(|(role, fd)| Some((role?, fd)));
    Ok(Listeners::inherited(all))
}

/// Descriptors that are passed on at most.
const MOST: usize = 8;
