//! Unit tests of what the public functions cannot reach: the SHA-1 collision check.
