//! The command line: options, a script, its arguments. Everything is kept as it was given, in whatever encoding.

use lexopt::Arg::{Long, Short, Value};
use lexopt::Parser;
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
    /// What the embedded module `rekindle.NAME` does with what stands behind it: `new`, `test`, `inspect`, `convert`, `verify`,
    /// `--annotations`, `--manual`.
    Tool(&'static str, Vec<OsString>),
    /// `kernel`: what notebooks talk to, and what installs it.
    Kernel(Vec<OsString>),
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
    /// `--profile`, with the file of the trace.
    pub profile: Option<Option<OsString>>,
    /// `--cuda cpu`: classes of tensors of a graphics processor stand in host memory.
    pub cuda: bool,
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
       th inspect [-json] [-all] [-input 3x32x32] FILE...
                             shows what is in .t7, safetensors, npz, npy, pth, ONNX, HDF5 and Caffe's files;
                             nothing of them is run. -input runs networks, for the sizes of their outputs
       th convert MODEL OUT  writes a model as .onnx, .pth, .safetensors, .npz or .t7; -help lists the options
       th verify MODEL OUT   compares what such a file computes with the model, layer by layer
       th kernel install     makes Jupyter know th; -help lists the options

Options:
  -l NAME, -lNAME            requires a library, as a global of its name
  -e CODE                    runs a piece of Lua; may be given several times
  -i, --interactive          a session after the script or the code, also when it failed
  -g, --globals              warns when a global is made, or read without being there
  -gg, --gglobals            the same is an error
  -, no script               the program comes from the standard input; an expression there prints its value
  --profile[=FILE]           times modules and criteria; FILE gets a trace for Chrome,
                             or as .svg a flame chart
  --cuda cpu                 cutorch, cunn and cudnn compute on the CPU (also REKINDLE_CUDA=cpu)
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
  REKINDLE_PICTURES          kitty, iterm2, sixel, blocks, blocks256 or file: how pictures show on this terminal
  REKINDLE_SIMD              base or avx2: fewer instructions than the processor has
";

/// Where programs for graphics processors compute.
///
/// # Errors
/// Another place than `cpu`.
fn on_cpu(place: &OsStr) -> Result<bool, lexopt::Error> {
    if place == "cpu" { Ok(true) } else { Err(format!("--cuda: cpu expected, got {place:?}").into()) }
}

/// Reads what stands behind the program's name. `is_file` tells whether there is a file of a name, `cuda` is what
/// REKINDLE_CUDA says.
///
/// # Errors
/// The text for an unknown option, or one without its value.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
    is_file: impl Fn(&OsStr) -> bool,
    cuda: Option<OsString>,
) -> Result<Command, String> {
    options(Parser::from_args(args), is_file, cuda).map_err(|e| format!("{e}; th -h lists the options"))
}

fn options(
    mut args: Parser,
    is_file: impl Fn(&OsStr) -> bool,
    cuda: Option<OsString>,
) -> Result<Command, lexopt::Error> {
    let mut c = Command {
        task: Task::Run,
        steps: vec![],
        globals: Globals::Free,
        interactive: false,
        profile: None,
        cuda: cuda.filter(|place| !place.is_empty()).map_or(Ok(false), |place| on_cpu(&place))?,
        script: None,
        args: vec![],
    };
    while let Some(arg) = args.next()? {
        match arg {
            Short('h') | Long("help") => c.task = Task::Help,
            Short('v' | 'V') | Long("version") => c.task = Task::Version,
            Short('i') | Long("interactive") => c.interactive = true,
            Short('g') if c.globals == Globals::Free => c.globals = Globals::Warned,
            Long("globals") => c.globals = Globals::Warned,
            Short('g') | Long("gglobals") => c.globals = Globals::Refused,
            Short('l') => c.steps.push(Step::Library(args.value()?)),
            Short('e') => c.steps.push(Step::Statement(args.value()?)),
            Long("profile") => c.profile = Some(args.optional_value()),
            Long("cuda") => c.cuda = on_cpu(&args.value()?)?,
            Long("annotations") => c.task = Task::Tool("annotations", vec![args.value()?]),
            Long("manual") => c.task = Task::Tool("site", vec![args.value()?]),
            Value(word) => {
                positional(&mut c, word, &mut args, is_file)?;
                break;
            }
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(c)
}

/// The first word that is no option, and what follows it: a script with its arguments, or a task.
fn positional(
    c: &mut Command,
    word: OsString,
    args: &mut Parser,
    is_file: impl Fn(&OsStr) -> bool,
) -> Result<(), lexopt::Error> {
    c.args.extend(args.raw_args()?);
    // behind code the arguments are the code's, unless they begin with a program
    let code = c.steps.iter().any(|s| matches!(s, Step::Statement(_)));
    let tool = ["new", "test", "inspect", "convert", "verify", "kernel"]
        .into_iter()
        .find(|name| word == *name && c.steps.is_empty() && !is_file(&word));
    if let Some(name) = tool {
        let args = std::mem::take(&mut c.args);
        c.task = if name == "kernel" { Task::Kernel(args) } else { Task::Tool(name, args) };
    } else if code && word != "-" && !word.to_string_lossy().ends_with(".lua") && !is_file(&word) {
        c.args.insert(0, word);
    } else {
        c.script = Some(word);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from), |name| name == "here", None)
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
        assert!(of("-x").expect_err("an error").contains("'-x'"));
        assert!(of("-l").expect_err("an error").contains("'-l'"));
        assert!(of("--cuda gpu x.lua").expect_err("an error").contains("cpu expected"));
        assert_eq!(of("-g").expect("a command").globals, Globals::Warned);
        assert_eq!(of("-gg").expect("a command").globals, Globals::Refused);
        assert_eq!(of("-g -g").expect("a command").globals, Globals::Refused);
        assert!(of("--cuda cpu x.lua").expect("a command").cuda && !of("x.lua --cuda cpu").expect("a command").cuda);
        assert!(parse([], |_| false, Some("cpu".into())).expect("a command").cuda);
        assert_eq!(of("test a b").expect("a command").task, Task::Tool("test", vec!["a".into(), "b".into()]));
    }
}
