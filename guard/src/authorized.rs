//! A request that may be answered, as the frameworks hand it to a handler.

use std::{marker::PhantomData, ops::Deref, sync::Arc};

use crate::{Guard, Principal, Refusal, Scopes};

/// A request with a good token, which has the scope `S`; any good token where nothing is named.
#[derive(Debug, Clone)]
pub struct Authorized<S: Scopes = ()> {
    /// Whom the token speaks for.
    pub principal: Arc<Principal>,
    scope: PhantomData<S>,
}

impl<S: Scopes> Deref for Authorized<S> {
    type Target = Principal;
    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl<S: Scopes> Authorized<S> {
    /// The request with these `Authorization` headers, of which there may be one; `None` is one that is no text.
    pub(crate) async fn by<'h>(
        guard: &Guard,
        mut headers: impl Iterator<Item = Option<&'h str>>,
    ) -> Result<Self, Refusal> {
        let header = headers.next().flatten();
        if headers.next().is_some() {
            return Err(Refusal::InvalidRequest);
        }
        drop(headers);
        let principal = guard.verify_header(header).await?;
        principal.require(S::ALL)?;
        Ok(Self { principal, scope: PhantomData })
    }
}
