//! Nemesis: draws the timeline of faults from the seed, and carries out what
//! they begin and end with.

use meridian_chaos::{Calls, Delay, Fault, Kind, Link, Phase, Place, Profile, Property};
use meridian_kms::{Change, Operation, RegionName};

use crate::dice::{Dice, Stream};
use crate::event::{Event, Origin};
use crate::group::NODES;
use crate::world::World;

/// A day, in milliseconds.
const DAY_MS: u64 = 86_400_000;

/// How often each kind of fault is drawn, in the order of [`Kind::NAMES`].
const WEIGHTS: [u64; Kind::NAMES.len()] = [
    16, 4, 5, 5, 5, 5, 5, 5, 12, 9, 7, 6, 4, 3, 8, 4, 4, 5, 4, 4, 3, 5, 4, 3, 3, 3, 3, 4, 3, 3, 2,
    2,
];

/// Codes that a front door refuses calls with.
const CODES: [&str; 4] = [
    "ThrottlingException",
    "KMSInternalException",
    "DependencyTimeoutException",
    "KeyUnavailableException",
];

/// What reads are older in; every other time, in everything.
const PROPERTIES: [Property; 7] = [
    Property::KeyState,
    Property::Alias,
    Property::Tag,
    Property::Policy,
    Property::SharedProperties,
    Property::Materials,
    Property::Grants,
];

/// The faults of a run, each with the time at which it begins.
pub(crate) fn timeline(seed: u64, names: &[RegionName], length_ms: i64) -> Vec<(i64, Fault)> {
    let mut dice = Dice::new(seed, Stream::Timeline);
    // Some runs are calm, some have many faults at once.
    let number = *dice.pick(&[0, 4, 8, 14, 20, 30]) * names.len() / 3;
    let mut timeline: Vec<(i64, Fault)> = (0..number)
        .map(|index| {
            let begins_ms = dice.between(length_ms / 20, length_ms);
            let lasts_ms = *dice.pick(&[300, 1_000, 3_000, 8_000, 20_000]);
            let kind = kind(&mut dice, names);
            let fault = Fault {
                id: format!("{index:02}"),
                kind,
                ends_at_ms: Some(begins_ms + dice.between(lasts_ms / 3, lasts_ms)),
            };
            (begins_ms, fault)
        })
        .collect();
    timeline.sort_by_key(|(begins_ms, fault)| (*begins_ms, fault.id.clone()));
    // In some runs everything lags from the beginning as a profile says.
    if dice.one_in(12) {
        let profile = *dice.pick(&[Profile::AwsTypical, Profile::AwsWorst, Profile::Adversarial]);
        let regions: Vec<String> = names.iter().map(ToString::to_string).collect();
        let lags = profile.faults(&regions).into_iter();
        timeline.splice(0..0, lags.map(|fault| (0, fault)));
    }
    timeline
}

