//! The attack rows of the security catalogue, each test named after its row.

mod audiences;
mod authorization;
mod clients;
mod codes;
mod endings;
mod endings_clients;
mod endings_clocks;
mod endings_cut_off;
mod endings_hashing;
mod endings_tenants;
mod endings_users;
mod guessing;
mod login;
mod login_names;
mod lost_updates;
mod queries;
mod refresh;
mod roles;
mod server;
mod tenant_routes;
mod tenants;
mod tokens;
mod versions;
