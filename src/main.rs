//! The command of `th`.

mod command;

use anyhow::Context;
use command::{Command, Globals, HELP, Step, Task};
use rekindle::host::{bytes, text};
use rekindle::spans::Timings;
use rekindle::tensor::class::Device;
use rekindle::{Host, repl};
use std::io::{IsTerminal, Read};
use std::path::Path;
use std::process::ExitCode;
use tracing_subscriber::filter::{LevelFilter, Targets, filter_fn};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{fmt, registry};

fn main() -> ExitCode {
    let command = match command::parse(
        std::env::args_os().skip(1),
        |name| Path::new(name).is_file(),
        std::env::var_os("REKINDLE_CUDA"),
    ) {
        Ok(command) => command,
        Err(why) => {
            eprintln!("th: {why}");
            return ExitCode::from(2);
        }
    };
    subscribe(&command);
    match run(&command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            let text = format!("{e:#}");
            // commands name themselves: th convert: ...
            eprintln!("{}{text}", if text.starts_with("th ") { "" } else { "th: " });
            ExitCode::FAILURE
        }
    }
}

/// Has messages go to standard error, and the spans of `--profile` to what sums them up.
fn subscribe(c: &Command) {
    let wanted = std::env::var("REKINDLE_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let filter = wanted.unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN));
    let timings = c.profile.as_ref().map(|trace| Timings::new(trace.is_some()).with_filter(filter_fn(Timings::takes)));
    registry().with(timings).with(fmt::layer().with_writer(std::io::stderr).with_filter(filter)).init();
}

fn run(c: &Command) -> anyhow::Result<()> {
    if c.cuda {
        Device::Cuda.offer();
    }
    let host = || -> anyhow::Result<Host> {
        let host = Host::new()?;
        // what stands before the script's arguments on the command line
        let all: Vec<_> = std::env::args_os().map(|a| text(&a)).collect();
        let before = all[..all.len() - c.args.len() - usize::from(c.script.is_some())].to_vec();
        host.call::<()>("prelude", (before, repl::has_colours(&std::io::stderr())))?;
        if piped(&std::io::stdout()) {
            host.call::<()>("unbuffered", ())?;
        }
        Ok(host)
    };
    match &c.task {
        Task::Help => print(&help()),
        Task::Version => print(&version(&host()?)?),
        Task::Tool(name, given) => host()?.run("tool", (*name, given.iter().map(|a| text(a)).collect::<Vec<_>>())),
        Task::Kernel(given) => kernel(&host()?, given),
        Task::Run => profiled(&host()?, c),
    }
}

#[cfg(all(feature = "jupyter", unix))]
fn kernel(host: &Host, given: &[std::ffi::OsString]) -> anyhow::Result<()> {
    rekindle::notebook::run(host, &given.iter().map(|a| text(a)).collect::<Vec<_>>())
}

#[cfg(not(all(feature = "jupyter", unix)))]
fn kernel(_: &Host, _: &[std::ffi::OsString]) -> anyhow::Result<()> {
    anyhow::bail!("th kernel: this th was built without it: it needs Unix and the feature jupyter")
}

fn print(what: &str) -> anyhow::Result<()> {
    use std::io::Write;
    std::io::stdout().write_all(what.as_bytes()).context("cannot write to the standard output")
}

fn help() -> String {
    let shown = |file: Option<std::path::PathBuf>| file.map_or("none".into(), |f| f.display().to_string());
    HELP.replace("{history}", &shown(repl::history_file())).replace("{startup}", &shown(repl::startup_file()))
}

fn version(host: &Host) -> anyhow::Result<String> {
    let (luajit, compiles): (String, bool) = host.eval("return jit.version, (jit.status())")?;
    let built = if cfg!(debug_assertions) { "for debugging" } else { "optimized" };
    let allocator = if cfg!(feature = "mimalloc") { "mimalloc" } else { "the system's allocator" };
    Ok(format!(
        "Rekindle {}\n{luajit}, Lua 5.1 with 5.2's compatibility, compiler {}\nbuilt for {}, {built}, {allocator}\n\
         instructions in use: {}\n",
        env!("CARGO_PKG_VERSION"),
        if compiles { "on" } else { "off" },
        env!("REKINDLE_TARGET"),
        rekindle::tensor::simd::level().name(),
    ))
}

/// Whether output goes to another program, which may wait for it.
fn piped(stream: &std::io::Stdout) -> bool {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        use std::os::unix::fs::FileTypeExt;
        let kind = stream.as_fd().try_clone_to_owned().and_then(|fd| std::fs::File::from(fd).metadata());
        kind.is_ok_and(|m| m.file_type().is_fifo() || m.file_type().is_socket())
    }
    #[cfg(not(unix))]
    false
}

/// Runs the program, timed where that is asked for.
fn profiled(host: &Host, c: &Command) -> anyhow::Result<()> {
    let Some(trace) = &c.profile else { return program(host, c) };
    if let Some(path) = trace {
        // a file that cannot be written is an error now, not after hours
        Timings::can_write(Path::new(path)).with_context(|| format!("--profile: cannot open <{}>", path.display()))?;
    }
    host.run("profile", trace.as_deref().map(text))?;
    // Ctrl-C is an error then, after which the tables are printed as after others
    repl::watch_interrupts(host)?;
    let done = program(host, c);
    // after an error too: that is the one to tell
    let told = host.run("profiled", ());
    done.and(told)
}

/// Runs what the options ask for, and a session where one is wanted.
fn program(host: &Host, c: &Command) -> anyhow::Result<()> {
    match c.globals {
        Globals::Free => {}
        Globals::Warned => host.run("globals", false)?,
        Globals::Refused => host.run("globals", true)?,
    }
    let only_libraries = c.steps.iter().all(|s| matches!(s, Step::Library(_)));
    let nothing = only_libraries && c.script.is_none();
    let session = c.interactive || nothing && std::io::stdin().is_terminal();
    let done = steps(host, c).and_then(|()| match &c.script {
        Some(script) if script != "-" => host.run_file(script, &c.args),
        Some(_) => from_input(host, c),
        None if nothing && !session => from_input(host, c),
        None => Ok(()),
    });
    if !session {
        return done;
    }
    if let Err(e) = done {
        eprintln!("th: {e:#}");
    }
    repl::run(host)
}

fn steps(host: &Host, c: &Command) -> anyhow::Result<()> {
    for step in &c.steps {
        match step {
            Step::Statement(code) => {
                host.run("run_string", (text(code), c.args.iter().map(|a| text(a)).collect::<Vec<_>>()))?
            }
            Step::Library(name) => {
                // a program may do without it
                if let Err(e) = host.run("library", text(name)) {
                    // the places that were looked at follow, which are the same for all
                    let why = format!("{e:#}");
                    eprintln!(
                        "th: -l {}: {}",
                        name.display(),
                        why.lines().next().unwrap_or_default().trim_end_matches(':')
                    );
                }
            }
        }
    }
    Ok(())
}

/// Runs the program that the standard input holds.
fn from_input(host: &Host, c: &Command) -> anyhow::Result<()> {
    let mut code = vec![];
    std::io::stdin().read_to_end(&mut code).context("cannot read the program from standard input")?;
    let args: Vec<_> = c.args.iter().map(|a| text(a)).collect();
    host.run("run_input", (bytes(code), args))
}
