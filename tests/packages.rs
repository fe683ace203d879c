//! The packages that are built in, through the built binary: one file of `tests/lua/packages` for each; where `require`
//! looks; and a library written in C.

mod parallel;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A folder of this test's own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let dir = std::env::temp_dir().join(format!("rekindle-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a scratch folder");
        Scratch(dir)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// A run in this folder, with a home that is empty.
fn th(dir: &Path, environment: &[(&str, &str)], args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_th"));
    command.args(args).current_dir(dir).env("HOME", dir).env_remove("LUA_PATH").env_remove("LUA_CPATH");
    command.envs(environment.iter().copied()).output().expect("th runs")
}

/// Standard output of a run that must succeed.
fn good(dir: &Path, environment: &[(&str, &str)], args: &[&str]) -> String {
    let out = th(dir, environment, args);
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "th {args:?} failed: {}\n{text}", String::from_utf8_lossy(&out.stderr));
    text
}

#[test]
fn every_package_keeps_its_interface() {
    run_all("packages", &[]);
}

#[test]
fn packages_about_graphics_processors_compute_on_the_cpu() {
    run_all("packages/cuda", &["--cuda", "cpu"]);
}

/// Runs every file of a folder of `tests/lua`.
fn run_all(folder: &str, options: &[&str]) {
    let dir = Scratch::new(&folder.replace('/', "-"));
    let tests = fs::read_dir(root().join("tests/lua").join(folder)).expect("the tests are there");
    let mut scripts: Vec<PathBuf> = tests.map(|entry| entry.expect("an entry").path()).collect();
    scripts.retain(|path| path.extension().is_some_and(|e| e == "lua"));
    let failures = Mutex::new(vec![]);
    parallel::each(&scripts, |path| {
        let own = dir.path().join(path.file_stem().expect("a name"));
        fs::create_dir_all(&own).expect("a folder");
        let out = th(&own, &[], &[options, &[path.to_str().expect("a name in UTF-8")]].concat());
        let text = String::from_utf8_lossy(&out.stdout);
        if !out.status.success() || !text.ends_with("all as it should be\n") {
            let told = format!("{}: {text}{}", path.display(), String::from_utf8_lossy(&out.stderr));
            failures.lock().expect("no case panics").push(told);
        }
    });
    let failures = failures.into_inner().expect("no case panics");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn require_looks_where_programs_and_rocks_are() {
    let dir = Scratch::new("require");
    dir.write(".luarocks/share/lua/5.1/somerock/init.lua", "return 'a rock'");
    dir.write(".luarocks/share/lua/5.1/class.lua", "return 'their own class'");
    dir.write("other/module.lua", "return 'from LUA_PATH'");
    dir.write("program/main.lua", "print(require 'part', require './part.lua', require './folder', require '../up')");
    dir.write("program/part.lua", "return 'beside'");
    dir.write("program/folder/init.lua", "return 'a folder'");
    dir.write("up.lua", "return 'above'");
    dir.write("init.lua", "return 'the folder above'");
    dir.write("program/deeper.lua", "print(require '..', require('..'))");
    dir.write("data.json", "{ \"a\": [1, 2] }");
    dir.write("script.th", "return 'a script'");
    let here = dir.path();
    assert_eq!(good(here, &[], &["-e", "print(require 'somerock')"]), "a rock\n");
    assert_eq!(good(here, &[], &["-e", "print(require 'class')"]), "their own class\n");
    let environment = [("LUA_PATH", "other/?.lua;;")];
    let text = good(here, &environment, &["-e", "print(require 'module', require 'somerock')"]);
    assert_eq!(text, "from LUA_PATH\ta rock\n");
    let alone = [("LUA_PATH", "other/?.lua")];
    assert_eq!(good(here, &alone, &["-e", "print((pcall(require, 'somerock')))"]), "false\n");
    let text = good(here, &[], &["program/main.lua"]);
    assert_eq!(text, "beside\tbeside\ta folder\tabove\n");
    assert_eq!(good(here, &[], &["program/deeper.lua"]), "the folder above\tthe folder above\n");
    let code = "torch.save('x.t7', { b = 3 }) print(require('./x.t7').b, require 'script.th')";
    assert_eq!(good(here, &[], &["-e", code]), "3\ta script\n");
}

/// As the session of Torch7 has it: from the file that requires, each time anew.
#[test]
fn a_name_that_begins_with_a_dot_is_a_path_from_the_file() {
    let dir = Scratch::new("dotted");
    dir.write("util.lua", "count = (count or 0) + 1 return { 'outside', count }");
    dir.write("one/util.lua", "return { 'one', select('#', ...) }");
    dir.write("two/util/init.lua", "return { 'two', 0 }");
    dir.write("one/init.lua", "local u = require './util' return u[1] .. u[2] .. require('../util')[1]");
    dir.write("two/main.lua", "local u = require './util' return u[1] .. u[2] .. require('../one')");
    dir.write("two/itself.lua", "return require './itself'");
    dir.write("two/data.json", "[7]");
    dir.write("two/object.lua", "return require('./data')[1], require './net'");
    dir.write("bad/broken.lua", "return +");
    let here = dir.path();
    let code = "torch.save('two/net.t7', 'weights')
        print(require './two/main') print(require 'two.object') print(require './two/object')
        local a, b = require './util', require './util' print(a ~= b, b[2] - a[2], require 'util' == require 'util')
        print(pcall(require, './bad/broken')) print((pcall(require, './two/itself'))) print((pcall(require, './nowhere')))
        print(pcall(require)) print(pcall(require, {}))";
    let text = good(here, &[], &["-e", code]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..4], ["two0one0outside", "7", "7\tweights", "true\t1\ttrue"], "{text}");
    assert!(lines[4].starts_with("false\t./bad/broken.lua:1: unexpected symbol"), "{text}");
    assert_eq!(lines[5..7], ["false"; 2], "{text}");
    assert!(text.matches("bad argument #1 to 'require' (string expected").count() == 2, "{text}");
}

