//! The page `docs/compatibility.md` is what these calls come to: every front end on every provider, each feature, through
//! the real binary, with a double that looks at what it is asked. `UPDATE_DOCS=1` writes the page instead of comparing it.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

mod back;
mod feature;
mod front;
mod page;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use end_to_end::{Gateway, Setup};
use gateway_testkit::client::{BodyEnd, ClientView, Http1Client, Request};
use gateway_testkit::script::Script;
use gateway_testkit::upstream::{Recorded, Upstream};
use tokio_util::task::TaskTracker;

use back::{BACKS, Back, Came, Format};
use feature::{END, End, FEATURES, Feature, INPUT, LONG_NAME, OUTPUT, SIGNATURE, THOUGHT};
use front::{FRONTS, Front, Heard};

/// What a cell of the page says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    /// It reaches the provider, and the answer the client.
    Works,
    /// It is refused by name, or left out and named in a header.
    Told,
    /// The gateway counted by itself, and said so.
    Estimated,
    /// The client's dialect or the provider has no such thing.
    None,
}

/// What came to the double, by the mark in the user's text.
type Seen = Arc<Mutex<HashMap<String, Came>>>;

/// The gateway, its double, and what came to that.
struct World {
    gateway: Gateway,
    seen: Seen,
    _upstream: Upstream,
}

async fn world() -> World {
    let seen = Seen::default();
    let notes = seen.clone();
    let upstream = Upstream::answering(move |request| behave(request, &notes)).await;
    let mut setup = Setup::new().set("gateway.heartbeat_seconds", serde_json::json!(0));
    for back in BACKS {
        setup = setup.model(back.name, &back.params(&upstream.url()));
    }
    World {
        gateway: setup.start().await,
        seen,
        _upstream: upstream,
    }
}

/// The double: answers as the mark says that it finds in what it is asked.
fn behave(request: &Recorded, seen: &Seen) -> Script {
    let Some(came) = back::came(request) else {
        return gateway_testkit::dialect::Dialects::default().answer(request);
    };
    let text = String::from_utf8_lossy(&request.body).into_owned();
    let mark = text
        .split_once("[[")
        .and_then(|(_, rest)| rest.split_once("]]"));
    let Some((mark, _)) = mark else {
        return Script::answer(500, "text/plain", format!("no mark in {text}"));
    };
    let name = mark.rsplit('/').next().unwrap_or_default();
    let feature = FEATURES.iter().find(|(it, _)| format!("{it:?}") == name);
    let script = back::answer(
        &came,
        feature.map_or(Feature::Text, |(feature, _)| *feature),
    );
    seen.lock().unwrap().insert(mark.to_owned(), came);
    script
}

/// One front end at one provider.
#[derive(Clone, Copy)]
struct Pair {
    front: Front,
    back: &'static Back,
}

impl Pair {
    fn mark(self, feature: &str) -> String {
        format!("{:?}/{}/{feature}", self.front, self.back.name)
    }

    /// Tries a feature, and says what came of it or what is wrong.
    async fn cell(self, world: &World, feature: Feature) -> Result<Outcome, String> {
        let mark = self.mark(&format!("{feature:?}"));
        let request = self
            .front
            .request(feature, self.back.name, &format!("Good day [[{mark}]]"));
        let Some(request) = request else {
            return Ok(Outcome::None);
        };
        let view = ask(world, &request).await;
        let came = world.seen.lock().unwrap().get(&mark).cloned();
        let outcome = self.judge(world, feature, &view, came.as_ref()).await;
        outcome.map_err(|why| {
            let sent = came.map(|it| it.body).unwrap_or_default();
            let body = String::from_utf8_lossy(&view.body).into_owned();
            format!(
                "{mark}: {why}\n  asked {}\n  sent {sent}\n  got {} {body}\n",
                String::from_utf8_lossy(&request.body),
                view.status
            )
        })
    }

