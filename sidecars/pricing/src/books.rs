//! The rate books in memory: the one in force, followed as other replicas publish, and old ones on demand.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use jobzy_pricing::RateBook;
use jobzy_service::clock::Clock;
use jobzy_store::Db;
use moka::future::Cache;

use crate::store::rate_books::{self, LoadError};

/// The first rate book of a new marketplace.
const SEED: &str = include_str!("../seed/rate-book.json");
/// How often the database is asked for a newer version. The gateway asks this service once a second, and
/// a published version must be in force there within two.
const POLL: Duration = Duration::from_millis(500);
/// Old versions in memory: those that quotes of the last day were made with.
const KEPT_OLD: u64 = 32;

/// A version ready to serve.
#[derive(Debug)]
pub struct Published {
    /// The checked book.
    pub book: RateBook,
    /// `{"version":N, ...}` as the gateway's cache reads it.
    pub json: Bytes,
}

/// Every rate book; clones share the memory.
#[derive(Clone, Debug)]
pub struct Books {
    db: Db,
    active: Arc<RwLock<Arc<Published>>>,
    old: Cache<u32, Arc<Published>>,
}

impl Books {
    /// Loads the newest version; publishes the seed as version 1 where there is none yet.
    ///
    /// # Errors
    /// When the database fails, or holds a book that this program does not understand.
    pub async fn open(db: Db, clock: &Clock) -> Result<Self, LoadError> {
        rate_books::seed(&db, SEED, clock.now()).await?;
        let newest = rate_books::newest(&db).await?;
        let active = Arc::new(RwLock::new(Arc::new(newest)));
        Ok(Self { db, active, old: Cache::new(KEPT_OLD) })
    }

    /// The version in force, as far as this process knows.
    #[must_use]
    pub fn active(&self) -> Arc<Published> {
        Arc::clone(&self.active.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A version by its number.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn version(&self, version: u32) -> Result<Option<Arc<Published>>, LoadError> {
        let active = self.active();
        if active.book.version() == version {
            return Ok(Some(active));
        }
        if let Some(known) = self.old.get(&version).await {
            return Ok(Some(known));
        }
        let loaded = rate_books::load(&self.db, version).await?.map(Arc::new);
        if let Some(loaded) = &loaded {
            self.old.insert(version, Arc::clone(loaded)).await;
        }
        Ok(loaded)
    }

    /// Looks for a newer version now.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn refresh(&self) -> Result<(), LoadError> {
        let newest = rate_books::newest_version(&self.db).await?;
        if newest == Some(self.active().book.version()) {
            return Ok(());
        }
        let newest = Arc::new(rate_books::newest(&self.db).await?);
        advance(&self.active, newest);
        Ok(())
    }

    /// Follows the newest version until `shutdown`.
    pub async fn watch(&self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        while tokio::time::timeout(POLL, &mut shutdown).await.is_err() {
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "the newest rate book cannot be read; the last one stays in force");
            }
        }
    }
}

/// Puts `newest` in force unless something newer is: two that refresh at once may arrive here in the other order than
/// they read.
fn advance(active: &RwLock<Arc<Published>>, newest: Arc<Published>) {
    let mut active = active.write().unwrap_or_else(PoisonError::into_inner);
    if newest.book.version() > active.book.version() {
        tracing::info!(version = newest.book.version(), "a rate book is in force");
        *active = newest;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, RwLock};

    use bytes::Bytes;
    use jobzy_pricing::RateBook;

    use super::{Published, SEED, advance};

    fn version(version: u32) -> Arc<Published> {
        let book = RateBook::parse(version, SEED.as_bytes()).unwrap();
        Arc::new(Published { book, json: Bytes::new() })
    }

    #[test]
    fn the_version_in_force_never_goes_back() {
        let active = RwLock::new(version(1));
        for (read, in_force) in [(3, 3), (2, 3), (3, 3), (4, 4)] {
            advance(&active, version(read));
            assert_eq!(active.read().unwrap().book.version(), in_force);
        }
    }
}
