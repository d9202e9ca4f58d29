//! UpdatePrimaryRegion: the primary role moves by message, however long that
//! takes, and exactly one region ends up with it.

use meridian_proto::v1::MultiRegionConfiguration;

use crate::fixture::{TestRegion, refusal};
use crate::world::World;

const US: &str = "us-east-1";
const EU: &str = "eu-west-1";
const AP: &str = "ap-south-1";
const NEW: &str = "NEW_KEY_MATERIAL";
const EXISTING: &str = "EXISTING_KEY_MATERIAL";

/// Primary in `us-east-1`, replicas in the two others, generated material.
fn generated() -> (World, String) {
    let mut world = World::new(&[US, EU, AP]);
    let key = world.on(US, TestRegion::create_multi_region);
    world.replicate(US, &key, EU).unwrap();
    world.replicate(US, &key, AP).unwrap();
    world.settle();
    (world, key)
}

fn roles(world: &mut World, key: &str) -> Vec<String> {
    world.everywhere(|it| {
        let described = it.describe(key);
        let configuration = described.multi_region_configuration.unwrap();
        format!(
            "{} {} of {}",
            described.key_state.unwrap(),
            configuration.multi_region_key_type.unwrap(),
            configuration.primary_key.unwrap().region.unwrap(),
        )
    })
}

fn configuration(world: &mut World, name: &str, key: &str) -> MultiRegionConfiguration {
    world
        .on(name, |it| it.describe(key))
        .multi_region_configuration
        .unwrap()
}

#[test]
fn both_keys_are_updating_and_usable_until_the_new_roles_are_known() {
    let (mut world, key) = generated();
    world.update_primary(US, &key, EU).unwrap();
    assert_eq!(
        roles(&mut world, &key),
        [
            format!("{AP}: Enabled REPLICA of {US}"),
            format!("{EU}: Enabled REPLICA of {US}"),
            format!("{US}: Updating REPLICA of {EU}"),
        ]
    );
    world.exchange(US, EU);
    assert_eq!(
        roles(&mut world, &key)[1..],
        [
            format!("{EU}: Updating PRIMARY of {EU}"),
            format!("{US}: Updating REPLICA of {EU}")
        ]
    );
    for name in [US, EU, AP] {
        let blob = world.encrypt(name, &key).unwrap();
        world.decrypt(name, &blob).unwrap();
    }
    world.settle();
    assert_eq!(
        roles(&mut world, &key),
        [
            format!("{AP}: Enabled REPLICA of {EU}"),
            format!("{EU}: Enabled PRIMARY of {EU}"),
            format!("{US}: Enabled REPLICA of {EU}"),
        ]
    );
    let replicas = configuration(&mut world, AP, &key).replica_keys;
    let regions: Vec<_> = replicas.into_iter().map(|it| it.region.unwrap()).collect();
    assert_eq!(regions, [AP, US]);
    world.heal_and_judge();
}

#[test]
fn a_call_into_an_unreachable_region_fails_and_changes_nothing() {
    let (mut world, key) = generated();
    world.cut(US, EU);
    let unreachable = "KMSInternalException: Region eu-west-1 could not be reached. Nothing was \
                       changed; retry the request.";
    let other = world.on(US, TestRegion::create_multi_region);
    let before = world.region(US).region.encode();
    assert_eq!(refusal(world.update_primary(US, &key, EU)), unreachable);
    assert_eq!(refusal(world.replicate(US, &other, EU)), unreachable);
    assert!(before == world.region(US).region.encode());
}

#[test]
fn what_the_two_keys_must_be_for_a_hand_over() {
    let (mut world, key) = generated();
    let arn = |world: &World, name: &str| world.region(name).arn(&key);
    assert_eq!(
        world.update_primary(US, &key, US),
        Ok(()),
        "it is there already"
    );
    assert_eq!(
        roles(&mut world, &key)[2],
        format!("{US}: Enabled PRIMARY of {US}")
    );
    assert_eq!(
        refusal(world.update_primary(US, &key, "sa-east-1")),
        format!("ValidationException: {key} does not have a replica key in the specified Region.")
    );
    assert_eq!(
        refusal(world.update_primary(EU, &key, AP)),
        format!(
            "KMSInvalidStateException: {} is not a multi-Region primary key.",
            arn(&world, EU)
        )
    );
    world.on(EU, |it| it.disable(&key)).unwrap();
    let disabled = format!("DisabledException: {} is disabled.", arn(&world, EU));
    assert_eq!(refusal(world.update_primary(US, &key, EU)), disabled);
    world.on(EU, |it| it.schedule_deletion(&key)).unwrap();
    let deleted = format!(
        "KMSInvalidStateException: {} is pending deletion.",
        arn(&world, EU)
    );
    assert_eq!(refusal(world.update_primary(US, &key, EU)), deleted);
    world.on(US, |it| it.disable(&key)).unwrap();
    let disabled = format!("DisabledException: {} is disabled.", arn(&world, US));
    assert_eq!(refusal(world.update_primary(US, &key, AP)), disabled);
}

