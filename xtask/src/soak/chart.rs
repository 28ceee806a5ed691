//! A chart over time as inline SVG: lines or stacked bars, with marks as vertical lines.
//!
//! Drawn here rather than by a library: the report must open anywhere, without a network, in a light and in a dark page.

use std::fmt::Write;

/// One chart; all charts of a report share the width and the time axis.
#[derive(Debug)]
pub(super) struct Chart<'a> {
    pub(super) title: &'a str,
    pub(super) unit: &'a str,
    /// The right end of the time axis, in seconds.
    pub(super) until: f64,
    pub(super) series: Vec<Series>,
    pub(super) shape: Shape,
    pub(super) marks: &'a [Mark],
}

/// One line, or one layer of the bars.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) name: String,
    /// `(seconds, value)`, in order of time.
    pub(super) points: Vec<(f64, f64)>,
    pub(super) dashed: bool,
}

impl Series {
    /// A solid series.
    pub(super) fn new(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self {
            name: name.into(),
            points,
            dashed: false,
        }
    }
}

/// How the series are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Lines,
    /// One bar per second, the series on top of each other.
    Bars,
}

/// A moment that explains what the series do.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    pub(super) second: f64,
    pub(super) label: String,
    /// Drawn over the whole height; others are ticks at the foot.
    pub(super) main: bool,
}

impl Chart<'_> {
    /// The chart as a `figure` element.
    pub(super) fn draw(&self) -> String {
        let (top, steps) = nice_top(self.highest());
        let mut svg = format!(
            "<figure><figcaption>{}<span class=\"unit\"> · {}</span></figcaption>\n\
             <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\n",
            escape(self.title),
            escape(self.unit),
            escape(self.title),
        );
        self.axes(&mut svg, top, steps);
        self.draw_marks(&mut svg);
        match self.shape {
            Shape::Lines => self.lines(&mut svg, top),
            Shape::Bars => self.bars(&mut svg, top),
        }
        svg.push_str("</svg>\n");
        self.legend(&mut svg);
        svg.push_str("</figure>\n");
        svg
    }

    fn highest(&self) -> f64 {
        let values = |series: &Series| {
            series
                .points
                .iter()
                .map(|point| point.1)
                .fold(0.0, f64::max)
        };
        match self.shape {
            Shape::Lines => self.series.iter().map(values).fold(0.0, f64::max),
            Shape::Bars => {
                let mut sums = std::collections::BTreeMap::<u64, f64>::new();
                for (second, value) in self.series.iter().flat_map(|series| &series.points) {
                    *sums.entry(second.to_bits()).or_default() += value;
                }
                sums.into_values().fold(0.0, f64::max)
            }
        }
    }

    fn x(&self, second: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (second / self.until.max(1.0)).clamp(0.0, 1.0)
    }

    fn axes(&self, svg: &mut String, top: f64, steps: u32) {
        for step in 0..=steps {
            let share = f64::from(step) / f64::from(steps);
            let (height, value) = (y(share, 1.0), top * share);
            add(
                svg,
                format_args!(
                    "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{height:.1}\" y2=\"{height:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
                    WIDTH - RIGHT,
                    LEFT - 6.0,
                    height + 4.0,
                    short(value),
                ),
            );
        }
        for step in 0..=6 {
            let second = self.until * f64::from(step) / 6.0;
            let anchor = if step == 6 { "end" } else { "middle" };
            add(
                svg,
                format_args!(
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>\n",
                    self.x(second),
                    HEIGHT - 4.0,
                    clock(second),
                ),
            );
        }
        if self.shape == Shape::Bars && self.series.is_empty() {
            add(
                svg,
                format_args!(
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">none</text>\n",
                    self.x(self.until / 2.0),
                    y(0.5, 1.0),
                ),
            );
        }
    }

    fn draw_marks(&self, svg: &mut String) {
        for mark in self.marks {
            let (class, from) = if mark.main {
                ("mark", y(1.0, 1.0))
            } else {
                ("tick", y(0.05, 1.0))
            };
            add(
                svg,
                format_args!(
                    "<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{from:.1}\" y2=\"{:.1}\"><title>{}</title></line>\n",
                    y(0.0, 1.0),
                    escape(&mark.label),
                    x = self.x(mark.second),
                ),
            );
        }
    }

    fn lines(&self, svg: &mut String, top: f64) {
        for (index, series) in self.series.iter().enumerate() {
            let mut path = String::new();
            for (second, value) in thinned(&series.points) {
                let letter = if path.is_empty() { 'M' } else { 'L' };
                add(
                    &mut path,
                    format_args!("{letter}{:.1} {:.1}", self.x(second), y(value, top)),
                );
            }
            let dashed = if series.dashed { " dashed" } else { "" };
            add(
                svg,
                format_args!(
                    "<path class=\"line c{}{dashed}\" d=\"{path}\"/>\n",
                    index % COLORS
                ),
            );
        }
    }

    fn bars(&self, svg: &mut String, top: f64) {
        let width = ((WIDTH - LEFT - RIGHT) / self.until.max(1.0)).max(1.5);
        let mut feet = std::collections::BTreeMap::<u64, f64>::new();
        for (index, series) in self.series.iter().enumerate() {
            for &(second, value) in series.points.iter().filter(|point| point.1 > 0.0) {
                let foot = feet.entry(second.to_bits()).or_default();
                let (low, high) = (y(*foot, top), y(*foot + value, top));
                *foot += value;
                add(
                    svg,
                    format_args!(
                        "<rect class=\"bar c{}\" x=\"{:.1}\" y=\"{high:.1}\" width=\"{width:.1}\" height=\"{:.1}\"><title>{} {} at {}</title></rect>\n",
                        index % COLORS,
                        self.x(second),
                        low - high,
                        value,
                        escape(&series.name),
                        clock(second),
                    ),
                );
            }
        }
    }

    fn legend(&self, svg: &mut String) {
        svg.push_str("<p class=\"legend\">");
        for (index, series) in self.series.iter().enumerate() {
            add(
                svg,
                format_args!(
                    "<span><i class=\"c{}\"></i>{}</span>",
                    index % COLORS,
                    escape(&series.name)
                ),
            );
        }
        if self.marks.iter().any(|mark| mark.main) {
            svg.push_str("<span><i class=\"markline\"></i>pool lifetime over (ttl)</span>");
        }
        if self.marks.iter().any(|mark| !mark.main) {
            svg.push_str("<span><i class=\"tickline\"></i>other rotation</span>");
        }
        svg.push_str("</p>\n");
    }
}

