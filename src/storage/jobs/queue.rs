//! Work that is done some rows at a time, by whichever node holds the lease (database's clock).

use std::time::Duration;

use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, OptionalExtension,
    QueryDsl,
};
use diesel_async::RunQueryDsl;
use tokio::time::Instant;

use crate::domain::{EndReason, Ending, EventNumber, NodeId, Settling, TenantId, Timestamp};
use crate::storage::{
    EveryTenant, Key, Storage, StorageError, Unit,
    engine::columns::portcullis_now_ms,
    engine::connection::on_conn,
    events::revocation_events::Settle,
    jobs::settle::{self, Progress, Settlement},
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::engine::columns::Id16;

    jobs (id) {
        id -> Id16,
        kind -> Text,
        tenant_id -> Id16,
        event_seq -> BigInt,
        payload -> Text,
        position -> Text,
        rows_done -> BigInt,
        leased_by -> Nullable<Id16>,
        lease_until -> BigInt,
        created_at -> BigInt,
        finished_at -> Nullable<BigInt>,
    }
}

/// How long a job that nobody has gone on with is another node's to take.
const LEASE_MS: i64 = 15_000;

/// How long a finished job can be asked about.
const KEPT_MS: i64 = 86_400_000;

/// Jobs of one transaction at most.
const MOST_JOBS: usize = 16;

const MARK: &str = "mark";
const REMOVE: &str = "remove";

/// What one step of a job has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// No job waits.
    Idle,
    /// Some rows are done, in this time; more are left or not.
    Done {
        /// How many.
        rows: usize,
        /// How long it held what others may have waited for.
        took: Duration,
    },
}

impl Step {
    /// So many rows, in the time since `began`.
    pub(in crate::storage) fn done(rows: usize, began: Instant) -> Self {
        Self::Done { rows, took: began.elapsed() }
    }
}

/// Identifier, kind, tenant, event, payload.
type Row = (Key, String, Key, i64, String);

impl Unit {
    /// Leaves what is left of an ending to a job.
    pub(in crate::storage) async fn insert_settlement(
        &mut self,
        tenant: TenantId,
        ending: &Ending,
        settle: Settle,
        seq: EventNumber,
    ) -> Result<(), StorageError> {
        let reason = match settle {
            Settle::Mark(reason) => Some(reason.as_str()),
            Settle::Remove => None,
        };
        let payload = serde_json::json!({
            "kind": ending.kind(), "subject": ending.subject(tenant), "reason": reason,
        });
        let mut id = [0; 16];
        // One job an event: the number is name enough.
        let [_, _, _, _, _, _, _, _, low @ ..] = &mut id;
        *low = seq.0.to_be_bytes();
        let row = (
            jobs::id.eq(Key(id)),
            jobs::kind.eq(if reason.is_some() { MARK } else { REMOVE }),
            jobs::tenant_id.eq(Key::from(tenant)),
            jobs::event_seq.eq(seq.0),
            jobs::payload.eq(payload.to_string()),
            jobs::position.eq(""),
            jobs::rows_done.eq(0),
            jobs::lease_until.eq(0),
            jobs::created_at.eq(portcullis_now_ms(0)),
        );
        on_conn!(self, conn => diesel::insert_into(jobs::table).values(row).execute(conn).await)?;
        Ok(())
    }

    /// How far the settling of event `seq` has come, where it left something to settle.
    pub async fn settling_of(
        &mut self,
        seq: EventNumber,
    ) -> Result<Option<Settling>, StorageError> {
        let query = jobs::table
            .filter(jobs::event_seq.eq(seq.0))
            .select((jobs::rows_done, jobs::finished_at));
        let found: Option<(i64, Option<i64>)> =
            on_conn!(self, conn => query.first(conn).await.optional())?;
        Ok(found.map(|(rows, finished)| Settling { rows, finished: finished.is_some() }))
    }

    /// The job that `node` may go on with, among those that were begun or among the new ones: the one
    /// whose turn is longest past.
    async fn next_job(&mut self, node: NodeId, begun: bool) -> Result<Option<Row>, StorageError> {
        on_conn!(self, conn => {
            let query = jobs::table
                .filter(jobs::finished_at.is_null())
                .order((jobs::lease_until, jobs::id))
                .limit(1)
                .select((jobs::id, jobs::kind, jobs::tenant_id, jobs::event_seq, jobs::payload))
                .into_boxed();
            let free = jobs::lease_until.lt(portcullis_now_ms(0)).or(jobs::leased_by.eq(Some(Key::from(node))));
            let query = match begun {
                true => query.filter(jobs::lease_until.gt(0)).filter(free),
                false => query.filter(jobs::lease_until.eq(0)),
            };
            query.first(conn).await.optional()
        })
    }

