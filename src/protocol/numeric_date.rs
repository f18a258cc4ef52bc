//! NumericDate: the instants of JSON Web Tokens (RFC 7519 §2).

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected, Visitor},
};

/// Seconds since the Unix epoch, which need not be whole; between 1970 and the end of the year 9999.
///
/// A string, a negative or a huge number is no instant: taken for one it would be "never" to one
/// reader and "always" to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NumericDate {
    millis: i64,
}

impl NumericDate {
    /// The last second of the year 9999.
    const LAST: f64 = 253_402_300_799.0;

    /// Milliseconds since the Unix epoch.
    pub fn millis(self) -> i64 {
        self.millis
    }

    /// Reads a member that may be left out, but is no `null` where it stands.
    ///
    /// # Errors
    /// Where it is no NumericDate.
    pub fn deserialize_present<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Self>, D::Error> {
        Self::deserialize(deserializer).map(Some)
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_f64(Seconds)
    }
}

struct Seconds;

impl Visitor<'_> for Seconds {
    type Value = NumericDate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seconds since the Unix epoch (RFC 7519 section 2)")
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<NumericDate, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<NumericDate, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<NumericDate, E> {
        if !(0.0..=NumericDate::LAST).contains(&seconds) {
            return Err(E::invalid_value(Unexpected::Float(seconds), &self));
        }
        Ok(NumericDate { millis: (seconds * 1000.0).floor() as i64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_may_lie_between_two_seconds() {
        let read =
            |text: &str| serde_json::from_str::<NumericDate>(text).ok().map(NumericDate::millis);
        assert_eq!(read("1800000060"), Some(1_800_000_060_000));
        assert_eq!(read("1800000060.25"), Some(1_800_000_060_250));
        assert_eq!(read("1.80000006e9"), Some(1_800_000_060_000));
        assert_eq!(read("0"), Some(0));
        assert_eq!(read("253402300799"), Some(253_402_300_799_000));
    }

    #[test]
    fn what_is_no_instant_is_none() {
        for text in [
            "-1",
            "-0.5",
            "253402300800",
            "18446744073709551615",
            "1e300",
            "1e400",
            "\"1800000060\"",
            "null",
            "true",
            "[1800000060]",
            "{}",
            "NaN",
            "Infinity",
            "",
        ] {
            assert!(serde_json::from_str::<NumericDate>(text).is_err(), "{text}");
        }
    }
}
