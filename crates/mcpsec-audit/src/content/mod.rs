//! What the code of a package does, and what a new version does that the old one did not.
//!
//! A backdoor may leave every word that the model reads alone. Files are read as syntax trees, never run:
//! [`facts::FileFacts`] is what one file does, [`package::PackageFacts`] what a package holds, and [`compare`] gives what a new
//! version does that the old one did not, as findings with file and line. Facts depend on the bytes alone, so they are
//! remembered by digest.
//!
//! ```text
//! files -> javascript | python | scripts -> FileFacts -> PackageFacts -> compare (grade, domain) -> Findings
//! ```
pub mod compare;
mod domain;
pub mod facts;
mod grade;
pub mod javascript;
pub mod literals;
pub mod package;
pub mod python;
pub mod scripts;
