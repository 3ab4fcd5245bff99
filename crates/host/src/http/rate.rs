//! How often one user may start and deliver.
//!
//! A user has so many requests a minute, at once or one after another; who has used them up waits for the next. It is counted by this host alone,
//! so several hosts let through as many times more.
//!
//! Invariant: the table has so many users at most. Only users whom the application has signed in are in it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::problem::Problem;
use crate::storage::UserId;

/// The most users that are counted at a time.
const MOST_USERS: usize = 10_000;
/// The time that the number of requests is for.
const SPAN: Duration = Duration::from_mins(1);

/// So many requests a minute for each user.
#[derive(Clone, Debug)]
pub(crate) struct RateLimit {
    /// What one request takes of the minute.
    cost: Duration,
    /// Until when each user has used the time up.
    used_until: Arc<Mutex<HashMap<UserId, Instant>>>,
}

impl RateLimit {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { cost: SPAN / per_minute.max(1), used_until: Arc::default() }
    }

    /// Counts a request of this user, or refuses it.
    pub(crate) fn admit(&self, user: &UserId) -> Result<(), Problem> {
        self.admit_at(user, Instant::now()).map_err(Problem::too_many_requests)
    }

    /// Or how long to wait.
    fn admit_at(&self, user: &UserId, now: Instant) -> Result<(), Duration> {
        let mut users = self.used_until.lock().unwrap_or_else(PoisonError::into_inner);
        let used_until = users.get(user).copied().unwrap_or(now).max(now) + self.cost;
        let over = used_until.saturating_duration_since(now + SPAN);
        if !over.is_zero() {
            return Err(over);
        }
        if users.len() >= MOST_USERS && !users.contains_key(user) {
            users.retain(|_, used_until| *used_until > now);
            if users.len() >= MOST_USERS {
                // So many at once: everybody begins anew.
                users.clear();
            }
        }
        users.insert(user.clone(), used_until);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_so_many_requests_a_minute_and_others_have_their_own() {
        let limit = RateLimit::new(3);
        let (anna, berta) = (UserId::new("anna"), UserId::new("berta"));
        let now = Instant::now();
        for _ in 0..3 {
            assert_eq!(limit.admit_at(&anna, now), Ok(()));
        }
        assert_eq!(limit.admit_at(&anna, now), Err(Duration::from_secs(20)));
        assert_eq!(limit.admit_at(&berta, now), Ok(()));
        let later = now + Duration::from_secs(20);
        assert_eq!(limit.admit_at(&anna, later), Ok(()), "a refused request costs nothing");
        assert!(limit.admit_at(&anna, later).is_err());
    }

    #[test]
    fn the_table_does_not_grow_without_end() {
        let limit = RateLimit::new(3);
        let now = Instant::now();
        for number in 0..=MOST_USERS {
            assert_eq!(limit.admit_at(&UserId::new(number.to_string()), now), Ok(()));
        }
        assert!(limit.used_until.lock().unwrap().len() <= MOST_USERS);
    }
}
