//! Values that may be changed while the host runs: secrets whose files were changed.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

/// A value that all its clones share. Who works with it takes it anew each time.
#[derive(Clone)]
pub(crate) struct Live<T>(Arc<RwLock<T>>);

impl<T: Clone> Live<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(RwLock::new(value)))
    }

    pub(crate) fn get(&self) -> T {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, value: T) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = value;
    }

    /// Takes over what `other` has now.
    pub(crate) fn follow(&self, other: &Self) {
        self.set(other.get());
    }
}

/// No secret shows in a log.
impl<T> fmt::Debug for Live<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Live(***)")
    }
}
