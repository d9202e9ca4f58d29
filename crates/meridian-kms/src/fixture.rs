//! What the tests of this crate stand on: one region with its secrets, a clock
//! that moves when told to, and a shadow that must stay equal byte for byte.
//!
//! Also compiled, by path, into the tests in `tests/`.

#![allow(dead_code, reason = "each place it is compiled into uses a part of it")]
#![allow(
    clippy::unwrap_used,
    reason = "the functions beside the tests are part of them"
)]

// By path, as this file itself is in `tests/`.
#[path = "fixture/calls.rs"]
mod calls;
#[path = "fixture/key_stores.rs"]
pub mod key_stores;
#[path = "fixture/proxies.rs"]
pub mod proxies;

use std::collections::{BTreeMap, BTreeSet};

use meridian_crypto::{
    AttestationRoot, ClusterSecret, ImportToken, RootKey, SeededEntropy, Vault, WrappingKey,
};
use meridian_iam::Identity;
use meridian_kms::{
    Answer, Authority, Caller, Change, Chosen, Context, Entry, Inquiry, KeyRef, KmsError,
    Operation, Outcome, Plan, ProxyAnswer, ProxyQuestion, Question, Region, RegionName, Request,
    Response, Timestamp, Told,
};
use meridian_proto::v1::*;

/// The account that all tests act in.
pub const ACCOUNT: &str = "111122223333";
/// 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp(1_767_225_600_000);
/// One day.
pub const DAY_MS: i64 = 86_400_000;
/// The Regions that every test region knows of.
pub const REGIONS: [&str; 5] = [
    "ap-south-1",
    "eu-west-1",
    "sa-east-1",
    "us-east-1",
    "us-gov-west-1",
];

/// The shadow restarts from its snapshot before every so many entries.
const RESTART_EVERY: u64 = 8;

const WRAPPING_KEY: &str =
    include_str!("../../meridian-crypto/tests/golden/wrapping_key_rsa_2048.hex");

/// The name of a region.
pub fn region(name: &str) -> RegionName {
    name.parse().unwrap()
}

/// The wrapping key that all tests import with.
pub fn wrapping_key() -> WrappingKey {
    let digits: String = WRAPPING_KEY.split_whitespace().collect();
    WrappingKey::from_private_der(&hex::decode(digits).unwrap()).unwrap()
}

/// One of the API's requests, with the response that belongs to it.
pub trait Call: Clone {
    /// Its response.
    type Response;
    /// As any request.
    fn request(self) -> Request;
    /// Out of any response.
    fn response(response: Response) -> Self::Response;
}

macro_rules! calls {
    (
        reads { $($r_mod:ident $r_op:ident $r_req:ident $r_res:ident,)* }
        writes { $($w_mod:ident $w_op:ident $w_req:ident $w_res:ident,)* }
    ) => {
        calls!(@each $($r_op $r_req $r_res,)* $($w_op $w_req $w_res,)*);
    };
    (@each $($op:ident $req:ident $res:ident,)*) => {$(
        impl Call for $req {
            type Response = $res;
            fn request(self) -> Request {
                Request::$op(self)
            }
            fn response(response: Response) -> $res {
                match response {
                    Response::$op(response) => response,
                    _ => panic!("{} was answered as something else", stringify!($op)),
                }
            }
        }
    )*};
}
meridian_kms::for_each_operation!(calls);

/// A region of one node, with everything that planning needs.
pub struct TestRegion {
    /// What is agreed.
    pub region: Region,
    /// Applies the same entries, and is often read back from its snapshot.
    pub shadow: Region,
    /// The region's secrets.
    pub vault: Vault,
    /// The region's randomness, by seed.
    pub entropy: SeededEntropy,
    /// The node's clock.
    pub now: Timestamp,
    /// What the planning node has applied, when it is behind.
    pub behind: Option<Region>,
    /// What another region answers when it is asked; nothing if unreachable.
    pub answer: Option<Answer>,
    /// What attestation documents lead back to.
    pub attestation_root: Option<AttestationRoot>,
    /// What proxies of external key stores say when they are asked.
    pub proxy: fn(&ProxyQuestion) -> ProxyAnswer,
    /// The age from which on import tokens count as expired, under a fault.
    pub tokens_expire_after_ms: Option<u64>,
    /// What an operator chooses for the next key.
    pub chosen: Option<Chosen>,
    /// Who calls.
    pub caller: Caller,
    /// Who the caller is to policies, where they decide; else all is open to
    /// an account.
    pub identity: Option<Identity>,
    /// How long a grant takes to be in force without its token.
    pub spread_grants: Option<Region>,
    /// Import parameters by key, which may be used for a day.
    parameters: BTreeMap<String, (Timestamp, GetParametersForImportResponse)>,
    applied: u64,
}

