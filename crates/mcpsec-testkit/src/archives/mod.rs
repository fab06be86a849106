//! Archives nobody should unpack, and the raw writers they (and the honest packages) are made with.
//!
//! The writers put down exactly what they are told: names with `..`, sizes that lie, entries twice. [`hostile_npm_tarballs`]
//! and [`hostile_wheels`] are catalogues for tests that loop over everything that must be refused.
pub mod deflate;
mod hostile;
pub mod tar;
pub mod zip;

pub use hostile::{Hostile, ZIP_BOMB_BYTES, hostile_npm_tarballs, hostile_wheels, tar_bomb};
