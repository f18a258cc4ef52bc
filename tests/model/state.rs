//! What there is: the database, the nodes, and what has been issued.
//!
//! Time is kept as ages that stop growing once they no longer matter, so a run may last for ever
//! and the number of states stays finite. Only the old rule, which compares instants, needs an
//! absolute clock.

/// The most nodes, endings, sessions and tokens that a state can hold.
pub(crate) const NODES: usize = 3;
pub(crate) const ENDINGS: usize = 3;
pub(crate) const SESSIONS: usize = 2;
pub(crate) const TOKENS: usize = 3;

/// The subject that can be deleted, made anew, and served from memory (a client).
pub(crate) const CLIENT: u8 = 0;
/// The other subject (a user).
pub(crate) const USER: u8 = 1;

/// Where wall clocks start, so that a clock that is behind does not go below nought.
pub(crate) const EPOCH: u8 = 4;

/// What an ending ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// All that a subject has; the subject stays.
    Logout(u8),
    /// All that a subject has, and the subject.
    Delete(u8),
    /// One session, by its identifier.
    Session(u8),
}

impl Target {
    pub(crate) fn subject(self) -> Option<u8> {
        match self {
            Target::Logout(subject) | Target::Delete(subject) => Some(subject),
            Target::Session(_) => None,
        }
    }
}

/// The row of a client or a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) present: bool,
    /// `ended_seq`; by the old rule the cut-off instant.
    pub(crate) mark: u8,
}

/// An ending that has been committed; the list is in the order of the commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ending {
    pub(crate) target: Target,
    /// Its number: its place in the list (from 1), unless a flaw gives it out early.
    pub(crate) number: u8,
    /// The cut-off instant (old rule only).
    pub(crate) cutoff: u8,
    /// Whether followers can read it and the rows show it.
    pub(crate) published: bool,
    /// The node that told the administrator, if one did.
    pub(crate) answered: Option<u8>,
    /// Ticks of real time since the answer, up to the bound.
    pub(crate) since: u8,
    /// Ticks since the commit, where registries forget.
    pub(crate) age: u8,
    /// Somebody was told that it is effective everywhere.
    pub(crate) said: bool,
}

/// A session, family or code: a row that tokens are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Session {
    pub(crate) subject: u8,
    /// `born`; by the old rule the instant of issue.
    pub(crate) stamp: u8,
    /// Known to the checker only: how many endings were committed when the oldest fact that this
    /// rests on was read.
    pub(crate) truth: u8,
    pub(crate) ended: bool,
    /// What it was made from, as a family is from a code.
    pub(crate) parent: Option<u8>,
}

/// An access token, out of the server's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Token {
    pub(crate) subject: u8,
    pub(crate) session: Option<u8>,
    /// `rev`; by the old rule the instant of issue.
    pub(crate) stamp: u8,
    /// As for a session.
    pub(crate) truth: u8,
    /// Ticks until the slowest clock sees it expire (where tokens expire).
    pub(crate) left: u8,
}

/// A client's row as it was read into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    /// The head that was read with the row (at the latest).
    pub(crate) seen: u8,
    /// As for a session.
    pub(crate) truth: u8,
}

/// An answer of the database that is on its way into the node's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Follow {
    /// The events in the answer, a bit each.
    pub(crate) events: u8,
    /// The highest number among them, and among those before.
    pub(crate) upto: u8,
    /// Ticks since the question was asked, by the node's clock.
    pub(crate) age: u8,
    /// The first of the two steps of taking it in is done.
    pub(crate) half: bool,
    /// The node has stood on the list without a break since before it asked.
    pub(crate) covered: bool,
}

/// An ending that a node has under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Work {
    pub(crate) target: Target,
    pub(crate) cutoff: u8,
    /// The number, where a flaw takes it at the beginning.
    pub(crate) early: u8,
    /// Its place in the order of the commits; nought until it is committed.
    pub(crate) seq: u8,
}

/// How something is issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum How {
    /// A session row; tokens are made from it.
    SignIn(u8),
    /// A session row from another, as a family from a code.
    Redeem(u8),
    /// A token from a session row.
    Refresh(u8),
    /// A client's token by the database.
    Direct,
    /// A client's token from memory.
    Memory,
}

