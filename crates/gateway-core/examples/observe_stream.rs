//! Reads a stream of server-sent events from a file, or from standard input, and prints what the gateway would see.
//!
//! ```text
//! curl -sN ... | cargo run -p gateway-core --example observe_stream -- openai_chat
//! cargo run -p gateway-core --example observe_stream -- anthropic_messages stream.txt
//! ```

use std::fs::File;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use bytes::Bytes;
use gateway_core::{Dialect, Event, Flow, Framer, Seen, StreamObserver};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [dialect] => observe(dialect, io::stdin().lock()),
        [dialect, path] => File::open(path).and_then(|file| observe(dialect, file)),
        _ => Err(io::Error::other("usage: observe_stream DIALECT [FILE]")),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Prints one line per event and a verdict; whether the stream was complete.
fn observe(dialect: &str, mut input: impl Read) -> io::Result<bool> {
    let known = Dialect::ALL
        .into_iter()
        .find(|known| known.name() == dialect);
    let dialect =
        known.ok_or_else(|| io::Error::other(format!("no dialect is called {dialect}")))?;
    let mut framer = Framer::new(16 * 1024 * 1024);
    let mut observer = dialect.stream_observer();
    let mut out = io::stdout().lock();
    let mut buffer = [0; 8192];
    loop {
        let read = input.read(&mut buffer)?;
        let chunk = Bytes::copy_from_slice(&buffer[..read]);
        let mut lines = Vec::new();
        let each = |event: Event<'_>| look(&mut observer, &event, &mut lines);
        let fed = if read == 0 {
            framer.finish(each)
        } else {
            framer.feed(chunk, each)
        };
        for line in lines {
            writeln!(out, "{line}")?;
        }
        if let Some(error) = fed.error {
            writeln!(out, "malformed: {error}")?;
            return Ok(false);
        }
        if read == 0 {
            break;
        }
    }
    let complete = observer.is_complete() && framer.at_boundary();
    writeln!(out, "{}", if complete { "complete" } else { "truncated" })?;
    let usage = observer.usage();
    writeln!(
        out,
        "input tokens {:?}, output tokens {:?}",
        usage.input_tokens, usage.output_tokens
    )?;
    Ok(complete)
}

fn look(observer: &mut StreamObserver, event: &Event<'_>, lines: &mut Vec<String>) -> Flow {
    let seen = observer.event(event);
    lines.push(format!("{:>6} bytes  {seen:?}", event.raw().len()));
    match seen {
        Seen::Terminal | Seen::Error(_) => Flow::Stop,
        _ => Flow::Continue,
    }
}
