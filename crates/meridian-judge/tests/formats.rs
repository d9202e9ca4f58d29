//! The durable form of a history: golden bytes that today's code reads and
//! writes.

use std::collections::BTreeMap;

use meridian_crypto::MaterialId;
use meridian_judge::history::{Invoked, Returned, Seen, Site};
use meridian_judge::sighting::{SeenMaterial, Sighting};
use meridian_judge::{History, HistoryError};
use meridian_kms::key_set::Version;
use meridian_kms::material::MaterialState;
use meridian_kms::{KeyRef, KeyState, Operation, RegionName};

const GOLDEN: &str = include_str!("golden/history_v1.jsonl");

fn region(name: &str) -> RegionName {
    name.parse().expect("the name of a region")
}

fn key() -> KeyRef {
    KeyRef {
        account: "111122223333".parse().expect("twelve digits"),
        id: "mrk-0123456789abcdef0123456789abcdef"
            .parse()
            .expect("a key ID"),
    }
}

fn sighting() -> Sighting {
    let version = Version {
        epoch: 1,
        number: 2,
    };
    let id = MaterialId::from_bytes([7; 32]);
    let eu = region("eu-west-1");
    Sighting {
        key: key(),
        author: true,
        state: KeyState::Enabled,
        description: "mine".into(),
        enabled: true,
        version,
        primary: region("us-east-1"),
        external: true,
        replicas: BTreeMap::from([(eu.clone(), version)]),
        materials: vec![SeenMaterial {
            id,
            state: MaterialState::Current,
            registered: version,
            held: true,
            expires: false,
            rotated: false,
        }],
        rotation: Some((id, BTreeMap::from([(eu.clone(), version)]))),
        handing_over_to: Some(eu.clone()),
        on_demand_rotations: 1,
        reported: BTreeMap::from([(eu, vec![id])]),
    }
}

/// One line of every type.
fn history() -> History {
    let invoked = Invoked {
        at_ms: 1,
        call: 1,
        client: 0,
        region: 0,
        node: 2,
        operation: Operation::UpdateKeyDescription,
        key: Some(key()),
        description: Some("mine".into()),
        to: None,
        ciphertext: None,
        bytes: None,
        cut_off: false,
        as_of_ms: None,
    };
    let decrypt = Invoked {
        call: 2,
        operation: Operation::Decrypt,
        description: None,
        to: Some(1),
        ciphertext: Some(("text".into(), MaterialId::from_bytes([7; 32]))),
        bytes: Some(3),
        cut_off: true,
        as_of_ms: Some(-3),
        ..invoked.clone()
    };
    let returned = Returned {
        at_ms: 9,
        call: 2,
        state: Some("Enabled".into()),
        description: Some("mine".into()),
        material: Some(MaterialId::from_bytes([7; 32])),
        text: Some("text".into()),
        bytes: Some(4),
    };
    let (region, at_ms) = (1, 5);
    History {
        regions: vec![self::region("us-east-1"), self::region("eu-west-1")],
        seen: vec![
            Seen::Invoke(invoked),
            Seen::Invoke(decrypt),
            Seen::Applied {
                at_ms,
                call: 1,
                effect: true,
            },
            Seen::Saw {
                at_ms,
                region,
                key: std::sync::Arc::new(sighting()),
            },
            Seen::Told {
                at_ms,
                from: 0,
                to: 1,
                key: key(),
                sealed: 0,
                canary: false,
            },
            Seen::Ok(returned),
            Seen::Fail {
                at_ms,
                call: 3,
                code: "NotFoundException".into(),
                sound: true,
            },
            Seen::Unknown {
                at_ms,
                call: 4,
                sound: false,
            },
            Seen::Restarted { region, node: 0 },
            Seen::Gone {
                at_ms,
                region,
                key: key(),
            },
            Seen::Healed {
                at_ms,
                due: vec![0, 1],
            },
            Seen::FaultBegan {
                at_ms,
                id: "03".into(),
                kind: "link cut".into(),
                site: Site::Link(0, 1),
                fault: serde_json::json!({"from": "us-east-1", "to": "eu-west-1"}),
            },
            Seen::FaultBegan {
                at_ms,
                id: "04".into(),
                kind: "node crash".into(),
                site: Site::Region(1),
                fault: serde_json::json!({"node": 2}),
            },
            Seen::FaultBegan {
                at_ms,
                id: "05".into(),
                kind: "time travel".into(),
                site: Site::Everywhere,
                fault: serde_json::json!({"ms": 7}),
            },
            Seen::FaultEnded {
                at_ms,
                id: "03".into(),
                struck: 12,
            },
        ],
    }
}

#[test]
fn histories_are_read_and_written_as_ever() {
    if std::env::var_os("UPDATE").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/history_v1.jsonl");
        std::fs::write(path, history().write()).expect("the golden file can be written");
        return;
    }
    assert_eq!(history().write(), GOLDEN);
    assert_eq!(History::read(GOLDEN).expect("it is one"), history());
}

#[test]
fn what_is_no_history_is_refused_with_its_line() {
    let error = |text: &str| History::read(text).err().map(|error| error.to_string());
    let none = "not a history: its first line does not name the format";
    assert_eq!(error("").as_deref(), Some(none));
    assert_eq!(error("{}\n").as_deref(), Some(none));
    let newer = GOLDEN.replace("\"version\":1", "\"version\":2");
    assert!(matches!(
        History::read(&newer),
        Err(HistoryError::Version(2))
    ));
    let (header, _) = GOLDEN.split_once('\n').expect("it has lines");
    let damaged = format!("{header}\n{{\"type\":\"ok\"}}\n");
    assert!(matches!(
        History::read(&damaged),
        Err(HistoryError::Line { line: 2, .. })
    ));
    let strange = format!("{header}\n{{\"type\":\"restarted\",\"region\":2,\"node\":0}}\n");
    assert!(matches!(
        History::read(&strange),
        Err(HistoryError::Region { line: 2 })
    ));
}

#[test]
fn a_torn_last_line_is_left_out_and_a_torn_line_before_it_is_refused() {
    let whole = History::read(GOLDEN).expect("it is one");
    let torn = &GOLDEN[..GOLDEN.len() - 4];
    let read = History::read(torn).expect("all but its last line");
    assert_eq!(read.seen, whole.seen[..whole.seen.len() - 1]);
    let ended = format!("{torn}\n");
    assert!(matches!(
        History::read(&ended),
        Err(HistoryError::Line { .. })
    ));
}

#[test]
fn a_history_without_descriptions_is_read_as_ever() {
    let older = GOLDEN.replace(
        "\"state\":\"Enabled\",\"description\":\"mine\",\"enabled\"",
        "\"state\":\"Enabled\",\"enabled\"",
    );
    assert_ne!(older, GOLDEN);
    assert!(History::read(&older).is_ok());
}
