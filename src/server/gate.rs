//! A bound on how many do the same thing at one time: the others wait for their turn, in the order in which they came.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many places, each held by a [`Permit`]. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug)]
struct Queue {
    free: usize,
    waiting: VecDeque<u64>,
    next: u64,
}

/// A place behind the gate, given back when dropped.
#[derive(Debug)]
pub struct Permit(Gate);

impl Gate {
    /// A gate with so many places.
    pub fn new(places: usize) -> Self {
        let queue = Mutex::new(Queue { free: places, waiting: VecDeque::new(), next: 0 });
        Self(Arc::new(Inner { queue, changed: Condvar::new() }))
    }

    /// Waits up to `patience` for a place; none if there was none in that time.
    pub fn enter(&self, patience: Duration) -> Option<Permit> {
        let mut queue = self.lock();
        let turn = queue.next;
        queue.next += 1;
        queue.waiting.push_back(turn);
        let is_early = |queue: &mut Queue| queue.free == 0 || queue.waiting.front() != Some(&turn);
        let waited = self.0.changed.wait_timeout_while(queue, patience, is_early);
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        let has_place = !is_early(&mut queue);
        queue.waiting.retain(|other| *other != turn);
        queue.free -= usize::from(has_place);
        drop(queue);
        // Whoever is next may go on if there is a place left, or if this one has given up.
        self.0.changed.notify_all();
        has_place.then(|| Permit(self.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.lock().free += 1;
        self.0.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn no_more_enter_than_there_are_places() {
        let gate = Gate::new(2);
        let first = gate.enter(Duration::ZERO).unwrap();
        let second = gate.enter(Duration::ZERO);
        assert!(second.is_some() && gate.enter(Duration::ZERO).is_none());
        drop(first);
        assert!(gate.enter(Duration::ZERO).is_some());
    }

    #[test]
    fn who_came_first_enters_first() {
        let gate = Gate::new(1);
        let held = gate.enter(Duration::ZERO);
        let order = Arc::new(Mutex::new(Vec::new()));
        let waiting: Vec<_> = (0..3)
            .map(|number| {
                let (waiting, order) = (gate.clone(), Arc::clone(&order));
                let thread = thread::spawn(move || {
                    let _permit = waiting.enter(Duration::from_secs(60)).unwrap();
                    order.lock().unwrap().push(number);
                });
                while gate.lock().waiting.len() <= number {
                    thread::yield_now();
                }
                thread
            })
            .collect();
        assert!(gate.enter(Duration::ZERO).is_none(), "nobody overtakes those who wait");
        drop(held);
        waiting.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(*order.lock().unwrap(), [0, 1, 2]);
    }
}
