//! What the shape of a seed cannot say.

use std::collections::BTreeSet;

use meridian_iam::PolicyDocument;
use meridian_kms::{AccountId, RegionName};

use crate::key::SeededKey;
use crate::reading::SeedError;
use crate::seed::Seed;

/// Materials of a key that can rotate: the current one and the next.
const MATERIALS_MAX: usize = 2;

const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";

/// Finds the first mistake.
pub(crate) fn check(seed: &Seed) -> Result<(), SeedError> {
    let mut accounts = BTreeSet::new();
    for account in &seed.accounts {
        let id = &account.id;
        check_account(id)?;
        if !accounts.insert(id) {
            return Err(SeedError::meaning(format!("account {id} is there twice")));
        }
    }
    // Principals, policies and access keys are told by making use of them.
    seed.directory()?;
    let (mut keys, mut aliases) = (BTreeSet::new(), BTreeSet::new());
    for key in &seed.keys {
        check_account(&key.account)?;
        check_key(key).map_err(|what| SeedError::meaning(format!("key {}: {what}", key.id)))?;
        if !keys.insert(key.id) {
            return Err(SeedError::meaning(format!("key {} is there twice", key.id)));
        }
        for (alias, region) in key.aliases.iter().flat_map(|alias| {
            let regions = key.regions();
            regions.map(move |region| (alias, region))
        }) {
            if !aliases.insert((&key.account, region, alias)) {
                let what = format!("{alias} is there twice in {region}");
                return Err(SeedError::meaning(what));
            }
        }
    }
    Ok(())
}

fn check_account(id: &str) -> Result<(), SeedError> {
    let parsed: Result<AccountId, _> = id.parse();
    parsed
        .map(drop)
        .map_err(|_| SeedError::meaning(format!("account {id} is not of twelve digits")))
}

fn check_key(key: &SeededKey) -> Result<(), String> {
    if !key.replicas.is_empty() && !key.is_multi_region() {
        return Err("a key with replicas has an ID that begins with mrk-".into());
    }
    let regions: BTreeSet<_> = key.regions().collect();
    if regions.len() != key.replicas.len() + 1 {
        return Err("a region is there twice".into());
    }
    if let Some(policy) = key.policy_text() {
        PolicyDocument::parse(&policy).map_err(|error| error.to_string())?;
    }
    for alias in &key.aliases {
        if !matches!(alias.strip_prefix("alias/"), Some(name) if !name.is_empty()) {
            return Err(format!("{alias} does not begin with alias/"));
        }
    }
    check_materials(key, &regions)
}

fn check_materials(key: &SeededKey, regions: &BTreeSet<&RegionName>) -> Result<(), String> {
    let most = match key.origin.as_str() {
        "EXTERNAL" if key.spec == SYMMETRIC => MATERIALS_MAX,
        "EXTERNAL" | "AWS_KMS" => 1,
        other => return Err(format!("{other} is no origin; AWS_KMS and EXTERNAL are")),
    };
    if key.materials.len() > most {
        return Err(format!("it can have {most} given materials"));
    }
    for material in &key.materials {
        if key.read(material).is_none() {
            return Err(match key.spec.as_str() {
                SYMMETRIC => "material is not 32 bytes in base64".into(),
                spec => format!("material is no key of spec {spec} in base64"),
            });
        }
        let Some(imported) = &material.regions else {
            continue;
        };
        if key.origin != "EXTERNAL" {
            return Err("only EXTERNAL material is imported in some regions".into());
        }
        if let Some(region) = imported.iter().find(|it| !regions.contains(it)) {
            return Err(format!("material in {region}, where the key is not"));
        }
        if !imported.contains(&key.region) {
            return Err("material comes to the primary first, and is not imported there".into());
        }
    }
    Ok(())
}
