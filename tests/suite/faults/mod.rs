//! The fault rows of the security catalogue that this version answers for, named by number.

mod e2_slow_clients;

mod f6_failover;
mod gathered;
mod jobs;
mod kills;
mod memory;
mod nodes;
mod o11_start;
mod o12_held_rows;
mod o12_locked_file;
mod o12_standstill;
mod o6_trail;
mod policies;
mod process;
mod s3_f25_restore;
mod services;
mod settling;
mod tls;
