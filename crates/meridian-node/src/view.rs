//! Which region value a read is answered from: the newest applied one, moved
//! to this node's clock if something fell due since. Expiry is exact at use,
//! and there is still only one expiry rule.

use std::sync::Arc;

use meridian_kms::Region;
use tokio::sync::watch;

use crate::clock;

/// Reads of one node.
#[derive(Clone)]
pub struct View {
    published: watch::Receiver<Arc<Region>>,
}

impl View {
    /// Reads what a machine publishes.
    pub fn new(published: watch::Receiver<Arc<Region>>) -> View {
        View { published }
    }

    /// The newest applied value, at this node's time.
    pub fn newest(&self) -> Arc<Region> {
        let region = self.published.borrow().clone();
        let now = clock::now(&region);
        if !region.is_due(now) {
            return region;
        }
        let mut advanced = Region::clone(&region);
        advanced.advance_to(now);
        Arc::new(advanced)
    }

    /// The value as applied, without the node's clock.
    pub fn applied(&self) -> Arc<Region> {
        self.published.borrow().clone()
    }

    /// Follows every applied value.
    pub fn follow(&self) -> watch::Receiver<Arc<Region>> {
        self.published.clone()
    }
}
