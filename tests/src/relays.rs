//! Relays between the nodes of a local cluster, which keep what they carry.
//!
//! Every region has its own relay to each node, so that it is known which regions
//! a message went between.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::place::{Place, REGIONS};

/// What an HTTP/2 connection begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// A frame's length, type, flags and stream.
const FRAME_HEADER: usize = 9;
/// The type of frames that hold a part of a message.
const DATA: u8 = 0;

/// Relays that run until this is dropped.
pub(crate) struct Relays {
    carried: Carried,
    ports: Vec<u16>,
    stopping: Arc<AtomicBool>,
}

/// What went one way over connections between two regions.
type Carried = Arc<Mutex<BTreeMap<Way, Vec<Bytes>>>>;

/// The sending region and the receiving one.
type Way = (&'static str, &'static str);

type Bytes = Arc<Mutex<Vec<u8>>>;

impl Relays {
    /// Relays for a cluster whose script has this first port.
    pub(crate) fn start(first: u16) -> Relays {
        let mut relays = Relays {
            carried: Arc::default(),
            ports: Vec::new(),
            stopping: Arc::default(),
        };
        for (number, from) in REGIONS.into_iter().enumerate() {
            for place in Place::all() {
                let peer = peer_port(first, place);
                let below = 50 - 3 * number as u16;
                relays.listen(from, place.region, peer - below, peer);
            }
        }
        relays
    }

    fn listen(&mut self, from: &'static str, to: &'static str, port: u16, peer: u16) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a port of the block");
        self.ports.push(port);
        let (carried, stopping) = (Arc::clone(&self.carried), Arc::clone(&self.stopping));
        std::thread::spawn(move || {
            for coming in listener.incoming() {
                if stopping.load(Ordering::Relaxed) {
                    return;
                }
                // The node may not listen yet, or any more: who called hears that.
                if let Ok(coming) = coming
                    && let Ok(going) = TcpStream::connect((Ipv4Addr::LOCALHOST, peer))
                {
                    carry((&coming, &going), kept(&carried, (from, to)));
                    carry((&going, &coming), kept(&carried, (to, from)));
                }
            }
        });
    }

    /// Everything that went from one region to another, or from node to node of
    /// one: every byte as it was, and the messages with their parts put together.
    pub(crate) fn carried(&self) -> BTreeMap<Way, Vec<u8>> {
        let carried = self.carried.lock().expect("no holder panics");
        let whole = |connections: &Vec<Bytes>| {
            let mut whole = Vec::new();
            for bytes in connections {
                let bytes = bytes.lock().expect("no holder panics");
                whole.extend_from_slice(&bytes);
                for message in messages(&bytes).into_values() {
                    whole.extend(message);
                }
            }
            whole
        };
        carried.iter().map(|(way, it)| (*way, whole(it))).collect()
    }
}

impl Drop for Relays {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        for port in &self.ports {
            // Wakes the thread that listens, which ends.
            drop(TcpStream::connect((Ipv4Addr::LOCALHOST, *port)));
        }
    }
}

/// The port at which a node listens for its peers, as the script has it.
fn peer_port(first: u16, place: Place) -> u16 {
    let region = REGIONS.iter().position(|it| *it == place.region);
    let number = 1 + region.expect("one of the regions") as u16;
    first + 101 + 10 * number + place.id as u16
}

fn kept(carried: &Carried, way: Way) -> Bytes {
    let bytes = Bytes::default();
    let mut carried = carried.lock().expect("no holder panics");
    carried.entry(way).or_default().push(Arc::clone(&bytes));
    bytes
}

/// Carries what comes from one side to the other until either ends.
fn carry((from, to): (&TcpStream, &TcpStream), kept: Bytes) {
    let clone = |it: &TcpStream| it.try_clone().expect("a socket can be shared");
    let (mut from, mut to) = (clone(from), clone(to));
    drop(to.set_nodelay(true));
    std::thread::spawn(move || {
        let mut buffer = [0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let bytes = &buffer[..length];
            kept.lock().expect("no holder panics").extend(bytes);
            if to.write_all(bytes).is_err() {
                break;
            }
        }
        drop((from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both)));
    });
}

/// What was sent on each stream of one direction of an HTTP/2 connection.
fn messages(bytes: &[u8]) -> BTreeMap<u32, Vec<u8>> {
    let mut messages: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    let mut rest = bytes.strip_prefix(PREFACE).unwrap_or(bytes);
    while let Some((header, after)) = rest.split_at_checked(FRAME_HEADER) {
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |all, byte| all << 8 | u32::from(*byte))
        };
        let length = number(&header[..3]) as usize;
        // The connection ended in the middle of a frame.
        let (payload, after) = after.split_at(length.min(after.len()));
        if header[3] == DATA {
            let stream = number(&header[5..]) & (u32::MAX >> 1);
            messages.entry(stream).or_default().extend(payload);
        }
        rest = after;
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_message_are_put_together() {
        let frame = |kind: u8, stream: u8, payload: &[u8]| {
            let header = [0, 0, payload.len() as u8, kind, 0, 0, 0, 0, stream];
            [&header, payload].concat()
        };
        let bytes = [
            PREFACE.to_vec(),
            frame(4, 0, b"settings"),
            frame(DATA, 1, b"sec"),
            frame(DATA, 3, b"other"),
            frame(DATA, 1, b"ret"),
            frame(DATA, 3, b"...")[..FRAME_HEADER + 1].to_vec(),
        ];
        let wanted = BTreeMap::from([(1, b"secret".to_vec()), (3, b"other.".to_vec())]);
        assert_eq!(messages(&bytes.concat()), wanted);
    }
}
