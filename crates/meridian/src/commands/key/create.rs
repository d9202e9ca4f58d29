//! `meridian key create`: a key with its replicas, first material and alias.

use clap::{Args, ValueEnum};
use meridian_proto::v1::{CreateAliasRequest, CreateKeyRequest, ReplicateKeyRequest};

use super::spread::Spread;
use crate::client::{Cluster, Region};
use crate::console::Console;
use crate::failure::advice;
use crate::import::Import;
use crate::key_set::KeySet;
use crate::locate::Located;
use crate::material::MaterialSource;
use crate::report;
use crate::watch::Watch;

#[derive(Args)]
pub struct CreateArgs {
    /// Region of the key, the primary's for a multi-Region key; the cluster's
    /// first region when left out
    #[arg(long, value_name = "REGION", env = "AWS_DEFAULT_REGION")]
    region: Option<String>,
    /// Make a multi-Region key with replicas in these regions
    #[arg(long, value_name = "REGION,...", value_delimiter = ',')]
    replicate_to: Vec<String>,
    /// Make a multi-Region key even without replicas
    #[arg(long)]
    multi_region: bool,
    /// Who makes the key material
    #[arg(long, value_enum, default_value_t = Origin::AwsKms)]
    origin: Origin,
    /// First material of a key of origin external: `random`, or a file of 32 raw bytes
    #[arg(long, value_name = "random|FILE")]
    material: Option<MaterialSource>,
    /// Name the key in each of its regions; `alias/` may be left out
    #[arg(long, value_name = "NAME")]
    alias: Option<String>,
    /// Text about the key, in its first region
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Origin {
    /// The cluster makes the material (AWS_KMS)
    AwsKms,
    /// You import the material (EXTERNAL)
    External,
}

impl Origin {
    fn as_str(self) -> &'static str {
        match self {
            Self::AwsKms => "AWS_KMS",
            Self::External => "EXTERNAL",
        }
    }
}

pub async fn run(cluster: &Cluster, console: Console, args: CreateArgs) -> anyhow::Result<()> {
    check(&args)?;
    let material = args.material.as_ref().map(MaterialSource::take);
    let material = material.transpose()?;
    let key = create(cluster, &args).await?;
    let mut watch = Watch::open(&key.key_id, &key.regions);
    let import = material.as_ref().map(|material| Import {
        key_id: &key.key_id,
        material,
        valid_to: None,
        description: None,
    });
    let spread = Spread {
        console,
        key: &key,
        show_changes: false,
    };
    spread.step(key.primary().name(), &format!("created {}", key.key_id));
    let (primary, replicas) = (key.primary(), &key.regions[1..]);
    let first_material = match &import {
        Some(import) => Some(
            spread
                .import(import, std::slice::from_ref(primary), &mut watch)
                .await?,
        ),
        None => None,
    };
    for replica in replicas {
        replicate(&key, replica).await?;
        spread.step(replica.name(), "replica on its way");
    }
    if let (Some(import), Some(id)) = (&import, &first_material) {
        spread.import_rest(import, id, replicas, &mut watch).await?;
    }
    let names = key.region_names();
    let ready = |set: &KeySet| {
        names
            .iter()
            .all(|name| is_made(set, name, import.is_some()))
    };
    watch.until(ready, |_| {}).await?;
    if let Some(alias) = &args.alias {
        name(&key, alias).await?;
    }
    console.say("");
    report::print(console, &key, watch.set());
    Ok(())
}

/// Refuses what AWS would refuse halfway through.
fn check(args: &CreateArgs) -> anyhow::Result<()> {
    let external = args.origin == Origin::External;
    if external && !args.replicate_to.is_empty() && args.material.is_none() {
        return Err(advice(
            "a key of origin external needs its first material before it can have replicas",
            "add --material random, or --material FILE with 32 raw bytes",
        ));
    }
    if !external && args.material.is_some() {
        return Err(advice(
            "only a key of origin external takes material from outside",
            "add --origin external, or leave --material out",
        ));
    }
    Ok(())
}

/// Makes the key; the replicas are listed already, and still to be made.
async fn create(cluster: &Cluster, args: &CreateArgs) -> anyhow::Result<Located> {
    let regions = choose(cluster.regions().await?, args)?;
    let multi_region = args.multi_region || !args.replicate_to.is_empty();
    let request = CreateKeyRequest {
        origin: Some(args.origin.as_str().to_owned()),
        multi_region: Some(multi_region),
        description: args.description.clone(),
        ..Default::default()
    };
    let made = regions[0].create_key(request).await?.key_metadata;
    let key_id = made.and_then(|made| made.key_id).unwrap_or_default();
    Ok(Located {
        key_id,
        origin: args.origin.as_str().to_owned(),
        multi_region,
        regions,
    })
}

/// The region of the key, then those of its replicas.
fn choose(served: Vec<Region>, args: &CreateArgs) -> anyhow::Result<Vec<Region>> {
    let find = |name: &String| {
        let region = served.iter().find(|region| region.name() == name);
        region.cloned().ok_or_else(|| {
            let names: Vec<&str> = served.iter().map(Region::name).collect();
            advice(
                format!("the cluster has no region {name}"),
                format!("its regions are {}", names.join(", ")),
            )
        })
    };
    let mut chosen = match &args.region {
        Some(name) => vec![find(name)?],
        None => served.iter().take(1).cloned().collect(),
    };
    anyhow::ensure!(!chosen.is_empty(), "the cluster has no regions");
    for name in &args.replicate_to {
        anyhow::ensure!(
            chosen.iter().all(|region| region.name() != name),
            "{name} can hold the key only once"
        );
        chosen.push(find(name)?);
    }
    Ok(chosen)
}

async fn replicate(key: &Located, replica: &Region) -> anyhow::Result<()> {
    let request = ReplicateKeyRequest {
        key_id: Some(key.key_id.clone()),
        replica_region: Some(replica.name().to_owned()),
        ..Default::default()
    };
    key.primary().replicate_key(request).await?;
    Ok(())
}

/// Names the key in each of its regions: aliases are not shared by regions.
async fn name(key: &Located, alias: &str) -> anyhow::Result<()> {
    let alias = match alias.starts_with("alias/") {
        true => alias.to_owned(),
        false => format!("alias/{alias}"),
    };
    for region in &key.regions {
        let request = CreateAliasRequest {
            alias_name: Some(alias.clone()),
            target_key_id: Some(key.key_id.clone()),
        };
        region.create_alias(request).await?;
    }
    Ok(())
}

/// Whether the region has the key, and no longer makes it; with material given,
/// whether it is usable too.
fn is_made(set: &KeySet, region: &str, with_material: bool) -> bool {
    set.at(region).is_some_and(|state| {
        state.key_state != "Creating" && !(with_material && state.key_state == "PendingImport")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_set::CURRENT;
    use crate::key_set::tests::state;

    #[test]
    fn a_key_is_made_when_its_region_says_so() {
        let mut set = KeySet::default();
        assert!(!is_made(&set, "eu", false));
        let mut creating = state(&[("m1", CURRENT, false)]);
        creating.key_state = "Creating".into();
        set.learn("eu", creating.clone());
        assert!(!is_made(&set, "eu", false));
        creating.key_state = "PendingImport".into();
        set.learn("eu", creating.clone());
        assert!(is_made(&set, "eu", false));
        assert!(!is_made(&set, "eu", true));
        creating.key_state = "Enabled".into();
        set.learn("eu", creating);
        assert!(is_made(&set, "eu", true));
    }
}
