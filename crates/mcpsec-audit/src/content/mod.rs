//! What the code of a package does, and what a new version does that the old one did not.
//!
//! A backdoor may leave every word that the model reads alone. Files are read as syntax trees, never run:
//! [`facts::FileFacts`] is what one file does, and comparing the facts of two versions gives findings with file and line.
//! Facts depend on the bytes of the file alone, so they are remembered by digest.
pub mod facts;
pub mod javascript;
pub mod literals;
