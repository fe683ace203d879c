//! Models as ONNX and PyTorch: every class of nn and networks of its time are converted, run in onnxruntime and PyTorch by
//! the scripts that `th verify` writes, and compared. Needs a Python with numpy, torch, onnx and onnxruntime
//! (REKINDLE_PYTHON, else python3); without one this is told, and what needs none is tested all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// The largest relative difference.
const TOLERANCE: f64 = 1e-5;
/// Networks that have to be among those of `tests/lua/export_networks.lua`.
const NETWORKS: &[&str] = &[
    "autoencoder",
    "char_rnn",
    "dcgan_discriminator",
    "dcgan_generator",
    "highway",
    "inception",
    "lenet",
    "resnet",
    "siamese",
    "unet",
    "vgg",
];
/// Classes that only networks can show: what they need comes before them.
const IN_NETWORKS: &[&str] = &["SpatialMaxUnpooling", "VolumetricMaxUnpooling"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn th(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_th")).args(args).current_dir(root()).output().expect("th runs")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A folder that goes when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let dir = std::env::temp_dir().join(format!("rekindle-export-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a folder");
        Folder(dir)
    }
    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The Python with what is needed, or why there is none. Asked once: it loads all of that, which takes seconds.
fn python() -> Result<String, String> {
    static FOUND: OnceLock<Result<String, String>> = OnceLock::new();
    let probe = || {
        let name = std::env::var("REKINDLE_PYTHON").unwrap_or_else(|_| "python3".into());
        match Command::new(&name).args(["-c", "import numpy, torch, onnx, onnxruntime"]).output() {
            Ok(o) if o.status.success() => Ok(name),
            Ok(o) => Err(format!("{name}: {}", String::from_utf8_lossy(&o.stderr).lines().last().unwrap_or_default())),
            Err(e) => Err(format!("{name}: {e}")),
        }
    };
    FOUND.get_or_init(probe).clone()
}

/// Tells what is not tested; straight to the terminal, since what a test that passes prints is not shown.
fn skipped(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {what} are not run in onnxruntime and PyTorch, {why}");
}

/// What a Lua file of the tests printed, as lines of fields between tabs.
fn converted(script: &str, folder: &Folder) -> Vec<Vec<String>> {
    let out = th(&[script, &folder.path("")]);
    assert!(out.status.success(), "{}", text(&out));
    let stdout = String::from_utf8_lossy(&out.stdout).into_owned();
    stdout.lines().map(|l| l.split('\t').map(str::to_owned).collect::<Vec<_>>()).filter(|f| f.len() == 3).collect()
}

/// Runs the scripts; names and formats of what agreed.
fn compared(python: &str, lines: &[Vec<String>]) -> BTreeSet<(String, String)> {
    let mut child = Command::new(python)
        .arg(root().join("tests/python/compare.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python runs");
    let input: String = lines.iter().map(|l| l.join("\t") + "\n").collect();
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let out = child.wait_with_output().expect("python ends");
    let _ = writer.join();
    assert!(out.status.success(), "{}", text(&out));
    let mut agreed = BTreeSet::new();
    let mut complaints = vec![];
    for line in String::from_utf8_lossy(&out.stdout).lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields.get(2).and_then(|d| d.parse::<f64>().ok()) {
            Some(d) if d <= TOLERANCE => {
                agreed.insert((fields[0].to_owned(), fields[1].to_owned()));
            }
            _ => complaints.push(line.to_owned()),
        }
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
    assert!(agreed.len() > 1, "nothing was compared: {}", text(&out));
    agreed
}

/// The table of `docs/exports.md`: class, ONNX, PyTorch, reason.
fn documented() -> BTreeMap<String, [String; 3]> {
    let page = std::fs::read_to_string(root().join("docs/exports.md")).expect("the page is there");
    page.lines()
        .filter_map(|l| l.strip_prefix("| nn."))
        .map(|l| {
            let f: Vec<&str> = l.split('|').map(str::trim).collect();
            (f[0].to_owned(), [f[1].to_owned(), f[2].to_owned(), f.get(3).copied().unwrap_or_default().to_owned()])
        })
        .collect()
}

#[test]
fn every_class_agrees_or_is_refused_with_its_reason() {
    let folder = Folder::new("classes");
    let lines = converted("tests/lua/export_classes.lua", &folder);
    let refused: BTreeMap<_, _> =
        lines.iter().filter(|l| l[1] == "refused").map(|l| (l[0].clone(), l[2].clone())).collect();
    let written: Vec<_> = lines.iter().filter(|l| l[1] != "refused").cloned().collect();
    let known = documented();
    for (class, why) in &refused {
        let [onnx, pytorch, reason] =
            known.get(class).unwrap_or_else(|| panic!("nn.{class} is not in docs/exports.md"));
        if IN_NETWORKS.contains(&class.as_str()) {
            continue;
        }
        assert!(onnx == "no" && pytorch == "no", "nn.{class} is refused ({why}), docs/exports.md says otherwise");
        assert!(why.contains(reason.as_str()), "nn.{class}: {why}, but docs/exports.md says {reason}");
    }
    let classes: BTreeSet<_> = written.iter().map(|l| l[0].clone()).collect();
    for class in &classes {
        let [onnx, pytorch, _] = known.get(class).unwrap_or_else(|| panic!("nn.{class} is not in docs/exports.md"));
        assert!(onnx == "yes" && pytorch == "yes", "nn.{class} is converted, docs/exports.md says otherwise");
    }
    for class in known.keys() {
        assert!(classes.contains(class) || refused.contains_key(class), "docs/exports.md: there is no nn.{class}");
    }
    match python() {
        Ok(python) => {
            let agreed = compared(&python, &written);
            for l in &written {
                assert!(agreed.contains(&(l[0].clone(), l[1].clone())), "nn.{} was not compared as {}", l[0], l[1]);
            }
        }
        Err(why) => skipped("classes", &why),
    }
}

/// Converts what a Lua file of the tests makes and compares it, where there is a Python.
fn agree(script: &str, name: &str) -> Vec<Vec<String>> {
    let folder = Folder::new(name);
    let lines = converted(script, &folder);
    let refused: Vec<_> = lines.iter().filter(|l| l[1] == "refused").collect();
    assert!(refused.is_empty(), "{refused:#?}");
    match python() {
        Ok(python) => {
            compared(&python, &lines);
        }
        Err(why) => skipped(name, &why),
    }
    lines
}

#[test]
fn networks_agree_with_any_batch() {
    let lines = agree("tests/lua/export_networks.lua", "networks");
    for name in NETWORKS {
        for format in ["onnx", "pth", "pth of doubles"] {
            assert!(lines.iter().any(|l| l[0] == *name && l[1] == format), "{name} as {format}: {lines:#?}");
        }
    }
}

#[test]
fn options_of_classes_agree_with_any_batch() {
    assert!(agree("tests/lua/export_variants.lua", "variants").len() > 200);
}

#[test]
fn the_table_of_classes_is_that_of_now() {
    let told = th(&["tests/lua/export_table.lua"]);
    assert!(told.status.success(), "{}", text(&told));
}

/// Saves what a piece of Lua makes.
fn saved(folder: &Folder, name: &str, lua: &str) -> String {
    let path = folder.path(name);
    let code =
        format!("require 'nn' require 'nngraph' torch.manualSeed(1) torch.save({path:?}, (function() {lua} end)())");
    let out = th(&["-e", &code]);
    assert!(out.status.success(), "{}", text(&out));
    path
}

#[test]
fn files_of_tensors_and_of_torch_are_compared_at_once() {
    let folder = Folder::new("files");
    let net =
        "local a = nn.Linear(4, 3) local net = nn.Sequential():add(a):add(nn.Tanh()):add(nn.Linear(3, 2)) return net";
    let model = saved(&folder, "net.t7", net);
    let other = saved(&folder, "other.t7", net);
    for out in ["net.safetensors", "net.npz", "ascii.t7", "double.t7"] {
        let out = folder.path(out);
        let more: &[&str] = if out.contains("ascii") { &["-ascii", "-float"] } else { &[] };
        let done = th(&[&["convert", &model, &out], more].concat());
        assert!(done.status.success(), "{}", text(&done));
        let told = th(&["verify", &model, &out]);
        assert!(told.status.success() && text(&told).contains("agrees"), "{}", text(&told));
    }
    // in evaluation, whatever the file was saved in
    let net = "return nn.Sequential():add(nn.Linear(4, 3)):add(nn.BatchNormalization(3)):add(nn.Dropout(0.5))";
    let training = saved(&folder, "training.t7", net);
    let told = th(&["verify", &training, &training]);
    assert!(told.status.success() && text(&told).contains("agrees"), "{}", text(&told));
    // a changed weight is told
    let code = format!("require 'nn' local m = torch.load({other:?}) m:get(1).weight:add(1) torch.save({other:?}, m)");
    assert!(th(&["-e", &code]).status.success());
    let told = th(&["verify", &other, &folder.path("net.npz")]);
    assert!(!told.status.success() && text(&told).contains("differs"), "{}", text(&told));
}

/// A checkpoint as machines with GPUs wrote them: cuDNN's classes, a convolution in groups, CUDA tensors, a DataParallelTable, a
/// function, beside what else a program keeps.
#[test]
fn files_of_machines_with_gpus_are_converted_without_one() {
    let folder = Folder::new("gpu");
    let path = folder.path("gpu.t7");
    let code = format!(
        "require 'cudnn' require 'cunn' torch.manualSeed(1)
         local net = nn.Sequential():add(cudnn.SpatialConvolution(4, 6, 3, 3, 1, 1, 1, 1, 2)):add(cudnn.SpatialBatchNormalization(6))
            :add(cudnn.ReLU(true)):add(cudnn.SpatialMaxPooling(2, 2, 2, 2)):add(nn.View(-1):setNumInputDims(3))
            :add(nn.Linear(6 * 16, 5)):add(cudnn.LogSoftMax())
         net:cuda()
         net:forward(torch.randn(3, 4, 8, 8):cuda())
         local table_ = nn.DataParallelTable(1):add(net, 1)
         torch.save({path:?}, {{ model = table_, epoch = 3, closure = function() return 1 end }})"
    );
    let out = th(&["--cuda", "cpu", "-e", &code]);
    assert!(out.status.success(), "{}", text(&out));
    let again = folder.path("cpu.t7");
    let done = th(&["convert", &path, &again, "-float", "-ascii"]);
    assert!(done.status.success(), "{}", text(&done));
    let written = std::fs::read_to_string(&again).expect("a text");
    assert!(!written.contains("cudnn.") && !written.contains("Cuda"), "GPU types are left");
    for out in ["gpu.onnx", "gpu.pth"] {
        let out = folder.path(out);
        let done = th(&["convert", &path, &out]);
        assert!(done.status.success() && text(&done).contains("input 4x8x8"), "{}", text(&done));
        if let Ok(python) = python() {
            let told = Command::new(env!("CARGO_BIN_EXE_th"))
                .args(["verify", &path, &out])
                .env("REKINDLE_PYTHON", python)
                .output()
                .expect("th runs");
            assert!(told.status.success() && text(&told).contains("agrees"), "{}", text(&told));
        }
    }
    let python_file = std::fs::read_to_string(folder.path("gpu.py")).expect("a Python file");
    assert!(python_file.contains("nn.Conv2d(4, 6, (3, 3), padding=(1, 1), groups=2)"), "{python_file}");
}

#[test]
fn weights_beside_a_file_and_inputs_of_ones_own_are_taken() {
    let folder = Folder::new("beside");
    let model =
        saved(&folder, "net.t7", "return nn.Sequential():add(nn.Linear(4, 3)):add(nn.Tanh()):add(nn.Linear(3, 2))");
    let (out, input) = (folder.path("net.onnx"), folder.path("input.npy"));
    let done = th(&["convert", &model, &out, "-external", "20"]);
    assert!(done.status.success(), "{}", text(&done));
    assert!(Path::new(&folder.path("net.onnx.data")).exists());
    let code = format!("require('rekindle.models').save({input:?}, {{ {{ 'x', torch.randn(7, 4):float() }} }})");
    assert!(th(&["-e", &code]).status.success());
    let Ok(python) = python() else { return };
    let told = Command::new(env!("CARGO_BIN_EXE_th"))
        .args(["verify", &model, &out, "-input", &input])
        .env("REKINDLE_PYTHON", python)
        .output()
        .expect("th runs");
    assert!(told.status.success() && text(&told).contains("agrees"), "{}", text(&told));
}

#[test]
fn what_cannot_be_expressed_is_named_before_anything_is_written() {
    let folder = Folder::new("refused");
    let model = saved(
        &folder,
        "net.t7",
        "my = {} torch.class('my.Layer', 'nn.Module') return nn.Sequential():add(nn.Linear(4, 3)):add(nn.Sequential():add(my.Layer())
         :add(nn.SpatialFractionalMaxPooling(2, 2, 2, 2)))",
    );
    for out in ["net.onnx", "net.pth"] {
        let out = folder.path(out);
        let told = th(&["convert", &model, &out]);
        let text = text(&told);
        assert!(!told.status.success());
        assert!(text.contains("2.1: my.Layer") && text.contains("2.2: nn.SpatialFractionalMaxPooling"), "{text}");
        assert!(!Path::new(&out).exists());
    }
}

#[test]
fn fields_of_a_file_do_not_become_code() {
    let folder = Folder::new("fields");
    let code = "1)); __import__('os').system('touch here') #";
    let model = saved(
        &folder,
        "net.t7",
        &format!("local net = nn.Sequential():add(nn.Dropout(0.5)) net:get(1).p = {code:?} return net"),
    );
    let out = folder.path("net.pth");
    let told = th(&["convert", &model, &out, "-input", "3"]);
    assert!(!told.status.success() && text(&told).contains("no number"), "{}", text(&told));
    assert!(!Path::new(&out).exists());
}

#[test]
fn damaged_models_give_errors() {
    let folder = Folder::new("damage");
    let told = th(&["tests/lua/export_damage.lua", &folder.path("")]);
    assert!(told.status.success() && text(&told).contains("done"), "{}", text(&told));
}

#[test]
fn mistakes_are_told_in_a_line() {
    let folder = Folder::new("mistakes");
    let model = saved(&folder, "net.t7", "return nn.Sequential():add(nn.Linear(4, 3))");
    let two = saved(&folder, "two.t7", "return { a = nn.Linear(4, 3), b = { c = nn.Linear(3, 2) } }");
    let onnx = folder.path("net.onnx");
    for (args, expected) in [
        (vec!["convert", &model], "th convert MODEL.t7 OUT"),
        (vec!["convert", &model, "out.h5"], "expected a name that ends in"),
        (vec!["convert", "none.t7", &onnx], "none.t7"),
        (vec!["convert", &model, &onnx, "-input", "4x"], "is no shape of an input"),
        (vec!["convert", &model, &onnx, "-input", "5"], "does not take an input of 5"),
        (vec!["convert", &model, &onnx, "-opset", "5"], "opset"),
        (vec!["convert", &model, &onnx, "-wrong"], "unknown option -wrong"),
        (vec!["convert", &model, &onnx, "-opset"], "needs a value"),
        (vec!["convert", &two, &onnx], "a, b.c"),
        (vec!["convert", &two, &onnx, "-model", "x"], "there is no x"),
        (vec!["verify", &model, "none.onnx"], "there is no none.onnx"),
    ] {
        let told = th(&args);
        let text = text(&told);
        assert!(!told.status.success() && text.contains(expected), "{args:?}: {text}");
        assert!(text.lines().count() < 40 && !text.contains("stack traceback"), "{args:?}: {text}");
    }
    // options that would do nothing, and files that are not there
    let (npz, names) = (folder.path("net.npz"), folder.path("names.txt"));
    std::fs::write(&names, "a\n").expect("a file");
    let none = folder.path("none/net.onnx");
    for (args, expected) in [
        (vec!["convert", &model, &onnx, "-ascii"], "th convert: -ascii is for .t7"),
        (vec!["convert", &model, &onnx, "-weights"], "th convert: -weights is for .pth"),
        (vec!["convert", &model, &npz, "-opset", "17"], "th convert: -opset is for .onnx"),
        (vec!["convert", &model, &npz, "-names", &names], "1 new names for 2 tensors"),
        (vec!["convert", &model, &onnx, "-model", "x"], "leave -model out"),
        (vec!["convert", &model, &none], "th convert: cannot write <"),
        (vec!["verify", &model, &model, "-input", "none.npy"], "th verify: -input: cannot read <none.npy>"),
        (vec!["verify", &model, &names], "expected a file of .onnx"),
    ] {
        let told = th(&args);
        let text = text(&told);
        assert!(!told.status.success() && text.contains(expected) && text.lines().count() == 1, "{args:?}: {text}");
    }
    // networks whose fields are not as their classes make them
    for (change, expected) in [
        ("m.modules[1].weight = 'x'", "   1: nn.Linear: its field 'weight' is a string, a tensor expected"),
        ("m.modules = nil", "   the model: nn.Sequential: its table of modules is missing"),
        ("m.modules[1] = 5", "   1: number: a module expected"),
        ("m:add(m)", "   2: nn.Sequential: it contains itself"),
        (
            "m.modules[1].updateOutput = function(_, x) return x end",
            "   1: nn.Linear: it has a method of its own: updateOutput",
        ),
        ("for i = 1, 200 do m = nn.Sequential():add(m) end", "deeper than 80"),
    ] {
        let odd =
            saved(&folder, "odd.t7", &format!("local m = nn.Sequential():add(nn.Linear(4, 3)) {change} return m"));
        let told = th(&["convert", &odd, &folder.path("odd.pth")]);
        assert!(!told.status.success() && text(&told).contains(expected), "{change}: {}", text(&told));
    }
    // what is told of a file that does not run is no difference
    if let Ok(python) = python() {
        std::fs::write(&onnx, "nothing").expect("a file");
        let told = Command::new(env!("CARGO_BIN_EXE_th"))
            .args(["verify", &model, &onnx])
            .env("REKINDLE_PYTHON", python)
            .output()
            .expect("th runs");
        let text = text(&told);
        assert!(text.contains("could not be compared") && !text.contains("Traceback"), "{text}");
    }
    // a Python file of the user's own stays
    std::fs::write(folder.path("own.py"), "print('mine')\n").expect("a file");
    let told = th(&["convert", &model, &folder.path("own.pth")]);
    assert!(!told.status.success() && text(&told).contains("own.py"), "{}", text(&told));
    let told = th(&["convert", &two, &onnx, "-model", "b.c"]);
    assert!(told.status.success() && text(&told).contains("input 3 after a batch"), "{}", text(&told));
}

/// Memory is told by the system on Linux.
#[cfg(target_os = "linux")]
#[test]
fn large_outputs_take_no_memory() {
    let folder = Folder::new("memory");
    let told = th(&["tests/lua/export_memory.lua", &folder.path("")]);
    assert!(told.status.success(), "{}", text(&told));
}
