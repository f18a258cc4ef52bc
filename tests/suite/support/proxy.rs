//! A way to a service that can be cut, held up, and healed.

use std::sync::{Arc, Mutex};

use rocket::tokio::{
    self,
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    Cut,
    Stalled,
}

/// A TCP proxy in front of one service.
pub(crate) struct Proxy {
    way: Arc<watch::Sender<Way>>,
    target: Arc<Mutex<String>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// A proxy before the service that `url` names, and the URL that leads through it.
    pub(crate) async fn before(url: &str) -> (Self, String) {
        let mut url = url::Url::parse(url).unwrap();
        let target = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        let target = Arc::new(Mutex::new(target));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let (way, open) = watch::channel(Way::Open);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&target), open));
        (Self { way: Arc::new(way), target, accepting }, url.into())
    }

    /// Closes what is open and takes nothing new.
    pub(crate) fn cut(&self) {
        self.way.send_replace(Way::Cut);
    }

    /// Takes connections, and bytes, and passes nothing on until it is healed.
    pub(crate) fn stall(&self) {
        self.way.send_replace(Way::Stalled);
    }

    /// Leads new connections to another port of this machine; those that are open stay.
    pub(crate) fn lead_to(&self, port: u16) {
        *self.target.lock().unwrap() = format!("127.0.0.1:{port}");
    }

    pub(crate) fn heal(&self) {
        self.way.send_replace(Way::Open);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, target: Arc<Mutex<String>>, way: watch::Receiver<Way>) {
    while let Ok((near, _)) = listener.accept().await {
        if *way.borrow() == Way::Cut {
            continue;
        }
        let (target, mut way) = (Arc::clone(&target), way.clone());
        tokio::spawn(async move {
            if way.wait_for(|way| *way != Way::Stalled).await.is_err() {
                return;
            }
            let target = target.lock().unwrap().clone();
            let Ok(far) = TcpStream::connect(&target).await else { return };
            let _ = (near.set_nodelay(true), far.set_nodelay(true));
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            tokio::spawn(carry(near_in, far_out, way.clone()));
            carry(far_in, near_out, way).await;
        });
    }
}

/// Carries bytes one way; when it ends, the other side is told by the closed socket.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut way: watch::Receiver<Way>) {
    let (mut buffer, mut until_cut) = (vec![0; 16 * 1024], way.clone());
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            _ = until_cut.wait_for(|way| *way == Way::Cut) => return,
        };
        let Ok(count @ 1..) = read else { return };
        match way.wait_for(|way| *way != Way::Stalled).await.map(|way| *way) {
            Ok(Way::Open) => {}
            _ => return,
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
