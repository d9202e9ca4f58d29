//! Nine processes that begin with one seed, let nobody in who does not sign, and
//! write one audit log.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use aws_sdk_kms::Client;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kms::operation::RequestId;
use aws_sdk_kms::primitives::Blob;
use meridian_tests::{LocalCluster, Place, REGIONS, eventually};
use serde_json::{Value, json};
use tempfile::TempDir;

const WITHIN: Duration = Duration::from_secs(90);
const US: &str = REGIONS[0];
const EU: &str = REGIONS[1];
const ACCOUNT: &str = "111122223333";
const ORDERS: &str = "mrk-1234abcd12ab34cd56ef1234567890ab";
const PLAIN: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
const ANN: (&str, &str) = ("AKIAANN", "ann-secret");

fn seed() -> Value {
    let allowed = json!({ "Effect": "Allow", "Action": "kms:*", "Resource": "*" });
    let access_key = json!({ "id": ANN.0, "secret": ANN.1 });
    let ann = json!({
        "name": "ann",
        "access_keys": [access_key],
        "policies": [{ "Statement": [allowed] }],
    });
    let material = json!({ "bytes": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" });
    json!({
        "version": 1,
        "authorization": "enforced",
        "accounts": [{ "id": ACCOUNT, "users": [ann] }],
        "keys": [
            {
                "id": ORDERS,
                "account": ACCOUNT,
                "region": US,
                "replicas": REGIONS[1..],
                "origin": "EXTERNAL",
                "aliases": ["alias/orders"],
                "materials": [material],
            },
            { "id": PLAIN, "account": ACCOUNT, "region": EU },
        ],
    })
}

/// A client of a region at an address, that signs and tries every call once.
fn client(region: &'static str, address: &str, (id, secret): (&str, &str)) -> Client {
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(Credentials::new(id, secret, None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

fn at(cluster: &LocalCluster, place: Place) -> Client {
    client(place.region, cluster.address(place), ANN)
}

/// Every line of the audit log, which is whole although nine processes write it.
fn records(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("the audit log is there");
    let read = |line: &str| serde_json::from_str(line).expect("a record is one whole line");
    text.lines().map(read).collect()
}

/// Waits until a region has both keys of the seed, as far as they are its own.
async fn planted(cluster: &LocalCluster, region: &'static str) {
    let place = Place { region, id: 2 };
    let us = at(cluster, place);
    let look = async || {
        let described = us.describe_key().key_id("alias/orders").send().await;
        let described = described.ok()?.key_metadata?;
        Some((described.key_id, described.key_state?.to_string()))
    };
    let wanted = Some((ORDERS.to_owned(), "Enabled".to_owned()));
    eventually("the seeded key is there", WITHIN, look, |it| *it == wanted).await;
}

async fn keys(client: &Client) -> Vec<String> {
    let listed = client.list_keys().send().await.expect("ann may list");
    let listed = listed.keys.unwrap_or_default();
    listed.into_iter().filter_map(|key| key.key_id).collect()
}

#[tokio::test]
async fn nine_processes_begin_with_one_seed_and_write_one_audit_log() {
    let directory = TempDir::with_prefix("meridian-seed-").expect("a directory can be made");
    let (seed_file, audit_file) = (
        directory.path().join("seed.json"),
        directory.path().join("audit.jsonl"),
    );
    std::fs::write(&seed_file, seed().to_string()).expect("the seed can be written");
    let text = |path: &Path| path.to_str().expect("the path is UTF-8").to_owned();
    let settings = [
        ("MERIDIAN_SEED_FILE", &*text(&seed_file)),
        ("MERIDIAN_AUDIT_FILE", &*text(&audit_file)),
    ];
    let cluster = LocalCluster::start(&settings).await;
    for region in REGIONS {
        planted(&cluster, region).await;
    }

    // Each key is there once, in its regions, at every node.
    for place in Place::all() {
        let mut wanted = vec![ORDERS.to_owned()];
        wanted.extend((place.region == EU).then(|| PLAIN.to_owned()));
        let node = at(&cluster, place);
        let sorted = async || {
            let mut keys = keys(&node).await;
            keys.sort_by_key(|key| !key.starts_with("mrk-"));
            keys
        };
        eventually("all keys are there", WITHIN, sorted, |it| *it == wanted).await;
    }
    let sealed = at(&cluster, Place { region: US, id: 1 })
        .encrypt()
        .key_id("alias/orders")
        .plaintext(Blob::new("hello"))
        .send()
        .await
        .expect("ann may encrypt");
    let sealed = sealed.ciphertext_blob.expect("a ciphertext");
    for place in Place::all() {
        let opening = at(&cluster, place)
            .decrypt()
            .ciphertext_blob(sealed.clone());
        let opened = opening.send().await.expect("one material in all regions");
        assert_eq!(opened.plaintext, Some(Blob::new("hello")), "{place}");
    }

    // A stranger is let in nowhere.
    for place in Place::all() {
        for stranger in [(ANN.0, "guess"), (ACCOUNT, "any")] {
            let stranger = client(place.region, cluster.address(place), stranger);
            let refused = stranger.list_keys().send().await;
            assert!(refused.is_err(), "{place}");
        }
    }

    // A write at a follower is told where it came in, and nowhere else.
    let leader = cluster.leader(EU).await;
    let follower = Place::of(EU).find(|place| *place != leader);
    let follower = at(&cluster, follower.expect("a region has followers"));
    // An answer may come too late, and leave open whether the key was rotated.
    let rotate = async || {
        let rotated = follower.rotate_key_on_demand().key_id(PLAIN).send().await;
        rotated.ok()?.request_id().map(str::to_owned)
    };
    let request_id = eventually("ann may rotate", WITHIN, rotate, Option::is_some).await;
    let request_id = request_id.expect("an answer has an ID");
    let of_key = |record: &Value| record["resources"][0]["ARN"].to_string().contains(PLAIN);
    let told = async || {
        let mut all = records(&audit_file);
        all.retain(|record| record["eventName"] == "RotateKey" && of_key(record));
        all
    };
    let by_all = |it: &Vec<Value>| !it.is_empty() && it.len().is_multiple_of(3);
    let rotations = eventually("each node tells", WITHIN, told, by_all).await;
    for rotation in &rotations {
        let same = |it: &&Value| it["eventID"] == rotation["eventID"];
        let nodes = rotations.iter().filter(same).count();
        assert_eq!(nodes, 3, "a node of the region tells once");
    }

    let mut events: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let all = records(&audit_file);
    for record in &all {
        let id = record["eventID"].as_str().expect("a record has an ID");
        events
            .entry(id.to_owned())
            .or_default()
            .push(record.clone());
    }
    for told in events.values() {
        let by_itself = told[0]["userIdentity"]["invokedBy"] == "AWS Internal";
        let most = if by_itself { 3 } else { 1 };
        assert!(told.len() <= most, "{told:?}");
        assert!(told.iter().all(|record| *record == told[0]), "{told:?}");
    }
    let written: Vec<&Value> = all
        .iter()
        .filter(|record| record["requestID"] == request_id.as_str())
        .collect();
    assert_eq!(written.len(), 1, "{written:?}");
    assert_eq!(written[0]["eventName"], "RotateKeyOnDemand");
    assert_eq!(written[0]["userIdentity"]["userName"], "ann");
    let decrypts = all.iter().filter(|it| it["eventName"] == "Decrypt");
    assert_eq!(decrypts.count(), 9);

    // All begin again, apply the seed again, and nothing is different.
    cluster.script(&["stop"]).await;
    cluster.script(&["start"]).await;
    for place in Place::all() {
        let opening = at(&cluster, place)
            .decrypt()
            .ciphertext_blob(sealed.clone());
        opening.send().await.expect("the same key");
    }
    let listed = keys(&at(&cluster, Place { region: EU, id: 1 })).await;
    assert_eq!(listed.len(), 2, "{listed:?}");
}