    /// Takes or renews the lease of a job; answers how far it has come, or that it is another
    /// node's by now.
    async fn lease_job(&mut self, id: Key, node: NodeId) -> Result<Option<String>, StorageError> {
        let target =
            jobs::table.filter(jobs::id.eq(id)).filter(jobs::finished_at.is_null()).filter(
                jobs::lease_until
                    .lt(portcullis_now_ms(0))
                    .or(jobs::leased_by.eq(Some(Key::from(node)))),
            );
        let lease = (
            jobs::leased_by.eq(Some(Key::from(node))),
            jobs::lease_until.eq(portcullis_now_ms(LEASE_MS)),
        );
        let taken = diesel::update(target).set(lease).returning(jobs::position);
        on_conn!(self, conn => taken.get_result(conn).await.optional())
    }

    /// Goes on with one job by a few rows, and writes how far it has come; answers how many.
    async fn settle_job(
        &mut self,
        row: Row,
        node: NodeId,
        now: Timestamp,
    ) -> Result<usize, StorageError> {
        let Job { id, settlement } = row.try_into()?;
        // Another node may have been faster.
        let Some(position) = self.lease_job(id, node).await? else { return Ok(0) };
        let progress = settle::some(self, &settlement, &position, now).await?;
        let rows = progress.rows;
        self.move_job(id, progress).await?;
        Ok(rows)
    }

    /// Leaves a job alone for as long as a lease.
    async fn postpone_job(&mut self, id: Key) -> Result<(), StorageError> {
        let target = jobs::table.filter(jobs::id.eq(id)).filter(jobs::finished_at.is_null());
        let change =
            (jobs::leased_by.eq(None::<Key>), jobs::lease_until.eq(portcullis_now_ms(LEASE_MS)));
        on_conn!(self, conn => diesel::update(target).set(change).execute(conn).await)?;
        Ok(())
    }

    /// Moves a job on, in the transaction of the rows that it has done.
    async fn move_job(&mut self, id: Key, progress: Progress) -> Result<(), StorageError> {
        let rows = i64::try_from(progress.rows).map_err(StorageError::broken)?;
        let target = jobs::table.filter(jobs::id.eq(id));
        let finished = progress.position.is_none();
        let change = (
            jobs::position.eq(progress.position.unwrap_or_default()),
            jobs::rows_done.eq(jobs::rows_done + rows),
        );
        on_conn!(self, conn => diesel::update(target).set(change).execute(conn).await)?;
        if finished {
            let done = jobs::finished_at.eq(portcullis_now_ms(0).nullable());
            on_conn!(self, conn => diesel::update(target).set(done).execute(conn).await)?;
        }
        Ok(())
    }

    /// A round's row is never among the jobs that wait: it counts as finished from its beginning.
    async fn begin_round(
        &mut self,
        name: &'static str,
        node: NodeId,
        each: Duration,
    ) -> Result<bool, StorageError> {
        let id = Key(round_id(name));
        let row = (
            jobs::id.eq(id),
            jobs::kind.eq(name),
            jobs::tenant_id.eq(Key([0; 16])),
            jobs::event_seq.eq(EventNumber::ZERO.0),
            jobs::payload.eq("{}"),
            jobs::position.eq(""),
            jobs::rows_done.eq(0),
            jobs::lease_until.eq(0),
            jobs::created_at.eq(portcullis_now_ms(0)),
            jobs::finished_at.eq(portcullis_now_ms(0).nullable()),
        );
        on_conn!(self, conn => diesel::insert_into(jobs::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(conn)
            .await)?;
        let each_ms = i64::try_from(each.as_millis()).map_err(StorageError::broken)?;
        let due =
            jobs::table.filter(jobs::id.eq(id)).filter(jobs::lease_until.lt(portcullis_now_ms(0)));
        let taken = diesel::update(due).set((
            jobs::leased_by.eq(Some(Key::from(node))),
            jobs::lease_until.eq(portcullis_now_ms(each_ms)),
            jobs::finished_at.eq(portcullis_now_ms(0).nullable()),
        ));
        Ok(on_conn!(self, conn => taken.execute(conn).await)? == 1)
    }

    /// Forgets jobs that were finished long ago; answers how many.
    pub(in crate::storage) async fn sweep_jobs(&mut self) -> Result<usize, StorageError> {
        let old = jobs::table.filter(jobs::finished_at.lt(portcullis_now_ms(-KEPT_MS).nullable()));
        on_conn!(self, conn => diesel::delete(old).execute(conn).await)
    }
}

/// The identifier of a round's row: its name, cut to sixteen bytes. Those of other jobs begin with zeros.
fn round_id(name: &str) -> [u8; 16] {
    let mut id = [0; 16];
    for (to, from) in id.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    id
}

/// A job and what it is to do.
struct Job {
    id: Key,
    settlement: Settlement,
}

impl TryFrom<Row> for Job {
    type Error = StorageError;

