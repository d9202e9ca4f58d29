//! Watching: the stream of every key in every region, into the stage.

use std::time::Duration;

use tokio::task::JoinSet;

use super::stage::Stage;
use crate::client::Region;

/// Pause before a stream is opened again that ended, or that a region refuses
/// because it does not have the key yet.
const REOPEN_PAUSE: Duration = Duration::from_millis(100);

/// Follows a key in these regions until the set of tasks is dropped.
pub fn follow(stage: &Stage, key: &str, key_id: &str, regions: &[Region], tasks: &mut JoinSet<()>) {
    for region in regions {
        let (stage, region) = (stage.clone(), region.clone());
        let (key, key_id) = (key.to_owned(), key_id.to_owned());
        tasks.spawn(async move {
            loop {
                if let Ok(mut states) = region.watch_key_set(&key_id).await {
                    while let Ok(Some(state)) = states.message().await {
                        stage.seen(&key, region.name(), Some(state));
                    }
                } else {
                    stage.seen(&key, region.name(), None);
                }
                tokio::time::sleep(REOPEN_PAUSE).await;
            }
        });
    }
}
