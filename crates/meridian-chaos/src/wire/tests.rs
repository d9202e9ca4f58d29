//! Every kind survives the wire; what cannot be is refused in words.

use meridian_proto::v1::fault::Kind as Wire;

use super::*;
use crate::{Calls, Delay, Kind, Link, Phase, Place, Property};

fn nodes() -> Nodes {
    Nodes::from([
        ("us-east-1".to_owned(), vec![1, 2, 3]),
        ("eu-west-1".to_owned(), vec![1]),
    ])
}

fn read(kind: Wire) -> Result<Kind, String> {
    let fault = v1::Fault {
        kind: Some(kind),
        ..Default::default()
    };
    Fault::from_proto(&fault, &nodes(), "x".into(), 0)
        .map(|fault| fault.kind)
        .map_err(|error| error.to_string())
}

fn cut(from: &str, to: &str) -> Result<Kind, String> {
    read(Wire::LinkCut(v1::LinkCut {
        link: Some(v1::Link {
            from: from.into(),
            to: to.into(),
            both_directions: true,
        }),
    }))
}

#[test]
fn every_kind_that_the_wire_has_survives_it() {
    let link = || Link {
        from: "us-east-1/1".into(),
        to: "us-east-1/3".into(),
        both_directions: false,
    };
    let node = || Place {
        region: "us-east-1".into(),
        node: 2,
    };
    let calls = || Calls {
        operation: Some("Encrypt".into()),
        per_mille: 250,
        every: 4,
        ..Calls::of("eu-west-1")
    };
    let delay = |delay| Kind::LinkJitter {
        link: link(),
        delay,
    };
    let stretch = |phase| Kind::Stretch {
        phase,
        region: "eu-west-1".into(),
        key_id: None,
    };
    let all = [
        Kind::LinkCut { link: link() },
        Kind::LinkDelay {
            link: link(),
            delay_ms: 7,
        },
        delay(Delay::Normal {
            mean_ms: 5,
            deviation_ms: 2,
        }),
        delay(Delay::LogNormal { median_ms: 5 }),
        delay(Delay::Pareto {
            least_ms: 1,
            most_ms: 9,
        }),
        Kind::LinkLoss {
            link: link(),
            per_mille: 125,
        },
        Kind::LinkDuplicate {
            link: link(),
            per_mille: 1000,
        },
        Kind::LinkReorder {
            link: link(),
            spread_ms: 3,
        },
        Kind::LinkHold { link: link() },
        Kind::LinkFlap {
            link: link(),
            period_ms: 10,
        },
        Kind::NodeCut { node: node() },
        Kind::NodeCrash { node: node() },
        Kind::ClockSkew {
            node: node(),
            skew_ms: -4,
        },
        Kind::ClockFreeze { node: node() },
        Kind::StaleReads {
            region: "us-east-1".into(),
            node: Some(3),
            lag_ms: 8,
            per_mille: 500,
            property: Some(Property::Alias),
        },
        Kind::Refuse {
            calls: calls(),
            code: "ThrottlingException".into(),
        },
        Kind::LoseAnswer { calls: calls() },
        Kind::SlowAnswer {
            calls: calls(),
            delay_ms: 6,
        },
        Kind::Reset { calls: calls() },
        stretch(Phase::Creating),
        stretch(Phase::Updating),
        stretch(Phase::Prepare),
        Kind::MaterialHold {
            region: "us-east-1".into(),
            key_id: Some("k".into()),
            material: Some("m".into()),
        },
        Kind::TokensExpire {
            region: "us-east-1".into(),
            older_than_ms: 0,
        },
        Kind::MaterialExpire {
            region: "us-east-1".into(),
            key_id: Some("k".into()),
            material: None,
        },
        Kind::NodePause { node: node() },
        Kind::NodeReplace { node: node() },
        Kind::NodeSlowStart {
            node: node(),
            delay_ms: 9,
        },
        Kind::LinkBandwidth {
            link: link(),
            bytes_per_s: 100,
        },
        Kind::DiskSlow {
            node: node(),
            delay_ms: 3,
        },
        Kind::DiskFull { node: node() },
        Kind::DiskFlushFails { node: node() },
    ];
    for kind in all {
        let fault = Fault {
            id: "a".into(),
            kind,
            ends_at_ms: Some(50),
        };
        let sent = fault.to_proto(20);
        assert_eq!(sent.duration_ms, Some(30));
        let read = Fault::from_proto(&sent, &nodes(), String::new(), 20);
        assert_eq!(read, Ok(fault));
    }
}

#[test]
fn a_link_joins_two_regions_or_two_nodes_of_one() {
    assert!(cut("us-east-1", "eu-west-1").is_ok());
    assert!(cut("us-east-1/1", "us-east-1/2").is_ok());
    let refused = |from, to| cut(from, to).unwrap_err();
    assert_eq!(
        refused("us-east-1", "eu-west-9"),
        "\"eu-west-9\" is not a region of this cluster"
    );
    assert_eq!(
        refused("us-east-1/1", "us-east-1/4"),
        "\"us-east-1/4\" is not a node of this cluster; nodes are named REGION/ID"
    );
    for (from, to) in [
        ("us-east-1", "us-east-1"),
        ("us-east-1/1", "us-east-1/1"),
        ("us-east-1/1", "eu-west-1/1"),
        ("us-east-1", "us-east-1/1"),
    ] {
        assert!(
            refused(from, to).starts_with("a link joins two"),
            "{from} {to}"
        );
    }
}

#[test]
fn what_makes_no_fault_is_refused() {
    let calls = |probability| {
        Some(v1::Calls {
            region: "us-east-1".into(),
            probability,
            ..Default::default()
        })
    };
    let lose = |probability| {
        let calls = calls(probability);
        read(Wire::LoseAnswer(v1::LoseAnswer { calls }))
    };
    assert!(lose(Some(1.0)).is_ok());
    for wrong in [1.5, -0.1, f64::NAN] {
        let refusal = lose(Some(wrong)).unwrap_err();
        assert!(refusal.starts_with("a probability is between 0 and 1"));
    }
    let slow = v1::SlowAnswer {
        calls: calls(None),
        delay_ms: 0,
    };
    let refusal = read(Wire::SlowAnswer(slow)).unwrap_err();
    assert_eq!(refusal, "delay_ms must be more than zero");
    let stretch = v1::Stretch {
        region: "us-east-1".into(),
        ..Default::default()
    };
    let refusal = read(Wire::Stretch(stretch)).unwrap_err();
    assert_eq!(refusal, "the fault does not say its phase");
    let crash = read(Wire::NodeCrash(v1::NodeCrash { node: None }));
    assert_eq!(crash.unwrap_err(), "the fault does not say its node");
    let empty = Fault::from_proto(&v1::Fault::default(), &nodes(), "x".into(), 0);
    assert_eq!(empty, Err(FaultError::NoKind));
}