#[test]
fn the_role_does_not_move_during_a_rotation_nor_a_rotation_start_during_the_move() {
    let (mut world, key) = generated();
    world.on(US, |it| it.rotate(&key)).unwrap();
    let arn = world.region(US).arn(&key);
    assert_eq!(
        refusal(world.update_primary(US, &key, EU)),
        format!("KMSInvalidStateException: A key rotation is in progress for {arn}.")
    );
    world.settle();
    world.update_primary(US, &key, EU).unwrap();
    assert!(refusal(world.on(US, |it| it.rotate(&key))).starts_with("UnsupportedOperation"));
    assert!(refusal(world.on(EU, |it| it.rotate(&key))).starts_with("UnsupportedOperation"));
    world.exchange(US, EU);
    world.on(EU, |it| it.rotate(&key)).unwrap();
    world.heal_and_judge();
}

#[test]
fn a_hand_over_waits_for_the_link_however_long_that_takes() {
    let (mut world, key) = generated();
    world.update_primary(US, &key, EU).unwrap();
    world.isolate(US);
    for _ in 0..10 {
        world.pass_days(30);
        world.settle();
        assert_eq!(world.on(US, |it| it.state(&key)), "Updating");
        for name in [US, EU] {
            assert!(refusal(world.on(name, |it| it.rotate(&key))).starts_with("Unsupported"));
            world.encrypt(name, &key).unwrap();
        }
    }
    world.heal_and_judge();
    assert_eq!(
        roles(&mut world, &key)[1],
        format!("{EU}: Enabled PRIMARY of {EU}")
    );
}

#[test]
fn the_old_primary_takes_its_role_back_when_the_successor_is_deleted_first() {
    let (mut world, key) = generated();
    world.update_primary(US, &key, EU).unwrap();
    world.cut(US, EU);
    world.on(EU, |it| it.schedule_deletion(&key)).unwrap();
    world.pass_days(7);
    assert_eq!(world.on(EU, |it| it.state(&key)), "gone");
    world.heal_and_judge();
    assert_eq!(
        roles_without_gone(&mut world, &key),
        [
            format!("{AP}: Enabled REPLICA of {US}"),
            format!("{US}: Enabled PRIMARY of {US}"),
        ]
    );
    world.replicate(US, &key, EU).unwrap();
    world.heal_and_judge();
    assert_eq!(world.on(EU, |it| it.state(&key)), "Enabled");
}

fn roles_without_gone(world: &mut World, key: &str) -> Vec<String> {
    let lines = world.everywhere(|it| match it.state(key).as_str() {
        "gone" => "gone".into(),
        state => {
            let configuration = it.describe(key).multi_region_configuration.unwrap();
            let primary = configuration.primary_key.unwrap().region.unwrap();
            format!(
                "{state} {} of {primary}",
                configuration.multi_region_key_type.unwrap()
            )
        }
    });
    lines
        .into_iter()
        .filter(|line| !line.ends_with("gone"))
        .collect()
}

#[test]
fn a_late_copy_of_the_last_fact_does_not_make_a_deleted_successor_primary() {
    let (mut world, key) = generated();
    world.update_primary(US, &key, EU).unwrap();
    world.push(US, EU);
    world.on(EU, |it| it.schedule_deletion(&key)).unwrap();
    world.on(EU, |it| it.pass_days(7));
    world.repeat(US, EU, 0);
    world.exchange(EU, US);
    assert_eq!(world.on(US, |it| it.state(&key)), "Enabled");
    world.replicate(US, &key, EU).unwrap();
    world.repeat(US, EU, 0);
    assert_eq!(world.on(EU, |it| it.state(&key)), "gone");
    world.push(US, EU);
    world.deliver(US, EU, 1);
    world.deliver(US, EU, 0);
    world.heal_and_judge();
    assert_eq!(world.on(EU, |it| it.state(&key)), "Enabled");
}

