//! The verdict on a cluster that records itself, while it runs: wait until every
//! region has told the others what it has to tell, try every ciphertext in every
//! region, judge the history. It heals nothing.

use std::sync::Arc;
use std::time::Duration;

use meridian_judge::{Count, Timings, Violation};
use meridian_kms::{Caller, Request};
use meridian_proto::v1::{self, DecryptRequest};

use crate::active_faults::ActiveFaults;
use crate::kms::NodeKms;
use crate::recorder::Recorder;

/// Who tries ciphertexts, as the history and the requests' principal name it.
const PRINCIPAL: &str = "meridian-verdict";

/// What the judge says of the history so far.
pub struct Verdict {
    /// Why promises about the end of a run were not looked at; nothing when
    /// they were.
    pub not_healed_because: Option<String>,
    /// Ciphertexts that were tried in every region.
    pub ciphertexts: usize,
    /// Ciphertexts of the run that were not kept to be tried.
    pub left_out: u64,
    /// Lines of the history.
    pub seen: usize,
    /// How often each promise was looked at.
    pub looked: Count,
    /// How long regions disagreed.
    pub timings: Timings,
    /// The first broken promise.
    pub violation: Option<Violation>,
}

/// Judges a recorded cluster. Waits no longer than `patience` for the faults to
/// end and the regions to come to rest.
///
/// # Errors
/// The history is incomplete or cannot be read.
pub async fn judge(
    recorder: &Arc<Recorder>,
    faults: &ActiveFaults,
    patience: Duration,
) -> anyhow::Result<Verdict> {
    let at_rest = tokio::time::timeout(patience, at_rest(recorder, faults)).await;
    let not_healed_because = at_rest.is_err().then(|| why_not(faults));
    let (ciphertexts, left_out) = try_ciphertexts(recorder).await;
    let recorder = recorder.clone();
    let judged = tokio::task::spawn_blocking(move || {
        let history = recorder.history()?;
        let judged = history.judge();
        anyhow::Ok((history.seen.len(), judged))
    });
    let (seen, judged) = judged.await??;
    Ok(Verdict {
        not_healed_because,
        ciphertexts,
        left_out,
        seen,
        looked: judged.looked,
        timings: judged.timings,
        violation: judged.violation,
    })
}

/// Waits until there are no faults and nothing is left to be told, and says so
/// in the history.
async fn at_rest(recorder: &Recorder, faults: &ActiveFaults) {
    let mut commits = recorder.commits();
    loop {
        faults
            .until(|set, now| set.iter(now).next().is_none())
            .await;
        commits.borrow_and_update();
        if recorder.healed() {
            return;
        }
        // The recorder keeps the sender for as long as it lives.
        let _ = commits.changed().await;
    }
}

fn why_not(faults: &ActiveFaults) -> String {
    let active = faults.current();
    match active.iter(crate::clock::machine_now_ms()).count() {
        0 => "the regions still have something to tell each other".to_owned(),
        1 => "a fault is active".to_owned(),
        more => format!("{more} faults are active"),
    }
}

/// Tries every ciphertext that is kept in every region, as a client would;
/// returns how many there are, and how many are not kept.
async fn try_ciphertexts(recorder: &Recorder) -> (usize, u64) {
    let (ciphertexts, left_out) = recorder.ciphertexts();
    for (blob, kept) in &ciphertexts {
        for region in recorder.regions() {
            let Some(core) = recorder.nodes_of(region).into_iter().next() else {
                continue;
            };
            let caller = Caller {
                account: kept.key.account,
                principal: PRINCIPAL.to_owned(),
                request_id: uuid::Uuid::new_v4().to_string(),
            };
            let request = DecryptRequest {
                ciphertext_blob: Some(blob.clone()),
                encryption_context: kept.context.clone(),
                ..Default::default()
            };
            // The history has the answer; the judge looks at it there.
            let _ = NodeKms::new(core)
                .begin(caller, Request::Decrypt(request))
                .await;
        }
    }
    (ciphertexts.len(), left_out)
}

impl Verdict {
    /// For the wire.
    pub fn to_proto(&self) -> v1::Verdict {
        let looked = self.looked.iter();
        let looked = looked.map(|(promise, times)| ((*promise).to_owned(), *times));
        v1::Verdict {
            not_healed_because: self.not_healed_because.clone(),
            ciphertexts: self.ciphertexts as u64,
            ciphertexts_left_out: self.left_out,
            seen: self.seen as u64,
            looked: looked.collect(),
            violation: self.violation.as_ref().map(|it| v1::Violation {
                promise: it.promise.to_owned(),
                what: it.what.clone(),
                at_ms: it.at_ms,
            }),
        }
    }
}
