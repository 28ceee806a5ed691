//! Descriptors over a socket: SCM_RIGHTS of unix(7).

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::run::listeners::{Listener, Listeners, Role, Said};

/// What they are in words, and the descriptors in the same order.
pub(super) fn send(socket: &UnixStream, listeners: &[Listener]) -> io::Result<()> {
    let words: Vec<String> = listeners.iter().map(in_words).collect();
    let words = format!("{}\n", words.join(" "));
    let descriptors: Vec<BorrowedFd<'_>> = listeners.iter().map(|it| it.socket.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("too many listeners to pass on"));
    }
    let sent = sendmsg(
        socket,
        &[IoSlice::new(words.as_bytes())],
        &mut ancillary,
        SendFlags::NOSIGNAL,
    )?;
    match sent == words.len() {
        true => Ok(()),
        false => Err(io::ErrorKind::WriteZero.into()),
    }
}

/// What was sent.
pub(super) fn receive(socket: &UnixStream) -> io::Result<Listeners> {
    let mut words = [0; 128];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut words)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let words = words.get(..received.bytes).unwrap_or_default();
    let words = String::from_utf8_lossy(words);
    let mut descriptors: Vec<OwnedFd> = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(all) = message {
            descriptors.extend(all);
        }
    }
    let all = words.split_whitespace().map(read).zip(descriptors);
    let known = all.filter_map(|(word, fd)| {
        let (role, said) = word?;
        Some((role, said, fd))
    });
    Ok(Listeners::inherited(known))
}

/// `public` or `admin`, and who says its address if that is not the configuration.
fn in_words(listener: &Listener) -> String {
    let name = listener.role.name();
    match listener.said {
        Said::InConfig => name.to_owned(),
        Said::InUnit => format!("{name}{OF_UNIT}"),
    }
}

fn read(word: &str) -> Option<(Role, Said)> {
    match word.strip_suffix(OF_UNIT) {
        Some(name) => Some((Role::named(name)?, Said::InUnit)),
        None => Some((Role::named(word)?, Said::InConfig)),
    }
}

const OF_UNIT: &str = "@unit";
/// Descriptors that are passed on at most.
const MOST: usize = 8;
