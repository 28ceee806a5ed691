//! How a deployment's connections are made.

use super::super::problem::{Code, Place, Report};
use super::Params;
use gateway_providers::ConnectOptions;
use gateway_transport::{ClientIdentity, Http2Mode, Roots, Verify};
use std::path::Path;

/// The options of one deployment over those of all.
pub(super) fn options(
    params: &Params<'_>,
    base: &ConnectOptions,
    report: &mut Report,
) -> ConnectOptions {
    let mut connect = base.clone();
    if let Some(node) = params.get("ssl_verify") {
        verify(
            &mut connect,
            node.as_bool(),
            node.as_text(),
            &node.place(),
            report,
        );
    }
    if let Some(node) = params.get("ssl_certificate")
        && let Some(path) = node.as_text()
    {
        identity(&mut connect, path, &node.place(), report);
    }
    if let Some(mode) = params.text("http2") {
        connect.http2 = http2(mode);
    }
    connect
}

/// `ssl_verify`: false, true, or the path of a PEM file with trusted roots.
pub(in crate::config) fn verify(
    connect: &mut ConnectOptions,
    flag: Option<bool>,
    path: Option<&str>,
    place: &Place,
    report: &mut Report,
) {
    match (flag, path) {
        (Some(false), _) => connect.tls.verify = Verify::DangerouslyOff,
        (Some(true), _) => connect.tls.verify = Verify::Full,
        (None, Some(path)) => {
            connect.tls.verify = Verify::Full;
            connect.tls.roots = Roots::File(readable(path, place, report).into());
        }
        (None, None) => {}
    }
}

/// `ssl_certificate`: a PEM file with our certificate chain and private key.
pub(in crate::config) fn identity(
    connect: &mut ConnectOptions,
    path: &str,
    place: &Place,
    report: &mut Report,
) {
    let path = readable(path, place, report);
    connect.tls.client_identity = Some(ClientIdentity::Files {
        certificate: path.into(),
        key: path.into(),
    });
}

/// `http2`, which the table has checked.
pub(in crate::config) fn http2(mode: &str) -> Http2Mode {
    match mode.to_ascii_lowercase().as_str() {
        "never" => Http2Mode::Never,
        "prior_knowledge" => Http2Mode::PriorKnowledge,
        _ => Http2Mode::Auto,
    }
}

/// The path itself; a file that cannot be read is a problem.
pub(in crate::config) fn readable<'a>(
    path: &'a str,
    place: &Place,
    report: &mut Report,
) -> &'a Path {
    let path = Path::new(path);
    if let Err(error) = report.sources.count(path) {
        let message = format!("cannot read {}: {error}", path.display());
        report.error(Code::Unreadable, place.clone(), message);
    }
    path
}
