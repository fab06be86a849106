//! Tests of the lock as a whole.
