//! The history that follows from the notes of many nodes, read in the order of
//! their times.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use meridian_crypto::MaterialId;
use meridian_judge::History;
use meridian_judge::history::{Invoked, Seen, Site};
use meridian_kms::RegionName;
use serde_json::json;

use crate::recorder::agreed::superseded_ms;
use crate::recorder::part::{Header, Line, Note};
use crate::recorder::proposals::Proposals;
use crate::recorder::troubles::{Troubles, Whole};

/// A call as its node numbers it.
type Local = (usize, u64);

/// What is known so far.
pub struct Chronicle {
    regions: Vec<RegionName>,
    began_ns: u64,
    now_ns: u64,
    seen: Vec<Seen>,
    calls: u64,
    /// Calls under way.
    open: BTreeMap<Local, Open>,
    requests: HashMap<String, u64>,
    clients: BTreeMap<String, usize>,
    proposals: Proposals,
    /// What each region has agreed on.
    agreed: Vec<Agreed>,
    /// What ciphertexts hold, and the materials that made them.
    made: HashMap<String, (Option<String>, MaterialId)>,
    troubles: Troubles,
}

#[derive(Default)]
struct Open {
    call: u64,
    request: String,
    client: String,
    opens: Option<String>,
    /// The place in the log of the oldest view that may answer.
    view: Option<u64>,
    /// The number of the bytes that it imports.
    bytes: Option<u64>,
    /// Its region, if nothing was wrong there.
    whole: Option<Whole>,
}

#[derive(Default)]
struct Agreed {
    /// With the time at which each was applied first.
    entries: BTreeMap<u64, (String, i64)>,
    due: usize,
}

impl Chronicle {
    /// Of these regions, from this time on.
    pub fn new(regions: Vec<RegionName>, began_ns: u64) -> Chronicle {
        Chronicle {
            began_ns,
            now_ns: began_ns,
            seen: Vec::new(),
            calls: 0,
            open: BTreeMap::new(),
            requests: HashMap::new(),
            clients: BTreeMap::new(),
            proposals: Proposals::default(),
            agreed: regions.iter().map(|_| Agreed::default()).collect(),
            made: HashMap::new(),
            troubles: Troubles::new(regions.len()),
            regions,
        }
    }

    /// A node starts, for the first time or again.
    pub fn begins(&mut self, header: &Header) {
        self.now_ns = header.began_ns;
        let gone = self.gone(header);
        if self.troubles.is_over(&gone) {
            self.write_end(&gone, 1);
            let (region, node) = (header.region, header.node);
            self.seen.push(Seen::Restarted { region, node });
        }
    }

    /// A node has written nothing more; with `again` it starts another time.
    pub fn ends(&mut self, part: usize, header: &Header, ns: u64, again: bool) {
        self.now_ns = ns;
        let under_way: Vec<Local> = self
            .open
            .range((part, 0)..(part + 1, 0))
            .map(|it| *it.0)
            .collect();
        for local in under_way {
            if let Some(open) = self.open.remove(&local) {
                self.requests.remove(&open.request);
                let (at_ms, call) = (self.now_ms(), open.call);
                let sound = false;
                self.seen.push(Seen::Unknown { at_ms, call, sound });
            }
        }
        for id in self.troubles.obeyed(part) {
            // What it has counted went with it.
            self.fault_ends(&id, part, 0);
        }
        if again {
            let began = Seen::FaultBegan {
                at_ms: self.now_ms(),
                id: self.gone(header),
                kind: "process gone".to_owned(),
                site: Site::Region(header.region),
                fault: json!({"node": {
                    "region": self.regions[header.region],
                    "node": header.node + 1,
                }}),
            };
            self.fault_begins(began, None);
        }
    }

    /// The name of the fault that a node's process is gone.
    fn gone(&self, header: &Header) -> String {
        format!("{}/{} gone", self.regions[header.region], header.node + 1)
    }

    /// A node has noted something.
    ///
    /// # Errors
    /// It has applied another entry than another node.
    pub fn note(&mut self, part: usize, header: &Header, line: Line) -> anyhow::Result<()> {
        self.now_ns = line.ns;
        match line.note {
            Note::Seen { seen } => self.saw(part, *seen),
            Note::Called {
                call,
                request,
                client,
                opens,
                view,
            } => {
                self.calls += 1;
                self.requests.insert(request.clone(), self.calls);
                let open = Open {
                    call: self.calls,
                    request,
                    client,
                    opens,
                    view,
                    ..Open::default()
                };
                self.open.insert((part, call), open);
            }
            Note::Imports { request, bytes } => {
                let call = self.requests.get(&request);
                let mut open = self.open.values_mut();
                if let Some(open) = open.find(|open| Some(&open.call) == call) {
                    open.bytes = Some(bytes);
                }
            }
            Note::Made {
                ciphertext,
                material,
                text,
            } => {
                self.made.insert(ciphertext, (text, material));
            }
            Note::Proposes { request, entry } => {
                if let Some(call) = self.requests.get(&request) {
                    self.proposals.add(&Bytes::from(entry), *call);
                }
            }
            Note::Withdraws { request, entry } => {
                if let Some(call) = self.requests.get(&request) {
                    self.proposals.remove(&Bytes::from(entry), *call);
                }
            }
            Note::Committed {
                index,
                entry,
                effect,
                due,
                saw,
            } => {
                let at_ms = self.now_ms();
                let agreed = &mut self.agreed[header.region];
                if let Some((known, _)) = agreed.entries.get(&index) {
                    let name = &self.regions[header.region];
                    anyhow::ensure!(
                        *known == entry,
                        "{name} has agreed on two different entries at {index}"
                    );
                    return Ok(());
                }
                if agreed.entries.keys().next_back() > Some(&index) {
                    // In a snapshot that the others have taken.
                    return Ok(());
                }
                agreed.entries.insert(index, (entry.clone(), at_ms));
                agreed.due = due;
                if let Some(call) = self.proposals.committed(&Bytes::from(entry)) {
                    self.seen.push(Seen::Applied {
                        at_ms,
                        call,
                        effect,
                    });
                }
                for mut seen in saw {
                    seen.set_at_ms(at_ms);
                    self.seen.push(seen);
                }
            }
        }
        Ok(())
    }

