//! Rotating imported material of a multi-Region key: the acceptance scenarios.

use meridian_proto::v1::GetKeyRotationStatusRequest;

use crate::fixture::{DAY_MS, refusal};
use crate::world::World;

const US: &str = "us-east-1";
const EU: &str = "eu-west-1";
const AP: &str = "ap-south-1";
const SA: &str = "sa-east-1";

const NEW: &str = "NEW_KEY_MATERIAL";
const EXISTING: &str = "EXISTING_KEY_MATERIAL";

const INCOMPLETE: &str = "KMSInvalidStateException: Cannot perform key material rotation: Key \
                          material has not been imported for replicas of the Multi-Region key.";

/// Primary in `us-east-1`, replicas in the two others; all hold the first
/// material, and the second is imported everywhere and waits for its rotation.
fn ready_to_rotate() -> (World, String, String, String) {
    let (mut world, key, first) = World::with_imported_key(&[US, EU, AP]);
    let second = world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    world.settle();
    for replica in [EU, AP] {
        world
            .on(replica, |it| it.import(&key, 2, EXISTING))
            .unwrap();
    }
    world.settle();
    (world, key, first, second)
}

fn states(world: &mut World, key: &str) -> Vec<String> {
    world.everywhere(|it| it.material_states(key).join(" "))
}

fn key_states(world: &mut World, key: &str) -> Vec<String> {
    world.everywhere(|it| it.state(key))
}

fn current(world: &mut World, name: &str, key: &str) -> String {
    world
        .on(name, |it| it.describe(key))
        .current_key_material_id
        .unwrap()
}

fn in_progress(world: &mut World, name: &str, key: &str) -> bool {
    let request = GetKeyRotationStatusRequest {
        key_id: Some(key.into()),
    };
    world
        .call(name, request)
        .unwrap()
        .on_demand_rotation_start_date
        .is_some()
}

#[test]
fn a_rotation_waits_until_every_region_has_imported_the_new_material() {
    let (mut world, key, first) = World::with_imported_key(&[US, EU, AP]);
    let old = world.encrypt(US, &key).unwrap();
    let second = world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    world.settle();
    let pending = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION";
    assert_eq!(
        states(&mut world, &key),
        [
            format!("{AP}: CURRENT/IMPORTED {pending}/PENDING_IMPORT"),
            format!("{EU}: CURRENT/IMPORTED {pending}/PENDING_IMPORT"),
            format!("{US}: CURRENT/IMPORTED {pending}/IMPORTED"),
        ]
    );
    assert_eq!(refusal(world.on(US, |it| it.rotate(&key))), INCOMPLETE);

    world.on(EU, |it| it.import(&key, 2, EXISTING)).unwrap();
    world.settle();
    assert_eq!(refusal(world.on(US, |it| it.rotate(&key))), INCOMPLETE);
    let eu = world.on(EU, |it| it.material_states(&key));
    assert_eq!(
        eu[1],
        format!("{pending}/IMPORTED"),
        "one region alone does not decide"
    );

    world.on(AP, |it| it.import(&key, 2, EXISTING)).unwrap();
    world.settle();
    for line in states(&mut world, &key) {
        assert!(
            line.ends_with("CURRENT/IMPORTED PENDING_ROTATION/IMPORTED"),
            "{line}"
        );
    }
    let arn = world.region(EU).arn(&key);
    assert_eq!(
        refusal(world.on(EU, |it| it.rotate(&key))),
        format!(
            "UnsupportedOperationException: {arn} is a multi-region replica key which is not \
             valid for RotateKeyOnDemand."
        )
    );
    world.on(US, |it| it.rotate(&key)).unwrap();
    world.settle();
    for line in states(&mut world, &key) {
        assert!(
            line.ends_with("NON_CURRENT/IMPORTED CURRENT/IMPORTED"),
            "{line}"
        );
    }
    let mut dates = Vec::new();
    for name in world.names() {
        assert_eq!(current(&mut world, name, &key), second);
        let listed = world.on(name, |it| it.rotations(&key));
        assert_eq!(listed.len(), 1, "the first material was never rotated to");
        assert_eq!(listed[0].key_material_id.as_ref(), Some(&second));
        assert_eq!(listed[0].rotation_type.as_deref(), Some("ON_DEMAND"));
        dates.push(listed[0].rotation_date);
        let (text, by) = world.on(name, |it| it.decrypt_with(&old)).unwrap();
        assert_eq!((text.as_str(), by), ("text 0", first.clone()));
    }
    assert!(dates.iter().all(|date| *date == dates[0]), "{dates:?}");
    world.heal_and_judge();
}

