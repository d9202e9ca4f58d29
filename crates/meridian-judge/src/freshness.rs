//! Freshness: a read that may be answered from an older view is not answered
//! from one that is older than allowed.
//!
//! Looked at where a view shows its age: Encrypt answers with the material that
//! was current in it. For what DescribeKey shows, linearizability takes the same
//! allowance into account.

use std::collections::BTreeMap;

use meridian_crypto::MaterialId;
use meridian_kms::key_set::Version;
use meridian_kms::{KeyRef, Operation};

use crate::history::{Invoked, Seen};
use crate::sighting::Sighting;
use crate::verdict::{Bench, Kept, Promise};

/// A material by the version that registered it.
type Current = (Version, MaterialId);

/// Calls of Encrypt that may lag, and since when each material was current.
#[derive(Default)]
pub struct Freshness {
    open: BTreeMap<u64, Invoked>,
    /// Oldest first, with the time in virtual milliseconds.
    current: BTreeMap<(usize, KeyRef), Vec<(i64, Current)>>,
}

impl Promise for Freshness {
    fn name(&self) -> &'static str {
        "no read is staler than allowed"
    }

    fn see(&mut self, seen: &Seen, _: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        match seen {
            Seen::Saw { region, key, .. } => {
                let of_key = self.current.entry((*region, key.key)).or_default();
                if let Some(it) = key.current()
                    && of_key.last().is_none_or(|(_, (_, id))| *id != it.id)
                {
                    of_key.push((bench.now_ms, (it.registered, it.id)));
                }
            }
            Seen::Gone { region, key, .. } => {
                self.current.remove(&(*region, *key));
            }
            Seen::Invoke(call)
                if call.operation == Operation::Encrypt && call.as_of_ms.is_some() =>
            {
                self.open.insert(call.call, call.clone());
            }
            Seen::Ok(returned) => {
                let call = self.open.remove(&returned.call);
                if let Some((call, material)) = call.zip(returned.material) {
                    return self.answered(&call, material, bench);
                }
            }
            Seen::Fail { call, .. } | Seen::Unknown { call, .. } => {
                self.open.remove(call);
            }
            _ => {}
        }
        Ok(())
    }
}

impl Freshness {
    fn answered(&self, call: &Invoked, material: MaterialId, bench: &mut Bench<'_>) -> Kept {
        let Some((key, as_of_ms)) = call.key.zip(call.as_of_ms) else {
            return Ok(());
        };
        let Some(all) = self.current.get(&(call.region, key)) else {
            return Ok(());
        };
        // What became current at that very time may already be too new.
        let older = all.partition_point(|(ms, _)| *ms < as_of_ms);
        let used = all.iter().find(|(_, (_, id))| *id == material);
        let Some((used, least)) = used.zip(older.checked_sub(1).map(|index| all[index])) else {
            return Ok(());
        };
        bench.looked("no read is staler than allowed");
        if used.1.0 >= least.1.0 {
            return Ok(());
        }
        Err(format!(
            "{} encrypts under {material}, which was not current any more when its view may \
             have been the newest, at {as_of_ms} ms",
            bench.name(call.region)
        )
        .into())
    }
}
