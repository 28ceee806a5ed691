//! The course of a run: what is measured, in which order, and by whom.

mod scenarios;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Serialize;
use tokio::process::{Child, Command};

use super::account;
use super::dialect::{Dialect, Route};
use super::job::{Cell, Job, Watch};
use super::payload::Mode;
use super::proxies::{self, Kind, Place, Proxy};
use super::{Args, Group};
use crate::failure::{Doing, Failure, Result};
use crate::shell;
use scenarios::{Scenario, closed, scenarios};

/// Everything that a run found.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    /// Where and with what it was measured: name and value.
    pub(crate) setting: Vec<(String, String)>,
    /// Names of the targets, in the table's order.
    pub(crate) targets: Vec<String>,
    /// What does not stop a run, but should be read with its figures.
    pub(crate) remarks: Vec<String>,
    /// All measurements, in the order in which they were made.
    pub(crate) samples: Vec<Sample>,
    /// Where results are written.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
}

/// One measurement of one target in one round.
#[derive(Debug, Serialize)]
pub(crate) struct Sample {
    /// From 0.
    pub(crate) round: u32,
    /// Name of the measurement.
    pub(crate) scenario: &'static str,
    /// Name of the target.
    pub(crate) target: String,
    /// What was found.
    pub(crate) cell: Cell,
}

/// Runs everything.
///
/// # Errors
/// The machine has too few cores or descriptors, something does not build, start or answer.
pub(crate) async fn run(args: &Args) -> Result<Found> {
    let folder = shell::target_dir().join("bench");
    std::fs::create_dir_all(&folder).doing(format!("cannot create {}", folder.display()))?;
    check_machine(args)?;
    build(args)?;
    let mut bench = Bench::start(args, folder).await?;
    bench.probe_all().await?;
    bench.probe_routes().await?;
    let scenarios = scenarios(args);
    let rounds = args.rounds.unwrap_or(if args.quick { 2 } else { 5 });
    for round in 0..rounds {
        for scenario in &scenarios {
            for turn in 0..bench.targets.len() {
                // A B C, then C B A: a slow drift of the machine meets all of them alike.
                let index = match round % 2 {
                    0 => turn,
                    _ => bench.targets.len() - 1 - turn,
                };
                bench.measure(round, scenario, index).await?;
            }
        }
    }
    for target in &mut bench.targets {
        target.stop().await?;
    }
    Ok(bench.found)
}

/// A run under way.
struct Bench {
    place: Place,
    generator: PathBuf,
    load_core: usize,
    mock: Child,
    targets: Vec<Proxy>,
    found: Found,
}

impl Bench {
    async fn start(args: &Args, folder: PathBuf) -> Result<Self> {
        let address = |offset| SocketAddr::from(([127, 0, 0, 1], args.base_port + offset));
        let release = shell::target_dir().join("release");
        let generator = release.join("xtask");
        let mut command = Command::new(&generator);
        command
            .args(["bench", "mock", "--core"])
            .arg(args.load_core.to_string())
            .arg("--address")
            .arg(address(0).to_string())
            .kill_on_drop(true);
        let mock = proxies::listening(address(0), &mut command)
            .await
            .doing("the mock upstream does not run")?;
        let place = Place {
            folder: folder.clone(),
            core: args.proxy_core,
            mock: address(0),
        };
        let mut targets = vec![Proxy::new("direct", Kind::Direct, address(0))];
        if !args.no_nginx && !args.only_the_gateways() {
            let binary = nginx_binary(&args.nginx_bin)?;
            targets.push(Proxy::new("nginx", Kind::Nginx(binary), address(1)));
        }
        if !args.no_gateway {
            let built = release.join("gateway-server");
            let binary = args.gateway_bin.clone().unwrap_or(built);
            targets.push(Proxy::new("gateway", Kind::Gateway(binary), address(2)));
        }
        targets.extend(args.extra_proxy.iter().map(Proxy::extra));
        for target in &mut targets {
            target.start(&place).await?;
        }
        let found = Found {
            setting: setting(args, &targets),
            targets: targets.iter().map(|target| target.name.clone()).collect(),
            remarks: Vec::new(),
            samples: Vec::new(),
            folder,
        };
        Ok(Self {
            place,
            generator,
            load_core: args.load_core,
            mock,
            targets,
            found,
        })
    }

