//! The model: which steps there are, and what has to hold after every one.

use stateright::{Model, Property};

use crate::setup::{Flaw, Setup};
use crate::state::{
    Anew, CLIENT, ENDINGS, How, Line, NODES, Node, Row, SESSIONS, Session, State, TOKENS, Target,
    Token, USER,
};
use crate::{endings, issuing, looking, memory, truth};

/// The names of what has to hold.
pub(crate) const REFUSED: &str = "what was ended is refused";
pub(crate) const BARREN: &str = "nothing is made from what was ended";
pub(crate) const EVERYWHERE: &str = "everywhere is everywhere";

/// The names of what has to be possible, so that a run cannot pass for want of anything to see.
pub(crate) const REFUSES: &str = "an ended token is refused from memory";
pub(crate) const AFTER: &str = "what was born after an ending is accepted";
pub(crate) const CUT_REFUSES: &str = "a node that is cut off refuses";
pub(crate) const WITHIN: &str = "an ended token is accepted within the bound";
pub(crate) const ASKS: &str = "a stale node asks the database and accepts";
pub(crate) const TOO_MUCH: &str = "a token is refused that nothing ended";
pub(crate) const SAID: &str = "everywhere is said";

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// A tick of real time, during which the named node's clock stood still.
    Tick(Option<u8>),
    Begin(u8, Target),
    Commit(u8),
    Publish(u8),
    Answer(u8),
    Issue(u8, How),
    Finish,
    Ask(u8),
    TakeIn(u8),
    ReadForCache(u8),
    FillCache(u8),
    WriteLine(u8),
    Say(u8),
    BeginAnew,
    MakeAnew,
    /// A request comes with a token.
    Look(u8),
    /// It is let through or not.
    Judge,
    Cut(u8),
    Heal(u8),
    Restart(u8),
}

impl Model for Setup {
    type State = State;
    type Action = Act;

    fn init_states(&self) -> Vec<State> {
        let node = Node { view: Some(0), ..memory::blank() };
        let mut state = State {
            now: 0,
            rows: [Row { present: true, mark: 0 }; 2],
            endings: [None; ENDINGS],
            sessions: [None; SESSIONS],
            tokens: [None; TOKENS],
            lines: [Line { left: 0, seq: 0, beat: 0 }; NODES],
            nodes: [node; NODES],
            issue: None,
            anew: Anew::Not,
            look: None,
            spoilt: false,
            slipped: false,
        };
        for id in 0..NODES as u8 {
            if id >= self.nodes {
                *state.node_mut(id) = memory::blank();
            } else if self.may(self.leases, id) {
                memory::renew(self, &mut state, id);
                memory::write_line(self, &mut state, id);
                state.node_mut(id).covered = self.numbers();
            }
        }
        if let Some(subject) = self.out {
            self.put_out(&mut state, subject);
        }
        vec![state]
    }

    fn actions(&self, state: &State, acts: &mut Vec<Act>) {
        if self.numbers() || state.now < self.ticks {
            acts.push(Act::Tick(None));
            acts.extend(self.ids().filter(|id| self.may(self.halts, *id)).map(Some).map(Act::Tick));
        }
        for id in self.ids() {
            self.endings_at(state, id, acts);
            self.issuings_at(state, id, acts);
            self.memory_at(state, id, acts);
            self.faults_at(state, id, acts);
            if self.looks {
                self.looks_at(state, id, acts);
            }
        }
        self.at_the_database(state, acts);
    }

    fn next_state(&self, last: &State, act: Act) -> Option<State> {
        let mut state = *last;
        match act {
            Act::Tick(stopped) => memory::tick(self, &mut state, stopped),
            Act::Begin(id, target) => endings::begin(self, &mut state, id, target),
            Act::Commit(id) => endings::commit(self, &mut state, id),
            Act::Publish(seq) => endings::publish(self, &mut state, seq),
            Act::Answer(id) => endings::answer(self, &mut state, id),
            Act::Issue(id, how) => issuing::begin(self, &mut state, id, how),
            Act::Finish => issuing::end(self, &mut state),
            Act::Ask(id) => memory::ask(self, &mut state, id),
            Act::TakeIn(id) => memory::take_in(self, &mut state, id),
            Act::ReadForCache(id) => memory::read_for_cache(&mut state, id),
            Act::FillCache(id) => memory::fill_cache(self, &mut state, id),
            Act::WriteLine(id) => memory::write_line(self, &mut state, id),
            Act::Say(seq) => state.ending_mut(seq)?.said = true,
            Act::BeginAnew => state.anew = Anew::Begun(state.head()),
            Act::MakeAnew => endings::make_anew(self, &mut state),
            Act::Look(id) => looking::begin(self, &mut state, id),
            Act::Judge => looking::end(self, &mut state),
            Act::Cut(id) => state.node_mut(id).cut = true,
            Act::Heal(id) => state.node_mut(id).cut = false,
            Act::Restart(id) => memory::restart(&mut state, id),
        }
        self.forget_idle_caches(&mut state);
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Setup>> {
        let mut list = vec![
            Property::sometimes(REFUSES, truth::refuses_an_ended_token),
            Property::sometimes(AFTER, truth::accepts_what_was_born_after),
            Property::sometimes(CUT_REFUSES, truth::cut_node_refuses),
            Property::sometimes(WITHIN, truth::accepted_within_the_bound),
            Property::sometimes(ASKS, truth::asks_the_database),
            Property::sometimes(TOO_MUCH, truth::refuses_too_much),
            Property::sometimes(SAID, truth::everywhere_is_said),
        ];
        list.retain(|sight| self.sights.contains(&sight.name));
        list.push(Property::always(REFUSED, truth::ended_is_refused));
        list.push(Property::always(BARREN, truth::ended_is_barren));
        if self.leases != 0 {
            list.push(Property::always(EVERYWHERE, truth::everywhere_is_everywhere));
        }
        list
    }
}

impl Setup {
    /// A token from before anything happens, and the session that it hangs on if it is a user's.
    fn put_out(&self, state: &mut State, subject: u8) {
        let stamp = if self.numbers() { 0 } else { self.clock(state, 0) };
        let session = (subject == USER).then_some(0);
        if session.is_some() {
            state.sessions[0] =
                Some(Session { subject, stamp, truth: 0, ended: false, parent: None });
        }
        let left = self.lifetime + self.slowest();
        state.tokens[0] = Some(Token { subject, session, stamp, truth: 0, left });
    }

