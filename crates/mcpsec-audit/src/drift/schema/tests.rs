//! Schemas that mean the same, and the smallest ones that do not.