/// `return require 'part'` leaves no trace of its file on Lua's stack, `pcall` stands between, and folders change.
#[test]
fn the_requiring_file_is_known_however_it_requires() {
    let dir = Scratch::new("requiring");
    dir.write("part.lua", "return 'outside'");
    dir.write("one/part.lua", "return 'one'");
    dir.write("two/part.lua", "return 'two'");
    dir.write("two/last.lua", "return require './part'");
    dir.write("two/asked.lua", "local _, part = pcall(require, './part') return part");
    dir.write("one/main.lua", "return print(require '../two/last', require 'two.last', require '../two/asked', select(2, pcall(require, './part')))");
    dir.write("one/script.lua", "return require './tells'");
    dir.write("one/tells.lua", "print(require './part')");
    dir.write(
        "one/leaves.lua",
        "require('lfs').chdir '..' print(require './part', require('../two/last'), require 'beside')",
    );
    dir.write("one/beside.lua", "return 'beside'");
    dir.write("two/deep/keep", "");
    let here = dir.path();
    assert_eq!(good(here, &[], &["one/main.lua"]), "two\ttwo\ttwo\tone\n");
    assert_eq!(good(here, &[], &["one/script.lua"]), "one\n");
    assert_eq!(good(&here.join("two/deep"), &[], &["../../one/leaves.lua"]), "one\ttwo\tbeside\n");
    dir.write("one/here.lua", "return require './there'");
    dir.write("one/there.lua", "local here = require './here' return here");
    let text = good(here, &[], &["-e", "print(pcall(require, './one/here'))"]);
    assert!(
        text.contains("here.lua:1: require: files require each other") || text.contains("there.lua:1: require: files"),
        "{text}"
    );
    // chunks that a program names like files are its own
    let code = "print(pcall(loadstring('error(1 .. 2)', '=settings.lua')))
        print(select(2, pcall(loadstring('require(\"nn\").Linear()', '=settings.lua'))))";
    let text = good(here, &[], &["-e", code]);
    assert!(text.starts_with("false\tsettings.lua:1: 12\nsettings.lua:1: nn.Linear"), "{text}");
}

#[test]
fn files_of_machines_with_a_gpu_load_on_both_sides() {
    let dir = Scratch::new("gpu-files");
    let here = dir.path();
    let make = "require 'cunn' require 'cudnn' local c = cudnn.SpatialConvolution
        local net = nn.Sequential():add(c(1, 2, 3, 3)):add(cudnn.ReLU(true)):add(cudnn.SpatialMaxPooling(2, 2)):cuda()
        torch.save('net.t7', net) torch.save('group.t7', c(2, 2, 1, 1, 1, 1, 0, 0, 2):cuda())
        torch.save('dpt.t7', nn.DataParallelTable(1):add(net, { 1 }):cuda())
        print(net:forward(torch.CudaTensor(1, 1, 6, 6):fill(1)):sum())";
    let sum = good(here, &[("REKINDLE_CUDA", "cpu")], &["-e", make]);
    let use_it = "require 'nn' local net = torch.load 'net.t7'
        print(net:forward(torch.Tensor(1, 1, 6, 6):fill(1):type(net:get(1).weight:type())):sum())
        print(torch.type(net:get(1)), net:get(1).weight:type(), torch.type(torch.load 'group.t7'))";
    let text = good(here, &[], &["-e", use_it]);
    assert_eq!(text, format!("{sum}nn.SpatialConvolution\ttorch.FloatTensor\tcudnn.SpatialConvolution\n"));
    // the package of a class is loaded with it
    let text = good(here, &[], &["--cuda", "cpu", "-e", use_it]);
    assert_eq!(text, format!("{sum}cudnn.SpatialConvolution\ttorch.CudaTensor\tcudnn.SpatialConvolution\n"));
    let code = "require 'nn' print(torch.type(torch.load 'dpt.t7'), torch.type(torch.load('dpt.t7'):get(1)))";
    assert_eq!(good(here, &[], &["--cuda", "cpu", "-e", code]), "nn.DataParallelTable\tnn.Sequential\n");
}

