//! KeyManagement: every operation of the table, by expanding it.

use std::sync::Arc;

use meridian_kms::{KmsError, Operation, Request, Response};
use meridian_proto::v1;
use meridian_proto::v1::key_management_server::KeyManagement;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::{Extensions, Status};

use super::entrance::{Entered, enter};
use crate::door::Door;
use crate::error::CallError;
use crate::request_id::{self, REQUEST_ID};

/// The service behind a door.
pub(crate) struct KeyManagementService {
    pub(crate) door: Arc<Door>,
}

impl KeyManagementService {
    /// One call, whatever the operation; answers with the request ID too.
    async fn call(
        &self,
        metadata: MetadataMap,
        extensions: Extensions,
        request: Request,
    ) -> Result<(Response, AsciiMetadataValue), Status> {
        let mut observed = self.door.observe(request.operation().name());
        let request_id = request_id::fresh();
        let headers = metadata.as_ref();
        self.door
            .follow(&mut observed, &request_id, headers, &extensions);
        let mut shown = AsciiMetadataValue::try_from(&*request_id).expect("a UUID is ASCII");
        // No secret, but it never comes again: it would only drive other headers
        // out of the connection's compression table.
        shown.set_sensitive(true);
        let entered = enter(
            &self.door,
            &metadata,
            &extensions,
            &request_id,
            &mut observed,
        );
        if let Ok(Entered { kms, caller, .. }) = &entered {
            observed.asks(&**kms, caller, &request);
        }
        match self.answer(entered, request).await {
            Ok(response) => {
                observed.answered(&response);
                Ok((response, shown))
            }
            Err(error) => {
                observed.refused(error.code(), error.message().as_deref());
                let mut status = Status::from(error);
                status.metadata_mut().insert(REQUEST_ID, shown);
                Err(status)
            }
        }
    }

    async fn answer(
        &self,
        entered: Result<Entered, KmsError>,
        request: Request,
    ) -> Result<Response, CallError> {
        let Entered {
            region,
            kms,
            caller,
        } = entered?;
        self.door.check(&region, caller.account, &request)?;
        kms.call(caller, request).await
    }
}

/// The message of an operation's response in its envelope.
fn envelope<T>(message: T, request_id: AsciiMetadataValue) -> tonic::Response<T> {
    let mut response = tonic::Response::new(message);
    response.metadata_mut().insert(REQUEST_ID, request_id);
    response
}

/// A region has answered an operation with the response of another one.
fn mismatch(operation: Operation) -> Status {
    CallError::Internal(format!(
        "{} was answered as another operation.",
        operation.name()
    ))
    .into()
}

macro_rules! serve_operations {
    (
        reads { $($r_method:ident $r_op:ident $r_req:ident $r_res:ident,)* }
        writes { $($w_method:ident $w_op:ident $w_req:ident $w_res:ident,)* }
    ) => {
        serve_operations! {
            $($r_method $r_op $r_req $r_res,)* $($w_method $w_op $w_req $w_res,)*
        }
    };
    ($($method:ident $op:ident $req:ident $res:ident,)*) => {
        #[tonic::async_trait]
        impl KeyManagement for KeyManagementService {
            $(async fn $method(
                &self,
                request: tonic::Request<v1::$req>,
            ) -> Result<tonic::Response<v1::$res>, Status> {
                let (metadata, extensions, message) = request.into_parts();
                match self.call(metadata, extensions, Request::$op(message)).await? {
                    (Response::$op(message), request_id) => Ok(envelope(message, request_id)),
                    _ => Err(mismatch(Operation::$op)),
                }
            })*
        }
    };
}

meridian_kms::for_each_operation!(serve_operations);
