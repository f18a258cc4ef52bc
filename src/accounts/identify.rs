//! Who signs in: what is shown is held against the user whom it speaks of, and guessing is limited.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

use super::factors::{
    HashRefused, LONGEST, Password, PasswordOwner, Verdict, check_hash, stands_for,
};
use crate::{
    domain::{Actor, Authentication, Event, Origin, Tenant, Timestamp, User, UserId},
    installation::Installation,
    keys::{Mac, Purpose},
    storage::StorageError,
    throttle::{self, Attempt, Throttle},
    turns::Standing,
};

/// Users proving who they are, with all that limits guessing.
pub struct Accounts {
    app: Arc<Installation>,
    password: Password,
    /// Failures by user, or by a name that is nobody's: a few, slowly forgiven.
    by_user: Throttle,
    /// Failures by user in a browser, or from a network, in which they have signed in before: counts of
    /// their own, so that strangers cannot lock a user out.
    by_device: Throttle,
    by_place: Throttle,
    /// Failures by address.
    by_address: Throttle,
    /// The networks from which users have signed in lately: programs hold no cookie.
    places: moka::sync::Cache<(UserId, String), ()>,
}

/// How long a network is known after a sign-in.
const PLACE_IS_KNOWN: Duration = Duration::from_secs(30 * 86_400);

/// A user who has proved who they are, and how.
#[derive(Debug, Clone)]
pub struct Identified {
    /// The user as they stood when it was found out.
    pub user: User,
    /// The proof.
    pub authentication: Authentication,
}

/// Why a sign-in was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInRefused {
    /// Name or password is wrong, or the user may not sign in: told apart in the trail alone.
    Credentials,
    /// Too many tries; seconds to wait.
    Throttled(u64),
    /// The server is busy hashing; seconds to wait.
    Busy(u64),
    /// The database is away.
    Away,
}

impl Accounts {
    /// Accounts of `app`.
    pub fn new(app: Arc<Installation>) -> Self {
        let clock = || app.effects.clock();
        Self {
            password: Password::new(&app.keys),
            by_user: Throttle::new(clock(), throttle::PASSWORD_FAILURES),
            by_device: Throttle::new(clock(), throttle::PASSWORD_FAILURES),
            by_place: Throttle::new(clock(), throttle::PASSWORD_FAILURES),
            by_address: Throttle::new(clock(), throttle::NETWORK_FAILURES),
            places: moka::sync::Cache::builder()
                .max_capacity(100_000)
                .time_to_live(PLACE_IS_KNOWN)
                .build(),
            app,
        }
    }

    /// What a browser is given to tell it again, once `user` has signed in there.
    pub fn device_token(&self, tenant: &Tenant, user: &User) -> String {
        URL_SAFE_NO_PAD.encode(self.device_mac(tenant).tag(user.id.as_bytes()))
    }

    fn device_mac(&self, tenant: &Tenant) -> Arc<Mac> {
        self.app.keys.mac(Purpose::Device, Some(tenant.id))
    }

    fn is_known_device(&self, tenant: &Tenant, user: &User, origin: &Origin) -> bool {
        let mac = self.device_mac(tenant);
        let mut tags = origin.devices.iter().filter_map(|text| URL_SAFE_NO_PAD.decode(text).ok());
        tags.any(|tag| mac.is_tag_of(&tag, user.id.as_bytes()))
    }

    /// Begins a try for a user, under the count of where it comes from: a browser in which they have
    /// signed in before, a network from which they did lately, or anywhere else.
    fn enter(
        &self,
        tenant: &Tenant,
        user: &User,
        origin: &Origin,
    ) -> Result<(Attempt<'_>, Standing), u64> {
        let place = (user.id, origin.network());
        if self.is_known_device(tenant, user, origin) {
            Ok((self.by_device.enter(user.id)?, Standing::Known))
        } else if self.places.contains_key(&place) {
            Ok((self.by_place.enter(place)?, Standing::Known))
        } else {
            Ok((self.by_user.enter(user.id)?, Standing::Stranger))
        }
    }

    async fn find(&self, tenant: &Tenant, username: &str) -> Result<Option<User>, SignInRefused> {
        let found = async {
            self.app.storage.read(tenant).await?.tenant(tenant).find_user_by_login(username).await
        };
        found.await.map_err(|why| {
            why.report();
            SignInRefused::Away
        })
    }

