//! `meridian key import`: one material into the regions of a key, primary first.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use clap::{ArgGroup, Args};
use meridian_proto::v1::{GetClockRequest, KeySetState};
use prost_types::Timestamp;
use serde_json::json;

use super::KeyRef;
use super::show::first_look;
use super::spread::{self, Spread};
use crate::client::Cluster;
use crate::console::Console;
use crate::import::Import;
use crate::key_set::{CURRENT, PENDING_IMPORT_AND_ROTATION, PENDING_ROTATION, material, short};
use crate::locate::locate;
use crate::material::MaterialSource;
use crate::report;
use crate::span;

#[derive(Args)]
#[command(
    group = ArgGroup::new("source").required(true).args(["material", "random"]),
    group = ArgGroup::new("target").required(true).args(["all_regions", "region"]),
)]
pub struct ImportArgs {
    #[command(flatten)]
    key: KeyRef,
    /// File of exactly 32 raw bytes
    #[arg(long, value_name = "FILE")]
    material: Option<PathBuf>,
    /// Draw new material; keep it with --save to be able to import it again
    #[arg(long)]
    random: bool,
    /// Write the drawn material to this new file, readable by its owner only
    #[arg(long, value_name = "FILE", requires = "random")]
    save: Option<PathBuf>,
    /// Import into every region of the key, the primary first
    #[arg(long)]
    all_regions: bool,
    /// Import into this region only; may be repeated
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    region: Vec<String>,
    #[command(flatten)]
    expiry: ExpiryArgs,
    /// Text about the material, shared by all regions; set at the primary
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// When the regions forget the bytes: never unless one of these says so.
#[derive(Args)]
pub struct ExpiryArgs {
    /// Moment at which the bytes expire, such as 2030-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_rfc3339_weak, conflicts_with = "expires_in")]
    valid_to: Option<SystemTime>,
    /// Let the bytes expire this long after the cluster's present time
    #[arg(long, value_name = "DURATION", value_parser = span::parse)]
    expires_in: Option<Duration>,
}

pub async fn run(cluster: &Cluster, console: Console, args: ImportArgs) -> anyhow::Result<()> {
    let source = match args.material {
        Some(file) => MaterialSource::File(file),
        None => MaterialSource::Random,
    };
    let material = source.take()?;
    let key = locate(cluster, &args.key.key, args.key.from.as_deref()).await?;
    let regions = match args.all_regions {
        true => key.regions.clone(),
        false => key.choose(&args.region)?,
    };
    let import = Import {
        key_id: &key.key_id,
        material: &material,
        valid_to: args.expiry.moment(cluster).await?,
        description: args.description,
    };
    spread::keep(&material, args.save.as_deref(), console)?;
    let mut watch = first_look(&key).await?;
    let spread = Spread {
        console,
        key: &key,
        show_changes: false,
    };
    let id = spread.import(&import, &regions, &mut watch).await?;
    spread.look_around(&id, &mut watch).await?;
    if let Some(primary) = watch.set().at(key.primary().name()) {
        console.say("");
        let lines = next_steps(primary, &id);
        lines.iter().for_each(|line| console.say(line));
    }
    let mut document = report::document(&key, watch.set());
    document["imported_key_material_id"] = json!(id);
    console.document(&document);
    Ok(())
}

/// What comes after the import, as the primary sees it.
fn next_steps(primary: &KeySetState, id: &str) -> Vec<String> {
    match material(primary, id).map(|material| material.key_material_state.as_str()) {
        Some(CURRENT) => vec![format!("{} is the material that encrypts.", short(id))],
        Some(PENDING_ROTATION | PENDING_IMPORT_AND_ROTATION) => report::next_rotation(primary),
        _ => Vec::new(),
    }
}

impl ExpiryArgs {
    /// The moment of expiry, by the clock of the cluster, which may run ahead.
    pub async fn moment(&self, cluster: &Cluster) -> anyhow::Result<Option<Timestamp>> {
        if let Some(span) = self.expires_in {
            let answer = cluster.get_clock(GetClockRequest {}).await;
            let times = answer.map(|answer| answer.regions).unwrap_or_default();
            let latest = times.into_iter().filter_map(|time| time.now);
            let latest = latest.max_by_key(|now| (now.seconds, now.nanos));
            let now = match latest {
                Some(now) => SystemTime::try_from(now).context("reading the cluster's time")?,
                None => SystemTime::now(),
            };
            return Ok(Some(Timestamp::from(now + span)));
        }
        Ok(self.valid_to.map(Timestamp::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_set::tests::state;

    #[test]
    fn the_first_material_needs_no_rotation() {
        let primary = state(&[("m1", CURRENT, true)]);
        assert_eq!(
            next_steps(&primary, "m1"),
            ["m1 is the material that encrypts."]
        );
    }

    #[test]
    fn pending_material_tells_what_its_rotation_waits_for() {
        let mut primary = state(&[
            ("m1", CURRENT, true),
            ("m2", PENDING_IMPORT_AND_ROTATION, true),
        ]);
        primary.next_rotation_waits_for = vec!["eu-west-1 to import m2".into()];
        assert!(next_steps(&primary, "m2")[1].contains("eu-west-1 to import m2"));
    }

    #[test]
    fn material_of_the_past_has_nothing_to_wait_for() {
        let primary = state(&[("m1", "NON_CURRENT", true), ("m2", CURRENT, true)]);
        assert!(next_steps(&primary, "m1").is_empty());
    }
}
