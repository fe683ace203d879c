//! Any bytes read as a file of tensors or of a network, of whatever format they seem to be: safetensors, npy, npz,
//! PyTorch's, MATLAB's, HDF5, ONNX, Caffe's, `.t7`. An answer or an error, never a crash, a hang or large memory.
//!
//! `cargo +nightly fuzz run models -- -rss_limit_mb=1024 -max_len=65536`
#![no_main]

use libfuzzer_sys::fuzz_target;
use rekindle::models::{self, inspect::inspect};
use rekindle::tensor::storage;

fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("rekindle-fuzz-{}", std::process::id()));
    std::fs::write(&path, bytes).expect("room for a file");
    let before = storage::live_bytes();
    let _ = models::load(&path);
    let _ = inspect(&path);
    let grown = storage::live_bytes().saturating_sub(before);
    assert!(grown <= 1100 * bytes.len() + (1 << 20), "{grown} bytes for a file of {}", bytes.len());
});
