//! How much memory there is to be had.

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
    }
}
