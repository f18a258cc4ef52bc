//! Texts that are written of a tenant, kept for as long as what they are written from is the same.

use std::sync::Arc;

use crate::domain::TenantId;

/// One text of each tenant, written from an `A` and a `B`. Those are compared by where they lie: what was
/// read anew lies elsewhere, whether or not it has changed.
pub struct Written<A, B>(moka::sync::Cache<TenantId, Held<A, B>>);

struct Held<A, B> {
    from: (Arc<A>, Arc<B>),
    text: Arc<str>,
}

impl<A, B> Clone for Held<A, B> {
    fn clone(&self) -> Self {
        let (one, other) = &self.from;
        Self { from: (Arc::clone(one), Arc::clone(other)), text: Arc::clone(&self.text) }
    }
}

impl<A: Send + Sync + 'static, B: Send + Sync + 'static> Written<A, B> {
    /// Texts of at most `most` tenants.
    pub fn new(most: u64) -> Self {
        Self(moka::sync::Cache::new(most))
    }

    /// The text of `tenant` from these two; by `write` where it was written from others, or never.
    ///
    /// # Errors
    /// What `write` answers.
    pub fn find_or<E>(
        &self,
        tenant: TenantId,
        from: (&Arc<A>, &Arc<B>),
        write: impl FnOnce() -> Result<String, E>,
    ) -> Result<Arc<str>, E> {
        if let Some(held) = self.0.get(&tenant)
            && Arc::ptr_eq(&held.from.0, from.0)
            && Arc::ptr_eq(&held.from.1, from.1)
        {
            return Ok(held.text);
        }
        let text: Arc<str> = write()?.into();
        let from = (Arc::clone(from.0), Arc::clone(from.1));
        self.0.insert(tenant, Held { from, text: Arc::clone(&text) });
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn a_text_is_written_anew_where_what_it_is_written_from_was_read_anew() {
        let written = Written::new(10);
        let find = |one: &Arc<i32>, other: &Arc<i32>, new: &str| {
            let write = || Ok::<_, Infallible>(new.to_owned());
            written.find_or(TenantId::from_bytes([1; 16]), (one, other), write)
        };
        let (one, other) = (Arc::new(1), Arc::new(2));
        assert_eq!(find(&one, &other, "first").as_deref(), Ok("first"));
        assert_eq!(find(&one, &other, "second").as_deref(), Ok("first"));
        assert_eq!(find(&Arc::new(1), &other, "third").as_deref(), Ok("third"));
        assert_eq!(find(&one, &Arc::new(2), "fourth").as_deref(), Ok("fourth"));
    }
}
