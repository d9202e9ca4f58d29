//! TLS to the proxies of external key stores: whose certificates count, and the
//! handshake.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Makes TLS connections to proxies.
pub struct XksTls(TlsConnector);

/// The other side did not prove to be the proxy.
#[derive(Debug, thiserror::Error)]
#[error("no TLS connection to the proxy: {0}")]
pub struct NotTheProxy(String);

impl XksTls {
    /// Believes the certificates that lead back to those of a file in PEM form.
    ///
    /// # Errors
    /// The file cannot be read, or holds no certificate.
    pub fn trusting(ca_file: &Path) -> anyhow::Result<XksTls> {
        let in_file = || format!("in the certificates {}", ca_file.display());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca_file).with_context(in_file)? {
            roots
                .add(certificate.with_context(in_file)?)
                .with_context(in_file)?;
        }
        ensure!(
            !roots.is_empty(),
            "{} holds no certificate",
            ca_file.display()
        );
        let mut config =
            ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots)
                .with_no_client_auth();
        // A session that is taken up again shows no certificate, so one that
        // expired, or was replaced, would not be noticed.
        config.resumption = Resumption::disabled();
        Ok(XksTls(TlsConnector::from(Arc::new(config))))
    }

    /// The handshake, in which the proxy proves to have the name of its
    /// endpoint.
    ///
    /// # Errors
    /// It does not.
    pub async fn handshake(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, NotTheProxy> {
        let not = |error: &dyn std::fmt::Display| NotTheProxy(error.to_string());
        let name = ServerName::try_from(host.to_owned()).map_err(|error| not(&error))?;
        let connected = self.0.connect(name, stream).await;
        connected.map_err(|error| not(&error))
    }
}
