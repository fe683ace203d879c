//! Pictures and plots: what stands in them, and where they go. Terminals are pseudo-terminals, whose text is read back to pixels.
#![cfg(unix)]

use nix::pty::{Winsize, openpty};
use rekindle::formats::bytes::from_base64;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder of its own, which goes with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let folder = std::env::temp_dir().join(format!("rekindle-pictures-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Scratch(folder)
    }
    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a name in UTF-8").into()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// `th` with none of the variables that terminals are known by.
fn th(environment: &[(&str, &str)]) -> Command {
    let mut th = Command::new(env!("CARGO_BIN_EXE_th"));
    for name in [
        "TERM_PROGRAM",
        "KITTY_WINDOW_ID",
        "KONSOLE_VERSION",
        "COLORTERM",
        "LC_TERMINAL",
        "TMUX",
        "STY",
        "COLUMNS",
        "LINES",
    ] {
        th.env_remove(name);
    }
    th.env_remove("REKINDLE_PICTURES").env_remove("TREPLSTARTUP").env("NO_COLOR", "1").env("TERM", "xterm");
    th.envs(environment.iter().copied()).current_dir(env!("CARGO_MANIFEST_DIR"));
    th
}

/// Output of a program that does not write to a terminal.
fn plain(environment: &[(&str, &str)], code: &str) -> Output {
    th(environment).args(["-e", code]).output().expect("th runs")
}

/// What a program, or a session that is typed into, writes to a terminal of so many columns and rows.
fn on_terminal(environment: &[(&str, &str)], size: (u16, u16), args: &[&str], typed: &str) -> Vec<u8> {
    let size = Winsize { ws_row: size.1, ws_col: size.0, ws_xpixel: size.0 * 8, ws_ypixel: size.1 * 16 };
    let pair = openpty(&size, None).expect("a pseudo-terminal");
    let end = || Stdio::from(pair.slave.try_clone().expect("the terminal's other end"));
    let mut command = th(environment);
    command.args(args).stdin(end()).stdout(end()).stderr(end());
    let mut child = command.spawn().expect("th runs");
    drop((command, pair.slave));
    let mut terminal = File::from(pair.master);
    let (mut seen, mut buffer, mut left) = (vec![], [0; 4096], typed);
    while let Ok(n @ 1..) = terminal.read(&mut buffer) {
        seen.extend_from_slice(&buffer[..n]);
        // a session is ready
        if !left.is_empty() && seen.windows(4).any(|w| w == b"th> ") {
            terminal.write_all(left.as_bytes()).expect("the terminal takes it");
            left = "";
        }
    }
    assert!(child.wait().expect("an end").success(), "{}", String::from_utf8_lossy(&seen));
    seen
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

type Rgb = [u8; 3];
/// Rows of pixels.
type Pixels = Vec<Vec<Rgb>>;

fn png(bytes: &[u8]) -> Pixels {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a PNG");
    let mut data = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut data).expect("its pixels");
    assert_eq!(info.color_type, png::ColorType::Rgb);
    let row = |r: &[u8]| r.chunks(3).map(|p| [p[0], p[1], p[2]]).collect();
    data.chunks(info.width as usize * 3).map(row).collect()
}

fn colour_of_256(n: u8) -> Rgb {
    let level = |k: u8| [0, 95, 135, 175, 215, 255][k as usize];
    match n {
        16..=231 => [level((n - 16) / 36), level((n - 16) / 6 % 6), level((n - 16) % 6)],
        232.. => [8 + 10 * (n - 232); 3],
        _ => panic!("colour {n} is one of the terminal's own"),
    }
}

/// Lines of half blocks as pixels, and the letters that stand among them.
fn blocks(text: &str) -> (Pixels, Vec<String>) {
    let (mut rows, mut letters) = (vec![], vec![]);
    for line in text.lines().filter(|l| l.contains('▀')) {
        let (mut ink, mut ground) = (None, None);
        let (mut upper, mut lower, mut row) = (vec![], vec![], String::new());
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("\x1b[") {
                let (code, tail) = after.split_once('m').expect("a code of colours");
                let numbers: Vec<u8> = code.split(';').map(|n| n.parse().expect("a number")).collect();
                match numbers[..] {
                    [0] => (ink, ground) = (None, None),
                    [49] => ground = None,
                    [38, 2, r, g, b] => ink = Some([r, g, b]),
                    [48, 2, r, g, b] => ground = Some([r, g, b]),
                    [38, 5, n] => ink = Some(colour_of_256(n)),
                    [48, 5, n] => ground = Some(colour_of_256(n)),
                    _ => panic!("{code:?} is no colour"),
                }
                rest = tail;
                continue;
            }
            if c == '▀' {
                upper.push(ink.expect("a colour"));
                lower.extend(ground);
            } else if c != '\r' {
                upper.push(ground.expect("a colour"));
                lower.extend(ground);
            }
            row.push(if c == '▀' { ' ' } else { c });
            rest = &rest[c.len_utf8()..];
        }
        rows.push(upper);
        if !lower.is_empty() {
            rows.push(lower);
        }
        letters.push(row.trim_end().to_owned());
    }
    (rows, letters)
}

