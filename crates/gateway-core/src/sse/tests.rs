//! The framer against a table of inputs and against a naive model, at every split.

use bytes::Bytes;
use proptest::prelude::*;

use super::{Event, Flow, FrameError, Framer};

const LIMIT: usize = 64;

/// What came out of a whole stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Out {
    ready: Vec<u8>,
    events: Vec<(Option<String>, String, Vec<u8>)>,
    error: Option<FrameError>,
    at_boundary: bool,
}

impl Out {
    fn note(&mut self, event: Event<'_>) -> Flow {
        self.events.push((
            event.name().map(str::to_owned),
            event.data().into_owned(),
            event.raw().to_vec(),
        ));
        Flow::Continue
    }
}

fn run<'c>(chunks: impl IntoIterator<Item = &'c [u8]>, limit: usize) -> Out {
    let mut framer = Framer::new(limit);
    let mut out = Out::default();
    for chunk in chunks {
        let fed = framer.feed(Bytes::copy_from_slice(chunk), |event| out.note(event));
        out.ready.extend_from_slice(&fed.ready);
        out.error = fed.error;
    }
    let fed = framer.finish(|event| out.note(event));
    out.ready.extend_from_slice(&fed.ready);
    out.error = fed.error;
    out.at_boundary = framer.at_boundary();
    out
}

fn whole(input: &[u8]) -> Out {
    run([input], LIMIT)
}

fn data_of(out: &Out) -> Vec<&str> {
    out.events
        .iter()
        .map(|(_, data, _)| data.as_str())
        .collect()
}

#[test]
fn a_read_of_whole_events_is_forwarded_without_a_copy() {
    let chunk = Bytes::from_static(b"data: 1\n\nevent: x\ndata: 2\n\n");
    let fed = Framer::new(LIMIT).feed(chunk.clone(), |_| Flow::Continue);
    assert_eq!(fed.ready.as_ptr(), chunk.as_ptr());
    assert_eq!(fed.ready, chunk);
}

#[test]
fn all_line_ends_come_out_as_lf() {
    let expected = whole(b"event: a\ndata: 1\n\ndata: 2\n\n: c\n\n");
    for input in [
        &b"event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n: c\r\n\r\n"[..],
        b"event: a\rdata: 1\r\rdata: 2\r\r: c\r\r",
        b"event: a\r\ndata: 1\n\rdata: 2\r\r\n: c\n\r\n",
    ] {
        assert_eq!(whole(input), expected, "{}", input.escape_ascii());
    }
}

#[test]
fn a_cr_at_the_end_of_a_read_ends_the_event_at_once() {
    let mut framer = Framer::new(LIMIT);
    let fed = framer.feed(Bytes::from_static(b"data: 1\r\n\r"), |_| Flow::Continue);
    assert_eq!(fed.ready, "data: 1\n\n");
    let fed = framer.feed(Bytes::from_static(b"\ndata: 2\n\n"), |_| Flow::Continue);
    assert_eq!(fed.ready, "data: 2\n\n");
}

#[test]
fn a_bom_is_removed_at_the_start_and_nowhere_else() {
    let out = whole(b"\xEF\xBB\xBFdata: 1\n\n\xEF\xBB\xBFdata: 2\n\n");
    assert_eq!(out.ready, b"data: 1\n\n\xEF\xBB\xBFdata: 2\n\n");
    assert_eq!(data_of(&out), ["1", ""]);
    // U+FEC0 begins with the same byte.
    assert_eq!(
        whole("\u{FEC0}: 1\n\n".as_bytes()).ready,
        "\u{FEC0}: 1\n\n".as_bytes()
    );
    assert!(!whole(b"\xEF\xBB").at_boundary);
    assert!(whole(b"\xEF\xBB\xBF").at_boundary);
}

#[test]
fn fields_are_read_as_the_standard_says() {
    let out = whole(b"event: a\nevent:b\ndata:  two\ndata\ndata:x:y\nid: 7\nda ta: no\n:c\n\n");
    assert_eq!(out.events[0].0.as_deref(), Some("b"));
    assert_eq!(out.events[0].1, " two\n\nx:y");
    let out = whole(b"event:\ndata: 1\n\n");
    assert_eq!(out.events[0].0, None);
}

