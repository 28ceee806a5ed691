//! A test in a network of its own: the gateway, the doubles and the clients reach each other and nothing else.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::panic;
use std::process::{Command, Stdio};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::{binary, published};

/// Runs a test on a thread whose network is a loopback and nothing else, and so is that of every process that it starts.
/// Where this is not permitted, the test runs in the machine's own network: what it starts gets no address but loopback's
/// and no credential. `wanted` are files of `tests/published`; they are installed before, while there is a way out.
///
/// # Panics
/// If the test does, or something cannot be installed.
pub fn apart<T: Future<Output = ()>>(wanted: &[&str], test: impl FnOnce() -> T + Send) {
    for name in wanted {
        published::installed(name);
    }
    binary::gateway_server();
    let alone = || {
        leave();
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made")
            .block_on(test());
    };
    let name = thread::current().name().unwrap_or_default().to_owned();
    let ended = thread::scope(|scope| {
        let thread = thread::Builder::new().name(name);
        let thread = thread.spawn_scoped(scope, alone);
        thread.expect("a thread can be started").join()
    });
    if let Err(failure) = ended {
        panic::resume_unwind(failure);
    }
}

/// Moves this thread into a new network. A child makes it, since making one oneself needs unsafe code.
fn leave() {
    let child = Command::new("unshare")
        .args(["--net", "sh", "-c", MAKE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else {
        return;
    };
    let mut said = String::new();
    let stdout = child.stdout.take().expect("it is piped");
    // An error and the end both mean that there is no new network.
    BufReader::new(stdout).read_line(&mut said).ok();
    if said == "made\n"
        && let Ok(network) = File::open(format!("/proc/{}/ns/net", child.id()))
    {
        // Not permitted: the test goes on where it is.
        move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network)).ok();
    }
    // It ends when its input does.
    drop(child.stdin.take());
    child.wait().ok();
}

/// `unshare` becomes this shell, and so has the id of our child.
const MAKE: &str = "ip link set lo up && echo made && read -r _";
