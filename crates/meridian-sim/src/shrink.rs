//! Shrinking: of a run that breaks a promise, leaves out faults and operations
//! as long as it still breaks the same one.

use std::collections::BTreeSet;

use crate::run::{Plan, Report, run};

/// Runs that a search may take.
const RUNS_MAX: usize = 600;

/// The shortest run that was found.
pub struct Shrunk {
    /// How to run it.
    pub plan: Plan,
    /// What it comes to, with its trace.
    pub report: Report,
    /// Faults that are left.
    pub faults: usize,
    /// Operations that are left.
    pub operations: usize,
    /// Runs that the search took.
    pub runs: usize,
}

/// One search.
struct Search {
    plan: Plan,
    promise: &'static str,
    runs: usize,
}

/// Shrinks a run; nothing if it breaks no promise.
pub fn shrink(plan: &Plan) -> Option<Shrunk> {
    let first = run(plan);
    let promise = first.verdict.violation?.promise;
    let mut search = Search {
        plan: plan.clone(),
        promise,
        runs: 0,
    };
    // Operations that had not begun when it broke are the first to go.
    search.drop_operations(first.begun..plan.operations);
    loop {
        let before = (
            search.plan.skip_faults.len(),
            search.plan.skip_operations.len(),
        );
        search.without(first.faults, |plan| &mut plan.skip_faults);
        search.without(plan.operations, |plan| &mut plan.skip_operations);
        let after = (
            search.plan.skip_faults.len(),
            search.plan.skip_operations.len(),
        );
        if before == after || search.runs >= RUNS_MAX {
            break;
        }
    }
    let plan = search.plan;
    let report = run(&Plan {
        trace: true,
        history: true,
        ..plan.clone()
    });
    Some(Shrunk {
        faults: first.faults - plan.skip_faults.len(),
        operations: plan.operations - plan.skip_operations.len(),
        plan,
        report,
        runs: search.runs,
    })
}

impl Search {
    fn still_breaks(&mut self, plan: &Plan) -> bool {
        self.runs += 1;
        let violation = run(plan).verdict.violation;
        violation.is_some_and(|violation| violation.promise == self.promise)
    }

    fn drop_operations(&mut self, numbers: std::ops::Range<usize>) {
        let mut plan = self.plan.clone();
        plan.skip_operations.extend(numbers);
        if self.still_breaks(&plan) {
            self.plan = plan;
        }
    }

    /// Leaves out pieces of what is left, in halves first and one by one in the
    /// end.
    fn without(&mut self, all: usize, skipped: impl Fn(&mut Plan) -> &mut BTreeSet<usize>) {
        let mut piece = all.next_power_of_two();
        while piece > 0 {
            let out = skipped(&mut self.plan).clone();
            let left: Vec<usize> = (0..all).filter(|number| !out.contains(number)).collect();
            for numbers in left.chunks(piece) {
                if self.runs >= RUNS_MAX {
                    return;
                }
                let mut plan = self.plan.clone();
                skipped(&mut plan).extend(numbers);
                if self.still_breaks(&plan) {
                    self.plan = plan;
                }
            }
            piece /= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::Planted;

    #[test]
    fn a_run_that_breaks_nothing_does_not_shrink() {
        assert!(shrink(&Plan::new(1)).is_none());
    }

    #[test]
    fn what_is_left_still_breaks_the_same_promise_and_is_short() {
        let broken = |seed: &u64| {
            let planted = Some(Planted::RefusedAfterCommit);
            let plan = Plan {
                planted,
                ..Plan::new(*seed)
            };
            run(&plan)
                .verdict
                .violation
                .map(|violation| (plan, violation.promise))
        };
        let (plan, promise) = (0..20).find_map(|seed| broken(&seed)).unwrap();
        let shrunk = shrink(&plan).unwrap();
        assert_eq!(shrunk.report.verdict.violation.unwrap().promise, promise);
        assert!(shrunk.operations <= 20, "{} operations", shrunk.operations);
        assert!(shrunk.faults <= 1, "{} faults", shrunk.faults);
    }
}
