//! A lock-free stack that is only ever taken as a whole: no node is popped while others look at
//! it, so it needs neither versions nor a lock that an interrupted thread could leave held.

use crate::sync::atomic::{AtomicPtr, Ordering};
use std::ptr;

/// The stack.
pub struct Stack<T> {
    head: AtomicPtr<Node<T>>,
}

struct Node<T> {
    value: T,
    next: *mut Node<T>,
}

// SAFETY: a value is reachable by one thread at a time: its pusher until the exchange, then the
// thread that took the whole stack.
unsafe impl<T: Send> Sync for Stack<T> {}

impl<T> Stack<T> {
    /// An empty stack.
    #[cfg(not(loom))]
    pub const fn new() -> Stack<T> {
        Stack { head: AtomicPtr::new(ptr::null_mut()) }
    }

    #[cfg(loom)]
    pub fn new() -> Stack<T> {
        Stack { head: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Whether there was nothing in it a moment ago.
    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::Relaxed).is_null()
    }

    /// Adds a value.
    pub fn push(&self, value: T) {
        let node = Box::into_raw(Box::new(Node { value, next: ptr::null_mut() }));
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: the node is ours alone until the exchange publishes it.
            unsafe { (*node).next = head };
            match self.head.compare_exchange_weak(head, node, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Takes all values, the last pushed first.
    pub fn take(&self) -> Vec<T> {
        let mut node = self.head.swap(ptr::null_mut(), Ordering::SeqCst);
        let mut values = Vec::new();
        while !node.is_null() {
            // SAFETY: the swap made this thread the only owner of the whole chain, whose nodes
            // all come from `Box::into_raw` in `push`.
            let taken = unsafe { Box::from_raw(node) };
            node = taken.next;
            values.push(taken.value);
        }
        values
    }
}

// A model that fails would drop it outside of the model.
#[cfg(not(loom))]
impl<T> Drop for Stack<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}
