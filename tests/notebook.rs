//! The kernel of notebooks, as frontends have it: the built binary, spoken to over its sockets.
#![cfg(all(unix, feature = "jupyter"))]

use rekindle::formats::Data;
use rekindle::formats::json::{Options, parse};
use rekindle::notebook::message::{Wire, map, text};
use rekindle::notebook::zmtp;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const KEY: &str = "a key";
const LONG: Duration = Duration::from_secs(120);

/// A running kernel.
struct Kernel {
    child: Child,
    dir: PathBuf,
    /// Of shell, control, stdin, iopub and the heartbeat.
    ports: Vec<u16>,
}

/// A message: its kind, what it answers, what it says.
#[derive(Debug)]
struct Told {
    kind: String,
    parent: Option<String>,
    content: Data,
}

impl Told {
    fn text(&self, path: &str) -> String {
        let found = path.split('/').try_fold(&self.content, |data, name| data.get(name));
        found.and_then(Data::text).unwrap_or_default()
    }
}

/// A connection to one socket.
struct Link(TcpStream);

impl Link {
    fn open(port: u16, kind: &str, identity: &str) -> Link {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        stream.set_read_timeout(Some(LONG)).expect("a patience");
        let mut greeting = [0; 64];
        (greeting[0], greeting[9], greeting[10]) = (0xff, 0x7f, 3);
        greeting[12..16].copy_from_slice(b"NULL");
        stream.write_all(&greeting).expect("a greeting");
        stream.read_exact(&mut greeting).expect("a greeting back");
        let mut ready = b"\x05READY\x0bSocket-Type\0\0\0".to_vec();
        ready.push(kind.len() as u8);
        ready.extend(kind.bytes());
        ready.extend(b"\x08Identity\0\0\0");
        ready.push(identity.len() as u8);
        ready.extend(identity.bytes());
        stream.write_all(&[4, ready.len() as u8]).and_then(|()| stream.write_all(&ready)).expect("a command");
        let mut head = [0; 2];
        stream.read_exact(&mut head).expect("a command back");
        let mut body = vec![0; head[1].into()];
        stream.read_exact(&mut body).expect("a command back");
        if kind == "SUB" {
            stream.write_all(&zmtp::encode(&[vec![1]])).expect("a subscription");
        }
        Link(stream)
    }

    fn next(&mut self) -> Told {
        let frames = zmtp::read(&mut self.0).expect("a message");
        let at = frames.iter().position(|f| f == b"<IDS|MSG>").expect("a delimiter");
        let read = |i: usize| {
            parse(&frames[at + i], Options { max_depth: 100, invalid_numbers: false }).expect("a part is JSON")
        };
        let (header, parent) = (read(2), read(3));
        Told {
            kind: header.get("msg_type").and_then(Data::text).expect("a kind"),
            parent: parent.get("msg_id").and_then(Data::text),
            content: read(5),
        }
    }
}

/// A frontend.
struct Frontend {
    wire: Wire,
    links: Vec<Link>,
}

const SHELL: usize = 0;
const CONTROL: usize = 1;
const STDIN: usize = 2;
const IOPUB: usize = 3;

/// Five ports that nobody listens at. They lie below those that systems give to connections, and each is looked at once
/// by a process: a connection to one of them can neither take it nor, before the kernel listens, reach itself.
fn free_ports() -> Vec<u16> {
    const FIRST: u32 = 12_000;
    const COUNT: u32 = 18_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(97);
    let ports = (0..COUNT).map(|_| {
        let at = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        (FIRST + at) as u16
    });
    let free: Vec<u16> = ports.filter(|p| TcpListener::bind(("127.0.0.1", *p)).is_ok()).take(5).collect();
    assert_eq!(free.len(), 5, "no free ports");
    free
}

