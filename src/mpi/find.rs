//! Which launcher started this process, and where its library may be.

use super::abi::Family;
use std::env;
use std::path::{Path, PathBuf};

/// What a launcher left in the environment.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The variable that told of it.
    pub variable: &'static str,
    /// Its family, where the variable is that of one.
    pub family: Option<Family>,
    /// How many processes it started.
    pub size: Option<usize>,
}

/// Variables that launchers set, and whose they are.
const VARIABLES: [(&str, Option<Family>, &str); 5] = [
    ("OMPI_COMM_WORLD_RANK", Some(Family::OpenMpi), "OMPI_COMM_WORLD_SIZE"),
    ("MV2_COMM_WORLD_RANK", Some(Family::Mpich), "MV2_COMM_WORLD_SIZE"),
    ("PMI_RANK", Some(Family::Mpich), "PMI_SIZE"),
    ("PMIX_RANK", None, ""),
    ("ALPS_APP_PE", Some(Family::Mpich), ""),
];

/// The library that the user names, by a path.
pub const VARIABLE: &str = "REKINDLE_MPI";

/// The launcher that started this process; none where it was started by hand.
pub fn launcher() -> Option<Launcher> {
    VARIABLES.iter().find_map(|&(variable, family, size)| {
        env::var_os(variable)?;
        let size = env::var(size).ok().and_then(|s| s.trim().parse().ok());
        Some(Launcher { variable, family, size })
    })
}

/// The names of libraries, those of the family first.
fn names(family: Option<Family>) -> Vec<&'static str> {
    let of = |family: Family| -> &'static [&'static str] {
        match (family, cfg!(target_os = "macos")) {
            (Family::OpenMpi, false) => &["libmpi.so.40", "libmpi.so.80"],
            (Family::OpenMpi, true) => &["libmpi.40.dylib", "libmpi.80.dylib"],
            (Family::Mpich, false) => &["libmpi.so.12", "libmpich.so.12", "libmpi_cray.so"],
            (Family::Mpich, true) => &["libmpi.12.dylib", "libpmpi.12.dylib"],
            (Family::Standard, false) => &["libmpi_abi.so.1", "libmpi_abi.so.0"],
            (Family::Standard, true) => &["libmpi_abi.1.dylib", "libmpi_abi.0.dylib"],
        }
    };
    let plain: &[&str] = if cfg!(target_os = "macos") { &["libmpi.dylib"] } else { &["libmpi.so"] };
    let own = family.map_or(&[][..], of);
    let others = [Family::OpenMpi, Family::Mpich, Family::Standard].into_iter().filter(|f| Some(*f) != family);
    own.iter().chain(plain).copied().chain(others.flat_map(|f| of(f).iter().copied())).collect()
}

/// The folders beside the programs that start processes: `lib` next to `bin`.
fn folders() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = vec![];
    let mut beside = |program: &Path| {
        let Some(root) = program.parent().and_then(Path::parent) else { return };
        for lib in ["lib", "lib64"] {
            let folder = root.join(lib);
            if folder.is_dir() && !found.contains(&folder) {
                found.push(folder);
            }
        }
    };
    // the process that started this one is the launcher, or its helper on this machine
    #[cfg(target_os = "linux")]
    if let Ok(program) = std::fs::read_link(format!("/proc/{}/exe", std::os::unix::process::parent_id())) {
        beside(&program);
    }
    for folder in env::var_os("PATH").iter().flat_map(env::split_paths) {
        for name in ["mpirun", "mpiexec"] {
            let program = folder.join(name);
            if program.is_file() {
                beside(&program);
                if let Ok(program) = program.canonicalize() {
                    beside(&program);
                }
            }
        }
    }
    found
}

/// Where the library may be, the likeliest place first: what the user names, and that alone; beside the launcher; where the
/// system looks.
pub fn candidates(family: Option<Family>) -> Vec<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE).filter(|v| !v.is_empty()) {
        return vec![named.into()];
    }
    let folders = folders();
    let names = names(family);
    let beside = names.iter().flat_map(|name| folders.iter().map(move |f| f.join(name)).filter(|p| p.exists()));
    beside.chain(names.iter().map(PathBuf::from)).collect()
}
