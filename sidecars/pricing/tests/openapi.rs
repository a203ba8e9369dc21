//! The description of the API describes this API.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

mod common;

use jobzy_testkit::both_databases;
use jobzy_testkit::openapi::assert_lists_the_routes;

#[test]
fn the_description_lists_the_routes() {
    assert_lists_the_routes(jobzy_sidecar_pricing::OPENAPI, include_str!("../src/lib.rs"));
}

#[tokio::test]
async fn the_description_is_served_and_the_service_is_well() {
    both_databases(|url| async move {
        let sidecar = common::start(&url).await;
        let reply = sidecar.get("/openapi.json", &[]).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
        assert_eq!(reply.text(), jobzy_sidecar_pricing::OPENAPI);
        for path in ["/health/live", "/health/ready"] {
            assert_eq!(sidecar.get(path, &[]).await.status, 200, "{path}");
        }
        common::assert_refused(&sidecar.get("/api/v1/pricing/nothing", &[]).await, 404, "not-found");
    })
    .await;
}