#[test]
fn a_replica_imports_only_what_it_has_heard_of() {
    let (mut world, key, first) = World::with_imported_key(&[US, EU]);
    let second = world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    let wrong = format!(
        "IncorrectKeyMaterialException: Imported key material does not have the expected \
         identifier ({first})."
    );
    assert_eq!(
        refusal(world.on(EU, |it| it.import(&key, 2, EXISTING))),
        wrong
    );
    world.settle();
    assert_eq!(world.on(EU, |it| it.import(&key, 2, EXISTING)), Ok(second));
}

#[test]
fn a_replica_accepts_no_other_bytes_than_the_primary_has() {
    let (mut world, key, first) = World::with_imported_key(&[US, EU]);
    let second = world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    world.settle();
    let wrong = |id: &str| {
        format!(
            "IncorrectKeyMaterialException: Imported key material does not have the expected \
             identifier ({id})."
        )
    };
    let named = world.on(EU, |it| {
        it.import_as(&key, 3, |request| {
            request.key_material_id = Some(second.clone())
        })
    });
    assert_eq!(refusal(named), wrong(&second));
    assert_eq!(
        refusal(world.on(EU, |it| it.import(&key, 3, EXISTING))),
        wrong(&first)
    );
}

#[test]
fn only_one_new_material_can_wait() {
    let (mut world, key, first) = World::with_imported_key(&[US, EU]);
    let second = world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    let third = world.region(US).material_id(&key, 3);
    let arn = world.region(US).arn(&key);
    assert_eq!(
        refusal(world.on(US, |it| it.import(&key, 3, NEW))),
        format!(
            "KMSInvalidStateException: New key material (id: {third}) cannot be imported into KMS \
             key {arn}, because another key material (id: {second}) is pending rotation."
        )
    );
    for (byte, id) in [(2, &second), (1, &first)] {
        assert_eq!(
            refusal(world.on(US, |it| it.import(&key, byte, NEW))),
            format!(
                "IncorrectKeyMaterialException: Key material (id: {id}) being imported as \
                 NEW_KEY_MATERIAL is already associated with KMS key {arn}."
            )
        );
    }
}

#[test]
fn deleting_the_waiting_material_at_the_primary_takes_it_from_all_regions() {
    let (mut world, key, _, second) = ready_to_rotate();
    world
        .on(US, |it| it.delete_material(&key, Some(&second)))
        .unwrap();
    world.settle();
    for line in states(&mut world, &key) {
        assert!(line.ends_with(": CURRENT/IMPORTED"), "{line}");
    }
    for line in key_states(&mut world, &key) {
        assert!(line.ends_with(": Enabled"), "{line}");
    }
    world.on(US, |it| it.import(&key, 3, NEW)).unwrap();
    world.heal_and_judge();
}

#[test]
fn deleting_the_waiting_material_at_a_replica_takes_only_its_copy() {
    let (mut world, key, _, second) = ready_to_rotate();
    world
        .on(EU, |it| it.delete_material(&key, Some(&second)))
        .unwrap();
    world.settle();
    let pending = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION";
    assert_eq!(
        states(&mut world, &key),
        [
            format!("{AP}: CURRENT/IMPORTED {pending}/IMPORTED"),
            format!("{EU}: CURRENT/IMPORTED {pending}/PENDING_IMPORT"),
            format!("{US}: CURRENT/IMPORTED {pending}/IMPORTED"),
        ]
    );
    assert_eq!(refusal(world.on(US, |it| it.rotate(&key))), INCOMPLETE);
    world.on(EU, |it| it.import(&key, 2, EXISTING)).unwrap();
    world.settle();
    world.on(US, |it| it.rotate(&key)).unwrap();
    world.heal_and_judge();
    assert_eq!(current(&mut world, EU, &key), second);
}

