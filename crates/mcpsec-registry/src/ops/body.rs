//! The body of a request, held to progress: whoever sends nothing for too long is cut off, and what comes is counted.
use axum::body::Body;
use http_body_util::BodyExt as _;
use tower_http::timeout::TimeoutBody;

use crate::app::App;

/// A body that fails after `limits.idle` without a byte, counted from when the handler asks for more.
pub(super) fn steady(body: Body, app: &App) -> Body {
    let idle = app.config.limits.idle;
    let app = app.clone();
    Body::new(TimeoutBody::new(idle, body).map_frame(move |frame| {
        if let Some(data) = frame.data_ref() {
            app.metrics.received(data.len() as u64);
        }
        frame
    }))
}