/// Sixels as pixels: colours in hundredths.
fn sixels(text: &str) -> Pixels {
    let body = text.split_once("\x1bPq").expect("a picture").1.split_once("\x1b\\").expect("its end").0;
    let (mut colours, mut now) = (HashMap::<u32, Rgb>::new(), [0; 3]);
    let (mut rows, mut x, mut top): (Pixels, usize, usize) = (vec![], 0, 0);
    let mut rest = body.as_bytes();
    let numbers = |rest: &mut &[u8]| {
        let n = rest.iter().take_while(|c| c.is_ascii_digit() || **c == b';').count();
        let list: Vec<u32> = text_of(&rest[..n]).split(';').filter_map(|n| n.parse().ok()).collect();
        *rest = &rest[n..];
        list
    };
    let mut put = |x: usize, top: usize, letter: u8, colour: Rgb| {
        for k in (0..6).filter(|k| (letter - 63) >> k & 1 == 1) {
            let y = top + k;
            rows.resize(rows.len().max(y + 1), vec![]);
            let row = &mut rows[y];
            row.resize(row.len().max(x + 1), [1, 2, 3]);
            row[x] = colour;
        }
    };
    while let Some((&c, tail)) = rest.split_first() {
        rest = tail;
        match c {
            b'"' => drop(numbers(&mut rest)),
            b'#' => match numbers(&mut rest)[..] {
                [n] => now = colours[&n],
                [n, 2, r, g, b] => drop(colours.insert(n, [r, g, b].map(|v| ((v * 255 + 50) / 100) as u8))),
                ref other => panic!("{other:?} is no colour"),
            },
            b'!' => {
                let n = numbers(&mut rest)[0] as usize;
                (0..n).for_each(|k| put(x + k, top, rest[0], now));
                x += n;
                rest = &rest[1..];
            }
            b'$' => x = 0,
            b'-' => (x, top) = (0, top + 6),
            63..=126 => {
                put(x, top, c, now);
                x += 1;
            }
            _ => panic!("{:?} in sixels", char::from(c)),
        }
    }
    rows
}

fn text_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

/// A program that shows a picture of colours and writes it into a file.
fn show(file: &str) -> String {
    format!(
        "require 'image' torch.manualSeed(1) x = torch.rand(3, 10, 14) image.save('{file}', x:clone():add(1 / 510)) \
         image.display{{image = x, min = 0, max = 1}}"
    )
}

