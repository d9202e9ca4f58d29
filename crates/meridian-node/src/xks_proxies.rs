//! The way to the proxies of external key stores: one POST for each question,
//! signed over its host, its time and its body (XKS Proxy API Specification,
//! Appendix A), to an address that the configuration gives the proxy's host
//! name, over TLS or over plain HTTP.
//!
//! AWS takes `https://` endpoints without a port. Here an endpoint is a name,
//! and where it is stands in [`XksSettings`]; without an entry it is
//! unreachable, so that no test ever calls a machine by accident.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use meridian_iam::signature::{self, SignedRequest, amz_date};
use meridian_kms::{ProxyAnswer, ProxyQuestion, Told};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::clock::machine_now_ms;
use crate::xks_tls::{NotTheProxy, XksTls};

/// Bytes of an answer, at most: several times what the longest one has.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// In front of an address that is spoken to over TLS.
const TLS: &str = "https://";

/// Where proxies are, and how long they may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct XksSettings {
    /// `https://host:port` of each proxy, or `host:port` for plain HTTP, by the
    /// host name in its endpoint.
    pub proxies: BTreeMap<String, String>,
    /// File with the certificates, in PEM form, that those of proxies over TLS
    /// have to lead back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// How long a proxy may take to answer, the connection included. Default:
    /// 250, as in AWS.
    pub timeout_ms: u64,
}

impl Default for XksSettings {
    fn default() -> XksSettings {
        XksSettings {
            proxies: BTreeMap::new(),
            ca_file: None,
            timeout_ms: 250,
        }
    }
}

impl XksSettings {
    /// True when nothing was set.
    pub fn is_default(&self) -> bool {
        *self == XksSettings::default()
    }
}

/// A question could not be carried to its proxy and back.
type Broken = Box<dyn std::error::Error + Send + Sync>;

/// Asks proxies.
pub struct XksProxies {
    settings: XksSettings,
    tls: Option<XksTls>,
}

impl XksProxies {
    /// The way to the proxies that the settings name.
    ///
    /// # Errors
    /// The certificates cannot be read, or none are named and a proxy is spoken
    /// to over TLS.
    pub fn new(settings: XksSettings) -> anyhow::Result<XksProxies> {
        let over_tls = settings.proxies.iter().find(|(_, it)| it.starts_with(TLS));
        if let (Some((host, _)), None) = (over_tls, &settings.ca_file) {
            let no_file = "no file says whose certificates count";
            anyhow::bail!("the proxy of {host} is spoken to over TLS, and {no_file}");
        }
        let tls = settings.ca_file.as_deref().map(XksTls::trusting);
        let tls = tls.transpose()?;
        Ok(XksProxies { settings, tls })
    }

    /// Asks once; a question is not repeated.
    // fidelity: assumed, AWS does not say whether it repeats a question that a proxy
    // did not answer.
    pub async fn ask(&self, question: ProxyQuestion) -> Told {
        let timeout = Duration::from_millis(self.settings.timeout_ms);
        let answer = match tokio::time::timeout(timeout, self.post(&question)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                let endpoint = &question.endpoint;
                tracing::debug!(endpoint, error, "external key store proxy not reached");
                match error.is::<NotTheProxy>() {
                    true => ProxyAnswer::Untrusted,
                    false => ProxyAnswer::Unreachable,
                }
            }
            Err(_) => ProxyAnswer::TimedOut,
        };
        Told { question, answer }
    }

    async fn post(&self, question: &ProxyQuestion) -> Result<ProxyAnswer, Broken> {
        let host = question.endpoint.strip_prefix("https://");
        let host = host.ok_or("the endpoint has no https:// in front")?;
        let address = self.settings.proxies.get(host);
        let address = address.ok_or("the configuration has no address for this host name")?;
        let (over_tls, address) = match address.strip_prefix(TLS) {
            Some(address) => (self.tls.as_ref(), address),
            None => (None, address.as_str()),
        };
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        match over_tls {
            Some(tls) => exchange(tls.handshake(host, stream).await?, question, host).await,
            None => exchange(stream, question, host).await,
        }
    }
}

