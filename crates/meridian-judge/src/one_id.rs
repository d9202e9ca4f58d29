//! One ID: the same bytes have one material ID in every region of a set, and
//! other bytes have another.

use std::collections::BTreeMap;

use meridian_crypto::MaterialId;
use meridian_kms::{KeyRef, Operation};

use crate::history::{Invoked, Seen};
use crate::sighting::Sighting;
use crate::verdict::{Bench, Kept, Promise};

/// What has been imported, by the numbers of the bytes.
#[derive(Default)]
pub struct OneId {
    open: BTreeMap<u64, Invoked>,
    ids: BTreeMap<(KeyRef, u64), MaterialId>,
    bytes: BTreeMap<(KeyRef, MaterialId), u64>,
}

impl Promise for OneId {
    fn name(&self) -> &'static str {
        "one ID for the same bytes"
    }

    fn see(&mut self, seen: &Seen, _: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        match seen {
            Seen::Invoke(call) if call.operation == Operation::ImportKeyMaterial => {
                self.open.insert(call.call, call.clone());
            }
            Seen::Ok(returned) => {
                let call = self.open.remove(&returned.call);
                let known =
                    call.and_then(|it| Some((it.region, it.key?, it.bytes.or(returned.bytes)?)));
                if let Some(((region, key, bytes), id)) = known.zip(returned.material) {
                    bench.looked(self.name());
                    return self.imported(region, key, bytes, id, bench);
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

impl OneId {
    fn imported(
        &mut self,
        region: usize,
        key: KeyRef,
        bytes: u64,
        id: MaterialId,
        bench: &Bench<'_>,
    ) -> Kept {
        let here = bench.name(region);
        let before = *self.ids.entry((key, bytes)).or_insert(id);
        if before != id {
            return Err(format!("{here} names {id} what has the ID {before} elsewhere").into());
        }
        let known = *self.bytes.entry((key, id)).or_insert(bytes);
        if known != bytes {
            return Err(format!("{here} names other bytes {id}, too").into());
        }
        Ok(())
    }
}
