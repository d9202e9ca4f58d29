//! Holds what was acknowledged against what the cluster knows.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use meridian_proto::v1::{KeySetMaterial, KeySetState};
use meridian_tests::{Entrances, Failure, Gauges, LocalCluster, Place, REGIONS, eventually};

use crate::ledger::KeySet;

/// How long facts may be under way after everything runs again.
const SETTLES_WITHIN: Duration = Duration::from_secs(60);

/// Entries from which on a log is not whole any more.
const LONG_LOG: u64 = 500;

/// Key sets checked at a time.
const CHECKS: usize = 8;

type Regions = BTreeMap<&'static str, Entrances>;

/// Checks everything, and that it was enough to mean something.
pub async fn check(cluster: &LocalCluster, sets: &[KeySet]) {
    settle(cluster).await;
    let regions: Regions = REGIONS
        .map(|region| (region, cluster.entrances(region)))
        .into();
    let checks = sets.iter().map(|set| check_set(&regions, set));
    let wrong = futures::stream::iter(checks)
        .buffer_unordered(CHECKS)
        .concat()
        .await;
    assert!(
        wrong.is_empty(),
        "{} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );

    sees_through_false_claims(&regions, &sets[0]).await;

    let count = |of: fn(&KeySet) -> usize| sets.iter().map(of).sum::<usize>();
    let (keys, imports) = (
        count(|set| set.regions.len()),
        count(|set| set.imports.len()),
    );
    let (rotations, ciphertexts) = (
        count(|set| set.rotations.len()),
        count(|set| set.ciphertexts.len()),
    );
    println!(
        "{keys} keys, {imports} imports, {rotations} rotations and {ciphertexts} ciphertexts \
         were acknowledged and are there"
    );
    assert!(rotations >= 10, "there was hardly any load");
}

/// Waits until the nodes of each region are equally far and have forgotten the
/// beginning of their logs.
async fn settle(cluster: &LocalCluster) {
    for region in REGIONS {
        let look = async || {
            let mut nodes = Vec::new();
            for place in Place::of(region) {
                nodes.push(cluster.gauges(place).await);
            }
            nodes
        };
        let settled = |nodes: &Vec<Option<Gauges>>| {
            let told: Vec<&Gauges> = nodes.iter().flatten().collect();
            let alike =
                |it: &&Gauges| (it.applied(), it.keys()) == (told[0].applied(), told[0].keys());
            told.len() == nodes.len() && told.iter().all(|it| alike(it) && is_compacted(it))
        };
        let what = format!("the nodes of {region} are equally far, with shortened logs");
        eventually(&what, SETTLES_WITHIN, look, settled).await;
    }
}

/// A short run may leave a short log alone.
fn is_compacted(node: &Gauges) -> bool {
    node.applied() < LONG_LOG || (node.snapshot() > 0 && node.purged() > 0)
}

/// What is wrong with one key set.
async fn check_set(regions: &Regions, set: &KeySet) -> Vec<String> {
    let states = agreed_states(regions, set).await;
    let mut wrong = Vec::new();
    let mut say = |what: String| wrong.push(format!("key {}: {what}", set.key_id));
    for (region, id) in &set.imports {
        let state = &states[region];
        let held = material(state, id).and_then(|material| material.import_state.as_deref());
        if held != Some("IMPORTED") {
            say(format!(
                "material {id} in {region} is {held:?}, not imported"
            ));
        }
    }
    for (region, state) in &states {
        for (number, id) in set.rotations.iter().enumerate() {
            let is_last = number + 1 == set.rotations.len();
            let wanted = if is_last { "CURRENT" } else { "NON_CURRENT" };
            let found = material(state, id).map(|material| &*material.key_material_state);
            if found != Some(wanted) {
                say(format!(
                    "material {id} in {region} is {found:?} after its rotation"
                ));
            }
        }
    }
    for alias in &set.aliases {
        let client = regions[set.regions[0]].next();
        let named = client.describe_key(&format!("alias/{alias}")).await;
        if named.as_ref().ok().and_then(|key| key.key_id.as_ref()) != Some(&set.key_id) {
            say(format!("its alias {alias} names {named:?}"));
        }
    }
    for (ciphertext, plaintext) in &set.ciphertexts {
        for region in &set.regions {
            let opened = regions[region].next().decrypt(ciphertext).await;
            if opened.as_deref() != Ok(plaintext) {
                say(format!(
                    "a ciphertext in {region}: {:?}",
                    opened.map(|_| "other text")
                ));
            }
        }
    }
    wrong
}

/// A verdict that is never bad says nothing.
async fn sees_through_false_claims(regions: &Regions, set: &KeySet) {
    let claims: [fn(&mut KeySet); 4] = [
        |set| set.imports.push((set.regions[0], "0".repeat(64))),
        |set| set.rotations.push("0".repeat(64)),
        |set| set.aliases.push("never-made".to_owned()),
        |set| set.ciphertexts.push(("never made".into(), Vec::new())),
    ];
    for (number, claim) in claims.into_iter().enumerate() {
        let mut claimed = KeySet {
            key_id: set.key_id.clone(),
            regions: set.regions.clone(),
            ..KeySet::default()
        };
        assert!(check_set(regions, &claimed).await.is_empty());
        claim(&mut claimed);
        let wrong = check_set(regions, &claimed).await;
        assert!(!wrong.is_empty(), "false claim {number} was believed");
    }
}

/// Waits until all regions of a set tell the same, with nothing under way.
async fn agreed_states(regions: &Regions, set: &KeySet) -> BTreeMap<&'static str, KeySetState> {
    let look = async || {
        let states = set.regions.iter().map(|region| regions[region].next());
        let states = states.map(|client| async move { client.key_set(&set.key_id).await });
        futures::future::join_all(states).await
    };
    let what = format!("the regions agree on key {}", set.key_id);
    let states = eventually(&what, SETTLES_WITHIN, look, |states| is_settled(states)).await;
    let states = states.into_iter().flatten();
    set.regions.iter().copied().zip(states).collect()
}

fn is_settled(states: &[Result<KeySetState, Failure>]) -> bool {
    let telling = states.iter().map(|state| {
        let state = state.as_ref().ok()?;
        let is_quiet = state.rotation.is_none() && state.key_state == "Enabled";
        is_quiet.then_some((state.epoch, state.version, &state.current_key_material_id))
    });
    let mut telling: Vec<_> = telling.collect();
    telling.dedup();
    telling.len() == 1 && telling[0].is_some()
}

fn material<'a>(state: &'a KeySetState, id: &str) -> Option<&'a KeySetMaterial> {
    let mut materials = state.materials.iter();
    materials.find(|material| material.key_material_id == id)
}
