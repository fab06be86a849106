//! How the launcher's second half says which step failed.
use std::io;

use super::super::wire::Failure;

/// A step that failed.
#[derive(Debug)]
pub(super) struct Broke {
    step: String,
    source: io::Error,
    program: bool,
}

impl Broke {
    /// The stranger's program could not be executed, in a sandbox that was ready.
    pub(super) fn program(source: io::Error) -> Self {
        Self { step: "execute".to_owned(), source, program: true }
    }

    /// What another process of ours has said.
    pub(super) fn relayed(failure: Failure) -> Self {
        let Failure { step, errno, program } = failure;
        Self { step, source: io::Error::from_raw_os_error(errno), program }
    }

    /// As it goes to the parent.
    pub(super) fn failure(&self) -> Failure {
        let errno = self.source.raw_os_error().unwrap_or(match self.source.kind() {
            io::ErrorKind::NotFound => libc::ENOENT,
            io::ErrorKind::PermissionDenied => libc::EACCES,
            io::ErrorKind::Unsupported => libc::ENOSYS,
            _ => libc::EINVAL,
        });
        Failure { step: self.step.clone(), errno, program: self.program }
    }
}

/// Names the step that a result belongs to.
pub(super) trait Step<T> {
    /// The step, in words of ours.
    fn at(self, step: &str) -> Result<T, Broke>;
}

impl<T> Step<T> for io::Result<T> {
    fn at(self, step: &str) -> Result<T, Broke> {
        self.map_err(|source| Broke { step: step.to_owned(), source, program: false })
    }
}
