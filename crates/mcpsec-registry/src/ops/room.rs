//! Memory for answers that are held whole until the client has taken them: long locks and documents.
//!
//! Whoever asks for many at once and reads none would otherwise fill the machine: a lock may have 64 MiB. Files come in small pieces
//! and need none of this.
use axum::body::Body;
use bytes::Bytes;
use http::StatusCode;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::ApiError;

/// MiB in all: one lock of the greatest length, and half as much again.
const ALL: usize = 96;
static ROOM: Semaphore = Semaphore::const_new(ALL);
/// Answers up to this length, in bytes, are not counted: connections are limited, too.
const SMALL: u64 = 64 << 10;

/// Room for one answer, taken before it is read.
#[derive(Debug)]
pub struct Room {
    _permit: Option<SemaphorePermit<'static>>,
}

impl Room {
    /// For this many bytes.
    ///
    /// # Errors
    /// 503: others hold it all.
    pub fn take(bytes: u64) -> Result<Self, ApiError> {
        if bytes <= SMALL {
            return Ok(Self { _permit: None });
        }
        let mebibytes = usize::try_from(bytes.div_ceil(1 << 20)).unwrap_or(ALL).min(ALL);
        let permit = ROOM.try_acquire_many(u32::try_from(mebibytes).unwrap_or(u32::MAX)).map_err(|_| {
            ApiError { retry_after: Some(2), ..ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the server is busy") }
                .hint("too many long answers wait to be read; try again in a moment")
        })?;
        Ok(Self { _permit: Some(permit) })
    }

    /// The answer, which gives the room back when its last byte is sent.
    pub fn hold(self, answer: impl Into<Vec<u8>>) -> Body {
        Body::from(Bytes::from_owner(Held { answer: answer.into(), _room: self }))
    }
}

struct Held {
    answer: Vec<u8>,
    _room: Room,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.answer
    }
}
