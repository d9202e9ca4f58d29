//! R8: a region that is cut off from every other, or whose links are all slow,
//! lossy or held, still serves all its regional operations, and cryptographic
//! operations on its keys.

use std::collections::BTreeMap;

use meridian_kms::Operation;

use crate::history::Seen;
use crate::sighting::Sighting;
use crate::verdict::{Bench, Kept, Promise};

/// A call in such a region.
struct Alone {
    region: usize,
    operation: Operation,
    cut_off: bool,
}

/// Calls in regions that could not count on others.
#[derive(Default)]
pub struct Independence {
    open: BTreeMap<u64, Alone>,
}

const NAME: &str = "R8 independence";
const BAD_LINKS: &str = "R8, every link disturbed";

/// What a cluster answers when it could not serve a call.
const NOT_SERVED: [&str; 2] = ["NoLeader", "Unreachable"];

impl Promise for Independence {
    fn name(&self) -> &'static str {
        NAME
    }

    fn see(&mut self, seen: &Seen, _: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        let regions = bench.regions.len();
        let (call, sound, why) = match seen {
            Seen::Invoke(call) => {
                // These two ask another region, and say so when it is silent.
                let regional = !matches!(
                    call.operation,
                    Operation::ReplicateKey | Operation::UpdatePrimaryRegion
                );
                let surrounded = || bench.disturbances.surround(call.region, regions);
                if regional && (call.cut_off || surrounded()) {
                    let alone = Alone {
                        region: call.region,
                        operation: call.operation,
                        cut_off: call.cut_off,
                    };
                    self.open.insert(call.call, alone);
                }
                return Ok(());
            }
            Seen::Ok(returned) => {
                if let Some(call) = self.open.remove(&returned.call) {
                    bench.looked(if call.cut_off { NAME } else { BAD_LINKS });
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
                "{} can reach no other region in time, and answers {why} to {}",
                bench.name(call.region),
                call.operation.name()
            )
            .into()),
            Some(_) | None => Ok(()),
        }
    }
}