/// One request on a connection of its own, and its answer.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    question: &ProxyQuestion,
    host: &str,
) -> Result<ProxyAnswer, Broken> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let (date, authorization) = sign(question, host, machine_now_ms());
    let request = Request::post(&question.path)
        .header("host", host)
        .header("content-type", "application/json")
        .header("x-amz-date", date)
        .header("authorization", authorization)
        .body(Full::new(Bytes::copy_from_slice(&question.body)))?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
        let body = body.collect().await?.to_bytes().to_vec();
        Ok::<_, Broken>(ProxyAnswer::Responded { status, body })
    };
    // The connection is driven here and ends with the exchange.
    tokio::pin!(exchange, connection);
    tokio::select! {
        biased;
        answer = &mut exchange => answer,
        ended = &mut connection => {
            ended?;
            exchange.await
        }
    }
}

/// `x-amz-date` and `authorization` of a question that is sent to `host`.
fn sign(question: &ProxyQuestion, host: &str, now_ms: i64) -> (String, String) {
    let date = amz_date(now_ms);
    let request = SignedRequest {
        method: "POST",
        path: &question.path,
        query: "",
        headers: &[("host", host.as_bytes()), ("x-amz-date", date.as_bytes())],
        body: &question.body,
    };
    let claim = signature::Signature {
        date: &date[..8],
        region: question.region.as_str(),
        service: "kms-xks-proxy",
        signed_headers: "host;x-amz-date",
        signature: "",
    };
    let key = (
        question.access_key_id.as_str(),
        question.secret_access_key.as_slice(),
    );
    let authorization = claim.authorization(&request, key);
    (date, authorization)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn question() -> ProxyQuestion {
        ProxyQuestion::to_health(
            "https://xks.example.com",
            "/kms/xks/v1",
            "us-east-1".parse().unwrap(),
            ("ABCDEFGHIJKLMNOPQRST", b"secret"),
        )
    }

    async fn asked(address: &str, timeout_ms: u64) -> ProxyAnswer {
        let host = "xks.example.com".to_owned();
        let proxies = XksProxies::new(XksSettings {
            proxies: [(host, address.to_owned())].into(),
            timeout_ms,
            ..Default::default()
        });
        let proxies = proxies.unwrap();
        proxies.ask(question()).await.answer
    }

    #[tokio::test]
    async fn an_answer_comes_back_with_its_status() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let proxy = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            let answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}";
            stream.write_all(answer).await.unwrap();
            String::from_utf8(request[..length].to_vec()).unwrap()
        };
        let (request, answer) = tokio::join!(proxy, asked(&address, 5000));
        assert!(request.starts_with("POST /kms/xks/v1/health HTTP/1.1\r\n"));
        assert!(request.contains("host: xks.example.com\r\n"), "{request}");
        assert!(!request.contains("secret"), "{request}");
        let ProxyAnswer::Responded { status, body } = answer else {
            panic!("it answered");
        };
        assert_eq!((status, body.as_slice()), (404, &b"{}"[..]));
    }

    #[tokio::test]
    async fn a_proxy_that_says_nothing_times_out() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        assert!(matches!(asked(&address, 50).await, ProxyAnswer::TimedOut));
    }

    #[tokio::test]
    async fn a_proxy_that_is_not_there_or_not_named_is_unreachable() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        assert!(matches!(
            asked(&address, 5000).await,
            ProxyAnswer::Unreachable
        ));
        let nowhere = XksProxies::new(XksSettings::default()).unwrap();
        let told = nowhere.ask(question()).await;
        assert!(matches!(told.answer, ProxyAnswer::Unreachable));
    }

    #[test]
    fn tls_needs_to_know_whose_certificates_count() {
        let host = "xks.example.com".to_owned();
        let refused = XksProxies::new(XksSettings {
            proxies: [(host, "https://127.0.0.1:1".to_owned())].into(),
            ..Default::default()
        });
        let text = refused.err().unwrap().to_string();
        assert!(text.contains("xks.example.com"), "{text}");
    }

    /// Computed by botocore for the same request.
    #[test]
    fn the_signature_is_the_one_that_aws_sdks_make() {
        let (date, authorization) = sign(&question(), "xks.example.com", 1_767_225_600_000);
        assert_eq!(date, "20260101T000000Z");
        assert_eq!(
            authorization,
            "AWS4-HMAC-SHA256 Credential=ABCDEFGHIJKLMNOPQRST/20260101/us-east-1/kms-xks-proxy/\
             aws4_request, SignedHeaders=host;x-amz-date, \
             Signature=7ff93ae2d10c73298b7f39c944d0fb52e8a8f78e7b852ca6c8b8f16c75161d78"
        );
    }
}
