//! The command line: options, a script, its arguments. Everything is kept as it was given, in whatever encoding.

use std::ffi::{OsStr, OsString};

/// What is done before the script, in the order given.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// `-l`: requires a library.
    Library(OsString),
    /// `-e`: runs a piece of Lua.
    Statement(OsString),
}

/// What becomes of new globals.
#[derive(Debug, PartialEq, Clone, Copy)]
pub enum Globals {
    /// Nothing.
    Free,
    /// `-g`: a warning.
    Warned,
    /// `-gg`: an error.
    Refused,
}

/// What is asked for.
#[derive(Debug, PartialEq)]
pub enum Task {
    /// To run programs, or a session.
    Run,
    /// `--help`.
    Help,
    /// `--version`.
    Version,
    /// A function of `rekindle.tools` with what stands behind it: `new`, `test`, `--annotations`, `--manual`.
    Tool(&'static str, Vec<OsString>),
}

/// A command line.
#[derive(Debug, PartialEq)]
pub struct Command {
    /// What is asked for.
    pub task: Task,
    /// What comes before the script.
    pub steps: Vec<Step>,
    /// What becomes of new globals.
    pub globals: Globals,
    /// Whether a session follows.
    pub interactive: bool,
    /// Whether GPU programs compute in host memory: `--cuda cpu`, or `REKINDLE_CUDA=cpu` in the environment.
    pub cuda: bool,
    /// `--profile`, with the file of the trace.
    pub profile: Option<Option<OsString>>,
    /// The script; `-` is the standard input.
    pub script: Option<OsString>,
    /// The script's arguments.
    pub args: Vec<OsString>,
}

/// What `--help` prints; `{history}` and `{startup}` are files.
pub const HELP: &str = "\
Torch7 in one binary: runs Lua scripts with tensors, nn and optim, or an interactive session.

Usage: th [options] [script.lua [arguments]]
       th new NAME           makes a folder with a small training program, its tests and a README
       th test FILE...       runs files of torch.Tester tests and reports names, times, failures

Options:
  -l NAME, -lNAME            requires a library, as a global of its name
  -e CODE                    runs a piece of Lua; may be given several times
  -i, --interactive          a session after the script or the code, also when it failed
  -g, --globals              warns when a global is made, or read without being there
  -gg, --gglobals            the same is an error
  -, no script               the program comes from the standard input; an expression there prints its value
  --profile[=FILE]           times modules and criteria; FILE gets a trace for Chrome
  --cuda cpu                 GPU programs (cutorch, cunn, cudnn) compute in host memory
  --annotations DIR          writes what editors read about torch, nn, optim and image (LuaCATS)
  --manual DIR               writes the manual as pages for a browser
  -h, --help                 this text
  -v, --version              versions of th and LuaJIT, the build, the instructions in use

Environment:
  TREPLSTARTUP               a file to run when a session begins, otherwise ~/.thrc ({startup})
  TREPL_HISTORY              the file of the sessions' history (now {history})
  LUA_PATH, LUA_CPATH        where require looks; ;; stands for the usual places
  OMP_NUM_THREADS            threads that kernels use
  NO_COLOR                   no colours
  REKINDLE_CUDA              cpu: as --cuda cpu
  REKINDLE_SIMD              base or avx2: fewer instructions than the processor has
";

/// The value of an option: the rest of the argument, or the next one.
fn value(option: &str, attached: &OsStr, rest: &mut impl Iterator<Item = OsString>) -> Result<OsString, String> {
    if !attached.is_empty() {
        return Ok(attached.to_owned());
    }
    rest.next().ok_or_else(|| format!("{option}: a value is missing behind it; th -h lists the options"))
}

/// Whether the device of `--cuda` is the processor, which is the only one there is.
fn on_cpu(device: &OsStr) -> Result<bool, String> {
    if device == "cpu" { Ok(true) } else { Err(format!("--cuda: expected cpu, got '{}'", device.display())) }
}

/// An argument without its first two bytes, which are ASCII.
fn attached(arg: &OsStr) -> OsString {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        OsStr::from_bytes(arg.as_bytes().get(2..).unwrap_or_default()).to_owned()
    }
    #[cfg(not(unix))]
    OsString::from(arg.to_string_lossy().get(2..).unwrap_or_default())
}