impl Kernel {
    fn new(name: &str) -> Kernel {
        let dir = std::env::temp_dir().join(format!("rekindle-kernel-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a scratch folder");
        fs::write(dir.join("history"), "#V2\nan old line\n").expect("a history");
        // a port may be taken by another program between the look for it and the kernel's start
        let found = (0..5).find_map(|_| Kernel::start(&dir));
        let (child, ports) = found.expect("a kernel that listens");
        Kernel { child, dir, ports }
    }

    /// A kernel that listens at free ports; `None` when it ended because one of them was taken.
    fn start(dir: &Path) -> Option<(Child, Vec<u16>)> {
        let ports = free_ports();
        let file = dir.join("connection.json");
        let names = ["shell", "control", "stdin", "iopub", "hb"];
        let list: String = names.iter().zip(&ports).map(|(name, port)| format!("\"{name}_port\":{port},")).collect();
        fs::write(&file, format!("{{{list}\"ip\":\"127.0.0.1\",\"key\":\"{KEY}\",\"transport\":\"tcp\"}}"))
            .expect("a file");
        let mut child = Command::new(env!("CARGO_BIN_EXE_th"))
            .arg("kernel")
            .arg(&file)
            .current_dir(dir)
            .env_remove("TREPLSTARTUP")
            .env("HOME", dir)
            .env("TREPL_HISTORY", dir.join("history"))
            // as Jupyter starts it: what it starts is interrupted with it
            .process_group(0)
            .spawn()
            .expect("th runs");
        let begun = Instant::now();
        // the heartbeat is the last to listen
        while TcpStream::connect(("127.0.0.1", ports[4])).is_err() {
            if child.try_wait().expect("a state").is_some() {
                return None;
            }
            assert!(begun.elapsed() < LONG, "the kernel does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some((child, ports))
    }

    fn frontend(&self, identity: &str) -> Frontend {
        let kinds = ["DEALER", "DEALER", "DEALER", "SUB"];
        let links = kinds.iter().zip(&self.ports).map(|(kind, port)| Link::open(*port, kind, identity)).collect();
        let mut f = Frontend { wire: Wire::new(KEY.into()), links };
        // until the subscription is known
        loop {
            let id = f.send(SHELL, "kernel_info_request", map([]));
            f.reply(&id);
            f.links[IOPUB].0.set_read_timeout(Some(Duration::from_millis(200))).expect("a patience");
            let known = f.links[IOPUB].0.peek(&mut [0]).is_ok_and(|n| n > 0);
            f.links[IOPUB].0.set_read_timeout(Some(LONG)).expect("a patience");
            if known {
                f.outputs(&id);
                return f;
            }
        }
    }

    /// How much memory the kernel has, in MB.
    fn memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or("0 kB");
        line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") / 1024
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        // one that has ended is fine
        self.child.kill().ok();
        self.child.wait().ok();
        fs::remove_dir_all(&self.dir).ok();
    }
}

impl Frontend {
    /// Sends a request; its identifier.
    fn send(&mut self, socket: usize, kind: &str, content: Data) -> String {
        let frames = self.wire.compose(b"", kind, None, &content);
        let header = parse(&frames[3], Options { max_depth: 9, invalid_numbers: false }).expect("a header");
        self.links[socket].0.write_all(&zmtp::encode(&frames)).expect("the kernel takes it");
        header.get("msg_id").and_then(Data::text).expect("an identifier")
    }

    /// The answer to a request over the shell.
    fn reply(&mut self, id: &str) -> Told {
        loop {
            let told = self.links[SHELL].next();
            if told.parent.as_deref() == Some(id) {
                return told;
            }
        }
    }

    /// What a request shows until it is done.
    fn outputs(&mut self, id: &str) -> Vec<Told> {
        let mut all = vec![];
        loop {
            let told = self.links[IOPUB].next();
            let state = told.text("execution_state");
            if told.parent.as_deref() != Some(id) || state == "busy" {
                continue;
            }
            if state == "idle" {
                return all;
            }
            all.push(told);
        }
    }

    fn begin(&mut self, code: &str) -> String {
        self.send(SHELL, "execute_request", map([("code", text(code)), ("allow_stdin", Data::Bool(true))]))
    }

    /// Runs a cell: the answer, and what it showed.
    fn run(&mut self, code: &str) -> (Told, Vec<Told>) {
        let id = self.begin(code);
        let outputs = self.outputs(&id);
        (self.reply(&id), outputs)
    }

    fn ask(&mut self, kind: &str, content: Data) -> Told {
        let id = self.send(SHELL, kind, content);
        let told = self.reply(&id);
        self.outputs(&id);
        told
    }

    /// Waits until a cell has written this.
    fn wait_for(&mut self, what: &str) {
        let mut seen = String::new();
        while !seen.contains(what) {
            seen += &self.links[IOPUB].next().text("text");
        }
    }
}

fn streamed(outputs: &[Told], name: &str) -> String {
    outputs.iter().filter(|t| t.text("name") == name).map(|t| t.text("text")).collect()
}

fn data(outputs: &[Told], kind: &str) -> Vec<String> {
    let found = outputs.iter().filter_map(|t| t.content.get("data")?.get(kind)?.text());
    found.collect()
}

#[test]
fn cells_show_output_results_and_errors() {
    let kernel = Kernel::new("cells");
    let mut f = kernel.frontend("one");
    let (reply, out) = f.run("io.write('a') print('é') io.stderr:write('err')\nos.execute('echo child')\n{1, {x = 2}}");
    assert_eq!(reply.text("status"), "ok");
    assert_eq!((streamed(&out, "stdout"), streamed(&out, "stderr")), ("aé\nchild\n".into(), "err".into()));
    assert!(data(&out, "text/plain")[0].contains("x : 2") && data(&out, "text/html")[0].contains("<details open>"));
    let (_, out) = f.run("require('ffi').cdef 'int puts(const char *);'\nrequire('ffi').C.puts('from C');");
    assert_eq!(streamed(&out, "stdout"), "from C\n");
    // values in the middle, none behind a semicolon, several at the end
    let (_, out) = f.run("x = 5\nx + 1\n'hidden';\ntorch.range(1, 4):view(2, 2):max(2)");
    let shown = data(&out, "text/plain");
    assert!(shown.len() == 2 && shown[0] == "6" && shown[1].contains("LongTensor"), "{shown:?}");
    // errors know their cell and its lines, also from a later one
    f.run("function f(n)\n   return n.x.y\nend");
    let (reply, out) = f.run("\n\nf(3)");
    assert_eq!(reply.text("status"), "error");
    let Some(Data::List(lines)) = reply.content.get("traceback") else { panic!("no traceback in {reply:?}") };
    let told: String = lines.iter().filter_map(Data::text).collect::<Vec<_>>().join("\n");
    assert!(told.contains("In [4]:2: attempt to index") && told.contains("return n.x.y"), "{told}");
    assert!(told.contains("In [5]:3: in main chunk") && !told.contains("rekindle/"), "{told}");
    assert_eq!(out.last().expect("an error").kind, "error");
    let (reply, _) = f.run("print(1)\nx = = 2");
    assert!(reply.text("evalue").contains("In [6]:2: unexpected symbol"), "{reply:?}");
    // a value that cannot be shown is an error like others
    let (reply, _) = f.run("setmetatable({}, { __tostring = function() error('bad') end })");
    assert!(reply.text("evalue").ends_with("bad"), "{reply:?}");
}

#[test]
fn names_help_and_history_are_those_of_the_session() {
    let kernel = Kernel::new("names");
    let mut f = kernel.frontend("one");
    let at = |code: &str| map([("code", text(code)), ("cursor_pos", Data::Num(code.chars().count() as f64))]);
    let told = f.ask("complete_request", at("é = 1\né = torch.manualS"));
    assert_eq!(told.content.get("matches"), Some(&Data::List(vec![text("manualSeed")])));
    assert_eq!(
        (told.content.get("cursor_start"), told.content.get("cursor_end")),
        (Some(&Data::Num(16.0)), Some(&Data::Num(23.0)))
    );
    for code in ["torch.add", "torch.add(x, ", "torch.add({1, 2}, "] {
        let told = f.ask("inspect_request", at(code));
        let page = told.content.get("data").and_then(|d| d.get("text/plain")).and_then(Data::text).expect("a page");
        assert!(page.contains("Adds a number"), "{page}");
    }
    assert_eq!(f.ask("inspect_request", at("nosuchname")).content.get("found"), Some(&Data::Bool(false)));
    for (code, state) in [("for i = 1, 3 do", "incomplete"), ("x = 1", "complete"), ("x = = 1", "invalid")] {
        assert_eq!(f.ask("is_complete_request", map([("code", text(code))])).text("status"), state, "{code}");
    }
    f.run("first = 1");
    f.run("second = 2");
    let tail = map([("hist_access_type", text("tail")), ("n", Data::Num(1.0))]);
    let told = f.ask("history_request", tail);
    let entry = Data::List(vec![Data::Num(2.0), Data::Num(2.0), text("second = 2")]);
    assert_eq!(told.content.get("history"), Some(&Data::List(vec![entry])));
    let search = map([("hist_access_type", text("search")), ("pattern", text("*old*"))]);
    let old = Data::List(vec![Data::Num(1.0), Data::Num(1.0), text("an old line")]);
    assert_eq!(f.ask("history_request", search).content.get("history"), Some(&Data::List(vec![old])));
    // a console leaves, a notebook goes on
    let (reply, _) = f.run("os.exit(1)");
    let Some(Data::List(payload)) = reply.content.get("payload") else { panic!("no payload in {reply:?}") };
    assert_eq!(payload[0].get("source"), Some(&text("ask_exit")));
    let (_, out) = f.run("first");
    assert_eq!(data(&out, "text/plain"), ["1"]);
}

#[test]
fn pictures_and_displays_are_shown_and_change() {
    let kernel = Kernel::new("pictures");
    let mut f = kernel.frontend("one");
    let (_, out) = f.run(
        "itorch.image(torch.rand(3, 8, 8))\np = itorch.Plot():circle({1, 2}, {3, 4}):draw()\np:title('t'):redraw()",
    );
    let kinds: Vec<&str> = out[1..].iter().map(|t| t.kind.as_str()).collect();
    assert_eq!(kinds, ["display_data", "display_data", "update_display_data"]);
    assert!(data(&out, "image/png")[0].starts_with("iVBOR") && data(&out, "image/svg+xml").len() == 2);
    let (_, out) = f.run("for i = 1, 3 do xlua.progress(i, 3) end");
    let updates: Vec<&Told> = out.iter().filter(|t| t.kind.ends_with("display_data")).collect();
    assert!(!updates.is_empty() && updates.iter().filter(|t| t.kind == "display_data").count() == 1, "{out:?}");
    let (_, out) = f.run("itorch.pictures = true\ntorch.rand(8, 8)");
    assert_eq!(data(&out, "image/png").len(), 1);
    let class = "local T, parent = torch.class('T')\nfunction T:__init() self.value = 1 end\nT().value";
    f.run("local T, parent = torch.class('T')");
    assert_eq!(data(&f.run("torch.class 'U'\nfunction U:__init() self.v = 7 end\nU().v").1, "text/plain"), ["7"]);
    let (reply, _) = f.run(class);
    assert_eq!(reply.text("status"), "error", "T is a metatable here, as in Torch7");
    assert_eq!(f.run("torch.class 'U'\nfunction U:__init() self.v = 8 end").0.text("status"), "ok");
    assert_eq!(data(&f.run("U().v").1, "text/plain"), ["8"]);
    assert_eq!(f.run("require 'nn'\ntorch.class 'nn.Linear'").0.text("status"), "error");
}

#[test]
fn interrupts_stop_cells_and_nothing_else() {
    let kernel = Kernel::new("interrupts");
    let mut f = kernel.frontend("one");
    for _ in 0..4 {
        f.send(CONTROL, "interrupt_request", map([]));
        assert_eq!(f.links[CONTROL].next().kind, "interrupt_reply");
    }
    for code in
        ["while true do end", "sys.sleep(600)", "while true do io.write('.') end", "io.popen('sleep 600'):read('*a')"]
    {
        let id = f.begin(&format!("print('be' .. 'gun')\n{code}"));
        // what a cell queues behind it is refused
        let behind = f.begin("print('not run')");
        f.wait_for("begun");
        std::thread::sleep(Duration::from_millis(50));
        f.send(CONTROL, "interrupt_request", map([]));
        let begun = Instant::now();
        let reply = f.reply(&id);
        assert!(begun.elapsed() < Duration::from_secs(30), "{code} took {:?}", begun.elapsed());
        assert_eq!((reply.text("status"), reply.text("ename")), ("error".into(), "Interrupted".into()), "{code}");
        assert_eq!(f.reply(&behind).text("status"), "aborted");
        f.outputs(&behind);
    }
    assert_eq!(data(&f.run("1 + 1").1, "text/plain"), ["2"]);
}

#[test]
fn input_is_asked_of_who_runs_the_cell() {
    let kernel = Kernel::new("input");
    let (mut one, mut two) = (kernel.frontend("one"), kernel.frontend("two"));
    let id = one.begin("io.write('name? ')\nlocal name = io.read()\nlocal n = io.read('*n')\nprint(name, n + 1)");
    assert_eq!(one.links[STDIN].next().kind, "input_request");
    // who comes second waits
    let other = two.begin("print('later')");
    for (i, answer) in ["Jo é", "41"].into_iter().enumerate() {
        if i > 0 {
            assert_eq!(one.links[STDIN].next().kind, "input_request");
        }
        one.send(STDIN, "input_reply", map([("value", text(answer))]));
    }
    assert_eq!(one.reply(&id).text("status"), "ok");
    assert_eq!(two.reply(&other).text("status"), "ok");
    // everyone sees what is shown
    for f in [&mut one, &mut two] {
        assert_eq!(streamed(&f.outputs(&id), "stdout"), "name? Jo é\t42\n");
        assert_eq!(streamed(&f.outputs(&other), "stdout"), "later\n");
    }
    let silent = map([("code", text("io.read()")), ("allow_stdin", Data::Bool(false))]);
    let id = two.send(SHELL, "execute_request", silent);
    assert!(two.reply(&id).text("evalue").contains("this frontend gives no input"));
}

#[test]
fn output_of_any_size_takes_no_memory() {
    let kernel = Kernel::new("memory");
    let mut f = kernel.frontend("one");
    f.run("for i = 1, 1000 do print(i) end");
    let before = kernel.memory();
    let id = f.begin("for i = 1, 1000000 do print('a line that is not short, with its number', i) end");
    // a frontend that does not look for a while
    let mut most = before;
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(50));
        most = most.max(kernel.memory());
    }
    let out = f.outputs(&id);
    assert_eq!(streamed(&out, "stdout").lines().count(), 1_000_000);
    assert!(most < before + 60, "from {before} MB to {most} MB");
    // bytes that are no text, and a line without an end
    let (_, out) = f.run("io.write('\\255\\0caf\\195') io.write('\\169 ', ('x'):rep(3000000))");
    let all = streamed(&out, "stdout");
    assert!(all.starts_with("\u{fffd}\0café xxx") && all.len() == 3_000_000 + 10, "{}", all.len());
}

