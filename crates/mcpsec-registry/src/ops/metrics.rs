//! What is counted, in OpenMetrics text. Labels come from fixed lists (route patterns, methods, statuses), never from a request's own
//! words: their number is bounded.
use std::{sync::atomic::AtomicU64, time::Duration};

use axum::http::Method;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// Bounds of the classes of durations, in seconds: a page from memory to a long upload.
const SECONDS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0];

/// A kind of request.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Kind {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Route {
    route: String,
}

/// Why something was not done.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct What {
    what: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Status {
    status: &'static str,
}

/// Counters of this process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Kind, Counter>,
    durations: Family<Route, Histogram>,
    received: Counter,
    sent: Counter,
    in_flight: Gauge,
    connections: Gauge,
    refused: Family<What, Counter>,
    unavailable: Family<What, Counter>,
    releases: Family<Status, Gauge>,
    entries: Gauge,
    signers: Gauge,
    renewed: Gauge<f64, AtomicU64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("mcpsec_registry"),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            received: Counter::default(),
            sent: Counter::default(),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            refused: Family::default(),
            unavailable: Family::default(),
            releases: Family::default(),
            entries: Gauge::default(),
            signers: Gauge::default(),
            renewed: Gauge::default(),
        };
        let list = &mut metrics.registry;
        list.register("requests", "Requests answered", metrics.requests.clone());
        list.register("request_seconds", "Time until the head of the answer", metrics.durations.clone());
        list.register("received_bytes", "Bytes of request bodies read", metrics.received.clone());
        list.register("sent_bytes", "Bytes of answers whose length was known", metrics.sent.clone());
        list.register("in_flight", "Requests being worked on", metrics.in_flight.clone());
        list.register("connections", "Connections open", metrics.connections.clone());
        list.register("refused", "Requests and connections refused by a limit", metrics.refused.clone());
        list.register("unavailable", "Requests not done because a part did not answer", metrics.unavailable.clone());
        list.register("releases", "Pushed server versions by status", metrics.releases.clone());
        list.register("log_entries", "Entries of the log of approvals", metrics.entries.clone());
        list.register(
            "signers_current",
            "1: mcp-signers and the policy hold as they are; 0: unreadable",
            metrics.signers.clone(),
        );
        list.register(
            "catalog_renewed_timestamp_seconds",
            "When the catalog was last found or made current",
            metrics.renewed.clone(),
        );
        metrics
    }
}

impl Metrics {
    /// Counts an answer. `route` is the pattern that matched.
    pub(super) fn answered(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let kind = Kind { method: known(method), route: route.to_owned(), status };
        self.requests.get_or_create(&kind).inc();
        self.durations.get_or_create(&Route { route: kind.route }).observe(took.as_secs_f64());
    }

    /// Counts bytes of a request's body.
    pub(super) fn received(&self, bytes: u64) {
        self.received.inc_by(bytes);
    }

    /// Counts bytes of an answer.
    pub(super) fn sent(&self, bytes: u64) {
        self.sent.inc_by(bytes);
    }

    /// One more request, until the value is dropped.
    pub(super) fn working(&self) -> Held {
        Held::new(&self.in_flight)
    }

    /// One more connection, until the value is dropped.
    pub(super) fn connected(&self) -> Held {
        Held::new(&self.connections)
    }

    /// Counts what a limit refused.
    pub(super) fn refused(&self, what: &'static str) {
        self.refused.get_or_create(&What { what }).inc();
    }

    /// Counts what a part that does not answer prevented.
    pub(super) fn unavailable(&self, what: &'static str) {
        self.unavailable.get_or_create(&What { what }).inc();
    }

    /// When the catalog was last found or made current, in seconds since 1970.
    pub(super) fn renewed(&self, at: f64) {
        self.renewed.set(at);
    }

    /// How many releases there are of a status.
    pub(super) fn releases(&self, status: &'static str, count: usize) {
        self.releases.get_or_create(&Status { status }).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// How many entries the log has.
    pub(super) fn entries(&self, count: i64) {
        self.entries.set(count);
    }

    /// Whether what the operator's files say is what holds.
    pub(super) fn signers(&self, current: bool) {
        self.signers.set(i64::from(current));
    }

    /// All of it, as text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a text cannot fail.
        let _written = encode(&mut text, &self.registry);
        text
    }
}

/// Counted as long as it lives.
#[derive(Debug)]
pub(super) struct Held(Gauge);

impl Held {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A method may be any word; only those that mean something here are counted by name.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
