//! Looks whether the files of the configuration have changed.
//!
//! It looks at them once per second instead of being told by the kernel: paths are followed through symbolic links each
//! time, so that a swapped link (as Kubernetes does it) is a change like any other, also on file systems that tell nobody.

use std::future::pending;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::config::{Look, WatchedFile};

/// The files of the configuration, and what they looked like when they were read.
#[derive(Debug)]
pub(super) struct Watch {
    files: Vec<WatchedFile>,
    /// What looked different at the last tick.
    news: Option<Vec<Look>>,
    mode: Mode,
    ticks: Option<Interval>,
}

#[derive(Debug)]
enum Mode {
    Watching,
    Resting,
}

impl Watch {
    /// Over the files that were read first, if they are `watched` at all.
    pub(super) fn new(files: Vec<WatchedFile>, watched: bool) -> Self {
        let mut watch = Self {
            files,
            news: None,
            mode: Mode::Resting,
            ticks: None,
        };
        watch.switch(watched);
        watch
    }

    /// Watches from now on, or does not.
    pub(super) fn switch(&mut self, watched: bool) {
        self.mode = if watched {
            Mode::Watching
        } else {
            Mode::Resting
        };
    }

    /// These were read just now.
    pub(super) fn follow(&mut self, files: Vec<WatchedFile>) {
        self.files = files;
        self.news = None;
    }

    /// Resolves when something looks different, and looks the same at two ticks in a row. A file that is missing while
    /// it is replaced is a change that does not last.
    ///
    /// # Cancel safety
    /// Nothing that was seen is forgotten.
    pub(super) async fn changed(&mut self) {
        if let Mode::Resting = self.mode {
            return pending().await;
        }
        loop {
            let ticks = self.ticks.get_or_insert_with(|| {
                let mut ticks = interval(PERIOD);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                ticks
            });
            ticks.tick().await;
            let now = self.files.iter().map(|file| Look::at(&file.path)).collect();
            if self.settles(now) {
                return;
            }
        }
    }

    /// Whether what is seen `now` is new, and was seen the last time too.
    fn settles(&mut self, now: Vec<Look>) -> bool {
        let read = self.files.iter().map(|file| &file.look);
        if read.eq(&now) {
            self.news = None;
            return false;
        }
        if self.news.as_ref() == Some(&now) {
            // Whatever comes of it: these looks have been told.
            for (file, look) in self.files.iter_mut().zip(now) {
                file.look = look;
            }
            self.news = None;
            return true;
        }
        self.news = Some(now);
        false
    }
}

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    fn watch(paths: &[&Path]) -> Watch {
        let files = paths.iter().map(|path| WatchedFile {
            path: path.to_path_buf(),
            look: Look::at(path),
        });
        Watch::new(files.collect(), false)
    }

    fn tick(watch: &mut Watch) -> bool {
        let now = watch.files.iter().map(|file| Look::at(&file.path));
        let now = now.collect();
        watch.settles(now)
    }

    #[test]
    fn a_change_is_told_once_it_has_settled() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        fs::write(&file, "one").unwrap();
        let mut watch = watch(&[&file]);
        assert!(!tick(&mut watch));
        fs::write(&file, "three").unwrap();
        assert!(!tick(&mut watch), "it may be half of it");
        fs::write(&file, "three and more").unwrap();
        assert!(!tick(&mut watch), "it was");
        assert!(tick(&mut watch));
        assert!(!tick(&mut watch), "told is told");
    }

    #[test]
    fn a_file_that_is_missing_for_a_moment_is_no_news() {
        let dir = tempfile::tempdir().unwrap();
        let (file, aside) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&file, "one").unwrap();
        let mut watch = watch(&[&file]);
        fs::rename(&file, &aside).unwrap();
        assert!(!tick(&mut watch));
        fs::rename(&aside, &file).unwrap();
        assert!(!tick(&mut watch));
        assert!(!tick(&mut watch));
        fs::remove_file(&file).unwrap();
        assert!(!tick(&mut watch));
        assert!(tick(&mut watch), "gone for good");
        fs::write(&file, "one").unwrap();
        assert!(!tick(&mut watch));
        assert!(tick(&mut watch), "and there again");
    }

    #[test]
    fn a_swapped_link_is_a_change_even_of_the_same_size() {
        let dir = tempfile::tempdir().unwrap();
        for (folder, text) in [("one", "1"), ("two", "2")] {
            fs::create_dir(dir.path().join(folder)).unwrap();
            fs::write(dir.path().join(folder).join("config.yaml"), text).unwrap();
        }
        let (data, next) = (dir.path().join("..data"), dir.path().join("..data_tmp"));
        symlink("one", &data).unwrap();
        let file = dir.path().join("config.yaml");
        symlink("..data/config.yaml", &file).unwrap();
        let mut watch = watch(&[&file]);
        symlink("two", &next).unwrap();
        fs::rename(&next, &data).unwrap();
        assert!(!tick(&mut watch));
        assert!(tick(&mut watch));
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_watch_is_told_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        fs::write(&file, "one").unwrap();
        let mut watch = watch(&[&file]);
        fs::write(&file, "two!").unwrap();
        let minute = Duration::from_secs(60);
        let told = tokio::time::timeout(minute, watch.changed()).await;
        assert!(told.is_err());
        watch.switch(true);
        watch.changed().await;
    }
}
