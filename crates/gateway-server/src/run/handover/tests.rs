//! The words between two processes.

use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::passing::{receive, send};
use super::{HandoverError, Started, Successor};
use crate::run::listeners::{Listener, Role, Said};

#[test]
fn listeners_arrive_with_what_they_are_and_accept() {
    let (old, new) = UnixStream::pair().unwrap();
    let all = [(Role::Public, Said::InConfig), (Role::Admin, Said::InUnit)];
    let all = all.map(|(role, said)| Listener {
        role,
        said,
        socket: TcpListener::bind("127.0.0.1:0").unwrap(),
    });
    send(&old, &all).unwrap();
    let mut received = receive(&new).unwrap();
    for sent in all {
        let address = sent.socket.local_addr().unwrap();
        let taken = received.listener(sent.role, address).unwrap();
        assert_eq!(taken.said, sent.said);
        drop(sent);
        taken.socket.set_nonblocking(false).unwrap();
        let client = std::net::TcpStream::connect(address).unwrap();
        let (_, peer) = taken.socket.accept().unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
    }
}

fn shell(script: &str) -> Successor {
    let how = Started {
        program: "sh".into(),
        found: None,
        args: vec!["-c".into(), script.into()],
    };
    Successor::start(&how, &[]).unwrap()
}

async fn outcome(script: &str) -> Result<u32, String> {
    let limit = Duration::from_secs(5);
    let taken = shell(script).takes_over(limit).await;
    taken
        .map(|successor| successor.pid())
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_process_that_says_so_takes_over() {
    let script = "echo ready >&0; read first; read go; echo begun >&0";
    assert!(outcome(script).await.unwrap() > 0);
}

#[tokio::test]
async fn one_that_ends_is_told_with_its_status_and_its_words() {
    let error = outcome("echo said it is wrong >&0; exit 3").await;
    let error = error.unwrap_err();
    assert!(error.contains("exit status: 3"), "{error}");
    assert!(error.ends_with(": it is wrong"), "{error}");
    let error = outcome("echo ready >&0; exit 4").await.unwrap_err();
    assert!(error.contains("exit status: 4"), "{error}");
}

#[tokio::test]
async fn one_that_takes_too_long_is_ended() {
    let slow = shell("exec sleep 60");
    let pid = slow.pid();
    let late = slow.takes_over(Duration::from_millis(50)).await;
    assert!(matches!(late, Err(HandoverError::Late { .. })), "{late:?}");
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    assert!(rustix::process::test_kill_process(pid).is_err());
}

#[tokio::test]
async fn one_that_cannot_be_started_is_named() {
    let how = Started {
        program: "/nowhere/gateway-server".into(),
        found: None,
        args: Vec::new(),
    };
    let error = Successor::start(&how, &[]).unwrap_err().to_string();
    assert!(
        error.contains("cannot start /nowhere/gateway-server"),
        "{error}"
    );
}
