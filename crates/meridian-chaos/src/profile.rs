//! Profiles: sets of lags and faults that belong together, after what AWS says
//! of its own (key state, aliases and grants within seconds, at times within
//! minutes; between Regions without a bound).

use crate::{Calls, Delay, Fault, Kind, Link, Property};

/// How far a cluster lags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// As fast as the links are: no faults.
    Instant,
    /// What a user of AWS meets on most days.
    AwsTypical,
    /// What AWS's documentation warns of: minutes.
    AwsWorst,
    /// Worse than AWS, and quicker to show it: lossy, repeating, reordering,
    /// flapping links, flapping views, refused calls and lost answers.
    Adversarial,
}

impl Profile {
    /// All profiles.
    pub const ALL: [Profile; 4] = [
        Profile::Instant,
        Profile::AwsTypical,
        Profile::AwsWorst,
        Profile::Adversarial,
    ];

    /// Its name, also the beginning of its faults' IDs.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Instant => "instant",
            Profile::AwsTypical => "aws-typical",
            Profile::AwsWorst => "aws-worst",
            Profile::Adversarial => "adversarial",
        }
    }

    /// The profile with this name.
    pub fn from_name(name: &str) -> Option<Profile> {
        Profile::ALL.into_iter().find(|it| it.name() == name)
    }

    /// Does a fault with this ID belong to a profile?
    pub fn owns(id: &str) -> bool {
        Profile::ALL.into_iter().any(|it| {
            let number = id
                .strip_prefix(it.name())
                .and_then(|it| it.strip_prefix('-'));
            number.is_some_and(|number| number.parse::<usize>().is_ok())
        })
    }

    /// Its faults, in a cluster of these regions. They do not end by themselves.
    pub fn faults(self, regions: &[String]) -> Vec<Fault> {
        let mut kinds = Vec::new();
        for (at, one) in regions.iter().enumerate() {
            for other in &regions[at + 1..] {
                let link = Link {
                    from: one.clone(),
                    to: other.clone(),
                    both_directions: true,
                };
                kinds.extend(self.link(&link));
            }
        }
        kinds.extend(regions.iter().flat_map(|region| self.region(region)));
        let numbered = kinds.into_iter().enumerate();
        numbered
            .map(|(number, kind)| Fault {
                id: format!("{}-{number}", self.name()),
                kind,
                ends_at_ms: None,
            })
            .collect()
    }

    fn link(self, link: &Link) -> Vec<Kind> {
        let jitter = |delay| Kind::LinkJitter {
            link: link.clone(),
            delay,
        };
        match self {
            Profile::Instant => vec![],
            Profile::AwsTypical => vec![jitter(Delay::LogNormal { median_ms: 200 })],
            Profile::AwsWorst => vec![jitter(Delay::Pareto {
                least_ms: 1_000,
                most_ms: 300_000,
            })],
            Profile::Adversarial => vec![
                jitter(Delay::Normal {
                    mean_ms: 200,
                    deviation_ms: 200,
                }),
                Kind::LinkLoss {
                    link: link.clone(),
                    per_mille: 100,
                },
                Kind::LinkDuplicate {
                    link: link.clone(),
                    per_mille: 200,
                },
                Kind::LinkReorder {
                    link: link.clone(),
                    spread_ms: 500,
                },
                Kind::LinkFlap {
                    link: link.clone(),
                    period_ms: 4_000,
                },
            ],
        }
    }

    fn region(self, region: &str) -> Vec<Kind> {
        let stale = |lag_ms, per_mille| Kind::StaleReads {
            region: region.into(),
            node: None,
            lag_ms,
            per_mille,
            property: None,
        };
        let grants = |lag_ms| Kind::StaleReads {
            region: region.into(),
            node: None,
            lag_ms,
            per_mille: 1000,
            property: Some(Property::Grants),
        };
        let calls = || Calls {
            per_mille: 30,
            ..Calls::of(region)
        };
        match self {
            Profile::Instant => vec![],
            Profile::AwsTypical => vec![stale(1_000, 200), grants(1_000)],
            Profile::AwsWorst => vec![stale(300_000, 500), grants(300_000)],
            Profile::Adversarial => vec![
                stale(2_000, 500),
                Kind::Refuse {
                    calls: calls(),
                    code: "ThrottlingException".into(),
                },
                Kind::LoseAnswer { calls: calls() },
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions(count: usize) -> Vec<String> {
        (0..count)
            .map(|number| format!("region-{number}"))
            .collect()
    }

    #[test]
    fn a_profile_is_found_by_its_name_and_knows_its_faults() {
        for profile in Profile::ALL {
            assert_eq!(Profile::from_name(profile.name()), Some(profile));
            let faults = profile.faults(&regions(3));
            assert_eq!(faults.is_empty(), profile == Profile::Instant);
            assert!(faults.iter().all(|fault| Profile::owns(&fault.id)));
        }
        assert_eq!(Profile::from_name("worst"), None);
        assert!(!Profile::owns("aws-typical-link") && !Profile::owns("7"));
    }

    #[test]
    fn every_pair_of_regions_lags_and_every_region() {
        let faults = Profile::AwsTypical.faults(&regions(4));
        let links = faults.iter().filter(|it| it.kind.link().is_some()).count();
        assert_eq!((links, faults.len()), (6, 14));
    }
}
