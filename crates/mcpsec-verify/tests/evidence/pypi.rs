//! PyPI
