//! The small HTTP pieces that the issuer, the sandbox, the stack and the tour share.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A server task that ends when this is dropped.
#[derive(Debug)]
pub struct Listening(JoinHandle<()>);

impl Listening {
    /// Serves `router` on `listener` until dropped.
    pub fn serve(listener: TcpListener, router: Router) -> Self {
        Self(tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "a local server ended");
            }
        }))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Parses `application/x-www-form-urlencoded`; of a repeated name the first value counts.
pub fn parse_form(body: &[u8]) -> HashMap<String, String> {
    let mut form = HashMap::new();
    for (name, value) in form_urlencoded::parse(body) {
        form.entry(name.into_owned()).or_insert_with(|| value.into_owned());
    }
    form
}

/// A plain HTTP/1.1 client for loopback.
#[derive(Debug, Clone)]
pub struct LoopbackClient(Client<HttpConnector, Full<Bytes>>);

impl Default for LoopbackClient {
    fn default() -> Self {
        Self::new()
    }
}

impl LoopbackClient {
    /// A client with an empty pool.
    #[must_use]
    pub fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    /// Sends one request and reads the whole answer, within `timeout`.
    ///
    /// # Errors
    /// When no whole answer came in time; the message names the method and the address.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        timeout: Duration,
    ) -> anyhow::Result<Response<Bytes>> {
        let what = format!("{} {}", request.method(), request.uri());
        let exchange = async {
            let (parts, body) = self.0.request(request).await?.into_parts();
            anyhow::Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
        };
        let answer = tokio::time::timeout(timeout, exchange).await;
        answer.with_context(|| format!("{what}: no answer within {timeout:?}"))?.with_context(|| what)
    }
}

#[cfg(test)]
mod tests {
    use super::parse_form;

    #[test]
    fn a_form_is_decoded_and_the_first_of_a_repeated_name_counts() {
        let form = parse_form(b"grant_type=password&username=a%40b&password=x+y&username=second&empty");
        assert_eq!(form["username"], "a@b");
        assert_eq!(form["password"], "x y");
        assert_eq!(form["empty"], "");
    }
}
