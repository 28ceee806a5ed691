//! nginx as an ordinary reverse proxy in front of a gateway.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use gateway_testkit::client::Http1Client;
use gateway_testkit::process::{Process, ProcessConfig, Ready};
use tempfile::TempDir;

use crate::PATIENCE;
use crate::gateway::Gateway;

/// A running nginx with its defaults, buffering among them. Dropping it kills the process.
#[derive(Debug)]
pub struct Nginx {
    _process: Process,
    addr: SocketAddr,
    _dir: TempDir,
}

impl Nginx {
    /// Starts it in front of this gateway, with more directives for its only location.
    ///
    /// # Panics
    /// If nginx is not installed, or does not start; the message holds its output.
    pub async fn before(gateway: &Gateway, directives: &str) -> Self {
        let dir = TempDir::with_prefix("nginx-").expect("a directory can be made");
        let addr = free_address();
        let file = dir.path().join("nginx.conf");
        let text = config(dir.path(), addr, gateway.addr(), directives);
        fs::write(&file, text).expect("the directory is writable");
        let mut config = ProcessConfig::new(program()).args([
            "-p".to_owned(),
            dir.path().display().to_string(),
            "-c".to_owned(),
            file.display().to_string(),
            "-e".to_owned(),
            "stderr".to_owned(),
        ]);
        config.ready = Ready::Line(LISTENS.to_owned());
        config.ready_limit = PATIENCE;
        Self {
            _process: Process::start(config).await,
            addr,
            _dir: dir,
        }
    }

    /// A new connection to it.
    pub async fn http1(&self) -> Http1Client {
        let mut client = Http1Client::connect(self.addr).await;
        client.set_deadline(PATIENCE);
        client
    }
}

/// One process: a killed master would leave its workers behind. A `notice` tells that it listens.
fn config(dir: &Path, listen: SocketAddr, gateway: SocketAddr, directives: &str) -> String {
    let dir = dir.display();
    format!(
        "daemon off;
        master_process off;
        pid {dir}/nginx.pid;
        error_log stderr notice;
        events {{}}
        http {{
            access_log off;
            client_body_temp_path {dir}/body;
            proxy_temp_path {dir}/proxy;
            fastcgi_temp_path {dir}/fastcgi;
            uwsgi_temp_path {dir}/uwsgi;
            scgi_temp_path {dir}/scgi;
            upstream gateway {{
                server {gateway};
                keepalive 8;
            }}
            server {{
                listen {listen};
                location / {{
                    proxy_pass http://gateway;
                    {directives}
                }}
            }}
        }}"
    )
}

/// Where nginx is: in `PATH`, or where Debian puts it, which is in the administrator's `PATH` only.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join("nginx"))
        .find(|program| program.is_file())
        .expect("nginx is not installed: `cargo xtask test` installs it, or `apt-get install nginx-light`")
}

/// A port below those that the system gives to clients, so that none of the connections beside us takes it before nginx.
fn free_address() -> SocketAddr {
    let from_own_id = (0..1000).map(|n| 20_000 + (std::process::id().wrapping_mul(7) + n) % 10_000);
    from_own_id
        .filter_map(|port| u16::try_from(port).ok())
        .find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok())
        .and_then(|listener| listener.local_addr().ok())
        .expect("there is a free port")
}

/// What nginx says when its sockets are open and its events can come.
const LISTENS: &str = ": nginx/";