#[test]
fn old_material_that_expires_in_one_region_stops_only_that_region() {
    let (mut world, key, first, _) = ready_to_rotate();
    let old = world.encrypt(US, &key).unwrap();
    let expires = world.region(AP).now.plus_ms(10 * DAY_MS);
    world
        .on(AP, |it| {
            it.import_as(&key, 1, |request| {
                request.expiration_model = Some("KEY_MATERIAL_EXPIRES".into());
                request.valid_to = Some(expires.to_proto());
            })
        })
        .unwrap();
    world.on(US, |it| it.rotate(&key)).unwrap();
    world.settle();
    world.pass_days(10);
    world.settle();
    assert_eq!(
        key_states(&mut world, &key),
        [
            format!("{AP}: PendingImport"),
            format!("{EU}: Enabled"),
            format!("{US}: Enabled")
        ]
    );
    let ap = world.region(AP).arn(&key);
    let pending_import = format!("KMSInvalidStateException: {ap} is pending import.");
    assert_eq!(refusal(world.decrypt(AP, &old)), pending_import);
    assert_eq!(
        refusal(world.encrypt(AP, &key)),
        pending_import,
        "also under the new material"
    );
    assert_eq!(world.on(AP, |it| it.import(&key, 1, EXISTING)), Ok(first));
    assert_eq!(world.decrypt(AP, &old).unwrap(), "text 0");
    world.heal_and_judge();
}

#[test]
fn a_replica_that_joins_late_has_to_import_everything() {
    let (mut world, key, first) = World::with_imported_key(&[US, EU]);
    world.add(SA);
    world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    world.settle();
    world.on(EU, |it| it.import(&key, 2, EXISTING)).unwrap();
    world.settle();
    let pending_state = |world: &mut World| {
        world
            .on(US, |it| it.material_states(&key))
            .last()
            .unwrap()
            .clone()
    };
    assert_eq!(pending_state(&mut world), "PENDING_ROTATION/IMPORTED");
    world.replicate(US, &key, SA).unwrap();
    let waiting = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION/IMPORTED";
    assert_eq!(
        pending_state(&mut world),
        waiting,
        "from the moment it was accepted"
    );
    world.settle();
    assert_eq!(world.on(SA, |it| it.state(&key)), "PendingImport");
    assert_eq!(current(&mut world, SA, &key), first);
    world.on(SA, |it| it.import(&key, 1, EXISTING)).unwrap();
    assert_eq!(world.on(SA, |it| it.state(&key)), "Enabled");
    world.settle();
    assert_eq!(pending_state(&mut world), waiting);
    world.on(SA, |it| it.import(&key, 2, EXISTING)).unwrap();
    world.settle();
    assert_eq!(pending_state(&mut world), "PENDING_ROTATION/IMPORTED");
    world.heal_and_judge();
}

#[test]
fn a_replica_without_the_material_blocks_until_it_is_really_deleted() {
    let (mut world, key, _) = World::with_imported_key(&[US, EU, AP]);
    world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    world.settle();
    world.on(AP, |it| it.import(&key, 2, EXISTING)).unwrap();
    world.on(EU, |it| it.schedule_deletion(&key)).unwrap();
    world.settle();
    assert_eq!(refusal(world.on(US, |it| it.rotate(&key))), INCOMPLETE);
    let arn = world.region(EU).arn(&key);
    assert_eq!(
        refusal(world.on(EU, |it| it.import(&key, 2, EXISTING))),
        format!("KMSInvalidStateException: {arn} is pending deletion.")
    );
    world.pass_days(7);
    world.settle();
    assert_eq!(world.on(EU, |it| it.state(&key)), "gone");
    world.on(US, |it| it.rotate(&key)).unwrap();
    world.heal_and_judge();
}

#[test]
fn a_replica_whose_deletion_is_cancelled_may_import_again() {
    let (mut world, key, _) = World::with_imported_key(&[US, EU]);
    world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    world.on(EU, |it| it.schedule_deletion(&key)).unwrap();
    world.settle();
    world.on(EU, |it| it.cancel_deletion(&key)).unwrap();
    assert_eq!(world.on(EU, |it| it.state(&key)), "Disabled");
    world.on(EU, |it| it.import(&key, 2, EXISTING)).unwrap();
    assert_eq!(
        world.on(EU, |it| it.state(&key)),
        "Disabled",
        "what waits changes no key state"
    );
    world.settle();
    world.on(US, |it| it.rotate(&key)).unwrap();
    world.heal_and_judge();
}

