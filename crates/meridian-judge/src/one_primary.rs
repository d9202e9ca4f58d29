//! R4: in one epoch exactly one region may author a set's shared properties.

use std::collections::BTreeMap;

use meridian_kms::KeyRef;

use crate::history::Seen;
use crate::sighting::Sighting;
use crate::verdict::{Bench, Kept, Promise};

/// Who authored which epoch.
#[derive(Default)]
pub struct OnePrimary {
    authors: BTreeMap<(KeyRef, u64), usize>,
}

impl Promise for OnePrimary {
    fn name(&self) -> &'static str {
        "R4 one primary"
    }

    fn see(&mut self, seen: &Seen, _: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        let Seen::Saw { region, key, .. } = seen else {
            return Ok(());
        };
        if !key.author {
            return Ok(());
        }
        bench.looked(self.name());
        let epoch = key.version.epoch;
        let author = *self.authors.entry((key.key, epoch)).or_insert(*region);
        if author == *region {
            return Ok(());
        }
        Err(format!(
            "{} and {} are both primary of {} in epoch {epoch}",
            bench.name(author),
            bench.name(*region),
            key.key
        )
        .into())
    }
}
