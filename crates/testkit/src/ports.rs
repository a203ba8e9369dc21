//! Free ports on loopback.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// A TCP port on 127.0.0.1 that was free a moment ago. Another program may take it before its user does; whoever
/// starts a server on it should be ready to try another.
pub fn free() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}

/// True as soon as something accepts connections on `127.0.0.1:port`, false if nothing does for `patience`.
/// `still_worth_it` ends the waiting early, such as when the server's process is gone.
pub fn wait_open(port: u16, patience: Duration, mut still_worth_it: impl FnMut() -> bool) -> bool {
    const STEP: Duration = Duration::from_millis(20);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    for _ in 0..patience.as_millis() / STEP.as_millis() {
        if TcpStream::connect_timeout(&address, STEP).is_ok() {
            return true;
        }
        if !still_worth_it() {
            return false;
        }
        std::thread::sleep(STEP);
    }
    false
}
