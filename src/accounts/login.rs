//! Signing in with name and password.

use std::{borrow::Cow, sync::Arc};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

use super::{known_passwords::KnownNames, passwords::Passwords};
use crate::{
    domain::{Actor, Origin, Tenant, User},
    installation::{Installation, PasswordHasher, PasswordOwner, SignIn, SignInRefused},
    keys::Purpose,
    throttle::Throttle,
};

/// Users proving who they are, with all that limits guessing.
pub struct Accounts {
    app: Arc<Installation>,
    passwords: Passwords,
    /// Failures by user name: a few, slowly forgiven.
    by_name: Throttle,
    /// Failures by known browser and user name: its own count, so that strangers cannot lock a user out.
    by_device: Throttle,
    /// Failures by address.
    by_address: Throttle,
}

/// Passwords are this long at least (NIST SP 800-63B §3.1.1).
const SHORTEST: usize = 8;
const LONGEST: usize = 1024;

impl Accounts {
    /// Accounts of `app`.
    pub fn new(app: Arc<Installation>) -> Self {
        let clock = || app.effects.clock();
        Self {
            passwords: Passwords::new(app.keys.master()),
            by_name: Throttle::new(clock(), 20, 30),
            by_device: Throttle::new(clock(), 20, 30),
            by_address: Throttle::new(clock(), 300, 1),
            app,
        }
    }

    /// What a browser is given to tell it again, once `user` has signed in there.
    pub fn device_token(&self, tenant: &Tenant, user: &User) -> String {
        let key = self.app.keys.master().mac_key(Purpose::Device, Some(tenant.id));
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, User::key(&user.username).as_bytes()).as_ref())
    }

    fn is_known_device(&self, tenant: &Tenant, username: &str, device: Option<&str>) -> bool {
        let tag = device.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let key = self.app.keys.master().mac_key(Purpose::Device, Some(tenant.id));
        tag.is_some_and(|tag| hmac::verify(&key, User::key(username).as_bytes(), &tag).is_ok())
    }

    async fn evaluate(
        &self,
        tenant: &Tenant,
        username: &str,
        password: &SecretString,
    ) -> Result<Result<User, &'static str>, SignInRefused> {
        let found = async { self.app.storage.read(tenant).await?.tenant(tenant).find_user_by_login(username).await };
        let user = found.await.map_err(|why| {
            tracing::error!(error = %why, "storage");
            SignInRefused::Away
        })?;
        let hash = user.as_ref().and_then(|user| user.password_hash.as_deref());
        let cost = tenant.settings.password_bcrypt_cost;
        let fits = self.passwords.verify(password, hash, cost).await.map_err(|_| SignInRefused::Busy(2))?;
        Ok(match user {
            None => Err("unknown user"),
            Some(_) if !fits => Err("wrong password"),
            Some(user) if !user.is_active() => Err("user disabled"),
            Some(user) => Ok(user),
        })
    }
}

#[async_trait::async_trait]
impl SignIn for Accounts {
    async fn check(
        &self,
        tenant: &Tenant,
        username: &str,
        password: &SecretString,
        origin: &Origin,
    ) -> Result<User, SignInRefused> {
        let refused = |reason: &str| {
            self.app.audit.note(tenant, &Actor::Anonymous, "login.refused", username, reason, origin);
        };
        if username.len() > 254 || password.expose_secret().len() > LONGEST {
            refused("too long");
            return Err(SignInRefused::Credentials);
        }
        let name = format!("{}/{}", tenant.id, User::key(username));
        let known = self.is_known_device(tenant, username, origin.device.as_deref());
        let throttled = |wait| {
            refused("too many failures");
            SignInRefused::Throttled(wait)
        };
        let of_address = self.by_address.enter(format!("{}/{}", tenant.id, origin.ip)).map_err(throttled)?;
        let of_name = match if known { &self.by_device } else { &self.by_name }.enter(name) {
            Ok(of_name) => of_name,
            Err(wait) => {
                // Nothing is evaluated, so the address has guessed nothing.
                of_address.succeeded();
                return Err(throttled(wait));
            }
        };
        match self.evaluate(tenant, username, password).await {
            Ok(Ok(user)) => {
                of_name.succeeded();
                of_address.succeeded();
                Ok(user)
            }
            Ok(Err(reason)) => {
                refused(reason);
                Err(SignInRefused::Credentials)
            }
            // Nothing was evaluated, so nothing was guessed.
            Err(unevaluated) => {
                of_name.succeeded();
                of_address.succeeded();
                refused("not evaluated: busy or storage away");
                Err(unevaluated)
            }
        }
    }
}

#[async_trait::async_trait]
impl PasswordHasher for Accounts {
    async fn hash(
        &self,
        tenant: &Tenant,
        owner: &PasswordOwner<'_>,
        password: &SecretString,
    ) -> Result<String, Cow<'static, str>> {
        let length = password.expose_secret().chars().count();
        if length < SHORTEST || password.expose_secret().len() > LONGEST {
            return Err("8 characters at least, 1024 bytes at most".into());
        }
        let (names, candidate) = (KnownNames::of(owner, tenant), password.clone());
        // Some passwords take the estimate milliseconds.
        let known = tokio::task::spawn_blocking(move || names.refusal(candidate.expose_secret()));
        if let Some(why) = known.await.map_err(|_| "the password cannot be checked now: try again")? {
            return Err(why.into());
        }
        let cost = tenant.settings.password_bcrypt_cost;
        self.passwords.hash(password, cost).await.map_err(|_| "the server is busy hashing: try again".into())
    }

    async fn matches(&self, tenant: &Tenant, password: &SecretString, hash: &str) -> bool {
        let cost = tenant.settings.password_bcrypt_cost;
        self.passwords.verify(password, Some(hash), cost).await.unwrap_or(false)
    }
}
