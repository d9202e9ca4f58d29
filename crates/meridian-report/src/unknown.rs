//! Operations whose outcome nobody knows: those that ended so, and those that
//! had not ended when the run did.

use std::collections::BTreeMap;

use meridian_judge::history::{Invoked, Seen};
use serde::Serialize;

use crate::run::Run;

/// One operation of unknown outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Unknown<'a> {
    pub(crate) call: u64,
    pub(crate) operation: &'static str,
    pub(crate) region: &'a str,
    /// Counted from 1, as nodes are named.
    pub(crate) node: usize,
    pub(crate) key: Option<String>,
    pub(crate) began_ms: i64,
    /// When the client gave up; nothing when the run ended first.
    pub(crate) ended_ms: Option<i64>,
    /// Whether the region is seen to have committed it.
    pub(crate) took_effect: bool,
}

/// All of them, in the order in which they began.
pub(crate) fn unknown<'a>(run: &Run<'a>) -> Vec<Unknown<'a>> {
    let mut open: BTreeMap<u64, &Invoked> = BTreeMap::new();
    let mut found: Vec<Unknown<'a>> = Vec::new();
    let mut applied = Vec::new();
    for seen in &run.history.seen {
        match seen {
            Seen::Invoke(invoked) => {
                open.insert(invoked.call, invoked);
            }
            Seen::Ok(returned) => {
                open.remove(&returned.call);
            }
            Seen::Fail { call, .. } => {
                open.remove(call);
            }
            Seen::Unknown { at_ms, call, .. } => {
                let invoked = open.remove(call);
                found.extend(invoked.map(|invoked| of(*run, invoked, Some(*at_ms))));
            }
            Seen::Applied {
                call, effect: true, ..
            } => applied.push(*call),
            _ => {}
        }
    }
    found.extend(open.into_values().map(|invoked| of(*run, invoked, None)));
    for it in &mut found {
        it.took_effect = applied.contains(&it.call);
    }
    found.sort_by_key(|it| (it.began_ms, it.call));
    found
}

fn of<'a>(run: Run<'a>, invoked: &Invoked, ended_ms: Option<i64>) -> Unknown<'a> {
    let name = run.history.regions.get(invoked.region);
    Unknown {
        call: invoked.call,
        operation: invoked.operation.name(),
        region: name.map_or("unknown", |name| name.as_str()),
        node: invoked.node + 1,
        key: invoked.key.map(|key| key.id.to_string()),
        began_ms: invoked.at_ms,
        ended_ms,
        took_effect: false,
    }
}