#[test]
fn comments_are_events_that_say_so_and_blank_lines_are_none() {
    let mut kinds = Vec::new();
    let fed = Framer::new(LIMIT).feed(
        Bytes::from_static(b"\n\n: ping\n\nretry: 3\n\ndata\n\nevent: x\n\n"),
        |event| {
            kinds.push((event.is_comment_only(), event.has_data()));
            Flow::Continue
        },
    );
    assert_eq!(
        kinds,
        [(true, false), (true, false), (false, true), (false, false)]
    );
    assert_eq!(fed.ready, "\n\n: ping\n\nretry: 3\n\ndata\n\nevent: x\n\n");
}

#[test]
fn an_event_without_its_blank_line_is_completed_at_a_clean_end() {
    for input in [
        &b"data: 1\n\ndata: 2\n"[..],
        b"data: 1\n\ndata: 2\r",
        b"data: 1\n\ndata: 2\r\n",
    ] {
        let out = whole(input);
        assert_eq!(out.ready, b"data: 1\n\ndata: 2\n\n");
        assert_eq!(data_of(&out), ["1", "2"]);
        assert!(out.at_boundary);
    }
}

#[test]
fn an_event_with_half_a_line_is_discarded_at_the_end() {
    for input in [
        &b"data: 1\n\ndata: 2"[..],
        b"data: 1\n\nevent: x\nd",
        b"data: 1\n\n:",
    ] {
        let out = whole(input);
        assert_eq!(out.ready, b"data: 1\n\n");
        assert_eq!(data_of(&out), ["1"]);
        assert!(!out.at_boundary);
    }
}

#[test]
fn invalid_utf8_stops_the_stream_after_the_whole_events_before_it() {
    let out = whole(b"data: 1\n\ndata: \xFF\n\ndata: 3\n\n");
    assert_eq!(out.ready, b"data: 1\n\n");
    assert_eq!(data_of(&out), ["1"]);
    assert_eq!(out.error, Some(FrameError::InvalidUtf8));
}

#[test]
fn an_event_over_the_limit_stops_the_stream_after_the_whole_events_before_it() {
    let fits = [b"data: ".as_slice(), &[b'x'; LIMIT - 8], b"\n\n"].concat();
    assert_eq!(whole(&fits).error, None);
    for rest in [&b"\n\n"[..], b"\ndata: 3\n\n", b""] {
        let input = [b"data: 1\n\ndata: ".as_slice(), &[b'x'; LIMIT - 5], rest].concat();
        let out = whole(&input);
        assert_eq!(out.ready, b"data: 1\n\n");
        assert_eq!(out.error, Some(FrameError::TooLong { limit: LIMIT }));
    }
}

#[test]
fn a_missing_blank_line_counts_against_the_limit() {
    for (size, fits) in [(LIMIT - 1, true), (LIMIT, false)] {
        let input = [b"data: ".as_slice(), &vec![b'x'; size - 7], b"\n"].concat();
        let out = whole(&input);
        assert_eq!(
            (out.error.is_none(), out.events.len()),
            (fits, usize::from(fits))
        );
    }
}

#[test]
fn an_observer_can_stop_behind_or_before_an_event() {
    for (flow, ready) in [
        (Flow::Stop, "data: 1\n\ndata: 2\n\n"),
        (Flow::StopBefore, "data: 1\n\n"),
    ] {
        let mut framer = Framer::new(LIMIT);
        let mut seen = 0;
        let fed = framer.feed(
            Bytes::from_static(b"data: 1\n\ndata: 2\n\ndata: 3\n\nda"),
            |_| {
                seen += 1;
                if seen == 2 { flow } else { Flow::Continue }
            },
        );
        assert_eq!((fed.ready.as_ref(), fed.error), (ready.as_bytes(), None));
        assert!(framer.at_boundary());
        let fed = framer.feed(Bytes::from_static(b"data: 4\n\n"), |_| {
            panic!("nothing is observed after a stop")
        });
        assert!(fed.ready.is_empty());
    }
}

#[test]
fn what_is_held_is_bounded_by_the_limit_and_gone_after_the_event() {
    let limit = 1000;
    let mut framer = Framer::new(limit);
    for _ in 0..limit {
        assert_eq!(
            framer
                .feed(Bytes::from_static(b"x"), |_| Flow::Continue)
                .error,
            None
        );
        assert!(framer.carry.capacity() <= limit);
    }
    assert!(
        framer
            .feed(Bytes::from_static(b"x"), |_| Flow::Continue)
            .error
            .is_some()
    );
    assert_eq!(framer.carry.capacity(), 0);

    let mut framer = Framer::new(limit);
    for byte in b"data: 1\n\n" {
        assert!(
            framer
                .feed(Bytes::copy_from_slice(&[*byte]), |_| Flow::Continue)
                .error
                .is_none()
        );
    }
    assert_eq!(framer.carry.capacity(), 0);
}

