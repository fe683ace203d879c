//! The help: every name has a section in the manual, every session in it gives what stands there, and `?name` shows both
//! the call forms and the text.

use std::path::PathBuf;
use std::process::Command;

/// Standard output of `th` in the repository's root.
fn th(args: &[&str]) -> (bool, String) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let out = Command::new(env!("CARGO_BIN_EXE_th")).args(args).current_dir(root).output().expect("th runs");
    (out.status.success(), String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr))
}

/// What the session shows for a topic.
fn help(topic: &str) -> String {
    th(&["-e", "require('rekindle.help').show(arg[1])", topic]).1
}

#[test]
fn the_manual_is_true_and_complete() {
    let (good, text) = th(&["tests/lua/manual.lua"]);
    assert!(good && text.ends_with(" 0 complaints\n"), "{text}");
}

#[test]
fn a_name_shows_its_calls_and_its_text() {
    let text = help("torch.sum");
    assert!(text.starts_with("torch.sum(x: Tensor)\n"), "{text}");
    for part in ["\nx:sum(dim: number) -> res\n", "\nAdds up all elements", "\n   > torch.sum(x, 1)\n    5  7  9\n"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert_eq!(text, help("x:sum"));
    assert_eq!(text, help("sum"));
    assert!(text.lines().all(|l| l.len() <= 80), "{text}");
}

#[test]
fn a_package_lists_what_it_holds() {
    assert!(help("torch").starts_with("torch: ByteStorage ByteTensor "));
    assert!(help("optim").starts_with("optim: ConfusionMatrix FistaLS Logger adadelta "));
}

#[test]
fn the_pages_of_gnuplot_answer_before_it_is_required() {
    let text = help("gnuplot.plot");
    assert!(text.starts_with("gnuplot.plot([name,] [x,] y [, style])\n"), "{text}");
    assert!(text.contains("\n   [picture: sine as lines and points]\n"), "{text}");
    assert!(help("gnuplot").starts_with("gnuplot: axis bar close "));
}

#[test]
fn methods_are_found_by_their_class() {
    let seek = "f:seek(position: number) -> f\n";
    assert!(help("f:seek").contains(seek));
    assert!(help("torch.DiskFile.seek").starts_with(seek));
    assert!(
        help("torch.MemoryFile").starts_with("torch.MemoryFile([mode: string])\ntorch.MemoryFile(storage: CharStorage")
    );
    assert!(help("paths.mkdir").starts_with("paths.mkdir(path: string)\n"));
    assert!(help("torch.IntStorage.fill").starts_with("s:fill(v: number) -> s\n"));
    assert!(help("torch.IntTensor.fill").contains("x:fill(v: number) -> x\n"));
}

#[test]
fn a_method_is_called_on_what_is_given_first() {
    let text = help("add");
    for form in ["x:add(v: number) -> x", "res:add(x: Tensor, v: number) -> res"] {
        assert!(text.lines().any(|l| l == form), "{form} is not in {text}");
    }
    assert!(help("exp").lines().all(|l| l != "x:exp(x: number)"));
}

#[test]
fn an_unknown_name_gives_names_near_it() {
    assert_eq!(help("torch.narow"), "nothing is known about 'torch.narow'. Names near it: narrow, nn.Narrow\n");
    assert_eq!(help("no-such-thing-anywhere"), "nothing is known about 'no-such-thing-anywhere'\n");
}

#[test]
fn a_class_shows_what_its_constructor_takes() {
    let text = help("nn.Linear");
    assert!(text.starts_with("nn.Linear(inputSize, outputSize, [bias = true])\n"), "{text}");
    assert_eq!(text, help("Linear"));
    assert!(text.contains("m:updateOutput(input: Tensor) -> output\n"), "{text}");
    assert!(text.contains("Inherits from nn.Module."), "{text}");
}

#[test]
fn a_class_without_a_section_shows_its_parameters() {
    let code = "require 'nn'; local define = require 'nn.define'\n\
                define('Fresh', { options = { { 'n' }, { 'size', 2 } }, setup = function(self, n, size, last) end })\n\
                require('rekindle.help').show('nn.Fresh')";
    let text = th(&["-e", code]).1;
    assert!(text.starts_with("nn.Fresh(n, [size = 2], last)\n\nInherits from nn.Module.\n"), "{text}");
}

#[test]
fn the_contents_name_every_page() {
    let text = th(&["-e", "browse()"]).1;
    for folder in ["torch", "nn", "optim", "image", "gnuplot"] {
        let pages = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs").join(folder);
        for page in std::fs::read_dir(pages).expect("the manual") {
            let name = page.expect("a page").path().file_stem().expect("a name").to_string_lossy().into_owned();
            let start = format!("{folder}.{name} (");
            assert!(text.lines().any(|l| l.starts_with(&start)), "{start} is not in {text}");
        }
    }
    let page = th(&["-e", "browse 'view'"]).1;
    assert!(page.starts_with("Shapes and views\n\nA tensor is a storage") && page.contains("\n--- narrow\n"), "{page}");
}

#[test]
fn errors_in_the_session_do_not_name_its_own_lines() {
    let text = th(&["-e", "require('rekindle.run').interact('torch.toc()')"]).1;
    assert!(text.starts_with("stdin:1: toc: expected what tic gave, got nil"), "{text}");
    assert!(!text.contains("rekindle/"), "{text}");
}

#[test]
fn errors_of_constructors_name_the_caller() {
    let text = th(&["-e", "print(select(2, pcall(function() local f = torch.DiskFile('/no/such') end)))"]).1;
    assert!(text.starts_with("(command line):1: torch.DiskFile: cannot open </no/such>"), "{text}");
    let text = th(&["-e", "print(select(2, pcall(function() local f = torch.load('/no/such') end)))"]).1;
    assert!(text.starts_with("(command line):1: torch.DiskFile: cannot open </no/such>"), "{text}");
}
