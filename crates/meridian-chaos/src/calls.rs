//! What becomes of a client's call at the front door.

use serde::{Deserialize, Serialize};

use crate::odds::Odds;
use crate::{Faults, Kind};

/// Which calls a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// The called region.
    pub region: String,
    /// AWS's name of an operation; every one when none is named.
    pub operation: Option<String>,
    /// The key as the call names it; any when none is named.
    pub key_id: Option<String>,
    /// The caller's account, twelve digits; any when none is named.
    pub account: Option<String>,
    /// How many of these calls, of a thousand.
    pub per_mille: u16,
    /// Only every so manyth of these calls; 1 for each.
    pub every: u64,
}

/// One call, as the front door sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// The called region.
    pub region: &'a str,
    /// AWS's name of the operation.
    pub operation: &'a str,
    /// The key, if the call names one.
    pub key_id: Option<&'a str>,
    /// The caller's account.
    pub account: &'a str,
}

/// What the front door does with one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reception {
    /// Refuses it with this AWS code, before it has any effect.
    pub refuse: Option<String>,
    /// Carries it out and loses the answer.
    pub lose_answer: bool,
    /// Carries it out and closes the connection.
    pub reset: bool,
    /// Answers so much later, in milliseconds.
    pub delay_ms: u64,
}

impl Calls {
    /// Every call of a region.
    pub fn of(region: &str) -> Calls {
        Calls {
            region: region.into(),
            operation: None,
            key_id: None,
            account: None,
            per_mille: 1000,
            every: 1,
        }
    }

    fn matches(&self, call: &Call<'_>) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.is_none() || wanted.as_deref() == found
        };
        self.region == call.region
            && is(&self.operation, Some(call.operation))
            && is(&self.key_id, call.key_id)
            && is(&self.account, Some(call.account))
    }
}

impl Faults {
    /// Decides about a call that comes to a region's front door now.
    pub fn reception(&self, call: &Call<'_>, now_ms: i64, odds: &mut dyn Odds) -> Reception {
        let mut reception = Reception::default();
        for fault in self.iter(now_ms) {
            let (Kind::Refuse { calls, .. }
            | Kind::LoseAnswer { calls }
            | Kind::Reset { calls }
            | Kind::SlowAnswer { calls, .. }) = &fault.kind
            else {
                continue;
            };
            if !calls.matches(call)
                || calls.every > 1 && !odds.turn(&fault.id).is_multiple_of(calls.every)
                || !odds.per_mille(calls.per_mille)
            {
                continue;
            }
            match &fault.kind {
                Kind::Refuse { code, .. } => {
                    reception.refuse.get_or_insert_with(|| code.clone());
                }
                Kind::SlowAnswer { delay_ms, .. } => {
                    reception.delay_ms = reception.delay_ms.saturating_add(*delay_ms);
                }
                Kind::Reset { .. } => reception.reset = true,
                _ => reception.lose_answer = true,
            }
            odds.struck(&fault.kind);
        }
        reception
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::odds::tests::Counting;

    const CALL: Call<'static> = Call {
        region: "us-east-1",
        operation: "Encrypt",
        key_id: Some("k"),
        account: "000000000000",
    };

    fn with(kinds: Vec<Kind>) -> Faults {
        fixture::faults(kinds, 10)
    }

    fn refusal(calls: Calls) -> Kind {
        let code = "ThrottlingException".to_owned();
        Kind::Refuse { calls, code }
    }

    fn refused(faults: &Faults, call: Call<'_>, now_ms: i64) -> bool {
        let reception = faults.reception(&call, now_ms, &mut Counting::default());
        reception.refuse.as_deref() == Some("ThrottlingException")
    }

    #[test]
    fn a_fault_strikes_the_calls_it_describes_and_no_others() {
        let operation = Some("Encrypt".to_owned());
        let (key_id, account) = (Some("k".to_owned()), Some("000000000000".to_owned()));
        let faults = with(vec![refusal(Calls {
            operation,
            key_id,
            account,
            ..Calls::of("us-east-1")
        })]);
        assert!(refused(&faults, CALL, 9));
        for other in [
            Call {
                region: "eu-west-1",
                ..CALL
            },
            Call {
                operation: "Decrypt",
                ..CALL
            },
            Call {
                key_id: None,
                ..CALL
            },
            Call {
                account: "111111111111",
                ..CALL
            },
        ] {
            assert!(!refused(&faults, other, 9), "{other:?}");
        }
        assert!(!refused(&faults, CALL, 10), "the fault has ended");
    }

    #[test]
    fn every_third_call_is_every_third_call() {
        let every = Calls {
            every: 3,
            ..Calls::of("us-east-1")
        };
        let faults = with(vec![Kind::LoseAnswer { calls: every }]);
        let mut odds = Counting::default();
        let lost: Vec<bool> = (0..6)
            .map(|_| faults.reception(&CALL, 0, &mut odds).lose_answer)
            .collect();
        assert_eq!(lost, [false, false, true, false, false, true]);
        assert_eq!(odds.struck, ["lose answer", "lose answer"]);
    }

    #[test]
    fn a_call_suffers_all_its_faults_at_once() {
        let calls = Calls::of("us-east-1");
        let slow = |delay_ms| Kind::SlowAnswer {
            calls: calls.clone(),
            delay_ms,
        };
        let faults = with(vec![
            slow(5),
            Kind::LoseAnswer {
                calls: calls.clone(),
            },
            slow(7),
            Kind::Reset {
                calls: calls.clone(),
            },
        ]);
        let reception = faults.reception(&CALL, 0, &mut Counting::default());
        assert_eq!((reception.delay_ms, reception.lose_answer), (12, true));
        assert!(reception.reset);
    }
}
