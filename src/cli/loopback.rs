//! Where a browser on this machine brings an answer back to: a port that nobody else has (RFC 8252 §7.3).

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::mpsc};

use super::Failure;

/// How long somebody may take to sign in.
const PATIENCE: Duration = Duration::from_secs(600);

/// A port of this machine at which an answer is waited for.
pub(super) struct Loopback {
    listener: TcpListener,
    port: u16,
}

/// The parameters that came back.
pub(super) type Returned = BTreeMap<String, String>;

impl Loopback {
    /// Takes a port.
    pub(super) async fn open() -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    /// The address to come back to; the port may be any where this one is registered (RFC 8252 §7.3).
    pub(super) fn address(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Waits until a browser comes to `path` with `state`; whatever else comes is not listened to.
    pub(super) async fn wait(&self, path: &str, state: &str) -> Result<Returned, Failure> {
        let (sender, mut returned) = mpsc::channel(1);
        let waited_for = Arc::new((path.to_owned(), state.to_owned()));
        let serve = async {
            loop {
                let Ok((stream, _)) = self.listener.accept().await else { continue };
                let (sender, waited_for) = (sender.clone(), Arc::clone(&waited_for));
                let answer = service_fn(move |request: Request<Incoming>| {
                    let came = returned_by(&request, &waited_for.0, &waited_for.1);
                    let (sender, answer) = (sender.clone(), page(came.is_some()));
                    async move {
                        if let Some(came) = came {
                            // A second one says nothing that the first has not.
                            let _ = sender.try_send(came);
                        }
                        Ok::<_, Infallible>(answer)
                    }
                });
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
                tokio::spawn(connection);
            }
        };
        let came = async { returned.recv().await.ok_or(Failure("nothing came back".into())) };
        tokio::select! {
            () = serve => Err(Failure("the port is gone".into())),
            came = came => {
                // The browser is still reading its page.
                tokio::time::sleep(Duration::from_millis(200)).await;
                came
            }
            () = tokio::time::sleep(PATIENCE) => {
                Err(Failure(format!("nobody came back within {} minutes", PATIENCE.as_secs() / 60)))
            }
        }
    }
}

fn returned_by(request: &Request<Incoming>, path: &str, state: &str) -> Option<Returned> {
    let query = request.uri().query().unwrap_or_default();
    let came: Returned = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let is_it = request.uri().path() == path && came.get("state").is_some_and(|came| came == state);
    is_it.then_some(came)
}

fn page(is_it: bool) -> Response<Full<Bytes>> {
    let (status, text) = match is_it {
        true => (StatusCode::OK, "Done. You can close this window and go back to the terminal."),
        false => (StatusCode::NOT_FOUND, "There is nothing here."),
    };
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Portcullis</title><main><p>{text}</p></main></html>"
    );
    let mut response = Response::new(Full::from(page));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers
        .insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        hyper::header::HeaderValue::from_static("default-src 'none'"),
    );
    response
}
