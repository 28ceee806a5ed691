//! Streams of every dialect for clients of every other one, cut at every byte, split at every byte, ended in every way.

use fastrand::Rng;
use gateway_core::{
    Asked, Envelope, Limits, Passage, Policy, Quirks, Seen, Target, Translation, Translator,
};
use serde_json::json;

use super::stories::{Fate, Story, anthropic, chat, converse, gemini, responses};
use super::*;

#[test]
fn every_dialect_that_can_be_translated_has_its_stories() {
    let told: Vec<Dialect> = everything().iter().map(|story| story.back).collect();
    for back in Dialect::ALL {
        let wanted = !fronts(back).is_empty();
        assert_eq!(told.contains(&back), wanted, "{}", back.name());
    }
}

#[test]
fn streams_of_openais_chat_end_whole_or_fail_in_every_dialect() {
    check_all(&chat::stories());
}

#[test]
fn streams_of_anthropics_messages_end_whole_or_fail_in_every_dialect() {
    check_all(&anthropic::stories(Framing::EventStream));
}

#[test]
fn streams_of_anthropics_messages_in_chunks_end_whole_or_fail_in_every_dialect() {
    check_all(&anthropic::stories(Framing::AwsInvoke));
}

#[test]
fn streams_of_googles_end_whole_or_fail_in_every_dialect() {
    check_all(&gemini::stories());
}

#[test]
fn streams_of_bedrocks_end_whole_or_fail_in_every_dialect() {
    check_all(&converse::stories());
}

#[test]
fn streams_of_openais_responses_end_whole_or_fail_in_every_dialect() {
    check_all(&responses::stories());
}

#[test]
fn what_an_event_says_goes_out_with_that_event() {
    for story in everything() {
        for front in fronts(story.back) {
            let mut judge = Client::of(front).judge(&story, Shape::Events);
            let mut told = Told::default();
            for steps in 1..=story.steps.len() {
                let bytes = Bytes::copy_from_slice(&story.steps[steps - 1].bytes);
                let over = told.take(judge.read(bytes));
                let heard = Heard::of(front, &told.forwarded);
                let (text, arguments) = story.said(steps);
                let scene = format!("{} for {} at {steps}", story.name, front.name());
                assert_eq!(heard.text, text, "{scene}: {}", told.forwarded);
                if front != Dialect::Gemini && has_calls(front) {
                    assert_eq!(heard.arguments, arguments, "{scene}: {}", told.forwarded);
                }
                if over {
                    break;
                }
            }
        }
    }
}

#[test]
fn an_event_that_is_no_json_ends_a_translated_stream_whether_it_has_a_name_or_not() {
    let bad = b"data: {\"type\":\"response.output_text.delta\",\"delta\":\"cut\n\n";
    for story in everything()
        .iter()
        .filter(|it| it.framing == Framing::EventStream)
    {
        for front in fronts(story.back) {
            let mut judge = Client::of(front).judge(story, Shape::Events);
            let first = judge.read(Bytes::copy_from_slice(&story.steps[0].bytes));
            if first.ending.is_some() {
                continue;
            }
            let read = judge.read(Bytes::from_static(bad));
            let malformed = matches!(
                read.ending,
                Some(Ending::Broken { reason, .. }) if reason == EndReason::Malformed
            );
            assert!(malformed, "{} for {}: {read:?}", story.name, front.name());
        }
    }
}