/// Text that cannot end an element or an attribute.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The height of a value on the page, where `top` is the upper edge.
fn y(value: f64, top: f64) -> f64 {
    let share = (value / top).clamp(0.0, 1.0);
    HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share
}

/// At most [`MOST_POINTS`], each the highest of those that it stands for: a peak must not vanish.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let together = points.len().div_ceil(MOST_POINTS).max(1);
    let highest = |chunk: &[(f64, f64)]| {
        chunk
            .iter()
            .copied()
            .max_by(|one, other| one.1.total_cmp(&other.1))
    };
    points.chunks(together).filter_map(highest).collect()
}

/// The upper end of an axis that reaches `highest`, and the number of its steps, so that each is a round figure.
fn nice_top(highest: f64) -> (f64, u32) {
    if highest <= 4.0 {
        return (4.0, 4);
    }
    let power = 10f64.powf(highest.log10().floor());
    let tops = [(1.0, 5), (2.0, 4), (2.5, 5), (5.0, 5), (10.0, 5)];
    let tops = tops.map(|(top, steps)| (top * power, steps));
    let fits = tops.into_iter().find(|(top, _)| *top >= highest);
    fits.unwrap_or((highest, 4))
}

fn short(value: f64) -> String {
    if value >= 1_000_000.0 {
        format!("{}M", value / 1_000_000.0)
    } else if value >= 10_000.0 {
        format!("{}k", value / 1000.0)
    } else {
        format!("{value}")
    }
}

/// `90 s`, `12:30` or `2:05:00`, whichever is shortest to read.
fn clock(second: f64) -> String {
    let time = std::time::Duration::try_from_secs_f64(second).unwrap_or_default();
    let seconds = time.as_secs();
    match seconds {
        0..=299 => format!("{seconds} s"),
        300..=7199 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!(
            "{}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        ),
    }
}

/// Appends to a string, which cannot fail.
fn add(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what)
        .expect("writing to a string cannot fail");
}

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 24.0;
const COLORS: usize = 6;
const MOST_POINTS: usize = 600;

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(series: Vec<Series>, shape: Shape) -> String {
        let marks = [Mark {
            second: 5.0,
            label: "ttl <1>".to_owned(),
            main: true,
        }];
        let chart = Chart {
            title: "a & b",
            unit: "streams",
            until: 10.0,
            series,
            shape,
            marks: &marks,
        };
        chart.draw()
    }

    #[test]
    fn bars_of_one_second_stand_on_each_other() {
        let layers = vec![
            Series::new("cut", vec![(5.0, 3.0)]),
            Series::new("gap", vec![(5.0, 1.0)]),
        ];
        let svg = chart(layers, Shape::Bars);
        assert_eq!(svg.matches("<rect").count(), 2);
        // Together they fill the height up to the top of the axis, which is 4.
        assert!(svg.contains("y=\"8.0\""));
    }

    #[test]
    fn text_is_escaped() {
        let svg = chart(Vec::new(), Shape::Lines);
        assert!(svg.contains("a &amp; b") && svg.contains("ttl &lt;1&gt;"));
    }

    #[test]
    fn a_peak_survives_thinning() {
        let mut points: Vec<_> = (0..10_000).map(|second| (f64::from(second), 1.0)).collect();
        points[4321].1 = 99.0;
        let thin = thinned(&points);
        assert!(thin.len() <= MOST_POINTS);
        assert!(thin.iter().any(|point| point.1 > 98.0));
    }

    #[test]
    fn axes_end_at_round_figures() {
        let top = |highest| nice_top(highest).0;
        assert!((top(0.0) - 4.0).abs() < 1e-9);
        assert!((top(1999.0) - 2000.0).abs() < 1e-9);
        assert!((top(2001.0) - 2500.0).abs() < 1e-9);
    }
}
