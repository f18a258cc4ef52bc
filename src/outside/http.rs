//! An HTTP client: over TLS, but to this machine itself.

use std::{io, time::Duration};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    body::Bytes,
    http::{Request, Response},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of an answer that are read.
const MOST: usize = 16 * 1024 * 1024;

/// An HTTP client that follows no redirects.
#[derive(Clone)]
pub struct HttpClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// A request that was not answered.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct HttpError(String);

impl HttpClient {
    /// Makes one that trusts the authorities of the machine (`SSL_CERT_FILE` and `SSL_CERT_DIR` name others), and
    /// the public ones.
    pub fn new() -> Self {
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .build();
        Self { client: Client::builder(TokioExecutor::new()).build(connector) }
    }

    /// Sends a request and reads the answer whole.
    ///
    /// # Errors
    /// Where it may not be sent in the open, is not answered within 30 seconds, or with more than 16 MiB.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, HttpError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let is_here = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]");
        if request.uri().scheme_str() != Some("https") && !is_here {
            return Err(HttpError(format!(
                "{host} is to be asked by https, or anybody could listen"
            )));
        }
        let answered = async {
            let response = self.client.request(request.map(|body| Full::new(body.into()))).await;
            let (parts, body) =
                response.map_err(|why| HttpError(in_words(&host, &why)))?.into_parts();
            let body = Limited::new(body, MOST).collect().await;
            let body = body.map_err(|why| HttpError(format!("{host}: {why}")))?;
            Ok(Response::from_parts(parts, body.to_bytes().to_vec()))
        };
        let late = |_| HttpError(format!("{host} did not answer within {} s", PATIENCE.as_secs()));
        tokio::time::timeout(PATIENCE, answered).await.map_err(late)?
    }
}

impl Default for HttpClient {
    fn default() -> Self {
        Self::new()
    }
}

/// The innermost cause: what stands around it says only that something went wrong.
fn in_words(host: &str, why: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = why;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match innermost.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => format!("nobody listens at {host}"),
        _ => format!("{host}: {innermost}"),
    }
}
