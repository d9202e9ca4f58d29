//! Putting the keys of a seed into the regions of a process.
//!
//! A key that is there already is left as it is if it is what the seed says, so
//! that a seed can be applied at every start; otherwise nothing goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use meridian_crypto::{KeySpec, WrappingAlgorithm, WrappingKeySpec, wrap};
use meridian_kms::grant::Grant;
use meridian_kms::key::{Key, Role};
use meridian_kms::{AccountId, Chosen, KeyRef, Region, RegionName, Request, Response};
use meridian_proto::v1::{
    CreateAliasRequest, CreateKeyRequest, GetParametersForImportRequest, ImportKeyMaterialRequest,
    ReplicateKeyRequest, Tag,
};
use meridian_seed::{Seed, SeededKey, SeededMaterial};

use crate::local_cluster::AllRegions;
use crate::operator::Operator;
use crate::planning::MakeChosen;
use crate::seeded_grant;

/// How long a replica may take to hear of its key and its materials.
const REPLICATED_WITHIN: Duration = Duration::from_secs(30);

/// Puts every key where it is missing, in all its regions.
///
/// # Errors
/// A key exists with other properties, which are named, or a region refuses.
pub async fn apply(seed: &Seed, regions: &AllRegions) -> anyhow::Result<()> {
    for key in &seed.keys {
        for region in key.regions() {
            plant(key, region, regions).await?;
        }
    }
    Ok(())
}

/// The same in one region, where others may be elsewhere: what comes from them
/// is waited for.
///
/// # Errors
/// As [`apply`]; or another region has not told of a key in time.
pub async fn apply_to(
    seed: &Seed,
    region: &RegionName,
    regions: &AllRegions,
) -> anyhow::Result<()> {
    // Its own keys first, which wait for nobody.
    let (own, others) = seed
        .keys
        .iter()
        .partition::<Vec<_>, _>(|key| key.region == *region);
    let replicas = others
        .into_iter()
        .filter(|key| key.replicas.contains(region));
    for key in own.into_iter().chain(replicas) {
        plant(key, region, regions).await?;
    }
    Ok(())
}

async fn plant(key: &SeededKey, region: &RegionName, regions: &AllRegions) -> anyhow::Result<()> {
    let account: AccountId = key.account.parse().context("an account was checked")?;
    let planting = Planting {
        operator: &Operator { regions },
        key,
        account,
    };
    let planted = planting.plant(region).await;
    planted.with_context(|| format!("seeding key {}", key.id))
}

/// One key on its way.
struct Planting<'a> {
    operator: &'a Operator<'a>,
    key: &'a SeededKey,
    account: AccountId,
}

