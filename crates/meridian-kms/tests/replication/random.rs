//! Anything, in any order, over links that lose, repeat and reorder: the judge
//! must never object, and once the links heal all regions must agree.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use meridian_kms::{KmsError, Region};
use meridian_proto::v1::DisableKeyRotationRequest;

use crate::dice::Dice;
use crate::fixture::{DAY_MS, TestRegion};
use crate::world::World;

const SEEDS: std::ops::Range<u64> = 0..12;
const STEPS: usize = 400;
/// Imported material is 32 times a byte up to this one.
const BYTES: u8 = 9;
const NAMES: [&str; 4] = ["ap-south-1", "eu-west-1", "sa-east-1", "us-east-1"];
const HOUR_MS: i64 = 3_600_000;

/// How often each operation is tried: in seeds that lean to rotation, to the
/// coming and going of replicas, and to changes of primary.
const OPERATIONS: [(&str, [usize; 3]); 13] = [
    ("import new", [14, 4, 6]),
    ("import existing", [28, 12, 12]),
    ("delete material", [6, 2, 2]),
    ("rotate", [24, 10, 14]),
    ("replicate", [4, 24, 8]),
    ("update primary", [2, 6, 24]),
    ("disable", [1, 1, 1]),
    ("enable", [3, 4, 3]),
    ("schedule", [1, 14, 5]),
    ("cancel", [2, 4, 2]),
    ("enable rotation", [3, 4, 5]),
    ("disable rotation", [1, 1, 1]),
    ("encrypt", [11, 14, 17]),
];

type Link = (&'static str, &'static str);

/// One seed's story.
struct Run {
    world: World,
    dice: Dice,
    names: &'static [&'static str],
    keys: Vec<String>,
    /// What nodes that are behind have applied.
    older: BTreeMap<&'static str, Region>,
    /// How often each operation succeeded and each accident happened.
    happened: BTreeMap<&'static str, u64>,
    steps: Vec<String>,
    leaning: usize,
}

impl Run {
    fn new(seed: u64) -> Run {
        let mut dice = Dice::new(seed);
        let names = &NAMES[dice.below(3)..];
        let mut run = Run {
            world: World::new(names),
            dice,
            names,
            keys: Vec::new(),
            older: BTreeMap::new(),
            happened: BTreeMap::new(),
            steps: Vec::new(),
            leaning: usize::try_from(seed % 3).unwrap(),
        };
        run.create(true);
        run.create(!seed.is_multiple_of(3));
        run
    }

    fn create(&mut self, external: bool) {
        self.world.heal();
        for name in self.names {
            self.world.unseen(name, |it| it.behind = None);
        }
        let name = *self.dice.pick(self.names);
        let key = self.world.on(name, |it| {
            if external {
                it.create_imported(true, 1).0
            } else {
                it.create_multi_region()
            }
        });
        for other in self.names {
            if *other != name && !self.dice.one_in(3) {
                self.world.replicate(name, &key, other).unwrap();
            }
        }
        self.world.settle();
        if external {
            for other in self.names {
                let _ = self
                    .world
                    .on(other, |it| it.import(&key, 1, "EXISTING_KEY_MATERIAL"));
            }
        }
        self.keys.push(key);
    }

    fn happened(&mut self, what: &'static str) {
        *self.happened.entry(what).or_default() += 1;
    }

