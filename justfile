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

# The team server's tests on PostgreSQL and S3.
test-backends:
    .ci/backends cargo test --workspace --test registry

# A hundred `kill -9` of the team server under writes (CI does ten).
registry-kill-long:
    .ci/backends cargo test --workspace --test registry a_hundred_kills -- --ignored --nocapture

# Every address of the team server against its document, by schemathesis (PyPI has it).
schemathesis:
    .ci/schemathesis

# The same with more requests and other seeds: some ten minutes.
schemathesis-long:
    .ci/schemathesis a_long_run_finds_nothing

# The long forms of the tests that change bytes (requests, files, identities, pages, answers): hours. CI runs seconds of each.
fuzz-long:
    cargo test --release --workspace --test registry fuzz -- --ignored --nocapture

# The few tests that talk to real registries.
online:
    cargo test --workspace --test cli -- --ignored online

# Write changed snapshots and the lock files of testdata anew, and print the blocks of docs/lock-format.md. Review the diff:
# the two `#[ignore]`d tests named here are generators, and no test depends on their having run.
docs:
    INSTA_UPDATE=always cargo test --workspace
    cargo test -p mcpsec-model write_test_locks -- --ignored
    cargo test -p mcpsec-model print_doc_blocks -- --ignored --nocapture

# The long form of the kill test: 200 kills at random moments (CI runs a short form).
kill-long:
    MCPSEC_KILLS=200 cargo test --release --test cli kill -- --nocapture

# Time mcpsec beside npm, pnpm and uv (installs the peers into a scratch folder).
bench:
    cargo build --release
    benches/compare/run.sh

# Time the verification of evidence: in process, and beside npm's verifier and pypi-attestations.
bench-evidence:
    cargo bench -p mcpsec-verify --bench evidence
    cargo build --release --workspace
    benches/compare/evidence.py --mcpsec target/release/mcpsec --fixture-registry target/release/fixture-registry --shared ../shared

# Lock and capture every server of the shared list, and compare the counts with those recorded there. Needs the registries.
captures:
    cargo build --release
    benches/compare/captures.py --mcpsec target/release/mcpsec --servers ../shared/servers/servers.json

# Time capture, sandbox, run, scan and warm verify beside bare programs (needs the registries once, for five servers).
bench-told:
    cargo build --release --workspace
    cargo bench --workspace --bench sandbox
    benches/compare/told.py --mcpsec target/release/mcpsec --shared ../shared

# 30,000 advisories against a closure of 500 packages: time and memory.
bench-advisories:
    benches/compare/advisories.sh

# How many real, benign upgrades raise a deny over their code? Needs the registries; nothing that is downloaded is run.
content-pairs scratch:
    cargo build --release
    benches/compare/content.py target/release/mcpsec ../shared/servers/servers.json "$HOME" {{scratch}}

# Strong signs in the code of real packages below a folder.
content-corpus folder:
    MCPSEC_CORPUS={{folder}} cargo test -p mcpsec-audit --lib strong_signs_of_real_code -- --ignored --nocapture

# Bills of materials of a closure of 442 packages: time.
bench-bills:
    cargo test --release -p mcpsec-report bills_are_quick -- --ignored --nocapture

# Licences, bans, sources.
deny:
    cargo deny --locked check licenses bans sources

ci:
    .ci/run