fn kind(dice: &mut Dice, names: &[RegionName]) -> Kind {
    let numbers: Vec<(usize, u64)> = WEIGHTS.into_iter().enumerate().collect();
    let number = dice.weighted(&numbers);
    let from = dice.index(names.len());
    let to = (from + 1 + dice.index(names.len() - 1)) % names.len();
    let link = Link {
        from: names[from].to_string(),
        to: names[to].to_string(),
        both_directions: dice.one_in(2),
    };
    let node = Place {
        region: names[from].to_string(),
        // Often the node that leads when the run begins.
        node: match dice.one_in(3) {
            true => 1,
            false => 1 + dice.below(NODES as u64),
        },
    };
    let region = names[from].to_string();
    let per_mille = *dice.pick(&[50, 200, 500]);
    match number {
        0 => Kind::LinkCut { link },
        1 => Kind::LinkDelay {
            link,
            delay_ms: dice.below(2_000),
        },
        2 => Kind::LinkJitter {
            link,
            delay: *dice.pick(&[
                Delay::Normal {
                    mean_ms: 300,
                    deviation_ms: 150,
                },
                Delay::LogNormal { median_ms: 200 },
                Delay::Pareto {
                    least_ms: 50,
                    most_ms: 20_000,
                },
            ]),
        },
        3 => Kind::LinkLoss { link, per_mille },
        4 => Kind::LinkDuplicate { link, per_mille },
        5 => Kind::LinkReorder {
            link,
            spread_ms: dice.below(4_000),
        },
        6 => Kind::LinkHold { link },
        7 => Kind::LinkFlap {
            link,
            period_ms: 100 + dice.below(2_000),
        },
        8 => Kind::NodeCut { node },
        9 => Kind::NodeCrash { node },
        10 => Kind::NodePause { node },
        11 => Kind::LeaderChange { region },
        12 => Kind::ClockSkew {
            node,
            skew_ms: *dice.pick(&[-60_000, -2_000, 2_000, 60_000, 8 * DAY_MS as i64]),
        },
        13 => Kind::ClockFreeze { node },
        14 => Kind::TimeTravel {
            region: dice.one_in(3).then_some(region),
            ms: *dice.pick(&[60_000, DAY_MS, 8 * DAY_MS, 8 * DAY_MS, 95 * DAY_MS]),
        },
        15 => Kind::ProposalLost { region, per_mille },
        16 => Kind::ProposalUnanswered { region, per_mille },
        17 => Kind::StaleReads {
            region,
            node: dice.one_in(2).then_some(node.node),
            lag_ms: *dice.pick(&[200, 1_000, 5_000, 30_000]),
            per_mille: *dice.pick(&[200, 500, 1_000]),
            property: dice.one_in(2).then(|| *dice.pick(&PROPERTIES)),
        },
        18 => Kind::Refuse {
            calls: calls(dice, &region, per_mille),
            code: (*dice.pick(&CODES)).into(),
        },
        19 => Kind::LoseAnswer {
            calls: calls(dice, &region, per_mille),
        },
        20 => Kind::SlowAnswer {
            calls: calls(dice, &region, per_mille),
            delay_ms: *dice.pick(&[100, 1_000, 4_000]),
        },
        21 => Kind::Stretch {
            phase: *dice.pick(&[Phase::Creating, Phase::Updating, Phase::Prepare]),
            region,
            key_id: None,
        },
        22 => Kind::MaterialHold {
            region,
            key_id: None,
            material: None,
        },
        23 => Kind::TokensExpire {
            region,
            older_than_ms: *dice.pick(&[0, 1_000, 60_000]),
        },
        24 => Kind::MaterialExpire {
            region,
            key_id: None,
            material: None,
        },
        25 => Kind::NodeReplace { node },
        26 => Kind::NodeSlowStart {
            node,
            delay_ms: dice.below(8_000),
        },
        27 => Kind::LinkBandwidth {
            link,
            bytes_per_s: *dice.pick(&[200, 1_000, 10_000]),
        },
        28 => Kind::Reset {
            calls: calls(dice, &region, per_mille),
        },
        29 => Kind::DiskSlow {
            node,
            delay_ms: *dice.pick(&[50, 500, 3_000]),
        },
        30 => Kind::DiskFull { node },
        _ => Kind::DiskFlushFails { node },
    }
}

/// All calls of a region or those of one operation; so many of a thousand, or
/// every so manyth.
fn calls(dice: &mut Dice, region: &str, per_mille: u16) -> Calls {
    let operation = *dice.pick(&[
        Operation::ImportKeyMaterial,
        Operation::RotateKeyOnDemand,
        Operation::ReplicateKey,
        Operation::UpdatePrimaryRegion,
        Operation::DescribeKey,
        Operation::Encrypt,
        Operation::Decrypt,
    ]);
    let by_turns = dice.one_in(4);
    Calls {
        operation: dice.one_in(2).then(|| operation.name().to_owned()),
        per_mille: if by_turns { 1_000 } else { per_mille },
        every: if by_turns { 3 } else { 1 },
        ..Calls::of(region)
    }
}

impl World {
    /// Plans the timeline.
    pub(crate) fn faults_begin(&mut self, timeline: Vec<(i64, Fault)>) {
        for (index, (begins_ms, fault)) in timeline.iter().enumerate() {
            self.agenda.plan(*begins_ms, Event::FaultBegins(index));
            if let Some(ends_ms) = fault.ends_at_ms {
                self.agenda.plan(ends_ms, Event::FaultEnds(index));
            }
        }
        self.timeline = timeline;
    }

    /// A fault begins.
    pub(crate) fn fault_begins(&mut self, index: usize) {
        if self.healed {
            return;
        }
        let mut fault = self.timeline[index].1.clone();
        if index.is_multiple_of(2) {
            self.aim_at_leader(&mut fault.kind);
        }
        if let Kind::NodeReplace { node } = &fault.kind
            && !self.can_spare(node)
        {
            return;
        }
        self.suffer(index, fault);
    }

