//! The story whose bytes are golden: two regions, in which every kind of change
//! happens at least once. Everything random in it comes from seeds.

use meridian_kms::{Answer, Change, Entry, Inquiry, KeyState, Outcome, Plan, Question, Request};
use meridian_proto::v1::*;

use crate::fixture::{Call, DAY_MS, START, TestRegion, region};
use crate::key_stores;
use crate::metadata;
use crate::specs;

/// The primary's region, then the replica's.
const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];
/// Every region of which something is stored.
pub const STORED: [&str; 5] = [
    REGIONS[0],
    REGIONS[1],
    key_stores::REGION,
    metadata::REGION,
    specs::REGION,
];

/// What the story leaves behind.
pub struct Story {
    /// What each region has stored.
    pub regions: Vec<Stored>,
    /// The facts that crossed the link.
    pub facts: Vec<Vec<u8>>,
    /// A question, an answer without a key, an answer with one.
    pub preflight: Vec<Vec<u8>>,
}

/// What a region stores.
pub struct Stored {
    /// The region.
    pub name: &'static str,
    /// Its log, from the first entry.
    pub log: Vec<Vec<u8>>,
    /// A snapshot at the end of the log.
    pub snapshot: Vec<u8>,
}

/// A region that keeps its log.
pub struct Recorded {
    name: &'static str,
    pub it: TestRegion,
    log: Vec<Vec<u8>>,
}

impl Recorded {
    pub fn new(name: &'static str) -> Recorded {
        Recorded {
            name,
            it: TestRegion::new(name),
            log: Vec::new(),
        }
    }

    pub fn commit(&mut self, change: Change) -> Outcome {
        let entry = Entry {
            at: self.it.now,
            change: change.clone(),
        };
        self.log.push(entry.encode());
        self.it.apply(change)
    }

    /// A writing operation.
    pub fn call<C: Call>(&mut self, request: C) -> C::Response {
        let request = request.request();
        // The other region has a key only after it was replicated.
        let replicate = matches!(request, Request::ReplicateKey(_));
        let answer = Answer {
            state: (!replicate).then_some(KeyState::Enabled),
            ..Default::default()
        };
        let planned = match self.it.plan(&request, Some(answer)).unwrap() {
            Plan::Ask(Inquiry::Proxy(question)) => self.it.plan_asking(&request, *question),
            planned => Ok(planned),
        };
        let change = match planned.unwrap() {
            Plan::Commit(change) => change,
            Plan::Reply(_) | Plan::Ask(_) => panic!("the story only tells of writes"),
        };
        match self.commit(change) {
            Outcome::Answered(answer) => C::response(answer.unwrap()),
            Outcome::Done => panic!("a client's request is answered"),
        }
    }

    fn create(&mut self, origin: &str, multi_region: bool) -> String {
        let tag = Tag {
            tag_key: Some("team".into()),
            tag_value: Some("payments".into()),
        };
        let request = CreateKeyRequest {
            origin: Some(origin.into()),
            multi_region: Some(multi_region),
            description: Some("golden".into()),
            tags: vec![tag],
            ..Default::default()
        };
        self.call(request).key_metadata.unwrap().key_id.unwrap()
    }

    fn import(&mut self, key: &str, byte: u8, adjust: impl FnOnce(&mut ImportKeyMaterialRequest)) {
        let mut request = self.it.import_request(key, &[byte; 32]).unwrap();
        adjust(&mut request);
        self.call(request);
    }

    /// What is due to the other region arrives there and is acknowledged.
    fn push(&mut self, to: &mut Recorded, facts: &mut Vec<Vec<u8>>) {
        let here = &mut self.it;
        let peer = region(to.name);
        let due = here
            .region
            .outgoing(&peer, &here.vault, &mut here.entropy, |_| false)
            .unwrap();
        if due.positions.is_empty() {
            return;
        }
        let there = &mut to.it;
        let pushed = due.facts.iter().map(Vec::as_slice);
        let from = region(self.name);
        let planned = there
            .region
            .plan_facts(&from, pushed, &there.vault, &mut there.entropy)
            .unwrap();
        to.commit(planned);
        self.commit(Change::FeedAcknowledged {
            peer,
            positions: due.positions,
        });
        facts.extend(due.facts);
    }
}