#[test]
fn debug_prints_show_no_content() {
    let mut framer = Framer::new(LIMIT);
    let mut shown = String::new();
    let fed = framer.feed(
        Bytes::from_static(b"data: canary\n\ndata: canary"),
        |event| {
            shown = format!("{event:?}");
            Flow::Continue
        },
    );
    assert_eq!(fed.error, None);
    assert!(!format!("{framer:?} {shown}").contains("canary"));
}

/// The standard's rules in the plainest words: all bytes at once, no offsets.
fn model(input: &[u8], limit: usize) -> Out {
    let text = input.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(input);
    let is_part_of_bom = !input.is_empty() && input.len() < 3 && b"\xEF\xBB\xBF".starts_with(input);
    let mut unified = Vec::new();
    for (place, &byte) in text.iter().enumerate() {
        match byte {
            b'\n' if place > 0 && text[place - 1] == b'\r' => {}
            b'\r' | b'\n' => unified.push(b'\n'),
            _ => unified.push(byte),
        }
    }
    let mut out = Out {
        at_boundary: true,
        ..Out::default()
    };
    let mut event = Vec::new();
    for line in unified.split_inclusive(|&byte| byte == b'\n') {
        event.extend_from_slice(line);
        if event.len() > limit {
            out.error = Some(FrameError::TooLong { limit });
            return out;
        }
        if line == b"\n" && !model_dispatch(&mut out, std::mem::take(&mut event)) {
            return out;
        }
    }
    if event.last() == Some(&b'\n') {
        event.push(b'\n');
        if event.len() > limit {
            out.error = Some(FrameError::TooLong { limit });
        } else {
            model_dispatch(&mut out, event);
        }
    } else if is_part_of_bom || !event.is_empty() {
        out.at_boundary = false;
    }
    out
}

fn model_dispatch(out: &mut Out, raw: Vec<u8>) -> bool {
    let Ok(text) = String::from_utf8(raw) else {
        out.error = Some(FrameError::InvalidUtf8);
        return false;
    };
    out.ready.extend_from_slice(text.as_bytes());
    let mut name = None;
    let mut data = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = Some(value.to_owned()).filter(|name| !name.is_empty()),
            "data" => data.push(value),
            _ => {}
        }
    }
    if text != "\n" {
        let data = data.join("\n");
        out.events.push((name, data, text.into_bytes()));
    }
    true
}

/// Streams made of the pieces that matter, so that every second byte is an edge.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => Just(b"\n".to_vec()),
        2 => Just(b"\r".to_vec()),
        2 => Just(b"\r\n".to_vec()),
        3 => Just(b"data: ".to_vec()),
        2 => Just(b"event: ".to_vec()),
        1 => Just(b"data".to_vec()),
        1 => Just(b":".to_vec()),
        1 => Just(b"\xEF\xBB\xBF".to_vec()),
        1 => Just(b"\xEF".to_vec()),
        1 => Just("\u{FEC0}é€😀".as_bytes().to_vec()),
        3 => "[a-z ]{0,12}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_framer_agrees_with_the_model_at_any_split(
        input in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        limit in 4usize..80,
    ) {
        let expected = model(&input, limit);
        prop_assert_eq!(&run([input.as_slice()], limit), &expected);
        prop_assert_eq!(&run(input.chunks(1), limit), &expected);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        prop_assert_eq!(&run(cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]), limit), &expected);
        for cut in 0..=input.len() {
            let (left, right) = input.split_at(cut);
            prop_assert_eq!(&run([left, right], limit), &expected);
        }
    }

    #[test]
    fn what_came_out_comes_out_again_unchanged(input in stream()) {
        let first = run([input.as_slice()], 80);
        if !first.ready.starts_with(b"\xEF\xBB\xBF") {
            let again = run([first.ready.as_slice()], 80);
            prop_assert_eq!(again.ready, first.ready);
            prop_assert_eq!(again.events, first.events);
        }
    }
}
