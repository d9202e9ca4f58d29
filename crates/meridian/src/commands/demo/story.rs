//! The story of a rotation: each chapter does something, checks what comes of
//! it, and only then says so.

use std::time::Instant;

use anyhow::{bail, ensure};
use meridian_proto::v1::{KeySetMember, ReplicateKeyRequest, RotateKeyOnDemandRequest};

use super::stage::Stage;
use crate::call_failed::CallFailed;
use crate::console::{bold, dim};
use crate::import::{Import, ImportType};
use crate::key_set::{CURRENT, KeySet, PENDING_IMPORT_AND_ROTATION, PENDING_ROTATION, short};
use crate::material::MaterialBytes;

/// Tells it from the beginning to the end.
pub async fn tell(stage: &mut Stage) -> anyhow::Result<()> {
    introduce(stage);
    let old = a_key_of_your_own(stage).await?;
    let material = MaterialBytes::random();
    let new = new_material(stage, &old, &material).await?;
    one_region_is_missing(stage, &new, &material).await?;
    a_rotation_meanwhile(stage, &old, &new).await?;
    everything_opens(stage).await
}

fn introduce(stage: &Stage) {
    let title = "Rotating imported key material in three regions, one of them cut off";
    stage.console.say(bold(title));
    let place = match stage.own {
        true => "a cluster started for this, in memory".to_owned(),
        false => format!("the cluster at {}", stage.cluster.endpoint()),
    };
    let names = stage.names().join(", ");
    stage.console.say(dim(&format!("{place}: {names}")));
}

async fn a_key_of_your_own(stage: &mut Stage) -> anyhow::Result<String> {
    stage.chapter(
        "1  A key whose material you bring yourself",
        "Multi-Region, origin EXTERNAL: you import the same bytes into every region.",
    );
    let (primary, near, far) = (stage.primary.clone(), stage.near.clone(), stage.far.clone());
    let material = MaterialBytes::random();
    let import = import(&stage.key_id, &material);
    let id = import
        .to_region(&primary, ImportType::New)
        .await?
        .key_material_id;
    for replica in [&near, &far] {
        let request = ReplicateKeyRequest {
            key_id: Some(stage.key_id.clone()),
            replica_region: Some(replica.name().to_owned()),
            ..Default::default()
        };
        primary.replicate_key(request).await?;
        let place = replica.name().to_owned();
        let heard = |set: &KeySet| {
            let state = set.at(&place);
            set.knows(&place, &id) && state.is_some_and(|state| state.key_state != "Creating")
        };
        stage.wait("the replica is there", heard).await?;
        let import = self::import(&stage.key_id, &material);
        let imported = import.to_replica(replica).await?;
        ensure!(
            imported.key_material_id == id,
            "the same bytes got another id"
        );
    }
    let names = stage.names();
    let usable = |set: &KeySet| {
        let mut states = names.iter().map(|name| set.at(name));
        states.all(|state| state.is_some_and(|state| state.key_state == "Enabled"))
    };
    stage.wait("the key is enabled everywhere", usable).await?;
    stage.did(&format!(
        "{} in {}, with replicas in {} and {}",
        stage.key_id, names[0], names[1], names[2]
    ));
    stage.did(&format!(
        "the same 32 bytes imported in each region: material {}",
        short(&id)
    ));
    encrypt(stage, "at first", &id).await?;
    stage.did(&format!("each region encrypts under {}", short(&id)));
    Ok(id)
}

async fn new_material(
    stage: &mut Stage,
    old: &str,
    material: &MaterialBytes,
) -> anyhow::Result<String> {
    stage.chapter(
        "2  New material goes to the primary first",
        "Nobody may encrypt under it until every region could decrypt: the key waits.",
    );
    let import = import(&stage.key_id, material);
    let imported = import.to_region(&stage.primary, ImportType::New).await?;
    let id = imported.key_material_id;
    let names = stage.names();
    let waits = |set: &KeySet| set.all_show(&names, &id, PENDING_IMPORT_AND_ROTATION);
    stage
        .wait("every region has heard of the new material", waits)
        .await?;
    ensure!(
        stage.watch.set().all_show(&names, old, CURRENT),
        "{old} is not current"
    );
    stage.did(&format!(
        "{} imported in {}; the others hear of its id, never of its bytes",
        short(&id),
        names[0]
    ));
    stage.show_materials();
    let Err(refused) = rotate(stage).await else {
        bail!("a rotation was accepted although two regions lack the material");
    };
    ensure!(
        refused.is("KMSInvalidStateException") && refused.message.contains("has not been imported"),
        refused
    );
    stage.did("RotateKeyOnDemand is refused, as AWS refuses it: KMSInvalidStateException");
    stage.note(&refused.message);
    Ok(id)
}

