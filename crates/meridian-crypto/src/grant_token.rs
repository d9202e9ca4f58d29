//! GrantToken: which grant its holder means, said in a form that only the
//! grant's region can have made.
//!
//! A region remembers no tokens; it opens what it is shown. A durable format:
//! version byte, nonce, then under AES-256-GCM the grant's ID (32 bytes) and
//! the key's name to the end.

use crate::Entropy;
use crate::aead::Aead;

const VERSION: u8 = 1;

/// The grant that a token stands for. Every token of a grant is different and
/// means the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantToken {
    /// The grant's ID.
    pub grant: [u8; 32],
    /// The key that the grant is for, as the region names it.
    pub key: String,
}

impl GrantToken {
    pub(crate) fn seal(&self, key: &Aead, entropy: &mut dyn Entropy) -> Vec<u8> {
        let mut out = vec![VERSION];
        let inside = [&self.grant, self.key.as_bytes()].concat();
        key.seal(&[VERSION], &inside, entropy, &mut out);
        out
    }

    pub(crate) fn open(key: &Aead, bytes: &[u8]) -> Option<GrantToken> {
        let (&version, sealed) = bytes.split_first()?;
        if version != VERSION {
            return None;
        }
        let inside = key.open(&[VERSION], sealed)?;
        let (grant, key) = inside.split_first_chunk()?;
        Some(GrantToken {
            grant: *grant,
            key: String::from_utf8(key.to_vec()).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClusterSecret, RootKey, SeededEntropy, Vault};

    /// A token of the vault below: these bytes stay readable.
    const GOLDEN: &str = include_str!("../tests/golden/grant_token_v1.hex");

    fn vault(region: &str) -> Vault {
        let root = RootKey::from_bytes(&[1; 32]).unwrap();
        let cluster = ClusterSecret::from_bytes(&[2; 32]).unwrap();
        Vault::new(region, root, cluster)
    }

    fn token() -> GrantToken {
        GrantToken {
            grant: [7; 32],
            key: "111122223333/mrk-1234abcd12ab34cd56ef1234567890ab".into(),
        }
    }

    #[test]
    fn a_token_is_read_and_written_as_ever() {
        let vault = vault("us-east-1");
        let sealed = vault.seal_grant_token(&token(), &mut SeededEntropy::new(1));
        assert_eq!(hex::encode(sealed), GOLDEN.trim());
        let golden = hex::decode(GOLDEN.trim()).unwrap();
        assert_eq!(vault.open_grant_token(&golden), Some(token()));
    }

    #[test]
    fn two_tokens_of_a_grant_differ_and_mean_the_same() {
        let (vault, mut entropy) = (vault("us-east-1"), SeededEntropy::new(1));
        let one = vault.seal_grant_token(&token(), &mut entropy);
        let other = vault.seal_grant_token(&token(), &mut entropy);
        assert_ne!(one, other);
        assert_eq!(vault.open_grant_token(&one), vault.open_grant_token(&other));
    }

    #[test]
    fn no_altered_shortened_or_foreign_token_opens() {
        let (here, there) = (vault("us-east-1"), vault("eu-west-1"));
        let sealed = here.seal_grant_token(&token(), &mut SeededEntropy::new(1));
        assert_eq!(there.open_grant_token(&sealed), None);
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert_eq!(here.open_grant_token(&altered), None, "byte {at}");
            assert_eq!(here.open_grant_token(&sealed[..at]), None, "{at} bytes");
        }
    }

    #[test]
    fn a_grant_id_follows_from_its_parts_and_from_where_they_end() {
        let vault = vault("us-east-1");
        let id = vault.grant_id(&[b"ab", b"c"]);
        assert_eq!(id, vault.grant_id(&[b"ab", b"c"]));
        assert_ne!(id, vault.grant_id(&[b"a", b"bc"]));
    }
}
