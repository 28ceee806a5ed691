//! The deployments that have failed in a call, and when each may be tried again in it.

use std::sync::Arc;

use tokio::time::Instant;

/// Deployments that have failed in this call.
#[derive(Debug, Default)]
pub(super) struct Tried {
    ids: Vec<Arc<str>>,
    notes: Vec<Note>,
}

/// What is known of a deployment that has failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Note {
    /// When it may be tried again; `None`: never in this call.
    pub(super) ready: Option<Instant>,
    /// It has asked for that rest, so it gets it also when another deployment was tried in between.
    pub(super) asked: bool,
}

impl Tried {
    pub(super) fn note(&mut self, id: &Arc<str>, note: Note) {
        match self.ids.iter().position(|it| it == id) {
            Some(place) => self.notes[place] = note,
            None => {
                self.ids.push(Arc::clone(id));
                self.notes.push(note);
            }
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> &[Arc<str>] {
        &self.ids
    }

    /// Whether this one has not failed yet.
    pub(super) fn is_new(&self, id: &Arc<str>) -> bool {
        !self.ids.contains(id)
    }

    /// When this one may be tried: at `now`, later, or never. `last` is the one that has failed just now: it rests
    /// in any case, the others only if they asked for it.
    pub(super) fn ready(
        &self,
        id: &Arc<str>,
        last: Option<&Arc<str>>,
        now: Instant,
    ) -> Option<Instant> {
        let Some(place) = self.ids.iter().position(|it| it == id) else {
            return Some(now);
        };
        let note = self.notes[place];
        let ready = note.ready?;
        Some(if note.asked || last == Some(id) {
            ready.max(now)
        } else {
            now
        })
    }

    /// Those that must not be tried at `now`.
    pub(super) fn resting(&self, last: Option<&Arc<str>>, now: Instant) -> Vec<Arc<str>> {
        let rests = |id: &&Arc<str>| self.ready(id, last, now) != Some(now);
        self.ids.iter().filter(rests).cloned().collect()
    }
}
