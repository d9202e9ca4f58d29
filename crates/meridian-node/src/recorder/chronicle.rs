//! The history that follows from the notes of many nodes, read in the order of
//! their times.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use meridian_crypto::MaterialId;
use meridian_judge::History;
use meridian_judge::history::{Invoked, Seen, Site};
use meridian_kms::RegionName;
use serde_json::json;

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
    /// Its region, if nothing was wrong there.
    whole: Option<Whole>,
}

#[derive(Default)]
struct Agreed {
    entries: BTreeMap<u64, String>,
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
            self.write_end(&gone);
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
            self.fault_ends(&id, part);
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
            } => {
                self.calls += 1;
                self.requests.insert(request.clone(), self.calls);
                let open = Open {
                    call: self.calls,
                    request,
                    client,
                    opens,
                    whole: None,
                };
                self.open.insert((part, call), open);
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
                let agreed = &mut self.agreed[header.region];
                if let Some(known) = agreed.entries.get(&index) {
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
                agreed.entries.insert(index, entry.clone());
                agreed.due = due;
                let at_ms = self.now_ms();
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
            Seen::FaultEnded { id, .. } => self.fault_ends(&id, part),
            Seen::Ok(mut returned) => {
                let Some(open) = self.ended(part, returned.call) else {
                    return;
                };
                let made = open.opens.and_then(|it| self.made.get_mut(&it));
                if let Some(((holds, _), text)) = made.zip(returned.text.as_ref()) {
                    holds.get_or_insert_with(|| text.clone());
                }
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
        let Some(open) = self.open.get_mut(&(part, invoked.call)) else {
            return;
        };
        open.whole = whole;
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
    fn fault_ends(&mut self, id: &str, part: usize) {
        if self.troubles.ends(id, part) {
            self.write_end(id);
        }
    }

    fn write_end(&mut self, id: &str) {
        self.seen.push(Seen::FaultEnded {
            at_ms: self.now_ms(),
            id: id.to_owned(),
            struck: 0,
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
