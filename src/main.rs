//! The command line of `th`.

use anyhow::Context;
use clap::{Parser, ValueEnum};
use rekindle::Host;
use rekindle::spans::Timings;
use rekindle::tensor::class::Device;
use std::ffi::OsString;
use std::io::{IsTerminal, Read};
use std::path::Path;
use std::process::ExitCode;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, fmt, registry};

/// Torch7 in one binary: runs Lua scripts with tensors, nn and optim, or an interactive session.
#[derive(Parser)]
#[command(version, trailing_var_arg = true)]
struct Options {
    /// Run this piece of Lua (may be given several times)
    #[arg(short, value_name = "CODE")]
    execute: Vec<String>,
    /// Require this library before anything else
    #[arg(short, value_name = "NAME")]
    library: Vec<String>,
    /// Enter the interactive session after the script
    #[arg(short)]
    interactive: bool,
    /// Time modules and criteria: tables on standard error at the end, and a trace for Chrome in FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    profile: Option<Option<String>>,
    /// Where GPU programs compute: `cpu` has cutorch, cunn and cudnn work in host memory (also REKINDLE_CUDA=cpu)
    #[arg(long, value_name = "DEVICE", env = "REKINDLE_CUDA", hide_env = true)]
    cuda: Option<Cuda>,
    /// Script to run, then its own arguments
    #[arg(value_name = "SCRIPT", allow_hyphen_values = true)]
    script: Vec<String>,
}

/// What stands behind `torch.CudaTensor`.
#[derive(Clone, Copy, ValueEnum)]
enum Cuda {
    /// Host memory.
    Cpu,
}

fn main() -> ExitCode {
    let options = Options::parse_from(detached(std::env::args_os().collect()));
    subscribe(&options);
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("th: {e:#}");
            ExitCode::FAILURE
        }
    }
}

/// Has messages go to standard error, and the spans of `--profile` to what sums them up.
fn subscribe(o: &Options) {
    let filter = EnvFilter::try_from_env("REKINDLE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let timings = o.profile.as_ref().map(|trace| Timings::new(trace.is_some()).with_filter(filter_fn(Timings::takes)));
    registry().with(timings).with(fmt::layer().with_writer(std::io::stderr).with_filter(filter)).init();
}

/// The arguments with `-lname` and `-ecode` before the script taken apart, as other Lua programs allow.
fn detached(args: Vec<OsString>) -> Vec<OsString> {
    let mut out = Vec::with_capacity(args.len());
    let mut args = args.into_iter();
    out.extend(args.next());
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("-l" | "-e" | "--cuda") => {
                out.push(arg);
                out.extend(args.next());
            }
            Some(text) if text.starts_with("-l") || text.starts_with("-e") => {
                out.extend([OsString::from(&text[..2]), OsString::from(&text[2..])]);
            }
            Some(text) if text.starts_with('-') && text != "--" => out.push(arg),
            _ => {
                out.push(arg);
                break;
            }
        }
    }
    out.extend(args);
    out
}

fn run(o: &Options) -> anyhow::Result<()> {
    if let Some(Cuda::Cpu) = o.cuda {
        Device::Cuda.offer();
    }
    let host = Host::new()?;
    // what stands before the script on the command line
    let all: Vec<String> = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
    host.call::<()>("prelude", (all[..all.len() - o.script.len()].to_vec(),))?;
    let Some(trace) = &o.profile else { return program(&host, o) };
    if let Some(path) = trace {
        // a file that cannot be written is an error now, not after hours
        Timings::can_write(Path::new(path)).with_context(|| format!("--profile: cannot open <{path}>"))?;
    }
    host.run("profile", trace.as_deref())?;
    // Ctrl-C is an error then, after which the tables are printed as after others
    rekindle::repl::watch_interrupts(&host)?;
    let done = program(&host, o);
    // after an error too: that is the one to tell
    let told = host.run("profiled", ());
    done.and(told)
}

/// Runs what the options ask for.
fn program(host: &Host, o: &Options) -> anyhow::Result<()> {
    for name in &o.library {
        host.run("library", name.as_str())?;
    }
    for code in &o.execute {
        host.run("run_string", (code.as_str(), o.script.clone()))?;
    }
    if o.execute.is_empty() {
        if let Some((script, args)) = o.script.split_first() {
            host.run_file(script, args)?;
        } else if !o.interactive && !std::io::stdin().is_terminal() {
            let mut code = String::new();
            std::io::stdin().read_to_string(&mut code).context("cannot read the program from standard input")?;
            host.run("run_string", (code, Vec::<String>::new()))?;
        } else {
            return rekindle::repl::run(host);
        }
    }
    if o.interactive { rekindle::repl::run(host) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_takes_a_file_after_an_equals_sign() {
        let profile = |line: &str| Options::parse_from(line.split(' ')).profile;
        assert_eq!(profile("th --profile x.lua"), Some(None));
        assert_eq!(profile("th --profile=t.json x.lua"), Some(Some("t.json".into())));
        assert_eq!(profile("th x.lua --profile"), None);
    }

    #[test]
    fn attached_values_are_taken_apart() {
        let split = |line: &str| {
            let args = line.split(' ').map(OsString::from).collect();
            detached(args).join(std::ffi::OsStr::new(" ")).into_string().unwrap_or_default()
        };
        assert_eq!(split("th -lnn -i -eprint(1) x.lua -lother"), "th -l nn -i -e print(1) x.lua -lother");
        assert_eq!(split("th -l nn -e -lx -- -lnn"), "th -l nn -e -lx -- -lnn");
        assert_eq!(split("th x.lua -lnn"), "th x.lua -lnn");
    }
}
