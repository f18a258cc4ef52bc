//! The access log: a line a request, where one is asked for (`PORTCULLIS_ACCESS_LOG`).

use std::{net::IpAddr, time::Duration};

use hyper::StatusCode;

use crate::request_span::RequestSpan;

/// Whether anybody wants to see such lines.
pub(super) fn is_kept() -> bool {
    tracing::enabled!(target: "access", tracing::Level::INFO)
}

/// Writes the line. Nothing that the client wrote is in it but the trace and the tenant that it named: no
/// path, no query, no header. It stands for itself, outside of the request's span, which a filter may have
/// left out.
pub(super) fn write(
    span: &RequestSpan,
    ip: IpAddr,
    method: Option<&str>,
    status: StatusCode,
    bytes: usize,
    took: Duration,
) {
    tracing::info!(
        target: "access",
        parent: None,
        request_id = %span.id(),
        %ip,
        method,
        route = span.route(),
        status = status.as_u16(),
        bytes,
        milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        tenant = span.tenant(),
        "a request was answered"
    );
}
