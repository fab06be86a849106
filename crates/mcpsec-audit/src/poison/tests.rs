//! The rules on texts of our own: what each one must see, and what it must leave alone.
