//! The description of the API describes this API.

use jobzy_testkit::openapi::assert_lists_the_routes;

#[test]
fn the_description_lists_the_routes() {
    assert_lists_the_routes(jobzy_sidecar_booking::OPENAPI, include_str!("../src/lib.rs"));
}
