//! Secrets stay where they belong: none of them lies in a file, a log, the
//! audit log or a page of a cluster in the clear, or goes from one node to
//! another so. Imported bytes never reach another region, not even sealed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use meridian_crypto::{ClusterSecret, MaterialId, RootKey, Sealed, Vault};
use meridian_tests::{
    Client, Find, Import, LocalCluster, Needle, Place, REGIONS, eventually, search,
};

const WITHIN: Duration = Duration::from_secs(60);
const SETTINGS: [(&str, &str); 4] = [
    ("MERIDIAN_LOG", "debug"),
    ("MERIDIAN_AUDIT_FILE", "audit.jsonl"),
    ("MERIDIAN_EVENTS_FILE", "events.jsonl"),
    (
        "MERIDIAN_LOCAL_FLAGS",
        "--compaction-entries 20 --compaction-keep-entries 5",
    ),
];

/// What nodes sent to nodes, by the sender's region and the receiver's.
type Messages = BTreeMap<(&'static str, &'static str), Vec<u8>>;

/// What the search is for.
struct Secrets {
    key_id: String,
    /// Materials of the key with the names of their needles.
    material_ids: Vec<String>,
    needles: Vec<(String, Needle)>,
}

#[tokio::test]
async fn no_secret_lies_anywhere_in_the_clear_and_imported_bytes_stay_in_their_region() {
    let cluster = LocalCluster::start_overheard(&SETTINGS).await;
    let secrets = live(&cluster).await;
    compact(&cluster, &secrets.key_id).await;
    assert_found(&pages(&cluster, &secrets).await, &[]);
    sealed_bytes_stay_at_home(&cluster, &secrets);

    // A graceful stop flushes whatever was not on disk.
    cluster.script(&["stop"]).await;
    assert_found(&files(&cluster, &secrets), &[]);
    sealed_bytes_stay_at_home(&cluster, &secrets);
    let messages = cluster.messages();
    assert_found(&overheard(&messages, &secrets), &[]);
    sealed_bytes_go_to_nodes_of_their_region_only(&cluster, &secrets, &messages);
    logs_tell_of_every_request(&cluster);
    the_audit_log_tells_of_every_request(&cluster);

    // The same search finds what lies around.
    let planted: [u8; 32] = rand::random();
    let leak = cluster
        .data_dir(Place {
            region: REGIONS[1],
            id: 2,
        })
        .join("leak");
    std::fs::write(&leak, format!("material={}", hex::encode(planted))).expect("a file");
    let needles = vec![("planted".to_owned(), Needle::new(&planted))];
    let found = files(&cluster, &Secrets { needles, ..secrets });
    let find = |half: &str| Find {
        place: format!("{} (planted)", leak.display()),
        shape: format!("hex of the {half} half"),
    };
    assert_found(&found, &[find("first"), find("second")]);
}

/// Two materials through a whole life in all regions; everything secret about it.
async fn live(cluster: &LocalCluster) -> Secrets {
    let regions = REGIONS.map(|region| cluster.client(region));
    let [primary, replicas @ ..] = &regions;
    let key_id = primary.create_external_key().await.expect("a key");
    let mut needles = Vec::new();
    let mut material_ids = Vec::new();
    for number in 1..=2 {
        let material: [u8; 32] = rand::random();
        needles.push((format!("material {number}"), Needle::new(&material)));
        let id = primary
            .import(&key_id, &material, Import::New)
            .await
            .expect("an import");
        for region in REGIONS[1..].iter().filter(|_| number == 1) {
            let replicated = primary.replicate_key(&key_id, region).await;
            replicated.expect("a replica");
        }
        for replica in replicas {
            let import = async || replica.import(&key_id, &material, Import::Existing).await;
            let imported = eventually("a replica imports", WITHIN, import, Result::is_ok).await;
            assert_eq!(imported.as_ref(), Ok(&id));
        }
        if number > 1 {
            let rotate = async || primary.rotate(&key_id).await;
            let rotated = eventually("the key rotates", WITHIN, rotate, Result::is_ok).await;
            rotated.expect("it was accepted");
            for region in &regions {
                let current = async || current(region, &key_id).await;
                let is_new = |current: &Option<String>| current.as_ref() == Some(&id);
                eventually("the rotation ends", WITHIN, current, is_new).await;
            }
        }
        material_ids.push(id);
        let plaintext: [u8; 32] = rand::random();
        needles.push((format!("plaintext {number}"), Needle::new(&plaintext)));
        let ciphertext = primary
            .encrypt(&key_id, &plaintext)
            .await
            .expect("a ciphertext");
        for region in &regions {
            let opened = region.decrypt(&ciphertext).await;
            assert_eq!(opened.as_deref(), Ok(&plaintext[..]));
        }
    }
    for name in REGIONS.iter().copied().chain(["cluster"]) {
        let secret = key_file(&cluster.directory().join("secrets"), name);
        needles.push((format!("key file of {name}"), Needle::new(&secret)));
    }
    Secrets {
        key_id,
        material_ids,
        needles,
    }
}

