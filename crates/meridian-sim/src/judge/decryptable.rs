//! R2: a ciphertext made in any region decrypts, to what was encrypted, in every
//! other region whose key is usable and has its material.

use std::collections::BTreeMap;

use meridian_kms::Operation;

use crate::judge::history::{Invoked, Seen};
use crate::judge::sighting::Sighting;
use crate::judge::verdict::{Bench, Kept, Promise};

/// Calls of Decrypt that have not ended.
#[derive(Default)]
pub struct Decryptable {
    open: BTreeMap<u64, Invoked>,
}

/// A key that is not here, is not usable or lacks its material here; or a call
/// that never reached the key.
const ALLOWED: [&str; 9] = [
    "AccessDeniedException",
    "DisabledException",
    "InternalError",
    "KMSInternalException",
    "KMSInvalidStateException",
    "NoLeader",
    "NotFoundException",
    "ThrottlingException",
    "Unreachable",
];

impl Promise for Decryptable {
    fn name(&self) -> &'static str {
        "R2 decryptable everywhere"
    }

    fn see(&mut self, seen: &Seen, _: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        match seen {
            Seen::Invoke(call) if call.operation == Operation::Decrypt => {
                self.open.insert(call.call, call.clone());
            }
            Seen::Ok(returned) => {
                let Some(call) = self.open.remove(&returned.call) else {
                    return Ok(());
                };
                bench.looked(self.name());
                let (text, material) = call.ciphertext.clone().unzip();
                if returned.text != text || returned.material != material {
                    return Err(format!(
                        "{} decrypts {text:?} as {:?}",
                        bench.name(call.region),
                        returned.text
                    ));
                }
            }
            Seen::Fail { call, code, .. } => {
                let Some(call) = self.open.remove(call) else {
                    return Ok(());
                };
                if !ALLOWED.contains(&code.as_str()) {
                    let name = bench.name(call.region);
                    let text = call.ciphertext.map(|(text, _)| text);
                    return Err(format!(
                        "{name} answers {code} to the ciphertext of {text:?}"
                    ));
                }
            }
            Seen::Unknown { call, .. } => {
                self.open.remove(call);
            }
            _ => {}
        }
        Ok(())
    }
}
