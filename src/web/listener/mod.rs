//! The door: connections are accepted here, each request is handed to Rocket's service, and its
//! answer is sent (ADR 10).
//!
//! Rocket's own listener waits for a request's headers for ever, and takes every file that the
//! process may open. This one closes whoever is slow, and keeps files back for the database.

mod access;
mod crowd;
mod exchange;
mod gate;
mod line;
mod pace;
mod tls;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rocket::{
    Ignite, Rocket,
    futures::future::{AbortHandle, Abortable},
    local::asynchronous::Client,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use super::Site;
use crowd::Crowd;
pub(crate) use crowd::{files_of_process, share_of_strangers};
use exchange::Exchange;
use gate::{Acquaintance, Gate};
use pace::{Pace, Paced};
pub(crate) use tls::Files as TlsFiles;

/// How long requests that are being answered have to end once the server stops. Less than the grace
/// within which a retry of a rotation is answered: a restart must not make thieves of honest clients.
const GRACE: Duration = Duration::from_secs(4);

/// The longest head of a request, in bytes. What is longer is answered with 431.
const MOST_HEAD: usize = 64 * 1024;

/// How far the server has come on its way out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Serving,
    /// No further request begins.
    Draining,
    /// None goes on.
    Over,
}

/// A bound address, and the Rocket that answers on it.
pub(crate) struct Listener {
    socket: TcpListener,
    client: Arc<Client>,
    site: Arc<Site>,
    crowd: Arc<Crowd>,
    gate: Arc<Gate>,
    tls: Option<TlsAcceptor>,
}

impl Listener {
    /// Binds the address of Rocket's configuration, and begins what begins with the server.
    /// At most `most` connections are held at once.
    ///
    /// # Errors
    /// Where the address is taken or may not be bound.
    pub(crate) async fn open(rocket: Rocket<Ignite>, most: usize) -> io::Result<Self> {
        let address = SocketAddr::new(rocket.config().address, rocket.config().port);
        let socket = TcpListener::bind(address).await?;
        // Rocket calls this client local, since it comes without a listener: it is the one public way to
        // its service.
        let client =
            Client::untracked(rocket).await.map_err(|why| io::Error::other(why.to_string()))?;
        let site = client
            .rocket()
            .state::<Arc<Site>>()
            .cloned()
            .ok_or_else(|| io::Error::other("no site"))?;
        Ok(Self {
            socket,
            client: Arc::new(client),
            site,
            crowd: Arc::new(Crowd::of(most)),
            gate: Arc::new(Gate::of_machine()),
            tls: None,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The same by TLS, with the certificate of these files.
    ///
    /// # Errors
    /// Files that cannot be used.
    pub(crate) fn with_tls(self, files: Option<TlsFiles>) -> io::Result<Self> {
        Ok(Self { tls: files.map(tls::acceptor).transpose()?, ..self })
    }

    /// Serves until `stop` comes, lets the requests that are being answered end, and says good-bye.
    pub(crate) async fn serve(self, stop: impl Future) {
        let (stage, _) = watch::channel(Stage::Serving);
        // Each connection and each exchange holds a sender: once the last is dropped, nothing goes on.
        let (busy, mut idle) = mpsc::channel::<()>(1);
        tokio::select! {
            () = self.accept(&stage, &busy) => {}
            _ = stop => {}
        }
        drop((self.socket, busy));
        stage.send_replace(Stage::Draining);
        self.site.closing.send_replace(true);
        if timeout(GRACE, idle.recv()).await.is_err() {
            tracing::warn!("requests were cut off: they did not end within {} s", GRACE.as_secs());
            stage.send_replace(Stage::Over);
            idle.recv().await;
        }
        if let Some(client) = Arc::into_inner(self.client) {
            client.terminate().await;
        }
    }

    async fn accept(&self, stage: &watch::Sender<Stage>, busy: &mpsc::Sender<()>) {
        loop {
            match self.socket.accept().await {
                Ok((stream, peer)) => self.greet(stream, peer, stage, busy),
                Err(why) if is_of_the_connection(&why) => {}
                Err(why) => {
                    tracing::warn!(error = %why, "a connection could not be accepted: an idle one is closed for the next");
                    self.crowd.make_room();
                    sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    /// Serves one connection in a task of its own.
    fn greet(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        stage: &watch::Sender<Stage>,
        busy: &mpsc::Sender<()>,
    ) {
        if let Err(why) = stream.set_nodelay(true) {
            tracing::debug!(error = %why, "small answers on a connection may wait for one another");
        }
        let (client, pace) = (Arc::clone(&self.client), Arc::new(Pace::default()));
        let (handle, registration) = AbortHandle::new_pair();
        let Some(place) = self.crowd.admit(Arc::clone(&pace), handle) else { return };
        let stream = Paced::new(stream, Arc::clone(&pace));
        let exchange = Exchange {
            client,
            site: Arc::clone(&self.site),
            peer,
            pace,
            gate: Arc::clone(&self.gate),
            who: Arc::new(Acquaintance::default()),
            stage: stage.subscribe(),
            busy: busy.clone(),
        };
        let tls = self.tls.clone();
        tokio::spawn(async move {
            let _place = place;
            let served = async {
                match tls {
                    None => connection(stream, exchange).await,
                    // Whoever does not finish the handshake is as slow as one who sends no request.
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            connection(stream, exchange).await;
                        }
                    }
                }
            };
            let _ = Abortable::new(served, registration).await;
        });
    }
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin, exchange: Exchange) {
    let (pace, mut stage) = (Arc::clone(&exchange.pace), exchange.stage.clone());
    let service = service_fn(|request| exchange.answer(request));
    let served = http1::Builder::new()
        .max_buf_size(MOST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served);
    tokio::select! {
        // What a client does to its connection is no news; the trail tells what matters.
        _ = &mut served => return,
        _ = stage.wait_for(|stage| *stage != Stage::Serving) => {}
    }
    if pace.is_answering() {
        served.as_mut().graceful_shutdown();
        tokio::select! {
            _ = served => {}
            _ = stage.wait_for(|stage| *stage == Stage::Over) => {}
        }
    }
}

/// Whether the next connection may be accepted all the same.
fn is_of_the_connection(why: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(why.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
