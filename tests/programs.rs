//! Whole programs through the built binary: examples, options of the command line, robustness.

mod parallel;

use std::path::PathBuf;
use std::process::{Command, Output};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn th(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_th")).args(args).current_dir(root()).output().expect("th runs")
}

/// Standard output of a run that must succeed.
fn good(args: &[&str]) -> String {
    let out = th(args);
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "th {args:?} failed: {}\n{text}", String::from_utf8_lossy(&out.stderr));
    text
}

#[test]
fn random_arguments_only_raise_strings() {
    // mapped storages take file names: whatever the calls make lands in a folder of their own
    let scratch = std::env::temp_dir().join(format!("rekindle-arguments-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).expect("a scratch folder");
    let script = root().join("tests/lua/random_arguments.lua");
    parallel::each(&["1", "2", "3"], |seed| {
        let mut th = Command::new(env!("CARGO_BIN_EXE_th"));
        let out = th.arg(&script).arg(seed).current_dir(&scratch).output().expect("th runs");
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(out.status.success(), "seed {seed}: {}\n{text}", String::from_utf8_lossy(&out.stderr));
        assert!(text.contains("errors"), "{text}");
    });
    std::fs::remove_dir_all(&scratch).ok();
}

#[test]
fn nn_modules_answer_or_raise_text() {
    parallel::each(&["1", "2", "3"], |&seed| {
        assert!(good(&["tests/lua/nn_contract.lua", seed]).contains("classes"));
    });
}

#[test]
fn every_class_of_nn_has_right_gradients_copies_and_files() {
    assert!(good(&["tests/lua/nn_modules.lua"]).contains(" 0 complaints"));
}

#[test]
fn wrong_inputs_of_nn_are_told_by_class() {
    assert!(good(&["tests/lua/nn_messages.lua"]).contains(" 0 complaints"));
}

#[test]
fn modules_of_nn_that_copy_take_any_type() {
    assert!(good(&["tests/lua/nn_types.lua"]).contains("all as it should be"));
}

#[test]
fn classes_of_nnx_do_as_documented() {
    assert!(good(&["tests/lua/nn_nnx.lua"]).contains("all as it should be"));
}

#[test]
fn wrong_arguments_are_told_where_programs_call() {
    // some functions write what they make into files
    let scratch = std::env::temp_dir().join(format!("rekindle-misuse-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).expect("a scratch folder");
    let script = root().join("tests/lua/misuse.lua");
    let whole = [
        "nn", "nngraph", "graph", "optim", "image", "xlua", "gnuplot", "sys", "paths", "torch", "nnx", "unsup", "tds",
        "threads",
    ];
    let bundled = [
        "csvigo", "mnist", "hdf5", "matio", "md5", "base64", "lfs", "bit32", "lua-utf8", "class", "classic",
        "argcheck", "npy4th", "moses", "pl", "cjson", "display", "env", "qt",
    ];
    let for_gpus = ["inn", "cudnn", "cutorch", "cunn", "cunnx"];
    let others = ["loadcaffe", "trepl", "ipc", "distlearn", "underscore", "pprint", "graphicsmagick", "randomkit"];
    let files = ["snappy", "mattorch", "xml", "LuaXML"];
    let all: Vec<&str> = whole.into_iter().chain(bundled).chain(others).chain(files).chain(for_gpus).collect();
    parallel::each(&all, |package| {
        let mut th = Command::new(env!("CARGO_BIN_EXE_th"));
        if for_gpus.contains(package) {
            th.args(["--cuda", "cpu"]);
        }
        let out = th.arg(&script).arg(package).current_dir(&scratch).output().expect("th runs");
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(text.contains(" 0 complaints"), "{package}: {}\n{text}", String::from_utf8_lossy(&out.stderr));
    });
    std::fs::remove_dir_all(&scratch).ok();
}

#[test]
fn inner_methods_of_nn_are_those_that_programs_know() {
    assert!(good(&["tests/lua/nn_legacy.lua"]).contains("all as they should be"));
}

#[test]
fn composites_of_nn_are_their_chains() {
    assert!(good(&["tests/lua/nn_composites.lua"]).contains("all as the chains give them"));
}

#[test]
fn nodes_computed_together_give_what_each_gives() {
    parallel::each(&["tests/lua/fusion.lua", "tests/lua/fusion_fields.lua"], |&program| {
        assert!(good(&[program]).contains(" 0 failures"));
    });
}

#[test]
fn supervised_training_learns_in_every_way() {
    let file = std::env::temp_dir().join(format!("rekindle-supervised-{}.t7", std::process::id()));
    let text = good(&["tests/lua/supervised.lua", file.to_str().expect("a name in UTF-8")]);
    assert!(text.contains("36 trainings, all as it should be"), "{text}");
}

#[test]
fn kernels_answer_by_torch7s_names() {
    assert!(good(&["tests/lua/nn_kernels.lua"]).contains("181 kernels, all as it should be"));
}

#[test]
fn common_mistakes_with_nn_and_optim_are_told() {
    assert!(good(&["tests/lua/nn_mistakes.lua"]).contains("mistakes, all as it should be"));
}

#[test]
fn steps_of_optim_are_chains_of_operations() {
    assert!(good(&["tests/lua/optim_steps.lua"]).contains("steps, all as it should be"));
}

#[test]
fn the_profiler_of_luajit_gives_lines() {
    let program = "local profile = require 'jit.profile'
        local seen, x, sum, till = {}, torch.ones(10), 0, os.clock() + 0.3
        profile.start('li1', function(thread, n) table.insert(seen, profile.dumpstack(thread, 'pl', 1)) end)
        while os.clock() < till do for i = 1, 10 do sum = sum + x[i] end end
        profile.stop()
        for _, place in ipairs(seen) do assert(place:find(':%d'), place) end
        print(#seen > 0)";
    assert_eq!(good(&["-e", program]).trim(), "true");
}

#[test]
fn gradients_that_are_put_off_are_those_that_are_written() {
    parallel::each(&["tests/lua/deferred.lua", "tests/lua/repeated.lua"], |&program| {
        assert!(good(&[program]).contains("comparisons: all as it should be"));
    });
}

#[test]
fn names_that_are_not_there_are_told_where_they_are_called() {
    assert!(good(&["tests/lua/absent.lua"]).contains("all as it should be"));
    let text = th(&["-l", "nn", "-e", "nn.Lineer(3, 2)"]).stderr;
    assert!(String::from_utf8_lossy(&text).contains("nn.Lineer: there is no such class; nearest: nn.Linear"));
}

#[test]
fn temporaries_stay_small() {
    if cfg!(target_os = "linux") {
        assert!(good(&["tests/lua/temporaries.lua"]).contains("peak"));
    }
}

#[test]
fn memory_goes_back_and_steady_steps_ask_for_none() {
    if cfg!(target_os = "linux") {
        let text = good(&["tests/lua/memory.lua"]);
        assert!(text.ends_with("0 complaints\n"), "{text}");
    }
}

/// Kilobytes that programs could still take, where the system tells.
fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn memory_goes_past_two_gigabytes() {
    if available_memory().is_some_and(|kilobytes| kilobytes > 8 << 20) {
        assert!(good(&["tests/lua/large.lua"]).contains("all as it should be"));
    }
}

#[test]
fn files_keep_their_promises() {
    assert!(good(&["tests/lua/files.lua"]).contains("all as it should be"));
}

#[test]
fn examples_run() {
    assert!(good(&["examples/backprop.lua"]).contains("all as it should be"));
    assert!(good(&["examples/custom_module.lua"]).contains("after 50 calls"));
    assert!(good(&["examples/graph.lua"]).contains("are answered rightly"));
    let text = good(&["examples/logistic_regression.lua"]);
    let rightly = text.lines().last().and_then(|line| line.split('%').next()).expect("a share");
    assert!(rightly.parse::<f64>().expect("a number") > 75.0, "{text}");
    let text = good(&["examples/characters.lua", "-epochs", "2", "-size", "24", "-length", "40"]);
    let losses: Vec<f64> = text.lines().filter_map(|line| line.split("loss ").nth(1)?.parse().ok()).collect();
    assert!(losses.len() == 2 && losses[1] < losses[0], "{text}");
    let folder = std::env::temp_dir().join(format!("rekindle-autoencoder-{}", std::process::id()));
    let name = folder.to_str().expect("a name in UTF-8");
    let text = good(&["examples/autoencoder.lua", "-epochs", "1", "-samples", "500", "-folder", name]);
    assert!(text.contains("comes back from 32"), "{text}");
    for picture in ["digits.png", "filters.png"] {
        assert!(folder.join(picture).metadata().is_ok_and(|m| m.len() > 1000), "{picture}");
    }
    std::fs::remove_dir_all(&folder).ok();
    let text = good(&["examples/pictures.lua", "-epochs", "1", "-samples", "400", "-folder", name]);
    assert!(text.contains("digits are right"), "{text}");
    for picture in ["loss.svg", "filters.png", "confusion.png"] {
        assert!(folder.join(picture).metadata().is_ok_and(|m| m.len() > 1000), "{picture}");
    }
    std::fs::remove_dir_all(&folder).ok();
    let text = good(&["examples/loader.lua", "-epochs", "1", "-pictures", "100"]);
    assert!(text.contains("5 batches") && text.contains("came from 2 threads"), "{text}");
}

#[test]
fn options_of_the_command_line() {
    assert_eq!(good(&["-e", "print(6 * 7)"]), "42\n");
    assert_eq!(good(&["-e", "print(...)", "a", "-b"]), "a\t-b\n");
    assert!(good(&["-l", "nn", "-e", "print(nn.Tanh())"]).contains("nn.Tanh"));
    assert!(good(&["-lnn", "-eprint(nn.Tanh(), ...)", "a", "-lx"]).ends_with("nn.Tanh\ta\t-lx\n"));
    let out = th(&["-e", "error('on purpose')"]);
    assert_eq!(out.status.code(), Some(1));
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(text.contains("on purpose") && text.contains("traceback"), "{text}");
    assert_eq!(th(&["-e", "os.exit(7)"]).status.code(), Some(7));
    assert!(!th(&["no-such-file.lua"]).status.success());
}

#[test]
fn details_of_torch() {
    assert!(good(&["tests/lua/torch_details.lua"]).contains("all as it should be"));
}

#[test]
fn variants_of_optim_xlua_sys_paths_and_command_lines() {
    assert!(good(&["tests/lua/package_variants.lua"]).contains("variants, all as it should be"));
}

#[test]
fn fast_ways_equal_plain_loops() {
    assert!(good(&["tests/lua/plain_loops.lua"]).contains("as plain loops"));
}

#[test]
fn traced_calls_are_the_full_ones() {
    assert!(good(&["tests/lua/traced.lua"]).contains("all as it should be"));
}

#[test]
fn help_comes_from_the_rows() {
    let text = good(&["-e", "torch.help 'torch.add' torch.help(torch.cumsum) torch.help 'x:narrow'"]);
    assert!(text.contains("torch.add([res: Tensor], x: Tensor, v: number) -> res\n"), "{text}");
    assert!(text.contains("x:add("), "{text}");
    assert!(text.contains("torch.cumsum([res: Tensor], x: Tensor, [dim: number = 1]) -> res\n"), "{text}");
    assert!(text.contains("x:narrow(dim: number, first: number, n: number)\n"), "{text}");
    let text = good(&["-l", "nn", "-e", "torch.help 'nn.Linear' torch.help 'no.such' torch.help 'torch.save'"]);
    assert!(text.contains("updateOutput") && text.contains("nothing is known about 'no.such'"), "{text}");
    assert!(text.contains("\ntorch.save(path, object, [mode], [referenced])\n"), "{text}");
}

#[test]
fn numbers_are_called_numbers() {
    let text = good(&["-e", "print(pcall(torch.max, 1, 2, 3, 4, 5, 6))"]);
    assert!(text.contains("invalid arguments: number number"), "{text}");
}

#[test]
fn errors_are_strings_with_position() {
    let text = good(&[
        "-e",
        "print(pcall(torch.add, torch.Tensor(2), 'x')) print(pcall(function() local r = torch.Tensor(2):add(torch.Tensor(3)) return r end))",
    ]);
    assert!(text.contains("invalid arguments") && text.contains("expected arguments"), "{text}");
    assert!(text.contains("(command line):1:"), "{text}");
}

#[test]
fn an_interrupt_stops_the_next_call() {
    let host = rekindle::Host::new().expect("a host");
    for program in
        ["while true do torch.sum(torch.Tensor(3)) end", "local x = torch.zeros(3) while true do x[1] = x[2] end"]
    {
        rekindle::tensor::interruption::ask();
        let error = host.eval::<()>(program).expect_err("it ends").to_string();
        assert!(error.contains("interrupted!"), "{error}");
    }
    host.eval::<()>("torch.zeros(3):add(1)").expect("the question is forgotten");
}

#[test]
fn pcall_can_be_yielded_across() {
    let text =
        good(&["-e", "local f = coroutine.wrap(function() return pcall(coroutine.yield, 1) end) print(f(), f(2))"]);
    assert_eq!(text, "1\ttrue\t2\n");
}

#[test]
fn another_environment_of_our_functions_is_harmless() {
    let program = "torch.setenv(torch.add, {1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1}) local y = torch.add(torch.zeros(3), 1) \
                   collectgarbage() collectgarbage() print(type(y), debug.getmetatable(y))";
    assert_eq!(good(&["-e", program]), "userdata\tnil\n");
}
