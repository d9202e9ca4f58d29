//! Bugs planted on purpose: each promise that the judge watches over is broken
//! once, behind its back, and it must say so.

use meridian_kms::replication::fact::Fact;
use serde_json::{Value, json};

use crate::fixture::{TestRegion, region};
use crate::judge::Verdict;
use crate::world::World;

const US: &str = "us-east-1";
const EU: &str = "eu-west-1";
const NEW: &str = "NEW_KEY_MATERIAL";
const EXISTING: &str = "EXISTING_KEY_MATERIAL";

/// A set with a rotated material in both regions.
fn rotated() -> (World, String) {
    let (mut world, key, _) = World::with_imported_key(&[US, EU]);
    world.encrypt(US, &key).unwrap();
    world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    world.settle();
    world.on(EU, |it| it.import(&key, 2, EXISTING)).unwrap();
    world.settle();
    world.on(US, |it| it.rotate(&key)).unwrap();
    world.heal_and_judge();
    (world, key)
}

/// The one key of a region's snapshot.
fn only_key(snapshot: &mut Value) -> &mut Value {
    let keys = snapshot["body"]["keys"].as_object_mut().unwrap();
    keys.values_mut().next().unwrap()
}

#[track_caller]
fn assert_convicts(verdict: Verdict, promise: &str, words: &str) {
    let violation = verdict.expect_err("the judge saw nothing");
    assert!(
        violation.starts_with(promise) && violation.contains(words),
        "{violation}"
    );
}

#[test]
fn r1_a_rotation_that_a_member_has_not_imported_for() {
    let (mut world, key, _) = World::with_imported_key(&[US, EU]);
    world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    world.settle();
    world.tamper(US, |it| {
        only_key(it)["shared"]["materials"][1]["state"] = json!("PENDING_ROTATION");
    });
    world.unseen(US, |it| it.rotate(&key)).unwrap();
    assert_convicts(world.look(), "R1", "never held it");
}

#[test]
fn r1_a_switch_before_every_member_is_prepared() {
    let mut world = World::new(&[US, EU]);
    let key = world.on(US, TestRegion::create_multi_region);
    world.replicate(US, &key, EU).unwrap();
    world.settle();
    world.on(US, |it| it.rotate(&key)).unwrap();
    world.tamper(US, |it| {
        let key = only_key(it);
        let accepted = key["shared"]["rotation"]["accepted"].clone();
        key["role"]["Primary"]["reports"][EU]["applied"] = accepted;
    });
    world.unseen(US, |it| it.disable(&key)).unwrap();
    assert_convicts(world.look(), "R1", "is not prepared");
}

#[test]
fn r1_a_replica_that_switches_by_itself() {
    let (mut world, key, _) = World::with_imported_key(&[US, EU]);
    world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    world.settle();
    world.on(EU, |it| it.import(&key, 2, EXISTING)).unwrap();
    world.tamper(EU, |it| {
        let materials = &mut only_key(it)["shared"]["materials"];
        materials[0]["state"] = json!("NON_CURRENT");
        materials[1]["state"] = json!("CURRENT");
    });
    assert_convicts(world.look(), "R1", "before its primary");
}

#[test]
fn r2_a_region_that_forgets_a_material() {
    let (mut world, _) = rotated();
    world.tamper(EU, |it| {
        only_key(it)["shared"]["materials"]
            .as_array_mut()
            .unwrap()
            .remove(0);
    });
    assert_convicts(world.look_at_ciphertexts(), "R2", "InvalidCiphertext");
}

#[test]
fn r3_a_version_that_decreases() {
    let (mut world, _) = rotated();
    world.tamper(EU, |it| {
        only_key(it)["shared"]["version"]["number"] = json!(1)
    });
    assert_convicts(world.look(), "R3", "went back");
}

#[test]
fn r3_an_old_material_that_becomes_current_again() {
    let (mut world, _) = rotated();
    world.tamper(EU, |it| {
        let materials = &mut only_key(it)["shared"]["materials"];
        materials[0]["state"] = json!("CURRENT");
        materials[1]["state"] = json!("NON_CURRENT");
    });
    assert_convicts(world.look(), "R3", "NonCurrent to Some(Current)");
}

#[test]
fn r3_a_material_that_is_permanent_no_longer() {
    let (mut world, _) = rotated();
    world.tamper(EU, |it| {
        only_key(it)["shared"]["materials"]
            .as_array_mut()
            .unwrap()
            .remove(0);
    });
    assert_convicts(world.look(), "R3", "NonCurrent to None");
}

#[test]
fn r3_a_material_that_has_to_be_imported_again_though_nobody_lost_it() {
    let (mut world, key, _) = World::with_imported_key(&[US, EU]);
    world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    world.settle();
    world.on(EU, |it| it.import(&key, 2, EXISTING)).unwrap();
    world.settle();
    world.tamper(US, |it| {
        only_key(it)["shared"]["materials"][1]["state"] =
            json!("PENDING_MULTI_REGION_IMPORT_AND_ROTATION");
    });
    assert_convicts(world.look(), "R3", "PendingRotation to");
}

