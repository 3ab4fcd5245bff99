//! What comes to its end when, the earliest first: looking costs as much as there is to end, however much is remembered.
//!
//! Invariant: whatever can end stands in the queue, at a time no later than its end. An end that is put off moves nothing here; it is found to be
//! put off when the old time comes, and stands again at the new one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Things by the time at which to look at them.
#[derive(Debug)]
pub(super) struct DueQueue<Id>(BinaryHeap<Reverse<(u64, Id)>>);

impl<Id: Ord> Default for DueQueue<Id> {
    fn default() -> Self {
        Self(BinaryHeap::new())
    }
}

impl<Id: Ord> DueQueue<Id> {
    /// Looks at it then.
    pub(super) fn add(&mut self, due_ms: u64, id: Id) {
        self.0.push(Reverse((due_ms, id)));
    }

    /// The next to look at, if it is time; it is in the queue no more.
    pub(super) fn take(&mut self, now_ms: u64) -> Option<Id> {
        let Reverse((due_ms, _)) = self.0.peek()?;
        if *due_ms > now_ms {
            return None;
        }
        self.0.pop().map(|Reverse((_, id))| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_comes_earliest_first_and_nothing_else_does() {
        let mut queue = DueQueue::default();
        for (due_ms, id) in [(30, "third"), (10, "first"), (20, "second")] {
            queue.add(due_ms, id);
        }
        assert_eq!(queue.take(9), None);
        assert_eq!((queue.take(20), queue.take(20), queue.take(20)), (Some("first"), Some("second"), None));
        assert_eq!((queue.take(u64::MAX), queue.take(u64::MAX)), (Some("third"), None));
    }
}
