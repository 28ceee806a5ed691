//! `top`: the page in a terminal, once a second.

use std::io::{self, IsTerminal};
use std::time::Duration;

use clap::Args;
use http::Method;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, interval, sleep_until};

use super::Done;
use super::screen::{Line, Palette, Tone, page};
use super::terminal::Terminal;
use crate::cli::Exit;
use crate::cli::client::{Client, ClientError, Events, TargetArgs};
use crate::config::Environment;
use crate::status::shape::{Status, Timeline};

/// Arguments of `top`.
#[derive(Debug, Clone, Args)]
pub struct TopArgs {
    /// End after so many pictures.
    #[arg(short = 'n', long, value_name = "N")]
    pub(super) count: Option<u64>,
    /// One picture after the other as text, as it is done where there is no terminal.
    #[arg(long)]
    pub(super) plain: bool,
    #[command(flatten)]
    pub(super) target: TargetArgs,
}

/// Shows the page until `q`, a signal, or the last picture.
pub(super) fn top(
    args: &TopArgs,
    client: &Client,
    environment: &Environment,
    out: &mut dyn io::Write,
) -> io::Result<Done> {
    let terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let dumb = environment.get("TERM").is_none_or(|it| it == "dumb");
    if args.plain || !terminal || dumb {
        return client.wait(plain(args, client, out));
    }
    let palette = match environment.non_empty("NO_COLOR") {
        Some(_) => Palette::Bare,
        None => Palette::Colored,
    };
    client.wait(full(args, client, palette))
}

/// One picture after the other, until there have been enough, the stream ends or nobody reads.
async fn plain(args: &TopArgs, client: &Client, out: &mut dyn io::Write) -> io::Result<Done> {
    let mut watched = match Watched::begin(client).await {
        Ok(watched) => watched,
        Err(error) => return Ok(Err(error)),
    };
    let mut shown = 0;
    while args.count.is_none_or(|count| shown < count) {
        match watched.next().await {
            Ok(Some(News::Status)) => {}
            Ok(Some(News::Other)) => continue,
            Ok(None) => break,
            Err(error) => return Ok(Err(error)),
        }
        let ended = watched
            .page(usize::MAX)
            .iter()
            .try_for_each(|line| writeln!(out, "{}", line.painted(usize::MAX, Palette::Bare)));
        let ended = ended
            .and_then(|()| writeln!(out))
            .and_then(|()| out.flush());
        match ended {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            other => other?,
        }
        shown += 1;
    }
    Ok(Ok(Exit::Fine))
}

/// The page on a screen of its own.
async fn full(args: &TopArgs, client: &Client, palette: Palette) -> io::Result<Done> {
    // Before the screen is taken, so that there is room for the error.
    let mut watched = match Watched::begin(client).await {
        Ok(watched) => watched,
        Err(error) => return Ok(Err(error)),
    };
    let mut ends = Ends::listen()?;
    let mut keys = interval(KEYS);
    let terminal = Terminal::take()?;
    let mut view = View {
        palette,
        scrolled: 0,
    };
    let mut shown = 0;
    let mut again: Option<Instant> = None;
    loop {
        tokio::select! {
            () = ends.next() => break,
            _ = keys.tick() => match view.keys(&terminal.keys()?) {
                Pressed::Quit => break,
                Pressed::Moved => view.show(&terminal, &watched)?,
                Pressed::Nothing => {}
            },
            news = watched.next(), if again.is_none() => match news {
                Ok(Some(News::Other)) => {}
                Ok(Some(News::Status)) => {
                    view.show(&terminal, &watched)?;
                    shown += 1;
                    if args.count.is_some_and(|count| shown >= count) {
                        break;
                    }
                }
                lost => {
                    watched.lost(lost.err());
                    view.show(&terminal, &watched)?;
                    again = Some(Instant::now() + AGAIN);
                }
            },
            () = sleep_until(again.unwrap_or_else(Instant::now)), if again.is_some() => {
                again = match watched.resume(client).await {
                    Ok(()) => None,
                    Err(_still) => Some(Instant::now() + AGAIN),
                };
            }
        }
    }
    drop(terminal);
    Ok(Ok(Exit::Fine))
}

/// What is known of the gateway.
struct Watched {
    events: Events,
    status: Status,
    timeline: Timeline,
    lost: Option<String>,
}

