//! Jobzy edge on one machine: an issuer shaped like Keycloak, a stateful Stripe sandbox, the four
//! sidecars and a real Envoy with the compiled filters, all on loopback.
//!
//! * [`issuer`]: discovery, a key set that rotates, password and client-credentials grants;
//! * [`stripe`]: payment intents, refunds and signed webhooks with Stripe's own rules;
//! * [`stack`]: starts everything, watches it, and ends it;
//! * [`http`]: the small client and server pieces they share;
//! * [`tour`]: one job from price quote to paid invoice through the gateway, and what must fail.
//!
//! Nothing here is for production: the users are demo users with a public password, the money is
//! play money, and every listener is bound to a loopback address.

pub mod http;
pub mod issuer;
pub mod stack;
pub mod stripe;
pub mod tour;

mod ports;
