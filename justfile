# Tasks of the project. `just ci` is what .ci/run does.

default:
    @just --list

# Format everything.
fmt:
    cargo fmt --all

# Lints, as CI sees them.
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# All hermetic tests.
test:
    cargo test --workspace

# The few tests that talk to real registries.
online:
    cargo test --workspace --test cli -- --ignored online

# Accept changed snapshots and regenerate the parts of docs/ that tests compare.
docs:
    INSTA_UPDATE=always MCPSEC_REGENERATE_DOCS=1 cargo test --workspace

# The long form of the kill test: 200 kills at random moments (CI runs a short form).
kill-long:
    MCPSEC_KILLS=200 cargo test --release --test cli kill -- --nocapture

# Time mcpsec beside npm, pnpm and uv (installs the peers into a scratch folder).
bench:
    cargo build --release
    benches/compare/run.sh

# Licences, bans, sources.
deny:
    cargo deny --locked check licenses bans sources

ci:
    .ci/run
