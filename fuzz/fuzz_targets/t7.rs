//! Any bytes read as a `.t7` file: an object or an error that tells where, never a crash, a hang or large memory.
//!
//! `cargo +nightly fuzz run t7 -- -rss_limit_mb=1024 -max_len=4096 -detect_leaks=0`: the leak detector does not follow the
//! references of a living Lua state.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rekindle::Host;
use rekindle::tensor::storage;

thread_local! {
    static HOST: Host = Host::new().expect("a host");
}

fuzz_target!(|bytes: &[u8]| {
    HOST.with(|host| {
        let before = storage::live_bytes();
        host.probe_t7(bytes).expect("messages tell the position");
        let grown = storage::live_bytes().saturating_sub(before);
        assert!(grown <= 64 * bytes.len() + 65_536, "{grown} bytes for a file of {}", bytes.len());
    });
});