fn near(a: &Pixels, b: &Pixels, most: u8) {
    assert_eq!((a.len(), a[0].len()), (b.len(), b[0].len()));
    for (y, (one, other)) in a.iter().zip(b).enumerate() {
        assert_eq!(one.len(), other.len(), "row {y}");
        for (x, (p, q)) in one.iter().zip(other).enumerate() {
            let off = (0..3).map(|c| p[c].abs_diff(q[c])).max();
            assert!(off <= Some(most), "pixel {x}, {y}: {p:?} and {q:?}");
        }
    }
}

fn lua(script: &str) -> String {
    let out = th(&[]).arg(script).output().expect("th runs");
    assert!(out.status.success(), "{}{}", text(&out.stdout), text(&out.stderr));
    text(&out.stdout)
}

#[test]
fn plots_hold_what_they_are_about() {
    assert!(lua("tests/lua/plots.lua").contains(" 0 complaints"));
}

/// Where Python is there, its parser reads every SVG file of the manual.
#[test]
fn the_manuals_pictures_are_xml() {
    let code =
        "import glob, xml.dom.minidom\nfor f in glob.glob('docs/pictures/*.svg'): xml.dom.minidom.parse(f); print(f)";
    let found = Command::new("python3").args(["-c", code]).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let Ok(out) = found else {
        println!("there is no Python here");
        return;
    };
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(text(&out.stdout).lines().count() > 10);
}

#[test]
fn half_blocks_are_the_pixels() {
    let scratch = Scratch::new("blocks");
    let file = scratch.file("x.png");
    let seen = text(&on_terminal(&[("COLORTERM", "truecolor")], (80, 24), &["-e", &show(&file)], ""));
    let want = png(&std::fs::read(&file).expect("the picture"));
    near(&blocks(&seen).0, &want, 1);
    // the nearest of 256
    let seen = text(&on_terminal(&[("TERM", "xterm-256color")], (80, 24), &["-e", &show(&file)], ""));
    near(&blocks(&seen).0, &want, 48);
    assert!(!seen.contains(";2;"));
    // within tmux a terminal's own pictures do not come through
    let inside = [("TMUX", "/tmp/x"), ("TERM", "tmux-256color"), ("KITTY_WINDOW_ID", "1"), ("COLORTERM", "truecolor")];
    near(&blocks(&text(&on_terminal(&inside, (80, 24), &["-e", &show(&file)], ""))).0, &want, 1);
}

#[test]
fn kitty_gets_the_same_file() {
    let scratch = Scratch::new("kitty");
    let code = format!(
        "require 'image' x = torch.rand(3, 90, 120) image.save('{}', x:clone():add(1 / 510)) \
         image.display{{image = x, min = 0, max = 1, legend = 'the legend'}}",
        scratch.file("x.png")
    );
    let seen = text(&on_terminal(&[("KITTY_WINDOW_ID", "3")], (80, 24), &["-e", &code], ""));
    assert!(seen.starts_with("the legend\r\n\x1b_Ga=T,f=100,q=2,m=1;"), "{seen:.200}");
    let parts: Vec<&str> = seen.split("\x1b_G").skip(1).map(|p| p.split_once("\x1b\\").expect("an end").0).collect();
    assert!(parts.len() > 5 && parts.iter().all(|p| p.len() <= 4096 + 40));
    let last = parts.len() - 1;
    assert!(parts.iter().enumerate().all(|(i, p)| p.contains(if i < last { "m=1;" } else { "m=0;" })));
    let data: String = parts.iter().map(|p| p.split_once(';').expect("data").1).collect();
    let want = png(&std::fs::read(scratch.file("x.png")).expect("the picture"));
    near(&png(&from_base64(data.as_bytes()).expect("Base64")), &want, 1);
    // wider than the window: as wide as that
    let code = "require 'image' image.display(image.lena())";
    let seen = text(&on_terminal(&[("TERM", "xterm-kitty")], (30, 24), &["-e", code], ""));
    assert!(seen.contains("\x1b_Ga=T,f=100,q=2,c=30,m=1;"), "{seen:.200}");
}