    /// A region that has the key, often the primary.
    fn place(&mut self, key: &str) -> &'static str {
        let has = |world: &World, name: &'static str, primary: bool| {
            let it = world.region(name);
            let key = it.region.key(&it.reference(key));
            key.is_some_and(|key| !primary || key.is_primary())
        };
        let primary = self.dice.one_in(2);
        let names: Vec<_> = self
            .names
            .iter()
            .copied()
            .filter(|name| has(&self.world, name, primary))
            .collect();
        let names = if names.is_empty() { self.names } else { &names };
        names[self.dice.below(names.len())]
    }

    /// One step; now and then the node that plans in some region is behind.
    fn step(&mut self) {
        let name = *self.dice.pick(self.names);
        if self.dice.one_in(8) {
            let now = self.world.region(name).region.clone();
            self.older.insert(name, now);
        }
        let behind = self
            .older
            .get(name)
            .filter(|_| self.dice.one_in(4))
            .cloned();
        if behind.is_some() {
            self.note(format!("{name} is behind"));
        }
        self.world.unseen(name, |it| it.behind = behind);
        self.act();
        self.world.unseen(name, |it| it.behind = None);
    }

    fn act(&mut self) {
        match self.dice.below(100) {
            0..24 => self.send(),
            24..44 => self.receive(),
            44..48 => self.help(),
            48..49 => {
                let (one, other) = *self.dice.pick(&self.links(|_, _, _| true));
                self.note(format!("cut {one} {other}"));
                self.world.cut(one, other);
            }
            49..51 => {
                self.note("heal".into());
                self.world.heal();
            }
            51..52 => {
                self.note("settle".into());
                self.world.settle();
            }
            52..55 => self.pass(),
            55..56 => {
                self.note("look at ciphertexts".into());
                // A node that is behind its region may know less than the region.
                for name in self.names {
                    self.world.unseen(name, |it| it.behind = None);
                }
                self.world.look_at_ciphertexts().unwrap();
            }
            _ => self.operate(),
        }
    }

    fn note(&mut self, step: String) {
        self.steps.push(step);
    }

    fn send(&mut self) {
        let links = self.links(|world, from, to| {
            let due = world.feed(from, to).is_some_and(|feed| !feed.is_empty());
            due && !world.is_cut(from, to) && world.flying(from, to) < 4
        });
        if links.is_empty() {
            return self.operate();
        }
        let (from, to) = *self.dice.pick(&links);
        self.note(format!("push {from} {to}"));
        self.world.push(from, to);
    }

    fn links(&self, which: impl Fn(&World, &'static str, &'static str) -> bool) -> Vec<Link> {
        let all = self
            .names
            .iter()
            .flat_map(|from| self.names.iter().map(|to| (*from, *to)));
        all.filter(|(from, to)| from != to && which(&self.world, from, to))
            .collect()
    }

    fn receive(&mut self) {
        let busy = self.links(|world, from, to| world.flying(from, to) > 0);
        if busy.is_empty() {
            return self.operate();
        }
        let (from, to) = *self.dice.pick(&busy);
        let flying = self.world.flying(from, to);
        let index = self.dice.below(flying);
        match self.dice.below(10) {
            0 | 1 => {
                self.note(format!("lose {from} {to} {index}"));
                self.world.lose(from, to, index);
                self.happened("lost");
            }
            _ if self.world.is_cut(from, to) => {}
            2 | 3 => {
                self.note(format!("repeat {from} {to} {index}"));
                self.world.repeat(from, to, index);
                self.happened("repeated");
            }
            _ => {
                self.note(format!("deliver {from} {to} {index}"));
                self.world.deliver(from, to, index);
                self.happened(if index == 0 { "delivered" } else { "reordered" });
            }
        }
    }

    fn pass(&mut self) {
        let ms = *self
            .dice
            .pick(&[HOUR_MS, DAY_MS, 8 * DAY_MS, 8 * DAY_MS, 45 * DAY_MS]);
        let everywhere = self.dice.one_in(4);
        let one = *self.dice.pick(self.names);
        self.note(format!(
            "pass {ms} ms at {}",
            if everywhere { "all" } else { one }
        ));
        for name in self.names {
            if everywhere || *name == one {
                self.world.on(name, |it| it.pass(ms));
            }
        }
    }

    /// Somebody puts a key in order, in every region that has it.
    fn help(&mut self) {
        self.world.heal();
        let key = self.dice.pick(&self.keys).clone();
        self.note(format!("help {key}"));
        for name in self.names {
            for _ in 0..3 {
                let byte = self.missing(name, &key);
                let _ = self
                    .world
                    .on(name, |it| import(it, &key, byte, "EXISTING", None));
            }
            if self.dice.one_in(2) {
                let _ = self.world.on(name, |it| it.cancel_deletion(&key));
            }
            let _ = self.world.on(name, |it| it.enable(&key));
        }
    }

    /// An operation, as often as this seed's leaning wants it.
    fn choice(&mut self) -> &'static str {
        let weight = |row: &(&str, [usize; 3])| row.1[self.leaning];
        let mut left = self.dice.below(OPERATIONS.iter().map(weight).sum());
        for row in OPERATIONS {
            let weight = row.1[self.leaning];
            if left < weight {
                return row.0;
            }
            left -= weight;
        }
        unreachable!("less than the sum of all weights")
    }

    fn operate(&mut self) {
        let key = self.dice.pick(&self.keys).clone();
        let name = self.place(&key);
        let lacks = |name: &&str| {
            let it = self.world.region(name);
            it.region.key(&it.reference(&key)).is_none()
        };
        let vacant: Vec<_> = self.names.iter().copied().filter(lacks).collect();
        let other = match vacant.first() {
            Some(vacant) if self.dice.one_in(2) => vacant,
            Some(_) | None => *self.dice.pick(self.names),
        };
        let what = self.choice();
        let days = i64::try_from(1 + self.dice.below(30)).unwrap();
        let expires = self
            .dice
            .one_in(10)
            .then(|| self.world.region(name).now.plus_ms(days * DAY_MS));
        let byte = match self.dice.below(8) {
            0 => u8::try_from(1 + self.dice.below(usize::from(BYTES))).unwrap(),
            _ if what == "import new" => self.fresh(name, &key),
            _ => self.missing(name, &key),
        };
        let waiting = self.waiting(name, &key);
        let world = &mut self.world;
        let mut on = |act: &mut dyn FnMut(&mut TestRegion) -> Result<(), KmsError>| {
            world.on(name, |it| act(it))
        };
        let result = match what {
            "import new" => on(&mut |it| import(it, &key, byte, "NEW", expires)),
            "import existing" => on(&mut |it| import(it, &key, byte, "EXISTING", expires)),
            "delete material" => {
                let id = self.dice.one_in(2).then_some(waiting).flatten();
                on(&mut |it| it.delete_material(&key, id.as_deref()).map(|_| ()))
            }
            "rotate" => on(&mut |it| it.rotate(&key).map(|_| ())),
            "replicate" => world.replicate(name, &key, other),
            "update primary" => world.update_primary(name, &key, other),
            "disable" => on(&mut |it| it.disable(&key).map(|_| ())),
            "enable" => on(&mut |it| it.enable(&key).map(|_| ())),
            "schedule" => on(&mut |it| it.schedule_deletion(&key).map(|_| ())),
            "cancel" => on(&mut |it| it.cancel_deletion(&key).map(|_| ())),
            "enable rotation" => on(&mut |it| it.enable_rotation(&key, Some(90)).map(|_| ())),
            "disable rotation" => {
                let key_id = Some(key.clone());
                let request = DisableKeyRotationRequest { key_id };
                on(&mut |it| it.call(request.clone()).map(|_| ()))
            }
            "encrypt" => world.encrypt(name, &key).map(|_| ()),
            other => unreachable!("{other} is not in the table"),
        };
        let outcome = match &result {
            Ok(()) => "ok".to_owned(),
            Err(error) => error.code.name().to_owned(),
        };
        self.note(format!(
            "{what} {key} at {name} (other {other}, byte {byte}): {outcome}"
        ));
        if result.is_ok() {
            self.happened(what);
        }
        let gone = |it: &TestRegion| it.region.key(&it.reference(&key)).is_none();
        if self.world.regions().all(|(_, it)| gone(it)) {
            self.keys.retain(|kept| *kept != key);
            let external = self.dice.one_in(2);
            self.create(external);
        }
    }

    /// The ID of the waiting material, as the region knows it.
    fn waiting(&self, name: &str, key: &str) -> Option<String> {
        let it = self.world.region(name);
        Some(
            it.region
                .key(&it.reference(key))?
                .shared
                .pending()?
                .id
                .to_string(),
        )
    }

    /// The bytes of a material that the region knows of and does not hold, or
    /// else of its newest.
    fn missing(&self, name: &str, key: &str) -> u8 {
        let it = self.world.region(name);
        let Some(known) = it.region.key(&it.reference(key)) else {
            return 1;
        };
        let materials = &known.shared.materials;
        let missing = materials
            .iter()
            .find(|material| known.sealed(&material.id).is_none());
        let Some(wanted) = missing.or(materials.last()) else {
            return 1;
        };
        (1..=BYTES)
            .find(|byte| it.material_id(key, *byte) == wanted.id)
            .unwrap_or(1)
    }

    /// Bytes that the key does not have yet.
    fn fresh(&self, name: &str, key: &str) -> u8 {
        let it = self.world.region(name);
        let Some(known) = it.region.key(&it.reference(key)) else {
            return 1;
        };
        let is_new = |byte: &u8| known.shared.material(&it.material_id(key, *byte)).is_none();
        (1..=BYTES).find(is_new).unwrap_or(1)
    }
}

