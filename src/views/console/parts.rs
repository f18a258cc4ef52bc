//! What stands on several pages of the console.

use serde::Serialize;

/// Where the next page of a list begins, as a query.
#[derive(Debug, Clone, Serialize)]
pub struct Paging {
    /// The address of the next page.
    pub next: Option<String>,
}

impl Paging {
    /// A list that ends here.
    pub(super) const END: Self = Self { next: None };

    /// A list that goes on at `next`.
    pub(super) fn on(next: &str) -> Self {
        Self { next: Some(next.to_owned()) }
    }
}

/// A field that somebody else has changed since the form was shown.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// The field.
    pub name: String,
    /// What it holds now.
    pub now: String,
    /// What was typed.
    pub typed: String,
}

impl Difference {
    /// A field that holds `now`, in which `typed` was typed.
    pub(super) fn sample(name: &str, now: &str, typed: &str) -> Self {
        Self { name: name.to_owned(), now: now.to_owned(), typed: typed.to_owned() }
    }
}

/// A box that may be ticked.
#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    /// Its value.
    pub value: String,
    /// Whether it is ticked.
    pub chosen: bool,
}

impl Choice {
    /// A box for each of `all`, ticked where it is one of `chosen`.
    pub(super) fn samples(all: &[&str], chosen: &[String]) -> Vec<Self> {
        let choice = |value: &&str| Self {
            value: (*value).to_owned(),
            chosen: chosen.iter().any(|held| held == value),
        };
        all.iter().map(choice).collect()
    }
}