#[test]
fn an_array_is_json_however_its_stream_ends() {
    let mut rng = Rng::with_seed(0x5eed_0004);
    let front = Dialect::Gemini;
    let client = Client::of(front);
    let stories = everything().into_iter();
    for story in stories.filter(|story| fronts(story.back).contains(&front)) {
        let bytes = story.bytes();
        for cut in 0..=bytes.len() {
            for way in [Way::Clean, Way::Reset] {
                let mut judge = client.judge(&story, Shape::Array);
                let told = tell(
                    &mut judge,
                    &bytes[..cut],
                    way,
                    1 + rng.usize(..300),
                    &mut rng,
                );
                let mut output = told.forwarded.clone();
                match &told.rest {
                    Some(rest) => output.push_str(rest),
                    None => output.push_str(&text(&judge.error_event(front, &an_error()))),
                }
                let scene = format!("{} cut at {cut}, {way:?}: {output}", story.name);
                let array: Vec<Value> = serde_json::from_str(&output).expect(&scene);
                let errors = array.iter().filter(|it| it.get("error").is_some());
                assert_eq!(errors.count(), usize::from(told.rest.is_none()), "{scene}");
            }
        }
    }
}

/// What a client of the front is given.
#[derive(Clone, Copy)]
enum Shape {
    Events,
    Array,
}

fn everything() -> Vec<Story> {
    let all = [
        chat::stories(),
        anthropic::stories(Framing::EventStream),
        anthropic::stories(Framing::AwsInvoke),
        gemini::stories(),
        converse::stories(),
        responses::stories(),
    ];
    all.into_iter().flatten().collect()
}

fn fronts(back: Dialect) -> Vec<Dialect> {
    let all = Dialect::ALL.into_iter();
    all.filter(|front| front.streams() && Translation::exists(*front, back))
        .collect()
}

fn has_calls(front: Dialect) -> bool {
    front != Dialect::OpenAiCompletions
}

fn check_all(stories: &[Story]) {
    let mut rng = Rng::with_seed(0x5eed_0005);
    for story in stories {
        for front in fronts(story.back) {
            check(story, front, &mut rng);
        }
    }
}

/// All that is to hold of one stream for clients of one dialect.
fn check(story: &Story, front: Dialect, rng: &mut Rng) {
    let client = Client::of(front);
    let bytes = story.bytes();
    let whole = tell(
        &mut client.judge(story, Shape::Events),
        &bytes,
        Way::Clean,
        bytes.len(),
        rng,
    );
    let scene = format!("{} for {}", story.name, front.name());
    assert_eq!(whole.rest.is_some(), story.end == Fate::Whole, "{scene}");
    let output = output(&whole);
    let all = Heard::of(front, &output);
    let (said, arguments) = story.said(story.steps.len());
    assert_eq!(all.text, said, "{scene}: {output}");
    all.check_arguments(front, story, &arguments, &scene);
    // Most neighbors are told the same.
    let mut checked: Vec<Told> = Vec::new();
    for cut in 0..=bytes.len() {
        let mut judge = client.judge(story, Shape::Events);
        let split = tell_in_two(&mut judge, &bytes, cut);
        assert_eq!(split, whole, "{scene}: split at {cut}");
        let other = [Way::Reset, Way::More][cut % 2];
        for way in [Way::Clean, other] {
            let mut bytes = bytes[..cut].to_vec();
            if let Way::More = way {
                bytes.extend_from_slice(BEHIND);
            }
            let mut judge = client.judge(story, Shape::Events);
            let longest = 1 + rng.usize(..300);
            let told = tell(&mut judge, &bytes, way, longest, rng);
            if !checked.contains(&told) {
                let scene = format!("{scene}: cut at {cut}, {way:?}");
                check_cut(&told, front, story, &all, &scene);
                checked.push(told);
            }
        }
    }
    let (complete, broken): (Vec<_>, Vec<_>) = checked.iter().partition(|told| told.rest.is_some());
    assert_eq!(complete.is_empty(), story.end == Fate::Fails, "{scene}");
    assert!(!broken.is_empty(), "{scene}");
}