impl TestRegion {
    /// A region without keys.
    pub fn new(name: &str) -> TestRegion {
        let number = name
            .bytes()
            .fold(7, |sum: u8, byte| sum.wrapping_mul(31).wrapping_add(byte));
        let root = RootKey::from_bytes(&[number; 32]).unwrap();
        let cluster = ClusterSecret::from_bytes(&[9; 32]).unwrap();
        TestRegion {
            region: Region::new(region(name)),
            shadow: Region::new(region(name)),
            vault: Vault::new(name, root, cluster),
            entropy: SeededEntropy::new(number.into()),
            now: START,
            behind: None,
            answer: None,
            attestation_root: None,
            proxy: |_| ProxyAnswer::Unreachable,
            tokens_expire_after_ms: None,
            chosen: None,
            caller: Caller {
                account: ACCOUNT.parse().unwrap(),
                principal: format!("arn:aws:iam::{ACCOUNT}:user/alice"),
                request_id: "request-1".into(),
            },
            identity: None,
            spread_grants: None,
            parameters: BTreeMap::new(),
            applied: 0,
        }
    }

    /// Lets the clock pass, as a node without any request would see it.
    pub fn pass(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
        self.tick();
    }

    /// Lets whole days pass.
    pub fn pass_days(&mut self, days: i64) {
        self.pass(days * DAY_MS);
    }

    /// Carries out everything that is due at this time.
    pub fn tick(&mut self) {
        self.commit(Change::Tick);
        loop {
            let due = self
                .region
                .plan_rotations(self.now, &self.vault, &mut self.entropy);
            if due.is_empty() {
                return;
            }
            due.into_iter().for_each(|change| self.commit(change));
        }
    }

    /// Agrees on a change that no client asked for.
    pub fn commit(&mut self, change: Change) {
        match self.apply(change) {
            Outcome::Done => {}
            Outcome::Answered(_) => panic!("only a client's request is answered"),
        }
    }

    /// Agrees on a change: through the log's encoding, and on two nodes.
    pub fn apply(&mut self, change: Change) -> Outcome {
        let bytes = Entry {
            at: self.now,
            change,
        }
        .encode();
        let entry = Entry::decode(&bytes).unwrap();
        assert_eq!(
            entry.encode(),
            bytes,
            "an entry reads back as it was written"
        );
        self.applied += 1;
        if self.applied.is_multiple_of(RESTART_EVERY) {
            let snapshot = self.shadow.encode();
            assert!(
                self.region.encode() == snapshot,
                "two nodes encode one state differently"
            );
            self.shadow = Region::decode(&snapshot).unwrap();
        }
        self.shadow.apply(&entry);
        let outcome = self.region.apply(&entry);
        assert!(
            self.region == self.shadow,
            "two nodes came to different states"
        );
        assert_eq!(self.region.next_deadline(), self.shadow.next_deadline());
        outcome
    }

    /// Calls an operation; another region that has to be asked answers
    /// [`TestRegion::answer`].
    pub fn call<C: Call>(&mut self, request: C) -> Result<C::Response, KmsError> {
        let answer = self.answer.clone();
        self.call_asking(request, |_| answer)
    }

