//! `deploy/local`: nine processes that a script starts, shows and stops, and a
//! key set that lives through a rotation and a restart in them.

use std::time::Duration;

use bytes::Bytes;
use meridian_tests::{Client, Import, LocalCluster, Place, REGIONS, eventually};

const WITHIN: Duration = Duration::from_secs(60);
const US: &str = REGIONS[0];
const EU: &str = REGIONS[1];
const AP: &str = REGIONS[2];

const WAITING: &str = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION";
const READY: &str = "PENDING_ROTATION";

#[tokio::test]
async fn nine_processes_rotate_a_key_and_lose_nothing_when_they_stop() {
    let cluster = LocalCluster::start(&[]).await;
    let key_id = imported_everywhere(&cluster).await;
    let before = ciphertexts(&cluster, &key_id).await;

    rotated_through_followers(&cluster, &key_id).await;
    let after = ciphertexts(&cluster, &key_id).await;
    for place in Place::all() {
        opens_all(
            &cluster.client_of(place),
            &[&before[..], &after[..]].concat(),
        )
        .await;
    }
    every_node_takes_writes(&cluster, &key_id).await;

    let stopped = cluster.script(&["stop"]).await;
    assert_eq!(stopped, "");
    let (healthy, status) = cluster.try_script(&["status"]).await;
    assert!(
        !healthy && status.matches(": not running").count() == 9,
        "{status}"
    );

    cluster.script(&["start"]).await;
    for place in Place::all() {
        let client = cluster.client_of(place);
        opens_all(&client, &[&before[..], &after[..]].concat()).await;
        let named = client.describe_key(&alias(place)).await;
        assert_eq!(
            named.expect("a name that was acknowledged").key_id,
            Some(key_id.clone())
        );
    }
    rotated_through_followers(&cluster, &key_id).await;
}

#[tokio::test]
async fn starting_again_starts_what_does_not_run() {
    let cluster = LocalCluster::start(&[]).await;
    let status = cluster.script(&["status"]).await;
    assert!(status.ends_with("healthy\n"), "{status}");
    cluster.script(&["start"]).await;
    assert_eq!(cluster.script(&["status"]).await, status);

    let place = Place { region: EU, id: 3 };
    cluster.kill_node(place).await;
    let down = cluster.script(&["status"]).await;
    assert!(down.contains(&format!("{place}: not running")), "{down}");
    cluster.script(&["start"]).await;
    let again = cluster.script(&["status"]).await;
    assert!(!again.contains("not running"), "{again}");
    let changed = |(before, after): &(&str, &str)| before != after;
    assert_eq!(
        status.lines().zip(again.lines()).filter(changed).count(),
        1,
        "{again}"
    );

    let (known, refusal) = cluster.try_script(&["start", "nowhere-1"]).await;
    assert!(!known && refusal.contains("nowhere-1"), "{refusal}");
}

/// A key with its first material in all regions, made through the front doors.
async fn imported_everywhere(cluster: &LocalCluster) -> String {
    let primary = cluster.client(US);
    let key_id = primary.create_external_key().await.expect("a key");
    let material: [u8; 32] = rand::random();
    let id = primary.import(&key_id, &material, Import::New).await;
    let id = id.expect("the primary imports");
    for region in [EU, AP] {
        let replicated = primary.replicate_key(&key_id, region).await;
        replicated.expect("a replica");
        import_existing(
            cluster,
            &cluster.client(region),
            region,
            &key_id,
            (&id, &material),
        )
        .await;
    }
    key_id
}

/// Brings material to a replica once the replica has heard of it.
async fn import_existing(
    cluster: &LocalCluster,
    client: &Client,
    region: &'static str,
    key_id: &str,
    (id, material): (&str, &[u8; 32]),
) {
    material_state(cluster, region, key_id, id, Option::is_some).await;
    let imported = client.import(key_id, material, Import::Existing).await;
    assert_eq!(imported.as_deref(), Ok(id));
}

/// A whole rotation in which every request goes to a node that does not lead.
async fn rotated_through_followers(cluster: &LocalCluster, key_id: &str) {
    let mut followers = Vec::new();
    for region in REGIONS {
        let leader = cluster.leader(region).await;
        followers.extend(Place::of(region).find(|place| *place != leader));
    }
    let follower = |region: &'static str| {
        let mut of_region = followers.iter().filter(|place| place.region == region);
        cluster.client_of(*of_region.next().expect("a region has followers"))
    };
    let material: [u8; 32] = rand::random();
    let id = follower(US).import(key_id, &material, Import::New).await;
    let id = id.expect("the primary imports");
    for region in REGIONS {
        let is_waiting = |state: &Option<String>| state.as_deref() == Some(WAITING);
        material_state(cluster, region, key_id, &id, is_waiting).await;
    }
    for region in [EU, AP] {
        let client = follower(region);
        import_existing(cluster, &client, region, key_id, (&id, &material)).await;
    }
    for region in REGIONS {
        let is_ready = |state: &Option<String>| state.as_deref() == Some(READY);
        material_state(cluster, region, key_id, &id, is_ready).await;
    }
    follower(US).rotate(key_id).await.expect("a rotation");
    for region in REGIONS {
        let is_current = |state: &Option<String>| state.as_deref() == Some("CURRENT");
        material_state(cluster, region, key_id, &id, is_current).await;
    }
}

/// Waits for a material's state in a region, asked at another region's front
/// door.
async fn material_state(
    cluster: &LocalCluster,
    region: &'static str,
    key_id: &str,
    id: &str,
    wanted: impl Fn(&Option<String>) -> bool,
) {
    let door = if region == EU { AP } else { EU };
    let client = Client::new(region, cluster.front_door(door));
    let look = async || {
        let state = client.key_set(key_id).await.ok()?;
        let mut materials = state.materials.into_iter();
        let material = materials.find(|material| material.key_material_id == id);
        material.map(|material| material.key_material_state)
    };
    let what = format!("the state of material {id} in {region}");
    eventually(&what, WITHIN, look, wanted).await;
}

/// One ciphertext of each node, made at its own port.
async fn ciphertexts(cluster: &LocalCluster, key_id: &str) -> Vec<(Bytes, String)> {
    let mut made = Vec::new();
    for place in Place::all() {
        let plaintext = place.to_string();
        let client = cluster.client_of(place);
        let ciphertext = client.encrypt(key_id, plaintext.as_bytes());
        made.push((ciphertext.await.expect("a ciphertext"), plaintext));
    }
    made
}

async fn opens_all(client: &Client, ciphertexts: &[(Bytes, String)]) {
    for (ciphertext, plaintext) in ciphertexts {
        let opened = client.decrypt(ciphertext).await;
        assert_eq!(opened.as_deref(), Ok(plaintext.as_bytes()));
    }
}

async fn every_node_takes_writes(cluster: &LocalCluster, key_id: &str) {
    for place in Place::all() {
        let client = cluster.client_of(place);
        let name = alias(place);
        let name = name.trim_start_matches("alias/");
        client.create_alias(name, key_id).await.expect("a name");
        for reader in Place::of(place.region) {
            let named = cluster.client_of(reader).describe_key(&alias(place)).await;
            assert!(
                named.is_ok(),
                "named at {place}, asked at {reader}: {named:?}"
            );
        }
    }
}

fn alias(place: Place) -> String {
    format!("alias/at-{}-{}", place.region, place.id)
}
