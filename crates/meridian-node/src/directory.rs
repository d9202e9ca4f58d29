//! Where every node of the cluster is, and the connections to them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use meridian_kms::RegionName;
use meridian_proto::v1::node_client::NodeClient;
use meridian_raft::NodeId;
use tonic::transport::{Channel, Endpoint};

/// A message between nodes may hold a long batch of log entries.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// One node's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its ID in its region's group.
    pub id: NodeId,
    /// `host:port` of its peer listener.
    pub peer_address: String,
}

/// All nodes, by region, and one lazily opened connection to each.
pub struct Directory {
    regions: Vec<(RegionName, Vec<Place>)>,
    channels: Mutex<HashMap<String, Channel>>,
}

impl Directory {
    /// A directory of these nodes; the regions keep their order.
    pub fn new(regions: Vec<(RegionName, Vec<Place>)>) -> Directory {
        Directory {
            regions,
            channels: Mutex::new(HashMap::new()),
        }
    }

    /// The regions' names, in the order of the configuration.
    pub fn names(&self) -> Vec<RegionName> {
        self.regions.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The nodes of a region.
    pub fn nodes(&self, region: &RegionName) -> &[Place] {
        let found = self.regions.iter().find(|(name, _)| name == region);
        found.map_or(&[], |(_, places)| places.as_slice())
    }

    /// Every node with its region.
    pub fn all(&self) -> impl Iterator<Item = (&RegionName, &Place)> {
        self.regions
            .iter()
            .flat_map(|(name, places)| places.iter().map(move |it| (name, it)))
    }

    /// The peer address of a node.
    pub fn address(&self, region: &RegionName, id: NodeId) -> Option<&str> {
        let place = self.nodes(region).iter().find(|place| place.id == id);
        place.map(|place| place.peer_address.as_str())
    }

    /// A client for the node at a peer address. Connects when it is first used
    /// and again whenever the connection was lost.
    pub fn client(&self, peer_address: &str) -> Result<NodeClient<Channel>, tonic::Status> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let channel = match channels.get(peer_address) {
            Some(channel) => channel.clone(),
            None => {
                let endpoint = Endpoint::from_shared(format!("http://{peer_address}"))
                    .map_err(|error| tonic::Status::invalid_argument(error.to_string()))?
                    .connect_timeout(CONNECT_TIMEOUT)
                    .tcp_nodelay(true)
                    .initial_stream_window_size(1 << 20)
                    .initial_connection_window_size(8 << 20);
                let channel = endpoint.connect_lazy();
                channels.insert(peer_address.to_owned(), channel.clone());
                channel
            }
        };
        Ok(NodeClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX))
    }
}