/// What has come.
enum News {
    Status,
    Other,
}

impl Watched {
    async fn begin(client: &Client) -> Result<Self, ClientError> {
        let events = client.events("/admin/live").await?;
        let asked = client.ask(Method::GET, "/admin/timeline", bytes::Bytes::new());
        Ok(Self {
            events,
            status: Status::default(),
            timeline: asked.await?.success()?.json()?,
            lost: None,
        })
    }

    /// Looks on after the stream was lost.
    async fn resume(&mut self, client: &Client) -> Result<(), ClientError> {
        *self = Self::begin(client).await?;
        Ok(())
    }

    fn lost(&mut self, error: Option<ClientError>) {
        let ended = || "the gateway has ended the stream".to_owned();
        self.lost = Some(error.map_or_else(ended, |error| error.to_string()));
    }

    async fn next(&mut self) -> Result<Option<News>, ClientError> {
        let Some(event) = self.events.next().await? else {
            return Ok(None);
        };
        let read = |error: serde_json::Error| self.events.odd(&error);
        Ok(Some(match &*event.name {
            "status" => {
                self.status = serde_json::from_str(&event.data).map_err(read)?;
                News::Status
            }
            "timeline" => {
                let newest = serde_json::from_str(&event.data).map_err(read)?;
                self.timeline.extend(newest);
                News::Other
            }
            _ => News::Other,
        }))
    }

    fn page(&self, width: usize) -> Vec<Line> {
        let mut lines = page(&self.status, Some(&self.timeline), width);
        if let Some(lost) = &self.lost {
            let text = format!("{lost}: trying again");
            lines.insert(
                0,
                Line {
                    text,
                    tone: Tone::Bad,
                },
            );
        }
        lines
    }
}

/// How the page is looked at.
struct View {
    palette: Palette,
    scrolled: usize,
}

/// What keys have done.
enum Pressed {
    Quit,
    Moved,
    Nothing,
}

impl View {
    fn keys(&mut self, keys: &[u8]) -> Pressed {
        const CTRL_C: u8 = 3;
        if keys.iter().any(|key| matches!(key, b'q' | b'Q' | &CTRL_C)) {
            return Pressed::Quit;
        }
        let times = |what: &[u8]| keys.windows(what.len()).filter(|it| *it == what).count();
        let down = times(b"j") + times(b"\x1b[B") + PAGE * (times(b" ") + times(b"\x1b[6~"));
        let up = times(b"k") + times(b"\x1b[A") + PAGE * (times(b"b") + times(b"\x1b[5~"));
        if down + up == 0 {
            return Pressed::Nothing;
        }
        self.scrolled = (self.scrolled + down).saturating_sub(up);
        Pressed::Moved
    }

    fn show(&mut self, terminal: &Terminal, watched: &Watched) -> io::Result<()> {
        let (columns, rows) = terminal.size();
        let lines = watched.page(columns);
        self.scrolled = self.scrolled.min(lines.len().saturating_sub(rows));
        let seen = lines.iter().skip(self.scrolled).take(rows);
        let seen: Vec<String> = seen.map(|it| it.painted(columns, self.palette)).collect();
        terminal.show(&seen)
    }
}

/// Signals that end it: the screen is given back first.
struct Ends([Signal; 3]);

impl Ends {
    fn listen() -> io::Result<Self> {
        let end = |kind| signal(kind);
        Ok(Self([
            end(SignalKind::interrupt())?,
            end(SignalKind::terminate())?,
            end(SignalKind::hangup())?,
        ]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// How often keys are looked for.
const KEYS: Duration = Duration::from_millis(100);
/// When a stream that was lost is asked for again.
const AGAIN: Duration = Duration::from_secs(1);
/// Lines of a page.
const PAGE: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_end_and_scroll() {
        let mut view = View {
            palette: Palette::Bare,
            scrolled: 0,
        };
        assert!(matches!(view.keys(b"x"), Pressed::Nothing));
        assert!(matches!(view.keys(b"jj\x1b[B k"), Pressed::Moved));
        assert_eq!(view.scrolled, 2 + 1 + PAGE - 1);
        assert!(matches!(view.keys(b"j\x03"), Pressed::Quit));
        assert!(matches!(view.keys(b"q"), Pressed::Quit));
    }
}
