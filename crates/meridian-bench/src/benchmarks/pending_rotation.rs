//! From the answer to the last replica's ImportKeyMaterial until the primary
//! shows PENDING_ROTATION, over links that are slow on purpose.

use std::time::{Duration, Instant};

use meridian_crypto::{Entropy as _, OsEntropy};
use meridian_proto::v1::chaos_client::ChaosClient;
use meridian_proto::v1::*;
use tonic::transport::Channel;

use crate::Effort;
use crate::grpc::connect;
use crate::kms::{Region, Watch};
use crate::load::median;
use crate::report::{Report, Row, Target};
use crate::server::{Server, data_directory};

const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-2"];

/// Delays of a link in one direction.
const DELAYS_MS: [u64; 2] = [50, 200];

/// "A few" commits: what the way may cost beyond the link itself.
const COMMITS_MAX: f64 = 5.0;

/// A multi-Region key with imported material, primary first, and what each of
/// its regions shows.
struct KeySet {
    key_id: String,
    regions: Vec<(Region, Watch)>,
}

/// Measures it.
pub async fn run(effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let data = data_directory()?;
    let server = Server::cluster(&REGIONS, 3, data.path()).await?;
    let channel = connect(server.address()).await?;
    let mut set = KeySet::create(channel.clone()).await?;
    for delay_ms in DELAYS_MS {
        delay_links(channel.clone(), delay_ms).await?;
        let (mut whole, mut commits) = (Vec::new(), Vec::new());
        for _ in 0..effort.rounds {
            commits.push(set.commit().await?.as_secs_f64());
            whole.push(set.import_and_wait().await?.as_secs_f64());
            set.rotate().await?;
        }
        let (whole, commit) = (median(whole.into_iter()), median(commits.into_iter()));
        let delay = Duration::from_millis(delay_ms).as_secs_f64();
        report.row(Row {
            case: format!("link delay {delay_ms} ms one way"),
            figure: format!("{:.1} ms", whole * 1e3),
            against: format!("delay {delay_ms} ms, a commit {:.1} ms", commit * 1e3),
            ratio: Some(whole / delay),
            target: Some(Target::AtMost((delay + COMMITS_MAX * commit) / delay)),
        });
    }
    Ok(())
}

/// Slows the links between the primary and its replicas down, both ways.
async fn delay_links(channel: Channel, delay_ms: u64) -> anyhow::Result<()> {
    let mut chaos = ChaosClient::new(channel);
    chaos.clear_faults(ClearFaultsRequest {}).await?;
    for replica in &REGIONS[1..] {
        let delay = LinkDelay {
            link: Some(Link {
                from: REGIONS[0].to_owned(),
                to: (*replica).to_owned(),
                both_directions: true,
            }),
            delay: Some(link_delay::Delay::ConstantMs(delay_ms)),
        };
        let kind = Some(fault::Kind::LinkDelay(delay));
        let fault = Some(Fault {
            kind,
            ..Default::default()
        });
        chaos.add_fault(AddFaultRequest { fault }).await?;
    }
    Ok(())
}

impl KeySet {
    async fn create(channel: Channel) -> anyhow::Result<KeySet> {
        let mut primary = Region::new(channel.clone(), REGIONS[0]);
        let request = CreateKeyRequest {
            origin: Some("EXTERNAL".to_owned()),
            multi_region: Some(true),
            ..Default::default()
        };
        let key_id = primary.create_key(request).await?;
        let material = fresh_material();
        primary
            .import(&key_id, &material, "NEW_KEY_MATERIAL")
            .await?;
        let watch = primary.watch(&key_id).await?;
        let mut regions = vec![(primary, watch)];
        for name in &REGIONS[1..] {
            let mut replica = Region::new(channel.clone(), name);
            let request = ReplicateKeyRequest {
                key_id: Some(key_id.clone()),
                replica_region: Some((*name).to_owned()),
                ..Default::default()
            };
            regions[0].0.kms.replicate_key(request).await?;
            let mut watch = watch_when_there(&mut replica, &key_id).await?;
            watch.until(|state| !state.materials.is_empty()).await?;
            replica
                .import(&key_id, &material, "EXISTING_KEY_MATERIAL")
                .await?;
            watch.until(|state| state.key_state == "Enabled").await?;
            regions.push((replica, watch));
        }
        Ok(KeySet { key_id, regions })
    }

    /// How long one commit of the primary takes, through the same front door.
    async fn commit(&mut self) -> anyhow::Result<Duration> {
        let (primary, _) = &mut self.regions[0];
        let request = UpdateKeyDescriptionRequest {
            key_id: Some(self.key_id.clone()),
            description: Some("a commit".to_owned()),
        };
        let started = Instant::now();
        primary.kms.update_key_description(request).await?;
        Ok(started.elapsed())
    }

    /// Imports new material everywhere; gives the time that the last part took.
    async fn import_and_wait(&mut self) -> anyhow::Result<Duration> {
        let material = fresh_material();
        let [(primary, at_primary), replicas @ ..] = &mut self.regions[..] else {
            anyhow::bail!("a key set has a primary");
        };
        let id = primary
            .import(&self.key_id, &material, "NEW_KEY_MATERIAL")
            .await?;
        let mut answered = Instant::now();
        for (replica, at_replica) in replicas {
            at_replica
                .until(|state| state_of(state, &id).is_some())
                .await?;
            replica
                .import(&self.key_id, &material, "EXISTING_KEY_MATERIAL")
                .await?;
            answered = Instant::now();
            if replica.name != REGIONS[REGIONS.len() - 1] {
                let name = replica.name;
                at_primary.until(|state| holds(state, name, &id)).await?;
            }
        }
        at_primary
            .until(|state| state_of(state, &id) == Some("PENDING_ROTATION"))
            .await?;
        Ok(answered.elapsed())
    }

    /// Rotates to the imported material in all regions.
    async fn rotate(&mut self) -> anyhow::Result<()> {
        let (primary, _) = &mut self.regions[0];
        let request = RotateKeyOnDemandRequest {
            key_id: Some(self.key_id.clone()),
        };
        primary.kms.rotate_key_on_demand(request).await?;
        for (_, watch) in &mut self.regions {
            let rotated = |state: &KeySetState| {
                let newest = state.materials.last();
                let is_current = newest.is_some_and(|it| it.key_material_state == "CURRENT");
                is_current && state.rotation.is_none()
            };
            watch.until(rotated).await?;
        }
        Ok(())
    }
}

/// A replica is there a moment after ReplicateKey was answered.
async fn watch_when_there(region: &mut Region, key_id: &str) -> anyhow::Result<Watch> {
    for _ in 0..500 {
        let request = DescribeKeyRequest {
            key_id: Some(key_id.to_owned()),
            ..Default::default()
        };
        if region.kms.describe_key(request).await.is_ok() {
            return region.watch(key_id).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    anyhow::bail!("the replica in {} did not appear", region.name)
}

fn fresh_material() -> [u8; 32] {
    let mut material = [0; 32];
    OsEntropy.fill(&mut material);
    material
}

/// The state of a material.
fn state_of<'a>(state: &'a KeySetState, material_id: &str) -> Option<&'a str> {
    let material = state
        .materials
        .iter()
        .find(|it| it.key_material_id == material_id)?;
    Some(&material.key_material_state)
}

/// Whether the primary has heard that another region holds a material.
fn holds(state: &KeySetState, region: &str, material_id: &str) -> bool {
    let member = state.members.iter().find(|member| member.region == region);
    member.is_some_and(|it| {
        it.held_key_material_ids
            .iter()
            .any(|held| held == material_id)
    })
}