#[test]
fn what_is_no_message_changes_nothing() {
    let kernel = Kernel::new("damage");
    let mut f = kernel.frontend("one");
    for port in &kernel.ports {
        for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 64], &[0], &[]] {
            TcpStream::connect(("127.0.0.1", *port)).and_then(|mut s| s.write_all(bytes)).expect("a connection");
        }
        let mut link = Link::open(*port, "DEALER", "bad");
        // sizes that are announced and do not come
        let mut huge = vec![2];
        huge.extend(u64::MAX.to_be_bytes());
        link.0.write_all(&huge).ok();
    }
    let good = f.wire.compose(b"", "execute_request", None, &map([("code", text("stolen = true"))]));
    let stranger =
        Wire::new(b"another key".to_vec()).compose(b"", "execute_request", None, &map([("code", text("x"))]));
    let mut damaged = vec![stranger, vec![], vec![vec![]], vec![b"<IDS|MSG>".to_vec()]];
    for at in 2..good.len() {
        let mut other = good.clone();
        other[at].extend(b" ");
        damaged.push(other);
        damaged.push(good[..at].to_vec());
    }
    for socket in [SHELL, CONTROL, STDIN] {
        for frames in damaged.iter().filter(|m| !m.is_empty()) {
            f.links[socket].0.write_all(&zmtp::encode(frames)).expect("the kernel takes it");
        }
    }
    // well signed, and still not what is expected
    for content in
        [map([]), map([("code", Data::Num(3.0))]), map([("code", text("1")), ("user_expressions", text("x"))])]
    {
        for kind in [
            "execute_request",
            "complete_request",
            "inspect_request",
            "is_complete_request",
            "history_request",
            "no_request",
        ] {
            f.send(SHELL, kind, content.clone());
        }
    }
    f.send(STDIN, "input_reply", map([("value", Data::Null)]));
    let (_, out) = f.run("tostring(stolen)");
    assert_eq!(data(&out, "text/plain"), ["nil"]);
}