#[test]
fn a_missing_package_is_told_in_the_first_line() {
    let dir = Scratch::new("missing");
    let first = |name: &str| {
        let code = format!("print((select(2, pcall(require, '{name}')):match('[^\\n]*')))");
        good(dir.path(), &[], &["-e", &code])
    };
    for name in ["cutorch", "cunn", "cudnn", "cunnx", "inn"] {
        let text = first(name);
        assert!(text.contains(&format!("module '{name}' not found: '{name}' needs a GPU")), "{text}");
        assert!(text.contains("`th --cuda cpu`"), "{text}");
    }
    assert!(first("rnn").contains("luarocks --lua-version 5.1 install --local rnn"), "{}", first("rnn"));
    assert!(first("luafilesystem").contains("built in under another name: require 'lfs'"));
    assert_eq!(first("no_such_thing"), "module 'no_such_thing' not found:\n");
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error() {
    let dir = Scratch::new("full");
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    for code in ["print(1)", "for i = 1, 1e5 do io.write(i, '\\n') end"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_th"));
        let out = command.args(["-e", code]).current_dir(dir.path()).stdout(full()).output().expect("th runs");
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.code() == Some(1) && text.contains("cannot write to the standard output"), "{code}: {text}");
    }
    let code = "require 'optim' local l = optim.Logger '/dev/full' for i = 1, 9 do l:add { i } end";
    let out = th(dir.path(), &[], &["-e", code]);
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.code() == Some(1) && text.contains("optim.Logger: cannot write /dev/full"), "{text}");
    assert_eq!(good(dir.path(), &[], &["-e", "print(1) io.stdout:close()"]), "1\n");
}

/// A library as rocks have them: functions for Lua, found in the program that loads it.
const MODULE: &str = r#"
typedef struct lua_State lua_State;
typedef int (*lua_CFunction)(lua_State *L);
typedef struct luaL_Reg { const char *name; lua_CFunction func; } luaL_Reg;
double luaL_checknumber(lua_State *L, int i);
const char *luaL_checklstring(lua_State *L, int i, unsigned long *n);
void lua_pushnumber(lua_State *L, double x);
void lua_createtable(lua_State *L, int n, int m);
void luaL_register(lua_State *L, const char *name, const luaL_Reg *list);
int luaL_error(lua_State *L, const char *format, ...);

static int twice(lua_State *L) { lua_pushnumber(L, 2 * luaL_checknumber(L, 1)); return 1; }
static int fail(lua_State *L) { return luaL_error(L, "%s on purpose", luaL_checklstring(L, 1, 0)); }
static const luaL_Reg list[] = { { "twice", twice }, { "fail", fail }, { 0, 0 } };
int luaopen_smallmodule(lua_State *L) { lua_createtable(L, 0, 2); luaL_register(L, 0, list); return 1; }
"#;

#[cfg(target_os = "linux")]
#[test]
fn a_library_in_c_is_loaded() {
    let dir = Scratch::new("cmodule");
    dir.write("smallmodule.c", MODULE);
    dir.write(".luarocks/lib/lua/5.1/README", "");
    let args = ["-shared", "-fPIC", "-o", ".luarocks/lib/lua/5.1/smallmodule.so", "smallmodule.c"];
    let cc = Command::new("cc").args(args).current_dir(dir.path()).status().expect("a compiler for C");
    assert!(cc.success());
    let code = "local m = require 'smallmodule' print(m.twice(21), pcall(m.fail, 'failed'))";
    assert_eq!(good(dir.path(), &[], &["-e", code]), "42\tfalse\tfailed on purpose\n");
}