    fn saw(&mut self, part: usize, mut seen: Seen) {
        seen.set_at_ms(self.now_ms());
        match seen {
            Seen::Invoke(invoked) => self.invoked(part, invoked),
            Seen::FaultBegan { .. } => self.fault_begins(seen, Some(part)),
            Seen::FaultEnded { id, struck, .. } => self.fault_ends(&id, part, struck),
            Seen::Ok(mut returned) => {
                let Some(open) = self.ended(part, returned.call) else {
                    return;
                };
                let made = open.opens.and_then(|it| self.made.get_mut(&it));
                if let Some(((holds, _), text)) = made.zip(returned.text.as_ref()) {
                    holds.get_or_insert_with(|| text.clone());
                }
                returned.bytes = open.bytes;
                returned.call = open.call;
                self.seen.push(Seen::Ok(returned));
            }
            Seen::Fail {
                at_ms,
                call,
                code,
                sound,
            } => {
                let Some(open) = self.ended(part, call) else {
                    return;
                };
                let sound = sound && self.was_whole(&open);
                let call = open.call;
                self.seen.push(Seen::Fail {
                    at_ms,
                    call,
                    code,
                    sound,
                });
            }
            Seen::Unknown { at_ms, call, sound } => {
                let Some(open) = self.ended(part, call) else {
                    return;
                };
                let sound = sound && self.was_whole(&open);
                let call = open.call;
                self.seen.push(Seen::Unknown { at_ms, call, sound });
            }
            seen => self.seen.push(seen),
        }
    }

    fn invoked(&mut self, part: usize, mut invoked: Invoked) {
        let whole = self.troubles.whole(invoked.region);
        let now_ms = self.now_ms();
        let Some(open) = self.open.get_mut(&(part, invoked.call)) else {
            return;
        };
        open.whole = whole;
        invoked.as_of_ms = open.view.map(|index| {
            superseded_ms(&self.agreed[invoked.region].entries, index).unwrap_or(now_ms)
        });
        invoked.call = open.call;
        let clients = self.clients.len();
        let client = std::mem::take(&mut open.client);
        invoked.client = *self.clients.entry(client).or_insert(clients);
        let made = open.opens.as_ref().and_then(|it| self.made.get(it));
        invoked.ciphertext = made.and_then(|(text, material)| Some((text.clone()?, *material)));
        self.seen.push(Seen::Invoke(invoked));
    }

    fn ended(&mut self, part: usize, call: u64) -> Option<Open> {
        let open = self.open.remove(&(part, call))?;
        // A front door may have asked another node meanwhile.
        if self.requests.get(&open.request) == Some(&open.call) {
            self.requests.remove(&open.request);
        }
        Some(open)
    }

    fn was_whole(&self, open: &Open) -> bool {
        open.whole
            .is_some_and(|whole| self.troubles.is_still(whole))
    }

    /// Something is wrong from now on; if it is a fault, a node obeys it.
    fn fault_begins(&mut self, began: Seen, part: Option<usize>) {
        if let Seen::FaultBegan { id, site, .. } = &began
            && self.troubles.begins(id, *site, part)
        {
            self.seen.push(began);
        }
    }

    /// A node obeys a fault no more.
    fn fault_ends(&mut self, id: &str, part: usize, struck: u64) {
        if let Some(struck) = self.troubles.ends(id, part, struck) {
            self.write_end(id, struck);
        }
    }

    fn write_end(&mut self, id: &str, struck: u64) {
        self.seen.push(Seen::FaultEnded {
            at_ms: self.now_ms(),
            id: id.to_owned(),
            struck,
        });
    }

    fn now_ms(&self) -> i64 {
        let ms = self.now_ns.saturating_sub(self.began_ns) / 1_000_000;
        i64::try_from(ms).unwrap_or(i64::MAX)
    }

    /// The history. It ends healed if there are no faults then, and no region
    /// has anything left to tell.
    pub fn close(mut self) -> History {
        if self.troubles.is_empty() && self.agreed.iter().all(|it| it.due == 0) {
            self.seen.push(Seen::Healed {
                at_ms: self.now_ms(),
                due: vec![0; self.regions.len()],
            });
        }
        History {
            regions: self.regions,
            seen: self.seen,
        }
    }
}
