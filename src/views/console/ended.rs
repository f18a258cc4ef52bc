//! What a forced logout has ended, and where it is effective.

use serde::Serialize;

use super::Frame;
use crate::{
    admin::samples,
    views::{Page, Template, template},
};

/// A node and whether it has applied an event.
#[derive(Debug, Clone, Serialize)]
pub struct NodeLine {
    /// The node.
    pub id: String,
    /// Whether it has.
    pub applied: bool,
    /// When it last said so.
    pub seen_at: String,
}

/// What a forced logout has ended, and where it is effective.
#[derive(Debug, Clone, Serialize)]
pub struct EndedPage {
    /// Around it.
    pub frame: Frame,
    /// The event.
    pub event: i64,
    /// What ended.
    pub sessions: String,
    /// What ended.
    pub families: String,
    /// Whether more ended than was counted.
    pub more: bool,
    /// Whether every node has applied it.
    pub everywhere: bool,
    /// The nodes.
    pub nodes: Vec<NodeLine>,
    /// Seconds after which no node trusts a view that lacks it.
    pub bound_s: u64,
    /// Whether lists show it everywhere by now; `None` where there is nothing to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled: Option<bool>,
    /// Rows that lists have followed by.
    pub settled_rows: i64,
}

impl Page for EndedPage {
    const TEMPLATE: Template = template!("console/ended.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let node = |id: &str, applied| NodeLine {
            id: id.into(),
            applied,
            seen_at: samples::NOW.to_string(),
        };
        let here = Self {
            frame: Frame::of_operator("sessions"),
            event: 17,
            sessions: "1000".into(),
            families: "1000".into(),
            more: true,
            everywhere: false,
            nodes: vec![node("one", true), node("two", false)],
            bound_s: 2,
            settled: Some(false),
            settled_rows: 500,
        };
        let everywhere = Self {
            sessions: "1".into(),
            families: "1".into(),
            more: false,
            everywhere: true,
            nodes: Vec::new(),
            settled: Some(true),
            ..here.clone()
        };
        let again = Self {
            frame: Frame::of_auditor("sessions"),
            sessions: String::new(),
            families: String::new(),
            settled: None,
            settled_rows: 0,
            ..everywhere.clone()
        };
        vec![("here", here), ("everywhere", everywhere), ("again", again)]
    }
}