    fn try_from((id, kind, tenant, seq, payload): Row) -> Result<Self, StorageError> {
        #[derive(serde::Deserialize)]
        struct Payload {
            kind: String,
            subject: String,
            reason: Option<String>,
        }
        let payload: Payload = serde_json::from_str(&payload).map_err(StorageError::broken)?;
        let ending = Ending::read(&payload.kind, &payload.subject);
        let settle = match kind.as_str() {
            REMOVE => Settle::Remove,
            _ => Settle::Mark(
                EndReason::stored(payload.reason.as_deref()).unwrap_or(EndReason::Forced),
            ),
        };
        let settlement = Settlement {
            tenant_id: tenant.into(),
            ending: ending.ok_or_else(|| StorageError::broken("a job for an ending of no kind"))?,
            seq: EventNumber(seq),
            settle,
        };
        Ok(Self { id, settlement })
    }
}

impl Storage {
    /// Goes on with a job by a few rows, and lets them last together with how far it has come.
    ///
    /// # Errors
    /// [`StorageError`]: nothing was done; another step, here or elsewhere, does it.
    pub async fn settle_some(&self, node: NodeId, now: Timestamp) -> Result<Step, StorageError> {
        let Some(begun) = self.next_turn(node).await? else { return Ok(Step::Idle) };
        match self.settle_together(node, begun, now).await {
            Ok(step) => Ok(step),
            Err(Failed { job, why }) => {
                if let Some(id) = job {
                    // Others have their turn before it is tried again.
                    let mut unit = self.write_for_job(EveryTenant::Settling).await?;
                    unit.postpone_job(id).await?;
                    unit.commit().await?;
                }
                Err(why)
            }
        }
    }

    /// Whether the next step is of jobs that were begun, or of new ones; `None` where none waits. Both
    /// kinds have their turns, so that neither a large tenant's holds up small ones, nor any number of
    /// small ones a large one. Looking alone is no reason to hold up who writes.
    async fn next_turn(&self, node: NodeId) -> Result<Option<bool>, StorageError> {
        let turn = self.takes_begun_job();
        let mut unit = self.read_for_job(EveryTenant::Installation).await?;
        if unit.next_job(node, turn).await?.is_some() {
            return Ok(Some(turn));
        }
        Ok(unit.next_job(node, !turn).await?.map(|_| !turn))
    }

    /// Begins a round of a job that comes each so often: one node has it, whoever asks first once it is
    /// due, by the database's clock.
    ///
    /// # Errors
    /// [`StorageError`]: nobody has begun it.
    pub async fn begin_round(
        &self,
        name: &'static str,
        node: NodeId,
        each: Duration,
    ) -> Result<bool, StorageError> {
        let mut unit = self.write_for_job(EveryTenant::Installation).await?;
        let begun = unit.begin_round(name, node, each).await?;
        unit.commit().await?;
        Ok(begun)
    }

    /// One job after the other, until a page of rows is full: most endings leave a few. They are of
    /// one kind, so that two nodes come to them in one order and never wait for each other in turn.
    async fn settle_together(
        &self,
        node: NodeId,
        begun: bool,
        now: Timestamp,
    ) -> Result<Step, Failed> {
        let all = |why| Failed { job: None, why };
        let mut unit = self.write_for_job(EveryTenant::Settling).await.map_err(all)?;
        let began = Instant::now();
        let (mut jobs, mut rows) = (0, 0);
        while jobs < MOST_JOBS && rows < usize::try_from(settle::SOME).unwrap_or(usize::MAX) {
            let Some(row) = unit.next_job(node, begun).await.map_err(all)? else { break };
            let id = row.0;
            rows += unit
                .settle_job(row, node, now)
                .await
                .map_err(|why| Failed { job: Some(id), why })?;
            jobs += 1;
        }
        unit.commit().await.map_err(all)?;
        Ok(Step::done(rows, began))
    }
}

/// Why a step was not done, and the job that is to blame, where one is.
struct Failed {
    job: Option<Key>,
    why: StorageError,
}
