//! A kept history, read back and judged again.

use meridian_judge::History;
use meridian_sim::{Plan, run};

#[test]
fn a_kept_history_is_judged_as_the_run_was() {
    let report = run(&Plan {
        history: true,
        ..Plan::new(4)
    });
    let again = History::read(&report.history.write()).expect("it was just written");
    assert_eq!(again, report.history);
    assert_eq!(again.judge(), report.verdict);
}
