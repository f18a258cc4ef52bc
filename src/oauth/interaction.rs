//! A sign-in in progress: an authorization request between the pages that it leads over.
//!
//! Pages carry it sealed: nobody but this server makes or changes one. As long as nobody has proved anything
//! it is worth as much as a link to the authorization endpoint; from then on it is good in that browser alone.
//! Nothing is stored before somebody has proved anything, so a flood of requests leaves
//! nothing behind (docs/adr/0013). Each step decides anew against the request that is in it.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::Cx;
use crate::{
    domain::{Session, Timestamp},
    keys::{Mac, Purpose},
    protocol::{AuthorizationRequest, ErrorCode, OauthError, Params},
};

/// A sign-in in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interaction {
    params: Params,
    /// When the user last proved who they are on its pages.
    proved_at: Option<Timestamp>,
    expires_at: Timestamp,
}

/// The same as text.
#[derive(Serialize, Deserialize)]
struct Sealed {
    request: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    proved: Option<i64>,
    expires: i64,
}

impl Interaction {
    /// Seconds from the request to the last step: somebody may look for their password meanwhile.
    const TTL: i64 = 3600;

    /// Of a request that comes now.
    pub fn begin(cx: &Cx<'_>, params: Params) -> Self {
        Self { params, proved_at: None, expires_at: cx.now.plus(Self::TTL) }
    }

    /// The request.
    pub(super) fn params(&self) -> &Params {
        &self.params
    }

    /// The same, its user having proved at this instant who they are.
    #[must_use]
    pub fn proved(self, at: Timestamp) -> Self {
        Self { proved_at: Some(at), ..self }
    }

    /// Whether `session` rests on an older proof than the request asks for (OpenID Connect Core §3.1.2.1).
    /// What was proved on its own pages fulfils a prompt, and a `max_age` of 0, which no proof is younger than.
    pub(super) fn owes_login(
        &self,
        request: &AuthorizationRequest,
        session: &Session,
        now: Timestamp,
    ) -> bool {
        let is_fulfilled = self.proved_at.is_some_and(|at| session.authentication.at >= at);
        let is_asked_for =
            request.prompt.login || request.prompt.select_account || request.max_age == Some(0);
        let age = now.since(session.authentication.at);
        (is_asked_for && !is_fulfilled)
            || request.max_age.is_some_and(|most| most > 0 && age > most)
    }

    /// Its text for the pages of `browser`.
    pub fn seal(&self, cx: &Cx<'_>, browser: &str) -> String {
        let sealed = Sealed {
            request: self.params.to_query(),
            proved: self.proved_at.map(Timestamp::millis),
            expires: self.expires_at.millis(),
        };
        // A text and two numbers: there is nothing that could not be written.
        let body = serde_json::to_vec(&sealed).unwrap_or_default();
        let browser = if self.proved_at.is_some() { browser } else { NO_BROWSER };
        let tag = mac(cx).tag(&message(browser, &body));
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&body), URL_SAFE_NO_PAD.encode(tag))
    }

    /// Reads what a page of `browser` gives back.
    ///
    /// # Errors
    /// `invalid_request` for what was not begun here and in this browser, or too long ago.
    pub fn open(cx: &Cx<'_>, browser: &str, text: &str) -> Result<Self, OauthError> {
        let wrong = || {
            let text = "this sign-in began in another browser or is over: go back to the application and start again";
            OauthError::new(ErrorCode::InvalidRequest, text)
                .because("no interaction of this browser")
        };
        let (body, tag) = text.split_once('.').ok_or_else(wrong)?;
        let decoded = |text| URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong());
        let (body, tag) = (decoded(body)?, decoded(tag)?);
        let mac = mac(cx);
        let is_of = |browser| mac.is_tag_of(&tag, &message(browser, &body));
        if !is_of(browser) && !is_of(NO_BROWSER) {
            return Err(wrong());
        }
        let sealed: Sealed = serde_json::from_slice(&body).map_err(|_| wrong())?;
        let expires_at = Timestamp::from_millis(sealed.expires);
        if cx.now >= expires_at || (sealed.proved.is_some() && !is_of(browser)) {
            return Err(wrong());
        }
        let params = Params::parse(sealed.request.as_bytes())?;
        Ok(Self { params, proved_at: sealed.proved.map(Timestamp::from_millis), expires_at })
    }
}

/// In the place of a browser's name, which is never empty.
const NO_BROWSER: &str = "";

fn mac(cx: &Cx<'_>) -> Arc<Mac> {
    cx.app.keys.mac(Purpose::Interaction, Some(cx.tenant.id))
}

/// What is sealed: where the browser's name ends is told by its length.
fn message(browser: &str, body: &[u8]) -> Vec<u8> {
    let length = u64::try_from(browser.len()).unwrap_or(u64::MAX).to_be_bytes();
    [length.as_slice(), browser.as_bytes(), body].concat()
}
