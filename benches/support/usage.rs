//! What each process that has a part in a measurement takes of the machine's cores, by the kernel's
//! own account.

use std::time::Instant;

/// Linux tells programs a hundred ticks a second, whatever the kernel counts itself.
const TICKS: f64 = 100.0;

/// The processes that are told apart.
pub(crate) struct Machine {
    pub(crate) nodes: Vec<u32>,
    postmaster: u32,
    redis: u32,
}

/// What they had taken by an instant, in ticks.
pub(crate) struct Taken {
    at: Instant,
    nodes: Vec<u64>,
    postgres: u64,
    wal_writer: u64,
    redis: u64,
    load: u64,
    whole: u64,
}

impl Machine {
    /// `backend` is a process that serves a connection to PostgreSQL: its parent is the parent of
    /// all of them.
    pub(crate) fn new(backend: u32, redis: u32) -> Self {
        Self { nodes: Vec::new(), postmaster: parent(&stat(backend).unwrap()), redis }
    }

    pub(crate) fn taken(&self) -> Taken {
        let (mut postgres, mut wal_writer) = (whole_of(&stat(self.postmaster).unwrap()), 0);
        for pid in processes() {
            // One that ends in between is in its parent's account by the next time.
            let Some(stat) = stat(pid).filter(|stat| parent(stat) == self.postmaster) else {
                continue;
            };
            postgres += own(&stat);
            let title = std::fs::read_to_string(format!("/proc/{pid}/cmdline"));
            if title.is_ok_and(|title| title.contains("walwriter")) {
                wal_writer = own(&stat);
            }
        }
        let of = |pid| own(&stat(pid).unwrap());
        Taken {
            at: Instant::now(),
            nodes: self.nodes.iter().copied().map(of).collect(),
            postgres,
            wal_writer,
            redis: of(self.redis),
            load: of(std::process::id()),
            whole: machine(),
        }
    }
}

/// In per cent of one core.
pub(crate) struct Shares {
    pub(crate) nodes: Vec<f64>,
    pub(crate) postgres: f64,
    wal_writer: f64,
    redis: f64,
    load: f64,
    whole: f64,
}

impl Taken {
    pub(crate) fn since(&self, before: &Self) -> Shares {
        let ticks = (self.at - before.at).as_secs_f64() * TICKS;
        let share = |now: u64, then: u64| now.saturating_sub(then) as f64 / ticks * 100.0;
        let pairs = self.nodes.iter().zip(&before.nodes);
        Shares {
            nodes: pairs.map(|(now, then)| share(*now, *then)).collect(),
            postgres: share(self.postgres, before.postgres),
            wal_writer: share(self.wal_writer, before.wal_writer),
            redis: share(self.redis, before.redis),
            load: share(self.load, before.load),
            whole: share(self.whole, before.whole),
        }
    }
}

impl std::fmt::Display for Shares {
    /// Whatever else runs on the machine is said too: it has held the figures back.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { nodes, postgres, wal_writer, redis, load, whole } = self;
        let rest = (whole - nodes.iter().sum::<f64>() - postgres - redis - load).max(0.0);
        let nodes: Vec<String> = nodes.iter().map(|node| format!("{node:.0}")).collect();
        write!(
            f,
            "of one core: nodes {} %, PostgreSQL {postgres:.0} % (its WAL writer \
             {wal_writer:.1} %), Redis {redis:.1} %, the load {load:.0} %, all else {rest:.0} %",
            nodes.join(" + ")
        )
    }
}

/// The numbers of a process, from the state on (proc(5): fields 3 and later): its name before them
/// may hold anything.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

fn parent(stat: &[String]) -> u32 {
    stat[1].parse().unwrap()
}

fn sum<'a>(numbers: impl IntoIterator<Item = &'a String>) -> u64 {
    numbers.into_iter().map(|number| number.parse::<u64>().unwrap()).sum()
}

/// Of a process itself, in its own code and in the kernel.
fn own(stat: &[String]) -> u64 {
    sum(&stat[11..13])
}

/// With the children that it has seen end.
fn whole_of(stat: &[String]) -> u64 {
    sum(&stat[11..15])
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Of all cores, what was not idle.
fn machine() -> u64 {
    let text = std::fs::read_to_string("/proc/stat").unwrap();
    let line = text.lines().next().unwrap();
    let numbers: Vec<String> = line.split_whitespace().skip(1).map(str::to_owned).collect();
    // user, nice, system; idle and iowait are not; irq, softirq, steal.
    sum(numbers[..3].iter().chain(&numbers[5..8]))
}
