//! The units, judged by systemd's own tools.

use std::fs;
use std::path::Path;

use end_to_end::{binary, command};

use crate::{content, folder, judge, longest_end, project, read};

/// The worst exposure that the service may have, on a scale to 10; systemd calls up to 2 "ok".
const EXPOSED: f64 = 1.6;

fn unit(name: &str) -> String {
    read(&project(&format!("packaging/debian/{name}")))
}

/// The value of a setting, the last one if it is said twice.
fn setting<'a>(unit: &'a str, key: &str) -> &'a str {
    let value = unit.lines().rev().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name == key).then_some(value)
    });
    value.unwrap_or_else(|| panic!("no {key} in {unit}"))
}

/// Puts both units into a folder, the service with the binary under test.
fn install(folder: &Path) -> [String; 2] {
    ["gateway-server.service", "gateway-server.socket"].map(|name| {
        let file = folder.join(name);
        let binary = binary::gateway_server().display().to_string();
        let text = unit(name).replace("/usr/bin/gateway-server", &binary);
        fs::write(&file, text).unwrap();
        file.display().to_string()
    })
}

#[tokio::test]
async fn systemd_has_nothing_to_say_about_the_units() {
    let folder = folder();
    let [service, socket] = install(folder.path());
    let args = ["verify", "--man=no", &service, &socket];
    let done = command::run("systemd-analyze", args).await;
    let said = done.stdout + &done.stderr;
    // Units of the machine itself are read on the way, and may be at fault.
    let ours: Vec<&str> = said
        .lines()
        .filter(|it| it.contains("gateway-server"))
        .collect();
    assert!(ours.is_empty(), "{said}");
}

#[tokio::test]
async fn the_service_is_exposed_to_little() {
    let folder = folder();
    let [service, _] = install(folder.path());
    let args = ["security", "--offline=true", "--no-pager", &service];
    let said = content("systemd-analyze", &args).await;
    let (_, level) = said.split_once("Overall exposure level for").expect(&said);
    let level = level.split_whitespace().nth(1).unwrap();
    let level: f64 = level.parse().unwrap();
    assert!(level <= EXPOSED, "{said}");
}

#[tokio::test]
async fn streams_have_their_time_when_the_service_stops() {
    let service = unit("gateway-server.service");
    let stop: u64 = setting(&service, "TimeoutStopSec").parse().unwrap();
    let config = project("packaging/debian/config.yaml")
        .display()
        .to_string();
    let config = judge("objects", &[&config]).await;
    assert!(stop > longest_end(&config[0]), "{stop}");
    assert_eq!(setting(&service, "Type"), "notify");
    assert_eq!(setting(&service, "LimitNOFILE"), "1048576");
    assert_eq!(setting(&service, "ExecReload"), "/bin/kill -HUP $MAINPID");
}

/// Who turns the socket on must find the gateway where it was.
#[test]
fn the_socket_is_where_the_gateway_listens_by_itself() {
    assert_eq!(
        setting(&unit("gateway-server.socket"), "ListenStream"),
        "127.0.0.1:4000"
    );
}