/// An issuing that has read its stamp and not yet its facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Issue {
    pub(crate) node: u8,
    pub(crate) how: How,
    pub(crate) stamp: u8,
    /// Set only where a flaw reads the facts first.
    pub(crate) truth: Option<u8>,
}

/// A request that shows a token and has been looked at by half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Look {
    pub(crate) node: u8,
    pub(crate) token: Token,
    /// What the first of the two questions found.
    pub(crate) first: bool,
    /// When the request came, the node already had to refuse the token.
    pub(crate) due: bool,
}

/// One node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    /// The age of its view; none before the first complete answer, when it answers nothing.
    pub(crate) view: Option<u8>,
    /// It does not reach the database.
    pub(crate) cut: bool,
    /// Its registry: a bit for every event.
    pub(crate) known: u8,
    pub(crate) applied: u8,
    /// The client in its cache.
    pub(crate) cache: Option<Entry>,
    /// The client's row, read and not yet put into the cache.
    pub(crate) fill: Option<Entry>,
    pub(crate) follow: Option<Follow>,
    pub(crate) work: Option<Work>,
    /// Ticks that its lease still lasts, by its own clock.
    pub(crate) lease: u8,
    /// Its view was asked for under the lease that it holds.
    pub(crate) covered: bool,
}

/// A node's line on the list of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Line {
    /// Ticks that it still stands, by the database's clock.
    pub(crate) left: u8,
    pub(crate) seq: u8,
    /// When it was written, by the node's wall clock (old rule only).
    pub(crate) beat: u8,
}

/// The making anew of a deleted client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Anew {
    Not,
    /// Begun, with the head that was read then.
    Begun(u8),
    Done,
}

/// Everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// Real time, counted for the old rule only.
    pub(crate) now: u8,
    pub(crate) rows: [Row; 2],
    pub(crate) endings: [Option<Ending>; ENDINGS],
    pub(crate) sessions: [Option<Session>; SESSIONS],
    pub(crate) tokens: [Option<Token>; TOKENS],
    pub(crate) lines: [Line; NODES],
    pub(crate) nodes: [Node; NODES],
    /// One issuing at a time: issuings do not see each other, so a bad one is found alone.
    pub(crate) issue: Option<Issue>,
    pub(crate) anew: Anew,
    pub(crate) look: Option<Look>,
    /// Something was made from what an answered ending had ended.
    pub(crate) spoilt: bool,
    /// A request was let through with a token that had to be refused when the request came.
    pub(crate) slipped: bool,
}

impl State {
    pub(crate) fn node(&self, id: u8) -> &Node {
        &self.nodes[usize::from(id)]
    }

    pub(crate) fn node_mut(&mut self, id: u8) -> &mut Node {
        &mut self.nodes[usize::from(id)]
    }

    pub(crate) fn row(&self, subject: u8) -> Row {
        self.rows[usize::from(subject)]
    }

    pub(crate) fn session(&self, id: u8) -> Option<Session> {
        self.sessions[usize::from(id)]
    }

    /// The highest number there is: `revocation_head`.
    pub(crate) fn head(&self) -> u8 {
        self.endings.iter().flatten().map(|ending| ending.number).max().unwrap_or(0)
    }

    /// Known to the checker only: how many endings are committed.
    pub(crate) fn commits(&self) -> u8 {
        self.endings.iter().flatten().count() as u8
    }

    /// The endings with their places in the order of the commits.
    pub(crate) fn ordered(&self) -> impl Iterator<Item = (u8, &Ending)> {
        (1..).zip(self.endings.iter().flatten())
    }

    /// Whether a session is another, or was made from it.
    pub(crate) fn hangs_on(&self, session: u8, other: u8) -> bool {
        session == other || self.session(session).is_some_and(|row| row.parent == Some(other))
    }

    pub(crate) fn ending_mut(&mut self, seq: u8) -> Option<&mut Ending> {
        self.endings[usize::from(seq) - 1].as_mut()
    }
}

/// The registry's bit for one ending.
pub(crate) fn bit(seq: u8) -> u8 {
    1 << (seq - 1)
}
