//! Every promise has a bug that breaks it, and the judge says so within a fixed
//! number of seeds.

use meridian_kms::planted::{Bug, plant};
use meridian_sim::planted::Planted;
use meridian_sim::{Plan, run};

/// Seeds within which each bug must be noticed.
const SEEDS_MAX: u64 = 200;

/// The same for a bug that shows in one run of six hundred.
const SEEDS_MAX_RARE: u64 = 3_000;

/// Where a bug is planted.
#[derive(Clone, Copy, Debug)]
enum Where {
    /// In the rules of a region.
    Rules(Bug),
    /// In the ground that regions stand on.
    Ground(Planted),
}

/// How many seeds it takes until a verdict names this promise.
fn seeds_until(promise: &str, bug: Where, most: u64) -> Option<u64> {
    let planted = match bug {
        Where::Rules(bug) => {
            plant(Some(bug));
            None
        }
        Where::Ground(planted) => Some(planted),
    };
    let noticed = (0..most).find(|seed| {
        let plan = Plan {
            planted,
            ..Plan::new(*seed)
        };
        let violation = run(&plan).verdict.violation;
        violation.is_some_and(|violation| violation.promise == promise)
    });
    plant(None);
    noticed.map(|seed| seed + 1)
}

#[track_caller]
fn is_noticed(promise: &str, bug: Where, most: u64) {
    match seeds_until(promise, bug, most) {
        Some(seeds) => println!("{bug:?} breaks {promise}: noticed after {seeds} seeds"),
        None => panic!("{bug:?} was not noticed in {most} seeds: {promise}"),
    }
}

macro_rules! noticed {
    ($($test:ident: $bug:expr => $promise:literal;)*) => {$(
        #[test]
        fn $test() {
            is_noticed($promise, $bug, SEEDS_MAX);
        }
    )*};
}

noticed! {
    r1_a_rotation_that_replicas_have_not_imported_for:
        Where::Rules(Bug::ReplicasNotAwaited) => "R1 import before rotate";
    r1_a_switch_that_no_member_has_prepared_for:
        Where::Rules(Bug::SwitchUnprepared) => "R1 import before rotate";
    r2_a_region_that_does_not_decrypt_what_it_has_prepared_for:
        Where::Rules(Bug::PreparedDoesNotDecrypt) => "R2 decryptable everywhere";
    r3_an_older_fact_that_wins:
        Where::Rules(Bug::OlderFactWins) => "R3 never backwards";
    r4_a_successor_in_the_same_epoch:
        Where::Rules(Bug::EpochKept) => "R4 one primary";
    r5_a_disk_that_lies_about_flushing:
        Where::Ground(Planted::FlushLies) => "R5 nothing acknowledged is lost";
    r5_a_refusal_that_had_an_effect:
        Where::Ground(Planted::RefusedAfterCommit) => "R5 nothing acknowledged is lost";
    r6_imported_material_in_a_fact:
        Where::Rules(Bug::ImportedMaterialSent) => "R6 bytes stay home";
    r7_a_replica_that_keeps_its_news:
        Where::Rules(Bug::ReportForgotten) => "R7 convergence";
    r8_a_region_that_cannot_do_without_others:
        Where::Ground(Planted::ReadsAskThePrimary) => "R8 independence";
    r7_a_loss_that_is_noticed_too_late:
        Where::Ground(Planted::LossNoticedLate) => "R7 convergence in bounded time";
    r8_a_region_that_cannot_do_with_bad_links:
        Where::Ground(Planted::ReadsAwaitLinks) => "R8 independence";
    regions_that_encrypt_under_different_materials_for_too_long:
        Where::Rules(Bug::SwitchIgnored) => "mixed window";
    other_bytes_with_the_same_id:
        Where::Rules(Bug::BytesNotCompared) => "one ID for the same bytes";
    a_replica_that_originates_material:
        Where::Rules(Bug::ReplicaOriginates) => "materials of a set";
    an_ambiguous_replicate_key_that_leaves_a_ruin:
        Where::Rules(Bug::StaysCreating) => "an ambiguous ReplicateKey";
    a_rotation_that_is_counted_twice:
        Where::Rules(Bug::RotationCountedTwice) => "materials of a set";
    a_cancelled_deletion_that_enables:
        Where::Rules(Bug::CancelEnables) => "key states";
    a_primary_that_goes_before_its_replicas:
        Where::Rules(Bug::PrimaryGoesFirst) => "key states";
    a_view_that_goes_back:
        Where::Ground(Planted::ViewGoesBack) => "sessions";
    a_read_that_is_staler_than_its_fault_allows:
        Where::Ground(Planted::StalerThanAllowed) => "no read is staler than allowed";
    a_description_that_is_staler_than_its_fault_allows:
        Where::Ground(Planted::StalerThanAllowed) => "linearizable per key";
    a_strong_read_that_confirms_nothing:
        Where::Ground(Planted::ReadNotConfirmed) => "linearizable per key";
    a_restart_that_leaves_something_out:
        Where::Ground(Planted::ReplaySkips) => "one state per index";
}

/// No run of 200 operations rotates so often, and a story does.
#[test]
fn a_set_that_is_rotated_more_than_25_times() {
    plant(Some(Bug::RotationsUnlimited));
    let story = include_str!("../scripts/11-twenty-five-rotations.txt");
    let played = meridian_sim::script::play(story).expect("it is a script");
    plant(None);
    let verdict = played.rsplit("> judge\n").next().unwrap_or_default();
    assert!(verdict.starts_with("materials of a set: "), "{verdict}");
    assert!(verdict.contains("has accepted 26 rotations"), "{verdict}");
}

/// Rarer than the others. This was no planted bug when the simulator found it.
#[test]
fn a_restarted_node_that_shows_its_past() {
    let bug = Where::Ground(Planted::RestartedShowsItsPast);
    is_noticed("sessions", bug, SEEDS_MAX_RARE);
}