async fn current(client: &Client, key_id: &str) -> Option<String> {
    client.key_set(key_id).await.ok()?.current_key_material_id
}

/// Writes until every node holds the key in a snapshot too.
async fn compact(cluster: &LocalCluster, key_id: &str) {
    for region in REGIONS {
        let before = cluster.gauges(cluster.leader(region).await).await;
        let before = before.expect("the leader runs").last_log();
        let client = cluster.client(region);
        for number in 0..40 {
            let alias = format!("canary-{region}-{number}");
            let named = client.create_alias(&alias, key_id);
            named.await.expect("a name");
        }
        for place in Place::of(region) {
            let look = async || cluster.gauges(place).await.map(|gauges| gauges.snapshot());
            let beyond = |snapshot: &Option<u64>| snapshot.is_some_and(|at| at > before);
            eventually("a snapshot is made", WITHIN, look, beyond).await;
        }
    }
}

/// Secrets in the pages of every port.
async fn pages(cluster: &LocalCluster, secrets: &Secrets) -> Vec<Find> {
    let mut found = Vec::new();
    for place in Place::all() {
        for path in ["/metrics", "/regions", "/health"] {
            let (code, page) = cluster.page(place, path).await.expect("the node runs");
            assert_eq!(code, 200, "{path} at {place}");
            assert!(page.contains(place.region) || path == "/health", "{page}");
            for (name, needle) in &secrets.needles {
                found.extend(
                    needle.finds_in(&format!("{path} of {place} ({name})"), page.as_bytes()),
                );
            }
        }
    }
    found
}

/// Secrets in what the nodes store and print.
fn files(cluster: &LocalCluster, secrets: &Secrets) -> Vec<Find> {
    let mut found = Vec::new();
    for part in ["data", "log", "audit.jsonl", "events.jsonl"] {
        let bytes = search(&cluster.directory().join(part), |path, content| {
            for (name, needle) in &secrets.needles {
                found.extend(needle.finds_in(&format!("{} ({name})", path.display()), content));
            }
        });
        assert!(bytes > 0, "there is nothing in {part}");
    }
    found
}

/// Secrets in what nodes sent to nodes.
fn overheard(messages: &Messages, secrets: &Secrets) -> Vec<Find> {
    let mut found = Vec::new();
    for ((from, to), content) in messages {
        for (name, needle) in &secrets.needles {
            found.extend(needle.finds_in(&format!("{from} to {to} ({name})"), content));
        }
    }
    found
}

/// The nodes of a region send each other what is sealed under its root key, by
/// Raft. Between regions go facts, which name the key and hold none of it.
fn sealed_bytes_go_to_nodes_of_their_region_only(
    cluster: &LocalCluster,
    secrets: &Secrets,
    messages: &Messages,
) {
    for from in REGIONS {
        for to in REGIONS {
            let content = &messages[&(from, to)];
            let named = content
                .windows(secrets.key_id.len())
                .any(|it| it == secrets.key_id.as_bytes());
            // Two replicas have nothing to tell each other.
            let told = from == to || [from, to].contains(&REGIONS[0]);
            assert!(named || !told, "nothing of the key from {from} to {to}");
            let mut sealed = BTreeSet::new();
            collect_sealed(content, &mut sealed);
            for region in REGIONS {
                let here = (region, region) == (from, to);
                let wanted = if here { secrets.material_ids.len() } else { 0 };
                let opened = count_opened(&vault(cluster, region), &sealed, secrets);
                assert_eq!(opened, wanted, "from {from} to {to}, opened in {region}");
            }
        }
    }
}

