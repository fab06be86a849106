//! For tests only: loopback npm, PyPI and git registries with faults on demand, and a scrubbed environment.
#![forbid(unsafe_code)]
