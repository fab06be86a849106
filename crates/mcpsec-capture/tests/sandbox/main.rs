//! The sandbox from outside: plain programs work in it, and what it must refuse is refused, in every tier that works here.
#![cfg(target_os = "linux")]

mod denied;
mod observed;
mod plain;
mod plans;
