//! Levels of single changes, each with what must be and what must not be said.
