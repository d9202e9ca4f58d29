//! What only a live history has: clients with many calls at once, keys that begin
//! with a description, ciphertexts of which nothing is known.

use std::sync::Arc;

use meridian_crypto::MaterialId;
use meridian_judge::history::{Invoked, Returned, Seen};
use meridian_judge::sighting::{SeenMaterial, Sighting};
use meridian_judge::{History, Violation};
use meridian_kms::key_set::Version;
use meridian_kms::material::MaterialState;
use meridian_kms::{KeyRef, KeyState, Operation};

const OLD: MaterialId = MaterialId::from_bytes([1; 32]);
const NEW: MaterialId = MaterialId::from_bytes([2; 32]);

fn key() -> KeyRef {
    KeyRef {
        account: "111122223333".parse().expect("twelve digits"),
        id: "mrk-0123456789abcdef0123456789abcdef"
            .parse()
            .expect("a key ID"),
    }
}

/// The key with these materials, the last of which is current.
fn saw(ids: &[MaterialId]) -> Seen {
    let material = |(at, id): (usize, &MaterialId)| SeenMaterial {
        id: *id,
        state: match at + 1 == ids.len() {
            true => MaterialState::Current,
            false => MaterialState::NonCurrent,
        },
        registered: Version {
            epoch: 1,
            number: 1 + at as u64,
        },
        held: true,
        expires: false,
        rotated: at > 0,
    };
    let key = Sighting {
        key: key(),
        author: true,
        state: KeyState::Enabled,
        description: "from the beginning".into(),
        enabled: true,
        version: Version {
            epoch: 1,
            number: ids.len() as u64,
        },
        primary: "us-east-1".parse().expect("a region"),
        external: false,
        replicas: Default::default(),
        materials: ids.iter().enumerate().map(material).collect(),
        rotation: None,
        handing_over_to: None,
        on_demand_rotations: 0,
        reported: Default::default(),
    };
    Seen::Saw {
        at_ms: 0,
        region: 0,
        key: Arc::new(key),
    }
}

fn invoke(call: u64, operation: Operation) -> Seen {
    Seen::Invoke(Invoked {
        at_ms: 0,
        call,
        client: 0,
        region: 0,
        node: 0,
        operation,
        key: Some(key()),
        description: None,
        to: None,
        ciphertext: None,
        bytes: None,
        cut_off: false,
        as_of_ms: None,
    })
}

fn encrypted(call: u64, material: MaterialId) -> Seen {
    Seen::Ok(Returned {
        call,
        material: Some(material),
        ..Returned::default()
    })
}

fn described(call: u64, description: &str) -> Seen {
    Seen::Ok(Returned {
        call,
        state: Some("Enabled".into()),
        description: Some(description.into()),
        ..Returned::default()
    })
}

fn healed() -> Seen {
    Seen::Healed {
        at_ms: 0,
        due: vec![0],
    }
}

fn judge(seen: Vec<Seen>) -> Option<Violation> {
    let regions = vec!["us-east-1".parse().expect("a region")];
    History { regions, seen }.judge().violation
}

fn broken(seen: Vec<Seen>) -> Option<&'static str> {
    judge(seen).map(|violation| violation.promise)
}

#[test]
fn calls_at_the_same_time_may_use_either_material_and_later_ones_only_the_newer() {
    let encrypt = Operation::Encrypt;
    let mut seen = vec![
        saw(&[OLD]),
        invoke(1, encrypt),
        invoke(2, encrypt),
        saw(&[OLD, NEW]),
        encrypted(2, NEW),
        encrypted(1, OLD),
    ];
    assert_eq!(broken(seen.clone()), None);
    seen.extend([invoke(3, encrypt), encrypted(3, OLD)]);
    assert_eq!(broken(seen), Some("sessions"));
}

#[test]
fn a_key_shows_the_description_that_it_was_created_with() {
    let describe = Operation::DescribeKey;
    let shown = |description| {
        let described = described(1, description);
        broken(vec![saw(&[OLD]), invoke(1, describe), described, healed()])
    };
    assert_eq!(shown("from the beginning"), None);
    assert_eq!(shown("another"), Some("linearizable per key"));
}

#[test]
fn a_description_from_an_older_view_is_left_out_and_not_looked_at() {
    let describe = Operation::DescribeKey;
    let nothing = Seen::Ok(Returned {
        call: 1,
        ..Returned::default()
    });
    let seen = vec![saw(&[OLD]), invoke(1, describe), nothing, healed()];
    assert_eq!(broken(seen), None);
}

#[test]
fn a_ciphertext_of_which_nothing_is_known_may_be_refused() {
    let refused = |ciphertext| {
        let Seen::Invoke(mut call) = invoke(1, Operation::Decrypt) else {
            unreachable!("it is an invocation")
        };
        call.ciphertext = ciphertext;
        let fail = Seen::Fail {
            at_ms: 0,
            call: 1,
            code: "InvalidCiphertextException".into(),
            sound: true,
        };
        broken(vec![saw(&[OLD]), Seen::Invoke(call), fail])
    };
    assert_eq!(refused(None), None);
    let known = Some(("text".into(), OLD));
    assert_eq!(refused(known), Some("R2 decryptable everywhere"));
}