impl Planting<'_> {
    async fn plant(&self, region: &RegionName) -> anyhow::Result<()> {
        let is_primary = *region == self.key.region;
        if is_primary && self.found(region).await?.is_none() {
            self.create().await?;
        }
        for material in self.imported().filter(|it| it.is_for(region)) {
            self.import(region, material).await?;
        }
        if is_primary {
            self.replicas().await?;
            self.grants().await?;
        }
        for alias in &self.key.aliases {
            self.alias(region, alias).await?;
        }
        let key = self.until(region, |_| true).await?;
        self.check(region, &key)
    }

    fn reference(&self) -> KeyRef {
        KeyRef {
            account: self.account,
            id: self.key.id,
        }
    }

    /// The key as its region has agreed on it.
    async fn found(&self, region: &RegionName) -> anyhow::Result<Option<Arc<Key>>> {
        let leader = self.operator.leader(region).await?;
        Ok(leader.core().view.newest().key(&self.reference()).cloned())
    }

    /// Waits for the key in a region to become so.
    async fn until(
        &self,
        region: &RegionName,
        so: impl Fn(&Key) -> bool,
    ) -> anyhow::Result<Arc<Key>> {
        let reference = self.reference();
        let heard = async {
            loop {
                let leader = self.operator.leader(region).await?;
                let mut views = leader.core().view.follow();
                let is_there = |view: &Arc<Region>| view.key(&reference).is_some_and(|it| so(it));
                // A node that stops shows no more views; another one leads then.
                let found = views.wait_for(is_there).await;
                if let Some(key) = found.ok().and_then(|view| view.key(&reference).cloned()) {
                    return anyhow::Ok(key);
                }
            }
        };
        match tokio::time::timeout(REPLICATED_WITHIN, heard).await {
            Ok(found) => found,
            Err(_) => bail!("{region} has not heard of it in time"),
        }
    }

    async fn create(&self) -> anyhow::Result<()> {
        let key = self.key;
        let request = CreateKeyRequest {
            description: Some(key.description.clone()),
            key_spec: Some(key.spec.clone()),
            key_usage: Some(key.usage.clone()),
            origin: Some(key.origin.clone()),
            multi_region: Some(key.is_multi_region()),
            policy: key.policy_text(),
            bypass_policy_lockout_safety_check: Some(true),
            tags: tags(&key.tags),
            ..Default::default()
        };
        let given = key.materials.first().filter(|_| key.origin == "AWS_KMS");
        let chosen = || {
            Some(Chosen {
                id: key.id,
                material: given.and_then(|given| key.read(given)),
            })
        };
        self.call(&key.region, Request::CreateKey(request), &chosen)
            .await?;
        Ok(())
    }

    /// Material that comes by import.
    fn imported(&self) -> impl Iterator<Item = &SeededMaterial> {
        let external = self.key.origin == "EXTERNAL";
        self.key.materials.iter().filter(move |_| external)
    }

    async fn import(&self, region: &RegionName, material: &SeededMaterial) -> anyhow::Result<()> {
        let bytes = material.decode().context("material was checked")?;
        let leader = self.operator.leader(region).await?;
        let key_id = self.key.id.to_string();
        let read = self.key.read(material).context("material was checked")?;
        let id = leader.core().vault.material_id(&self.key.id, &read);
        let knows = |key: &Key| key.shared.materials.iter().any(|it| it.id == id);
        let is_primary = *region == self.key.region;
        let key = self.until(region, |key| is_primary || knows(key)).await?;
        if key.held.get(&id).is_some_and(|held| held.sealed.is_some()) {
            return Ok(());
        }
        let spec = key.shared.spec;
        let import_type = match (spec, knows(&key)) {
            (KeySpec::SymmetricDefault, true) => Some("EXISTING_KEY_MATERIAL".into()),
            (KeySpec::SymmetricDefault, false) => Some("NEW_KEY_MATERIAL".into()),
            // Other keys have one material for life.
            _ => None,
        };
        // A private key is longer than a block of RSA.
        let algorithm = match spec.is_asymmetric() {
            true => WrappingAlgorithm::RsaAesKeyWrapSha256,
            false => WrappingAlgorithm::RsaesOaepSha256,
        };
        let parameters = GetParametersForImportRequest {
            key_id: Some(key_id.clone()),
            wrapping_algorithm: Some(algorithm.to_string()),
            wrapping_key_spec: Some(WrappingKeySpec::Rsa2048.to_string()),
        };
        let parameters = Request::GetParametersForImport(parameters);
        let Response::GetParametersForImport(parameters) =
            self.call(region, parameters, &|| None).await?
        else {
            bail!("{region} has answered something else");
        };
        let public_key = parameters.public_key.unwrap_or_default();
        let wrapped = wrap(&public_key, algorithm, &bytes)?;
        let import = ImportKeyMaterialRequest {
            key_id: Some(key_id),
            import_token: parameters.import_token,
            encrypted_key_material: Some(Bytes::from(wrapped)),
            expiration_model: Some("KEY_MATERIAL_DOES_NOT_EXPIRE".into()),
            import_type,
            ..Default::default()
        };
        self.call(region, Request::ImportKeyMaterial(import), &|| None)
            .await
            .with_context(|| format!("importing its material in {region}"))?;
        Ok(())
    }

    async fn replicas(&self) -> anyhow::Result<()> {
        for replica in &self.key.replicas {
            let found = self.found(&self.key.region).await?;
            let key = found.context("the key was there")?;
            let is_there =
                key.shared.primary == *replica || key.shared.replicas.contains_key(replica);
            if !is_there {
                self.replicate(replica).await?;
            }
        }
        Ok(())
    }

    async fn replicate(&self, region: &RegionName) -> anyhow::Result<()> {
        let key = self.key;
        let request = ReplicateKeyRequest {
            key_id: Some(key.id.to_string()),
            replica_region: Some(region.to_string()),
            policy: key.policy_text(),
            bypass_policy_lockout_safety_check: Some(true),
            description: Some(key.description.clone()),
            tags: tags(&key.tags),
        };
        self.call(&key.region, Request::ReplicateKey(request), &|| None)
            .await
            .with_context(|| format!("replicating it to {region}"))?;
        Ok(())
    }

    async fn alias(&self, region: &RegionName, name: &str) -> anyhow::Result<()> {
        let key = self.until(region, |_| true).await?;
        if key.aliases.iter().any(|alias| alias.as_str() == name) {
            return Ok(());
        }
        let request = CreateAliasRequest {
            alias_name: Some(name.to_owned()),
            target_key_id: Some(self.key.id.to_string()),
        };
        self.call(region, Request::CreateAlias(request), &|| None)
            .await
            .with_context(|| format!("creating {name} in {region}"))?;
        Ok(())
    }

    async fn grants(&self) -> anyhow::Result<()> {
        let region = &self.key.region;
        for grant in &self.key.grants {
            let key = self.until(region, |_| true).await?;
            let named = |it: &&Grant| it.name.as_deref() == Some(&grant.name);
            let name = &grant.name;
            match key.grants.values().find(named) {
                Some(found) => ensure!(
                    seeded_grant::is_same(grant, found),
                    "the grant {name} exists in {region} with other properties"
                ),
                None => {
                    let request = seeded_grant::request(&self.key.id.to_string(), grant);
                    self.call(region, Request::CreateGrant(request), &|| None)
                        .await
                        .with_context(|| format!("creating the grant {name}"))?;
                }
            }
        }
        Ok(())
    }

    /// Is the key what the seed says?
    fn check(&self, region: &RegionName, found: &Key) -> anyhow::Result<()> {
        let (key, shared) = (self.key, &found.shared);
        let replicas: Vec<&RegionName> = shared.replicas.keys().collect();
        let mut wanted: Vec<&RegionName> = key.replicas.iter().collect();
        wanted.sort();
        let is_primary = matches!(found.role, Role::Primary { .. });
        let properties = [
            ("spec", shared.spec.name() == key.spec),
            ("usage", shared.usage.name() == key.usage),
            ("origin", shared.origin.name() == key.origin),
            ("primary region", shared.primary == key.region),
            ("replicas", !is_primary || replicas == wanted),
            ("description", found.description == key.description),
            ("tags", found.tags == key.tags),
            (
                "policy",
                found.policy.text() == key.policy_text().as_deref(),
            ),
            ("material", self.has_given_material(found)),
        ];
        for (name, same) in properties {
            ensure!(same, "it exists in {region} with another {name}");
        }
        Ok(())
    }

    /// An AWS_KMS key has the material that the seed gives; imports are told
    /// otherwise.
    fn has_given_material(&self, found: &Key) -> bool {
        let given = self.key.materials.first();
        let Some(given) = given.filter(|_| self.key.origin == "AWS_KMS") else {
            return true;
        };
        let material = self.key.read(given);
        let vault = self
            .operator
            .regions
            .regions
            .values()
            .find_map(|it| it.pick());
        let (Some(material), Some(node)) = (material, vault) else {
            return false;
        };
        let id = node.core().vault.material_id(&self.key.id, &material);
        found.shared.materials.iter().any(|it| it.id == id)
    }

    async fn call(
        &self,
        region: &RegionName,
        request: Request,
        chosen: MakeChosen<'_>,
    ) -> anyhow::Result<Response> {
        let answer = self.operator.call(region, self.account, request, chosen);
        Ok(answer.await?)
    }
}

fn tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| Tag {
        tag_key: Some(key.clone()),
        tag_value: Some(value.clone()),
    };
    tags.iter().map(tag).collect()
}
