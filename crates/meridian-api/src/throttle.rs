//! `Throttle`: refuses what an account asks for too fast.
//!
//! Each quota is a token bucket that holds one second's worth, and at least one
//! request. A port counts by itself: a cluster of many processes allows as many
//! times more.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use meridian_kms::{AccountId, ErrorCode, KmsError, RegionName, Request};

use crate::quota::{Quota, charges};

/// Buckets that are kept before full ones are thrown away for the first time.
const BUCKETS_MAX: usize = 10_000;

/// Request quotas at work.
pub struct Throttle {
    factor: f64,
    started: Instant,
    buckets: Mutex<Buckets>,
}

struct Buckets {
    all: BTreeMap<Key, Bucket>,
    /// With more than these, full ones are thrown away.
    swept_above: usize,
}

type Key = (RegionName, AccountId, Quota);

/// What is left of a quota, as it was at a time.
#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Duration,
}

impl Throttle {
    /// AWS's quotas times a factor, which is more than 0.
    pub fn new(factor: f64) -> Throttle {
        Throttle {
            factor,
            started: Instant::now(),
            buckets: Mutex::new(Buckets {
                all: BTreeMap::new(),
                swept_above: BUCKETS_MAX,
            }),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// ThrottlingException.
    pub(crate) fn admit(
        &self,
        region: &RegionName,
        account: AccountId,
        request: &Request,
    ) -> Result<(), KmsError> {
        self.admit_at(self.started.elapsed(), region, account, request)
    }

    /// The same at a time since the start.
    fn admit_at(
        &self,
        now: Duration,
        region: &RegionName,
        account: AccountId,
        request: &Request,
    ) -> Result<(), KmsError> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.all.len() > buckets.swept_above {
            self.sweep(now, &mut buckets);
        }
        let mut taken = Vec::new();
        for (region, quota, count) in charges(request, region) {
            let (rate, capacity) = self.rate(quota, &region);
            let key = (region, account, quota);
            let left = match buckets.all.get(&key) {
                Some(bucket) => bucket.left(now, rate, capacity),
                None => capacity,
            };
            // A charge of more than a bucket holds takes a full one.
            let tokens = left - f64::from(count).min(capacity);
            if tokens < 0.0 {
                return Err(exceeded());
            }
            taken.push((key, Bucket { tokens, at: now }));
        }
        buckets.all.extend(taken);
        Ok(())
    }

    /// Throws full buckets away. What stays may double before it is looked at
    /// again, so that a request costs the same however many there are.
    fn sweep(&self, now: Duration, buckets: &mut Buckets) {
        let full = |(region, _, quota): &Key, bucket: &Bucket| {
            let (rate, capacity) = self.rate(*quota, region);
            bucket.left(now, rate, capacity) >= capacity
        };
        buckets.all.retain(|key, bucket| !full(key, bucket));
        buckets.swept_above = BUCKETS_MAX.max(2 * buckets.all.len());
    }

    /// Requests in a second, and at once.
    fn rate(&self, quota: Quota, region: &RegionName) -> (f64, f64) {
        let rate = quota.per_second(region) * self.factor;
        (rate, rate.max(1.0))
    }
}

impl Bucket {
    fn left(&self, now: Duration, rate: f64, capacity: f64) -> f64 {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        (self.tokens + passed * rate).min(capacity)
    }
}

fn exceeded() -> KmsError {
    KmsError::new(
        ErrorCode::ThrottlingException,
        "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
    )
}

#[cfg(test)]
mod tests {
    use meridian_kms::ErrorCode;
    use meridian_proto::v1;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn region(name: &str) -> RegionName {
        name.parse().unwrap()
    }

    fn account(id: &str) -> AccountId {
        id.parse().unwrap()
    }

    /// How many of these are taken at once.
    fn taken(throttle: &Throttle, now: Duration, region_name: &str, request: &Request) -> usize {
        let one = account("111122223333");
        let admit = |_: &usize| {
            throttle
                .admit_at(now, &region(region_name), one, request)
                .is_ok()
        };
        (0..200_000).take_while(admit).count()
    }

    #[test]
    fn a_second_brings_back_what_a_second_allows() {
        let throttle = Throttle::new(1.0);
        let create = Request::CreateKey(v1::CreateKeyRequest::default());
        assert_eq!(taken(&throttle, Duration::ZERO, "eu-west-3", &create), 5);
        assert_eq!(taken(&throttle, SECOND / 5, "eu-west-3", &create), 1);
        assert_eq!(taken(&throttle, SECOND * 100, "eu-west-3", &create), 5);
        let error = throttle.admit_at(
            SECOND * 100,
            &region("eu-west-3"),
            account("111122223333"),
            &create,
        );
        assert_eq!(error.unwrap_err().code, ErrorCode::ThrottlingException);
    }