    /// Sees that every target answers every mode, and with how many bytes.
    async fn probe_all(&mut self) -> Result<()> {
        for mode in [Mode::Plain, Mode::Flushed, Mode::Burst, Mode::Paced] {
            let mut expected = None;
            for index in 0..self.targets.len() {
                let probe = Scenario {
                    group: Group::Plain,
                    name: "probe",
                    route: Route::CHAT,
                    mode,
                    shape: closed(1, if mode == Mode::Paced { 1_600 } else { 300 }),
                    warm_up_ms: 0,
                };
                let cell = self.load(&probe, index).await?;
                let name = &self.targets[index].name;
                if cell.calls == 0 || cell.errors > 0 {
                    let error = cell.first_error.unwrap_or_else(|| "no answer".to_owned());
                    return Err(Failure::new(format!(
                        "{name} does not answer a {} call: {error}",
                        mode.name()
                    )));
                }
                let expected = *expected.get_or_insert(cell.body_bytes);
                if cell.body_bytes != expected {
                    self.found.remarks.push(format!(
                        "{name} changes the body of a {} call: (shortest, longest) {:?}, direct {:?}",
                        mode.name(),
                        cell.body_bytes.unwrap_or_default(),
                        expected.unwrap_or_default()
                    ));
                }
            }
        }
        Ok(())
    }