#[test]
fn r4_two_authors_in_one_epoch() {
    let (mut world, _) = rotated();
    world.tamper(EU, |it| {
        let nobody = json!({ "reports": {}, "joining": {}, "taking_over_from": null });
        only_key(it)["role"] = json!({ "Primary": nobody });
    });
    assert_convicts(world.look(), "R4", "are both primary");
}

#[test]
fn r6_imported_material_in_a_fact_in_any_form() {
    let (mut world, key) = rotated();
    world.on(US, |it| it.import_as(&key, 1, |_| {})).unwrap();
    let reference = world.region(US).reference(&key);
    let held = world
        .region(US)
        .region
        .key(&reference)
        .unwrap()
        .held
        .clone();
    let (id, sealed) = held
        .into_iter()
        .find_map(|(id, it)| Some((id, it.sealed?)))
        .unwrap();
    let base64 = serde_json::to_string(&sealed).unwrap();
    let fact = || {
        let shared = world
            .region(US)
            .region
            .key(&reference)
            .unwrap()
            .shared
            .clone();
        let fact = meridian_kms::replication::fact::SharedFact {
            key: reference,
            shared,
            attributes: None,
            sealed: Default::default(),
        };
        Box::new(fact)
    };
    let honest = Fact::Shared(fact()).encode();
    let mut with_material = fact();
    with_material.sealed.insert(id, sealed);
    let mut with_text = fact();
    with_text.shared.materials[0].description = Some(base64.trim_matches('"').into());
    let mut with_bytes = fact();
    with_bytes.shared.materials[0].description = Some(hex::encode([1; 32]));
    let mut judge = std::mem::take(&mut world.judge);
    assert_eq!(judge.fact(&world, &honest), Ok(()));
    let mut try_fact = |fact| judge.fact(&world, &Fact::Shared(fact).encode());
    assert_convicts(try_fact(with_material), "R6", "carries material");
    assert_convicts(try_fact(with_text), "R6", "has sealed it");
    assert_convicts(try_fact(with_bytes), "R6", "carries the bytes");
}

#[test]
fn r7_a_change_that_is_never_told() {
    let mut world = World::new(&[US, EU]);
    let key = world.on(US, TestRegion::create_multi_region);
    world.replicate(US, &key, EU).unwrap();
    world.settle();
    world.on(US, |it| it.enable_rotation(&key, None)).unwrap();
    world.tamper(US, |it| it["body"]["feeds"] = json!({}));
    world.settle();
    assert_convicts(world.look_for_agreement(), "R7", "has other properties");
}

#[test]
fn r7_a_rotation_that_never_ends() {
    let mut world = World::new(&[US, EU]);
    let key = world.on(US, TestRegion::create_multi_region);
    world.replicate(US, &key, EU).unwrap();
    world.settle();
    world.on(US, |it| it.rotate(&key)).unwrap();
    world.exchange(US, EU);
    world.tamper(EU, |it| it["body"]["feeds"] = json!({}));
    world.settle();
    assert_convicts(world.look_for_agreement(), "R7", "is not at rest");
}

#[test]
fn r7_a_feed_that_is_not_empty_and_a_set_without_primary() {
    let mut world = World::new(&[US, EU]);
    let key = world.on(US, TestRegion::create_multi_region);
    world.replicate(US, &key, EU).unwrap();
    assert_convicts(
        world.look_for_agreement(),
        "R7",
        "still has something to tell",
    );
    world.settle();
    world.update_primary(US, &key, EU).unwrap();
    world.tamper(US, |it| it["body"]["feeds"] = json!({}));
    assert_convicts(world.look_for_agreement(), "R7", "has 0 primaries");
}

#[test]
fn r7_a_replica_that_the_primary_does_not_know() {
    let (mut world, _) = rotated();
    let name = region(EU);
    world.tamper(US, |it| {
        let replicas = only_key(it)["shared"]["replicas"].as_object_mut().unwrap();
        replicas.remove(name.as_str());
    });
    assert_convicts(world.look_for_agreement(), "R7", "are not those it has");
}

#[test]
fn r7_a_report_that_never_arrives() {
    let (mut world, key, _) = World::with_imported_key(&[US, EU]);
    world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    world.settle();
    world.on(EU, |it| it.import(&key, 2, EXISTING)).unwrap();
    world.tamper(EU, |it| it["body"]["feeds"] = json!({}));
    world.settle();
    assert_convicts(world.look_for_agreement(), "R7", "does not know");
}

#[test]
fn r7_waiting_material_in_a_state_that_nobody_caused() {
    let (mut world, key, _) = World::with_imported_key(&[US, EU]);
    world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    world.settle();
    for name in [US, EU] {
        world.tamper(name, |it| {
            only_key(it)["shared"]["materials"][1]["state"] = json!("PENDING_ROTATION");
        });
    }
    assert_convicts(world.look_for_agreement(), "R7", "complete: false");
}
