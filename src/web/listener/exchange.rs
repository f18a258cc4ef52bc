//! One request through Rocket's service: hyper's words to Rocket's, and back.

use std::{
    future::poll_fn,
    io,
    net::{IpAddr, SocketAddr},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::{
    Request, Response, StatusCode,
    body::{Body, Frame, Incoming, SizeHint},
    header::{CONTENT_LENGTH, HeaderName, HeaderValue},
    http::request::Parts,
};
use rocket::{
    http::{Cookie, Header, Method, uri::Origin},
    local::asynchronous::{Client, LocalRequest, LocalResponse},
};
use tokio::{
    io::AsyncReadExt as _,
    sync::{mpsc, oneshot, watch},
};
use tracing::Instrument as _;

use super::{
    Stage, access,
    gate::{Acquaintance, Gate},
    pace::Pace,
};
use crate::web::{
    Site,
    guards::{MOST_BODY, SessionSeen, address},
    traced::{REQUEST_ID, TRACEPARENT, Traced},
};

/// What is handed on in one piece.
const WHOLE: usize = 64 * 1024;

/// What one connection's requests have in common.
pub(super) struct Exchange {
    pub(super) client: Arc<Client>,
    pub(super) site: Arc<Site>,
    pub(super) peer: SocketAddr,
    pub(super) pace: Arc<Pace>,
    pub(super) gate: Arc<Gate>,
    pub(super) who: Arc<Acquaintance>,
    pub(super) stage: watch::Receiver<Stage>,
    pub(super) busy: mpsc::Sender<()>,
}

/// A request that is whole.
struct Asked {
    parts: Parts,
    body: Bytes,
    came: Instant,
    traced: Traced,
}

impl Asked {
    /// Writes its line of the access log, where there is one.
    fn tell(&self, ip: IpAddr, status: StatusCode, bytes: usize) {
        if access::is_kept() {
            // HTTP's own word, or none: others are the client's.
            let method = method_of(&self.parts).map(|method| method.as_str());
            access::write(&self.traced.span, ip, method, status, bytes, self.came.elapsed());
        }
    }
}

impl Exchange {
    /// Answers one request. Its handler runs in a task of its own: a client that hangs up does not cut it
    /// short, so that what it tried is counted.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Answer>, io::Error> {
        let (parts, body) = request.into_parts();
        let body = received(body).await?;
        let traced = self.traced(&parts);
        let asked = Asked { parts, body, came: Instant::now(), traced };
        // In line it may still be closed for others, and is once its time is over.
        let passage = self.gate.pass(&self.who, self.peer.ip()).await;
        self.pace.answering();
        let (sender, answer) = oneshot::channel();
        let (client, peer, pace) = (Arc::clone(&self.client), self.peer, Arc::clone(&self.pace));
        let (gate, who) = (Arc::clone(&self.gate), Arc::clone(&self.who));
        let (busy, mut stage) = (self.busy.clone(), self.stage.clone());
        let span = asked.traced.span.open();
        let task = async move {
            let _busy = busy;
            let mut work = pin!(handle(&client, peer, &asked, &who, pace, sender));
            // What follows its first step waits for something, and takes hardly any of a core.
            let began = Instant::now();
            let done = poll_fn(|context| Poll::Ready(work.as_mut().poll(context).is_ready())).await;
            let taken = began.elapsed();
            drop(passage);
            if !done {
                tokio::select! {
                    () = work => {}
                    _ = stage.wait_for(|stage| *stage == Stage::Over) => {}
                }
            }
            if !who.is_known() {
                gate.charge(taken);
            }
        };
        // Boxed: it is of nine kilobytes, which were copied ten times on the way from here into the runtime.
        tokio::spawn(Box::pin(task).instrument(span));
        // Dropped without an answer where the handler's task died or was cut off: the connection closes.
        answer.await.map_err(|_| io::ErrorKind::ConnectionAborted.into())
    }

    fn traced(&self, parts: &Parts) -> Traced {
        // A line that is no text is one all the same, and names no trace.
        let lines =
            parts.headers.get_all(TRACEPARENT).iter().map(|line| line.to_str().unwrap_or_default());
        let method = method_of(parts).map_or("unknown", |method| method.as_str());
        Traced::named_by(lines, method, &self.site.app.effects)
    }
}

/// The body, or its first bytes and one more than any handler takes: so each says itself what is too large.
async fn received(mut body: Incoming) -> Result<Bytes, io::Error> {
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
            all.extend_from_slice(&data);
        }
        if all.len() > MOST_BODY {
            break;
        }
    }
    Ok(all.freeze())
}

fn method_of(parts: &Parts) -> Option<Method> {
    parts.method.as_str().parse().ok()
}

