//! Short words about what happens, for the trace.

use meridian_kms::Change;
use meridian_kms::ops::RequestChange;

/// The name of a change.
pub(crate) fn of_change(change: &Change) -> String {
    match change {
        Change::Request(change) => of_request(change),
        Change::Facts { from, facts } => format!("{} facts from {from}", facts.len()),
        Change::FeedAcknowledged { peer, positions } => {
            format!("{peer} has acknowledged {} facts", positions.len())
        }
        Change::Tick => "tick".into(),
        Change::AdvanceClock { ms } => format!("clock advanced by {ms} ms"),
        Change::MaterialExpires { key, material } => format!("{material} of {key} expires"),
        Change::ManagedKey(_) => "an AWS managed key".to_owned(),
        Change::KeysUsed { uses } => format!("{} keys used", uses.len()),
        Change::AutomaticRotation(change) => format!("automatic rotation of {}", change.key),
    }
}

fn of_request(change: &RequestChange) -> String {
    let words = format!("{change:?}");
    words.split('(').next().unwrap_or_default().to_owned()
}
