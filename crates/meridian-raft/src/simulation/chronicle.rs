//! The event log of a run: every message, every disk write, every call of a client and every
//! fault, with its time. Its digest tells whether two runs were the same, bit for bit.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::{Arguments, Write as _};
use std::hash::{DefaultHasher, Hasher as _};

use tokio::time::Instant;

/// Events kept for the report of a failure.
const KEPT: usize = 60;

thread_local! {
    static CHRONICLE: RefCell<Option<Chronicle>> = const { RefCell::new(None) };
}

struct Chronicle {
    began: Instant,
    traced: bool,
    events: u64,
    digest: DefaultHasher,
    last: VecDeque<String>,
    line: String,
}

/// Begins the event log of a run, within its runtime. A traced one is printed.
pub(super) fn begin(traced: bool) {
    CHRONICLE.set(Some(Chronicle {
        began: Instant::now(),
        traced,
        events: 0,
        digest: DefaultHasher::new(),
        last: VecDeque::new(),
        line: String::new(),
    }));
}

/// Virtual milliseconds since the run began.
pub(super) fn now_ms() -> u64 {
    CHRONICLE.with_borrow(|chronicle| chronicle.as_ref().map_or(0, Chronicle::now_ms))
}

/// Adds an event. Outside a run nothing is kept.
pub(super) fn add(event: Arguments<'_>) {
    CHRONICLE.with_borrow_mut(|chronicle| {
        if let Some(chronicle) = chronicle {
            chronicle.note(event);
        }
    });
}

/// How many events there were, and what they come to.
pub(super) fn digest() -> (u64, String) {
    CHRONICLE.with_borrow(|chronicle| match chronicle {
        Some(it) => (it.events, format!("{:016x}", it.digest.finish())),
        None => (0, String::new()),
    })
}

/// The last events before this moment.
pub(super) fn last() -> Vec<String> {
    CHRONICLE.with_borrow(|chronicle| match chronicle {
        Some(it) => it.last.iter().cloned().collect(),
        None => Vec::new(),
    })
}

impl Chronicle {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).expect("a run is not that long")
    }

    fn note(&mut self, event: Arguments<'_>) {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        write!(line, "{:>7} {event}", self.now_ms()).expect("a string takes everything");
        if self.traced {
            eprintln!("{line}");
        }
        self.events += 1;
        self.digest.write(line.as_bytes());
        self.digest.write_u8(b'\n');
        if self.last.len() == KEPT {
            self.line = self.last.pop_front().unwrap_or_default();
        }
        self.last.push_back(line);
    }
}

/// Adds an event to the run's log.
macro_rules! note {
    ($($event:tt)*) => {
        $crate::simulation::chronicle::add(format_args!($($event)*))
    };
}
pub(super) use note;
