//! The faults of a run: what was wrong where, from when to when, and how often
//! it had an effect.

use meridian_judge::history::{Seen, Site};
use meridian_judge::narration::flat;
use serde::Serialize;

use crate::run::Run;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fault<'a> {
    pub(crate) id: &'a str,
    pub(crate) kind: &'a str,
    #[serde(skip)]
    pub(crate) site: Site,
    /// The site, in words.
    pub(crate) place: String,
    pub(crate) began_ms: i64,
    /// Nothing when it lasted until the end.
    pub(crate) ended_ms: Option<i64>,
    /// How often it had an effect; nothing when it lasted until the end.
    pub(crate) struck: Option<u64>,
    /// Its numbers, in words.
    pub(crate) words: String,
}

/// All faults, in the order in which they began.
pub(crate) fn faults<'a>(run: &Run<'a>) -> Vec<Fault<'a>> {
    let mut faults: Vec<Fault<'a>> = Vec::new();
    for seen in &run.history.seen {
        match seen {
            Seen::FaultBegan {
                at_ms,
                id,
                kind,
                site,
                fault,
            } => faults.push(Fault {
                id,
                kind,
                site: *site,
                place: place(run, *site),
                began_ms: *at_ms,
                ended_ms: None,
                struck: None,
                words: flat(fault),
            }),
            Seen::FaultEnded { at_ms, id, struck } => {
                let mut back = faults.iter_mut().rev();
                if let Some(it) = back.find(|it| it.id == id && it.ended_ms.is_none()) {
                    it.ended_ms = Some(*at_ms);
                    it.struck = Some(*struck);
                }
            }
            _ => {}
        }
    }
    faults
}

fn place(run: &Run<'_>, site: Site) -> String {
    match site {
        Site::Everywhere => "every region".into(),
        Site::Region(region) => run.region(region).into(),
        Site::Link(from, to) => format!("{} – {}", run.region(from), run.region(to)),
    }
}
