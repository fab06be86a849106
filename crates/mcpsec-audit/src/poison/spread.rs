//! Long lists of texts are judged on several cores. Answers do not depend on how many there are.
use std::{num::NonZero, panic, thread};

/// Fewer than so many are not worth a thread.
const WORTH: usize = 128;
/// More than so many threads only wait for memory.
const MOST: usize = 8;

/// Does something with every part of a list; answers come in the order of the list.
pub(super) fn spread<T: Sync, R: Send>(all: &[T], each: impl Fn(&[T]) -> Vec<R> + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    on(cores.min(MOST).min(all.len() / WORTH), all, each)
}

fn on<T: Sync, R: Send>(threads: usize, all: &[T], each: impl Fn(&[T]) -> Vec<R> + Sync) -> Vec<R> {
    if threads < 2 {
        return each(all);
    }
    let each = &each;
    thread::scope(|scope| {
        let parts = all.chunks(all.len().div_ceil(threads).max(1));
        let started: Vec<_> = parts.map(|part| scope.spawn(move || each(part))).collect();
        // A panic of a part is the caller's, as it would be on one core.
        started.into_iter().flat_map(|part| part.join().unwrap_or_else(|why| panic::resume_unwind(why))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_and_the_order_stays() {
        let twice = |part: &[usize]| part.iter().map(|number| number * 2).collect::<Vec<_>>();
        for length in [0, 1, 2, 7, 8, 1000, 1001] {
            let all: Vec<usize> = (0..length).collect();
            for threads in [0, 1, 2, 3, 8] {
                assert_eq!(on(threads, &all, twice), twice(&all), "{length} on {threads}");
            }
            assert_eq!(spread(&all, twice), twice(&all));
        }
    }
}
