//! The last fifteen minutes, in columns of five seconds.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use gateway_router::Catalog;

use super::shape::{COLUMNS, Lane, Timeline};
use crate::control::{Marks, seconds};

/// The states of deployments in the last fifteen minutes.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Columns>);

#[derive(Debug, Default)]
struct Columns {
    lanes: HashMap<Arc<str>, VecDeque<Letter>>,
    columns: usize,
    /// Seconds since 1970 at which the newest column ended.
    to: f64,
}

/// How a deployment was: the worst of a column counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Letter {
    /// Not known.
    #[default]
    Unknown,
    /// Ready.
    Ready,
    /// On probation.
    Probation,
    /// Most of its attempts failed.
    Failing,
    /// Set aside.
    SetAside,
    /// Drained.
    Drained,
}

impl History {
    /// A column ended at `to`, in which deployments were like this; of those that are not among them nothing is kept.
    pub(super) fn add(&self, column: &HashMap<Arc<str>, Letter>, to: f64) {
        let mut kept = self.lock();
        let known = kept.columns.min(COLUMNS);
        kept.lanes.retain(|id, _| column.contains_key(id));
        for (id, letter) in column {
            let new = || VecDeque::from(vec![Letter::Unknown; known]);
            let lane = kept.lanes.entry(Arc::clone(id)).or_insert_with(new);
            if lane.len() == COLUMNS {
                lane.pop_front();
            }
            lane.push_back(*letter);
        }
        kept.columns = (known + 1).min(COLUMNS);
        kept.to = to;
    }

    /// All columns, with the marks that lie in them.
    pub(crate) fn timeline(&self, catalog: &Catalog, marks: &Marks) -> Timeline {
        let mut timeline = self.newest(catalog, COLUMNS);
        timeline.marks = marks.since(0);
        timeline.marks.retain(|mark| mark.at >= timeline.to - SPAN);
        timeline
    }

    /// The newest columns, without marks.
    pub(super) fn newest(&self, catalog: &Catalog, columns: usize) -> Timeline {
        let kept = self.lock();
        let columns = columns.min(kept.columns);
        let lanes = catalog.deployments().map(|deployment| {
            let lane = kept.lanes.get(&deployment.id);
            let states = lane.into_iter().flatten().rev().take(columns);
            let states: Vec<char> = states.map(|letter| letter.letter()).collect();
            Lane {
                id: deployment.id.to_string(),
                model_name: deployment.group.to_string(),
                states: format!("{:>columns$}", states.iter().rev().collect::<String>()),
            }
        });
        let span = u32::try_from(columns).unwrap_or_default() * STEP;
        let to = match kept.columns {
            0 => seconds(SystemTime::now()),
            _ => kept.to,
        };
        Timeline {
            from: to - f64::from(span),
            to,
            step: STEP,
            lanes: lanes.collect(),
            marks: Vec::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Columns> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Letter {
    const fn letter(self) -> char {
        match self {
            Self::Unknown => ' ',
            Self::Ready => 'r',
            Self::Probation => 'p',
            Self::Failing => 'f',
            Self::SetAside => 's',
            Self::Drained => 'd',
        }
    }
}

/// Seconds of a column.
pub(super) const STEP: u32 = 5;
/// Fifteen minutes.
const SPAN: f64 = 900.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_that_came_late_is_as_long_as_the_others_and_one_that_went_is_forgotten() {
        let history = History::default();
        let column = |ids: &[&str]| ids.iter().map(|id| ((*id).into(), Letter::Ready)).collect();
        for at in 0..COLUMNS + 5 {
            history.add(&column(&["a"]), at as f64);
        }
        history.add(&column(&["a", "b"]), 500.0);
        let kept = history.lock();
        assert!(kept.lanes.values().all(|lane| lane.len() == COLUMNS));
        let newest = &kept.lanes["b"];
        assert_eq!(newest.back(), Some(&Letter::Ready));
        assert_eq!(newest.front(), Some(&Letter::Unknown));
        drop(kept);
        history.add(&column(&["b"]), 505.0);
        assert_eq!(history.lock().lanes.len(), 1);
    }
}
