//! Any bytes read as a `.t7` file: an object or an error that tells where, never a crash, a hang or large memory.
//!
//! `cargo +nightly fuzz run t7 -- -rss_limit_mb=1024 -max_len=4096`
#![no_main]

use libfuzzer_sys::fuzz_target;
use rekindle::Host;
use rekindle::tensor::storage;

thread_local! {
    static HOST: Host = Host::new().expect("a host");
}

/// The leak detector does not follow the references of a living Lua state, and takes what they lead to for lost.
#[unsafe(no_mangle)]
pub extern "C" fn __lsan_is_turned_off() -> std::ffi::c_int {
    1
}

fuzz_target!(|bytes: &[u8]| {
    HOST.with(|host| {
        let before = storage::live_bytes();
        host.probe_t7(bytes).expect("messages tell the position");
        let grown = storage::live_bytes().saturating_sub(before);
        assert!(grown <= 64 * bytes.len() + 65_536, "{grown} bytes for a file of {}", bytes.len());
    });
});
