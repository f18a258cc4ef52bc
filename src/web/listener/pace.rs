//! How long a connection may take over each part of a request.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

/// For a whole request, from its first byte or that of the connection, until it is worked on.
const RECEIVING: Duration = Duration::from_secs(10);

/// Between two requests. Longer than load balancers keep theirs, so that it is they who close.
const WAITING: Duration = Duration::from_secs(75);

/// Without a byte of the answer being taken.
const TAKING: Duration = Duration::from_secs(30);

/// What a connection is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A request is coming, or the first one is due.
    Receiving,
    /// It is with its handler, or the answer is being sent.
    Answering,
    /// The answer was sent, and nothing of another request has come.
    Waiting,
}

/// What a connection is doing, for its stream, its exchanges and the crowd: the phase in the two lowest
/// bits, and above them how many requests it has brought.
#[derive(Default)]
pub(super) struct Pace(AtomicU32);

impl Pace {
    const ONE: u32 = 4;

    fn phase_of(word: u32) -> Phase {
        match word % Self::ONE {
            0 => Phase::Receiving,
            1 => Phase::Answering,
            _ => Phase::Waiting,
        }
    }

    fn set(&self, phase: Phase, more: u32) {
        let word = self.0.load(Ordering::Relaxed);
        self.0
            .store((word - word % Self::ONE).wrapping_add(more) | phase as u32, Ordering::Relaxed);
    }

    /// A request is whole.
    pub(super) fn answering(&self) {
        self.set(Phase::Answering, Self::ONE);
    }

    /// Its answer is whole.
    pub(super) fn answered(&self) {
        self.set(Phase::Waiting, 0);
    }

    pub(super) fn is_answering(&self) -> bool {
        Self::phase_of(self.0.load(Ordering::Relaxed)) == Phase::Answering
    }

    /// Whether it has never brought a whole request.
    pub(super) fn is_new(&self) -> bool {
        self.0.load(Ordering::Relaxed) < Self::ONE
    }
}

/// A stream that fails once its client has been slower than it may.
pub(super) struct Paced {
    stream: TcpStream,
    pace: Arc<Pace>,
    /// The word of `pace` that `due` is for.
    seen: u32,
    due: Instant,
    /// Seldom set, and looked at again when it rings.
    bell: Pin<Box<Sleep>>,
}

impl Paced {
    pub(super) fn new(stream: TcpStream, pace: Arc<Pace>) -> Self {
        let due = Instant::now() + RECEIVING;
        Self { stream, pace, seen: 0, due, bell: Box::pin(sleep_until(due)) }
    }

    /// The phase; its time begins when it is first seen.
    fn phase(&mut self) -> Phase {
        let word = self.pace.0.load(Ordering::Relaxed);
        let phase = Pace::phase_of(word);
        if word != self.seen {
            let limit = match phase {
                Phase::Receiving => RECEIVING,
                Phase::Answering => TAKING,
                Phase::Waiting => WAITING,
            };
            (self.seen, self.due) = (word, Instant::now() + limit);
        }
        phase
    }

    /// Ready, with the error, where the time of this phase is over.
    fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            if self.bell.deadline() > self.due || self.bell.is_elapsed() {
                self.bell.as_mut().reset(self.due);
            }
            ready!(self.bell.as_mut().poll(context));
            if self.due <= Instant::now() {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
        }
    }

    fn poll_taken(
        &mut self,
        taken: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.phase();
        if taken.is_ready() {
            self.due = Instant::now() + TAKING;
            return taken;
        }
        self.poll_due(context).map(Err)
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let phase = self.phase();
        if read.is_ready() {
            if phase == Phase::Waiting && buffer.filled().len() > before {
                self.pace.set(Phase::Receiving, 0);
            }
            return read;
        }
        // The handler has deadlines of its own.
        if phase == Phase::Answering { Poll::Pending } else { self.poll_due(context).map(Err) }
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let taken = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.poll_taken(taken, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let taken = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.poll_taken(taken, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
