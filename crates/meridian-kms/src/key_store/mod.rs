//! Custom key stores: who holds the bytes of a key instead of KMS.
//!
//! A [`CustomKeyStore`] is backed by a CloudHSM cluster or by the proxy of an
//! external key manager. Its [`Connection`] decides whether its keys can be
//! used; each of them carries that in its [`Custody`].

mod cluster;
mod connection;
mod custody;
pub(crate) mod external;
mod failure;
mod in_region;
mod proxy;
mod question;
pub(crate) mod residence;
mod store;
pub(crate) mod stores;
mod update;

pub use cluster::Cluster;
pub use connection::{Connection, ConnectionError};
pub use custody::Custody;
pub(crate) use in_region::not_found;
pub use proxy::{Connectivity, Credential, Proxy};
pub use question::{Halt, ProxyAnswer, ProxyQuestion, Told};
pub use residence::Residence;
pub use store::{Backing, CustomKeyStore, StoreId, StoreRef};
pub use update::Update;
