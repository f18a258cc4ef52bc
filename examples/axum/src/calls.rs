//! Calling the API for somebody who is signed in: C to H of RFC 6749's picture.

use std::sync::Arc;

use reqwest::StatusCode;

use crate::{
    http::Http,
    provider::Provider,
    renewal::{Lost, Renewed},
};

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// Only a new sign-in is left.
    SignedOut,
    /// The API does not let them.
    Forbidden,
    /// The API or Portcullis is away.
    Away,
}

impl From<Lost> for NoAnswer {
    fn from(why: Lost) -> Self {
        match why {
            Lost::Ended => Self::SignedOut,
            Lost::Away => Self::Away,
        }
    }
}

/// Asks the API; where it refuses the token, once more with a new one.
///
/// # Errors
/// [`NoAnswer`].
pub async fn get(
    address: &str,
    tokens: &Arc<Renewed>,
    provider: &Arc<Provider>,
    http: &Http,
) -> Result<String, NoAnswer> {
    let access = tokens.access();
    let (status, text) = ask(address, &access, http).await?;
    if status != StatusCode::UNAUTHORIZED {
        return answered(status, text);
    }
    let provider = Arc::clone(provider);
    let refresh = |token: String| async move { provider.refresh(&token).await };
    let renewed = tokens.instead_of(&access, refresh).await?;
    let (status, text) = ask(address, &renewed, http).await?;
    answered(status, text)
}

async fn ask(address: &str, access: &str, http: &Http) -> Result<(StatusCode, String), NoAnswer> {
    let asked = http.0.get(address).bearer_auth(access).send().await;
    let answer = asked.map_err(|_| NoAnswer::Away)?;
    let status = answer.status();
    Ok((status, answer.text().await.map_err(|_| NoAnswer::Away)?))
}

fn answered(status: StatusCode, text: String) -> Result<String, NoAnswer> {
    match status {
        StatusCode::OK => Ok(text),
        // A token that is as new as can be: it is the session that is not good.
        StatusCode::UNAUTHORIZED => Err(NoAnswer::SignedOut),
        StatusCode::FORBIDDEN => Err(NoAnswer::Forbidden),
        _ => Err(NoAnswer::Away),
    }
}