/// Rocket's request of hyper's; `None` where the method is none of HTTP's or there is no path.
fn request_of<'c>(client: &'c Client, peer: SocketAddr, parts: &Parts) -> Option<LocalRequest<'c>> {
    let method = method_of(parts)?;
    let target = parts.uri.path_and_query()?;
    let origin = Origin::new(target.path().to_owned(), target.query().map(str::to_owned));
    let mut request = client.req(method, origin).remote(peer);
    for (name, value) in &parts.headers {
        // Rocket's values are text: what is not is left out, as Rocket's own listener does.
        if let Ok(value) = std::str::from_utf8(value.as_bytes()) {
            request.add_header(Header::new(name.as_str().to_owned(), value.to_owned()));
        }
    }
    for line in parts.headers.get_all(hyper::header::COOKIE) {
        let line = std::str::from_utf8(line.as_bytes()).unwrap_or_default();
        let cookies =
            line.split(';').filter_map(|one| Cookie::parse_encoded(one.trim().to_owned()).ok());
        request = request.cookies(cookies);
    }
    Some(request)
}

/// Has Rocket answer, and sends the answer. Who has hung up is owed nothing: that it cannot be sent is no
/// fault of anybody's.
async fn handle(
    client: &Client,
    peer: SocketAddr,
    asked: &Asked,
    who: &Acquaintance,
    pace: Arc<Pace>,
    sender: oneshot::Sender<Response<Answer>>,
) {
    let Asked { parts, body, traced, .. } = asked;
    let Some(request) = request_of(client, peer, parts) else {
        let _ = sender.send(refusal(traced, pace));
        asked.tell(peer.ip(), StatusCode::BAD_REQUEST, 0);
        return;
    };
    request.inner().local_cache(|| traced.clone());
    let ip = address(request.inner()).unwrap_or(peer.ip());
    let session = Arc::clone(SessionSeen::of(request.inner()));
    let response = request.body(body.as_ref()).dispatch().await;
    let head = head_of(&response, traced);
    let status = head.status();
    who.judge(parts, status, &session);
    if let Some(bytes) = send(response, head, pace, sender).await {
        asked.tell(ip, status, bytes);
    }
}

/// Sends an answer, and says how much of its body was taken; `None` where it broke off.
async fn send(
    mut response: LocalResponse<'_>,
    mut head: Response<()>,
    pace: Arc<Pace>,
    sender: oneshot::Sender<Response<Answer>>,
) -> Option<usize> {
    let Some(size) = response.body().preset_size().filter(|size| *size <= WHOLE) else {
        let (chunks, receiver) = mpsc::channel(1);
        let sent = sender.send(head.map(|()| Answer { content: Content::Chunks(receiver), pace }));
        return Some(if sent.is_ok() { send_chunks(response, chunks).await } else { 0 });
    };
    let mut whole = Vec::with_capacity(size);
    response.read_to_end(&mut whole).await.ok()?;
    if whole.len() != size {
        // An answer to HEAD, or 304: the length that its body would have.
        head.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(size));
    }
    let bytes = whole.len();
    let _ = sender.send(head.map(|()| Answer { content: Content::Whole(whole.into()), pace }));
    Some(bytes)
}

/// What is answered to a request that Rocket cannot be asked.
fn refusal(traced: &Traced, pace: Arc<Pace>) -> Response<Answer> {
    let mut refusal = Response::new(Answer { content: Content::Whole(Bytes::new()), pace });
    *refusal.status_mut() = StatusCode::BAD_REQUEST;
    put_id(&mut refusal, traced);
    refusal
}

fn put_id<T>(answer: &mut Response<T>, traced: &Traced) {
    if let Ok(id) = HeaderValue::try_from(traced.id().to_string()) {
        answer.headers_mut().insert(REQUEST_ID, id);
    }
}

fn head_of(response: &LocalResponse<'_>, traced: &Traced) -> Response<()> {
    let mut head = Response::new(());
    put_id(&mut head, traced);
    *head.status_mut() =
        StatusCode::from_u16(response.status().code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for header in response.headers().iter() {
        let name = HeaderName::from_bytes(header.name.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(header.value())) {
            head.headers_mut().append(name, value);
        }
    }
    head
}

/// Sends a body piece by piece, and answers how much of it was taken.
async fn send_chunks(
    mut response: LocalResponse<'_>,
    chunks: mpsc::Sender<io::Result<Bytes>>,
) -> usize {
    let mut bytes = 0;
    loop {
        let mut chunk = BytesMut::with_capacity(WHOLE);
        let read = tokio::select! {
            read = response.read_buf(&mut chunk) => read,
            // A stream may have nothing to say for long.
            () = chunks.closed() => return bytes,
        };
        let last = !matches!(read, Ok(more) if more > 0);
        // An error is sent too: the connection then breaks off, and nobody takes the part for the whole.
        let read = read.map(|_| chunk.freeze());
        let size = read.as_ref().map_or(0, Bytes::len);
        if read.as_ref().is_ok_and(Bytes::is_empty) || chunks.send(read).await.is_err() {
            return bytes;
        }
        bytes += size;
        if last {
            return bytes;
        }
    }
}

enum Content {
    Whole(Bytes),
    Chunks(mpsc::Receiver<io::Result<Bytes>>),
}

/// The body of an answer. Once it is gone, the connection waits for its next request.
pub(super) struct Answer {
    content: Content,
    pace: Arc<Pace>,
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.pace.answered();
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.content {
            Content::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Content::Chunks(chunks) => {
                chunks.poll_recv(context).map(|chunk| chunk.map(|bytes| bytes.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.content, Content::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Chunks(_) => SizeHint::default(),
        }
    }
}
