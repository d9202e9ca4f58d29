//! Vault: a region's root key and what is done with it.

use std::sync::Arc;

use crate::aead::Aead;
use crate::grant_token::GrantToken;
use crate::import_token::{ImportToken, TokenError};
use crate::keyed_hash::{KeyedHash, length_prefix};
use crate::opened::Opened;
use crate::sealed_secret::{self, SealedSecret};
use crate::{ClusterSecret, Entropy, HotMaterial, KeyId, Material, MaterialId, RootKey, Sealed};
use zeroize::Zeroizing;

/// Seals and opens a region's material. Every node of a region holds an equal
/// one; regions share only the cluster secret.
///
/// Sealed bytes are bound to the key id, the material id, and either the region
/// they rest in or the two regions they travel between: moved anywhere else,
/// they do not open.
pub struct Vault {
    region: Box<str>,
    at_rest: Aead,
    tokens: Aead,
    grant_tokens: Aead,
    secrets: Aead,
    root_check: [u8; 8],
    cluster: KeyedHash,
    opened: Opened,
}

/// What [`Vault::check_values`] are made for.
const CHECK: &str = "meridian check value v1";

/// Why sealed material gives no material.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Altered, or sealed for another key, material, region or cluster.
    #[error("sealed material was altered or is not for this key, material and region")]
    NotAuthentic,
    /// Authentic, but its bytes do not have the id they were sealed under.
    #[error("sealed material does not have the material id it was sealed under")]
    WrongMaterial,
}

impl Vault {
    /// The vault of `region`. The secrets themselves are wiped; only keys made
    /// from them are kept.
    pub fn new(region: &str, root: RootKey, cluster: ClusterSecret) -> Self {
        let root = KeyedHash::new(root.as_bytes());
        let key = |purpose| Aead::new(&root.derive(purpose, &[region.as_bytes()]));
        Self {
            region: region.into(),
            at_rest: key("meridian at rest v1"),
            tokens: key("meridian import token v1"),
            grant_tokens: key("meridian grant token v1"),
            secrets: key("meridian secret v1"),
            root_check: check_value(&root, region),
            cluster: KeyedHash::new(cluster.as_bytes()),
            opened: Opened::default(),
        }
    }

    /// Tells one root key, and one cluster secret, from another, and nothing else of
    /// them: eight bytes each.
    pub fn check_values(&self) -> [[u8; 8]; 2] {
        [self.root_check, check_value(&self.cluster, &self.region)]
    }

    /// The id of this material in this key: the same in every region of the
    /// cluster, and different for another key that holds the same bytes.
    ///
    /// One private key has one id, however it is encoded.
    ///
    /// AWS promises those properties and does not publish its hash. It is keyed
    /// here because the bytes of a test key may be easy to guess.
    // fidelity: assumed
    pub fn material_id(&self, key_id: &KeyId, material: &Material) -> MaterialId {
        self.id_of(key_id, material.identity())
    }

    fn id_of(&self, key_id: &KeyId, identity: &[u8]) -> MaterialId {
        let key_id = key_id.to_string();
        let parts: [&[u8]; 3] = [b"kmid-v1", key_id.as_bytes(), identity];
        MaterialId::from_bytes(self.cluster.digest(&parts))
    }

    fn check_id(&self, key_id: &KeyId, identity: &[u8], id: &MaterialId) -> Result<(), VaultError> {
        match self.id_of(key_id, identity) == *id {
            true => Ok(()),
            false => Err(VaultError::WrongMaterial),
        }
    }

    /// Seals material for rest in this region. `id` must be the material's own,
    /// from [`material_id`](Self::material_id), or it will not open.
    pub fn seal(
        &self,
        key_id: &KeyId,
        id: &MaterialId,
        material: &Material,
        entropy: &mut dyn Entropy,
    ) -> Sealed {
        seal_with(&self.at_rest, key_id, id, material, entropy)
    }

    /// Opens material at rest in this region, or finds it already opened.
    ///
    /// # Errors
    /// [`VaultError`] unless this very material was sealed here under this key
    /// and id.
    pub fn open(
        &self,
        key_id: &KeyId,
        id: &MaterialId,
        sealed: &Sealed,
    ) -> Result<Arc<HotMaterial>, VaultError> {
        if let Some(hot) = self.opened.get(key_id, id, sealed) {
            return Ok(hot);
        }
        let bytes = unseal(&self.at_rest, key_id, id, sealed)?;
        let hot = HotMaterial::read(sealed.spec(), &bytes).ok_or(VaultError::NotAuthentic)?;
        self.check_id(key_id, hot.identity(&bytes), id)?;
        let hot = Arc::new(hot);
        self.opened.put(key_id, id, sealed, &hot);
        Ok(hot)
    }

    /// Drops what [`open`](Self::open) remembers of this material; it is wiped
    /// when the requests that are using it end. For material that was deleted
    /// or has expired: whether it may still be used is the key's state to say.
    pub fn forget(&self, key_id: &KeyId, id: &MaterialId) {
        self.opened.remove(key_id, id);
    }

    /// Seals material at rest here for the journey to `to_region`.
    ///
    /// # Errors
    /// [`VaultError`] if it does not open here.
    pub fn seal_for_region(
        &self,
        to_region: &str,
        key_id: &KeyId,
        id: &MaterialId,
        sealed: &Sealed,
        entropy: &mut dyn Entropy,
    ) -> Result<Sealed, VaultError> {
        let material = self.open_with(&self.at_rest, key_id, id, sealed)?;
        let link = self.link(&self.region, to_region);
        Ok(seal_with(&link, key_id, id, &material, entropy))
    }

