//! What is true of each address, beside who answers there: how its errors look, whether scripts of any
//! origin may call it, whether an answer there proves who has called, what its query may hold, and which
//! tenant it speaks of.

use rocket::{
    Orbit, Rocket,
    http::{Method, uri::Path},
};

/// How an error looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Errors {
    /// `error` and `error_description` (RFC 6749 §5.2).
    Oauth,
    /// A problem (RFC 9457).
    Problem,
    /// A page.
    Page,
}

/// A kind of address.
pub(super) struct Place {
    /// Its segments: `*` is any one, `**` at the end are any that follow.
    pattern: &'static [&'static str],
    pub(super) errors: Errors,
    /// Whether scripts of any origin may call it: no cookie is looked at there.
    pub(super) is_open: bool,
    /// Whether nobody is answered there, except with a refusal, who has shown no token, secret or password.
    pub(super) asks_for_proof: bool,
    /// What a page there may be asked for in its query; the API declares that at its routes, and OAuth
    /// ignores what it does not know (RFC 6749 §3.1).
    pub(super) parameters: &'static [&'static str],
}

const fn place(pattern: &'static [&'static str], errors: Errors) -> Place {
    Place { pattern, errors, is_open: false, asks_for_proof: false, parameters: &[] }
}

impl Place {
    const fn open(self) -> Self {
        Self { is_open: true, ..self }
    }

    const fn proving(self) -> Self {
        Self { asks_for_proof: true, ..self }
    }

    const fn with(self, parameters: &'static [&'static str]) -> Self {
        Self { parameters, ..self }
    }

    fn covers(&self, segments: &[&str]) -> bool {
        let (named, tail) = match self.pattern.split_last() {
            Some((&"**", named)) => (named, true),
            _ => (self.pattern, false),
        };
        let long_enough =
            if tail { segments.len() >= named.len() } else { segments.len() == named.len() };
        long_enough
            && named.iter().zip(segments).all(|(known, segment)| *known == "*" || known == segment)
    }
}

/// The first that covers an address counts.
const PLACES: &[Place] = &[
    place(&["t", "*", "oauth2", "authorize"], Errors::Page),
    place(&["t", "*", "oauth2", "logout"], Errors::Page),
    place(&["t", "*", "oauth2", "token"], Errors::Oauth).open().proving(),
    place(&["t", "*", "oauth2", "introspect"], Errors::Oauth).open().proving(),
    place(&["t", "*", "oauth2", "userinfo"], Errors::Oauth).open().proving(),
    // A public client is told that a token is gone which was never issued (RFC 7009 section 2.2).
    place(&["t", "*", "oauth2", "revoke"], Errors::Oauth).open(),
    place(&["t", "*", "oauth2", "jwks"], Errors::Oauth).open(),
    place(&["t", "*", "oauth2", "revocations"], Errors::Oauth).proving(),
    place(&["t", "*", "oauth2", "**"], Errors::Oauth),
    place(&["t", "*", "auth", "*"], Errors::Oauth).open().proving(),
    place(&["t", "*", "auth", "**"], Errors::Oauth),
    place(&["t", "*", ".well-known", "**"], Errors::Oauth).open(),
    place(&[".well-known", "**"], Errors::Oauth).open(),
    place(&["api", "v1", "**"], Errors::Problem).proving(),
    place(&["api", "**"], Errors::Problem),
    place(&["admin", "tenants"], Errors::Page).with(&["after"]),
    place(&["admin", "tenants", "*"], Errors::Page).with(&["done"]),
    place(&["admin", "tenants", "*", "keys"], Errors::Page).with(&["done"]),
    place(&["admin", "tenants", "*", "clients"], Errors::Page).with(&["after"]),
    place(&["admin", "tenants", "*", "new-client"], Errors::Page).with(&["type"]),
    place(&["admin", "tenants", "*", "clients", "*"], Errors::Page).with(&["done"]),
    place(&["admin", "tenants", "*", "users"], Errors::Page).with(&["q", "after"]),
    place(&["admin", "tenants", "*", "users", "*"], Errors::Page).with(&["done"]),
    place(&["admin", "tenants", "*", "sessions"], Errors::Page)
        .with(&["user", "client", "ip", "active", "after"]),
    place(&["admin", "tenants", "*", "audit"], Errors::Page).with(&["actor", "action", "after"]),
    place(&["admin", "tenants", "*", "endings", "*"], Errors::Page)
        .with(&["sessions", "families", "more"]),
];

/// Any other address: pages.
static ELSEWHERE: Place = place(&["**"], Errors::Page);

/// What is true of the address with these segments.
pub(super) fn place_of(segments: &[&str]) -> &'static Place {
    PLACES.iter().find(|place| place.covers(segments)).unwrap_or(&ELSEWHERE)
}

/// The name of the tenant that an address speaks of, by the pattern of its route: what stands behind `t`,
/// wherever that is (RFC 8414 §3.1 puts both last), or behind `tenants`.
pub(super) fn tenant_in<'p>(route: &str, path: &Path<'p>) -> Option<&'p str> {
    let mut before = "";
    for (named, segment) in route.split('/').skip(1).zip(path.segments()) {
        if matches!(before, "t" | "tenants") && named.starts_with('<') {
            return Some(segment);
        }
        before = named;
    }
    None
}

/// The methods that are served there, as `Allow` lists them (RFC 9110 §10.2.1).
pub(super) fn methods_at(rocket: &Rocket<Orbit>, segments: &[&str]) -> Vec<Method> {
    let serves = |path: &str| {
        let pattern: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let is_same = |(known, segment): (&&str, &&str)| known.starts_with('<') || known == segment;
        pattern.len() == segments.len() && pattern.iter().zip(segments).all(is_same)
    };
    let mut methods: Vec<Method> = rocket
        .routes()
        .filter(|route| serves(route.uri.path()))
        .map(|route| route.method)
        .collect();
    methods.sort_by_key(|method| method.as_str());
    methods.dedup();
    methods
}
