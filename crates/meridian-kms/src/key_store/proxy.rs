//! The proxy of an external key manager, as the owner of a key store described
//! it (AWS KMS Developer Guide, "External key stores").

use meridian_crypto::SealedSecret;
use meridian_proto::v1;
use serde::{Deserialize, Serialize};

/// How KMS reaches the proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Connectivity {
    /// Over the internet.
    PublicEndpoint,
    /// Through a VPC endpoint service.
    VpcEndpointService {
        /// The service's name.
        name: String,
        /// The service's account.
        owner: String,
    },
}

/// With what KMS signs its requests to the proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Names the secret.
    pub access_key_id: String,
    /// The secret access key.
    pub secret: SealedSecret,
}

/// One proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// Public or through a VPC.
    pub connectivity: Connectivity,
    /// `https://` and a host name.
    pub endpoint: String,
    /// Where in it the API begins; ends in `/kms/xks/v1`.
    pub path: String,
    /// With what requests are signed.
    pub credential: Credential,
}

impl Proxy {
    /// The VPC endpoint service, if it is reached through one.
    pub(crate) fn service(&self) -> Option<&str> {
        match &self.connectivity {
            Connectivity::PublicEndpoint => None,
            Connectivity::VpcEndpointService { name, .. } => Some(name),
        }
    }

    /// As DescribeCustomKeyStores shows it, without the secret.
    pub(crate) fn shown(&self) -> v1::XksProxyConfiguration {
        let (connectivity, service) = match &self.connectivity {
            Connectivity::PublicEndpoint => ("PUBLIC_ENDPOINT", None),
            Connectivity::VpcEndpointService { name, owner } => {
                ("VPC_ENDPOINT_SERVICE", Some((name.clone(), owner.clone())))
            }
        };
        let (name, owner) = service.unzip();
        v1::XksProxyConfiguration {
            connectivity: Some(connectivity.into()),
            access_key_id: Some(self.credential.access_key_id.clone()),
            uri_endpoint: Some(self.endpoint.clone()),
            uri_path: Some(self.path.clone()),
            vpc_endpoint_service_name: name,
            vpc_endpoint_service_owner: owner,
        }
    }
}
