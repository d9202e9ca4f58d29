//! 32 secret bytes, and the two secrets a vault is made from.

use zeroize::Zeroizing;

use crate::Entropy;

/// Length in bytes of material, root keys and cluster secrets.
pub(crate) const SECRET_LEN: usize = 32;

/// Exactly 32 secret bytes, wiped on drop.
///
/// On the heap, so that moving the value leaves no copy behind on the stack.
pub(crate) struct Secret(Box<Zeroizing<[u8; SECRET_LEN]>>);

impl Secret {
    pub(crate) fn generate(entropy: &mut dyn Entropy) -> Self {
        let mut secret = Self::zeroed();
        entropy.fill(&mut secret.0[..]);
        secret
    }

    /// `None` unless there are exactly 32 bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != SECRET_LEN {
            return None;
        }
        let mut secret = Self::zeroed();
        secret.0.copy_from_slice(bytes);
        Some(secret)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; SECRET_LEN] {
        &self.0
    }

    fn zeroed() -> Self {
        Self(Box::new(Zeroizing::new([0; SECRET_LEN])))
    }
}

/// What a region's material is sealed under at rest: 32 bytes, shared by the
/// nodes of one region and by nobody else. Wiped on drop.
pub struct RootKey(Secret);

impl RootKey {
    /// A fresh root key.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        Self(Secret::generate(entropy))
    }

    /// The root key with these bytes; `None` unless there are exactly 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Secret::from_bytes(bytes).map(Self)
    }

    /// The secret bytes, for writing the key file.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

/// What all regions of a cluster share: material ids and the keys of the links
/// between regions follow from it. 32 bytes, wiped on drop.
pub struct ClusterSecret(Secret);

impl ClusterSecret {
    /// A fresh cluster secret.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        Self(Secret::generate(entropy))
    }

    /// The cluster secret with these bytes; `None` unless there are exactly 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Secret::from_bytes(bytes).map(Self)
    }

    /// The secret bytes, for writing the key file.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededEntropy;

    #[test]
    fn a_key_file_gives_back_the_same_secrets() {
        let mut entropy = SeededEntropy::new(1);
        let root = RootKey::generate(&mut entropy);
        let cluster = ClusterSecret::generate(&mut entropy);
        assert_ne!(root.as_bytes(), cluster.as_bytes());
        assert_eq!(
            RootKey::from_bytes(root.as_bytes()).unwrap().as_bytes(),
            root.as_bytes()
        );
        assert_eq!(
            ClusterSecret::from_bytes(cluster.as_bytes())
                .unwrap()
                .as_bytes(),
            cluster.as_bytes()
        );
    }

    #[test]
    fn a_secret_has_exactly_32_bytes() {
        for length in [0, 16, 31, 33, 64] {
            assert!(RootKey::from_bytes(&vec![1; length]).is_none(), "{length}");
            assert!(
                ClusterSecret::from_bytes(&vec![1; length]).is_none(),
                "{length}"
            );
        }
    }
}
