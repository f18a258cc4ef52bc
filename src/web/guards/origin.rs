//! Where a request came from.

use std::{net::IpAddr, sync::Arc};

use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use crate::{
    domain::Origin,
    web::{Site, cookies, traced::Traced},
};

/// The peer, through the proxies that are trusted.
pub(crate) struct Peer(pub(crate) Origin);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Peer {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let user_agent =
            request.headers().get_one("User-Agent").unwrap_or_default().chars().take(400).collect();
        Outcome::Success(Self(Origin {
            ip: address(request).map(|ip| ip.to_string()).unwrap_or_default(),
            user_agent,
            devices: cookies::devices(request.cookies()),
            request_id: Some(Traced::of(request).id()),
        }))
    }
}

/// The peer's address. Walks `X-Forwarded-For` from its end for as long as the hop before is trusted: what a
/// client wrote itself stands in front of what the first trusted proxy has added.
pub(crate) fn address(request: &Request<'_>) -> Option<IpAddr> {
    let peer = request.remote().map(|at| at.ip())?;
    let site = request.rocket().state::<Arc<Site>>()?;
    let trusted = |ip: &IpAddr| site.app.config.trusted_proxies.iter().any(|net| net.contains(ip));
    let hops: Vec<&str> =
        request.headers().get("X-Forwarded-For").flat_map(|line| line.split(',')).collect();
    let mut at = peer;
    for hop in hops.iter().rev() {
        if !trusted(&at) {
            break;
        }
        match hop.trim().parse() {
            Ok(ip) => at = ip,
            Err(_) => break,
        }
    }
    Some(at)
}
