//! A configuration is read and built beside the one in force. Nothing that calls see is touched.

use std::net::SocketAddr;

use gateway_providers::Environment;
use gateway_transport::{Origin, Renewal, SpecError};
use serde_json::Value;
use tokio::task::JoinError;

use super::{InForce, Standing, told};
use crate::config::{
    self, Code, Digest, Environment as Variables, Exposure, Settings, Severity, Sources,
    WatchedFile,
};
use crate::edge::ServerIdentity;
use crate::wiring;
use crate::worker::{Snapshot, with_causes};

/// What every reload begins with.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) sources: Sources,
    pub(super) process: Variables,
    pub(super) standing: Standing,
    /// Where clients come in.
    pub(super) public: SocketAddr,
}

/// What became of reading and building.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The files that were read; `None`: not known.
    pub(super) files: Option<Vec<WatchedFile>>,
    /// What is to be put in force, if it is anything else than what is; or what is wrong.
    pub(super) verdict: Result<Option<Box<Candidate>>, Refusal>,
}

/// Why a configuration is not put in force.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) problems: Vec<Value>,
    /// Origins that were made for it alone.
    pub(super) made: Vec<Origin>,
}

impl From<Vec<Value>> for Refusal {
    fn from(problems: Vec<Value>) -> Self {
        let made = Vec::new();
        Self { problems, made }
    }
}

/// Everything of a new configuration that takes effect.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) settings: Settings,
    pub(super) digest: Digest,
    pub(super) environment: Environment,
    pub(super) snapshot: Snapshot,
    /// Origins of the old configuration that the new one does not use.
    pub(super) unused: Vec<Origin>,
    pub(super) renewals: Vec<Renewal>,
    pub(super) identity: Option<ServerIdentity>,
    /// Warnings.
    pub(super) problems: Vec<Value>,
}

impl Prepared {
    /// Reading or building ended with a panic, which is a defect of ours.
    pub(super) fn failed(error: &JoinError) -> Self {
        let message = format!("the configuration could not be read: {error}");
        let problem = told::problem(Severity::Error, Code::Unreadable, &message, None);
        Self {
            files: None,
            verdict: Err(Refusal::from(vec![problem])),
        }
    }
}

/// Reads the configuration and builds everything that depends on it. Blocking.
pub(super) fn prepare(ground: &Ground, in_force: &InForce) -> Prepared {
    let loaded = config::load(&ground.sources, &ground.process);
    let problems = config::values(&loaded.report);
    let verdict = match (loaded.settings, loaded.digest) {
        (Some(_), digest) if digest.is_some() && digest == in_force.digest => Ok(None),
        (Some(settings), Some(digest)) => {
            build(ground, in_force, settings, digest, problems).map(Some)
        }
        _ => Err(Refusal::from(problems)),
    };
    Prepared {
        files: Some(loaded.files),
        verdict,
    }
}

fn build(
    ground: &Ground,
    in_force: &InForce,
    mut settings: Settings,
    digest: Digest,
    mut problems: Vec<Value>,
) -> Result<Box<Candidate>, Refusal> {
    let Standing {
        demo,
        shared,
        books,
        ..
    } = &ground.standing;
    if let Some(demo) = *demo {
        wiring::add_demo(&mut settings, demo);
    }
    problems.extend(exposed(ground, &settings));
    let identity = match identity(ground, &settings) {
        Ok(identity) => identity,
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    let before = shared.snapshot.load_full();
    let environment = wiring::changed_environment(&in_force.environment, &settings);
    let snapshot = wiring::snapshot(&settings, &environment, &shared.transport, books);
    problems.extend(told::left_out(&snapshot, &before));
    let origins = snapshot.origins();
    let mut renewals = Vec::new();
    for origin in &origins {
        match shared.transport.renewals(std::slice::from_ref(origin)) {
            Ok(renewed) => renewals.extend(renewed),
            Err(error) => problems.push(unusable(origin, &error, &snapshot, &settings)),
        }
    }
    if told::has_errors(&problems) {
        restore(&before);
        let made = without(origins, &before.origins());
        return Err(Refusal { problems, made });
    }
    let unused = without(before.origins(), &origins);
    Ok(Box::new(Candidate {
        settings,
        digest,
        environment,
        snapshot,
        unused,
        renewals,
        identity,
        problems,
    }))
}

/// Certificates, keys or roots of an origin that cannot be used, with the first deployment that names them.
fn unusable(origin: &Origin, error: &SpecError, snapshot: &Snapshot, settings: &Settings) -> Value {
    let mut deployments = snapshot.catalog.deployments();
    let deployment = deployments.find(|it| it.origin == *origin);
    let group = deployment.map(|it| &*it.group);
    let mut settings = settings.deployments.iter();
    let said = settings.find(|it| Some(it.config.group.trim()) == group);
    let message = format!("{}: {}", origin.label(), with_causes(error));
    let place = said.map(|it| it.origin.as_str());
    told::problem(Severity::Error, Code::Unreadable, &message, place)
}

/// Slots belong to deployments whatever the configuration, and have had the limits of the new one for a moment.
fn restore(before: &Snapshot) {
    let max_waiting = before.catalog.routing().max_waiting;
    for deployment in before.catalog.deployments() {
        if let (Some(slots), Some(limit)) = (&deployment.slots, deployment.max_parallel) {
            slots.set_limits(limit, max_waiting);
        }
    }
}

fn without(mut origins: Vec<Origin>, others: &[Origin]) -> Vec<Origin> {
    origins.retain(|origin| !others.contains(origin));
    origins
}

/// Whoever reaches the listener could call once the key is gone: at the start the gateway would listen elsewhere.
fn exposed(ground: &Ground, settings: &Settings) -> Option<Value> {
    let Exposure::LoopbackOnly { why } = &settings.exposure else {
        return None;
    };
    let public = ground.public;
    if public.ip().is_loopback() {
        return None;
    }
    let message = format!("{why}, but the gateway listens on {public}: restart it for that");
    Some(told::problem(Severity::Error, Code::Weak, &message, None))
}

/// Who the listener will be, where it has an identity now and then.
fn identity(ground: &Ground, settings: &Settings) -> Result<Option<ServerIdentity>, Value> {
    let (Some(_), Some(tls)) = (&ground.standing.identity, &settings.listen.tls) else {
        return Ok(None);
    };
    match ServerIdentity::read(&tls.certificate, &tls.key) {
        Ok(identity) => Ok(Some(identity)),
        Err(error) => {
            let (message, place) = (with_causes(&error), Some(tls.origin.as_str()));
            let (severity, code) = (Severity::Error, Code::Unreadable);
            Err(told::problem(severity, code, &message, place))
        }
    }
}
