//! ReplicateKey, deletion of replicas and primaries, and links that fail.

use crate::fixture::{TestRegion, refusal, region};
use crate::world::World;

const US: &str = "us-east-1";
const EU: &str = "eu-west-1";
const AP: &str = "ap-south-1";
const NEW: &str = "NEW_KEY_MATERIAL";
const EXISTING: &str = "EXISTING_KEY_MATERIAL";

fn generated(names: &[&'static str]) -> (World, String) {
    let mut world = World::new(names);
    let key = world.on(names[0], TestRegion::create_multi_region);
    for replica in &names[1..] {
        world.replicate(names[0], &key, replica).unwrap();
    }
    world.settle();
    (world, key)
}

#[test]
fn a_replica_of_generated_material_can_do_everything_at_once() {
    let mut world = World::new(&[US, EU]);
    let key = world.on(US, TestRegion::create_multi_region);
    let first = world.encrypt(US, &key).unwrap();
    world.on(US, |it| it.rotate(&key)).unwrap();
    let second = world.encrypt(US, &key).unwrap();
    world.replicate(US, &key, EU).unwrap();
    assert_eq!(
        world.on(EU, |it| it.state(&key)),
        "gone",
        "it has not heard of it"
    );
    world.settle();
    assert_eq!(world.on(EU, |it| it.state(&key)), "Enabled");
    assert_eq!(world.decrypt(EU, &first).unwrap(), "text 0");
    assert_eq!(world.decrypt(EU, &second).unwrap(), "text 1");
    let third = world.encrypt(EU, &key).unwrap();
    assert_eq!(world.decrypt(US, &third).unwrap(), "text 2");
    world.heal_and_judge();
}

#[test]
fn a_replica_of_imported_material_waits_for_its_import() {
    let mut world = World::new(&[US, EU]);
    let (key, material) = world.on(US, |it| it.create_imported(true, 1));
    world.replicate(US, &key, EU).unwrap();
    world.settle();
    let described = world.on(EU, |it| it.describe(&key));
    assert_eq!(described.key_state.as_deref(), Some("PendingImport"));
    assert_eq!(described.current_key_material_id, Some(material.clone()));
    assert_eq!(described.expiration_model, None);
    let type_left_out = world.on(EU, |it| it.import_as(&key, 1, |_| {}));
    assert_eq!(type_left_out, Ok(material));
    assert_eq!(world.on(EU, |it| it.state(&key)), "Enabled");
}

#[test]
fn what_only_the_primary_may_import_is_refused_at_a_replica() {
    let (mut world, key, _) = World::with_imported_key(&[US, EU]);
    assert_eq!(
        refusal(world.on(EU, |it| it.import(&key, 2, NEW))),
        "ValidationException: Input parameter ImportType NEW_KEY_MATERIAL cannot be used on \
         replica Multi-Region keys"
    );
    let described = world.on(EU, |it| {
        it.import_as(&key, 1, |request| {
            request.key_material_description = Some("x".into())
        })
    });
    assert_eq!(
        refusal(described),
        "ValidationException: Key material description can only be specified on primary \
         Multi-Region keys"
    );
}

#[test]
fn descriptions_of_material_are_shared_and_expiry_is_not() {
    let (mut world, key, first) = World::with_imported_key(&[US, EU]);
    let expires = world.region(US).now.plus_days(3);
    let described = |request: &mut meridian_proto::v1::ImportKeyMaterialRequest| {
        request.key_material_description = Some("2026".into());
        request.expiration_model = Some("KEY_MATERIAL_EXPIRES".into());
        request.valid_to = Some(expires.to_proto());
    };
    world.on(US, |it| it.import_as(&key, 1, described)).unwrap();
    world.settle();
    let listed = world.on(EU, |it| it.materials(&key)).remove(0);
    assert_eq!(listed.key_material_id, Some(first));
    assert_eq!(listed.key_material_description.as_deref(), Some("2026"));
    assert_eq!(
        listed.expiration_model.as_deref(),
        Some("KEY_MATERIAL_DOES_NOT_EXPIRE")
    );
    assert_eq!(listed.valid_to, None);
}

#[test]
fn a_region_has_one_replica_until_that_is_really_deleted() {
    let (mut world, key) = generated(&[US, EU]);
    let taken = "AlreadyExistsException: You can create only one replica of each primary key in \
                 each AWS Region.";
    assert_eq!(refusal(world.replicate(US, &key, EU)), taken);
    world.on(EU, |it| it.schedule_deletion(&key)).unwrap();
    world.settle();
    assert_eq!(refusal(world.replicate(US, &key, EU)), taken);
    world.pass_days(7);
    assert_eq!(
        refusal(world.replicate(US, &key, EU)),
        taken,
        "the primary has not heard of it"
    );
    world.settle();
    world.replicate(US, &key, EU).unwrap();
    world.heal_and_judge();
    assert_eq!(world.on(EU, |it| it.state(&key)), "Enabled");
}

#[test]
fn late_facts_do_not_bring_a_deleted_replica_back() {
    let (mut world, key) = generated(&[US, EU]);
    world.on(US, |it| it.rotate(&key)).unwrap();
    world.push(US, EU);
    world.on(EU, |it| it.schedule_deletion(&key)).unwrap();
    world.on(EU, |it| it.pass_days(7));
    world.repeat(US, EU, 0);
    assert_eq!(world.on(EU, |it| it.state(&key)), "gone");
    world.exchange(EU, US);
    world.replicate(US, &key, EU).unwrap();
    world.push(US, EU);
    world.deliver(US, EU, 1);
    world.deliver(US, EU, 0);
    world.heal_and_judge();
    assert_eq!(world.on(EU, |it| it.state(&key)), "Enabled");
}

#[test]
fn a_recreated_replica_starts_like_a_new_one() {
    let (mut world, key, _) = World::with_imported_key(&[US, EU]);
    world.on(EU, |it| it.schedule_deletion(&key)).unwrap();
    world.settle();
    world.pass_days(7);
    world.settle();
    world.replicate(US, &key, EU).unwrap();
    world.settle();
    assert_eq!(world.on(EU, |it| it.state(&key)), "PendingImport");
    world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    assert!(
        refusal(world.on(US, |it| it.rotate(&key))).contains("has not been imported"),
        "what the deleted replica reported does not count"
    );
    world.heal_and_judge();
}

#[test]
fn a_new_leader_with_an_old_view_still_brings_all_material() {
    let (mut world, key) = generated(&[US, EU]);
    world.on(EU, |it| it.schedule_deletion(&key)).unwrap();
    world.settle();
    let old_view = world.region(EU).region.clone();
    world.pass_days(7);
    world.settle();
    world.replicate(US, &key, EU).unwrap();
    let facts = world.on(US, |it| {
        let peer = region(EU);
        it.region
            .outgoing(&peer, &it.vault, &mut it.entropy, |_| false)
            .unwrap()
            .facts
    });
    world.on(EU, |it| {
        let facts = facts.iter().map(Vec::as_slice);
        let planned = old_view
            .plan_facts(&region(US), facts, &it.vault, &mut it.entropy)
            .unwrap();
        it.commit(planned);
    });
    assert_eq!(world.on(EU, |it| it.state(&key)), "Enabled");
    world.heal_and_judge();
}

#[test]
fn a_primary_is_deleted_after_its_last_replica() {
    let (mut world, key) = generated(&[US, EU, AP]);
    let answer = world.on(US, |it| it.schedule_deletion(&key)).unwrap();
    assert_eq!(answer.key_state.as_deref(), Some("PendingReplicaDeletion"));
    assert_eq!(answer.deletion_date, None);
    let described = world.on(US, |it| it.describe(&key));
    assert_eq!(described.pending_deletion_window_in_days, Some(7));
    let arn = world.region(US).arn(&key);
    assert_eq!(
        refusal(world.encrypt(US, &key)),
        format!("KMSInvalidStateException: {arn} is pending replica deletion.")
    );
    world.encrypt(EU, &key).unwrap();
    for (replica, state) in [(EU, "PendingReplicaDeletion"), (AP, "PendingDeletion")] {
        world.on(replica, |it| it.schedule_deletion(&key)).unwrap();
        world.pass_days(8);
        world.settle();
        assert_eq!(world.on(replica, |it| it.state(&key)), "gone");
        assert_eq!(world.on(US, |it| it.state(&key)), state);
    }
    let described = world.on(US, |it| it.describe(&key));
    assert_eq!(described.pending_deletion_window_in_days, None);
    let window_began = world.region(US).now;
    assert_eq!(
        described.deletion_date,
        Some(window_began.plus_days(7).to_proto())
    );
    world.pass_days(7);
    assert_eq!(world.on(US, |it| it.state(&key)), "gone");
    world.heal_and_judge();
}

#[test]
fn a_replica_that_joins_during_a_rotation_is_creating_until_it_is_over() {
    let (mut world, key) = generated(&[US, EU]);
    world.add(AP);
    world.cut(US, EU);
    world.on(US, |it| it.rotate(&key)).unwrap();
    world.replicate(US, &key, AP).unwrap();
    world.settle();
    assert_eq!(world.on(AP, |it| it.state(&key)), "Creating");
    let arn = world.region(AP).arn(&key);
    let creating = format!("KMSInvalidStateException: {arn} is creating.");
    assert_eq!(refusal(world.encrypt(AP, &key)), creating);
    world.heal_and_judge();
    assert_eq!(world.on(AP, |it| it.state(&key)), "Enabled");
    let current = world.on(AP, |it| it.describe(&key)).current_key_material_id;
    assert_eq!(
        current,
        world.on(US, |it| it.describe(&key)).current_key_material_id
    );
}

#[test]
fn a_member_that_is_deleted_holds_a_rotation_up_no_longer() {
    let (mut world, key) = generated(&[US, EU, AP]);
    world.on(AP, |it| it.schedule_deletion(&key)).unwrap();
    world.settle();
    world.cut(US, AP);
    let before = world.on(US, |it| it.describe(&key)).current_key_material_id;
    world.on(US, |it| it.rotate(&key)).unwrap();
    world.settle();
    assert_eq!(
        world.on(US, |it| it.describe(&key)).current_key_material_id,
        before
    );
    world.pass_days(7);
    world.heal_and_judge();
    assert_ne!(
        world.on(US, |it| it.describe(&key)).current_key_material_id,
        before
    );
}

#[test]
fn a_region_that_is_cut_off_goes_on_with_all_that_is_its_own() {
    let (mut world, key, _) = World::with_imported_key(&[US, EU]);
    world.isolate(EU);
    let blob = world.encrypt(EU, &key).unwrap();
    assert_eq!(world.decrypt(EU, &blob).unwrap(), "text 0");
    world.on(EU, |it| {
        it.disable(&key).unwrap();
        it.enable(&key).unwrap();
        it.delete_material(&key, None).unwrap();
        it.import(&key, 1, EXISTING).unwrap();
        it.create_multi_region();
    });
    world.settle();
    world.heal_and_judge();
}

#[test]
fn a_peer_that_was_away_gets_each_key_once_at_its_newest() {
    let (mut world, key) = generated(&[US, EU]);
    world.isolate(EU);
    for period in [90, 100, 110, 120] {
        world
            .on(US, |it| it.enable_rotation(&key, Some(period)))
            .unwrap();
    }
    assert_eq!(world.feed(US, EU).unwrap().len(), 1);
    world.heal();
    world.exchange(US, EU);
    let status = world.on(EU, |it| it.rotation_status(&key)).unwrap();
    assert_eq!(status.rotation_period_in_days, Some(120));
    world.heal_and_judge();
}

#[test]
fn a_batch_that_arrives_after_a_newer_one_changes_nothing() {
    let (mut world, key) = generated(&[US, EU]);
    world
        .on(US, |it| it.enable_rotation(&key, Some(90)))
        .unwrap();
    world.push(US, EU);
    world
        .on(US, |it| it.enable_rotation(&key, Some(200)))
        .unwrap();
    world.push(US, EU);
    assert_eq!(world.flying(US, EU), 2);
    world.deliver(US, EU, 1);
    world.repeat(US, EU, 0);
    world.deliver(US, EU, 0);
    let status = world.on(EU, |it| it.rotation_status(&key)).unwrap();
    assert_eq!(status.rotation_period_in_days, Some(200));
    world.heal_and_judge();
}

#[test]
fn a_report_that_arrives_after_a_newer_one_changes_nothing() {
    let (mut world, key, _) = World::with_imported_key(&[US, EU]);
    let second = world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    world.settle();
    world.on(EU, |it| it.import(&key, 2, EXISTING)).unwrap();
    world.push(EU, US);
    world
        .on(EU, |it| it.delete_material(&key, Some(&second)))
        .unwrap();
    world.push(EU, US);
    world.deliver(EU, US, 1);
    world.deliver(EU, US, 0);
    assert!(
        refusal(world.on(US, |it| it.rotate(&key))).contains("has not been imported"),
        "the replica holds it no more"
    );
    world.heal_and_judge();
}

#[test]
fn an_acknowledgement_that_is_lost_costs_a_repetition() {
    let (mut world, key) = generated(&[US, EU]);
    world.on(US, |it| it.enable_rotation(&key, None)).unwrap();
    world.push(US, EU);
    world.repeat(US, EU, 0);
    world.lose(US, EU, 0);
    assert!(world.push(US, EU), "it is still due");
    world.heal_and_judge();
}

#[test]
fn what_the_user_sees_of_a_key_set_says_what_is_missing() {
    let (mut world, key, _) = World::with_imported_key(&[US, EU, AP]);
    let waits = |world: &World, name: &str| {
        let it = world.region(name);
        it.region
            .key_set_state(&it.reference(&key))
            .next_rotation_waits_for
    };
    assert_eq!(
        waits(&world, US),
        ["new key material to be imported into the primary"]
    );
    let second = world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    let short = &second[..12];
    let needed = |name: &str| format!("{name} to import key material {short}…");
    assert_eq!(waits(&world, US), [needed(AP), needed(EU)]);
    world.settle();
    world.on(EU, |it| it.import(&key, 2, EXISTING)).unwrap();
    world.settle();
    assert_eq!(waits(&world, US), [needed(AP)]);
    assert_eq!(waits(&world, EU), [format!("the primary, {US}, decides")]);
    world.on(AP, |it| it.import(&key, 2, EXISTING)).unwrap();
    world.settle();
    assert!(waits(&world, US).is_empty());
    world.cut(US, AP);
    world.on(US, |it| it.rotate(&key)).unwrap();
    world.settle();
    assert_eq!(waits(&world, US), [format!("{AP} to confirm the rotation")]);
    let it = world.region(US);
    let state = it.region.key_set_state(&it.reference(&key));
    assert_eq!(state.rotation.unwrap().waiting_for_regions, [AP]);
    assert_eq!((state.role.as_str(), state.members.len()), ("PRIMARY", 3));
    world.heal_and_judge();
}