    fn endings_at(&self, state: &State, id: u8, acts: &mut Vec<Act>) {
        let node = state.node(id);
        if let Some(work) = node.work {
            let published = state.ordered().any(|(seq, e)| seq == work.seq && e.published);
            match (work.seq, published) {
                (0, _) if !node.cut => acts.push(Act::Commit(id)),
                (0, _) => {}
                (_, true) => acts.push(Act::Answer(id)),
                (seq, false) => acts.push(Act::Publish(seq)),
            }
            return;
        }
        if !self.may(self.enders, id) {
            return;
        }
        let each = |target: &Target| match *target {
            Target::Session(_) => (0..self.sessions as u8).map(Target::Session).collect(),
            other => vec![other],
        };
        let targets = self.ends.iter().flat_map(each);
        let begun = targets.filter(|target| endings::may_begin(self, state, id, *target));
        acts.extend(begun.map(|target| Act::Begin(id, target)));
    }

    fn issuings_at(&self, state: &State, id: u8, acts: &mut Vec<Act>) {
        if state.issue.is_some() || !self.may(self.issuers, id) {
            return;
        }
        let each = |how: &How| match *how {
            How::Refresh(_) => (0..self.sessions as u8).map(How::Refresh).collect(),
            How::Redeem(_) => (0..self.sessions as u8).map(How::Redeem).collect(),
            other => vec![other],
        };
        let ways = self.issues.iter().flat_map(each);
        let begun = ways.filter(|how| issuing::may_issue(self, state, id, *how));
        acts.extend(begun.map(|how| Act::Issue(id, how)));
    }

    fn memory_at(&self, state: &State, id: u8, acts: &mut Vec<Act>) {
        let node = state.node(id);
        if node.follow.is_some() {
            acts.push(Act::TakeIn(id));
        }
        // A new question takes the place of one whose answer did not come.
        let free = node.follow.is_none_or(|follow| !follow.half);
        if free && !node.cut && self.may(self.followers, id) {
            acts.push(Act::Ask(id));
        }
        let room = issuing::tokens(state) < self.tokens;
        let missed = self.memory() && node.cache.is_none();
        if missed && room && !node.cut && self.may(self.issuers, id) {
            acts.push(Act::ReadForCache(id));
        }
        if node.fill.is_some() {
            acts.push(Act::FillCache(id));
        }
        if self.may(self.leases, id) && !node.cut {
            acts.push(Act::WriteLine(id));
        }
    }

    fn faults_at(&self, state: &State, id: u8, acts: &mut Vec<Act>) {
        if self.may(self.cuts, id) {
            acts.push(if state.node(id).cut { Act::Heal(id) } else { Act::Cut(id) });
        }
        if self.may(self.restarts, id) {
            acts.push(Act::Restart(id));
        }
    }

    /// Joins states that differ only in what nothing will read again: once the last token is out,
    /// nothing is issued, and caches are idle.
    fn forget_idle_caches(&self, state: &mut State) {
        let room = issuing::tokens(state) < self.tokens;
        if room || self.lifetime > 0 {
            return;
        }
        for node in &mut state.nodes {
            node.cache = None;
            node.fill = None;
        }
    }

    fn looks_at(&self, state: &State, id: u8, acts: &mut Vec<Act>) {
        match state.look {
            None if state.tokens[0].is_some() && state.node(id).view.is_some() => {
                acts.push(Act::Look(id));
            }
            Some(look) if look.node == id => acts.push(Act::Judge),
            _ => {}
        }
    }

    fn at_the_database(&self, state: &State, acts: &mut Vec<Act>) {
        if let Some(issue) = state.issue
            && (issue.how == How::Memory || !state.node(issue.node).cut)
        {
            acts.push(Act::Finish);
        }
        let unsaid = state.ordered().filter(|(_, ending)| ending.published && !ending.said);
        for (seq, _) in unsaid.filter(|_| self.leases != 0) {
            if self.ids().any(|page| memory::may_say(self, state, page, seq)) {
                acts.push(Act::Say(seq));
            }
        }
        if !self.anew || state.anew == Anew::Done {
            return;
        }
        if self.has(Flaw::HeadBeforeTheInsert) {
            acts.push(Act::BeginAnew);
        }
        let begun = !self.has(Flaw::HeadBeforeTheInsert) || state.anew != Anew::Not;
        if begun && !state.row(CLIENT).present {
            acts.push(Act::MakeAnew);
        }
    }
}