fn import(
    it: &mut TestRegion,
    key: &str,
    byte: u8,
    kind: &str,
    expires: Option<meridian_kms::Timestamp>,
) -> Result<(), KmsError> {
    let imported = it.import_as(key, byte, |request| {
        request.import_type = Some(format!("{kind}_KEY_MATERIAL"));
        if let Some(expires) = expires {
            request.expiration_model = Some("KEY_MATERIAL_EXPIRES".into());
            request.valid_to = Some(expires.to_proto());
        }
    });
    imported.map(|_| ())
}

/// Runs one seed and adds what happened to what happened before.
fn run(seed: u64, total: &mut BTreeMap<&'static str, u64>) {
    let mut run = Run::new(seed);
    let story = AssertUnwindSafe(|| {
        for _ in 0..STEPS {
            run.step();
        }
        run.world.heal_and_judge();
    });
    if let Err(panic) = catch_unwind(story) {
        let last = run.steps.len().saturating_sub(40);
        eprintln!("{}", run.steps[last..].join("\n"));
        let seeds = format!("{seed}..{}", seed + 1);
        eprintln!("replay: MERIDIAN_SEEDS={seeds} cargo test -p meridian-kms --test replication");
        resume_unwind(panic);
    }
    let looked = run.world.judge.looked.iter();
    for (what, times) in run.happened.iter().chain(looked) {
        *total.entry(what).or_default() += times;
    }
}

#[test]
fn no_order_of_events_and_no_loss_breaks_a_promise() {
    let mut total = BTreeMap::new();
    if let Ok(seeds) = std::env::var("MERIDIAN_SEEDS") {
        let (first, end) = seeds.split_once("..").expect("as in MERIDIAN_SEEDS=7..8");
        (first.parse().unwrap()..end.parse().unwrap()).for_each(|seed| run(seed, &mut total));
        eprintln!("{total:?}");
        return;
    }
    SEEDS.for_each(|seed| run(seed, &mut total));
    eprintln!("{total:?}");
    for what in [
        "R1 accept",
        "R1 switch",
        "R2",
        "R3",
        "R4",
        "R6",
        "R7",
        "cancel",
        "delete material",
        "delivered",
        "disable",
        "enable",
        "enable rotation",
        "encrypt",
        "import existing",
        "import new",
        "lost",
        "reordered",
        "repeated",
        "replicate",
        "rotate",
        "schedule",
        "update primary",
    ] {
        assert!(
            total.contains_key(what),
            "a check without an occasion proves nothing: {what}"
        );
    }
}