async fn one_region_is_missing(
    stage: &mut Stage,
    new: &str,
    material: &MaterialBytes,
) -> anyhow::Result<()> {
    let (near, far) = (stage.near.clone(), stage.far.clone());
    stage.chapter(
        &format!("3  {} is cut off from the other regions", far.name()),
        "Its clients still reach it. What the other regions must know of it has to wait.",
    );
    stage.cut_off_far().await?;
    let import = import(&stage.key_id, material);
    let near_imports = import.to_replica(&near).await?;
    ensure!(
        near_imports.key_material_id == new,
        "the same bytes got another id"
    );
    let primary = stage.primary.name().to_owned();
    let heard = |set: &KeySet| holds(set, &primary, near.name(), new);
    stage.wait("the primary hears of the import", heard).await?;
    let only_primary = [primary.clone()];
    ensure!(
        stage
            .watch
            .set()
            .all_show(&only_primary, new, PENDING_IMPORT_AND_ROTATION),
        "the primary does not wait for the region that is cut off"
    );
    stage.did(&format!(
        "{} imports it; {primary} hears of that, and waits for",
        near.name()
    ));
    stage
        .at_primary()?
        .next_rotation_waits_for
        .iter()
        .for_each(|reason| stage.note(reason));
    stage.heal().await?;
    let import = self::import(&stage.key_id, material);
    import.to_replica(&far).await?;
    let names = stage.names();
    let ready = |set: &KeySet| set.all_show(&names, new, PENDING_ROTATION);
    stage
        .wait("every region shows PENDING_ROTATION", ready)
        .await?;
    stage.did(&format!(
        "the link heals, {} imports too, and by itself every region shows",
        far.name()
    ));
    stage.show_materials();
    Ok(())
}

async fn a_rotation_meanwhile(stage: &mut Stage, old: &str, new: &str) -> anyhow::Result<()> {
    let (primary, far) = (stage.primary.name().to_owned(), stage.far.name().to_owned());
    stage.chapter(
        &format!("4  The rotation, with {far} cut off again"),
        "Rotating is asked for once. It takes effect when every region has confirmed it.",
    );
    stage.cut_off_far().await?;
    rotate(stage).await?;
    let only_far_is_missing = |set: &KeySet| {
        let rotation = set.at(&primary).and_then(|state| state.rotation.as_ref());
        rotation.is_some_and(|rotation| rotation.waiting_for_regions == [far.as_str()])
    };
    stage
        .wait(
            "the rotation waits for one region only",
            only_far_is_missing,
        )
        .await?;
    stage.did("RotateKeyOnDemand is accepted at once; the rotation waits for");
    stage
        .at_primary()?
        .next_rotation_waits_for
        .iter()
        .for_each(|reason| stage.note(reason));
    encrypt(stage, "while it waits", old).await?;
    let names = stage.names();
    ensure!(
        stage.watch.set().all_show(&names, old, CURRENT),
        "a region has switched too early"
    );
    stage.did(&format!(
        "meanwhile every region goes on under {}, {far} on its own too",
        short(old)
    ));
    stage.heal().await?;
    let healed = Instant::now();
    let switched = |set: &KeySet| set.settled_material(&names).as_deref() == Some(new);
    stage.wait("the rotation completes", switched).await?;
    stage.did(&format!(
        "the link heals, and {} ms later the rotation has completed by itself",
        healed.elapsed().as_millis()
    ));
    stage.show_materials();
    encrypt(stage, "in the end", new).await?;
    stage.did(&format!("each region encrypts under {}", short(new)));
    Ok(())
}

async fn everything_opens(stage: &Stage) -> anyhow::Result<()> {
    stage.chapter(
        "5  Every ciphertext opens in every region",
        "Three regions wrote at three times; each region decrypts all of it.",
    );
    let (table, opened) = stage.ciphertexts.open_everywhere(&stage.regions()).await?;
    let mut lines = table.lines().into_iter();
    stage.note(&dim(&lines.next().unwrap_or_default()));
    lines.for_each(|line| stage.note(&line));
    stage.console.say("");
    stage.console.say(format!(
        "All of this happened as told: every step was checked, {opened} decryptions among them."
    ));
    stage.console.say(match stage.own {
        true => "`meridian up` starts a cluster of your own.".to_owned(),
        false => format!(
            "The key is still there: `meridian key show {}`",
            stage.key_id
        ),
    });
    Ok(())
}

/// Encrypts in each region, and checks under which material.
async fn encrypt(stage: &mut Stage, when: &'static str, id: &str) -> anyhow::Result<()> {
    for region in stage.regions() {
        let key_id = stage.key_id.clone();
        stage.ciphertexts.make(&region, &key_id, when, id).await?;
    }
    Ok(())
}

async fn rotate(stage: &Stage) -> Result<(), CallFailed> {
    let request = RotateKeyOnDemandRequest {
        key_id: Some(stage.key_id.clone()),
    };
    stage.primary.rotate_key_on_demand(request).await.map(drop)
}

fn import<'a>(key_id: &'a str, material: &'a MaterialBytes) -> Import<'a> {
    Import {
        key_id,
        material,
        valid_to: None,
        description: None,
    }
}

/// Whether the primary has heard that the region holds the material.
fn holds(set: &KeySet, primary: &str, region: &str, id: &str) -> bool {
    let members = set.at(primary).map(|state| state.members.as_slice());
    let holds = |member: &KeySetMember| {
        member.region == region && member.held_key_material_ids.iter().any(|held| held == id)
    };
    members.is_some_and(|members| members.iter().any(holds))
}
