//! The authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).

use super::{CodeChallenge, ErrorCode, OauthError, Params, Scope};

/// How the response travels back (OAuth 2.0 Multiple Response Types §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// In a form that posts itself (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

/// What OpenID Connect's `prompt` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prompt {
    /// Show nothing.
    pub none: bool,
    /// Ask who they are again.
    pub login: bool,
    /// Ask for consent again.
    pub consent: bool,
    /// Let them choose an account: here, sign in again.
    pub select_account: bool,
}

/// An authorization request whose client and redirect URI are already trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// What is asked for; `None` where the request leaves it to the server.
    pub scope: Option<Scope>,
    /// The value that goes back untouched.
    pub state: Option<String>,
    /// How the response travels back.
    pub response_mode: ResponseMode,
    /// The PKCE challenge.
    pub code_challenge: CodeChallenge,
    /// OpenID Connect's nonce.
    pub nonce: Option<String>,
    /// What to show.
    pub prompt: Prompt,
    /// The most seconds since the user last proved who they are.
    pub max_age: Option<i64>,
    /// The name to put into the login form.
    pub login_hint: Option<String>,
    /// The audiences asked for.
    pub resource: Vec<String>,
}

impl ResponseMode {
    /// Reads `response_mode`.
    ///
    /// # Errors
    /// `invalid_request` for a mode that is not served.
    pub fn from_params(params: &Params) -> Result<Self, OauthError> {
        match params.find("response_mode") {
            None | Some("query") => Ok(Self::Query),
            Some("form_post") => Ok(Self::FormPost),
            Some(_) => Err(OauthError::invalid_request("response_mode must be query or form_post")),
        }
    }
}

impl AuthorizationRequest {
    /// Reads the parameters, in the order in which a developer would want to hear of faults.
    ///
    /// # Errors
    /// What RFC 6749 §4.1.2.1 names; it may be sent to the redirect URI.
    pub fn from_params(params: &Params) -> Result<Self, OauthError> {
        match params.required("response_type")? {
            "code" => {}
            _ => {
                let text = "response_type must be code";
                return Err(OauthError::new(ErrorCode::UnsupportedResponseType, text));
            }
        }
        if params.find("request").is_some() {
            let text = "request objects are not served";
            return Err(OauthError::new(ErrorCode::RequestNotSupported, text));
        }
        if params.find("request_uri").is_some() {
            let text = "request_uri is not served";
            return Err(OauthError::new(ErrorCode::RequestUriNotSupported, text));
        }
        let response_mode = ResponseMode::from_params(params)?;
        let code_challenge = CodeChallenge::from_params(params)?;
        let scope = params
            .find("scope")
            .map(|text| text.parse::<Scope>())
            .transpose()
            .map_err(|why| OauthError::new(ErrorCode::InvalidScope, why.to_string()))?;
        let max_age = params
            .find("max_age")
            .map(|text| text.parse::<i64>().ok().filter(|age| *age >= 0))
            .map(|age| age.ok_or_else(|| OauthError::invalid_request("max_age must be seconds")))
            .transpose()?;
        let owned = |name| params.find(name).map(str::to_owned);
        if owned("nonce").is_some_and(|nonce| nonce.len() > 1024) {
            return Err(OauthError::invalid_request("nonce must be at most 1024 bytes"));
        }
        Ok(Self {
            scope,
            state: owned("state"),
            response_mode,
            code_challenge,
            nonce: owned("nonce"),
            prompt: Prompt::from_params(params)?,
            max_age,
            login_hint: owned("login_hint"),
            resource: params.resources().to_vec(),
        })
    }
}

impl Prompt {
    fn from_params(params: &Params) -> Result<Self, OauthError> {
        let mut prompt = Self::default();
        for word in params.find("prompt").unwrap_or_default().split(' ').filter(|w| !w.is_empty()) {
            match word {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                _ => {
                    return Err(OauthError::invalid_request(
                        "prompt: none, login, consent or select_account",
                    ));
                }
            }
        }
        if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
            return Err(OauthError::invalid_request("prompt=none goes with no other prompt"));
        }
        Ok(prompt)
    }
}
