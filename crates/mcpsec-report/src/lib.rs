//! Rendering: a report or a lock goes in, human text or JSON comes out. No judgement, no I/O.
#![forbid(unsafe_code)]

mod human;
mod json;
mod style;
mod tree;

pub use human::human;
pub use json::json;
pub use style::Style;
pub use tree::{show, tree, tree_json};