    /// Sees that every gateway answers every dialect from every dialect.
    async fn probe_routes(&self) -> Result<()> {
        for (index, target) in self.targets.iter().enumerate() {
            for client in Dialect::ALL {
                for upstream in Dialect::ALL {
                    let route = Route::of(client, upstream);
                    if matches!(target.kind, Kind::Gateway(_)) {
                        self.probe_route(index, route).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn probe_route(&self, index: usize, route: Route) -> Result<()> {
        for mode in [Mode::Plain, Mode::Burst] {
            let probe = Scenario {
                group: Group::Translated,
                name: "probe",
                route,
                mode,
                shape: closed(1, 300),
                warm_up_ms: 0,
            };
            let cell = self.load(&probe, index).await?;
            if cell.calls == 0 || cell.errors > 0 {
                let error = cell.first_error.unwrap_or_else(|| "no answer".to_owned());
                return Err(Failure::new(format!(
                    "{} does not answer a {} call from {} to {}: {error}",
                    self.targets[index].name,
                    mode.name(),
                    route.client.name(),
                    route.upstream.name()
                )));
            }
        }
        Ok(())
    }

    async fn measure(&mut self, round: u32, scenario: &Scenario, index: usize) -> Result<()> {
        if scenario.group.is_the_gateways() && !self.targets[index].is_gateway() {
            return Ok(());
        }
        if scenario.mode == Mode::Idle {
            let target = &mut self.targets[index];
            if matches!(target.kind, Kind::Direct) {
                return Ok(());
            }
            // What earlier measurements left in the allocator is not the streams'.
            target.stop().await?;
            target.start(&self.place).await?;
            let warm_up = Scenario {
                group: Group::Plain,
                name: "warm-up",
                route: scenario.route,
                mode: Mode::Burst,
                shape: closed(32, 500),
                warm_up_ms: 0,
            };
            self.load(&warm_up, index).await?;
        }
        eprintln!(
            "round {}: {} through {}",
            round + 1,
            scenario.name,
            self.targets[index].name
        );
        // A target that fails in one measurement still has figures in the others.
        let cell = self
            .load(scenario, index)
            .await
            .unwrap_or_else(|failure| Cell {
                errors: 1,
                first_error: Some(failure.to_string()),
                ..Cell::default()
            });
        self.found.samples.push(Sample {
            round,
            scenario: scenario.name,
            target: self.targets[index].name.clone(),
            cell,
        });
        Ok(())
    }

    /// One measurement in a process of its own.
    async fn load(&self, scenario: &Scenario, index: usize) -> Result<Cell> {
        let target = &self.targets[index];
        let job = Job {
            address: target.address,
            prefix: target.prefix.clone(),
            route: scenario.route,
            mode: scenario.mode,
            shape: scenario.shape.clone(),
            warm_up_ms: scenario.warm_up_ms,
            watch: Watch {
                proxy: target.processes(),
                mock: self
                    .mock
                    .id()
                    .ok_or_else(|| Failure::new("the mock has ended"))?,
                load_core: self.load_core,
            },
        };
        let output = Command::new(&self.generator)
            .args(["bench", "load", "--core"])
            .arg(self.load_core.to_string())
            .arg("--job")
            .arg(serde_json::to_string(&job).doing("job")?)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .doing("cannot start the load generator")?;
        let what = format!("{} through {}", scenario.name, target.name);
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            return Err(Failure::new(format!("{what}: {}", error.trim())));
        }
        serde_json::from_slice(&output.stdout).doing(what)
    }
}

fn check_machine(args: &Args) -> Result<()> {
    let cores = std::thread::available_parallelism().doing("cannot count cores")?;
    if args.proxy_core == args.load_core || cores.get() < 2 {
        return Err(Failure::new(
            "the proxy needs a core that mock and load generator do not use",
        ));
    }
    let limit = account::raise_descriptor_limit()?;
    if !args.quick && limit < 19_400 {
        return Err(Failure::new(format!(
            "9,000 streams need a hard limit of 19,400 descriptors in the proxy, it is {limit}; \
             raise it, or use --quick"
        )));
    }
    if !shell::works("taskset", &["--version"]) {
        return Err(Failure::new("taskset is missing (package util-linux)"));
    }
    Ok(())
}

fn build(args: &Args) -> Result<()> {
    if args.no_build {
        return Ok(());
    }
    let mut command = shell::cargo(&["build", "--release", "-p", "xtask"]);
    if !args.no_gateway && args.gateway_bin.is_none() {
        command.args(["-p", "gateway-server"]);
    }
    shell::run(&mut command)
}

/// nginx where it was said to be, or where Debian puts it for root alone.
fn nginx_binary(wanted: &Path) -> Result<PathBuf> {
    [wanted, Path::new("/usr/sbin/nginx")]
        .into_iter()
        .find(|path| shell::works(&path.to_string_lossy(), &["-v"]))
        .map(Path::to_path_buf)
        .ok_or_else(|| {
            Failure::new(
                "nginx is missing: `apt-get install nginx-light`, or --nginx-bin, or --no-nginx",
            )
        })
}

fn setting(args: &Args, targets: &[Proxy]) -> Vec<(String, String)> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let model = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map(|(_, model)| model.trim().to_owned());
    let mut setting = vec![
        (
            "kernel".to_owned(),
            read("/proc/sys/kernel/osrelease").trim().to_owned(),
        ),
        ("processor".to_owned(), model.unwrap_or_default()),
        ("proxy's core".to_owned(), args.proxy_core.to_string()),
        (
            "mock's and generator's core".to_owned(),
            args.load_core.to_string(),
        ),
        ("quick".to_owned(), args.quick.to_string()),
    ];
    for target in targets {
        let version = match &target.kind {
            Kind::Nginx(binary) => version(binary, "-v"),
            Kind::Gateway(binary) => version(binary, "--version"),
            Kind::Direct | Kind::Extra => continue,
        };
        setting.push((target.name.clone(), version));
    }
    setting
}

fn version(binary: &Path, flag: &str) -> String {
    std::process::Command::new(binary)
        .arg(flag)
        .output()
        .map(|output| [output.stdout, output.stderr].concat())
        .map(|text| String::from_utf8_lossy(&text).trim().to_owned())
        .unwrap_or_default()
}
