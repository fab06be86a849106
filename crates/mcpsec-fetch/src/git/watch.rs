//! A fetch under supervision: bytes are counted and reported, silence and excess end it.
//!
//! The transport blocks and cannot be told when to give up, so it runs on a thread of its own. The supervisor looks at
//! the meter a few times a second. When a limit is passed it asks the transport to stop, waits a moment, and leaves: a
//! thread that still hangs in a system call holds only its own scratch folder and ends with the process.
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use gix::progress::{Id, MessageLevel, Step, StepShared, Unit};
use mcpsec_model::url::SafeUrl;

use super::{GitLimits, error::GitError};
use crate::progress::{Event, Progress};

const TICK: Duration = Duration::from_millis(20);
const GRACE: Duration = Duration::from_millis(500);

/// The pack bytes counter's name inside the library (`gix_pack::bundle::write::ProgressId::ReadPackBytes`).
const PACK_BYTES: Id = *b"BWRB";

/// Counts what a transport does. Each counter is one of its own, since the library also calculates with what it counted; the
/// list of all of them is shared, so that the supervisor sees every one move.
#[derive(Clone)]
pub(super) struct Meter {
    all: Arc<Mutex<Vec<(Id, StepShared)>>>,
    own: StepShared,
    id: Id,
}

impl Default for Meter {
    fn default() -> Self {
        let all = Arc::<Mutex<Vec<(Id, StepShared)>>>::default();
        Self { all, own: StepShared::default(), id: gix::progress::UNKNOWN }.child(gix::progress::UNKNOWN)
    }
}

impl Meter {
    /// Something happens, even if no byte arrives.
    pub(super) fn alive(&self) {
        self.own.fetch_add(1, Ordering::Relaxed);
    }

    fn child(&self, id: Id) -> Self {
        let own = StepShared::default();
        self.counters().push((id, Arc::clone(&own)));
        Self { all: Arc::clone(&self.all), own, id }
    }

    /// Bytes of packs received, and everything that was counted.
    fn totals(&self) -> (usize, usize) {
        let counters = self.counters();
        let sum = |(bytes, all): (usize, usize), (id, counter): &(Id, StepShared)| {
            let count = counter.load(Ordering::Relaxed);
            (bytes.wrapping_add(if *id == PACK_BYTES { count } else { 0 }), all.wrapping_add(count))
        };
        counters.iter().fold((0, counters.len()), sum)
    }

    fn counters(&self) -> MutexGuard<'_, Vec<(Id, StepShared)>> {
        // A thread that panicked while it pushed a counter left a list that is still a list.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl gix::Count for Meter {
    fn set(&self, step: Step) {
        self.own.store(step, Ordering::Relaxed);
    }

    fn step(&self) -> Step {
        self.own.load(Ordering::Relaxed)
    }

    fn inc_by(&self, step: Step) {
        self.own.fetch_add(step, Ordering::Relaxed);
    }

    fn counter(&self) -> StepShared {
        Arc::clone(&self.own)
    }
}

impl gix::Progress for Meter {
    fn init(&mut self, _max: Option<Step>, _unit: Option<Unit>) {}

    fn set_name(&mut self, _name: String) {}

    fn name(&self) -> Option<String> {
        None
    }

    fn id(&self) -> Id {
        self.id
    }

    // What a server says is shown nowhere.
    fn message(&self, _level: MessageLevel, _message: String) {}
}

impl gix::NestedProgress for Meter {
    type SubProgress = Self;

    fn add_child(&mut self, _name: impl Into<String>) -> Self {
        self.child(gix::progress::UNKNOWN)
    }

    fn add_child_with_id(&mut self, _name: impl Into<String>, id: Id) -> Self {
        self.child(id)
    }
}

/// Runs `work` on a thread until it ends or a limit is passed.
pub(super) fn supervise<T: Send + 'static>(
    url: &SafeUrl,
    limits: &GitLimits,
    progress: &dyn Progress,
    work: impl FnOnce(Meter, &AtomicBool) -> Result<T, GitError> + Send + 'static,
) -> Result<T, GitError> {
    let meter = Meter::default();
    let interrupt = Arc::new(AtomicBool::new(false));
    let (send, receive) = mpsc::sync_channel(1);
    let worker = {
        let (meter, interrupt) = (meter.clone(), Arc::clone(&interrupt));
        move || {
            // The receiver is gone when the supervisor gave up; nobody wants the result then.
            let _unwanted = send.send(work(meter, &interrupt));
        }
    };
    std::thread::Builder::new().name("git-fetch".to_owned()).spawn(worker).map_err(|error| GitError::Remote {
        url: url.to_string(),
        reason: format!("cannot start a thread: {error}"),
    })?;
    let started = Instant::now();
    let mut moved = started;
    let mut reported = 0;
    let mut last = (0, 0);
    let verdict = loop {
        match receive.recv_timeout(TICK) {
            Ok(result) => break result,
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                break Err(GitError::Remote {
                    url: url.to_string(),
                    reason: "the transport ended unexpectedly".to_owned(),
                });
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        let now = meter.totals();
        report(progress, &mut reported, now.0);
        if now != last {
            (last, moved) = (now, Instant::now());
        }
        let problem = if now.0 as u64 > limits.max_pack {
            GitError::OverLimit {
                url: url.to_string(),
                what: "the size of what it sends".to_owned(),
                limit: limits.max_pack,
                unit: "bytes",
            }
        } else if moved.elapsed() > limits.idle {
            GitError::Stalled { url: url.to_string(), seconds: limits.idle.as_secs() }
        } else if started.elapsed() > limits.total {
            let limit = limits.total.as_secs();
            GitError::OverLimit { url: url.to_string(), what: "the time it takes".to_owned(), limit, unit: "seconds" }
        } else {
            continue;
        };
        interrupt.store(true, Ordering::Relaxed);
        // Let the thread clean its scratch folder up if it can.
        let _late = receive.recv_timeout(GRACE);
        break Err(problem);
    };
    if verdict.is_ok() {
        report(progress, &mut reported, meter.totals().0);
    } else if reported > 0 {
        progress.event(Event::BytesReceived(-i64::try_from(reported).unwrap_or(i64::MAX)));
    }
    verdict
}

fn report(progress: &dyn Progress, reported: &mut usize, bytes: usize) {
    if let Some(more) = bytes.checked_sub(*reported).filter(|more| *more > 0) {
        progress.event(Event::BytesReceived(i64::try_from(more).unwrap_or(i64::MAX)));
        *reported = bytes;
    }
}
