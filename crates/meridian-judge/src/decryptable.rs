//! R2: a ciphertext made in any region decrypts, to what was encrypted, in every
//! other region whose key is usable and has its material.

use std::collections::BTreeMap;

use meridian_crypto::MaterialId;
use meridian_kms::{KeyRef, Operation};

use crate::history::{Invoked, REFUSED_BY_FAULT, Seen};
use crate::sighting::Sighting;
use crate::verdict::{Bench, Kept, Promise};

/// Calls of Decrypt that have not ended, and what is current where.
#[derive(Default)]
pub struct Decryptable {
    open: BTreeMap<u64, Invoked>,
    /// Materials that a region has prepared for and not switched to.
    prepared: BTreeMap<(usize, KeyRef), MaterialId>,
}

/// A key that is not here, is not usable or lacks its material here; or a call
/// that never reached the key, or not as it is.
const ALLOWED: [&str; 12] = [
    "AccessDeniedException",
    "DependencyTimeoutException",
    "DisabledException",
    "InternalError",
    "KMSInternalException",
    "KMSInvalidStateException",
    "KeyUnavailableException",
    "NoLeader",
    "NotFoundException",
    REFUSED_BY_FAULT,
    "ThrottlingException",
    "Unreachable",
];

impl Promise for Decryptable {
    fn name(&self) -> &'static str {
        "R2 decryptable everywhere"
    }

    fn see(&mut self, seen: &Seen, _: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        match seen {
            Seen::Invoke(call)
                if call.operation == Operation::Decrypt && call.ciphertext.is_some() =>
            {
                self.open.insert(call.call, call.clone());
            }
            Seen::Ok(returned) => {
                let Some(call) = self.open.remove(&returned.call) else {
                    return Ok(());
                };
                bench.looked(self.name());
                let (text, material) = call.ciphertext.clone().unzip();
                let prepared = call
                    .key
                    .and_then(|key| self.prepared.get(&(call.region, key)));
                if prepared.is_some() && prepared == material.as_ref() {
                    bench.looked("R2, before this region has switched");
                }
                if returned.text != text || returned.material != material {
                    return Err(format!(
                        "{} decrypts {text:?} as {:?}",
                        bench.name(call.region),
                        returned.text
                    )
                    .into());
                }
            }
            Seen::Fail { call, code, .. } => {
                let Some(call) = self.open.remove(call) else {
                    return Ok(());
                };
                // An older view may not know of the material yet.
                if call.as_of_ms.is_none() && !ALLOWED.contains(&code.as_str()) {
                    let name = bench.name(call.region);
                    let text = call.ciphertext.map(|(text, _)| text);
                    return Err(
                        format!("{name} answers {code} to the ciphertext of {text:?}").into(),
                    );
                }
            }
            Seen::Unknown { call, .. } => {
                self.open.remove(call);
            }
            Seen::Saw { region, key, .. } => {
                let place = (*region, key.key);
                match &key.rotation {
                    Some((material, _)) => self.prepared.insert(place, *material),
                    None => self.prepared.remove(&place),
                };
            }
            _ => {}
        }
        Ok(())
    }
}
