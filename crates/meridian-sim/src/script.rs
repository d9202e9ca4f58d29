//! Scripts: stories between regions as text, commands and what they come to.
//!
//! A line that begins with `>` is a command; the lines below it are its output.
//! [`play`] gives the same text with the output as it is, so that a difference
//! can be read. Regions are a few milliseconds apart, nothing goes wrong by
//! itself, and after each command the world settles.
//!
//! | command | |
//! |---|---|
//! | `regions A B …` | begins the world |
//! | `at A create k external` | CreateKey, of a multi-Region key; or `generated` |
//! | `at A replicate k B` | and `move k B`: ReplicateKey, UpdatePrimaryRegion |
//! | `at A import k 1 new` | ImportKeyMaterial of material M1; `existing`; `for 3d` lets it expire |
//! | `at A delete k 1` | DeleteImportedKeyMaterial; without a number the current one |
//! | `at A rotate k` | and `enable`, `disable`, `schedule`, `cancel`, `schedule-rotation` |
//! | `at A encrypt k c` | keeps the ciphertext as `c`; `at B decrypt c` opens it |
//! | `cut A B`, `heal` | nothing passes between two regions; all faults end |
//! | `crash A 1`, `restart A 1` | a node |
//! | `advance 8d` | moves the time of all regions |
//! | `show k` | what every region has agreed on about a key |
//! | `judge` | every promise, on everything so far |

use std::collections::{BTreeMap, BTreeSet};

use meridian_chaos::{Fault, Kind, Link, Place};
use meridian_kms::Request;
use meridian_proto::v1::*;

use crate::call::Ended;
use crate::client::Clients;
use crate::keepsake::Known;
use crate::story::Story;
use crate::world::World;
use meridian_judge::history::Seen;

/// A script that cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ScriptError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

/// Plays a script, and gives it back with the output that it has.
///
/// # Errors
/// [`ScriptError`] for a line that is no command, or names what there is not.
pub fn play(text: &str) -> Result<String, ScriptError> {
    let mut story = None;
    let mut played = String::new();
    let mut in_output = false;
    for (index, line) in text.lines().enumerate() {
        let Some(command) = line.strip_prefix("> ") else {
            // A comment or an empty line ends an output.
            in_output &= !line.is_empty() && !line.starts_with('#');
            if !in_output {
                played += &format!("{line}\n");
            }
            continue;
        };
        in_output = true;
        played += &format!("{line}\n");
        let words: Vec<&str> = command.split_whitespace().collect();
        let output = match (words.as_slice(), &mut story) {
            (["regions", names @ ..], None) => {
                story = Some(Script::begin(names.len()));
                story
                    .as_ref()
                    .map(|it| it.check(names))
                    .unwrap_or(Ok(String::new()))
            }
            (_, None) => Err("a script begins with `> regions …`".to_owned()),
            (words, Some(story)) => story.command(words),
        };
        let output = output.map_err(|what| ScriptError {
            line: index + 1,
            what,
        })?;
        played += &output;
    }
    Ok(played)
}

struct Script {
    world: World,
    story: Story,
}

type Output = Result<String, String>;

impl Script {
    fn begin(regions: usize) -> Script {
        let clients = Clients::new(0, regions, 0, BTreeSet::new());
        let mut world = World::new(0, regions, clients, false);
        for row in &mut world.distance_ms {
            row.fill(20);
        }
        Script {
            world,
            story: Story::default(),
        }
    }

    /// Regions come in the order that the simulator has them in.
    fn check(&self, names: &[&str]) -> Output {
        let known: Vec<&str> = self.world.names.iter().map(|name| name.as_str()).collect();
        if known == names {
            return Ok(String::new());
        }
        Err(format!("the first regions are {}", known.join(" ")))
    }

    fn region(&self, name: &str) -> Result<usize, String> {
        let found = self.world.names.iter().position(|it| it.as_str() == name);
        found.ok_or_else(|| format!("there is no region {name}"))
    }

    fn command(&mut self, words: &[&str]) -> Output {
        let output = match words {
            ["at", region, call @ ..] => {
                let region = self.region(region)?;
                self.call(region, call)?
            }
            ["cut", one, other] => {
                self.region(one)?;
                self.region(other)?;
                let link = Link {
                    from: (*one).into(),
                    to: (*other).into(),
                    both_directions: true,
                };
                self.wrong(&format!("{link:?}"), Kind::LinkCut { link: link.clone() })
            }
            ["crash", region, node] => {
                let node = self.place(region, node)?;
                self.wrong(&format!("{node:?}"), Kind::NodeCrash { node: node.clone() })
            }
            ["restart", region, node] => {
                let node = self.place(region, node)?;
                if !self.world.end_fault(&format!("{node:?}")) {
                    return Err(format!("node {} of {region} has not crashed", node.node));
                }
                String::new()
            }
            ["heal"] => {
                self.world.end_all_faults();
                String::new()
            }
            ["advance", span] => {
                let ms = span_ms(span)?;
                for region in 0..self.world.groups.len() {
                    self.world.advance_clock(region, ms);
                }
                String::new()
            }
            ["show", key] => {
                let key = self.key(key)?.key;
                return Ok(self.story.show(&self.world, &key));
            }
            ["judge"] => return Ok(self.judge()),
            _ => return Err(format!("{:?} is no command", words.join(" "))),
        };
        self.world.settle();
        Ok(output)
    }

