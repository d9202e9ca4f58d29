//! The operation table. One row for each operation; both wires, the names, the
//! encodings and the dispatch of plan and apply follow from it.

pub mod cancel_key_deletion;
pub mod connect_custom_key_store;
pub mod create_alias;
pub mod create_custom_key_store;
pub mod create_grant;
pub mod create_key;
pub mod decapsulate;
pub mod decrypt;
pub mod delete_alias;
pub mod delete_custom_key_store;
pub mod delete_imported_key_material;
pub mod derive_shared_secret;
pub mod describe_custom_key_stores;
pub mod describe_key;
pub mod disable_key;
pub mod disable_key_rotation;
pub mod disconnect_custom_key_store;
pub mod enable_key;
pub mod enable_key_rotation;
pub mod encapsulate;
pub mod encrypt;
pub mod generate_data_key;
pub mod generate_data_key_pair;
pub mod generate_data_key_pair_without_plaintext;
pub mod generate_data_key_without_plaintext;
pub mod generate_mac;
pub mod generate_random;
pub mod get_key_last_usage;
pub mod get_key_policy;
pub mod get_key_rotation_status;
pub mod get_parameters_for_import;
pub mod get_public_key;
pub mod import_key_material;
pub mod list_aliases;
pub mod list_grants;
pub mod list_key_policies;
pub mod list_key_rotations;
pub mod list_keys;
pub mod list_resource_tags;
pub mod list_retirable_grants;
pub mod put_key_policy;
pub mod re_encrypt;
pub mod replicate_key;
pub mod retire_grant;
pub mod revoke_grant;
pub mod rotate_key_on_demand;
pub mod schedule_key_deletion;
pub mod sign;
pub mod tag_resource;
pub mod untag_resource;
pub mod update_alias;
pub mod update_custom_key_store;
pub mod update_key_description;
pub mod update_primary_region;
pub mod verify;
pub mod verify_mac;

mod nature;

pub use nature::Consistency;

use bytes::Bytes;
use meridian_proto::v1;
use meridian_proto::{AwsJson, MemberValue, SerializationError};
use prost::Message;
use serde::{Deserialize, Serialize};

use crate::arn::RegionName;
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::key_store::{Halt, ProxyQuestion};
use crate::region::Region;
use crate::replication::fact::Fact;
use crate::replication::preflight::Question;

