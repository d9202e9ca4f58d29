//! R1: no region encrypts under a material unless every member of the set held
//! its bytes when the rotation was accepted, and has committed the acceptance
//! since.

use std::collections::BTreeSet;

use meridian_crypto::MaterialId;
use meridian_kms::KeyRef;
use meridian_kms::key_set::Version;

use crate::history::Seen;
use crate::sighting::Sighting;
use crate::verdict::{Bench, Kept, Promise};

/// A material as one registration in one key.
type Registered = (KeyRef, MaterialId, Version);

/// Where bytes were seen, and what may encrypt.
#[derive(Default)]
pub struct ImportBeforeRotate {
    held: BTreeSet<(usize, Registered)>,
    /// Where a material was ready to decrypt.
    ready: BTreeSet<(usize, Registered)>,
    may_encrypt: BTreeSet<(KeyRef, MaterialId)>,
}

impl Promise for ImportBeforeRotate {
    fn name(&self) -> &'static str {
        "R1 import before rotate"
    }

    fn see(&mut self, seen: &Seen, last: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        let Seen::Saw { region, key, .. } = seen else {
            return Ok(());
        };
        self.remember(*region, key);
        self.accept(*region, last, key, bench)?;
        self.switch(*region, last, key, bench)
    }
}

impl ImportBeforeRotate {
    fn remember(&mut self, region: usize, key: &Sighting) {
        let rotating_to = key.rotation.as_ref().map(|(material, _)| *material);
        for material in &key.materials {
            let registered = (key.key, material.id, material.registered);
            if material.held {
                self.held.insert((region, registered));
            }
            let known = material.state.is_permanent() || rotating_to == Some(material.id);
            if known && (material.held || key.external) {
                self.ready.insert((region, registered));
            }
        }
    }

    fn accept(
        &self,
        region: usize,
        last: Option<&Sighting>,
        key: &Sighting,
        bench: &mut Bench<'_>,
    ) -> Kept {
        let was_running = last.is_some_and(|last| last.rotation.is_some());
        let Some((material, members)) = &key.rotation else {
            return Ok(());
        };
        if !key.author || was_running || !key.external {
            return Ok(());
        }
        bench.looked("R1 import before rotate");
        bench.looked("R1, at accept");
        let members = members.keys().map(|name| bench.place(name));
        for member in members.chain([Some(region)]) {
            if !self.saw(&self.held, member, key, material) {
                let name = member.map(|member| bench.name(member).to_string());
                return Err(format!(
                    "{} rotates to {material}, {} never held it",
                    bench.name(region),
                    name.unwrap_or_default()
                )
                .into());
            }
        }
        Ok(())
    }

    fn switch(
        &mut self,
        region: usize,
        last: Option<&Sighting>,
        key: &Sighting,
        bench: &mut Bench<'_>,
    ) -> Kept {
        let Some(current) = key.current() else {
            return Ok(());
        };
        if self.may_encrypt.contains(&(key.key, current.id)) {
            return Ok(());
        }
        let here = bench.name(region).clone();
        if !key.author {
            return Err(format!("{here} encrypts under {} before its primary", current.id).into());
        }
        let first = key.materials.first().is_some_and(|it| it.id == current.id);
        if !first || current.rotated {
            bench.looked("R1 import before rotate");
            bench.looked("R1, at switch");
            let running = last.and_then(|last| last.rotation.as_ref());
            let members = match running {
                Some((material, members)) if *material == current.id => members,
                Some(_) | None => &key.replicas,
            };
            for (name, joined) in members {
                let member = bench.place(name);
                let still = key.replicas.get(name) == Some(joined);
                if still && !self.saw(&self.ready, member, key, &current.id) {
                    let id = current.id;
                    return Err(format!("{here} switched to {id}, {name} is not prepared").into());
                }
            }
        }
        self.may_encrypt.insert((key.key, current.id));
        Ok(())
    }

    fn saw(
        &self,
        seen: &BTreeSet<(usize, Registered)>,
        region: Option<usize>,
        key: &Sighting,
        id: &MaterialId,
    ) -> bool {
        let Some((region, material)) = region.zip(key.material(id)) else {
            return false;
        };
        seen.contains(&(region, (key.key, *id, material.registered)))
    }
}