    fn place(&self, region: &str, node: &str) -> Result<Place, String> {
        self.region(region)?;
        let node = node.parse().map_err(|_| format!("{node} is no node"))?;
        Ok(Place {
            region: region.into(),
            node,
        })
    }

    fn wrong(&mut self, id: &str, kind: Kind) -> String {
        self.world.begin_fault(Fault {
            id: id.into(),
            kind,
            ends_at_ms: None,
        });
        String::new()
    }

    fn key(&self, name: &str) -> Result<Known, String> {
        let key = self.story.keys.get(name).copied();
        key.ok_or_else(|| format!("there is no key {name}"))
    }

    fn call(&mut self, region: usize, words: &[&str]) -> Output {
        if let ["create", name, origin] = words {
            return self.create(region, name, origin);
        }
        if let ["decrypt", name] = words {
            let blob = self.story.ciphertexts.get(*name).cloned();
            let blob = blob.ok_or_else(|| format!("there is no ciphertext {name}"))?;
            let request = Request::Decrypt(DecryptRequest {
                ciphertext_blob: Some(blob),
                ..Default::default()
            });
            return Ok(self.answer(region, request));
        }
        let [operation, name, rest @ ..] = words else {
            return Err("an operation and a key".into());
        };
        let key = self.key(name)?.key;
        if let ("import", [number, kind, lasting @ ..]) = (*operation, rest) {
            return self.import(region, key, number, kind, lasting);
        }
        if let ("encrypt", [ciphertext]) = (*operation, rest) {
            return Ok(self.encrypt(region, key, ciphertext));
        }
        let request = crate::story::request(operation, &key, rest, &self.story)?;
        Ok(self.answer(region, request))
    }

    fn create(&mut self, region: usize, name: &str, origin: &str) -> Output {
        let external = origin == "external";
        let request = Request::CreateKey(CreateKeyRequest {
            origin: Some(if external { "EXTERNAL" } else { "AWS_KMS" }.into()),
            multi_region: Some(true),
            ..Default::default()
        });
        let ended = self.world.call_and_wait(region, request);
        self.story.created(name, external, &ended);
        Ok(self.story.words(&ended))
    }

    fn encrypt(&mut self, region: usize, key: meridian_kms::KeyRef, name: &str) -> String {
        let request = Request::Encrypt(EncryptRequest {
            key_id: Some(key.id.to_string()),
            plaintext: Some(name.as_bytes().to_vec().into()),
            ..Default::default()
        });
        let ended = self.world.call_and_wait(region, request);
        self.story.encrypted(name, &ended);
        self.story.words(&ended)
    }

    fn import(
        &mut self,
        region: usize,
        key: meridian_kms::KeyRef,
        number: &str,
        kind: &str,
        lasting: &[&str],
    ) -> Output {
        let number: u64 = number
            .parse()
            .map_err(|_| format!("{number} is no number of a material"))?;
        let id = self.world.material_id(region, &key, number);
        self.story.materials.insert(id, number);
        let parameters = Request::GetParametersForImport(GetParametersForImportRequest {
            key_id: Some(key.id.to_string()),
            wrapping_algorithm: Some("RSAES_OAEP_SHA_256".into()),
            wrapping_key_spec: Some("RSA_2048".into()),
        });
        let parameters = self.world.call_and_wait(region, parameters);
        let Ended::Response(meridian_kms::Response::GetParametersForImport(parameters)) =
            parameters
        else {
            return Ok(self.story.words(&parameters));
        };
        let valid_to = match lasting {
            ["for", span] => Some(self.world.expiry(region, span_ms(span)?).to_proto()),
            [] => None,
            _ => return Err("an import lasts `for` a time".into()),
        };
        let model = match valid_to {
            Some(_) => "KEY_MATERIAL_EXPIRES",
            None => "KEY_MATERIAL_DOES_NOT_EXPIRE",
        };
        let wrapped = crate::wrapping::wrap(&crate::wrapping::material(number));
        let request = Request::ImportKeyMaterial(ImportKeyMaterialRequest {
            key_id: Some(key.id.to_string()),
            import_token: parameters.import_token,
            encrypted_key_material: Some(wrapped.into()),
            valid_to,
            expiration_model: Some(model.into()),
            import_type: Some(format!("{}_KEY_MATERIAL", kind.to_uppercase())),
            ..Default::default()
        });
        Ok(self.answer(region, request))
    }

    fn answer(&mut self, region: usize, request: Request) -> String {
        let ended = self.world.call_and_wait(region, request);
        self.story.words(&ended)
    }

    fn judge(&mut self) -> String {
        let due = |group: &crate::group::Group| {
            let feeds = group.agreed().feeds().values();
            feeds.map(|feed| feed.len()).sum()
        };
        let due = self.world.groups.iter().map(due).collect();
        self.world.judge.see(&Seen::Healed {
            at_ms: self.world.now_ms,
            due,
        });
        match self.world.judge.violation() {
            None => "every promise was kept\n".into(),
            Some(violation) => format!("{}: {}\n", violation.promise, violation.what),
        }
    }
}

/// `8d`, `3h` or `20s`, in milliseconds.
fn span_ms(text: &str) -> Result<i64, String> {
    let units = BTreeMap::from([('s', 1_000), ('h', 3_600_000), ('d', 86_400_000)]);
    let wrong = || format!("{text} is no span of time");
    let unit = text.chars().last().and_then(|unit| units.get(&unit));
    let number = text[..text.len().saturating_sub(1)].parse::<i64>();
    let (unit, number) = unit.zip(number.ok()).ok_or_else(wrong)?;
    Ok(unit * number)
}
