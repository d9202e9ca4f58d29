//! A verdict, as a person reads it: the promises, how long things took, and what
//! led to a violation.

use std::collections::BTreeSet;
use std::time::Duration;

use meridian_judge::{Count, Durations, Timings, Violation};

use crate::console::{Console, bad, bold, good};
use crate::span;
use crate::table::Table;

/// How often each promise was looked at.
pub fn counted(looked: &Count) -> impl Iterator<Item = (&'static str, u64)> {
    looked.iter().map(|(promise, times)| (*promise, *times))
}

/// Every promise, and whether it was kept.
pub fn promises<'a>(
    looked: impl IntoIterator<Item = (&'a str, u64)>,
    broken: &BTreeSet<&str>,
) -> Table {
    let mut table = Table::new(["PROMISE", "LOOKED AT", ""]);
    for (promise, times) in looked {
        let verdict = if broken.contains(promise) {
            bad("broken")
        } else if times == 0 {
            "never looked at".to_owned()
        } else {
            good("kept")
        };
        table.row([promise.to_owned(), times.to_string(), verdict]);
    }
    table
}

/// The last word on a history: which promise was broken, when, and by what.
///
/// # Errors
/// A promise was broken.
pub fn conclude(console: Console, broken: Option<(&str, i64, &str)>) -> anyhow::Result<()> {
    if let Some((promise, at_ms, what)) = broken {
        anyhow::bail!("{promise} is broken after {at_ms} ms: {what}");
    }
    console.say(good("every promise that was looked at was kept"));
    Ok(())
}

/// How long regions disagreed.
pub fn timings(timings: &Timings) -> Table {
    let mut table = Table::new(["HOW LONG", "TIMES", "MIN", "MEDIAN", "P99", "MAX"]);
    let mut row = |what: &str, it: &Durations| {
        let ms =
            |ms: Option<u64>| ms.map_or("-".into(), |ms| span::show(Duration::from_millis(ms)));
        table.row([
            what.to_owned(),
            it.count().to_string(),
            ms(it.min_ms()),
            ms(it.percentile_ms(50)),
            ms(it.percentile_ms(99)),
            ms(it.max_ms()),
        ]);
    };
    row(
        "regions encrypt under different materials",
        &timings.mixed_window,
    );
    row("a change reaches the last region", &timings.convergence);
    row(
        "the same, since the last fault ended",
        &timings.convergence_after_healing,
    );
    table
}

/// What led to a violation, the first bad event last.
pub fn causes(console: Console, violation: &Violation) {
    if violation.causes.is_empty() {
        return;
    }
    let about = violation.key.map(|key| format!(", for {key}"));
    console.say(bold(&format!(
        "what led to it{}",
        about.unwrap_or_default()
    )));
    for cause in &violation.causes {
        let at = cause.at_ms.map_or(String::new(), |ms| format!("{ms} ms"));
        console.say(format!("{at:>12}  {}", cause.what));
    }
    console.say("");
}
