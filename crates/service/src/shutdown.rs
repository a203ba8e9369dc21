//! The wish to stop, told to everyone at once and never missed by a late listener.

use tokio::sync::watch;

/// A handle that everyone who must stop holds; clones hear the same wish.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

/// Asks for the stop. Dropping it asks too, so a forgotten trigger cannot leave a server running.
#[derive(Debug)]
pub struct ShutdownTrigger(watch::Sender<bool>);

impl ShutdownTrigger {
    /// Asks everyone to stop; asking twice changes nothing.
    pub fn trigger(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// A stop under the caller's control, for tests and for programs that run sidecars in process.
    pub fn manual() -> (ShutdownTrigger, Self) {
        let (sender, receiver) = watch::channel(false);
        (ShutdownTrigger(sender), Self(receiver))
    }

    /// A stop asked for by SIGTERM or SIGINT. Needs a tokio runtime.
    pub fn on_signals() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (trigger, shutdown) = Self::manual();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => tracing::info!("SIGTERM received, draining"),
                _ = interrupt.recv() => tracing::info!("SIGINT received, draining"),
            }
            trigger.trigger();
        });
        Ok(shutdown)
    }

    /// Whether the stop has been asked for.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Waits until the stop is asked for; returns at once when it already was.
    pub async fn requested(&self) {
        // An error means the trigger is gone, which asks for the stop as well.
        let _ = self.0.clone().wait_for(|asked| *asked).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_late_listener_still_hears_the_wish() {
        let (trigger, shutdown) = Shutdown::manual();
        assert!(!shutdown.is_requested());
        trigger.trigger();
        shutdown.clone().requested().await;
        assert!(shutdown.is_requested());
    }

    #[tokio::test]
    async fn a_dropped_trigger_asks_for_the_stop() {
        let (trigger, shutdown) = Shutdown::manual();
        drop(trigger);
        shutdown.requested().await;
        assert!(shutdown.is_requested());
    }
}