#[test]
fn iterm2_and_sixel_terminals_get_theirs() {
    let scratch = Scratch::new("others");
    let file = scratch.file("x.png");
    let seen = text(&on_terminal(&[("TERM_PROGRAM", "iTerm.app")], (80, 24), &["-e", &show(&file)], ""));
    let want = png(&std::fs::read(&file).expect("the picture"));
    let data = seen.split_once("preserveAspectRatio=1:").expect("a picture").1.split_once('\x07').expect("its end").0;
    let size = seen.split_once("size=").expect("a size").1.split_once(';').expect("a number").0;
    let bytes = from_base64(data.as_bytes()).expect("Base64");
    assert_eq!(size, bytes.len().to_string());
    near(&png(&bytes), &want, 1);
    // in hundredths
    let seen = text(&on_terminal(&[("TERM", "foot")], (80, 24), &["-e", &show(&file)], ""));
    near(&sixels(&seen), &want, 2);
    let many = "require 'image' image.display(image.lena())";
    let seen = text(&on_terminal(&[("TERM", "xterm-sixel")], (80, 24), &["-e", many], ""));
    assert_eq!((sixels(&seen).len(), sixels(&seen)[0].len()), (512, 512));
}

#[test]
fn a_plot_shows_once_when_its_command_is_done() {
    let typed = "require 'gnuplot';\rgnuplot.plot('one', torch.range(1, 5), '-') gnuplot.title 'The title' \
                 gnuplot.xlabel 'across'\rgnuplot.title 'Another'\r'done ' .. 1\rexit\r";
    let environment = [("COLORTERM", "truecolor"), ("TREPL_HISTORY", "/dev/null")];
    let seen = text(&on_terminal(&environment, (80, 30), &[], typed));
    // what was typed is echoed, and holds the same words
    let drawn: Vec<_> = seen.split("th> ").map(blocks).filter(|(pixels, _)| !pixels.is_empty()).collect();
    assert_eq!(drawn.len(), 2, "{seen}");
    let letters: Vec<String> = drawn.iter().map(|d| d.1.join("\n")).collect();
    assert!(["The title", "across", "one"].iter().all(|t| letters[0].contains(t)), "{}", letters[0]);
    assert!(letters[1].contains("Another"));
    // black letters on white, and the curve in its colour
    let (pixels, lines) = &drawn[0];
    assert!(lines.len() >= 20 && pixels.iter().all(|row| row.len() == 80));
    let blue = |p: &&Rgb| p[2] > p[0].saturating_add(60);
    assert!(pixels.iter().flatten().filter(blue).count() > 60);
}

#[test]
fn a_script_shows_every_plot_and_the_last_at_its_end() {
    let code =
        "require 'gnuplot' for i = 1, 3 do gnuplot.plot('n' .. i, torch.range(1, 5), '-') gnuplot.title('t' .. i) end";
    for end in ["", " gnuplot.plotflush() print 'end'", " os.exit()"] {
        let seen = text(&on_terminal(&[("COLORTERM", "24bit")], (80, 24), &["-e", &format!("{code}{end}")], ""));
        let letters = blocks(&seen).1.join("\n");
        let at: Vec<Option<usize>> = ["n1", "t1", "n2", "t2", "n3", "t3"].iter().map(|t| letters.find(t)).collect();
        assert!(at.iter().all(Option::is_some), "{end}: {letters}");
        assert_eq!(letters.matches("n3").count(), 1);
    }
}

/// Names of files that the standard error tells, by what is drawn there.
fn told(out: &Output) -> Vec<(String, PathBuf)> {
    let line = |l: &str| l.split_once(" is drawn in ").map(|(what, file)| (what.to_owned(), PathBuf::from(file)));
    text(&out.stderr).lines().filter_map(line).collect()
}

fn starts_as_png(file: &Path) -> bool {
    std::fs::read(file).is_ok_and(|bytes| bytes.starts_with(b"\x89PNG"))
}

