//! What faults want of a running node: that it dies, comes back, is another one
//! then, or takes its time.

use std::time::Duration;

use meridian_chaos::Faults;

use crate::chaos_service::learn;
use crate::node::RunningNode;

impl RunningNode {
    /// Waits until a fault wants this node dead.
    pub async fn crashed(&self) {
        self.wait_until_down(true).await;
    }

    /// Waits until no fault wants this node dead any more.
    pub async fn revived(&self) {
        self.wait_until_down(false).await;
    }

    /// The same for a node that had its process to itself. It has been stopped,
    /// so nobody can tell it of its faults: it asks the others.
    pub async fn revived_by_others(&self) {
        const PAUSE: Duration = Duration::from_millis(200);
        let (process, core) = (&self.process, self.kms().core());
        let own = core.directory.address(&core.region, core.node_id);
        let asking = async {
            loop {
                learn(&process.directory, own.unwrap_or_default(), &process.faults).await;
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::select! {
            () = self.revived() => {}
            () = asking => {}
        }
    }

    /// Is its disk gone with it?
    pub fn is_replaced(&self) -> bool {
        let core = self.kms().core();
        let condition = core.faults.condition(core.region.as_str(), core.node_id);
        condition.replaced
    }

    /// Waits as long as a fault has its start take.
    pub async fn start_delayed(&self) {
        let core = self.kms().core();
        let (region, node) = (core.region.as_str(), core.node_id);
        let delay_ms = core.faults.condition(region, node).start_delay_ms;
        let healed = |set: &Faults, now| set.condition(region, node, now).start_delay_ms == 0;
        tokio::select! {
            () = core.faults.until(healed) => {}
            () = tokio::time::sleep(Duration::from_millis(delay_ms)) => {}
        }
    }

    async fn wait_until_down(&self, wanted: bool) {
        let core = self.kms().core();
        let (region, node) = (core.region.as_str(), core.node_id);
        let is_down = |set: &Faults, now| set.condition(region, node, now).down == wanted;
        self.process.faults.until(is_down).await;
    }
}
