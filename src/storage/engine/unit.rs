//! A unit of work: one connection, for one read or one transaction, with a deadline.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use crate::domain::{AuditEntry, FamilyId, RevocationEvent, Tenant, TenantId};
use crate::storage::{
    EveryTenant, Key, Pool, Scope, StorageError,
    engine::blame::Failed,
    engine::connection::{Backend, Connection, within},
    engine::deadline,
    engine::gatherers::Gatherers,
    engine::pool::For,
    events::revocation_events::Pending,
};

/// Hears of what was committed, before the writer goes on.
#[async_trait::async_trait]
pub trait CommitListener: Send + Sync + 'static {
    /// These events were committed.
    async fn committed(&self, events: &[RevocationEvent]);
}

/// The database of the installation.
#[derive(Clone)]
pub struct Storage {
    pub(in crate::storage) pool: Pool,
    listener: Arc<OnceLock<Arc<dyn CommitListener>>>,
    pub(super) gatherers: Arc<Gatherers>,
    /// Steps of jobs that were taken.
    steps: Arc<AtomicU64>,
    /// Rotations, by family and generation, that may have been committed and were answered 503.
    pub(in crate::storage) unanswered: moka::sync::Cache<(FamilyId, u32), ()>,
}

/// How long, and how many, rotations without an answer are remembered.
const UNANSWERED: (Duration, u64) = (Duration::from_secs(3600), 100_000);

impl Storage {
    /// Storage over `pool`.
    pub fn new(pool: Pool) -> Self {
        let (kept, most) = UNANSWERED;
        Self {
            pool,
            listener: Arc::default(),
            gatherers: Arc::default(),
            steps: Arc::default(),
            unanswered: moka::sync::Cache::builder().max_capacity(most).time_to_live(kept).build(),
        }
    }

    /// Makes `listener` hear of every commit from now on. The first one stays.
    pub fn listen(&self, listener: Arc<dyn CommitListener>) {
        // A second listener would be a second registry; keeping the first is what `build` relies on.
        let _ = self.listener.set(listener);
    }

    /// Whether the next step is of a job that was begun: each second one is.
    pub(in crate::storage) fn takes_begun_job(&self) -> bool {
        self.steps.fetch_add(1, Ordering::Relaxed) % 2 == 1
    }

    /// The same database for a task that outlives every request. It holds no way back to the
    /// task itself, so the task ends when the last one who could ask it is gone.
    pub(super) fn detached(&self) -> Self {
        Self { listener: Arc::clone(&self.listener), ..Self::new(self.pool.clone()) }
    }

    /// The database's file, where it is one.
    pub fn file(&self) -> Option<&std::path::Path> {
        self.pool.file()
    }

