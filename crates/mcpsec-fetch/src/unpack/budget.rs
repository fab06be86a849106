//! What unpacking may cost: bytes in, bytes out, and their ratio.
use std::{
    cell::{Cell, RefCell},
    io::{self, Read},
    rc::Rc,
};

use super::{Limits, problem::Problem};

/// Shared by the readers of one archive. A reader that hits a limit fails with an `io::Error` and leaves the reason here.
pub(super) struct Budget {
    limits: Limits,
    read: Cell<u64>,
    unpacked: Cell<u64>,
    failed: RefCell<Option<Problem>>,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Rc<Self> {
        Rc::new(Self { limits, read: Cell::new(0), unpacked: Cell::new(0), failed: RefCell::new(None) })
    }

    /// The reason of the failure, once.
    pub(super) fn failure(&self) -> Option<Problem> {
        self.failed.borrow_mut().take()
    }

    /// Whether so many unpacked bytes from so many packed ones are still no bomb.
    pub(super) fn judge(limits: &Limits, packed: u64, unpacked: u64) -> Result<(), Problem> {
        if unpacked > limits.total_bytes {
            return Err(Problem::TotalTooLarge { limit: limits.total_bytes });
        }
        if unpacked > limits.ratio_from && unpacked / packed.max(1) > limits.ratio {
            return Err(Problem::Ratio { limit: limits.ratio });
        }
        Ok(())
    }

    fn add_unpacked(&self, bytes: usize) -> io::Result<()> {
        self.unpacked.set(self.unpacked.get().saturating_add(bytes as u64));
        Self::judge(&self.limits, self.read.get(), self.unpacked.get()).map_err(|problem| {
            *self.failed.borrow_mut() = Some(problem);
            io::Error::other("limit reached")
        })
    }
}

/// Counts packed bytes.
pub(super) struct Packed<R> {
    pub(super) inner: R,
    pub(super) budget: Rc<Budget>,
}

impl<R: Read> Read for Packed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.budget.read.set(self.budget.read.get() + read as u64);
        Ok(read)
    }
}

/// Counts unpacked bytes and stops at the limits.
pub(super) struct Unpacked<R> {
    pub(super) inner: R,
    pub(super) budget: Rc<Budget>,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.budget.add_unpacked(read)?;
        Ok(read)
    }
}