/// A stream that was cut: it is complete and says all that the whole one says, or it says less and has no end.
fn check_cut(told: &Told, front: Dialect, story: &Story, all: &Heard, scene: &str) {
    let output = output(told);
    let seen = SeenByClient::of(front, &output, scene);
    let heard = Heard::of(front, &output);
    if told.rest.is_some() {
        assert_eq!(&heard, all, "{scene}: {output}");
        assert!(seen.complete, "{scene}: {output}");
        assert!(story.end == Fate::Whole, "{scene}: {output}");
        let marked = usize::from(front != Dialect::Gemini);
        assert_eq!(seen.markers, marked, "{scene}: {output}");
    } else {
        assert!(all.text.starts_with(&heard.text), "{scene}: {output}");
        let begun = all.arguments.starts_with(&heard.arguments);
        assert!(begun, "{scene}: {output}");
        assert_eq!(seen.markers, 0, "{scene}: {output}");
        // Google's clients know no marker but the finish reason.
        assert!(
            front != Dialect::Gemini || !seen.complete,
            "{scene}: {output}"
        );
        let error = front.error_event(&an_error());
        let ended = [output.as_bytes(), &error].concat();
        let failed = fails_for_client(front, &ended);
        assert!(failed, "{scene}: {output}");
    }
}

fn output(told: &Told) -> String {
    told.forwarded.clone() + told.rest.as_deref().unwrap_or_default()
}

fn an_error() -> ErrorInfo {
    ErrorInfo::new(ErrorKind::Upstream, "The stream broke off.")
}

/// What the observer of the client's own dialect says of what the client got.
struct SeenByClient {
    markers: usize,
    complete: bool,
}

impl SeenByClient {
    fn of(front: Dialect, output: &str, scene: &str) -> Self {
        let mut observer = front.stream_observer();
        let mut markers = 0;
        let bytes = Bytes::copy_from_slice(output.as_bytes());
        let fed = Framer::new(ROOM).feed(bytes, |event| {
            assert_eq!(
                markers, 0,
                "{scene}: something follows the marker: {output}"
            );
            match observer.event(&event) {
                Seen::Terminal => markers += 1,
                Seen::Malformed => panic!("{scene}: an event is malformed: {output}"),
                Seen::Error(error) => panic!("{scene}: {error:?}: {output}"),
                Seen::Preamble | Seen::Content | Seen::Other => {}
            }
            Flow::Continue
        });
        assert!(fed.error.is_none(), "{scene}: {output}");
        assert_eq!(fed.ready, output, "{scene}: an event is not whole");
        Self {
            markers,
            complete: observer.is_complete(),
        }
    }
}

/// Whether the client's own judge takes these bytes for a stream that the provider broke off.
fn fails_for_client(front: Dialect, bytes: &[u8]) -> bool {
    let mut judge = judge_of(front, None, ROOM);
    let mut batch = judge.read(Bytes::copy_from_slice(bytes));
    if batch.ending.is_none() {
        batch = judge.end(End::Clean);
    }
    matches!(
        batch.ending,
        Some(Ending::Broken {
            reason: EndReason::UpstreamError,
            ..
        })
    )
}

/// A client, with what it asks, to be answered by a stream.
struct Client {
    front: Dialect,
    request: Envelope,
}

impl Client {
    fn of(front: Dialect) -> Self {
        Self {
            front,
            request: request(front),
        }
    }

    /// The judge of a stream that it is told.
    fn judge(&self, story: &Story, shape: Shape) -> Judge {
        let translator = translator(self.front, story.back, &self.request);
        let passage = Passage::translated(translator);
        let passage = match shape {
            Shape::Events => passage,
            Shape::Array => passage.as_array(),
        };
        Judge::new(story.back, story.framing, None, passage, LIMIT)
    }
}

fn request(front: Dialect) -> Envelope {
    let messages = json!([{"role": "user", "content": "hi"}]);
    let request = match front {
        Dialect::OpenAiCompletions => json!({"model": "m", "stream": true, "prompt": "hi"}),
        Dialect::OpenAiResponses => json!({"model": "m", "stream": true, "input": "hi"}),
        Dialect::AnthropicMessages => {
            json!({"model": "m", "stream": true, "max_tokens": 9, "messages": messages})
        }
        Dialect::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}),
        _ => {
            let options = json!({"include_usage": true});
            json!({"model": "m", "stream": true, "stream_options": options, "messages": messages})
        }
    };
    Envelope::parse(request.to_string().into(), Limits::default()).unwrap()
}

