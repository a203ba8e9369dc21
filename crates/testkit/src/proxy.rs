//! A TCP proxy that cuts a connection at a chosen word.
//!
//! What a client can know after losing its connection depends on which side of the loss the server's work fell; a
//! killed server shows one side or the other by chance, this shows both on purpose.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Where to cut.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// The client's message with this word never reaches the server.
    Before(&'static str),
    /// The server gets the client's message with this word and answers it; the answer never reaches the client.
    After(&'static str),
}

/// A proxy on a free port of 127.0.0.1. Its connections end with the runtime it was started on.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    cut: Arc<Mutex<Option<Cut>>>,
}

impl Proxy {
    /// Starts forwarding to `127.0.0.1:target`.
    pub async fn start(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let cut = Arc::new(Mutex::new(None));
        let armed = Arc::clone(&cut);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A server that is away looks to the client like a connection closed at once.
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else { continue };
                tokio::spawn(forward(client, server, Arc::clone(&armed)));
            }
        });
        Self { port, cut }
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts one connection, the first on which the word passes.
    pub fn cut_once(&self, cut: Cut) {
        *self.cut.lock().expect("not poisoned") = Some(cut);
    }
}

async fn forward(client: TcpStream, server: TcpStream, armed: Arc<Mutex<Option<Cut>>>) {
    let (from_client, mut to_client) = client.into_split();
    let (mut from_server, to_server) = server.into_split();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    // Hands both halves back when it is stopped, so that the client hears nothing more.
    let answers = tokio::spawn(async move {
        tokio::select! {
            _ = copy(&mut from_server, &mut to_client) => {}
            _ = stopped => {}
        }
        (from_server, to_client)
    });
    match requests(from_client, to_server, &armed).await {
        Some((Cut::After(_), mut to_server, message)) => {
            let _ = stop.send(());
            let Ok((mut from_server, _unheard)) = answers.await else { return };
            let _ = to_server.write_all(&message).await;
            let _ = from_server.read(&mut [0; 64]).await;
        }
        Some((Cut::Before(_), ..)) => answers.abort(),
        None => {
            let _ = answers.await;
        }
    }
}

/// Forwards until the client is done (None) or a message is to be cut, which is then not yet forwarded.
async fn requests(
    mut from_client: OwnedReadHalf,
    mut to_server: OwnedWriteHalf,
    armed: &Mutex<Option<Cut>>,
) -> Option<(Cut, OwnedWriteHalf, Vec<u8>)> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from_client.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
        let message = &buffer[..length];
        let passes = |cut: &mut Cut| {
            let (Cut::Before(word) | Cut::After(word)) = *cut;
            message.windows(word.len()).any(|part| part == word.as_bytes())
        };
        let cut = armed.lock().expect("not poisoned").take_if(passes);
        if let Some(cut) = cut {
            return Some((cut, to_server, message.to_vec()));
        }
        to_server.write_all(message).await.ok()?;
    }
}
