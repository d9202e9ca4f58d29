//! Wiping opened material whose bytes the region no longer holds: wait for the
//! value to change, ask what it has lost, tell the vault.

use std::sync::Arc;

use crate::core::Core;

/// Runs until the node stops.
pub async fn run(core: Arc<Core>) {
    let mut views = core.view.follow();
    let mut before = views.borrow_and_update().clone();
    while views.changed().await.is_ok() {
        let region = views.borrow_and_update().clone();
        for (key, material) in region.forgotten_since(&before) {
            core.vault.forget(&key.id, &material);
        }
        before = region;
    }
}