    /// Calls an operation, asking another region when it has to be.
    pub fn call_asking<C: Call>(
        &mut self,
        request: C,
        ask: impl FnOnce(&Question) -> Option<Answer>,
    ) -> Result<C::Response, KmsError> {
        let request = request.request();
        let planned = match self.plan(&request, None)? {
            Plan::Ask(Inquiry::Proxy(question)) => self.plan_asking(&request, *question)?,
            Plan::Ask(Inquiry::Region(question)) => {
                let answer = ask(&Question::decode(&question.encode()).unwrap());
                let unreachable = KmsError::region_unreachable(&question.region);
                self.plan(&request, Some(answer.ok_or(unreachable)?))?
            }
            planned => planned,
        };
        let response = match planned {
            Plan::Reply(response) => response,
            Plan::Ask(_) => panic!("one answer is enough"),
            Plan::Commit(change) => match self.apply(change) {
                Outcome::Answered(answer) => answer?,
                // Something had to be there first.
                Outcome::Done => match self.plan(&request, None)? {
                    Plan::Reply(response) => response,
                    Plan::Commit(_) | Plan::Ask(_) => panic!("it is there"),
                },
            },
        };
        Ok(C::response(response))
    }

    /// What the planning node has applied.
    pub fn view(&self) -> &Region {
        self.behind.as_ref().unwrap_or(&self.region)
    }

    /// Plans with the answers of proxies, as many as it takes.
    pub fn plan_asking(
        &mut self,
        request: &Request,
        first: ProxyQuestion,
    ) -> Result<Plan, KmsError> {
        let mut told = Vec::new();
        let mut question = first;
        loop {
            let answer = (self.proxy)(&question);
            told.push(Told { question, answer });
            match self.plan_told(request, None, &told)? {
                Plan::Ask(Inquiry::Proxy(next)) => question = *next,
                planned => return Ok(planned),
            }
            assert!(told.len() < 3, "a call asks two questions at most");
        }
    }

    /// Plans on the region as a node with this clock sees it.
    pub fn plan(&mut self, request: &Request, answer: Option<Answer>) -> Result<Plan, KmsError> {
        self.plan_told(request, answer, &[])
    }

    /// Plans with what proxies have said.
    pub fn plan_told(
        &mut self,
        request: &Request,
        answer: Option<Answer>,
        told: &[Told],
    ) -> Result<Plan, KmsError> {
        let regions: Vec<RegionName> = REGIONS.iter().map(|name| region(name)).collect();
        let mut view = self.view().clone();
        view.advance_to(self.now);
        let wrapping_key =
            (request.operation() == Operation::GetParametersForImport).then(wrapping_key);
        let mut cx = Context {
            caller: &self.caller,
            authority: match &self.identity {
                Some(identity) => Authority::Enforced(Some(identity)),
                None => Authority::Open,
            },
            asked: None,
            spread_grants: self.spread_grants.as_ref(),
            vault: &self.vault,
            entropy: &mut self.entropy,
            now: self.now,
            regions: &regions,
            wrapping_key: wrapping_key.as_ref(),
            unwrap: &ImportToken::unwrap,
            tokens_expire_after_ms: self.tokens_expire_after_ms,
            answer,
            chosen: self.chosen.take(),
            used: Default::default(),
            named_grants: Default::default(),
            told,
            attestation_root: self.attestation_root.as_ref(),
        };
        view.plan(&mut cx, request)
    }

    /// The reference of a key of this account.
    pub fn reference(&self, key: &str) -> KeyRef {
        KeyRef {
            account: self.caller.account,
            id: key.parse().unwrap(),
        }
    }

    /// The key's ARN here.
    pub fn arn(&self, key: &str) -> String {
        self.reference(key).arn(self.region.name())
    }

    /// Changes the agreed state behind everybody's back.
    pub fn tamper(&mut self, change: impl FnOnce(&mut serde_json::Value)) {
        let mut json = serde_json::from_slice(&self.region.encode()).unwrap();
        change(&mut json);
        let bytes = serde_json::to_vec(&json).unwrap();
        self.region = Region::decode(&bytes).unwrap();
        self.shadow = Region::decode(&bytes).unwrap();
    }

    /// The peers that have not acknowledged everything.
    pub fn peers_behind(&self) -> BTreeSet<String> {
        let behind = self
            .region
            .feeds()
            .iter()
            .filter(|(_, feed)| !feed.is_empty());
        behind.map(|(peer, _)| peer.to_string()).collect()
    }
}

/// `Code: text`, or the code alone.
pub fn refusal<T>(result: Result<T, KmsError>) -> String {
    match result {
        Ok(_) => "success".into(),
        Err(error) => error.to_string(),
    }
}
