//! Queries that are obeyed whole or refused: what is not understood must not pass for "not asked".

use std::{collections::HashSet, str::FromStr};

use rocket::{Request, http::Method};

use crate::{admin::MOST_ITEMS, domain::FieldError, protocol::is_storable, web::routes::place_of};

/// Refuses a query with a parameter that `known` does not name, or with one that comes twice.
fn check_names(query: &str, known: impl Fn(&str) -> bool) -> Result<(), FieldError> {
    let mut seen = HashSet::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if !known(&name) {
            return Err(FieldError::new(
                name.into_owned(),
                "there is no such query parameter here",
            ));
        }
        if !is_storable(&value) {
            return Err(FieldError::new(name.into_owned(), "a NUL byte"));
        }
        if !seen.insert(name.clone()) {
            return Err(FieldError::new(name.into_owned(), "given twice"));
        }
    }
    Ok(())
}

fn query_of<'r>(request: &'r Request<'_>) -> &'r str {
    request.uri().query().map(|query| query.as_str()).unwrap_or_default()
}

/// Whether the address, percent-encoded as it is, can name anything that is stored.
pub(crate) fn is_storable_address(request: &Request<'_>) -> bool {
    !request.uri().to_string().contains("%00")
}

/// Checks that a request to the API asks for nothing but what its route declares.
///
/// # Errors
/// The parameter at fault.
pub(crate) fn check_declared(request: &Request<'_>) -> Result<(), FieldError> {
    let declared = request.route().and_then(|route| route.uri.query()).unwrap_or_default();
    let names: HashSet<&str> =
        declared.split('&').map(|part| part.trim_matches(['<', '>'])).collect();
    check_names(query_of(request), |name| names.contains(name))
}

/// Checks that a request to the console asks for nothing that it does not know; a form, for nothing
/// beside its fields.
///
/// # Errors
/// The parameter at fault.
pub(crate) fn check_page(request: &Request<'_>) -> Result<(), FieldError> {
    let segments: Vec<&str> = request.uri().path().segments().collect();
    let known = if request.method() == Method::Get { place_of(&segments).parameters } else { &[] };
    check_names(query_of(request), |name| known.contains(&name))
}

/// `true` or `false`; `false` where it is left out.
///
/// # Errors
/// The field, for anything else.
pub(crate) fn flag(name: &'static str, text: Option<&str>) -> Result<bool, FieldError> {
    choice(name, text).map(Option::unwrap_or_default)
}

/// `true` or `false`, or neither where it is left out.
///
/// # Errors
/// The field, for anything else.
pub(crate) fn choice(name: &'static str, text: Option<&str>) -> Result<Option<bool>, FieldError> {
    match text {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(FieldError::new(name, "true or false")),
    }
}

/// The items that a page shall have.
///
/// # Errors
/// The field, for anything but a number that a page can have.
pub(crate) fn limit(text: Option<&str>) -> Result<Option<i64>, FieldError> {
    let number = parsed("limit", text, "a whole number")?;
    match number {
        Some(number) if !(1..=MOST_ITEMS).contains(&number) => {
            Err(FieldError::new("limit", format!("1 to {MOST_ITEMS}")))
        }
        number => Ok(number),
    }
}

/// A value of some kind.
///
/// # Errors
/// The field, and what would be right, for a text that is none.
pub(crate) fn parsed<T: FromStr>(
    name: &'static str,
    text: Option<&str>,
    right: &'static str,
) -> Result<Option<T>, FieldError> {
    text.map(|text| text.parse().map_err(|_| FieldError::new(name, right))).transpose()
}
