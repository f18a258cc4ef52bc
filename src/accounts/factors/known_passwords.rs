//! Whether a password is among those that are tried first (NIST SP 800-63B §3.1.1.2).
//!
//! No rule says what a password must be made of. It is held against lists of what people choose
//! (30,000 passwords, words, names, keyboard walks, dates, and the usual changes of letters), which are
//! built in, and against what is known of its user.

use crate::domain::Tenant;

/// A password that is found within so many tries is no secret: throttled guessing gets there within
/// months, and whoever has a hash within the hour.
const LEAST_GUESSES: u64 = 1_000_000;

/// Characters of a password that are held against the lists: the cost grows with their square, and
/// seconds where each may stand for a letter. What is hard to guess so far is no easier in the whole.
const MOST_ESTIMATED: usize = 32;

/// Characters that a password must have beside its user's name, where it holds that.
const LEAST_BESIDE: usize = 4;

/// Names are looked for in a password from this length on: shorter ones are in words by chance.
const LEAST_NAME: usize = 3;

/// Whose a password shall be: what everybody knows of them is tried first.
#[derive(Debug, Clone, Copy)]
pub struct PasswordOwner<'a> {
    /// The name they sign in with.
    pub username: &'a str,
    /// Their e-mail address.
    pub email: Option<&'a str>,
    /// Their name for people.
    pub name: Option<&'a str>,
}

/// What everybody knows of a user, in lower case.
pub(super) struct KnownNames {
    /// Their names and address, and the parts of them.
    own: Vec<String>,
    /// What stands around them.
    around: Vec<String>,
}

impl KnownNames {
    pub(super) fn of(owner: &PasswordOwner<'_>, tenant: &Tenant) -> Self {
        let around = [tenant.slug.as_str(), tenant.name.as_str(), "portcullis"];
        Self { own: names_of(owner), around: around.into_iter().map(str::to_lowercase).collect() }
    }

    /// Why `password` is not one to choose.
    pub(super) fn refusal(&self, password: &str) -> Option<&'static str> {
        if self.own.iter().any(|name| says_little_beside(password, name)) {
            return Some("little more than the user's own name or address: choose something else");
        }
        let names: Vec<&str> = self.own.iter().chain(&self.around).map(String::as_str).collect();
        let end = password.char_indices().nth(MOST_ESTIMATED).map_or(password.len(), |(at, _)| at);
        let start = password.get(..end).unwrap_or(password);
        let is_known = zxcvbn::zxcvbn(start, &names).guesses() < LEAST_GUESSES;
        is_known.then_some(
            "too well known or too easily guessed: choose a few words that do not belong together",
        )
    }
}

fn names_of(owner: &PasswordOwner<'_>) -> Vec<String> {
    let whole = [Some(owner.username), owner.email, owner.name];
    let whole = whole.into_iter().flatten().map(|name| name.trim().to_lowercase());
    let mut names: Vec<String> = Vec::new();
    for name in whole {
        names.extend(name.split(['@', '.', ' ']).map(str::to_owned));
        names.extend(name.split_once('@').map(|(local, _)| local.to_owned()));
        names.push(name);
    }
    names.retain(|name| !name.is_empty());
    names
}

fn says_little_beside(password: &str, name: &str) -> bool {
    let password = password.to_lowercase();
    if password == name {
        return true;
    }
    let is_in = name.chars().count() >= LEAST_NAME && password.contains(name);
    let beside = || password.replace(name, "").chars().filter(|c| c.is_alphanumeric()).count();
    is_in && beside() < LEAST_BESIDE
}
