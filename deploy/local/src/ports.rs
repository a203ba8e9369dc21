//! Binding a port, with an error that names the port and who wanted it.

use std::net::SocketAddr;

use tokio::net::TcpListener;

/// Binds `address` for `what`.
///
/// # Errors
/// When the address is taken or not permitted: the message names the port and what it was for.
pub async fn bind(what: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let port = address.port();
        anyhow::anyhow!("port {port}, wanted by {what}, cannot be used on {}: {error}", address.ip())
    })
}

/// Finds out early that a port which a child will bind is free, so that the error can name it.
///
/// # Errors
/// As [`bind`].
pub async fn expect_free(what: &str, address: SocketAddr) -> anyhow::Result<()> {
    bind(what, address).await.map(drop)
}
