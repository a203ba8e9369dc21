//! The gateway's log. Never a token, a body or a whole header: only names, codes and counts.

use proxy_wasm::hostcalls;
use proxy_wasm::types::LogLevel;

/// Something an operator may want to know about a healthy gateway.
pub fn info(message: &str) {
    write(LogLevel::Info, message);
}

/// Something that is not as it should be and that the filter copes with.
pub fn warn(message: &str) {
    write(LogLevel::Warn, message);
}

/// Something that somebody must repair.
pub fn error(message: &str) {
    write(LogLevel::Error, message);
}

fn write(level: LogLevel, message: &str) {
    // There is nowhere to report a log that does not log.
    let _ = hostcalls::log(level, message);
}
