//! What is told of a request: its id in answers, trail and log, and what the log says and leaves out.

mod ids;
mod lines;
mod messages;