    /// Seals for rest here what `from_region` sealed for the journey to here.
    ///
    /// # Errors
    /// [`VaultError`] unless it was sealed there, for here, under this key and id.
    pub fn accept_from_region(
        &self,
        from_region: &str,
        key_id: &KeyId,
        id: &MaterialId,
        sealed: &Sealed,
        entropy: &mut dyn Entropy,
    ) -> Result<Sealed, VaultError> {
        let link = self.link(from_region, &self.region);
        let material = self.open_with(&link, key_id, id, sealed)?;
        Ok(self.seal(key_id, id, &material, entropy))
    }

    /// The token of `GetParametersForImport`, opaque to its holder: at most
    /// 6144 bytes, as AWS promises, for key ARNs that AWS allows.
    ///
    /// # Panics
    /// If the key ARN is longer than 65535 bytes.
    pub fn seal_token(&self, token: &ImportToken, entropy: &mut dyn Entropy) -> Vec<u8> {
        token.seal(&self.tokens, entropy)
    }

    /// Reads a token that any node of this region sealed. Whose key it is for
    /// and whether it has expired is left to the caller.
    ///
    /// # Errors
    /// [`TokenError`] for bytes that no node of this region sealed.
    pub fn open_token(&self, bytes: &[u8]) -> Result<ImportToken, TokenError> {
        ImportToken::open(&self.tokens, bytes)
    }

    /// The ID of a grant that follows from these parts and from nothing else:
    /// a repeated request names the same grant.
    pub fn grant_id(&self, parts: &[&[u8]]) -> [u8; 32] {
        *self.cluster.derive("meridian grant id v1", parts)
    }

    /// A token of a grant, opaque to its holder.
    pub fn seal_grant_token(&self, token: &GrantToken, entropy: &mut dyn Entropy) -> Vec<u8> {
        token.seal(&self.grant_tokens, entropy)
    }

    /// Reads a token that any node of this region sealed; nothing for other
    /// bytes. Whether the grant still exists is left to the caller.
    pub fn open_grant_token(&self, bytes: &[u8]) -> Option<GrantToken> {
        GrantToken::open(&self.grant_tokens, bytes)
    }

    /// Seals a secret text, such as a password, for rest in this region and for
    /// its owner alone.
    pub fn seal_secret(
        &self,
        owner: &str,
        secret: &[u8],
        entropy: &mut dyn Entropy,
    ) -> SealedSecret {
        let mut bytes = vec![sealed_secret::VERSION];
        self.secrets
            .seal(owner.as_bytes(), secret, entropy, &mut bytes);
        SealedSecret::from_bytes(&bytes).expect("version, nonce and tag are a sealed secret")
    }

    /// Opens a secret text for its owner.
    ///
    /// # Errors
    /// [`VaultError`] unless it was sealed here for this owner.
    pub fn open_secret(
        &self,
        owner: &str,
        sealed: &SealedSecret,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.secrets
            .open(owner.as_bytes(), sealed.body())
            .ok_or(VaultError::NotAuthentic)
    }

    fn open_with(
        &self,
        key: &Aead,
        key_id: &KeyId,
        id: &MaterialId,
        sealed: &Sealed,
    ) -> Result<Material, VaultError> {
        let bytes = unseal(key, key_id, id, sealed)?;
        let material = Material::read(sealed.spec(), &bytes).ok_or(VaultError::NotAuthentic)?;
        self.check_id(key_id, material.identity(), id)?;
        Ok(material)
    }

    fn link(&self, from: &str, to: &str) -> Aead {
        Aead::new(
            &self
                .cluster
                .derive("meridian link v1", &[from.as_bytes(), to.as_bytes()]),
        )
    }
}

fn check_value(secret: &KeyedHash, region: &str) -> [u8; 8] {
    let derived = secret.derive(CHECK, &[region.as_bytes()]);
    let (value, _) = derived.split_first_chunk().expect("a secret has 32 bytes");
    *value
}

fn seal_with(
    key: &Aead,
    key_id: &KeyId,
    id: &MaterialId,
    material: &Material,
    entropy: &mut dyn Entropy,
) -> Sealed {
    let head = Sealed::head_for(material.spec());
    let mut bytes = head.clone();
    key.seal(
        &binding(&head, key_id, id),
        material.as_bytes(),
        entropy,
        &mut bytes,
    );
    Sealed::from_bytes(&bytes).expect("head, nonce, material and tag are a sealed form")
}

fn unseal(
    key: &Aead,
    key_id: &KeyId,
    id: &MaterialId,
    sealed: &Sealed,
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    key.open(&binding(sealed.head(), key_id, id), sealed.body())
        .ok_or(VaultError::NotAuthentic)
}

/// What sealed bytes are bound to besides the key that sealed them.
fn binding(head: &[u8], key_id: &KeyId, id: &MaterialId) -> Vec<u8> {
    let key_id = key_id.to_string();
    let key_id = key_id.as_bytes();
    [
        head,
        length_prefix(key_id).as_slice(),
        key_id,
        id.as_bytes(),
    ]
    .concat()
}

#[cfg(test)]
mod tests;