/// Calls `$callback!` with every operation: `module Action Request Response`,
/// first those that only read, then those that write.
#[macro_export]
macro_rules! for_each_operation {
    ($callback:path) => {
        $callback! {
            reads {
                decapsulate Decapsulate DecapsulateRequest DecapsulateResponse,
                decrypt Decrypt DecryptRequest DecryptResponse,
                derive_shared_secret DeriveSharedSecret DeriveSharedSecretRequest DeriveSharedSecretResponse,
                describe_custom_key_stores DescribeCustomKeyStores DescribeCustomKeyStoresRequest DescribeCustomKeyStoresResponse,
                describe_key DescribeKey DescribeKeyRequest DescribeKeyResponse,
                encapsulate Encapsulate EncapsulateRequest EncapsulateResponse,
                encrypt Encrypt EncryptRequest EncryptResponse,
                generate_data_key GenerateDataKey GenerateDataKeyRequest GenerateDataKeyResponse,
                generate_data_key_pair GenerateDataKeyPair GenerateDataKeyPairRequest GenerateDataKeyPairResponse,
                generate_data_key_pair_without_plaintext GenerateDataKeyPairWithoutPlaintext GenerateDataKeyPairWithoutPlaintextRequest GenerateDataKeyPairWithoutPlaintextResponse,
                generate_data_key_without_plaintext GenerateDataKeyWithoutPlaintext GenerateDataKeyWithoutPlaintextRequest GenerateDataKeyWithoutPlaintextResponse,
                generate_mac GenerateMac GenerateMacRequest GenerateMacResponse,
                generate_random GenerateRandom GenerateRandomRequest GenerateRandomResponse,
                get_key_last_usage GetKeyLastUsage GetKeyLastUsageRequest GetKeyLastUsageResponse,
                get_key_policy GetKeyPolicy GetKeyPolicyRequest GetKeyPolicyResponse,
                get_key_rotation_status GetKeyRotationStatus GetKeyRotationStatusRequest GetKeyRotationStatusResponse,
                get_parameters_for_import GetParametersForImport GetParametersForImportRequest GetParametersForImportResponse,
                get_public_key GetPublicKey GetPublicKeyRequest GetPublicKeyResponse,
                list_aliases ListAliases ListAliasesRequest ListAliasesResponse,
                list_grants ListGrants ListGrantsRequest ListGrantsResponse,
                list_key_policies ListKeyPolicies ListKeyPoliciesRequest ListKeyPoliciesResponse,
                list_key_rotations ListKeyRotations ListKeyRotationsRequest ListKeyRotationsResponse,
                list_keys ListKeys ListKeysRequest ListKeysResponse,
                list_resource_tags ListResourceTags ListResourceTagsRequest ListResourceTagsResponse,
                list_retirable_grants ListRetirableGrants ListRetirableGrantsRequest ListRetirableGrantsResponse,
                re_encrypt ReEncrypt ReEncryptRequest ReEncryptResponse,
                sign Sign SignRequest SignResponse,
                verify Verify VerifyRequest VerifyResponse,
                verify_mac VerifyMac VerifyMacRequest VerifyMacResponse,
            }
            writes {
                cancel_key_deletion CancelKeyDeletion CancelKeyDeletionRequest CancelKeyDeletionResponse,
                connect_custom_key_store ConnectCustomKeyStore ConnectCustomKeyStoreRequest ConnectCustomKeyStoreResponse,
                create_alias CreateAlias CreateAliasRequest CreateAliasResponse,
                create_custom_key_store CreateCustomKeyStore CreateCustomKeyStoreRequest CreateCustomKeyStoreResponse,
                create_grant CreateGrant CreateGrantRequest CreateGrantResponse,
                create_key CreateKey CreateKeyRequest CreateKeyResponse,
                delete_alias DeleteAlias DeleteAliasRequest DeleteAliasResponse,
                delete_custom_key_store DeleteCustomKeyStore DeleteCustomKeyStoreRequest DeleteCustomKeyStoreResponse,
                delete_imported_key_material DeleteImportedKeyMaterial DeleteImportedKeyMaterialRequest DeleteImportedKeyMaterialResponse,
                disable_key DisableKey DisableKeyRequest DisableKeyResponse,
                disable_key_rotation DisableKeyRotation DisableKeyRotationRequest DisableKeyRotationResponse,
                disconnect_custom_key_store DisconnectCustomKeyStore DisconnectCustomKeyStoreRequest DisconnectCustomKeyStoreResponse,
                enable_key EnableKey EnableKeyRequest EnableKeyResponse,
                enable_key_rotation EnableKeyRotation EnableKeyRotationRequest EnableKeyRotationResponse,
                import_key_material ImportKeyMaterial ImportKeyMaterialRequest ImportKeyMaterialResponse,
                put_key_policy PutKeyPolicy PutKeyPolicyRequest PutKeyPolicyResponse,
                replicate_key ReplicateKey ReplicateKeyRequest ReplicateKeyResponse,
                retire_grant RetireGrant RetireGrantRequest RetireGrantResponse,
                revoke_grant RevokeGrant RevokeGrantRequest RevokeGrantResponse,
                rotate_key_on_demand RotateKeyOnDemand RotateKeyOnDemandRequest RotateKeyOnDemandResponse,
                schedule_key_deletion ScheduleKeyDeletion ScheduleKeyDeletionRequest ScheduleKeyDeletionResponse,
                tag_resource TagResource TagResourceRequest TagResourceResponse,
                untag_resource UntagResource UntagResourceRequest UntagResourceResponse,
                update_alias UpdateAlias UpdateAliasRequest UpdateAliasResponse,
                update_custom_key_store UpdateCustomKeyStore UpdateCustomKeyStoreRequest UpdateCustomKeyStoreResponse,
                update_key_description UpdateKeyDescription UpdateKeyDescriptionRequest UpdateKeyDescriptionResponse,
                update_primary_region UpdatePrimaryRegion UpdatePrimaryRegionRequest UpdatePrimaryRegionResponse,
            }
        }
    };
}

/// What planning a request came to.
#[allow(
    clippy::large_enum_variant,
    reason = "lives for one call; a box would only cost every answer an allocation"
)]
pub enum Plan {
    /// The answer; nothing changes.
    Reply(Response),
    /// A change to propose. Planned for a read, it has to be there first: plan
    /// again once it is.
    Commit(Change),
    /// Somebody has to be asked first; plan again with the answer.
    Ask(Inquiry),
}

/// Who has to be asked what.
pub enum Inquiry {
    /// Another region.
    Region(Question),
    /// The proxy of an external key store.
    Proxy(Box<ProxyQuestion>),
}

/// The same for one writing operation.
pub enum Planned<C, R> {
    /// The answer; nothing changes.
    Reply(R),
    /// A change to propose.
    Commit(C),
    /// Another region has to be asked first.
    Ask(Question),
}

