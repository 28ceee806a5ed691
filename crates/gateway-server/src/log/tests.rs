//! Lines on their way out.

use super::*;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn every_line_pushed_before_the_end_is_written() {
    let sink = Sink::default();
    let lines = Lines::new(Format::Json, 2);
    let carrier = lines.carry(sink.clone()).unwrap();
    for n in 0..100 {
        lines.push(n % 3, |out| out.extend_from_slice(b"line"));
    }
    drop(carrier);
    assert_eq!(lock(&sink.0).len(), 500);
    assert_eq!(lines.dropped(), 0);
}

#[test]
fn a_timestamp_reads_like_one_of_tracings() {
    let mut ours = Vec::new();
    timestamp(&mut ours);
    let mut theirs = String::new();
    Rfc3339.format_time(&mut Writer::new(&mut theirs)).unwrap();
    let ours = String::from_utf8(ours).unwrap();
    assert_eq!(ours.len(), theirs.len(), "{ours} {theirs}");
    let shape = |text: &str| -> String {
        let digit = |it: char| if it.is_ascii_digit() { '0' } else { it };
        text.chars().map(digit).collect()
    };
    assert_eq!(shape(&ours), shape(&theirs));
}

#[test]
fn a_reader_that_is_stuck_costs_lines_and_not_memory() {
    let lines = Lines::new(Format::Json, 1);
    let line = vec![b'x'; 1 << 16];
    for _ in 0..100 {
        lines.push(0, |out| out.extend_from_slice(&line));
    }
    assert!(lines.dropped() > 80);
    assert!(lock(&lines.lanes[0]).len() <= LANE_LIMIT + line.len() + 1);
}