#[test]
fn a_successor_whose_deletion_was_scheduled_meanwhile_waits_for_its_replicas() {
    let (mut world, key) = generated();
    world.update_primary(US, &key, EU).unwrap();
    world.on(EU, |it| it.schedule_deletion(&key)).unwrap();
    world.settle();
    let described = world.on(EU, |it| it.describe(&key));
    assert_eq!(
        described.key_state.as_deref(),
        Some("PendingReplicaDeletion")
    );
    assert_eq!(described.pending_deletion_window_in_days, Some(7));
    assert_eq!(described.deletion_date, None);
    world.pass_days(30);
    world.heal_and_judge();
    assert_eq!(world.on(US, |it| it.state(&key)), "Enabled");
    world.on(EU, |it| it.cancel_deletion(&key)).unwrap();
    world.on(EU, |it| it.enable(&key)).unwrap();
    world.heal_and_judge();
}

#[test]
fn the_role_can_move_on_before_the_first_move_is_known_everywhere() {
    let (mut world, key) = generated();
    world.update_primary(US, &key, EU).unwrap();
    world.exchange(US, EU);
    world.isolate(US);
    world.update_primary(EU, &key, AP).unwrap();
    world.settle();
    assert_eq!(world.on(US, |it| it.state(&key)), "Updating");
    world.heal_and_judge();
    assert_eq!(
        roles(&mut world, &key),
        [
            format!("{AP}: Enabled PRIMARY of {AP}"),
            format!("{EU}: Enabled REPLICA of {AP}"),
            format!("{US}: Enabled REPLICA of {AP}"),
        ]
    );
}

#[test]
fn the_role_can_move_back_before_the_old_primary_knows_that_it_lost_it() {
    let (mut world, key) = generated();
    world.update_primary(US, &key, EU).unwrap();
    world.exchange(US, EU);
    world.update_primary(EU, &key, US).unwrap();
    world.heal_and_judge();
    assert_eq!(
        roles(&mut world, &key)[2],
        format!("{US}: Enabled PRIMARY of {US}")
    );
}

#[test]
fn a_replica_that_is_deleted_during_a_hand_over_is_missed_by_the_new_primary() {
    let (mut world, key) = generated();
    world.on(AP, |it| it.schedule_deletion(&key)).unwrap();
    world.settle();
    world.update_primary(US, &key, EU).unwrap();
    world.on(AP, |it| it.pass_days(7));
    world.exchange(AP, US);
    assert!(
        !world.region(AP).peers_behind().contains(US),
        "the old primary took the news"
    );
    world.heal_and_judge();
    assert!(
        configuration(&mut world, EU, &key)
            .replica_keys
            .iter()
            .all(|it| { it.region.as_deref() == Some(US) })
    );
}

#[test]
fn the_new_primary_knows_what_every_member_holds() {
    let (mut world, key, _) = World::with_imported_key(&[US, EU, AP]);
    world.on(US, |it| it.import(&key, 2, NEW)).unwrap();
    world.settle();
    world.on(AP, |it| it.import(&key, 2, EXISTING)).unwrap();
    world.on(EU, |it| it.import(&key, 2, EXISTING)).unwrap();
    world.settle();
    world.update_primary(US, &key, EU).unwrap();
    world.exchange(US, EU);
    let listed = world.on(EU, |it| it.material_states(&key));
    assert_eq!(
        listed[1], "PENDING_ROTATION/IMPORTED",
        "nobody has to report again"
    );
    world.on(EU, |it| it.rotate(&key)).unwrap();
    world.heal_and_judge();
}

#[test]
fn a_replica_that_has_not_been_heard_of_keeps_what_its_creator_chose() {
    let mut world = World::new(&[US, EU, AP]);
    let key = world.on(US, TestRegion::create_multi_region);
    world.replicate(US, &key, EU).unwrap();
    world.settle();
    let request = meridian_proto::v1::ReplicateKeyRequest {
        key_id: Some(key.clone()),
        replica_region: Some(AP.into()),
        description: Some("for the south".into()),
        ..Default::default()
    };
    world.call(US, request).unwrap();
    world.cut(US, AP);
    world.update_primary(US, &key, EU).unwrap();
    world.settle();
    let described = world.on(AP, |it| it.describe(&key));
    assert_eq!(described.description.as_deref(), Some("for the south"));
    world.heal_and_judge();
}