    /// `sqlite` or `postgres`.
    pub fn backend(&self) -> &'static str {
        self.pool.backend()
    }

    /// A unit that reads.
    ///
    /// # Errors
    /// [`StorageError::Away`].
    pub async fn read(&self, scope: impl Into<Scope>) -> Result<Unit, StorageError> {
        self.begin_reading(scope.into(), For::Request).await
    }

    /// A unit that reads over a connection that no request uses.
    pub(crate) async fn read_apart(&self, scope: impl Into<Scope>) -> Result<Unit, StorageError> {
        self.begin_reading(scope.into(), For::Follower).await
    }

    async fn begin_reading(&self, scope: Scope, whom: For) -> Result<Unit, StorageError> {
        let deadline = Instant::now() + deadline::UNIT;
        let conn = in_time(deadline, self.pool.reader(whom)).await?;
        Ok(self.unit(conn, scope, deadline, whom))
    }

    /// Whether the database answers, over a connection that no request uses.
    ///
    /// # Errors
    /// [`StorageError`] where it does not.
    pub async fn probe(&self) -> Result<(), StorageError> {
        self.read_apart(EveryTenant::Installation).await?.head().await.map(|_| ())
    }

    /// A unit that reads, of a job.
    pub(crate) async fn read_for_job(&self, scope: impl Into<Scope>) -> Result<Unit, StorageError> {
        self.begin_reading(scope.into(), For::Job).await
    }

    /// A unit that writes: a transaction, undone unless [`Unit::commit`] is called.
    ///
    /// # Errors
    /// [`StorageError::Away`].
    pub async fn write(&self, scope: impl Into<Scope>) -> Result<Unit, StorageError> {
        self.begin_writing(scope.into(), For::Request, deadline::UNIT).await
    }

    /// A unit that reads what many have waited for, over connections of their own.
    pub(in crate::storage) async fn read_gathered(
        &self,
        scope: impl Into<Scope>,
    ) -> Result<Unit, StorageError> {
        self.begin_reading(scope.into(), For::Gathered).await
    }

    /// A unit that writes what many have waited for, in a transaction.
    pub(in crate::storage) async fn begin_gathered(
        &self,
        scope: impl Into<Scope>,
    ) -> Result<Unit, StorageError> {
        self.begin_writing(scope.into(), For::Gathered, deadline::UNIT).await
    }

    /// The same without a transaction.
    pub(in crate::storage) async fn write_gathered(
        &self,
        scope: impl Into<Scope>,
    ) -> Result<Unit, StorageError> {
        let deadline = Instant::now() + deadline::UNIT;
        let conn = in_time(deadline, self.pool.writer(For::Gathered)).await?;
        Ok(self.unit(conn, scope.into(), deadline, For::Gathered))
    }

    /// A unit that writes, of the one who follows the events.
    pub(crate) async fn write_apart(&self, scope: impl Into<Scope>) -> Result<Unit, StorageError> {
        self.begin_writing(scope.into(), For::Follower, deadline::UNIT).await
    }

    /// A unit that writes, of a job: nobody waits for it.
    pub(crate) async fn write_for_job(
        &self,
        scope: impl Into<Scope>,
    ) -> Result<Unit, StorageError> {
        self.begin_writing(scope.into(), For::Job, deadline::JOB).await
    }

    /// A unit that writes a file of several tenants, once those that came before are done. It has
    /// more time than a request: people wait for it, and may.
    ///
    /// # Errors
    /// [`StorageError::Away`].
    pub(crate) async fn write_in_turn(&self) -> Result<Unit, StorageError> {
        let begun = || self.begin_writing(EveryTenant::File.into(), For::File, deadline::TURN);
        let mut unit = in_turn(begun).await?;
        unit.deadline = Instant::now() + deadline::FILE;
        Ok(unit)
    }

    async fn begin_writing(
        &self,
        scope: Scope,
        whom: For,
        limit: Duration,
    ) -> Result<Unit, StorageError> {
        let deadline = Instant::now() + limit;
        let conn = in_time(deadline, self.pool.writer(whom)).await?;
        let mut unit = self.unit(conn, scope, deadline, whom);
        unit.begin().await?;
        Ok(unit)
    }

    fn unit(&self, conn: Connection, scope: Scope, deadline: Instant, whom: For) -> Unit {
        let listener = self.listener.get().cloned();
        Unit {
            conn,
            scope,
            whole: scope,
            deadline,
            whom,
            pending: Vec::new(),
            told: Vec::new(),
            tells_one_by_one: false,
            holds_logins_of: None,
            listener,
        }
    }

    /// Does work of many statements. SQLite waits for nothing in between, so all of it is done on this
    /// thread: others take over what else it had to do once, and not at each statement.
    pub(in crate::storage) async fn at_once<T>(&self, work: impl Future<Output = T>) -> T {
        match self.backend() {
            "sqlite" => {
                tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(work))
            }
            _ => work.await,
        }
    }

    /// SQLite's one connection for writing, outside a unit: for migrations.
    pub(in crate::storage) async fn writer(&self) -> Result<Connection, StorageError> {
        self.pool.writer(For::Request).await.map_err(StorageError::away)
    }
}

async fn in_time(
    deadline: Instant,
    connection: impl Future<Output = Result<Connection, crate::storage::PoolError>>,
) -> Result<Connection, StorageError> {
    match timeout_at(deadline, connection).await {
        Ok(connection) => connection.map_err(StorageError::away),
        Err(_) => Err(StorageError::away("no connection in time")),
    }
}

/// Tries again, for as long as a file waits for its turn, while another process writes to SQLite. It
/// keeps nothing in between: others of this process are not held up.
pub(in crate::storage) async fn in_turn<T, F>(
    mut attempt: impl FnMut() -> F,
) -> Result<T, StorageError>
where
    F: Future<Output = Result<T, StorageError>>,
{
    let until = Instant::now() + deadline::TURN;
    loop {
        match attempt().await {
            Err(why) if why.is_busy() && Instant::now() < until => {
                tokio::time::sleep(deadline::LOOK).await
            }
            done => return done,
        }
    }
}

/// One connection at work.
pub struct Unit {
    pub(in crate::storage) conn: Connection,
    /// Whose rows the next statement is for.
    pub(in crate::storage) scope: Scope,
    /// Whose rows the unit is for as a whole.
    whole: Scope,
    deadline: Instant,
    whom: For,
    pub(in crate::storage) pending: Vec<Pending>,
    /// What the audit trail gets when this unit commits.
    pub(in crate::storage) told: Vec<AuditEntry>,
    /// Whether each entry gets a statement of its own, which tells whose it was where one fails.
    pub(in crate::storage) tells_one_by_one: bool,
    /// The tenant whose row it holds, so that nobody else takes a name or an address there.
    pub(in crate::storage) holds_logins_of: Option<TenantId>,
    listener: Option<Arc<dyn CommitListener>>,
}

