//! Portcullis: a multi-tenant OAuth 2.0 / OpenID Connect authorization server.

pub mod domain;
pub mod effects;
pub mod protocol;
pub mod storage;
pub mod config;
pub mod keys;
pub mod audit;
pub mod installation;
pub mod revocation;
pub mod oauth;
pub mod throttle;
pub mod accounts;
pub mod admin;
