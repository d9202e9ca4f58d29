//! `meridian key rotate`: import everywhere, wait, rotate at the primary, wait.

use std::path::PathBuf;

use clap::Args;
use meridian_proto::v1::RotateKeyOnDemandRequest;

use super::KeyRef;
use super::import::ExpiryArgs;
use super::show::first_look;
use super::spread::{self, Spread};
use crate::client::Cluster;
use crate::console::{Console, good};
use crate::failure::advice;
use crate::import::Import;
use crate::key_set::{CURRENT, KeySet, NON_CURRENT, PENDING_ROTATION, short};
use crate::locate::{Located, locate};
use crate::material::MaterialSource;
use crate::report;
use crate::watch::{Seen, Watch};

#[derive(Args)]
pub struct RotateArgs {
    #[command(flatten)]
    key: KeyRef,
    /// `random`, or a file of exactly 32 raw bytes: import this everywhere and
    /// rotate to it. Without it, rotate to the material that is pending
    #[arg(long, value_name = "random|FILE")]
    new_material: Option<MaterialSource>,
    /// Write the drawn material to this new file, readable by its owner only
    #[arg(long, value_name = "FILE", requires = "new_material")]
    save: Option<PathBuf>,
    #[command(flatten)]
    expiry: ExpiryArgs,
    /// Text about the new material, shared by all regions
    #[arg(long, value_name = "TEXT", requires = "new_material")]
    description: Option<String>,
    /// Show every change of every region as it happens
    #[arg(long)]
    watch: bool,
}

pub async fn run(cluster: &Cluster, console: Console, args: RotateArgs) -> anyhow::Result<()> {
    let key = locate(cluster, &args.key.key, args.key.from.as_deref()).await?;
    if args.new_material.is_some() && key.origin != "EXTERNAL" {
        return Err(advice(
            format!(
                "{} makes its own material and takes none from outside",
                key.key_id
            ),
            "leave --new-material out: the rotation makes new material by itself",
        ));
    }
    let mut watch = first_look(&key).await?;
    let spread = Spread {
        console,
        key: &key,
        show_changes: args.watch,
    };
    let target = match &args.new_material {
        Some(source) => {
            let material = source.take()?;
            let import = Import {
                key_id: &key.key_id,
                material: &material,
                valid_to: args.expiry.moment(cluster).await?,
                description: args.description.clone(),
            };
            spread::keep(&material, args.save.as_deref(), console)?;
            Some(spread.import(&import, &key.regions, &mut watch).await?)
        }
        None => pending(&key, watch.set()),
    };
    if let Some(id) = &target {
        if watch.set().all_show(&key.region_names(), id, CURRENT) {
            console.say(format!(
                "{} is current already: nothing to rotate",
                short(id)
            ));
            console.document(&report::document(&key, watch.set()));
            return Ok(());
        }
        if watch
            .set()
            .all_show(&key.region_names()[..1], id, NON_CURRENT)
        {
            return Err(advice(
                format!("{} was rotated away from: a key never goes back", short(id)),
                "rotate to material that the key has not had: --new-material random",
            ));
        }
        if args.new_material.is_some() {
            ready(&key, id, &spread, &mut watch).await?;
        }
    }
    rotate(&key, target, &spread, &mut watch).await?;
    let document = report::document(&key, watch.set());
    match args.watch {
        true => console.event(&document),
        false => console.document(&document),
    }
    Ok(())
}

/// The material that the primary would rotate to.
fn pending(key: &Located, set: &KeySet) -> Option<String> {
    let primary = set.at(key.primary().name())?;
    let mut materials = primary.materials.iter();
    let pending = materials.find(|material| material.key_material_state == PENDING_ROTATION);
    pending.map(|material| material.key_material_id.clone())
}

/// Waits until the primary knows that every region holds the material.
async fn ready(
    key: &Located,
    id: &str,
    spread: &Spread<'_>,
    watch: &mut Watch,
) -> anyhow::Result<()> {
    let primary = [key.primary().name().to_owned()];
    watch
        .until(
            |set| {
                set.all_show(&primary, id, PENDING_ROTATION) || set.all_show(&primary, id, CURRENT)
            },
            |seen| match seen {
                Seen::Change(_) => spread.show(&seen),
                Seen::Quiet(set) => tell_reasons(spread.console, set, &primary[0]),
            },
        )
        .await?;
    let console = spread.console;
    console.say(format!(
        "every region of the key holds {}: {PENDING_ROTATION}",
        short(id)
    ));
    Ok(())
}

/// Rotates at the primary and waits until all regions have switched.
async fn rotate(
    key: &Located,
    target: Option<String>,
    spread: &Spread<'_>,
    watch: &mut Watch,
) -> anyhow::Result<()> {
    let console = spread.console;
    let names = key.region_names();
    let before = watch
        .set()
        .at(&names[0])
        .and_then(|state| state.current_key_material_id.clone());
    let request = RotateKeyOnDemandRequest {
        key_id: Some(key.key_id.clone()),
    };
    key.primary().rotate_key_on_demand(request).await?;
    console.say(format!("{}  rotation accepted", names[0]));
    let done = |set: &KeySet| match (&target, set.settled_material(&names)) {
        (Some(target), Some(current)) => *target == current,
        (None, Some(current)) => before.as_ref() != Some(&current),
        (_, None) => false,
    };
    watch
        .until(done, |seen| match seen {
            Seen::Change(_) => spread.show(&seen),
            Seen::Quiet(set) => tell_reasons(console, set, &names[0]),
        })
        .await?;
    let current = watch.set().settled_material(&names).unwrap_or_default();
    console.say(format!(
        "{} {} is the current material in {}",
        good("rotated:"),
        short(&current),
        names.join(", ")
    ));
    Ok(())
}

/// Tells a waiting user why it takes long.
fn tell_reasons(console: Console, set: &KeySet, primary: &str) {
    match set.at(primary) {
        Some(state) => {
            let reasons = report::next_rotation(state);
            reasons.iter().for_each(|line| console.say(line));
            console.say("it goes on by itself; Ctrl-C ends the waiting and changes nothing");
        }
        None => console.say(format!("{primary} does not answer; waiting for it")),
    }
}
