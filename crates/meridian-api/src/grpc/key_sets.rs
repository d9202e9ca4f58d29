//! KeySets: the state of a key set as one region sees it, over time.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::BoxStream;
use meridian_proto::AwsJson;
use meridian_proto::v1::key_sets_server::KeySets;
use meridian_proto::v1::{KeySetState, WatchKeySetRequest};
use tonic::Status;

use super::entrance::{Entered, enter};
use crate::door::{Door, refuse_violations};
use crate::error::CallError;
use crate::observer::Observation;
use crate::request_id;

/// The service behind a door.
pub(crate) struct KeySetsService {
    pub(crate) door: Arc<Door>,
}

type States = BoxStream<'static, Result<KeySetState, Status>>;

#[tonic::async_trait]
impl KeySets for KeySetsService {
    type WatchKeySetStream = States;

    async fn watch_key_set(
        &self,
        request: tonic::Request<WatchKeySetRequest>,
    ) -> Result<tonic::Response<States>, Status> {
        let mut observed = self.door.observe("WatchKeySet");
        let watched = self.watch(request, &mut observed);
        let states = watched.inspect_err(|error| observed.outcome = error.code())?;
        observed.outcome = "ok";
        // The observation ends with the stream, so `elapsed` is how long the
        // client has watched.
        let states = states.map(move |state| {
            state.map_err(|error| {
                observed.outcome = error.code();
                Status::from(error)
            })
        });
        Ok(tonic::Response::new(states.boxed()))
    }
}

impl KeySetsService {
    fn watch(
        &self,
        request: tonic::Request<WatchKeySetRequest>,
        observed: &mut Observation,
    ) -> Result<BoxStream<'static, Result<KeySetState, CallError>>, CallError> {
        let (metadata, extensions, message) = request.into_parts();
        let request_id = request_id::fresh();
        let Entered { kms, caller, .. } =
            enter(&self.door, &metadata, &extensions, &request_id, observed)?;
        let mut found = Vec::new();
        message.violations(&mut found);
        refuse_violations(&found)?;
        Ok(kms.watch_key_set(caller, message.key_id.unwrap_or_default()))
    }
}
