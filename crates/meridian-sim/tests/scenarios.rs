//! Scenarios in virtual time: what they come to, and what is refused.

use meridian_scenario::record::Ending;
use meridian_scenario::{Outcome, Scenario};
use meridian_sim::scenario::{Refusal, Wanted, perform};

const BEGINNING: &str = "\
version: 1
name: story
topology:
  regions: [us-east-1, eu-west-1, eu-central-1]
keys:
  - {name: orders, origin: external, region: us-east-1, replicas: [eu-central-1], materials: [1, 2]}
  - {name: plain, origin: generated, region: eu-west-1}
";

fn scenario(rest: &str) -> Scenario {
    let text = format!("{BEGINNING}{rest}");
    meridian_scenario::read(&text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

fn outcome(rest: &str, seed: u64) -> Outcome {
    let wanted = Wanted {
        seed: Some(seed),
        ..Wanted::default()
    };
    let performed = perform(&scenario(rest), &wanted).expect("it can be simulated");
    performed.outcome
}

/// How each step ended, in words.
fn endings(outcome: &Outcome) -> Vec<(&str, String)> {
    let steps = outcome.steps.iter();
    steps
        .map(|it| (it.step.as_str(), it.ending.words()))
        .collect()
}

/// How long a step took, in virtual milliseconds.
fn took_ms(outcome: &Outcome, step: &str) -> i64 {
    let step = outcome.steps.iter().find(|it| it.step == step);
    let took = step.and_then(|it| it.ended_ms.zip(it.began_ms));
    took.map(|(end, begin)| end - begin).expect("it has ended")
}

const BUSY: &str = "\
profile: adversarial
workload: {operations: 60, clients: 5, mix: rotation}
timeline:
  - {step: crash, every: 3s, times: 4, for: 1s, fault: {node_crash: {node: {region: us-east-1, node: 2}}}}
  - step: cut
    at: 2s
    for: 5s
    fault: {link_cut: {link: {from: us-east-1, to: eu-west-1, both_directions: true}}}
  - {step: read, at: 4s, region: us-east-1, call: {describe: {key: orders}}, expect: any}
  - {step: days, at: 6s, advance: 8d}
  - {step: calm, at: 20s, heal: all}
";

#[test]
fn the_same_seed_is_the_same_run_and_another_seed_is_another() {
    let (one, again, other) = (outcome(BUSY, 1), outcome(BUSY, 1), outcome(BUSY, 2));
    assert!(one.is_met(), "{:#?}", one.unmet);
    assert_eq!(one, again);
    assert_ne!(one.digest, other.digest);
    let fired = |kind: &str| one.faults.iter().any(|it| it.kind == kind && it.struck > 0);
    assert!(
        fired("node crash") && fired("stale reads"),
        "{:#?}",
        one.faults
    );
}

#[test]
fn busy_stories_keep_every_promise() {
    for seed in 0..30 {
        let outcome = outcome(BUSY, seed);
        assert!(outcome.is_met(), "seed {seed}: {:#?}", outcome.unmet);
    }
}

#[test]
fn a_trace_and_a_history_change_nothing() {
    let wanted = Wanted {
        trace: true,
        history: true,
        seed: Some(1),
    };
    let performed = perform(&scenario(BUSY), &wanted).expect("it can be simulated");
    assert_eq!(performed.outcome, outcome(BUSY, 1));
    assert!(!performed.trace.is_empty());
    let again = performed.history.judge();
    assert_eq!(again.violation, performed.outcome.violation);
    assert_eq!(again.looked, performed.outcome.looked);
    assert_eq!(again.timings, performed.outcome.timings);
}

#[test]
fn what_is_not_as_expected_is_named() {
    let outcome = outcome(
        "timeline:\n  - {step: rotate, at: 1s, region: us-east-1, call: {rotate: {key: orders}}}\n  \
         - {step: wrong, at: 2s, holds: {key: orders, current_material: 1}}\n  \
         - {step: late, when: {key: orders, current_material: 9}, heal: all}\n  \
         - {step: probe, at: 2s, probe: {command: [\"true\"]}}\n",
        1,
    );
    assert_eq!(
        outcome.unmet,
        [
            "step rotate: KMSInvalidStateException, and not ok",
            "step wrong: does not hold",
            "step late: never due"
        ]
    );
    let probe = outcome.steps.iter().find(|it| it.step == "probe").unwrap();
    assert!(matches!(probe.ending, Ending::NotRun(_)));
    assert_eq!(probe.met, None, "what was not run has not passed");
}

#[test]
fn one_property_is_read_as_it_was_and_the_others_as_they_are() {
    for (property, seen) in [
        ("PROPERTY_KEY_STATE", "Enabled"),
        ("PROPERTY_TAG", "Disabled"),
    ] {
        let outcome = outcome(
            &format!(
                "timeline:\n  - {{step: old, at: 1s, for: 9s, fault: {{stale_reads: \
                 {{region: eu-west-1, node: 2, lag_ms: 30000, property: {property}}}}}}}\n  \
                 - {{step: disable, at: 2s, region: eu-west-1, node: 1, call: {{disable: \
                 {{key: plain}}}}}}\n  \
                 - {{step: read, after: disable, delay: 1s, region: eu-west-1, node: 2, call: \
                 {{describe: {{key: plain}}}}, expect: {{answer: {{key_state: {seen}}}}}}}\n  \
                 - {{step: settled, at: 12s, region: eu-west-1, node: 2, call: {{describe: \
                 {{key: plain}}}}, expect: {{answer: {{key_state: Disabled}}}}}}\n"
            ),
            1,
        );
        assert!(outcome.is_met(), "{property}: {:#?}", outcome.unmet);
    }
}

#[test]
fn nodes_end_with_their_disks_and_start_again_in_their_own_time() {
    let outcome = outcome(
        "timeline:\n  - {step: full, at: 1s, for: 4s, fault: {disk_full: {node: {region: eu-west-1, \
         node: 1}}}}\n  \
         - {step: fails, at: 1s, for: 4s, fault: {disk_flush_fails: {node: {region: us-east-1, \
         node: 2}}}}\n  \
         - {step: slow, at: 1s, for: 19s, fault: {node_slow_start: {node: {region: us-east-1, \
         node: 2}, delay_ms: 5000}}}\n  \
         - {step: replace, at: 1s, for: 4s, fault: {node_replace: {node: {region: eu-central-1, \
         node: 3}}}}\n  \
         - {step: a, at: 4s, region: eu-west-1, node: 1, call: {describe: {key: plain}}, \
         expect: {error: Unreachable}}\n  \
         - {step: b, at: 8s, region: eu-west-1, node: 1, call: {describe: {key: plain}}}\n  \
         - {step: c, at: 8s, region: us-east-1, node: 2, call: {describe: {key: orders}}, \
         expect: {error: Unreachable}}\n  \
         - {step: d, at: 12s, region: us-east-1, node: 2, call: {describe: {key: orders}}}\n  \
         - {step: e, at: 4s, region: eu-central-1, node: 3, call: {describe: {key: orders}}, \
         expect: {error: Unreachable}}\n  \
         - {step: f, at: 8s, region: eu-central-1, node: 3, call: {encrypt: {key: orders, as: f}}}\n",
        1,
    );
    assert!(outcome.is_met(), "{:#?}", outcome.unmet);
}

#[test]
fn a_write_waits_for_the_disks_of_a_majority() {
    let took = |second: u64| {
        let outcome = outcome(
            &format!(
                "timeline:\n  - {{step: one, at: 0s, for: 20s, fault: {{disk_slow: {{node: {{region: \
                 eu-west-1, node: 1}}, delay_ms: 2000}}}}}}\n  \
                 - {{step: two, at: 0s, for: 20s, fault: {{disk_slow: {{node: {{region: eu-west-1, \
                 node: 2}}, delay_ms: {second}}}}}}}\n  \
                 - {{step: write, at: 1s, region: eu-west-1, call: {{disable: {{key: plain}}}}}}\n"
            ),
            1,
        );
        assert!(outcome.is_met(), "{:#?}", outcome.unmet);
        took_ms(&outcome, "write")
    };
    assert!(took(1) < 1_000);
    assert!(took(1_500) >= 1_500);
}

#[test]
fn a_narrow_link_makes_messages_wait_for_each_other() {
    let busy = |bytes_per_s: u64| {
        outcome(
            &format!(
                "workload: {{operations: 30, clients: 3, mix: rotation}}\ntimeline:\n  \
                 - {{step: narrow, at: 0s, for: 60s, fault: {{link_bandwidth: {{link: {{from: \
                 us-east-1, to: eu-central-1}}, bytes_per_s: {bytes_per_s}}}}}}}\n  \
                 - {{step: disable, at: 1s, region: us-east-1, call: {{rotate: {{key: orders}}}}, \
                 expect: any}}\n"
            ),
            1,
        )
    };
    let struck = |outcome: &Outcome| {
        assert!(outcome.is_met(), "{:#?}", outcome.unmet);
        outcome.faults.iter().map(|it| it.struck).sum::<u64>()
    };
    assert!(struck(&busy(100)) > 0);
    assert_eq!(struck(&busy(u64::MAX)), 0, "wide enough for all");
}

#[test]
fn the_front_door_refuses_slows_and_loses_as_faults_say() {
    let outcome = outcome(
        "timeline:\n  - {step: refuse, at: 0s, for: 9s, fault: {refuse: {calls: {region: eu-west-1, \
         operation: Encrypt, every: 2}, code: ThrottlingException}}}\n  \
         - {step: slow, at: 0s, for: 9s, fault: {slow_answer: {calls: {region: eu-west-1, \
         operation: DescribeKey}, delay_ms: 3000}}}\n  \
         - {step: lose, at: 0s, for: 9s, fault: {lose_answer: {calls: {region: eu-west-1, \
         operation: DisableKey}}}}\n  \
         - {step: reset, at: 0s, for: 60s, fault: {reset: {calls: {region: eu-west-1, \
         operation: EnableKey}}}}\n  \
         - {step: one, at: 1s, region: eu-west-1, call: {encrypt: {key: plain, as: a}}}\n  \
         - {step: two, at: 2s, region: eu-west-1, call: {encrypt: {key: plain, as: b}}, \
         expect: {error: ThrottlingException}}\n  \
         - {step: three, at: 3s, region: eu-west-1, call: {describe: {key: plain}}}\n  \
         - {step: four, at: 7s, region: eu-west-1, call: {disable: {key: plain}}, expect: unknown}\n  \
         - {step: five, after: four, region: eu-west-1, call: {describe: {key: plain}}, \
         expect: {answer: {key_state: Disabled}}}\n  \
         - {step: six, after: five, region: eu-west-1, call: {enable: {key: plain}}, \
         expect: unknown}\n  \
         - {step: seven, after: six, region: eu-west-1, call: {describe: {key: plain}}, \
         expect: {answer: {key_state: Enabled}}}\n",
        1,
    );
    assert!(outcome.is_met(), "{:#?}", outcome.unmet);
    assert!(took_ms(&outcome, "three") >= 3_000);
    assert!(took_ms(&outcome, "four") > 2_000, "silence");
    assert!(took_ms(&outcome, "six") < 1_000, "a closed connection");
}

#[test]
fn a_fault_strikes_the_calls_of_the_key_that_it_names() {
    let outcome = outcome(
        "timeline:\n  - {step: refuse, at: 0s, for: 9s, fault: {refuse: {calls: {region: us-east-1, \
         key_id: orders}, code: ThrottlingException}}}\n  \
         - {step: orders, at: 1s, region: us-east-1, call: {encrypt: {key: orders, as: a}}, \
         expect: {error: ThrottlingException}}\n  \
         - {step: other, at: 1s, region: us-east-1, call: {create: {key: k, origin: generated}}}\n",
        1,
    );
    assert!(outcome.is_met(), "{:#?}", outcome.unmet);
}

#[test]
fn a_key_that_was_not_made_cannot_be_used() {
    let outcome = outcome(
        "timeline:\n  - {step: refuse, at: 0s, for: 9s, fault: {refuse: {calls: {region: us-east-1}, \
         code: ThrottlingException}}}\n  \
         - {step: create, at: 1s, region: us-east-1, call: {create: {key: k, origin: generated}}, \
         expect: fails}\n  \
         - {step: use, after: create, region: us-east-1, call: {rotate: {key: k}}, expect: fails}\n",
        1,
    );
    assert_eq!(
        endings(&outcome)[1..],
        [
            ("create", "ThrottlingException".to_owned()),
            ("use", "key k has not been created".to_owned())
        ]
    );
    assert!(
        !outcome.is_met(),
        "what could not be done has not failed as expected"
    );
}

#[test]
fn only_the_named_promises_are_judged() {
    let outcome = outcome(
        "invariants: [R4 one primary]\ntimeline:\n  - {step: a, at: 1s, heal: all}\n",
        1,
    );
    assert_eq!(
        outcome.looked.into_keys().collect::<Vec<_>>(),
        ["R4 one primary"]
    );
}

#[test]
fn a_violation_that_does_not_come_is_missed() {
    let outcome = outcome(
        "expect: {violation: R4 one primary}\ntimeline:\n  - {step: a, at: 1s, heal: all}\n",
        1,
    );
    assert_eq!(outcome.unmet, ["R4 one primary was not broken"]);
}

#[test]
fn what_the_simulator_cannot_mean_is_refused() {
    let refusal = |rest: &str| perform(&scenario(rest), &Wanted::default()).err();
    let nodes = "timeline:\n  - {step: cut, at: 1s, for: 1s, fault: {link_cut: {link: {from: \
                 us-east-1/1, to: us-east-1/2}}}}\n";
    let step = "cut".to_owned();
    assert_eq!(refusal(nodes), Some(Refusal::NodeLink { step }));
    let five = BEGINNING.replace(
        "eu-central-1]\nkeys",
        "eu-central-1]\n  nodes_per_region: 5\nkeys",
    );
    let five = meridian_scenario::read(&format!("{five}workload: {{operations: 1}}\n"));
    let refused = perform(&five.unwrap(), &Wanted::default()).err();
    assert_eq!(refused, Some(Refusal::NodesPerRegion(5)));
}

#[test]
fn a_drawn_scenario_is_the_run_that_it_names() {
    let text = "version: 1\nname: drawn\ndrawn: {seed: 3, operations: 100, skip_faults: \"0-2\"}\n";
    let drawn = meridian_scenario::read(text).unwrap();
    let performed = perform(&drawn, &Wanted::default()).expect("it can be simulated");
    let plan = meridian_sim::Plan {
        operations: 100,
        skip_faults: (0..=2).collect(),
        ..meridian_sim::Plan::new(3)
    };
    assert_eq!(
        performed.outcome.digest,
        Some(meridian_sim::run(&plan).digest)
    );
}