    #[test]
    fn cryptographic_operations_share_a_quota_that_the_region_gives() {
        let encrypt = Request::Encrypt(v1::EncryptRequest::default());
        let decrypt = Request::Decrypt(v1::DecryptRequest::default());
        let random = Request::GenerateRandom(v1::GenerateRandomRequest::default());
        for (name, expected) in [
            ("eu-west-3", 10_000),
            ("eu-west-2", 20_000),
            ("us-east-1", 100_000),
        ] {
            let throttle = Throttle::new(1.0);
            assert_eq!(taken(&throttle, Duration::ZERO, name, &encrypt), expected);
            assert_eq!(taken(&throttle, Duration::ZERO, name, &decrypt), 0);
            assert_eq!(taken(&throttle, Duration::ZERO, name, &random), 0);
        }
    }

    #[test]
    fn kinds_of_keys_regions_and_accounts_count_by_themselves() {
        let throttle = Throttle::new(0.01);
        let sign = |algorithm: &str| {
            Request::Sign(v1::SignRequest {
                signing_algorithm: Some(algorithm.into()),
                ..Default::default()
            })
        };
        for algorithm in ["RSASSA_PSS_SHA_256", "ECDSA_SHA_256", "ML_DSA_SHAKE_256"] {
            assert_eq!(
                taken(&throttle, Duration::ZERO, "eu-west-3", &sign(algorithm)),
                10
            );
            assert_eq!(
                taken(&throttle, Duration::ZERO, "eu-west-1", &sign(algorithm)),
                10
            );
        }
        let other = account("444455556666");
        let rsa = sign("RSASSA_PKCS1_V1_5_SHA_256");
        let admitted = throttle.admit_at(Duration::ZERO, &region("eu-west-3"), other, &rsa);
        assert_eq!(admitted, Ok(()));
    }

    #[test]
    fn buckets_are_swept_when_they_have_doubled_and_not_at_each_request() {
        let throttle = Throttle::new(1.0);
        let create = Request::CreateKey(v1::CreateKeyRequest::default());
        let here = region("eu-west-3");
        let admit = |now, accounts: std::ops::Range<usize>| {
            for number in accounts {
                let account = account(&format!("{number:012}"));
                let admitted = throttle.admit_at(now, &here, account, &create);
                assert_eq!(admitted, Ok(()));
            }
            let buckets = throttle.buckets.lock().unwrap();
            (buckets.all.len(), buckets.swept_above)
        };
        let busy = BUCKETS_MAX + 1;
        assert_eq!(admit(Duration::ZERO, 0..busy), (busy, BUCKETS_MAX));
        assert_eq!(
            admit(Duration::ZERO, busy..2 * busy),
            (2 * busy, 2 * busy),
            "none of them was full"
        );
        let late = SECOND * 10;
        assert_eq!(admit(late, 2 * busy..2 * busy + 1).0, 2 * busy + 1);
        assert_eq!(
            admit(late, 0..1),
            (2, BUCKETS_MAX),
            "the others were full by then"
        );
    }

    #[test]
    fn a_quota_below_one_allows_one_in_its_time() {
        let throttle = Throttle::new(1.0);
        let pair = Request::GenerateDataKeyPair(v1::GenerateDataKeyPairRequest {
            key_pair_spec: Some("RSA_4096".into()),
            ..Default::default()
        });
        assert_eq!(taken(&throttle, Duration::ZERO, "eu-west-3", &pair), 1);
        assert_eq!(taken(&throttle, SECOND * 9, "eu-west-3", &pair), 0);
        assert_eq!(taken(&throttle, SECOND * 20, "eu-west-3", &pair), 1);
    }

    #[test]
    fn replicating_a_key_counts_as_two_creations_in_the_other_region() {
        let throttle = Throttle::new(1.0);
        let replicate = Request::ReplicateKey(v1::ReplicateKeyRequest {
            replica_region: Some("eu-west-2".into()),
            ..Default::default()
        });
        assert_eq!(taken(&throttle, Duration::ZERO, "eu-west-3", &replicate), 2);
        let create = Request::CreateKey(v1::CreateKeyRequest::default());
        assert_eq!(taken(&throttle, Duration::ZERO, "eu-west-2", &create), 1);
        // What was refused has not been counted.
        assert_eq!(taken(&throttle, Duration::ZERO, "eu-west-3", &create), 5);
    }
}
