//! A volume upstream in a process of its own.
//!
//! `cargo run -p gateway-testkit --example volume -- 127.0.0.1:9100 1`, then for instance
//! `curl -N http://127.0.0.1:9100/m/paced-10-200/v1/chat/completions`.

use std::net::SocketAddr;

use gateway_testkit::volume::Volume;

fn main() {
    let mut args = std::env::args().skip(1);
    let bind: SocketAddr = args
        .next()
        .map_or(Ok(SocketAddr::from(([127, 0, 0, 1], 9100))), |text| {
            text.parse()
        })
        .expect("the first argument is an address");
    let threads = args
        .next()
        .map_or(Ok(1), |text| text.parse())
        .expect("the second argument is a number of threads");
    let volume = Volume::on_threads(bind, threads);
    eprintln!("listening on {}", volume.addr());
    volume.join();
}
