//! The counters of a stream. Each is added to by whoever holds its direction and read by anybody.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub enum Count {
    /// Octets received from the system.
    Received,
    /// Octets handed to the system.
    Sent,
    /// Malformed sequences that were read as replacement characters.
    ReplacedInput,
    /// Characters that were written as a replacement.
    ReplacedOutput,
}

/// The counters, and what they counted when they were last set.
#[derive(Debug, Default)]
pub struct Counts {
    counted: [AtomicU64; 4],
    start: [AtomicU64; 4],
}

impl Counts {
    /// Adds to a count whose direction the caller holds.
    #[inline]
    pub fn add(&self, which: Count, more: usize) {
        if let Some(count) = self.counted.get(which as usize) {
            count.store(count.load(Ordering::Relaxed).wrapping_add(more as u64), Ordering::Relaxed);
        }
    }

    /// What was counted since the count was last set, on top of what it was set to.
    pub fn get(&self, which: Count) -> u64 {
        let value =
            |of: &[AtomicU64; 4]| of.get(which as usize).map_or(0, |count| count.load(Ordering::Relaxed));
        value(&self.counted).wrapping_sub(value(&self.start))
    }

    /// Sets a count. What is counted meanwhile is not lost.
    pub fn set(&self, which: Count, value: u64) {
        let places = self.counted.get(which as usize).zip(self.start.get(which as usize));
        if let Some((counted, start)) = places {
            start.store(counted.load(Ordering::Relaxed).wrapping_sub(value), Ordering::Relaxed);
        }
    }
}