#[test]
fn the_waiting_material_moves_with_the_primary_role() {
    let (mut world, key, _) = World::with_imported_key(&[US, EU, AP]);
    let second = world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    world.settle();
    world.on(AP, |it| it.import(&key, 2, EXISTING)).unwrap();
    world.settle();
    world.update_primary(US, &key, EU).unwrap();
    world.settle();
    assert_eq!(refusal(world.on(EU, |it| it.rotate(&key))), INCOMPLETE);
    assert_eq!(
        world.on(EU, |it| it.import(&key, 2, EXISTING)),
        Ok(second.clone())
    );
    world.settle();
    let arn = world.region(US).arn(&key);
    assert_eq!(
        refusal(world.on(US, |it| it.rotate(&key))),
        format!(
            "UnsupportedOperationException: {arn} is a multi-region replica key which is not \
             valid for RotateKeyOnDemand."
        )
    );
    world.on(EU, |it| it.rotate(&key)).unwrap();
    world.settle();
    for name in [US, EU, AP] {
        assert_eq!(current(&mut world, name, &key), second);
    }
    world.heal_and_judge();
}

#[test]
fn the_26th_rotation_of_a_set_is_refused_also_after_a_change_of_primary() {
    let mut world = World::new(&[US, EU]);
    let key = world.on(US, |it| it.create_multi_region());
    for _ in 0..20 {
        world.on(US, |it| it.rotate(&key)).unwrap();
    }
    world.replicate(US, &key, EU).unwrap();
    world.settle();
    world.update_primary(US, &key, EU).unwrap();
    world.settle();
    for _ in 20..25 {
        world.on(EU, |it| it.rotate(&key)).unwrap();
        world.settle();
    }
    let arn = world.region(EU).arn(&key);
    assert_eq!(
        refusal(world.on(EU, |it| it.rotate(&key))),
        format!(
            "LimitExceededException: The on-demand rotations limit has been reached for the given \
             keyId. No more on-demand rotations can be performed for this key: {arn}"
        )
    );
    world.heal_and_judge();
}

#[test]
fn a_rotation_completes_by_itself_when_a_lost_region_returns() {
    let (mut world, key, first, second) = ready_to_rotate();
    world.isolate(AP);
    world.on(US, |it| it.rotate(&key)).unwrap();
    world.settle();
    for name in [US, EU, AP] {
        assert_eq!(
            current(&mut world, name, &key),
            first,
            "{name} goes on with the old material"
        );
        world.encrypt(name, &key).unwrap();
    }
    assert!(in_progress(&mut world, US, &key));
    world.on(US, |it| it.rotate(&key)).unwrap();
    assert_eq!(
        world.region(US).region.keys()[&world.region(US).reference(&key)]
            .shared
            .on_demand_rotations,
        1,
        "asking again made no second rotation"
    );
    world.look_at_ciphertexts().unwrap();
    world.heal_and_judge();
    for name in [US, EU, AP] {
        assert_eq!(current(&mut world, name, &key), second);
    }
    assert!(!in_progress(&mut world, US, &key));
}

#[test]
fn a_region_that_has_not_switched_decrypts_what_another_made_with_the_new_material() {
    let (mut world, key, first, second) = ready_to_rotate();
    world.on(US, |it| it.rotate(&key)).unwrap();
    for replica in [EU, AP] {
        world.exchange(US, replica);
        world.exchange(replica, US);
    }
    world.exchange(US, EU);
    assert_eq!(current(&mut world, US, &key), second);
    assert_eq!(
        current(&mut world, AP, &key),
        first,
        "the switch has not reached it"
    );
    let new = world.encrypt(EU, &key).unwrap();
    let (text, by) = world.on(AP, |it| it.decrypt_with(&new)).unwrap();
    assert_eq!((text.as_str(), by), ("text 0", second));
    world.heal_and_judge();
}

#[test]
fn a_primary_that_lacks_its_current_material_cannot_rotate() {
    let (mut world, key, _, _) = ready_to_rotate();
    world.on(US, |it| it.delete_material(&key, None)).unwrap();
    let arn = world.region(US).arn(&key);
    assert_eq!(
        refusal(world.on(US, |it| it.rotate(&key))),
        format!("KMSInvalidStateException: {arn} is pending import.")
    );
    world.settle();
    assert_eq!(
        key_states(&mut world, &key),
        [
            format!("{AP}: Enabled"),
            format!("{EU}: Enabled"),
            format!("{US}: PendingImport")
        ]
    );
}

#[test]
fn a_disabled_replica_imports_and_rotates_with_the_others() {
    let (mut world, key, _) = World::with_imported_key(&[US, EU]);
    let second = world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    world.on(EU, |it| it.disable(&key)).unwrap();
    world.settle();
    world.on(EU, |it| it.import(&key, 2, EXISTING)).unwrap();
    assert_eq!(world.on(EU, |it| it.state(&key)), "Disabled");
    world.settle();
    world.on(US, |it| it.rotate(&key)).unwrap();
    world.settle();
    assert_eq!(current(&mut world, EU, &key), second);
    world.heal_and_judge();
}

