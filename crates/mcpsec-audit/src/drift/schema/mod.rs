//! JSON Schemas: brought to one form, then compared by what they accept.
mod bounds;
mod compare;
mod normal;

pub(super) use compare::{Direction, compare, show};
pub(super) use normal::{made_from, normalise};

#[cfg(test)]
mod tests;
