//! R8: a region that is cut off from every other still serves all its regional
//! operations, and cryptographic operations on its keys.

use std::collections::BTreeMap;

use meridian_kms::Operation;

use crate::history::{Invoked, Seen};
use crate::sighting::Sighting;
use crate::verdict::{Bench, Kept, Promise};

/// Calls in regions that were cut off.
#[derive(Default)]
pub struct Independence {
    open: BTreeMap<u64, Invoked>,
}

/// What a cluster answers when it could not serve a call.
const NOT_SERVED: [&str; 2] = ["NoLeader", "Unreachable"];

impl Promise for Independence {
    fn name(&self) -> &'static str {
        "R8 independence"
    }

    fn see(&mut self, seen: &Seen, _: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        let (call, sound, why) = match seen {
            Seen::Invoke(call) => {
                // These two ask another region, and say so when it is silent.
                let regional = !matches!(
                    call.operation,
                    Operation::ReplicateKey | Operation::UpdatePrimaryRegion
                );
                if call.cut_off && regional {
                    self.open.insert(call.call, call.clone());
                }
                return Ok(());
            }
            Seen::Ok(returned) => {
                if self.open.remove(&returned.call).is_some() {
                    bench.looked(self.name());
                }
                return Ok(());
            }
            Seen::Fail {
                call, code, sound, ..
            } if NOT_SERVED.contains(&code.as_str()) => (call, sound, code.as_str()),
            Seen::Unknown { call, sound, .. } => (call, sound, "nothing"),
            Seen::Fail { call, .. } => {
                self.open.remove(call);
                return Ok(());
            }
            _ => return Ok(()),
        };
        match self.open.remove(call) {
            Some(call) if *sound => Err(format!(
                "{} is cut off and answers {why} to {}",
                bench.name(call.region),
                call.operation.name()
            )),
            Some(_) | None => Ok(()),
        }
    }
}
