//! The admin API of a server, over the network, with the tokens of a profile.

use serde_json::Value;
use tokio::sync::Mutex;

use super::Refused;
use crate::{
    cli::{
        Failure, now,
        profiles::{Profile, Profiles},
        sign_in::{Tokens, refreshed},
    },
    outside::{HttpClient, Method, Request, header},
};

/// Seconds before its end at which an access token is renewed: what is on its way shall still be good.
const EARLY: u64 = 30;

/// The admin API of a server.
pub(in crate::cli) struct There {
    http: HttpClient,
    name: String,
    profile: Mutex<Profile>,
}

impl There {
    /// Goes to the server of a profile.
    pub(in crate::cli) fn with(name: String, profile: Profile) -> Self {
        Self { http: HttpClient::new(), name, profile: Mutex::new(profile) }
    }

    pub(super) async fn call(
        &self,
        method: &Method,
        at: &str,
        body: Option<&Value>,
    ) -> Result<(u16, String), Refused> {
        let token = self.token(false).await.map_err(|Failure(why)| Refused::unanswered(why))?;
        let answer = self.send(method, at, body, &token).await?;
        if answer.0 != 401 {
            return Ok(answer);
        }
        // It may have been ended, or the server have other keys: once more with another, and no further.
        match self.token(true).await {
            Ok(token) => self.send(method, at, body, &token).await,
            Err(Failure(why)) => Err(Refused::unanswered(why)),
        }
    }

    async fn send(
        &self,
        method: &Method,
        at: &str,
        body: Option<&Value>,
        token: &str,
    ) -> Result<(u16, String), Refused> {
        let server = self.profile.lock().await.server.clone();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{server}{at}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default().into_bytes();
        let request = request.body(body).map_err(Refused::unanswered)?;
        let answer = self.http.send(request).await.map_err(Refused::unanswered)?;
        let (status, body) = (answer.status().as_u16(), answer.into_body());
        String::from_utf8(body).map(|body| (status, body)).map_err(Refused::unanswered)
    }

    /// An access token that is good for a while; another than the last, where that was refused.
    async fn token(&self, was_refused: bool) -> Result<String, Failure> {
        let mut profile = self.profile.lock().await;
        if !was_refused && now() + EARLY < profile.expires_at {
            return Ok(profile.access_token.clone());
        }
        let _lock = Profiles::lock()?;
        let mut all = Profiles::load()?;
        let kept = all.profiles.get(&self.name).cloned();
        let kept =
            kept.ok_or_else(|| format!("profile {} was signed out of meanwhile", self.name))?;
        // Another command may have been faster.
        let is_newer = kept.access_token != profile.access_token;
        *profile = kept;
        if is_newer && now() + EARLY < profile.expires_at {
            return Ok(profile.access_token.clone());
        }
        let again = format!("sign in again: portcullis login --server {}", profile.server);
        let Some(refresh_token) = profile.refresh_token.clone() else {
            return Err(Failure(format!("what profile {} holds has expired: {again}", self.name)));
        };
        let Tokens { access_token, expires_at, refresh_token, .. } =
            refreshed(&self.http, &profile, &refresh_token)
                .await
                .map_err(|Failure(why)| format!("{why}: {again}"))?;
        (profile.access_token, profile.expires_at) = (access_token, expires_at);
        profile.refresh_token = refresh_token.or(profile.refresh_token.take());
        all.profiles.insert(self.name.clone(), profile.clone());
        all.save()?;
        Ok(profile.access_token.clone())
    }
}