#[test]
fn without_a_terminal_pictures_are_files_told_once() {
    let scratch = Scratch::new("files");
    let code = "require 'gnuplot' require 'image' for i = 1, 3 do gnuplot.plot(torch.rand(5)) \
                w = image.display{image = torch.rand(4, 4), win = w, legend = 'w'} end print 'out'";
    for environment in [&[("TMPDIR", scratch.file("").as_str())][..], &[("REKINDLE_PICTURES", "file")]] {
        let out = plain(environment, code);
        assert_eq!((out.status.success(), text(&out.stdout).as_str()), (true, "out\n"));
        let files = told(&out);
        let what: Vec<&str> = files.iter().map(|f| f.0.as_str()).collect();
        assert_eq!(what, ["gnuplot: figure 1", "w"], "{}", text(&out.stderr));
        for (_, file) in files {
            assert!(starts_as_png(&file), "{}", file.display());
            std::fs::remove_file(file).ok();
        }
    }
}

#[test]
fn a_program_goes_on_wherever_its_pictures_cannot_go() {
    let code = "require 'gnuplot' require 'image' gnuplot.plot(torch.rand(5)) image.display(torch.rand(4, 4)) \
                io.stderr:write('went on\\n')";
    // a terminal that shows nothing, a closed output, no place for files
    let dumb = text(&on_terminal(&[("TERM", "dumb")], (80, 24), &["-e", code], ""));
    assert!(
        dumb.contains("image.display is drawn in ") && dumb.contains("went on") && !dumb.contains('\x1b'),
        "{dumb}"
    );
    let closed = format!("{} -e \"$CODE\" >&-", env!("CARGO_BIN_EXE_th"));
    let out = Command::new("sh").args(["-c", &closed]).env("CODE", code).env("REKINDLE_PICTURES", "blocks").output();
    assert!(text(&out.expect("sh runs").stderr).contains("went on"));
    let out = plain(&[("TMPDIR", "/no/such/folder")], code);
    assert!(out.status.success() && text(&out.stderr).contains("went on"), "{}", text(&out.stderr));
    for file in dumb.lines().filter_map(|l| l.trim_end().split_once(" is drawn in ")) {
        std::fs::remove_file(file.1).ok();
    }
}

#[test]
fn windows_of_any_size_hold_pictures() {
    let code = "require 'image' require 'gnuplot' image.display(image.lena()) gnuplot.plot(torch.rand(5))";
    for size in [(1, 1), (2, 3), (7, 50), (200, 5), (0, 0)] {
        let seen = text(&on_terminal(&[("COLORTERM", "truecolor")], size, &["-e", code], ""));
        let (pixels, _) = blocks(&seen);
        let most = if size.0 == 0 { 80 } else { usize::from(size.0) };
        assert!(!pixels.is_empty() && pixels.iter().all(|row| row.len() <= most), "{size:?}");
    }
}

#[test]
fn progress_is_drawn_in_place_or_by_tenths() {
    let code = "for i = 1, 5000 do xlua.progress(i, 5000) end";
    let seen = text(&on_terminal(&[], (60, 24), &["-e", code], ""));
    let drawn: Vec<&str> = seen.split('\r').filter(|l| l.contains('[')).collect();
    // first and last, and what twenty times a second are of a slow machine
    assert!((2..2000).contains(&drawn.len()), "{} times", drawn.len());
    assert!(drawn.iter().all(|l| l.trim_end().len() < 60), "{drawn:?}");
    assert!(drawn.last().is_some_and(|l| l.contains("5000/5000") && l.contains("Tot: ")));
    assert_eq!(seen.matches('\n').count(), 1);
    let out = plain(&[], &format!("{code} for i = 1, 3 do xlua.progress(i, 3) end"));
    let lines: Vec<String> = text(&out.stdout).lines().map(String::from).collect();
    assert_eq!(lines.len(), 11 + 3, "{lines:#?}");
    assert!(lines[5].contains(" 2500/5000 ") && lines[10].contains(" 5000/5000 "), "{lines:#?}");
}
