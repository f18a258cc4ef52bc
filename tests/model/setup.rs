//! What is checked: which rule, which flaw, how large, and what may go wrong.

use crate::state::{EPOCH, How, NODES, State, Target};

/// How the server decides what an ending ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// By the number of the event (the design).
    Numbers,
    /// By instants on the nodes' clocks (what was there before).
    Instants,
}

/// One thing done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The facts are read first and `born` after them.
    BornAfterTheFacts,
    /// The follower advances `applied` before the registry and the cache.
    AppliedBeforeTheRegistry,
    /// The event and `ended_seq` come in a second transaction.
    NumberAfterTheCommit,
    /// Numbers are given out when the transaction begins, as a sequence of the database would.
    NumberAtTheBeginning,
    /// Using a session row does not look at the row that it was made from.
    ParentNotJoined,
    /// A token is looked up in the registry first, and the view's age is looked at after that.
    RegistryBeforeTheView,
    /// Issuing from memory does not look at the view's age.
    MemoryWithoutAView,
    /// A view counts from the answer and not from the question.
    ViewFromTheAnswer,
    /// A client that is made anew starts at nought.
    NewClientBornAtNought,
    /// A node answers from memory without a lease.
    LeaseIgnored,
    /// A view that was asked for before the lease was taken is used under it.
    ViewOlderThanTheLease,
    /// A row that was read before an ending is put into the cache after it, unlooked at.
    FillUnchecked,
    /// The registry forgets an event after a token's life, and nothing stays in its place.
    ForgottenWithoutAFloor,
    /// The check of a row on its way into the cache does not look at what was forgotten.
    FillWithoutAFloor,
    /// The making of a client reads the head before its row is there.
    HeadBeforeTheInsert,
    /// The node that ends sets `applied` to the number of its own ending.
    OwnEndingMovesApplied,
    /// The administrator is answered before the node's own registry knows.
    AnsweredBeforeTheRegistry,
    /// A complete answer replaces the registry where it should be added to it.
    FollowReplaces,
    /// The follower asks for the events first and for the head after them.
    HeadAfterTheEvents,
    /// The client is looked up in memory and `born` is read from the database.
    HeadWithCachedFacts,
    /// The follower asks a replica that has stopped getting news.
    FollowsAReplica,
}

/// One configuration.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) rule: Rule,
    pub(crate) flaw: Option<Flaw>,
    pub(crate) nodes: u8,
    pub(crate) endings: u8,
    pub(crate) sessions: usize,
    pub(crate) tokens: usize,
    /// What may be ended (`Session(0)` stands for any session).
    pub(crate) ends: &'static [Target],
    /// How things may be issued (`Refresh(0)` stands for any session).
    pub(crate) issues: &'static [How],
    /// Which nodes may end, issue, follow, be cut off, restart, have a clock that stops: a bit each.
    pub(crate) enders: u8,
    pub(crate) issuers: u8,
    pub(crate) followers: u8,
    pub(crate) cuts: u8,
    pub(crate) restarts: u8,
    pub(crate) halts: u8,
    /// A token of this subject is out from the start: the client's own, or one of a user's session.
    pub(crate) out: Option<u8>,
    /// Deleted clients may be made anew, once.
    pub(crate) anew: bool,
    /// Which nodes stand on the list and may hold a lease. Where none does, leases are not
    /// modelled, and "effective everywhere" is not said.
    pub(crate) leases: u8,
    /// A view that is this old (in ticks) is stale; it is also the promised bound.
    pub(crate) bound: u8,
    /// For how many ticks a node stands on the list after it has written its number.
    pub(crate) lease: u8,
    /// A variant: the question that a follower asks also writes its line, in one transaction.
    pub(crate) joined: bool,
    /// A variant: an issuing compares its own stamp too and is refused where it would be dead on
    /// arrival, and what comes from memory bears the number of its row where that is higher.
    pub(crate) careful: bool,
    /// How many ticks a token lives; nought if tokens do not expire.
    pub(crate) lifetime: u8,
    /// For how many ticks more than that a registry remembers.
    pub(crate) keep: u8,
    /// By how many ticks each node's wall clock is behind.
    pub(crate) behind: [u8; NODES],
    /// How long the absolute clock runs (old rule only).
    pub(crate) ticks: u8,
    /// Nothing is issued once an ending has begun.
    pub(crate) calm: bool,
    /// Requests with tokens are looked at in two steps, and not in one.
    pub(crate) looks: bool,
    /// What a run shall look out for besides what has to hold.
    pub(crate) sights: &'static [&'static str],
    /// Issuing happens at nodes that are cut off, and only there.
    pub(crate) issue_when_cut: bool,
}

impl Setup {
    /// Two nodes, one ending, nothing goes wrong; the tests turn on what they are about.
    pub(crate) const fn new(rule: Rule) -> Setup {
        Setup {
            rule,
            flaw: None,
            nodes: 2,
            endings: 1,
            sessions: 1,
            tokens: 1,
            ends: &[],
            issues: &[],
            enders: 0b111,
            issuers: 0b111,
            followers: 0b111,
            cuts: 0,
            restarts: 0,
            halts: 0,
            out: None,
            anew: false,
            leases: 0,
            bound: 2,
            lease: 3,
            joined: false,
            careful: false,
            lifetime: 0,
            keep: 0,
            behind: [0; NODES],
            ticks: 4,
            calm: false,
            looks: false,
            sights: &[],
            issue_when_cut: false,
        }
    }

    pub(crate) fn with(mut self, flaw: Flaw) -> Setup {
        self.flaw = Some(flaw);
        self
    }

    pub(crate) fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    pub(crate) fn numbers(&self) -> bool {
        self.rule == Rule::Numbers
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = u8> {
        0..self.nodes
    }

    /// Whether something is issued from memory, so that caches have to be modelled.
    pub(crate) fn memory(&self) -> bool {
        self.issues.contains(&How::Memory)
    }

    /// A node's wall clock.
    pub(crate) fn clock(&self, state: &State, node: u8) -> u8 {
        EPOCH + state.now - self.behind[usize::from(node)]
    }

    /// By how much the slowest wall clock is behind.
    pub(crate) fn slowest(&self) -> u8 {
        self.behind.iter().copied().max().unwrap_or(0)
    }

    /// After this many ticks even the slowest clock has forgotten an event.
    pub(crate) fn oldest(&self) -> u8 {
        self.lifetime + self.keep + self.slowest()
    }

    /// Whether a node is named in a mask.
    pub(crate) fn may(&self, mask: u8, node: u8) -> bool {
        mask & (1 << node) != 0
    }

    /// Whether a view of this age is good.
    pub(crate) fn fresh(&self, view: Option<u8>) -> bool {
        view.is_some_and(|age| age < self.bound)
    }
}