    async fn judge(
        self,
        world: &World,
        feature: Feature,
        view: &ClientView,
        came: Option<&Came>,
    ) -> Result<Outcome, String> {
        match feature {
            Feature::Count => counted(view, came),
            Feature::Embeddings => embedded(view, came),
            Feature::Limited
            | Feature::Overloaded
            | Feature::TooLong
            | Feature::Unknown
            | Feature::Denied => self.refused(feature, view, came),
            Feature::Broken => {
                let broken = view.status == 200 && self.front.is_broken(view);
                let cut = matches!(view.end, BodyEnd::Eof | BodyEnd::Clean);
                (broken && cut)
                    .then_some(Outcome::Works)
                    .ok_or_else(|| "it is not an error".to_owned())
            }
            _ => self.answered(world, feature, view, came).await,
        }
    }

    /// The same of a feature that has an answer.
    async fn answered(
        self,
        world: &World,
        feature: Feature,
        view: &ClientView,
        came: Option<&Came>,
    ) -> Result<Outcome, String> {
        let Some(came) = came else {
            let text = String::from_utf8_lossy(&view.body);
            let told = view.status == 400 && text.contains("cannot be expressed");
            return told
                .then_some(Outcome::Told)
                .ok_or_else(|| "nothing came to the provider".to_owned());
        };
        if view.status != 200 {
            return Err("it failed".to_owned());
        }
        let name = came.tool_name().unwrap_or_default();
        if feature == Feature::LongName && !self.is_native(came) && !is_taken(name) {
            return Err(format!("the provider would refuse the name {name}"));
        }
        let came = &match feature {
            Feature::LongName => came.renamed("weather"),
            _ => came.clone(),
        };
        // What goes back is looked at below.
        let reached = feature == Feature::Signature || came.format.has(feature, &came.body);
        if !reached {
            let told = view.header("x-gateway-dropped-params").is_some();
            return told
                .then_some(Outcome::Told)
                .ok_or_else(|| "the provider was not asked for it, and nobody told".to_owned());
        }
        if feature.streams() && !self.front.is_complete(view) {
            return Err("the stream is not complete".to_owned());
        }
        let heard = self.front.heard(view);
        if let Some(wrong) = self.wrong_with(feature, &heard, came, view) {
            return Err(wrong);
        }
        match feature {
            Feature::Signature => self.goes_back(world, &heard, came).await,
            Feature::Stopped if !came.format.tells_sequence() => Ok(Outcome::None),
            _ => Ok(Outcome::Works),
        }
    }

    /// Whether the request passes as it is.
    fn is_native(self, came: &Came) -> bool {
        matches!(
            (self.front, came.format),
            (Front::Chat, Format::Chat)
                | (Front::Responses, Format::Responses)
                | (Front::Messages, Format::Messages | Format::Invoke)
                | (Front::Gemini, Format::Gemini)
        )
    }

    /// What the client did not understand as it was said.
    fn wrong_with(
        self,
        feature: Feature,
        heard: &Heard,
        came: &Came,
        view: &ClientView,
    ) -> Option<String> {
        let said = feature.said();
        let mut wrong = Vec::new();
        let mut check = |right: bool, what: &str| {
            if !right {
                wrong.push(what.to_owned());
            }
        };
        check(heard.model == self.back.name, "model");
        // So what is told of other features is told because of them.
        let told = view.header("x-gateway-dropped-params").is_some();
        check(feature != Feature::Text || !told, "what is left out");
        check(heard.text == said.whole(), "text");
        check(
            !feature.streams() || heard.pieces >= said.text.len(),
            "pieces of text",
        );
        let thought = said.thought.filter(|_| self.back.thinks_aloud(came));
        check(heard.thought == thought.unwrap_or_default(), "thoughts");
        check(heard.called() == said.called(), "calls");
        let end = match said.end {
            End::Sequence if !came.format.tells_sequence() => End::Stop,
            end => end,
        };
        check(heard.end == Some(end), "end");
        check(
            end != End::Sequence || heard.sequence.as_deref() == Some(END),
            "stop sequence",
        );
        if !feature.streams() {
            check(heard.usage == [INPUT, OUTPUT, said.cached], "usage");
        }
        check(
            feature != Feature::Choices || heard.choices == 2,
            "number of answers",
        );
        let text = String::from_utf8_lossy(&view.body);
        check(
            feature != Feature::LongName || text.contains(LONG_NAME),
            "the tool's name",
        );
        check(
            feature != Feature::Logprobs || text.contains("-0.25"),
            "log probabilities",
        );
        (!wrong.is_empty()).then(|| format!("wrong: {}; heard {heard:?}", wrong.join(", ")))
    }

