//! Automatic rotation of a multi-Region key, by the primary for all.

use crate::fixture::{TestRegion, refusal};
use crate::world::World;

const US: &str = "us-east-1";
const EU: &str = "eu-west-1";

fn generated() -> (World, String) {
    let mut world = World::new(&[US, EU]);
    let key = world.on(US, TestRegion::create_multi_region);
    world.replicate(US, &key, EU).unwrap();
    world
        .on(US, |it| it.enable_rotation(&key, Some(90)))
        .unwrap();
    world.settle();
    (world, key)
}

#[test]
fn the_primary_rotates_for_all_regions_on_the_same_date() {
    let (mut world, key) = generated();
    let status = world.on(EU, |it| it.rotation_status(&key)).unwrap();
    assert_eq!(status.rotation_period_in_days, Some(90));
    world.pass_days(90);
    world.settle();
    let us = world.on(US, |it| it.rotations(&key));
    let eu = world.on(EU, |it| it.rotations(&key));
    assert_eq!(us.len(), 1);
    assert_eq!(us[0].rotation_type.as_deref(), Some("AUTOMATIC"));
    assert_eq!(us[0].rotation_date, eu[0].rotation_date);
    assert_eq!(us[0].key_material_id, eu[0].key_material_id);
    world.heal_and_judge();
}

#[test]
fn only_the_primary_has_a_say_in_the_schedule() {
    let (mut world, key) = generated();
    let arn = world.region(EU).arn(&key);
    assert_eq!(
        refusal(world.on(EU, |it| it.enable_rotation(&key, None))),
        format!(
            "UnsupportedOperationException: {arn} is a multi-region replica key which is not \
             valid for EnableKeyRotation."
        )
    );
}

#[test]
fn an_automatic_rotation_waits_for_a_lost_region_and_keeps_its_dates() {
    let (mut world, key) = generated();
    world.isolate(EU);
    world.pass_days(200);
    world.settle();
    assert!(world.on(US, |it| it.rotations(&key)).is_empty());
    let arn = world.region(US).arn(&key);
    assert_eq!(
        refusal(world.on(US, |it| it.rotate(&key))),
        format!(
            "ConflictException: A key rotation is in progress or scheduled to begin soon for \
             {arn}."
        )
    );
    world.heal_and_judge();
    assert_eq!(
        world.on(EU, |it| it.rotations(&key)).len(),
        2,
        "one for each date that passed"
    );
    let status = world.on(US, |it| it.rotation_status(&key)).unwrap();
    let start = crate::fixture::START;
    assert_eq!(
        status.next_rotation_date,
        Some(start.plus_days(270).to_proto())
    );
}

#[test]
fn a_disabled_replica_does_not_stop_the_schedule_and_a_disabled_primary_does() {
    let (mut world, key) = generated();
    world.on(EU, |it| it.disable(&key)).unwrap();
    world.pass_days(90);
    world.settle();
    assert_eq!(world.on(EU, |it| it.rotations(&key)).len(), 1);
    world.on(US, |it| it.disable(&key)).unwrap();
    world.pass_days(180);
    world.settle();
    assert_eq!(world.on(EU, |it| it.rotations(&key)).len(), 1);
    world.on(US, |it| it.enable(&key)).unwrap();
    world.settle();
    assert_eq!(
        world.on(EU, |it| it.rotations(&key)).len(),
        2,
        "once, and at once"
    );
    world.heal_and_judge();
}

#[test]
fn the_schedule_follows_the_primary_role() {
    let (mut world, key) = generated();
    let next = world
        .on(US, |it| it.rotation_status(&key))
        .unwrap()
        .next_rotation_date;
    world.update_primary(US, &key, EU).unwrap();
    world.settle();
    assert_eq!(
        world
            .on(EU, |it| it.rotation_status(&key))
            .unwrap()
            .next_rotation_date,
        next
    );
    world.pass_days(90);
    world.settle();
    assert_eq!(world.on(US, |it| it.rotations(&key)).len(), 1);
    world.heal_and_judge();
}
