//! Does memory grow? A line through the readings, and a sentence about it.

/// A straight line through points, by least squares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    pub(super) start: f64,
    pub(super) per_second: f64,
    /// Share of the points' variance that the line explains, 0 to 1.
    pub(super) fit: f64,
}

impl Line {
    /// The line through `(seconds, value)`; none through fewer than three points or through points of one moment.
    pub(super) fn through(points: &[(f64, f64)]) -> Option<Self> {
        if points.len() < 3 {
            return None;
        }
        let count = points.len() as f64;
        let mean_x = points.iter().map(|point| point.0).sum::<f64>() / count;
        let mean_y = points.iter().map(|point| point.1).sum::<f64>() / count;
        let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
        for (x, y) in points {
            xx += (x - mean_x) * (x - mean_x);
            xy += (x - mean_x) * (y - mean_y);
            yy += (y - mean_y) * (y - mean_y);
        }
        if xx <= f64::EPSILON {
            return None;
        }
        let per_second = xy / xx;
        let fit = if yy <= f64::EPSILON {
            1.0
        } else {
            xy * xy / (xx * yy)
        };
        Some(Self {
            start: mean_y - per_second * mean_x,
            per_second,
            fit,
        })
    }

    /// The line's value at a moment.
    pub(super) fn at(&self, second: f64) -> f64 {
        self.start + self.per_second * second
    }
}

/// What a series of memory readings means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Growth {
    /// Too few readings to say.
    Unknown,
    /// Nothing beyond noise.
    Flat(Line),
    /// Steady growth: a leak, or a warm-up that is longer than the run.
    Grows(Line),
}

impl Growth {
    /// Judges `(seconds, bytes)` of a time in which the load was steady.
    ///
    /// Growth is what a line explains by at least half, that is more than a tenth of the memory
    /// and more than 8 MiB over the time that was watched: an allocator's noise is below both.
    pub(super) fn of(points: &[(f64, f64)]) -> Self {
        let (Some(line), Some(first), Some(last)) =
            (Line::through(points), points.first(), points.last())
        else {
            return Self::Unknown;
        };
        let grown = line.at(last.0) - line.at(first.0);
        let much = grown > 8.0 * MIB && grown > line.at(first.0) / 10.0;
        if much && line.fit > 0.5 {
            Self::Grows(line)
        } else {
            Self::Flat(line)
        }
    }

    /// The line, where there is one.
    pub(super) const fn line(&self) -> Option<Line> {
        match self {
            Self::Unknown => None,
            Self::Flat(line) | Self::Grows(line) => Some(*line),
        }
    }

    /// The verdict in words.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Unknown => "too few readings to tell".to_owned(),
            Self::Flat(line) => format!(
                "flat: {:+.1} KiB/s fitted, within what an allocator does by itself",
                line.per_second / KIB
            ),
            Self::Grows(line) => format!(
                "grows by {:.0} KiB/s under a steady load ({:.0} MiB an hour): a leak, or a warm-up longer than the run",
                line.per_second / KIB,
                line.per_second * 3600.0 / MIB
            ),
        }
    }
}

const KIB: f64 = 1024.0;
const MIB: f64 = 1024.0 * 1024.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn series(value: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (0..100).map(f64::from).map(|x| (x, value(x))).collect()
    }

    #[test]
    fn a_leak_is_called_a_leak() {
        let leaking = series(|x| 100.0 * MIB + x * MIB);
        assert!(
            matches!(Growth::of(&leaking), Growth::Grows(line) if (line.per_second - MIB).abs() < 1.0)
        );
    }

    #[test]
    fn noise_is_flat() {
        let noisy = series(|x| 100.0 * MIB + (x * 7.0 % 13.0) * MIB);
        assert!(matches!(Growth::of(&noisy), Growth::Flat(_)));
    }

    #[test]
    fn one_step_early_on_is_not_a_leak_when_it_is_small() {
        let step = series(|x| if x < 20.0 { 100.0 * MIB } else { 104.0 * MIB });
        assert!(matches!(Growth::of(&step), Growth::Flat(_)));
    }

    #[test]
    fn two_points_are_no_series() {
        assert_eq!(Growth::of(&[(0.0, 1.0), (1.0, 2.0)]), Growth::Unknown);
    }
}
