//! `PortBlock`: ports of one cluster, apart from those of every other.

use std::net::{Ipv4Addr, TcpListener};

/// Blocks lie here, below the ports that systems hand out by themselves: a node
/// that is down must find its port free when it comes back.
const FIRST: u16 = 10_000;
const BLOCKS: u16 = 100;
const BLOCK: u16 = 200;

/// A cluster uses this many ports of its block at most.
const USED: u16 = 140;

/// A block of ports. Others keep off it until it is dropped.
pub(crate) struct PortBlock {
    first: u16,
    /// Listening here marks the block as taken.
    _mark: TcpListener,
}

impl PortBlock {
    /// Takes a block that nobody uses.
    pub(crate) fn take() -> PortBlock {
        let start = rand::random_range(0..BLOCKS);
        let blocks = (0..BLOCKS).map(|n| FIRST + (start + n) % BLOCKS * BLOCK);
        let mut free = blocks.filter_map(|first| {
            let mark = listen(first + USED)?;
            let free = (first..first + USED).all(|port| listen(port).is_some());
            free.then_some(PortBlock { first, _mark: mark })
        });
        free.next().expect("some block of ports is free")
    }

    pub(crate) fn first(&self) -> u16 {
        self.first
    }
}

fn listen(port: u16) -> Option<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()
}