fn assert_found(found: &[Find], wanted: &[Find]) {
    assert_eq!(found, wanted);
}

/// The search means something: requests are in the log, in all detail.
fn logs_tell_of_every_request(cluster: &LocalCluster) {
    let mut told = BTreeSet::new();
    search(&cluster.directory().join("log"), |_, content| {
        let text = String::from_utf8_lossy(content);
        for operation in [
            "ImportKeyMaterial",
            "RotateKeyOnDemand",
            "Encrypt",
            "Decrypt",
        ] {
            if text.contains("DEBUG") && text.contains(operation) {
                told.insert(operation);
            }
        }
    });
    assert_eq!(told.len(), 4, "{told:?}");
}

/// The search of the audit log means something too.
fn the_audit_log_tells_of_every_request(cluster: &LocalCluster) {
    let text = std::fs::read_to_string(cluster.directory().join("audit.jsonl"));
    let text = text.expect("the nodes have written it");
    for event in ["ImportKeyMaterial", "Encrypt", "Decrypt", "RotateKey"] {
        let named = format!("\"eventName\":\"{event}\"");
        assert!(text.contains(&named), "no {event} in the audit log");
    }
}

/// What is sealed under a region's root key lies in this region's files, and
/// nothing in them is sealed under another's or is the same as elsewhere.
fn sealed_bytes_stay_at_home(cluster: &LocalCluster, secrets: &Secrets) {
    let lying: BTreeMap<&str, BTreeSet<Vec<u8>>> = REGIONS
        .map(|region| {
            (
                region,
                sealed_in(&cluster.directory().join("data").join(region)),
            )
        })
        .into();
    for (home, sealed) in &lying {
        for region in REGIONS {
            let opened = count_opened(&vault(cluster, region), sealed, secrets);
            let wanted = if region == *home {
                secrets.material_ids.len()
            } else {
                0
            };
            assert_eq!(
                opened, wanted,
                "materials in files of {home} that open in {region}"
            );
        }
        for (other, bytes) in lying.iter().filter(|(other, _)| *other != home) {
            assert!(
                sealed.is_disjoint(bytes),
                "{home} and {other} hold the same sealed bytes"
            );
        }
    }
}

/// The vault of a region's nodes.
fn vault(cluster: &LocalCluster, region: &str) -> Vault {
    let directory = cluster.directory().join("secrets");
    let root = RootKey::from_bytes(&key_file(&directory, region)).expect("32 bytes");
    let secret = ClusterSecret::from_bytes(&key_file(&directory, "cluster")).expect("32 bytes");
    Vault::new(region, root, secret)
}

/// How many of the key's materials are among these for somebody with this vault.
fn count_opened(vault: &Vault, sealed: &BTreeSet<Vec<u8>>, secrets: &Secrets) -> usize {
    let key = secrets.key_id.parse().expect("a key ID");
    let opens = |material: &&String| {
        let id: MaterialId = material.parse().expect("an ID");
        let opens = |bytes: &Vec<u8>| {
            let sealed = Sealed::from_bytes(bytes).expect("checked when it was found");
            vault.open(&key, &id, &sealed).is_ok()
        };
        sealed.iter().any(opens)
    };
    secrets.material_ids.iter().filter(opens).count()
}

/// Everything sealed in the files of a directory.
fn sealed_in(directory: &Path) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    search(directory, |_, content| collect_sealed(content, &mut found));
    found
}

/// Everything that looks like sealed material: JSON strings of base64 of the
/// right length.
fn collect_sealed(content: &[u8], found: &mut BTreeSet<Vec<u8>>) {
    for text in content.split(|byte| *byte == b'"') {
        let bytes = STANDARD.decode(text).unwrap_or_default();
        if Sealed::from_bytes(&bytes).is_ok() {
            found.insert(bytes);
        }
    }
}

/// The key in a key file.
fn key_file(directory: &Path, name: &str) -> [u8; 32] {
    let text = std::fs::read_to_string(directory.join(format!("{name}.key")));
    let text = text.expect("the script has made the key files");
    let key = text
        .split_whitespace()
        .nth(1)
        .expect("the key follows its format");
    let mut bytes = [0; 32];
    hex::decode_to_slice(key, &mut bytes).expect("32 bytes in hex");
    bytes
}
