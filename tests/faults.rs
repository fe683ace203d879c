//! What must not end the process: errors in finalisers, metamethods in the middle of a call, damaged compiled functions,
//! memory that runs out.

mod parallel;

use std::path::PathBuf;
use std::process::{Command, Output};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn th(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_th")).args(args).current_dir(root()).output().expect("th runs")
}

/// Standard output and error of a run that must succeed.
fn good(args: &[&str]) -> (String, String) {
    let out = th(args);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&out.stdout), text(&out.stderr));
    assert!(out.status.success(), "th {args:?}: {}: {stderr}\n{stdout}", out.status);
    (stdout, stderr)
}

#[test]
fn an_error_in_a_finaliser_is_told_and_the_program_goes_on() {
    let programs = [
        "local p = newproxy(true) getmetatable(p).__gc = function() error('on purpose') end p = nil",
        "local ffi = require 'ffi' ffi.gc(ffi.new('int[4]'), function() error('on purpose') end)",
        "debug.getmetatable(torch.FloatStorage()).__gc = function() error('on purpose') end torch.FloatStorage(3)",
        "local mt = debug.getmetatable(torch.FloatTensor()) mt.__gc = function() error('on purpose') end torch.FloatTensor(3)",
        "local p = newproxy(true) getmetatable(p).__gc = function() torch.zeros(2):add(torch.ones(3), 'on purpose') end p = nil",
        "local p = newproxy(true) getmetatable(p).__gc = function() error({}) end p = nil",
    ];
    for (i, program) in programs.iter().enumerate() {
        let code = format!("{program} collectgarbage() collectgarbage() print('goes on', torch.ones(3):sum())");
        let (stdout, stderr) = good(&["-e", &code]);
        assert!(stdout.contains("goes on\t3"), "{program}: {stdout}");
        // tensors die with their memory, and have no finaliser where the allocator sees to that
        if i != 3 {
            assert!(stderr.contains("ERROR in finalizer: "), "{program}: {stderr}");
        }
    }
}

#[test]
fn metamethods_in_the_middle_of_a_call() {
    assert!(good(&["tests/lua/metamethods.lua"]).0.contains("all as it should be"));
}

#[test]
fn compiled_functions_are_checked() {
    // loaded alone, then also run
    let runs: Vec<_> = ["1", "2", "3"].into_iter().flat_map(|s| [(s, "0", "20000"), (s, "1", "4000")]).collect();
    parallel::each(&runs, |&(seed, run, rounds)| {
        let (text, _) = good(&["tests/lua/compiled.lua", seed, run, rounds]);
        assert!(text.contains("honest functions"), "{text}");
    });
}

/// Runs a program with this many kilobytes of address space.
#[cfg(target_os = "linux")]
fn limited(kilobytes: u32, program: &str) -> Output {
    let line = format!("ulimit -v {kilobytes}; exec \"$0\" -e \"$1\"");
    let th = env!("CARGO_BIN_EXE_th");
    Command::new("sh").args(["-c", &line, th, program]).current_dir(root()).output().expect("sh runs")
}

#[test]
#[cfg(target_os = "linux")]
fn memory_that_runs_out_is_an_error() {
    // what fills the memory bit by bit gets less of it, which takes less time
    let small = [
        "local t = {} for i = 1, 1e9 do t[i] = i .. 'x' end",
        "local t = {} for i = 1, 1e9 do t[i] = { i } end",
        "local co = coroutine.wrap(function() local t = {} while true do t[#t + 1] = { {} } end end) co()",
        "local t = {} while true do t = { t, {}, function() return t end } end",
    ];
    // which request is the first that fails depends on how much there is
    let tensors = "local t = {} for i = 1, 1e9 do t[i] = torch.zeros(3) end";
    let limits = [1_500_000, 700_000, 690_000, 500_000, 300_000];
    let large = [
        "local s = 'x' while true do s = s .. s end",
        "return #('x'):rep(1.9e9)",
        "local t = {} for i = 1, 1e9 do t[i] = torch.zeros(30000) end",
        "return torch.zeros(1e9)",
        "return torch.serialize(torch.zeros(5e7))",
        "return torch.randperm(1e9)",
        "return torch.range(1, 3e8)",
        "return torch.sort(torch.zeros(6e7))",
        "return torch.sort(torch.rand(4e7))",
        "return torch.qr(torch.zeros(8000, 8000))",
        "return torch.gesv(torch.zeros(7000, 7000), torch.zeros(7000, 7000))",
        "return torch.symeig(torch.zeros(7000, 7000))",
        "return torch.conv2(torch.rand(9000, 9000), torch.rand(2, 2), 'F')",
        "return torch.cumsum(torch.zeros(9e7))",
        "return torch.zeros(3e7):totable(), torch.zeros(3e7):totable(), torch.zeros(3e7):totable()",
    ];
    let hungry: Vec<_> = (small.into_iter().map(|p| (p, 700_000)))
        .chain(limits.map(|limit| (tensors, limit)))
        .chain(large.into_iter().map(|p| (p, 1_500_000)))
        .collect();
    parallel::each(&hungry, |&(program, kilobytes)| {
        let code = format!(
            "local ok, why = pcall(function() {program} end) assert(not ok) print(why) \
             local t = {{}} for i = 1, 1e5 do t[i] = {{ i }} end print(torch.ones(1000, 1000):sum(), #t)"
        );
        let out = limited(kilobytes, &code);
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let why = format!(
            "{program} within {kilobytes} kB: {}: {text}\n{}",
            out.status,
            String::from_utf8_lossy(&out.stderr)
        );
        assert!(out.status.success(), "{why}");
        assert!(text.contains("memory") && text.contains("1000000\t100000"), "{why}");
    });
    // without pcall: the usual end of a program with an error
    let out = limited(700_000, "local t = {} for i = 1, 1e9 do t[i] = { i } end");
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.code() == Some(1) && text.contains("not enough memory"), "{}: {text}", out.status);
}