    async fn evaluate(
        &self,
        tenant: &Tenant,
        standing: Standing,
        user: Option<User>,
        password: &SecretString,
    ) -> Result<Result<User, &'static str>, SignInRefused> {
        let hash = user.as_ref().and_then(|user| user.password_hash.as_deref());
        let verdict = self.password.verify(tenant, standing, password, hash).await;
        let verdict = verdict.map_err(|_| SignInRefused::Busy(2))?;
        Ok(match (user, verdict) {
            (None, _) => Err("unknown user"),
            (Some(_), Verdict::Wrong) => Err("wrong password"),
            (Some(user), _) if !user.is_active() => Err("user disabled"),
            (Some(user), Verdict::Right) => Ok(user),
            (Some(user), Verdict::Outdated(hash)) => self.rehash(tenant, user, hash).await,
        })
    }

    /// Stores the hash that a sign-in has made anew. Where another was faster, theirs counts, if it is
    /// of the same password: two who sign in at once are both right.
    async fn rehash(
        &self,
        tenant: &Tenant,
        user: User,
        hash: String,
    ) -> Result<User, &'static str> {
        let stored = async {
            let mut unit = self.app.storage.write(tenant).await?;
            let stored = unit.tenant(tenant).replace_password_hash(&user, &hash).await?;
            unit.commit().await?;
            Ok::<_, StorageError>(stored)
        };
        match stored.await {
            Ok(true) => Ok(User { password_hash: Some(hash), ..user }),
            Ok(false) => {
                let now = self
                    .find(tenant, &user.username)
                    .await
                    .ok()
                    .flatten()
                    .filter(|now| now.id == user.id);
                now.filter(User::is_active).ok_or("changed meanwhile")
            }
            Err(why) => {
                tracing::warn!(error = %why, "a password hash could not be brought up to date: the next sign-in tries again");
                Ok(user)
            }
        }
    }
}

impl Accounts {
    /// The user with this name and password, who shows them at the instant `now`.
    ///
    /// # Errors
    /// [`SignInRefused`].
    pub async fn identify(
        &self,
        tenant: &Tenant,
        username: &str,
        password: &SecretString,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<Identified, SignInRefused> {
        let tried = self.tried(tenant, username, password, origin).await;
        let user = tried.map_err(|(refused, why)| {
            let event = Event::LoginRefused { who: username.to_owned(), why: why.into() };
            self.app.audit.refused(tenant, &Actor::Anonymous, event, origin);
            refused
        })?;
        Ok(Identified { user, authentication: Authentication::by(&[Password::METHOD], now) })
    }

    /// The same; a refusal comes with what the trail says of it.
    async fn tried(
        &self,
        tenant: &Tenant,
        username: &str,
        password: &SecretString,
        origin: &Origin,
    ) -> Result<User, (SignInRefused, &'static str)> {
        if username.len() > 254 || password.expose_secret().len() > LONGEST {
            return Err((SignInRefused::Credentials, "too long"));
        }
        let throttled = |wait| (SignInRefused::Throttled(wait), "too many failures");
        let of_address = self.by_address.enter((tenant.id, origin.network())).map_err(throttled)?;
        // Whom the name means comes first: a user has one count, whichever name is tried.
        let user = match self.find(tenant, username).await {
            Ok(user) => user,
            Err(away) => {
                of_address.succeeded();
                return Err((away, "not evaluated: storage away"));
            }
        };
        let entered = match &user {
            Some(user) => self.enter(tenant, user, origin),
            None => self
                .by_user
                .enter((tenant.id, User::key(username)))
                .map(|of_name| (of_name, Standing::Stranger)),
        };
        let (of_user, standing) = match entered {
            Ok(entered) => entered,
            Err(wait) => {
                // Nothing is evaluated, so the address has guessed nothing.
                of_address.succeeded();
                return Err(throttled(wait));
            }
        };
        let evaluated = self.evaluate(tenant, standing, user, password).await;
        // Where nothing was evaluated, nothing was guessed.
        if !matches!(evaluated, Ok(Err(_))) {
            of_user.succeeded();
            of_address.succeeded();
        }
        match evaluated {
            Ok(Ok(user)) => {
                self.places.insert((user.id, origin.network()), ());
                Ok(user)
            }
            Ok(Err(why)) => Err((SignInRefused::Credentials, why)),
            Err(unevaluated) => Err((unevaluated, "not evaluated: busy or storage away")),
        }
    }
}

impl Accounts {
    /// The hash to store for `password`, which `owner` shall have.
    ///
    /// # Errors
    /// [`HashRefused`].
    pub async fn hash(
        &self,
        tenant: &Tenant,
        owner: &PasswordOwner<'_>,
        password: &SecretString,
    ) -> Result<String, HashRefused> {
        self.password.hash(tenant, owner, password).await
    }

    /// Whether a hash that was made elsewhere can be verified here.
    ///
    /// # Errors
    /// What would be right, in words.
    pub fn check_hash(hash: &str) -> Result<(), &'static str> {
        check_hash(hash)
    }

    /// Whether `stored` is `given`, or what a sign-in has made of it: whoever gives it again changes
    /// nothing.
    pub fn stands_for(stored: &str, given: &str) -> bool {
        stands_for(stored, given)
    }

    /// Whether `password` is behind `hash`.
    ///
    /// # Errors
    /// [`HashRefused::Busy`]: it was not found out.
    pub async fn matches(
        &self,
        tenant: &Tenant,
        password: &SecretString,
        hash: &str,
    ) -> Result<bool, HashRefused> {
        let verdict = self.password.verify(tenant, Standing::Known, password, Some(hash)).await;
        let verdict = verdict.map_err(|_| HashRefused::Busy)?;
        Ok(verdict != Verdict::Wrong)
    }
}