    /// The next turn: the provider gets its signature back as it gave it.
    async fn goes_back(self, world: &World, first: &Heard, came: &Came) -> Result<Outcome, String> {
        if !self.back.signs(came) {
            return Ok(Outcome::None);
        }
        let mark = self.mark("SecondTurn");
        let request = self
            .front
            .next_turn(first, self.back.name, &format!("Good day [[{mark}]]"));
        let Some(request) = request else {
            return Ok(Outcome::None);
        };
        let view = ask(world, &request).await;
        let came = world.seen.lock().unwrap().get(&mark).cloned();
        let came = came.ok_or_else(|| format!("the second turn did not come: {view:?}"))?;
        if came.format.has(Feature::Signature, &came.body) {
            return Ok(Outcome::Works);
        }
        let there = came.body.to_string().contains(SIGNATURE);
        Err(format!(
            "second turn: the signature is {}: {} of {} with {THOUGHT}",
            if there { "at a wrong place" } else { "lost" },
            came.body,
            first.turn
        ))
    }

    fn refused(
        self,
        feature: Feature,
        view: &ClientView,
        came: Option<&Came>,
    ) -> Result<Outcome, String> {
        if came.is_none() {
            return Err("nothing came to the provider".to_owned());
        }
        let right = match feature {
            Feature::Limited => view.status == 429 && view.header("retry-after") == Some("7"),
            Feature::TooLong => view.status == 400,
            Feature::Unknown => view.status == 404,
            Feature::Denied => matches!(view.status, 401 | 403),
            _ => matches!(view.status, 503 | 529),
        };
        if !right {
            return Err("wrong status or headers".to_owned());
        }
        match self.front.wrong_with(&view.json(), feature) {
            Some(why) => Err(why),
            None => Ok(Outcome::Works),
        }
    }
}

/// A name that every provider takes which has such a rule.
fn is_taken(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    name.len() <= 128 && name.bytes().all(plain)
}

fn embedded(view: &ClientView, came: Option<&Came>) -> Result<Outcome, String> {
    let vector = &view.json()["data"][0]["embedding"];
    match (view.status, came) {
        (200, Some(_)) if vector.is_array() => Ok(Outcome::Works),
        (400..=499, None) => Ok(Outcome::None),
        _ => Err("it is no embedding, and nobody has refused it".to_owned()),
    }
}

fn counted(view: &ClientView, came: Option<&Came>) -> Result<Outcome, String> {
    let body = view.json();
    let count = body["input_tokens"]
        .as_u64()
        .or(body["totalTokens"].as_u64());
    let estimated = view.header("x-gateway-estimated") == Some("true");
    match (count, came) {
        (Some(INPUT), Some(_)) if !estimated => Ok(Outcome::Works),
        (Some(1..), None) if estimated => Ok(Outcome::Estimated),
        _ => Err("it is no count".to_owned()),
    }
}

async fn ask(world: &World, request: &Request) -> ClientView {
    let mut client = Http1Client::connect(world.gateway.addr()).await;
    client.set_deadline(end_to_end::PATIENCE);
    client.call(request).await
}

#[tokio::test]
async fn the_page_says_what_every_front_end_gets_from_every_provider() {
    let world = Arc::new(world().await);
    let tasks = TaskTracker::new();
    let mut running = Vec::new();
    for (front, _) in FRONTS {
        for back in BACKS {
            let (pair, world) = (Pair { front, back }, world.clone());
            // One after the other, beside those of the other pairs.
            running.push((
                pair,
                tasks.spawn(async move {
                    let mut cells = Vec::new();
                    for (feature, _) in FEATURES {
                        cells.push((*feature, pair.cell(&world, *feature).await));
                    }
                    cells
                }),
            ));
        }
    }
    let (mut results, mut wrong) = (HashMap::new(), Vec::new());
    for (pair, cells) in running {
        for (feature, outcome) in cells.await.unwrap() {
            match outcome {
                Ok(outcome) => _ = results.insert((pair.front, pair.back.name, feature), outcome),
                Err(why) => wrong.push(why),
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cells are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    page::compare(&results);
}
