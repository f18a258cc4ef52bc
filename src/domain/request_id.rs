//! What tells a request from every other, in its answer, the log and the trail: the trace id of W3C Trace
//! Context.

use std::fmt;

/// A request, or a command of the shell. It proves nothing: whoever sends a request may choose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId([u8; 16]);

impl RequestId {
    /// The trace that a `traceparent` header names (W3C Trace Context §3.2); `None` where it is not valid,
    /// since the whole header is then to be passed over.
    pub fn of_trace(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.splitn(5, '-');
        let version = hex(parts.next()?, 2)?;
        let (trace, parent) = (hex(parts.next()?, 32)?, hex(parts.next()?, 16)?);
        hex(parts.next()?, 2)?;
        // Version 00 ends with its flags; what a later one adds stands behind another dash.
        let ends_well = version != 0 || parts.next().is_none();
        let is_valid = version != 0xff && trace != 0 && parent != 0 && ends_well;
        is_valid.then(|| Self(trace.to_be_bytes()))
    }

    /// The sixteen bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The one with these sixteen bytes, which are random where it is a new one.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

/// So many digits of hexadecimal, in lower case alone.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex =
        text.len() == digits && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    if is_hex { u128::from_str_radix(text, 16).ok() } else { None }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            uuid::Uuid::from_bytes(self.0)
                .as_simple()
                .encode_lower(&mut uuid::Uuid::encode_buffer()),
        )
    }
}
