//! Handing the primary role to another region: by message, never by time-out
//! (R4).
//!
//! The old primary commits a last fact that names its successor and stops
//! authoring; the successor becomes primary by committing that fact. Until
//! then nobody is, however long the link is down.

use crate::arn::RegionName;
use crate::key::{Deletion, Key, Role};
use crate::key_set::{HandOver, SharedProperties, Version};
use crate::planted::{Bug, is_planted};
use crate::time::Timestamp;

/// The old primary's last act in its epoch.
pub fn begin(key: &mut Key, here: &RegionName, to: &RegionName) {
    let Role::Primary {
        reports, joining, ..
    } = &key.role
    else {
        return;
    };
    let mut reports = reports.clone();
    // The old primary is about to be a member like any other: its successor
    // has to know what it holds.
    let mut own = key.report_now(here, first_version_of(next_epoch(&key.shared)));
    own.sequence += 1;
    key.report = Some(own.clone());
    reports.insert(here.clone(), own);
    reports.remove(to);
    let mut joining = joining.clone();
    joining.remove(to);
    key.shared.hand_over = Some(HandOver {
        to: to.clone(),
        reports,
        joining,
    });
}

/// The successor, having received the last fact of the old epoch, becomes the
/// primary of the next one.
pub fn accept(key: &mut Key, here: &RegionName, last: &SharedProperties, now: Timestamp) {
    let Some(hand_over) = last.hand_over.clone() else {
        return;
    };
    let version = if is_planted(Bug::EpochKept) {
        last.next_version()
    } else {
        first_version_of(next_epoch(last))
    };
    let mut shared = last.clone();
    shared.version = version;
    shared.primary = here.clone();
    shared.hand_over = None;
    shared.replicas.remove(here);
    shared.replicas.insert(last.primary.clone(), version);
    let has_replicas = !shared.replicas.is_empty();
    key.shared = shared;
    key.role = Role::Primary {
        reports: hand_over.reports,
        joining: hand_over.joining,
        taking_over_from: Some(last.primary.clone()),
    };
    // A deletion scheduled while this was a replica must not take the primary
    // away from replicas that depend on it.
    if let Some(Deletion::At(at)) = key.deletion
        && has_replicas
    {
        let days = (at.0 - now.0).max(0) / crate::time::DAY_MS;
        let window_days = i32::try_from(days).unwrap_or(30).clamp(7, 30);
        key.deletion = Some(Deletion::AfterReplicas { window_days });
    }
}

/// The successor was deleted before it could accept, and its last report
/// proves that it never will: the old primary takes its role back.
pub fn cancel_if_successor_is_gone(key: &mut Key, gone: &RegionName, applied: Version) {
    let version = key.shared.version;
    let to_gone = key
        .shared
        .hand_over
        .as_ref()
        .is_some_and(|hand_over| hand_over.to == *gone);
    if to_gone && applied < version {
        key.shared.hand_over = None;
    }
}

/// Puts the roles as they are after the successor's first fact.
pub fn become_replica(key: &mut Key, joined: Version) {
    key.role = Role::Replica { joined };
}

fn next_epoch(shared: &SharedProperties) -> u64 {
    shared.version.epoch + 1
}

fn first_version_of(epoch: u64) -> Version {
    Version { epoch, number: 1 }
}
