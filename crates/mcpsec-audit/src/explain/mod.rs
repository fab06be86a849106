//! What rules and checks mean.
