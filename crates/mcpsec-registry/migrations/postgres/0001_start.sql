-- Whole schema of the first version. Times are seconds since 1970 (UTC); digests are words like `sha256:…` in hex.

-- One row: counts every change that readers must see; replicas compare it with what they have.
CREATE TABLE state (
    id          BIGINT PRIMARY KEY CHECK (id = 1),
    generation  BIGINT NOT NULL
);
INSERT INTO state (id, generation) VALUES (1, 0);

-- Server versions somebody pushed: a lock file of one server, word for word.
CREATE TABLE locks (
    digest      TEXT PRIMARY KEY,           -- sha256 of `text`
    server      TEXT NOT NULL,              -- name in mcp.toml
    version     TEXT NOT NULL,
    purl        TEXT NOT NULL,              -- of its own package
    text        TEXT NOT NULL,
    pushed_at   BIGINT NOT NULL,
    pushed_by   TEXT NOT NULL,              -- who, as the token or the JWT says
    requested   BIGINT NOT NULL,            -- 1: pushed for review, without approval
    reason      TEXT NOT NULL               -- why it is asked for; may be empty
);
CREATE INDEX locks_by_server ON locks (server, pushed_at);

-- Which files a lock consists of.
CREATE TABLE lock_files (
    lock        TEXT NOT NULL REFERENCES locks (digest) ON DELETE CASCADE,
    package     TEXT NOT NULL,              -- purl
    file        TEXT NOT NULL,
    digest      TEXT NOT NULL,              -- the strongest that the lock pins: what clients ask by
    sha256      TEXT NOT NULL,              -- may be empty: the lock does not say
    sha512      TEXT NOT NULL,              -- may be empty
    size        BIGINT NOT NULL,            -- -1: the lock does not say
    PRIMARY KEY (lock, package, file)
);
CREATE INDEX lock_files_by_sha256 ON lock_files (sha256);
CREATE INDEX lock_files_by_sha512 ON lock_files (sha512);

-- Files that arrived and whose bytes were hashed here. The bytes are in the blob store under sha256.
CREATE TABLE artifacts (
    sha256      TEXT PRIMARY KEY,
    sha512      TEXT NOT NULL UNIQUE,
    sha1        TEXT NOT NULL,              -- npm's shasum, for old clients; nothing trusts it
    size        BIGINT NOT NULL,
    arrived_at  BIGINT NOT NULL
);

-- What package managers ask before they ask for the file, read out of the file itself on arrival.
CREATE TABLE metadata (
    sha256      TEXT NOT NULL REFERENCES artifacts (sha256) ON DELETE CASCADE,
    kind        TEXT NOT NULL,              -- `npm` (package.json, cut down) or `pypi` (core metadata)
    body        TEXT NOT NULL,
    PRIMARY KEY (sha256, kind)
);

-- Evidence, as clients uploaded it; clients verify it, the server does not vouch for it.
CREATE TABLE evidence (
    package     TEXT NOT NULL,              -- purl
    file        TEXT NOT NULL,
    digest      TEXT NOT NULL,              -- which bytes it is about
    documents   TEXT NOT NULL,              -- JSON, `mcpsec_model::evidence::Documents`
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (package, file, digest)
);

-- The log: signed statements in order. Rows are never changed and never removed.
CREATE TABLE entries (
    seq         BIGINT PRIMARY KEY,         -- from 0, without gaps
    line        TEXT NOT NULL,              -- the line of the file form, without its line feed
    leaf        TEXT NOT NULL UNIQUE,       -- hex of the leaf hash (RFC 6962) of `line`: an entry is there once
    statement   TEXT NOT NULL UNIQUE,       -- hex of the sha256 of the signed statement: another signature on it says nothing new
    server      TEXT NOT NULL,              -- the server that it is about
    added_at    BIGINT NOT NULL,
    added_by    TEXT NOT NULL
);
CREATE INDEX entries_by_server ON entries (server, seq);

-- One row: how many entries there are. Appending writes here first, which makes appenders wait for each other.
CREATE TABLE log (
    id          BIGINT PRIMARY KEY CHECK (id = 1),
    size        BIGINT NOT NULL,
    root        TEXT NOT NULL,              -- hex of the root of the tree of that size
    key         TEXT NOT NULL               -- the key that signs its heads; empty until the first start
);
INSERT INTO log (id, size, root, key)
VALUES (1, 0, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', '');

-- Tokens: only a hash of each.
CREATE TABLE tokens (
    id          TEXT PRIMARY KEY,           -- the public half, shown in lists and in the audit table
    hash        TEXT NOT NULL,              -- sha256 of the secret half (256 random bits)
    name        TEXT NOT NULL,
    scopes      TEXT NOT NULL,              -- words with a space between
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    revoked_at  BIGINT NOT NULL             -- 0: it is not
);

-- Every write, and every refused one.
CREATE TABLE audit (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          BIGINT NOT NULL,
    request     TEXT NOT NULL,              -- request id, as in logs and answers
    actor       TEXT NOT NULL,
    action      TEXT NOT NULL,
    subject     TEXT NOT NULL,
    outcome     TEXT NOT NULL               -- `done` or why not
);
