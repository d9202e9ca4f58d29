//! Opened: what a vault has opened lately, so that requests need not.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use crate::{HotMaterial, KeyId, MaterialId, Sealed};

/// Most pieces of material remembered at once.
const ENTRIES_MAX: usize = 4096;

/// Opened material by id. A hit holds a read lock for one look-up.
#[derive(Default)]
pub(crate) struct Opened(RwLock<BTreeMap<MaterialId, Entry>>);

/// The whole question is kept with the answer: a hit is only ever the answer to
/// exactly the same question, so nothing is skipped that opening would check.
struct Entry {
    key_id: KeyId,
    sealed: Sealed,
    hot: Arc<HotMaterial>,
}

impl Opened {
    pub(crate) fn get(
        &self,
        key_id: &KeyId,
        id: &MaterialId,
        sealed: &Sealed,
    ) -> Option<Arc<HotMaterial>> {
        // No code panics while it holds the lock, so a poisoned map is whole.
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(id)?;
        (entry.key_id == *key_id && entry.sealed == *sealed).then(|| Arc::clone(&entry.hot))
    }

    /// Remembers. When full it forgets one other, the next by ID, which is as
    /// good as drawn: an order of use would cost every hit.
    pub(crate) fn put(
        &self,
        key_id: &KeyId,
        id: &MaterialId,
        sealed: &Sealed,
        hot: &Arc<HotMaterial>,
    ) {
        let entry = Entry {
            key_id: *key_id,
            sealed: sealed.clone(),
            hot: Arc::clone(hot),
        };
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= ENTRIES_MAX && !entries.contains_key(id) {
            let after = (Bound::Excluded(*id), Bound::Unbounded);
            let next = entries.range(after).next().or(entries.iter().next());
            if let Some(victim) = next.map(|(victim, _)| *victim) {
                entries.remove(&victim);
            }
        }
        entries.insert(*id, entry);
    }

    pub(crate) fn remove(&self, key_id: &KeyId, id: &MaterialId) {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if entries.get(id).is_some_and(|entry| entry.key_id == *key_id) {
            entries.remove(id);
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.read().unwrap().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Material, SeededEntropy};

    fn sealed(byte: u8) -> Sealed {
        let mut bytes = [byte; 61];
        bytes[0] = crate::sealed::SYMMETRIC;
        Sealed::from_bytes(&bytes).unwrap()
    }

    fn key() -> KeyId {
        KeyId::from_random([1; 16], true)
    }

    fn other() -> KeyId {
        KeyId::from_random([2; 16], true)
    }

    fn hot() -> Arc<HotMaterial> {
        Arc::new(HotMaterial::new(&Material::generate(
            &mut SeededEntropy::new(1),
        )))
    }

    #[test]
    fn only_the_same_key_id_and_sealed_bytes_hit() {
        let opened = Opened::default();
        let id = MaterialId::from_bytes([1; 32]);
        let hot = hot();
        opened.put(&key(), &id, &sealed(1), &hot);
        assert!(Arc::ptr_eq(
            &opened.get(&key(), &id, &sealed(1)).unwrap(),
            &hot
        ));
        assert!(opened.get(&other(), &id, &sealed(1)).is_none());
        assert!(
            opened
                .get(&key(), &MaterialId::from_bytes([2; 32]), &sealed(1))
                .is_none()
        );
        assert!(opened.get(&key(), &id, &sealed(2)).is_none());
    }

    #[test]
    fn what_is_removed_is_dropped_and_wiped() {
        let opened = Opened::default();
        let id = MaterialId::from_bytes([1; 32]);
        let hot = hot();
        opened.put(&key(), &id, &sealed(1), &hot);
        opened.remove(&other(), &id);
        assert_eq!(Arc::strong_count(&hot), 2);
        opened.remove(&key(), &id);
        assert_eq!(Arc::strong_count(&hot), 1);
        assert!(opened.get(&key(), &id, &sealed(1)).is_none());
    }

    #[test]
    fn memory_is_bounded_and_the_newest_is_kept() {
        let opened = Opened::default();
        let hot = hot();
        let id = |number: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            MaterialId::from_bytes(bytes)
        };
        for number in 0..=ENTRIES_MAX {
            opened.put(&key(), &id(number), &sealed(1), &hot);
            assert!(opened.len() <= ENTRIES_MAX);
            assert!(opened.get(&key(), &id(number), &sealed(1)).is_some());
        }
        assert_eq!(opened.len(), ENTRIES_MAX, "only one was forgotten");
    }
}
