//! What a fault does, in words.

use std::time::Duration;

use meridian_proto::v1::fault::Kind;
use meridian_proto::v1::link_delay::Delay;
use meridian_proto::v1::{Calls, Fault, Link, NodePlace, Phase, Property};

use crate::span;

/// A length of time of the wire.
pub fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What the fault does.
pub fn describe(fault: &Fault) -> String {
    let Some(kind) = &fault.kind else {
        return "a fault that this program does not know".to_owned();
    };
    match kind {
        Kind::LinkCut(it) => format!("{} cut", link(&it.link)),
        Kind::LinkDelay(it) => format!("{} delayed by {}", link(&it.link), delay(&it.delay)),
        Kind::LinkLoss(it) => {
            format!(
                "{} loses {} of all messages",
                link(&it.link),
                percent(it.probability)
            )
        }
        Kind::LinkDuplicate(it) => {
            let share = percent(it.probability);
            format!("{} delivers {share} of all messages twice", link(&it.link))
        }
        Kind::LinkReorder(it) => {
            format!(
                "{} reordered within {}",
                link(&it.link),
                span_of(it.spread_ms)
            )
        }
        Kind::LinkHold(it) => format!("{} held back", link(&it.link)),
        Kind::LinkFlap(it) => format!("{} flaps every {}", link(&it.link), span_of(it.period_ms)),
        Kind::NodeCut(it) => format!("{} cut off from its region", node(&it.node)),
        Kind::NodeCrash(it) => format!("{} dead", node(&it.node)),
        Kind::ClockSkew(it) => {
            let side = if it.skew_ms < 0 { "behind" } else { "ahead" };
            let skew = span_of(it.skew_ms.unsigned_abs());
            format!("the clock of {} {skew} {side}", node(&it.node))
        }
        Kind::ClockFreeze(it) => format!("the clock of {} stands still", node(&it.node)),
        Kind::StaleReads(it) => {
            let place = match it.node {
                Some(id) => format!("{}/{id}", it.region),
                None => it.region.clone(),
            };
            let share = share_of("reads", it.probability);
            let what = part(it.property());
            format!(
                "{share} of {place} see {what} of {} ago",
                span_of(it.lag_ms)
            )
        }
        Kind::Refuse(it) => format!("{} refused with {}", calls(&it.calls), it.code),
        Kind::LoseAnswer(it) => format!("{} carried out and not answered", calls(&it.calls)),
        Kind::SlowAnswer(it) => {
            format!(
                "{} answered {} later",
                calls(&it.calls),
                span_of(it.delay_ms)
            )
        }
        Kind::Reset(it) => format!(
            "{} carried out and their connections reset",
            calls(&it.calls)
        ),
        Kind::LinkBandwidth(it) => {
            format!(
                "{} passes {} bytes in a second",
                link(&it.link),
                it.bytes_per_s
            )
        }
        Kind::NodePause(it) => format!("{} stands still", node(&it.node)),
        Kind::NodeReplace(it) => format!("{} dead, and its disk gone", node(&it.node)),
        Kind::NodeSlowStart(it) => {
            format!("{} starts {} later", node(&it.node), span_of(it.delay_ms))
        }
        Kind::DiskSlow(it) => {
            format!(
                "the disk of {} {} slower",
                node(&it.node),
                span_of(it.delay_ms)
            )
        }
        Kind::DiskFull(it) => format!("the disk of {} full", node(&it.node)),
        Kind::DiskFlushFails(it) => format!("the disk of {} fails to flush", node(&it.node)),
        Kind::Stretch(it) => {
            let what = match it.phase() {
                Phase::Creating => "created in",
                Phase::Updating => "handed over to",
                Phase::Prepare | Phase::Unspecified => "prepared for a rotation in",
            };
            format!("{} not {what} {}", keys(&it.key_id), it.region)
        }
        Kind::MaterialHold(it) => {
            let material = it.key_material_id.as_deref().unwrap_or("waiting material");
            let keys = keys(&it.key_id);
            format!(
                "{} does not tell that it holds {material} of {keys}",
                it.region
            )
        }
        Kind::TokensExpire(it) => {
            let age = span_of(it.older_than_ms);
            format!("import tokens of {} expire after {age}", it.region)
        }
        Kind::MaterialExpire(it) => {
            let material = it.key_material_id.as_deref().unwrap_or("newest material");
            format!("{material} of {} expired in {}", it.key_id, it.region)
        }
    }
}

fn keys(key_id: &Option<String>) -> &str {
    key_id.as_deref().unwrap_or("all keys")
}

fn part(property: Property) -> &'static str {
    match property {
        Property::Unspecified => "the state",
        Property::KeyState => "the key states",
        Property::Alias => "the aliases",
        Property::Tag => "the tags",
        Property::Policy => "the policies",
        Property::SharedProperties => "the shared properties",
        Property::Materials => "the materials",
        Property::Grants => "the grants",
    }
}