/// Plays it from the beginning.
pub fn play() -> Story {
    let [mut us, mut eu] = REGIONS.map(Recorded::new);
    let mut facts = Vec::new();
    let mut talk = |us: &mut Recorded, eu: &mut Recorded| {
        // A rotation takes four one-way trips.
        for _ in 0..4 {
            us.push(eu, &mut facts);
            eu.push(us, &mut facts);
        }
    };

    let imported = us.create("EXTERNAL", true);
    let key_id = || Some(imported.clone());
    us.import(&imported, 1, |request| {
        request.expiration_model = Some("KEY_MATERIAL_EXPIRES".into());
        let ms = START.0 + 300 * DAY_MS;
        request.valid_to = Some(prost_types::Timestamp {
            seconds: ms / 1000,
            nanos: 0,
        });
    });
    let replica_region = Some(REGIONS[1].to_owned());
    us.call(ReplicateKeyRequest {
        key_id: key_id(),
        replica_region,
        ..Default::default()
    });
    talk(&mut us, &mut eu);
    eu.import(&imported, 1, |_| {});
    us.import(&imported, 2, |request| {
        request.import_type = Some("NEW_KEY_MATERIAL".into());
        request.key_material_description = Some("second".into());
    });
    talk(&mut us, &mut eu);
    eu.import(&imported, 2, |_| {});
    talk(&mut us, &mut eu);
    us.call(RotateKeyOnDemandRequest { key_id: key_id() });
    talk(&mut us, &mut eu);
    eu.call(DeleteImportedKeyMaterialRequest {
        key_id: key_id(),
        key_material_id: None,
    });
    eu.import(&imported, 2, |_| {});
    talk(&mut us, &mut eu);

    let alias_name = Some("alias/golden".to_owned());
    let single = us.create("AWS_KMS", false);
    us.call(CreateAliasRequest {
        alias_name: alias_name.clone(),
        target_key_id: key_id(),
    });
    us.call(UpdateAliasRequest {
        alias_name: alias_name.clone(),
        target_key_id: Some(single.clone()),
    });
    us.call(DeleteAliasRequest { alias_name });
    us.call(CreateAliasRequest {
        alias_name: Some("alias/kept".into()),
        target_key_id: Some(single.clone()),
    });
    let description = Some("changed".to_owned());
    us.call(UpdateKeyDescriptionRequest {
        key_id: Some(single.clone()),
        description,
    });
    us.call(DisableKeyRequest {
        key_id: Some(single.clone()),
    });
    us.call(EnableKeyRequest {
        key_id: Some(single.clone()),
    });
    us.call(ScheduleKeyDeletionRequest {
        key_id: Some(single.clone()),
        pending_window_in_days: Some(7),
    });
    us.call(CancelKeyDeletionRequest {
        key_id: Some(single),
    });

    let generated = us.create("AWS_KMS", true);
    let replica_region = Some(REGIONS[1].to_owned());
    let key = || Some(generated.clone());
    us.call(ReplicateKeyRequest {
        key_id: key(),
        replica_region,
        ..Default::default()
    });
    talk(&mut us, &mut eu);
    us.call(EnableKeyRotationRequest {
        key_id: key(),
        rotation_period_in_days: Some(90),
    });
    us.commit(Change::AdvanceClock { ms: DAY_MS });
    us.it.now = us.it.now.plus_ms(91 * DAY_MS);
    us.commit(Change::Tick);
    for change in us
        .it
        .region
        .plan_rotations(us.it.now, &us.it.vault, &mut us.it.entropy)
    {
        us.commit(change);
    }
    talk(&mut us, &mut eu);
    us.call(DisableKeyRotationRequest { key_id: key() });
    talk(&mut us, &mut eu);

    // A deleted key, then a hand-over and a deletion that the end leaves open.
    let deleted = us.create("AWS_KMS", true);
    us.call(ScheduleKeyDeletionRequest {
        key_id: Some(deleted),
        pending_window_in_days: Some(7),
    });
    us.it.now = us.it.now.plus_ms(8 * DAY_MS);
    us.commit(Change::Tick);
    let primary_region = Some(REGIONS[1].to_owned());
    us.call(UpdatePrimaryRegionRequest {
        key_id: key_id(),
        primary_region,
    });
    us.call(ScheduleKeyDeletionRequest {
        key_id: key(),
        pending_window_in_days: Some(30),
    });

    // Imported material whose life is ended, at the old primary.
    let key = us.it.reference(&imported);
    let held = us.it.region.key(&key).unwrap().held_ids();
    us.commit(Change::MaterialExpires {
        key,
        material: *held.last().unwrap(),
    });
    us.commit(Change::Tick);

    let question = Question {
        region: region(REGIONS[1]),
        key: us.it.reference(&imported),
        primary_for: None,
    };
    let enabled = Answer {
        state: Some(KeyState::Enabled),
        ..Default::default()
    };
    let preflight = vec![
        question.encode(),
        Answer::default().encode(),
        enabled.encode(),
        Question {
            primary_for: Some(us.it.caller.clone()),
            ..question
        }
        .encode(),
        Answer {
            denied: Some("User: nobody is not authorized".into()),
            ..enabled
        }
        .encode(),
    ];
    let stored = |it: Recorded| Stored {
        name: it.name,
        log: it.log,
        snapshot: it.it.region.encode(),
    };
    let regions = [us, eu, key_stores::play(), metadata::play(), specs::play()]
        .map(stored)
        .into();
    Story {
        regions,
        facts,
        preflight,
    }
}
