//! Many processes: the built binary under real MPI, as launchers find it, and without any.
//!
//! Launchers are `mpiexec` in `bin` of the folders that REKINDLE_LAUNCHERS names, separated as in PATH, and of what is on the PATH.
//! Without one the tests say so and pass.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{env, fs};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

const TH: &str = env!("CARGO_BIN_EXE_th");

/// One test at a time: processes that wait for each other keep all cores busy.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An `mpiexec`.
struct Launcher {
    program: PathBuf,
    open_mpi: bool,
}

fn launchers() -> Vec<Launcher> {
    let named = env::var_os("REKINDLE_LAUNCHERS").unwrap_or_default();
    let named: Vec<PathBuf> = env::split_paths(&named).map(|p| p.join("bin")).collect();
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = if named.is_empty() { env::split_paths(&path).collect() } else { named };
    let mut found = vec![];
    for program in folders.into_iter().map(|f| f.join("mpiexec")).filter(|p| p.is_file()) {
        let Ok(out) = Command::new(&program).arg("--version").output() else { continue };
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        found.push(Launcher { program, open_mpi: text.contains("Open MPI") || text.contains("OpenRTE") });
    }
    if found.is_empty() {
        println!("no mpiexec is there (PATH, REKINDLE_LAUNCHERS): MPI is not tried");
    }
    found
}

impl Launcher {
    fn command(&self, n: usize) -> Command {
        let mut command = Command::new(&self.program);
        if self.open_mpi {
            command.args(["--allow-run-as-root", "--oversubscribe"]);
        }
        // more processes than cores: who waits gives way
        command.env("MPIR_CVAR_POLLS_BEFORE_YIELD", "1").env("OMPI_MCA_mpi_yield_when_idle", "1");
        // Open MPI's search for networks that are not there takes a second each time
        command.env("OMPI_MCA_btl", "^ofi");
        command.args(["-n", &n.to_string(), TH]);
        command
    }

    fn run(&self, n: usize, args: &[&str]) -> Output {
        self.command(n).args(args).output().expect("the launcher runs")
    }

    fn good(&self, n: usize, args: &[&str]) -> String {
        let out = self.run(n, args);
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let errors = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{} -n {n} th {args:?}: {text}{errors}", self.program.display());
        text
    }
}

fn script(name: &str) -> String {
    root().join("tests/lua/mpi").join(name).to_str().expect("a name in UTF-8").to_string()
}

/// A folder of a test's own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let dir = env::temp_dir().join(format!("rekindle-mpi-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a scratch folder");
        Scratch(dir)
    }
    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a name in UTF-8").to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn alone(args: &[&str]) -> Output {
    let mut command = Command::new(TH);
    // the tests themselves may run under a launcher
    for name in ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "MV2_COMM_WORLD_RANK", "ALPS_APP_PE", "REKINDLE_MPI"]
    {
        command.env_remove(name);
    }
    command.args(args).output().expect("th runs")
}

#[test]
fn one_process_answers_without_mpi() {
    let _turn = turn();
    for name in ["collectives.lua", "networks.lua"] {
        let out = alone(&[&script(name)]);
        let text = String::from_utf8_lossy(&out.stdout);
        let why = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success() && text.ends_with("all as it should be\n"), "{text}{why}");
    }
}

#[test]
fn a_missing_library_is_told_in_one_sentence() {
    let _turn = turn();
    let code = "require('torchmpi').start()";
    let out = Command::new(TH)
        .args(["-e", code])
        .env("PMI_RANK", "0")
        .env("REKINDLE_MPI", "/nowhere/libmpi.so")
        .output()
        .expect("th runs");
    let why = String::from_utf8_lossy(&out.stderr);
    assert!(!out.status.success() && why.contains("/nowhere/libmpi.so") && why.contains("PMI_RANK"), "{why}");
    // one of another kind
    let libm = ["/lib/x86_64-linux-gnu/libm.so.6", "/lib64/libm.so.6", "/lib/aarch64-linux-gnu/libm.so.6"];
    if let Some(libm) = libm.into_iter().find(|p| Path::new(p).is_file()) {
        let out = Command::new(TH)
            .args(["-e", code])
            .env("PMI_RANK", "0")
            .env("REKINDLE_MPI", libm)
            .output()
            .expect("th runs");
        let why = String::from_utf8_lossy(&out.stderr);
        assert!(!out.status.success() && why.contains("MPI_Init_thread"), "{why}");
    }
}