/// Reads what stands behind the program's name. `is_file` tells whether there is a file of a name.
///
/// # Errors
/// The text for an unknown option, or one without its value.
pub fn parse(args: impl IntoIterator<Item = OsString>, is_file: impl Fn(&OsStr) -> bool) -> Result<Command, String> {
    let mut args = args.into_iter();
    let device = std::env::var_os("REKINDLE_CUDA").filter(|d| !d.is_empty());
    let mut c = Command {
        task: Task::Run,
        steps: vec![],
        globals: Globals::Free,
        interactive: false,
        cuda: device.map_or(Ok(false), |d| on_cpu(&d))?,
        profile: None,
        script: None,
        args: vec![],
    };
    while let Some(arg) = args.next() {
        let text = arg.to_string_lossy();
        match &*text {
            "-h" | "--help" => c.task = Task::Help,
            "-v" | "--version" | "-V" => c.task = Task::Version,
            "-i" | "--interactive" => c.interactive = true,
            "-g" | "--globals" => c.globals = Globals::Warned,
            "-gg" | "--gglobals" => c.globals = Globals::Refused,
            "--profile" => c.profile = Some(None),
            "--cuda" => c.cuda = on_cpu(&value("--cuda", OsStr::new(""), &mut args)?)?,
            _ if text.starts_with("--cuda=") => c.cuda = on_cpu(OsStr::new(&text["--cuda=".len()..]))?,
            "--annotations" => {
                c.task = Task::Tool("annotations", vec![value("--annotations", OsStr::new(""), &mut args)?])
            }
            "--manual" => c.task = Task::Tool("site", vec![value("--manual", OsStr::new(""), &mut args)?]),
            "--" => {
                c.script = args.next();
                break;
            }
            _ if text.starts_with("--profile=") => c.profile = Some(Some(text["--profile=".len()..].into())),
            _ if text.starts_with("-l") => c.steps.push(Step::Library(value("-l", &attached(&arg), &mut args)?)),
            _ if text.starts_with("-e") => c.steps.push(Step::Statement(value("-e", &attached(&arg), &mut args)?)),
            "-" => {
                c.script = Some(arg);
                break;
            }
            _ if text.starts_with('-') => return Err(format!("unknown option '{text}'; th -h lists the options")),
            "new" | "test" if c.steps.is_empty() && !is_file(&arg) => {
                c.task = Task::Tool(if text == "new" { "new" } else { "test" }, args.by_ref().collect());
            }
            _ => {
                // behind code the arguments are the code's, unless they begin with a program
                let code = c.steps.iter().any(|s| matches!(s, Step::Statement(_)));
                if code && !text.ends_with(".lua") && !is_file(&arg) {
                    c.args.push(arg);
                } else {
                    c.script = Some(arg);
                }
                break;
            }
        }
    }
    c.args.extend(args);
    Ok(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from), |name| name == "here")
    }

    #[test]
    fn values_stand_behind_their_options_or_at_them() {
        let c = of("-lnn -l optim -i -eprint(1) -e print(2) x.lua -lother -i").expect("a command");
        let (library, code) = (|l: &str| Step::Library(l.into()), |e: &str| Step::Statement(e.into()));
        assert_eq!(c.steps, [library("nn"), library("optim"), code("print(1)"), code("print(2)")]);
        assert!(c.interactive && c.script == Some("x.lua".into()) && c.args == ["-lother", "-i"]);
    }

    #[test]
    fn a_profile_takes_a_file_after_an_equals_sign() {
        let profile = |line: &str| of(line).expect("a command").profile;
        assert_eq!(profile("--profile x.lua"), Some(None));
        assert_eq!(profile("--profile=t.json x.lua"), Some(Some("t.json".into())));
        assert_eq!(profile("x.lua --profile"), None);
    }

    #[test]
    fn programs_behind_code_are_told_from_its_arguments() {
        let script = |line: &str| of(line).expect("a command").script;
        assert_eq!(script("-e x a -b"), None);
        assert_eq!(script("-e x here -b"), Some("here".into()));
        assert_eq!(script("-e x y.lua"), Some("y.lua".into()));
        assert_eq!(script("-- -x"), Some("-x".into()));
        assert_eq!(script("- a"), Some("-".into()));
    }

    #[test]
    fn what_is_not_an_option_is_told() {
        assert!(of("-x").expect_err("an error").contains("unknown option '-x'"));
        assert!(of("-l").expect_err("an error").contains("-l: a value is missing"));
        assert_eq!(of("-g").expect("a command").globals, Globals::Warned);
        assert_eq!(of("-gg").expect("a command").globals, Globals::Refused);
        assert_eq!(of("test a b").expect("a command").task, Task::Tool("test", vec!["a".into(), "b".into()]));
    }
}