/// When a listed fault ends, to the second.
pub fn end(fault: &Fault) -> String {
    match fault.duration_ms {
        Some(ms) => format!("in {}", span::show(Duration::from_secs(ms.div_ceil(1_000)))),
        None => "when healed".to_owned(),
    }
}

fn link(link: &Option<Link>) -> String {
    let link = link.clone().unwrap_or_default();
    let arrow = if link.both_directions { "↔" } else { "→" };
    format!("{} {arrow} {}", link.from, link.to)
}

fn node(node: &Option<NodePlace>) -> String {
    let node = node.clone().unwrap_or_default();
    format!("{}/{}", node.region, node.node)
}

fn delay(delay: &Option<Delay>) -> String {
    match delay {
        None => span_of(0),
        Some(Delay::ConstantMs(ms)) => span_of(*ms),
        Some(Delay::Normal(it)) => {
            let (mean, deviation) = (span_of(it.mean_ms), span_of(it.deviation_ms));
            format!("{mean} ± {deviation}")
        }
        Some(Delay::LogNormal(it)) => format!("about {}, with a tail", span_of(it.median_ms)),
        Some(Delay::Pareto(it)) => {
            let (least, most) = (span_of(it.least_ms), span_of(it.most_ms));
            format!("{least} to {most}, with a long tail")
        }
    }
}

fn calls(calls: &Option<Calls>) -> String {
    let calls = calls.clone().unwrap_or_default();
    let what = calls.operation.as_deref().unwrap_or("calls");
    let mut words = match calls.every.unwrap_or(1) {
        0 | 1 => share_of(what, calls.probability),
        every => format!("every {every}. of {}", share_of(what, calls.probability)),
    };
    if let Some(key) = &calls.key_id {
        words += &format!(" on {key}");
    }
    if let Some(account) = &calls.account {
        words += &format!(" by {account}");
    }
    format!("{words} in {}", calls.region)
}

fn share_of(what: &str, probability: Option<f64>) -> String {
    match probability {
        Some(share) if share < 1.0 => format!("{} of all {what}", percent(share)),
        Some(_) | None => format!("all {what}"),
    }
}

fn percent(probability: f64) -> String {
    format!("{}%", (probability * 1_000.0).round() / 10.0)
}

fn span_of(ms: u64) -> String {
    span::show(millis(ms))
}

#[cfg(test)]
mod tests {
    use meridian_proto::proto_json::from_json;

    use super::*;

    fn fault(json: &str) -> Fault {
        from_json("Fault", json).unwrap()
    }

    #[test]
    fn faults_are_told_in_words() {
        let between = r#""link": {"from": "us-east-1", "to": "eu-west-1"}"#;
        let both = r#""link": {"from": "a/1", "to": "a/2", "both_directions": true}"#;
        let node = r#""node": {"region": "a", "node": 2}"#;
        let some = r#""calls": {"region": "a", "operation": "CreateKey", "probability": 0.25}"#;
        for (json, words) in [
            (format!(r#"{{"link_cut": {{{both}}}}}"#), "a/1 ↔ a/2 cut"),
            (
                format!(r#"{{"link_delay": {{{between}, "constant_ms": 200}}}}"#),
                "us-east-1 → eu-west-1 delayed by 200ms",
            ),
            (
                format!(r#"{{"link_loss": {{{between}, "probability": 0.125}}}}"#),
                "us-east-1 → eu-west-1 loses 12.5% of all messages",
            ),
            (format!(r#"{{"node_crash": {{{node}}}}}"#), "a/2 dead"),
            (
                format!(r#"{{"clock_skew": {{{node}, "skew_ms": -90000}}}}"#),
                "the clock of a/2 1m 30s behind",
            ),
            (
                r#"{"stale_reads": {"region": "a", "lag_ms": 2000}}"#.to_owned(),
                "all reads of a see the state of 2s ago",
            ),
            (
                format!(r#"{{"refuse": {{{some}, "code": "ThrottlingException"}}}}"#),
                "25% of all CreateKey in a refused with ThrottlingException",
            ),
            (
                r#"{"stale_reads": {"region": "a", "lag_ms": 2000, "property": "PROPERTY_ALIAS"}}"#
                    .to_owned(),
                "all reads of a see the aliases of 2s ago",
            ),
            (
                r#"{"stretch": {"phase": "PHASE_UPDATING", "region": "a"}}"#.to_owned(),
                "all keys not handed over to a",
            ),
            (
                r#"{"material_hold": {"region": "a", "key_id": "k"}}"#.to_owned(),
                "a does not tell that it holds waiting material of k",
            ),
            (
                r#"{"lose_answer": {"calls": {"region": "a", "every": 3}}}"#.to_owned(),
                "every 3. of all calls in a carried out and not answered",
            ),
        ] {
            assert_eq!(describe(&fault(&json)), words);
        }
    }

    #[test]
    fn an_end_is_told_to_the_second() {
        assert_eq!(end(&fault(r#"{"duration_ms": 29963}"#)), "in 30s");
        assert_eq!(end(&fault("{}")), "when healed");
    }
}