#[test]
fn collective_operations_give_plain_sums() {
    let _turn = turn();
    for launcher in launchers() {
        for n in [1, 2, 3, 4, 8] {
            let args = [script("collectives.lua"), "large".into()];
            let args: Vec<&str> = args.iter().take(if n == 2 { 2 } else { 1 }).map(String::as_str).collect();
            assert!(launcher.good(n, &args).ends_with("all as it should be\n"));
        }
        // the binary interface of MPI-5, where the launcher's library has it
        let abi = launcher.program.parent().and_then(Path::parent).map(|p| p.join("lib/libmpi_abi.so.1"));
        if let Some(abi) = abi.filter(|p| p.is_file()) {
            let out = launcher.command(3).arg(script("collectives.lua")).env("REKINDLE_MPI", &abi).output();
            let out = out.expect("the launcher runs");
            let text = String::from_utf8_lossy(&out.stdout);
            assert!(text.ends_with("all as it should be\n"), "{text}{}", String::from_utf8_lossy(&out.stderr));
        }
    }
}

#[test]
fn networks_stay_the_same_everywhere() {
    let _turn = turn();
    for launcher in launchers() {
        for n in [2, 3] {
            assert!(launcher.good(n, &[&script("networks.lua")]).ends_with("all as it should be\n"));
        }
    }
}

#[test]
fn a_process_that_fails_ends_the_others() {
    let _turn = turn();
    for launcher in launchers() {
        let start = "local mpi = require 'torchmpi' mpi.start() ";
        // an error, an exit, and a death
        let kill = "os.execute('kill -9 ' .. require('ipc').getpid())";
        for end in ["error 'not here'", "os.exit(3)", kill] {
            let code = format!("{start} if mpi.rank() == 1 then {end} end mpi.barrier() print 'went on'");
            let out = launcher.run(3, &["-e", &code]);
            let text = String::from_utf8_lossy(&out.stdout);
            let why = String::from_utf8_lossy(&out.stderr);
            assert!(!out.status.success() && !text.contains("went on"), "{end}: {text}{why}");
            assert!(!end.contains("error") || why.contains("not here"), "{why}");
        }
        // a program that ends without a stop has one
        assert_eq!(launcher.good(2, &["-e", &format!("{start} if mpi.rank() == 0 then print 'done' end")]), "done\n");
    }
}

/// The losses in a file.
fn losses(path: &str) -> Vec<f64> {
    let text = fs::read_to_string(path).expect("the log is there");
    text.lines().map(|l| l.parse().expect("a number")).collect()
}

#[test]
fn losses_are_the_same_however_many_share_the_work() {
    let _turn = turn();
    let scratch = Scratch::new("losses");
    let example = root().join("examples/parallel/train.lua");
    let example = example.to_str().expect("a name in UTF-8");
    let common = ["-model", "mlp", "-type", "double", "-steps", "12", "-epochs", "2", "-batchSize", "30"];
    let run = |name: &str, launcher: Option<(&Launcher, usize)>, options: &[&str]| -> Vec<f64> {
        let log = scratch.file(name);
        let args = [&[example][..], &common, &["-log", &log], options].concat();
        match launcher {
            Some((launcher, n)) => drop(launcher.good(n, &args)),
            None => {
                let out = alone(&args);
                assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
            }
        }
        losses(&log)
    };
    let close = |a: &[f64], b: &[f64], what: &str| {
        assert_eq!(a.len(), b.len(), "{what}");
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6), "{what}: {a:?} {b:?}");
    };
    let saved = scratch.file("saved.t7");
    let plain = run("plain", None, &["-save", &saved]);
    assert!(plain.len() == 24 && plain[23] < plain[0]);
    close(&plain, &run("replicas", None, &["-replicas", "3"]), "3 replicas");
    // the first epoch, and the second from a checkpoint
    run("half", None, &["-epochs", "1", "-save", &saved]);
    close(&plain[12..], &run("rest", None, &["-load", &saved]), "restart");
    for (i, launcher) in launchers().iter().enumerate() {
        let with = |name: &str, n: usize, options: &[&str]| run(&format!("{name}{i}"), Some((launcher, n)), options);
        close(&plain, &with("two", 2, &[]), "2 processes");
        close(&plain, &with("async", 3, &["-async"]), "3 processes, asynchronous");
        close(&plain, &with("both", 2, &["-replicas", "2"]), "2 processes of 2 replicas");
        close(&plain[12..], &with("again", 2, &["-load", &saved]), "restart in 2 processes");
    }
}
