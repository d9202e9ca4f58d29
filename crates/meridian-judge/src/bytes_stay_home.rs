//! R6: imported material crosses no region boundary in any form.

use std::collections::BTreeSet;

use meridian_kms::KeyRef;

use crate::history::Seen;
use crate::sighting::Sighting;
use crate::verdict::{Bench, Kept, Promise};

/// The keys whose material is imported.
#[derive(Default)]
pub struct BytesStayHome {
    external: BTreeSet<KeyRef>,
}

impl Promise for BytesStayHome {
    fn name(&self) -> &'static str {
        "R6 bytes stay home"
    }

    fn see(&mut self, seen: &Seen, _: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        match seen {
            Seen::Saw { key, .. } if key.external => {
                self.external.insert(key.key);
                Ok(())
            }
            Seen::Told {
                from,
                key,
                sealed,
                canary,
                ..
            } if self.external.contains(key) => {
                bench.looked(self.name());
                let from = bench.name(*from);
                if *canary {
                    return Err(
                        format!("a fact of {from} about {key} has bytes of material").into(),
                    );
                }
                if *sealed > 0 {
                    return Err(format!("a fact of {from} about {key} carries material").into());
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
