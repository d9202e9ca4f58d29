//! The library of replays: real troubles with multi-Region keys, each a
//! scenario in `deploy/scenarios` and a page in `docs/replays`.

/// One replay.
pub struct Replay {
    /// Its name, also of its scenario and of its page.
    pub name: &'static str,
    /// What happened, in a few words.
    pub what: &'static str,
    /// Public reports of it.
    pub reports: &'static [&'static str],
    /// The text of the scenario.
    pub scenario: &'static str,
}

/// The scenario of this name.
macro_rules! scenario {
    ($name:literal) => {
        include_str!(concat!("../../../deploy/scenarios/", $name, ".yaml"))
    };
}

/// All of them.
pub const ALL: &[Replay] = &[
    Replay {
        name: "replica-creating-for-ten-minutes",
        what: "a replica stays in Creating for ten minutes; a tool waits two and gives up",
        reports: &[
            "https://github.com/hashicorp/terraform-provider-aws/issues/49915",
            "https://github.com/hashicorp/terraform-provider-aws/issues/49491",
            "https://github.com/hashicorp/terraform-provider-aws/pull/49917",
        ],
        scenario: scenario!("replica-creating-for-ten-minutes"),
    },
    Replay {
        name: "flapping-reads",
        what: "after DisableKey, reads say disabled and enabled in turns",
        reports: &["https://github.com/hashicorp/terraform/pull/3928"],
        scenario: scenario!("flapping-reads"),
    },
    Replay {
        name: "primary-moved-one-minute-of-nobody",
        what: "for a minute after the primary has moved, no region takes changes",
        reports: &["https://github.com/gravitational/teleport/pull/53927"],
        scenario: scenario!("primary-moved-one-minute-of-nobody"),
    },
    Replay {
        name: "created-but-not-replicated",
        what: "CreateKey succeeds, ReplicateKey does not; aliases do not follow",
        reports: &[
            "https://github.com/spiffe/spire/issues/5919",
            "https://github.com/spiffe/spire/pull/7262",
        ],
        scenario: scenario!("created-but-not-replicated"),
    },
    Replay {
        name: "outage-hides-aliases",
        what: "a region is dark, and its aliases with it",
        reports: &["https://github.com/cockroachdb/cockroach/pull/136249"],
        scenario: scenario!("outage-hides-aliases"),
    },
    Replay {
        name: "terraform-rotation-destroys-the-replica",
        what: "new bytes by declaration schedule the deletion of the replica",
        reports: &["https://github.com/hashicorp/terraform-provider-aws/issues/42996"],
        scenario: scenario!("terraform-rotation-destroys-the-replica"),
    },
    Replay {
        name: "half-imported-set",
        what: "one region never imports, and the rotation stays refused",
        reports: &[
            "https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-import.html",
        ],
        scenario: scenario!("half-imported-set"),
    },
    Replay {
        name: "one-old-material-expires",
        what: "an old material expires in one region, and the key there stops working",
        reports: &[
            "https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-import.html",
        ],
        scenario: scenario!("one-old-material-expires"),
    },
    Replay {
        name: "cached-data-key-hides-rotation",
        what: "a cache of data keys goes on under the old material",
        reports: &["https://github.com/kroxylicious/kroxylicious/pull/4772"],
        scenario: scenario!("cached-data-key-hides-rotation"),
    },
    Replay {
        name: "disabled-in-one-region-only",
        what: "a key is disabled in one region, and writers elsewhere go on",
        reports: &["https://github.com/kubernetes/kubernetes/issues/138950"],
        scenario: scenario!("disabled-in-one-region-only"),
    },
    Replay {
        name: "stale-current-on-one-node",
        what: "one node has an old view and cannot read what its neighbour writes",
        reports: &["https://github.com/hashicorp/vault/issues/1174"],
        scenario: scenario!("stale-current-on-one-node"),
    },
    Replay {
        name: "grant-not-there-yet",
        what: "a fresh grant is refused for minutes; its token would have worked",
        reports: &[
            "https://github.com/fugue/credstash/issues/307",
            "https://github.com/hashicorp/terraform-provider-aws/issues/49247",
        ],
        scenario: scenario!("grant-not-there-yet"),
    },
    Replay {
        name: "committed-but-reported-failed",
        what: "the replica exists, and the client was told that it does not",
        reports: &["https://github.com/pulumi/pulumi-aws-native/issues/184"],
        scenario: scenario!("committed-but-reported-failed"),
    },
    Replay {
        name: "primary-region-lost",
        what: "the primary's region is gone; the same bytes in a new key open nothing",
        reports: &["https://github.com/hashicorp/vault/issues/6046"],
        scenario: scenario!("primary-region-lost"),
    },
    Replay {
        name: "not-a-rotatable-key",
        what: "rotation APIs refuse an imported key for ever; foreign ARNs confuse",
        reports: &[
            "https://github.com/crossplane-contrib/provider-aws/issues/2310",
            "https://github.com/aws/aws-encryption-sdk-java/issues/271",
        ],
        scenario: scenario!("not-a-rotatable-key"),
    },
];

/// The one with this name.
pub fn find(name: &str) -> Option<&'static Replay> {
    ALL.iter().find(|replay| replay.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    fn folder(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(name)
    }

    /// The stems of the files with this ending.
    fn names(dir: &str, ending: &str) -> BTreeSet<String> {
        let entries = folder(dir).read_dir().expect("the folder is there");
        let paths = entries.map(|entry| entry.expect("readable").path());
        let ours = paths.filter(|path| path.extension().is_some_and(|it| it == ending));
        let stem = |path: PathBuf| path.file_stem().map(|it| it.display().to_string());
        ours.filter_map(stem).collect()
    }

    #[test]
    fn every_scenario_of_the_library_is_a_replay_and_the_other_way_round() {
        let mut known = BTreeSet::new();
        for replay in ALL {
            let scenario = meridian_scenario::read(replay.scenario).expect("it is right");
            assert_eq!(scenario.name, replay.name);
            known.insert(scenario.name);
        }
        assert_eq!(known, names("deploy/scenarios", "yaml"));
    }

    #[test]
    fn every_replay_has_a_page_with_its_reports() {
        let told = ALL.iter().map(|replay| replay.name.to_owned()).collect();
        assert_eq!(names("docs/replays", "md"), told);
        for replay in ALL {
            let path = folder("docs/replays").join(format!("{}.md", replay.name));
            let page = std::fs::read_to_string(path).expect("readable");
            let missing = replay.reports.iter().find(|link| !page.contains(**link));
            assert_eq!(missing, None, "{}", replay.name);
        }
    }
}
