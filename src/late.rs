//! What few objects need, or all of them late: made when it is first used, one word until then.

use crate::sys;
use once_cell::race::OnceBox;
use std::ops::Deref;

/// A value that is made by default at its first use.
#[derive(Debug)]
pub struct Late<T>(OnceBox<T>);

impl<T> Late<T> {
    /// The value if it was used.
    #[inline]
    pub fn made(&self) -> Option<&T> {
        self.0.get()
    }
}

impl<T: Default> Deref for Late<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0.get_or_init(|| sys::not_left(Box::default))
    }
}

impl<T> Default for Late<T> {
    fn default() -> Late<T> {
        Late(OnceBox::new())
    }
}
