//! `KeptKeys`: the signing keys of one access key that were derived before.

use std::sync::{Mutex, PoisonError};

use super::key::{HmacSha256, Scope, signing_key};

/// Regions for which signing keys are kept, at most.
const REGIONS_MAX: usize = 32;

/// The newest signing key for each region and service in which an access key is
/// used. They live as long as the access key, and no longer than a key of
/// another day is asked for; they cannot be printed, and are wiped.
#[derive(Default)]
pub(crate) struct KeptKeys(Mutex<Vec<Kept>>);

struct Kept {
    day: String,
    region: String,
    service: String,
    /// Apart, so that a list that grows leaves no copy of it behind.
    key: Box<HmacSha256>,
}

impl KeptKeys {
    /// The signing key of this secret, which is always the same one.
    pub(crate) fn signing_key(&self, secret: &[u8], scope: Scope<'_>) -> HmacSha256 {
        let [day, region, service] = scope;
        // Nothing breaks halfway: a list is whole after every step.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all
            .iter_mut()
            .find(|it| it.region == region && it.service == service);
        match found {
            Some(kept) if kept.day == day => return HmacSha256::clone(&kept.key),
            Some(kept) => {
                *kept.key = signing_key(secret, scope);
                kept.day = day.to_owned();
                return HmacSha256::clone(&kept.key);
            }
            None => {}
        }
        let key = Box::new(signing_key(secret, scope));
        if all.len() == REGIONS_MAX {
            all.remove(0);
        }
        all.push(Kept {
            day: day.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            key: key.clone(),
        });
        *key
    }
}

#[cfg(test)]
mod tests {
    use hmac::Mac as _;
    use zeroize::ZeroizeOnDrop;

    use super::*;

    const SECRET: &[u8] = b"secret";

    fn mac(key: HmacSha256) -> Vec<u8> {
        key.chain_update(b"message")
            .finalize()
            .into_bytes()
            .to_vec()
    }

    #[test]
    fn a_kept_key_is_the_one_that_would_be_derived() {
        let kept = KeptKeys::default();
        for _ in 0..2 {
            for day in ["20260101", "20260102"] {
                for region in ["us-east-1", "eu-west-1"] {
                    for service in ["kms", "sts"] {
                        let scope = [day, region, service];
                        let expected = mac(signing_key(SECRET, scope));
                        assert_eq!(mac(kept.signing_key(SECRET, scope)), expected);
                        assert_eq!(mac(kept.signing_key(SECRET, scope)), expected);
                    }
                }
            }
        }
        assert_eq!(kept.0.lock().unwrap().len(), 4, "one day is kept");
    }

    #[test]
    fn a_key_is_derived_once() {
        let kept = KeptKeys::default();
        let scope = ["20260101", "us-east-1", "kms"];
        let first = mac(kept.signing_key(SECRET, scope));
        // The secret of an access key never changes; here it tells which was used.
        assert_eq!(mac(kept.signing_key(b"another", scope)), first);
        let tomorrow = ["20260102", "us-east-1", "kms"];
        assert_ne!(mac(kept.signing_key(b"another", tomorrow)), first);
    }

    #[test]
    fn no_more_than_so_many_are_kept() {
        let kept = KeptKeys::default();
        for number in 0..2 * REGIONS_MAX {
            let region = format!("region-{number}");
            kept.signing_key(SECRET, ["20260101", &region, "kms"]);
        }
        let all = kept.0.lock().unwrap();
        assert_eq!(all.len(), REGIONS_MAX);
        assert_eq!(all[REGIONS_MAX - 1].region, "region-63");
    }

    #[test]
    fn what_is_kept_is_wiped() {
        // An HMAC is made of two states of its hash, which are all that it holds.
        fn wiped<T: ZeroizeOnDrop>() {}
        wiped::<sha2::Sha256>();
    }
}
