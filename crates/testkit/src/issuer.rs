//! A Keycloak-shaped issuer inside the test process.

use std::sync::OnceLock;

use jobzy_local::issuer::IssuerConfig;
use jobzy_service::clock::Clock;

pub use jobzy_local::issuer::{AUDIENCE, DEMO_PASSWORD, Issuer};

/// The secret of every service client of [`shared`].
pub const SERVICE_SECRET: &str = "secret-of-a-test-client";

/// The demo realm with the service clients `jobzy-<service>`, started by whoever asks first.
///
/// It runs on a thread and runtime of its own: a test's runtime ends with the test, and making the RSA keys takes too
/// long to do it for each.
///
/// # Panics
/// When it cannot start.
pub fn shared() -> &'static Issuer {
    static SHARED: OnceLock<Issuer> = OnceLock::new();
    SHARED.get_or_init(|| {
        let (sender, issuer) = std::sync::mpsc::channel();
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be built").block_on(async move {
                let services = ["booking", "correlation", "payment", "pricing"];
                let demo = IssuerConfig::demo(([127, 0, 0, 1], 0).into());
                let config = services.iter().fold(demo, |config, service| {
                    config.with_service(&format!("jobzy-{service}"), SERVICE_SECRET)
                });
                let issuer = Issuer::start(config, Clock::system()).await.expect("the issuer starts");
                if sender.send(issuer).is_ok() {
                    std::future::pending::<()>().await;
                }
            });
        };
        std::thread::Builder::new().name("issuer".to_owned()).spawn(serve).expect("a thread can be started");
        issuer.recv().expect("the issuer started")
    })
}