impl Unit {
    /// What belongs to `tenant`, who must be one that this unit is for.
    pub fn tenant(&mut self, tenant: &Tenant) -> TenantStore<'_> {
        self.tenant_of(tenant.id)
    }

    /// The same by id, for the parts of storage that hold no tenant.
    pub(in crate::storage) fn tenant_of(&mut self, tenant_id: TenantId) -> TenantStore<'_> {
        debug_assert!(
            self.scope.covers(tenant_id),
            "a unit of one tenant was asked for another's rows"
        );
        TenantStore { unit: self, tenant_id }
    }

    /// Holds a unit that spans tenants to the rows of `tenant`, until it is narrowed to another. The
    /// events that it has made are numbered over all of them when it commits.
    pub(crate) fn narrow(&mut self, tenant: &Tenant) {
        debug_assert!(self.whole.covers(tenant.id), "a unit of one tenant was narrowed to another");
        self.scope = tenant.into();
    }

    /// Whether there is time left: SQLite, whose statements are not cut off, is asked nothing more.
    ///
    /// # Errors
    /// [`StorageError::Away`].
    pub(crate) fn check_time(&self) -> Result<(), StorageError> {
        if Instant::now() < self.deadline {
            Ok(())
        } else {
            Err(StorageError::away("it takes too long"))
        }
    }

    /// This unit, borrowed alike whether it is owned or borrowed already.
    pub(in crate::storage) fn as_unit(&mut self) -> &mut Self {
        self
    }

    /// Until when the next statement may take.
    pub(in crate::storage) fn statement_deadline(&self) -> Instant {
        match self.whom {
            For::Job | For::File => self.deadline,
            _ => self.deadline.min(Instant::now() + deadline::STATEMENT),
        }
    }

    /// Starts a transaction; SQLite takes the write lock at once, so that it cannot fail to later.
    async fn begin(&mut self) -> Result<(), StorageError> {
        let deadline = self.statement_deadline();
        match &mut self.conn.0 {
            Backend::Sqlite(lease) => Ok(lease.begin_immediate()?),
            Backend::Postgres(lease) => {
                lease.begin();
                if self.whom != For::File {
                    return Ok(());
                }
                let (result, spoilt) = within(deadline, lease.take_turn(self.scope)).await;
                if spoilt {
                    lease.spoil();
                }
                result
            }
        }
    }

    /// Makes everything that was written in this unit last, gives the events among it their
    /// numbers, and tells the listener. It goes on where the caller is cut off.
    ///
    /// # Errors
    /// [`StorageError::Away`]: nothing of it was written, or it cannot be told whether it was.
    pub async fn commit(self) -> Result<Vec<RevocationEvent>, StorageError> {
        // Boxed: a task's future is copied at each step to the runtime, and this one is large.
        let done = tokio::spawn(Box::pin(self.commit_uncut()).in_current_span()).await;
        Ok(done.unwrap_or_else(|why| Err(StorageError::away(why).into()))?)
    }

    /// The same for a caller whom nobody cuts off: a task of its own. [`Failed`] says which of the things that
    /// it was told of could not be written.
    pub(in crate::storage) async fn commit_uncut(mut self) -> Result<Vec<RevocationEvent>, Failed> {
        self.scope = self.whole;
        let events = self.seal().await?;
        drop(self.conn);
        if let Some(listener) = self.listener.filter(|_| !events.is_empty()) {
            listener.committed(&events).await;
        }
        Ok(events)
    }

    pub(in crate::storage) async fn commit_only(&mut self) -> Result<(), StorageError> {
        let deadline = self.statement_deadline();
        match &mut self.conn.0 {
            Backend::Sqlite(lease) => Ok(lease.commit()?),
            Backend::Postgres(lease) => {
                let (result, spoilt) = within(deadline, lease.commit()).await;
                if spoilt {
                    lease.spoil();
                }
                result
            }
        }
    }
}

/// What belongs to one tenant. Its queries cannot name another.
pub struct TenantStore<'unit> {
    pub(in crate::storage) unit: &'unit mut Unit,
    pub(in crate::storage) tenant_id: TenantId,
}

impl TenantStore<'_> {
    /// The tenant.
    pub fn tenant_id(&self) -> TenantId {
        self.tenant_id
    }

    pub(in crate::storage) fn key(&self) -> Key {
        self.tenant_id.into()
    }
}
