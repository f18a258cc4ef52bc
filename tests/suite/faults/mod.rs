//! The fault rows of the security catalogue that this version answers for, named by number.

mod memory;
mod nodes;
mod process;
mod services;
