//! How much memory there is to be had.

use super::error::{Error, Kind, Result};
use std::sync::OnceLock;

/// Bytes of memory that the machine can give to all processes, swap included; the largest number where it does not tell.
///
/// Systems promise more memory than they have, and end the process that uses it; a tensor that cannot be held is an
/// error instead.
pub fn bytes() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(|| {
        let told = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
        let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
        let limit = limits.iter().find_map(|file| std::fs::read_to_string(file).ok()?.trim().parse().ok());
        told.unwrap_or(usize::MAX).min(limit.unwrap_or(usize::MAX))
    })
}

/// Demands that a tensor of these sizes can be held at all: for kernels that prepare something by size before they make
/// their result.
///
/// # Errors
/// More memory than the machine has.
pub fn demand<T>(sizes: &[usize]) -> Result<()> {
    let needed = sizes.iter().try_fold(size_of::<T>(), |bytes, &n| bytes.checked_mul(n));
    match needed.filter(|&n| n <= bytes()) {
        Some(_) => Ok(()),
        None => Err(Error::from(Kind::Memory { bytes: needed.unwrap_or(usize::MAX) })),
    }
}

/// Memory and swap of a `/proc/meminfo`, in bytes.
fn total(text: &str) -> Option<usize> {
    let kilobytes = |name: &str| -> Option<usize> {
        let line = text.lines().find_map(|l| l.strip_prefix(name))?;
        line.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse().ok()
    };
    Some((kilobytes("MemTotal")? + kilobytes("SwapTotal").unwrap_or(0)).saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_swap_are_added() {
        let text = "MemTotal:       24684084 kB\nMemFree:        1 kB\nSwapTotal:       1000 kB\n";
        assert_eq!(total(text), Some(24_685_084 * 1024));
        assert_eq!(total("MemTotal: 5 kB"), Some(5 * 1024));
        assert_eq!(total("nothing"), None);
        assert!(demand::<f64>(&[1 << 40, 1 << 10]).is_err() && demand::<f64>(&[1 << 40, 1 << 40]).is_err());
        assert!(demand::<f64>(&[1 << 10, 0, 2]).is_ok());
    }
}