    /// A group that loses the disks that hold what it agreed on has lost it.
    fn can_spare(&self, place: &Place) -> bool {
        let mut names = self.names.iter();
        let region = names.position(|it| it.as_str() == place.region.as_str());
        region.is_some_and(|region| self.groups[region].can_spare(place.node as usize - 1))
    }

    /// A fault of no drawn timeline begins now.
    pub(crate) fn fault_comes(&mut self, fault: Fault) {
        let index = self.timeline.len();
        if let Some(ends_ms) = fault.ends_at_ms {
            self.agenda.plan(ends_ms, Event::FaultEnds(index));
        }
        self.timeline.push((self.now_ms, fault.clone()));
        self.suffer(index, fault);
    }

    fn suffer(&mut self, index: usize, fault: Fault) {
        self.coverage.began[fault.kind.number()] += 1;
        self.log
            .note(self.now_ms, "fault begins", &[index as u64], || {
                format!("{:?}", fault.kind)
            });
        match &fault.kind {
            Kind::LeaderChange { region } => {
                if let Some(region) = self.names.iter().position(|it| it.as_str() == region) {
                    self.change_leader(region);
                }
            }
            Kind::TimeTravel { region, ms } => {
                let ms = i64::try_from(*ms).unwrap_or(i64::MAX);
                for index in 0..self.names.len() {
                    let here = self.names[index].as_str();
                    if region.as_deref().is_none_or(|region| region == here) {
                        self.advance_clock(index, ms);
                    }
                }
            }
            Kind::MaterialExpire { region, .. } => {
                let region = self.names.iter().position(|it| it.as_str() == region);
                if let Some(region) = region
                    && self.expire_material(region, index)
                {
                    self.coverage.struck(&fault.kind);
                }
            }
            kind => {
                if let Some(region) = kind.region()
                    && let Some(region) = self.names.iter().position(|it| it.as_str() == region)
                {
                    self.groups[region].disturbances += 1;
                }
                if kind.node().is_some() {
                    self.coverage.struck_by(&fault);
                }
            }
        }
        self.begin_fault(fault);
    }

    /// The newest material of one of the keys with imported material expires in
    /// a region; false when there is none.
    fn expire_material(&mut self, region: usize, turn: usize) -> bool {
        let agreed = self.groups[region].agreed();
        let keys = agreed.keys().values();
        let imported: Vec<_> = keys
            .filter(|key| key.shared.origin == meridian_kms::key_set::Origin::External)
            .filter_map(|key| {
                let mut newest = key.shared.materials.iter().rev();
                let held = newest.find(|it| key.sealed(&it.id).is_some())?;
                Some((key.key, held.id))
            })
            .collect();
        let Some(leader) = self.groups[region].leader else {
            return false;
        };
        let Some((key, material)) = imported.get(turn % imported.len().max(1)).copied() else {
            return false;
        };
        let change = Change::MaterialExpires { key, material };
        self.propose(region, leader, change, Origin::Operator)
            .is_ok()
    }

    /// A leader is what it hurts most to lose, to stop or to deceive.
    fn aim_at_leader(&self, kind: &mut Kind) {
        let (Kind::NodeCut { node }
        | Kind::NodeCrash { node }
        | Kind::NodePause { node }
        | Kind::NodeReplace { node }
        | Kind::NodeSlowStart { node, .. }
        | Kind::DiskSlow { node, .. }
        | Kind::DiskFull { node }
        | Kind::DiskFlushFails { node }
        | Kind::ClockSkew { node, .. }
        | Kind::ClockFreeze { node }) = kind
        else {
            return;
        };
        let region = self
            .names
            .iter()
            .position(|it| it.as_str() == node.region.as_str());
        if let Some(leader) = region.and_then(|region| self.groups[region].leader) {
            node.node = leader as u64 + 1;
        }
    }

    /// A fault ends.
    pub(crate) fn fault_ends(&mut self, index: usize) {
        let id = self.timeline[index].1.id.clone();
        // A later one may have taken its place.
        let newer = self.timeline[index + 1..].iter().any(|(_, it)| it.id == id);
        if !newer && self.end_fault(&id) {
            self.log
                .note(self.now_ms, "fault ends", &[index as u64], || {
                    format!("{:?}", self.timeline[index].1.kind)
                });
        }
    }
}
