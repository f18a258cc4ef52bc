mod authorization;
pub(crate) mod client_auth;
mod documents;
mod introspection;
mod logout;
mod refresh;
mod revocation;
mod token;
mod userinfo;