fn translator(front: Dialect, back: Dialect, request: &Envelope) -> Translator {
    let target = Target {
        model: "up",
        max_output_tokens: Some(100),
        reasons: None,
        quirks: &Quirks::default(),
    };
    let asked = Asked {
        model: "m".to_owned(),
        id: "1".to_owned(),
        created: 7,
        usage_in_stream: true,
        echo: Vec::new(),
    };
    let policy = Policy {
        drop: true,
        ..Policy::default()
    };
    let made = Translation::new((front, back), request, &target, &policy, asked, None);
    let (_body, translation) = made.unwrap();
    translation.into_translator().unwrap()
}

/// What a client takes from a stream.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    text: String,
    /// Of tool calls, one behind the other.
    arguments: String,
}

impl Heard {
    fn of(front: Dialect, output: &str) -> Self {
        let mut heard = Self::default();
        for line in output.lines() {
            let data = line.strip_prefix("data: ").unwrap_or_default();
            if let Ok(data) = serde_json::from_str::<Value>(data) {
                heard.event(front, &data);
            }
        }
        heard
    }

    fn event(&mut self, front: Dialect, data: &Value) {
        match front {
            Dialect::AnthropicMessages => {
                self.say(&data["delta"]["text"], &data["delta"]["partial_json"])
            }
            Dialect::OpenAiCompletions => self.say(&data["choices"][0]["text"], &Value::Null),
            Dialect::OpenAiResponses => match data["type"].as_str() {
                Some("response.output_text.delta") => self.say(&data["delta"], &Value::Null),
                Some("response.function_call_arguments.delta") => {
                    self.say(&Value::Null, &data["delta"]);
                }
                _ => {}
            },
            Dialect::Gemini => {
                let parts = data["candidates"][0]["content"]["parts"].as_array();
                for part in parts.into_iter().flatten() {
                    if part["thought"] != true {
                        self.say(&part["text"], &Value::Null);
                    }
                    let arguments = &part["functionCall"]["args"];
                    if !arguments.is_null() {
                        self.arguments.push_str(&arguments.to_string());
                    }
                }
            }
            _ => {
                let delta = &data["choices"][0]["delta"];
                let call = &delta["tool_calls"][0]["function"]["arguments"];
                self.say(&delta["content"], call);
            }
        }
    }

    fn say(&mut self, text: &Value, arguments: &Value) {
        self.text.push_str(text.as_str().unwrap_or_default());
        let arguments = arguments.as_str().unwrap_or_default();
        self.arguments.push_str(arguments);
    }

    /// Google's clients know only objects: what is none is shown as the text that it is, and nothing closes it.
    fn check_arguments(&self, front: Dialect, story: &Story, said: &str, scene: &str) {
        if !has_calls(front) {
            return;
        }
        if front == Dialect::Gemini && story.name.contains("cut by the provider") {
            let text = Value::from(said).to_string();
            assert!(self.arguments.contains(&text), "{scene}: {self:?}");
        } else {
            assert_eq!(self.arguments, said, "{scene}");
        }
    }
}

fn tell_in_two(judge: &mut Judge, bytes: &[u8], at: usize) -> Told {
    let mut told = Told::default();
    for piece in [&bytes[..at], &bytes[at..]] {
        if told.take(judge.read(Bytes::copy_from_slice(piece))) {
            return told;
        }
    }
    assert!(told.take(judge.end(End::Clean)), "an end ends");
    told
}

/// For events of ours, which may hold a whole answer.
const ROOM: usize = 1 << 20;
