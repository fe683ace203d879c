//! The running process and its machine: folders, names, time.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs, process, thread};

/// The current folder.
///
/// # Errors
/// When it no longer exists or may not be read.
pub fn cwd() -> Result<PathBuf, String> {
    env::current_dir().map_err(|e| format!("the current folder: {e}"))
}

/// The folder in which the running program lies; `None` where the system does not tell.
#[must_use]
pub fn execdir() -> Option<PathBuf> {
    env::current_exe().ok()?.parent().map(PathBuf::from)
}

/// The user's home folder; `None` where the environment names none.
#[must_use]
pub fn home() -> Option<PathBuf> {
    env::home_dir().filter(|p| !p.as_os_str().is_empty())
}

/// The system's name as `uname -s` writes it, the name of this machine (empty where unknown), and its processor.
#[must_use]
pub fn uname() -> (String, String, String) {
    let system = match env::consts::OS {
        "linux" => "Linux",
        "macos" => "Darwin",
        "windows" => "Windows",
        "freebsd" => "FreeBSD",
        other => other,
    };
    let host = fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| env::var("HOSTNAME").ok())
        .or_else(|| env::var("COMPUTERNAME").ok())
        .unwrap_or_default();
    (system.to_owned(), host.trim().to_owned(), env::consts::ARCH.to_owned())
}

/// A name in the folder of temporary files that no file has at this moment. Nothing is created.
#[must_use]
pub fn tmpname() -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let folder = env::temp_dir();
    loop {
        // process, time and count together keep two programs, and two calls, apart
        let name = format!(
            "lua_{:x}_{:x}_{:x}",
            process::id(),
            since_epoch().subsec_nanos(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = folder.join(name);
        if fs::symlink_metadata(&path).is_err() {
            return path;
        }
    }
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Seconds since 1970, with fractions.
#[must_use]
pub fn clock() -> f64 {
    since_epoch().as_secs_f64()
}

/// Waits. Negative and undefined times do not wait at all, endless ones for as long as a clock can tell.
pub fn sleep(seconds: f64) {
    if seconds > 0.0 {
        thread::sleep(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_names_are_new() {
        let (a, b) = (tmpname(), tmpname());
        assert!(a != b && !a.exists() && !b.exists());
    }

    #[test]
    fn the_clock_runs_and_sleep_waits() {
        let before = clock();
        sleep(0.005);
        sleep(-1.0);
        sleep(f64::NAN);
        assert!(before > 1e9 && clock() - before >= 0.004);
    }

    #[test]
    fn the_machine_has_names() {
        let (system, _, machine) = uname();
        assert!(!system.is_empty() && !machine.is_empty());
        assert!(execdir().is_some_and(|d| d.is_dir()));
        assert!(cwd().is_ok_and(|d| d.is_absolute()));
    }
}