#[test]
fn disabling_the_primary_or_scheduling_its_deletion_does_not_stop_a_rotation() {
    for schedule in [false, true] {
        let (mut world, key, _, second) = ready_to_rotate();
        world.isolate(US);
        world.on(US, |it| it.rotate(&key)).unwrap();
        if schedule {
            world.on(US, |it| it.schedule_deletion(&key)).unwrap();
        } else {
            world.on(US, |it| it.disable(&key)).unwrap();
        }
        world.heal_and_judge();
        assert_eq!(current(&mut world, AP, &key), second);
    }
}

#[test]
fn deleting_the_material_at_the_primary_ends_a_rotation_with_nothing_done() {
    let (mut world, key, first, second) = ready_to_rotate();
    world.isolate(AP);
    world.on(US, |it| it.rotate(&key)).unwrap();
    world.settle();
    world
        .on(US, |it| it.delete_material(&key, Some(&second)))
        .unwrap();
    assert!(!in_progress(&mut world, US, &key));
    world.heal_and_judge();
    for name in [US, EU, AP] {
        assert_eq!(current(&mut world, name, &key), first);
        assert_eq!(world.on(name, |it| it.materials(&key)).len(), 1);
    }
}

#[test]
fn a_replica_that_loses_the_material_during_a_rotation_does_not_hold_the_others_up() {
    let (mut world, key, _, second) = ready_to_rotate();
    world.isolate(AP);
    world.on(US, |it| it.rotate(&key)).unwrap();
    world
        .on(AP, |it| it.delete_material(&key, Some(&second)))
        .unwrap();
    world.heal_and_judge();
    assert_eq!(
        states(&mut world, &key),
        [
            format!("{AP}: NON_CURRENT/IMPORTED CURRENT/PENDING_IMPORT"),
            format!("{EU}: NON_CURRENT/IMPORTED CURRENT/IMPORTED"),
            format!("{US}: NON_CURRENT/IMPORTED CURRENT/IMPORTED"),
        ]
    );
    assert_eq!(world.on(AP, |it| it.state(&key)), "PendingImport");
    world.on(AP, |it| it.import(&key, 2, EXISTING)).unwrap();
    assert_eq!(world.on(AP, |it| it.state(&key)), "Enabled");
    world.heal_and_judge();
}

#[test]
fn material_that_was_taken_out_and_imported_again_has_to_be_imported_everywhere_again() {
    let (mut world, key, _, second) = ready_to_rotate();
    world
        .on(US, |it| it.delete_material(&key, Some(&second)))
        .unwrap();
    world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    assert_eq!(
        refusal(world.on(US, |it| it.rotate(&key))),
        INCOMPLETE,
        "the replicas reported bytes that they destroy as soon as they hear of the deletion"
    );
    world.settle();
    for replica in [EU, AP] {
        let listed = world.on(replica, |it| it.material_states(&key));
        assert!(
            listed[1].ends_with("/PENDING_IMPORT"),
            "{replica} missed the step between"
        );
        world
            .on(replica, |it| it.import(&key, 2, EXISTING))
            .unwrap();
    }
    world.settle();
    world.on(US, |it| it.rotate(&key)).unwrap();
    world.heal_and_judge();
}

#[test]
fn expired_waiting_material_holds_the_rotation_back_and_keeps_the_keys_enabled() {
    let (mut world, key, _) = World::with_imported_key(&[US, EU]);
    let expires = world.region(US).now.plus_ms(DAY_MS);
    world
        .on(US, |it| {
            it.import_as(&key, 2, |request| {
                request.import_type = Some(NEW.into());
                request.expiration_model = Some("KEY_MATERIAL_EXPIRES".into());
                request.valid_to = Some(expires.to_proto());
            })
        })
        .unwrap();
    world.settle();
    world.on(EU, |it| it.import(&key, 2, EXISTING)).unwrap();
    world.settle();
    world.pass_days(1);
    assert_eq!(refusal(world.on(US, |it| it.rotate(&key))), INCOMPLETE);
    for line in key_states(&mut world, &key) {
        assert!(line.ends_with(": Enabled"), "{line}");
    }
    world.on(US, |it| it.import(&key, 2, EXISTING)).unwrap();
    world.settle();
    world.on(US, |it| it.rotate(&key)).unwrap();
    world.heal_and_judge();
}