/// What an entry of the log does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A client's request.
    Request(RequestChange),
    /// Facts that a peer region has pushed.
    Facts {
        /// The peer.
        from: RegionName,
        /// With material sealed under this region's root key.
        facts: Vec<Fact>,
    },
    /// A peer has committed what was due to it at these positions.
    FeedAcknowledged {
        /// The peer.
        peer: RegionName,
        /// Feed positions.
        positions: Vec<u64>,
    },
    /// Time has passed.
    Tick,
    /// An operator moves the region's time forward.
    AdvanceClock {
        /// By how much, in milliseconds.
        ms: i64,
    },
    /// Imported material expires at once: its life ends with this entry, and
    /// the next step of time destroys the bytes.
    MaterialExpires {
        /// The key.
        key: crate::arn::KeyRef,
        /// The material.
        material: meridian_crypto::MaterialId,
    },
    /// A read names an AWS managed key that is not there yet.
    ManagedKey(crate::managed_key::Change),
    /// A node tells which keys it has used.
    KeysUsed {
        /// The last use of each key, as that node knows it.
        uses: Vec<(crate::arn::KeyRef, crate::last_usage::Use)>,
    },
    /// The schedule rotates a key.
    AutomaticRotation(crate::automatic_rotation::Change),
}

macro_rules! define_operations {
    (
        reads { $($r_mod:ident $r_op:ident $r_req:ident $r_res:ident,)* }
        writes { $($w_mod:ident $w_op:ident $w_req:ident $w_res:ident,)* }
    ) => {
        /// An operation of the KMS API, by AWS's name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "AWS's names say it; each module documents its own")]
        pub enum Operation { $($r_op,)* $($w_op,)* }

        impl Operation {
            /// All operations that exist here.
            pub const ALL: &'static [Operation] = &[$(Operation::$r_op,)* $(Operation::$w_op,)*];

            /// AWS's name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Operation::$r_op => stringify!($r_op),)*
                    $(Operation::$w_op => stringify!($w_op),)*
                }
            }

            /// The permission that it takes, where it takes one.
            pub fn action(self) -> &'static str {
                match self {
                    $(Operation::$r_op => concat!("kms:", stringify!($r_op)),)*
                    $(Operation::$w_op => concat!("kms:", stringify!($w_op)),)*
                }
            }

            /// The operation with this name.
            pub fn from_name(name: &str) -> Option<Operation> {
                match name {
                    $(stringify!($r_op) => Some(Operation::$r_op),)*
                    $(stringify!($w_op) => Some(Operation::$w_op),)*
                    _ => None,
                }
            }

            /// True when it goes through the log.
            pub fn is_write(self) -> bool {
                match self {
                    $(Operation::$r_op => false,)*
                    $(Operation::$w_op => true,)*
                }
            }
        }

        /// A request, read from either wire.
        #[derive(Clone)]
        #[allow(missing_docs, reason = "named as the operations")]
        pub enum Request { $($r_op(v1::$r_req),)* $($w_op(v1::$w_req),)* }

        impl Request {
            /// Which operation it asks for.
            pub fn operation(&self) -> Operation {
                match self {
                    $(Request::$r_op(_) => Operation::$r_op,)*
                    $(Request::$w_op(_) => Operation::$w_op,)*
                }
            }

            /// Reads AWS JSON.
            pub fn decode_json(
                operation: Operation,
                body: &meridian_proto::Json<'_>,
            ) -> Result<Request, SerializationError> {
                Ok(match operation {
                    $(Operation::$r_op => Request::$r_op(AwsJson::from_json(body)?),)*
                    $(Operation::$w_op => Request::$w_op(AwsJson::from_json(body)?),)*
                })
            }

            /// Reads protobuf.
            pub fn decode_proto(
                operation: Operation,
                bytes: Bytes,
            ) -> Result<Request, prost::DecodeError> {
                Ok(match operation {
                    $(Operation::$r_op => Request::$r_op(Message::decode(bytes)?),)*
                    $(Operation::$w_op => Request::$w_op(Message::decode(bytes)?),)*
                })
            }

            /// Writes protobuf.
            pub fn encode_proto(&self) -> Vec<u8> {
                match self {
                    $(Request::$r_op(request) => request.encode_to_vec(),)*
                    $(Request::$w_op(request) => request.encode_to_vec(),)*
                }
            }

            /// The key as the request names it, if it does.
            pub fn named_key(&self) -> Option<&str> {
                let member = |name| self.text_member(name);
                ["KeyId", "TargetKeyId", "SourceKeyId"].into_iter().find_map(member)
            }

            /// A member that is text, by AWS's name.
            pub fn text_member(&self, name: &str) -> Option<&str> {
                match self {
                    $(Request::$r_op(request) => request.text_member(name),)*
                    $(Request::$w_op(request) => request.text_member(name),)*
                }
            }

            /// What an audit log shows of it, as JSON.
            pub fn to_logged_json(&self) -> String {
                match self {
                    $(Request::$r_op(request) => request.to_logged_json(),)*
                    $(Request::$w_op(request) => request.to_logged_json(),)*
                }
            }

            /// A member by AWS's name, unless it is secret.
            pub fn member(&self, name: &str) -> Option<MemberValue<'_>> {
                match self {
                    $(Request::$r_op(request) => request.member(name),)*
                    $(Request::$w_op(request) => request.member(name),)*
                }
            }

            /// Every violated constraint of the model, in AWS's words.
            pub fn violations(&self) -> Vec<String> {
                let mut found = Vec::new();
                match self {
                    $(Request::$r_op(request) => request.violations(&mut found),)*
                    $(Request::$w_op(request) => request.violations(&mut found),)*
                }
                found
            }
        }

        /// A response, for either wire.
        #[derive(Clone)]
        #[allow(missing_docs, reason = "named as the operations")]
        pub enum Response { $($r_op(v1::$r_res),)* $($w_op(v1::$w_res),)* }

        impl Response {
            /// Which operation it answers.
            pub fn operation(&self) -> Operation {
                match self {
                    $(Response::$r_op(_) => Operation::$r_op,)*
                    $(Response::$w_op(_) => Operation::$w_op,)*
                }
            }

            /// A member that is text, by AWS's name.
            pub fn text_member(&self, name: &str) -> Option<&str> {
                match self {
                    $(Response::$r_op(response) => response.text_member(name),)*
                    $(Response::$w_op(response) => response.text_member(name),)*
                }
            }

            /// What an audit log shows of it, as JSON.
            pub fn to_logged_json(&self) -> String {
                match self {
                    $(Response::$r_op(response) => response.to_logged_json(),)*
                    $(Response::$w_op(response) => response.to_logged_json(),)*
                }
            }

            /// Writes AWS JSON; nothing for the operations that answer with an
            /// empty body.
            pub fn encode_json(&self) -> Option<String> {
                match self {
                    $(Response::$r_op(response) => Some(response.to_json()),)*
                    $(Response::$w_op(response) => {
                        Operation::$w_op.has_output().then(|| response.to_json())
                    })*
                }
            }

            /// Writes protobuf.
            pub fn encode_proto(&self) -> Vec<u8> {
                match self {
                    $(Response::$r_op(response) => response.encode_to_vec(),)*
                    $(Response::$w_op(response) => response.encode_to_vec(),)*
                }
            }

            /// Reads protobuf.
            pub fn decode_proto(
                operation: Operation,
                bytes: Bytes,
            ) -> Result<Response, prost::DecodeError> {
                Ok(match operation {
                    $(Operation::$r_op => Response::$r_op(Message::decode(bytes)?),)*
                    $(Operation::$w_op => Response::$w_op(Message::decode(bytes)?),)*
                })
            }
        }

        /// What a client's request changes.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "named as the operations")]
        pub enum RequestChange { $($w_op($w_mod::Change),)* }

        impl Region {
            /// What would this request do here? Uses secrets and randomness;
            /// changes nothing.
            pub fn plan<'a>(
                &self,
                cx: &mut Context<'a>,
                request: &'a Request,
            ) -> Result<Plan, KmsError> {
                cx.asked = Some(request);
                self.authorize_without_key(cx, request)?;
                match self.plan_operation(cx, request) {
                    Err(error) if error.code == ErrorCode::NotFoundException => {
                        let first = self.missing_managed_key(cx, request);
                        let first = first.map(|it| Plan::Commit(Change::ManagedKey(it)));
                        first.ok_or(error)
                    }
                    planned => planned,
                }
            }

            fn plan_operation(
                &self,
                cx: &mut Context<'_>,
                request: &Request,
            ) -> Result<Plan, KmsError> {
                let planned = match request {
                    $(Request::$r_op(request) => {
                        $r_mod::plan(self, cx, request)
                            .map(|it| Plan::Reply(Response::$r_op(it)))
                            .map_err(Halt::from)
                    })*
                    $(Request::$w_op(request) => {
                        let planned = $w_mod::plan(self, cx, request);
                        planned.map_err(Halt::from).map(|planned| match planned {
                            Planned::Reply(it) => Plan::Reply(Response::$w_op(it)),
                            Planned::Commit(it) => {
                                Plan::Commit(Change::Request(RequestChange::$w_op(it)))
                            }
                            Planned::Ask(question) => Plan::Ask(Inquiry::Region(question)),
                        })
                    })*
                };
                match planned {
                    Ok(plan) => Ok(plan),
                    Err(Halt::Ask(question)) => Ok(Plan::Ask(Inquiry::Proxy(question))),
                    Err(Halt::Refused(error)) => Err(error),
                }
            }
        }

        /// Applies a planned request and answers it.
        pub(crate) fn apply(
            region: &mut Region,
            change: &RequestChange,
        ) -> Result<Response, KmsError> {
            match change {
                $(RequestChange::$w_op(change) => {
                    $w_mod::apply(region, change).map(Response::$w_op)
                })*
            }
        }
    };
}

for_each_operation!(define_operations);