#[test]
fn a_frontend_ends_the_kernel_whatever_runs() {
    for code in ["1", "while true do pcall(sys.sleep, 1000) end"] {
        let mut kernel = Kernel::new("shutdown");
        let mut f = kernel.frontend("one");
        f.begin(&format!("print('begun')\n{code}"));
        f.wait_for("begun");
        f.send(CONTROL, "shutdown_request", map([("restart", Data::Bool(false))]));
        assert_eq!(f.links[CONTROL].next().kind, "shutdown_reply");
        let begun = Instant::now();
        while kernel.child.try_wait().expect("a state").is_none() {
            assert!(begun.elapsed() < LONG, "{code} goes on");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A run of `th kernel`: status, standard output, standard error.
fn th(dir: &PathBuf, args: &[&str]) -> (Option<i32>, String, String) {
    let mut th = Command::new(env!("CARGO_BIN_EXE_th"));
    th.arg("kernel").args(args).env("HOME", dir).env_remove("JUPYTER_DATA_DIR").env_remove("XDG_DATA_HOME");
    let Output { status, stdout, stderr } = th.stdin(Stdio::null()).output().expect("th runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn installing_writes_what_jupyter_reads() {
    let dir = std::env::temp_dir().join(format!("rekindle-kernel-install-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("a scratch folder");
    let prefix = dir.join("env");
    let prefix = prefix.to_str().expect("a name");
    let (status, out, err) =
        th(&dir, &["install", "--prefix", prefix, "--name", "torch", "--env", "REKINDLE_CUDA=cpu"]);
    assert_eq!(status, Some(0), "{out}{err}");
    let spec = fs::read(dir.join("env/share/jupyter/kernels/torch/kernel.json")).expect("a file");
    let spec = parse(&spec, Options { max_depth: 9, invalid_numbers: false }).expect("JSON");
    assert_eq!(spec.get("language"), Some(&text("lua")));
    assert_eq!(spec.get("env").and_then(|e| e.get("REKINDLE_CUDA")), Some(&text("cpu")));
    let Some(Data::List(argv)) = spec.get("argv") else { panic!("no argv") };
    assert_eq!(argv[1..], [text("kernel"), text("{connection_file}")]);
    assert_eq!(th(&dir, &["install", "--user"]).0, Some(0));
    fs::write(dir.join("c.json"), "{\"key\":\"\",\"shell_port\":1}").expect("a file");
    let file = dir.join("c.json").to_str().expect("a name").to_string();
    for (args, told) in [
        (vec![], "expected install or a connection file"),
        (vec!["install", "--user", "--prefix", prefix], "exclude each other"),
        (vec!["install", "--prefix"], "--prefix needs a value"),
        (vec!["install", "more"], "unexpected more"),
        (vec!["install", "--name", "a/b"], "--name"),
        (vec!["--bogus"], "unknown option --bogus"),
        (vec!["/nonexistent"], "cannot read the connection file /nonexistent"),
        (vec![file.as_str()], "there is no \"control_port\""),
    ] {
        let (status, out, err) = th(&dir, &args);
        assert!(status == Some(1) && err.starts_with("th kernel") && err.contains(told), "{args:?}: {out}{err}");
    }
    fs::remove_dir_all(dir).ok();
}
