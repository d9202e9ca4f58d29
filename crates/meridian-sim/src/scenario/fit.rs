//! What the simulator cannot mean, refused before anything happens.

use meridian_chaos::{Fault, Kind, Nodes};
use meridian_scenario::{Action, Scenario};

use crate::group::NODES;

/// A scenario that cannot be performed in virtual time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another number of nodes.
    #[error("simulated regions have {NODES} nodes, not {0}")]
    NodesPerRegion(u64),
    /// A fault at a place that is not simulated.
    #[error(
        "step {step}: a simulated region's nodes have no links of their own; take node_cut, or \
         a live cluster"
    )]
    NodeLink {
        /// The step.
        step: String,
    },
    /// A fault that cannot be.
    #[error("step {step}: {what}")]
    Fault {
        /// The step.
        step: String,
        /// Why not.
        what: String,
    },
}

/// The nodes of the cluster that a scenario is about.
pub(super) fn nodes(scenario: &Scenario) -> Nodes {
    let topology = &scenario.topology;
    let ids: Vec<u64> = (1..=topology.nodes_per_region).collect();
    let regions = topology.regions.iter().cloned();
    regions.map(|region| (region, ids.clone())).collect()
}

/// Can all of it be simulated?
pub(super) fn check(scenario: &Scenario) -> Result<(), Refusal> {
    let wanted = scenario.topology.nodes_per_region;
    if wanted != NODES as u64 {
        return Err(Refusal::NodesPerRegion(wanted));
    }
    let nodes = nodes(scenario);
    for step in &scenario.timeline {
        let Action::Fault { fault, .. } = &step.action else {
            continue;
        };
        let step = || step.name.clone();
        let fault = Fault::from_proto(fault, &nodes, String::new(), 0);
        let fault = fault.map_err(|error| Refusal::Fault {
            step: step(),
            what: error.to_string(),
        })?;
        if joins_nodes(&fault.kind) {
            return Err(Refusal::NodeLink { step: step() });
        }
    }
    Ok(())
}

fn joins_nodes(kind: &Kind) -> bool {
    kind.link().is_some_and(|link| link.from.contains('/'))
}
