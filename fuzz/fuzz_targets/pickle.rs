//! Any bytes read as a pickle and as a text of protocol buffers, which files of PyTorch and Caffe hold.
//!
//! `cargo +nightly fuzz run pickle -- -rss_limit_mb=1024 -max_len=4096`
#![no_main]

use libfuzzer_sys::fuzz_target;
use rekindle::models::{pickle, prototxt};

fuzz_target!(|bytes: &[u8]| {
    if let Ok((tree, used)) = pickle::read(bytes) {
        assert!(used <= bytes.len() && tree.len() <= bytes.len() + 1);
        let _ = tree.tensors();
    }
    let _ = prototxt::parse(bytes);
});
