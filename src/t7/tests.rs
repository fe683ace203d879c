//! What the recorded cases say of files, for memory and disk alike.
use super::*;
use std::path::PathBuf;

/// A name for a file that is removed in the end.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Temporary {
        let path = std::env::temp_dir().join(format!("rekindle-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Temporary(path)
    }
    fn text(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A file in memory with this content.
fn memory(content: &[u8], mode: Mode) -> TorchFile {
    let bytes: Vec<i8> = content.iter().chain(&[0]).map(|&b| b as i8).collect();
    TorchFile::memory(Memory::over(Storage::from_slice(&bytes).unwrap()).unwrap(), mode)
}

/// All bytes of a file; the position stays.
fn contents(f: &mut TorchFile) -> Vec<u8> {
    let at = f.position().unwrap();
    let (encoding, spacing) = (f.encoding, f.auto_spacing);
    (f.encoding, f.auto_spacing) = (Encoding::Binary, false);
    f.seek(0).unwrap();
    let n = f.left().unwrap().unwrap() as usize;
    let all = f.read_vec::<u8>(n).unwrap();
    f.seek(at as i64).unwrap();
    (f.encoding, f.auto_spacing) = (encoding, spacing);
    all
}

/// Runs a check on a file in memory and on one on disk, both open for reading and writing.
fn each(name: &str, check: impl Fn(TorchFile)) {
    check(memory(b"", Mode::ReadWrite));
    let t = Temporary::new(name);
    check(TorchFile::disk(t.text(), Mode::ReadWrite, false).unwrap());
}

fn all(f: &mut TorchFile) -> String {
    f.seek(0).unwrap();
    String::from_utf8(f.read_string("*a").unwrap()).unwrap()
}

#[test]
fn text_of_each_primitive() {
    each("text", |mut f| {
        f.write_one(65u8).unwrap();
        f.write_one(66i8).unwrap();
        f.write_slice(b"text").unwrap();
        f.write_one(-3i16).unwrap();
        f.write_slice(&[1i32, -2, 3]).unwrap();
        f.write_one(4294967296i64).unwrap();
        f.write_one(0.1f32).unwrap();
        f.write_slice(&[1f32, 1e20, -2.5]).unwrap();
        f.write_one(0.1).unwrap();
        f.write_slice(&[1.0, 1e-20, 123456789.125]).unwrap();
        f.write_one(f64::INFINITY).unwrap();
        f.write_string(b"as it is").unwrap();
        f.write_bool(true).unwrap();
        f.write_bool(false).unwrap();
        f.write_slice::<i64>(&[]).unwrap();
        let text = "A\nB\ntext\n-3\n1 -2 3\n4294967296\n0.100000001\n1 1.00000002e+20 -2.5\n0.10000000000000001\n\
                    1 9.9999999999999995e-21 123456789.125\ninf\nas it is1\n0\n";
        assert_eq!(all(&mut f), text);
        f.seek(0).unwrap();
        assert_eq!((f.read_one::<u8>().unwrap(), f.read_one::<i8>().unwrap()), (65, 66));
        assert_eq!(f.read_vec::<u8>(4).unwrap(), b"text");
        assert_eq!(f.read_one::<i16>().unwrap(), -3);
        assert_eq!(f.read_vec::<i32>(3).unwrap(), [1, -2, 3]);
        assert_eq!((f.read_one::<i64>().unwrap(), f.read_one::<f32>().unwrap()), (4294967296, 0.1));
        assert_eq!(f.read_vec::<f32>(3).unwrap(), [1.0, 1e20, -2.5]);
        assert_eq!(f.read_vec::<f64>(5).unwrap(), [0.1, 1.0, 1e-20, 123456789.125, f64::INFINITY]);
        f.auto_spacing = false;
        f.seek(0).unwrap();
        f.write_one(1i32).unwrap();
        f.write_slice(&[2i32, 3]).unwrap();
        f.auto_spacing = true;
        f.write_slice(&[4i32, 5]).unwrap();
        assert!(all(&mut f).starts_with("1234 5\nt\n-3"));
    });
}

#[test]
fn positions_in_text() {
    each("positions", |mut f| {
        let at = |f: &mut TorchFile| f.position().unwrap() + 1;
        f.write_one(-66i8).unwrap();
        f.write_slice(&[65i8, -66, 10]).unwrap();
        f.seek(0).unwrap();
        f.read_one::<i8>().unwrap();
        assert_eq!(at(&mut f), 3);
        f.read_vec::<i8>(2).unwrap();
        assert_eq!(at(&mut f), 6);
        assert_eq!((f.read_one::<i8>().unwrap(), at(&mut f)), (10, 7));
        f.seek(0).unwrap();
        f.write_string(b"  12\n-7   0x\n").unwrap();
        f.seek(0).unwrap();
        assert_eq!((f.read_one::<i32>().unwrap(), f.read_one::<i32>().unwrap(), at(&mut f)), (12, -7, 8));
        assert_eq!(f.read_one::<i64>().unwrap(), 0);
        assert!(f.read_one::<i64>().is_err());
    });
    let mut f = memory(b"nan -nan inf -INFINITY 1e5 .5 -3. 1e+ NaN(7)8", Mode::Read);
    let v = f.read_vec::<f64>(7).unwrap();
    assert!(v[0].is_nan() && v[1].is_nan());
    assert_eq!(v[2..], [f64::INFINITY, f64::NEG_INFINITY, 1e5, 0.5, -3.0]);
    // the longest start that is a number
    assert_eq!(f.read_one::<f64>().unwrap(), 1.0);
    assert!(f.read_one::<f64>().is_err());
}

#[test]
fn bytes_orders_and_sizes_of_long() {
    each("bytes", |mut f| {
        f.encoding = Encoding::Binary;
        f.byte_order = ByteOrder::Little;
        f.write_one(65u8).unwrap();
        f.write_one(-1i8).unwrap();
        f.write_one(258i16).unwrap();
        f.write_one(16909060i32).unwrap();
        f.write_one(4294967298i64).unwrap();
        f.write_one(1.5f32).unwrap();
        f.write_one(-2.25f64).unwrap();
        f.write_one(half::f16::from_f32(1.0)).unwrap();
        let bytes = [65, 255, 2, 1, 4, 3, 2, 1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 192, 63, 0, 0, 0, 0, 0, 0, 2, 192, 0, 60];
        assert_eq!(contents(&mut f), bytes);
        f.seek(0).unwrap();
        f.set_long_size(4).unwrap();
        f.write_slice(&[1i64, -2, 3]).unwrap();
        f.byte_order = ByteOrder::Big;
        f.write_one(258i64).unwrap();
        assert_eq!(contents(&mut f)[12..16], [0, 0, 1, 2]);
        f.set_long_size(0).unwrap();
        f.write_one(-5i64).unwrap();
        assert!(f.set_long_size(3).is_err() && f.long_size() == 8);
        f.seek(12).unwrap();
        f.set_long_size(4).unwrap();
        assert_eq!(f.read_one::<i64>().unwrap(), 258);
        f.set_long_size(8).unwrap();
        assert_eq!(f.read_one::<i64>().unwrap(), -5);
    });
}

#[test]
fn past_the_end_loud_and_quiet() {
    each("end", |mut f| {
        f.encoding = Encoding::Binary;
        f.write_slice(&[1i32, 2]).unwrap();
        f.seek(0).unwrap();
        let e = f.read_vec::<i32>(3).unwrap_err().to_string();
        assert!(e.starts_with("read error: read 2 blocks instead of 3 at position 9"), "{e}");
        assert!(f.has_error());
        f.clear_error();
        f.quiet = true;
        f.seek(0).unwrap();
        assert_eq!(f.read_vec::<i32>(3).unwrap(), [1, 2]);
        assert!(f.has_error());
        let mut into = [7, 8, 9];
        f.seek(4).unwrap();
        assert_eq!((f.read_into(&mut into).unwrap(), into), (1, [2, 8, 9]));
        assert!(f.read_vec::<i64>(usize::MAX).unwrap().is_empty());
        f.encoding = Encoding::Ascii;
        f.seek(0).unwrap();
        f.write_string(b"12 abc").unwrap();
        f.seek(0).unwrap();
        f.clear_error();
        assert_eq!(f.read_vec::<i32>(3).unwrap(), [12]);
        assert!(f.has_error());
        f.quiet = false;
        f.seek(3).unwrap();
        assert!(f.read_one::<i32>().is_err());
    });
}

#[test]
fn strings() {
    each("strings", |mut f| {
        let long = "abcdefghij".repeat(30000);
        f.write_string(format!("{long}\n\nx\0y\nlast").as_bytes()).unwrap();
        f.seek(0).unwrap();
        assert_eq!(f.read_string("*l").unwrap(), long.as_bytes());
        assert_eq!(f.read_string("*line").unwrap(), b"");
        assert_eq!(f.read_string("*l").unwrap(), b"x\0y");
        assert_eq!(f.read_string("*l").unwrap(), b"last");
        assert!(f.read_string("*l").is_err() && f.has_error());
        f.quiet = true;
        assert_eq!(f.read_string("*a").unwrap(), b"");
        for bad in ["l", "*n", "*", ""] {
            assert!(f.read_string(bad).is_err());
        }
    });
}

#[test]
fn seeking_and_writing_over() {
    each("seek", |mut f| {
        f.write_string(b"abcdef").unwrap();
        f.seek(2).unwrap();
        f.write_string(b"XY").unwrap();
        f.seek_end().unwrap();
        f.write_string(b"gh").unwrap();
        f.seek(6).unwrap();
        f.write_string(b"123456").unwrap();
        assert_eq!(all(&mut f), "abXYef123456");
        assert!(f.seek(-1).is_err());
        f.clear_error();
        let past = f.seek(20);
        assert_eq!(past.is_ok(), f.kind() == Kind::Disk);
        f.seek(3).unwrap();
        f.read_one::<u8>().unwrap();
        f.write_string(b"!").unwrap();
        assert_eq!(f.read_one::<i8>().unwrap(), b'f' as i8);
        f.close().unwrap();
        assert!(f.close().is_err() && f.position().is_err() && f.seek(0).is_err() && f.seek_end().is_err());
        assert!(f.write_one(1i32).is_err() && f.read_one::<i32>().is_err() && f.read_string("*a").is_err());
    });
    let mut m = memory(b"abc", Mode::Read);
    m.quiet = true;
    m.seek(8).unwrap();
    assert!(m.has_error() && m.position().unwrap() == 3);
}

#[test]
fn many_elements_both_ways() {
    each("many", |mut f| {
        let values: Vec<f64> = (0..20000).map(|i| f64::from(i) / 7.0 - 1000.0).collect();
        f.write_slice(&values).unwrap();
        f.seek(0).unwrap();
        assert_eq!(f.read_vec::<f64>(values.len()).unwrap(), values);
        let end = f.position().unwrap();
        f.encoding = Encoding::Binary;
        f.write_slice(&values).unwrap();
        assert_eq!(f.position().unwrap(), end + 160000);
        f.seek(end as i64).unwrap();
        assert_eq!(f.read_vec::<f64>(values.len()).unwrap(), values);
    });
}

#[test]
fn modes_on_disk() {
    let t = Temporary::new("modes");
    assert!(TorchFile::disk("no-such-directory/file", Mode::Write, true).is_err());
    assert!(TorchFile::disk(t.text(), Mode::Read, false).is_err());
    assert!(TorchFile::disk("/", Mode::Read, false).is_err());
    let mut w = TorchFile::disk(t.text(), Mode::Write, false).unwrap();
    w.no_buffer().unwrap();
    w.write_one(42i32).unwrap();
    assert!(w.read_one::<i32>().is_err() && w.read_string("*a").is_err());
    let mut r = TorchFile::disk(t.text(), Mode::Read, false).unwrap();
    assert_eq!(r.read_one::<i32>().unwrap(), 42);
    assert!(r.write_one(1i32).is_err() && r.write_string(b"x").is_err());
    assert_eq!(r.describe(), format!("torch.DiskFile on <{}> [status: open -- mode r ]", t.text()));
    w.close().unwrap();
    assert_eq!(w.describe(), format!("torch.DiskFile on <{}> [status: closed -- mode  w]", t.text()));
    let mut rw = TorchFile::disk(t.text(), Mode::ReadWrite, false).unwrap();
    rw.write_string(b"ab").unwrap();
    drop(rw);
    assert_eq!(std::fs::read(&t.0).unwrap(), b"ab\n");
}

#[test]
fn a_failed_save_leaves_the_older_file() {
    let t = Temporary::new("atomic");
    let read = || std::fs::read_to_string(&t.0).unwrap();
    std::fs::write(&t.0, "old").unwrap();
    let mut f = TorchFile::disk(t.text(), Mode::Write, true).unwrap();
    f.write_string(b"half").unwrap();
    f.synchronize().unwrap();
    assert_eq!(read(), "old");
    f.discard();
    assert_eq!(read(), "old");
    let mut f = TorchFile::disk(t.text(), Mode::Write, true).unwrap();
    f.write_string(b"half").unwrap();
    drop(f);
    assert_eq!(read(), "old");
    let mut f = TorchFile::disk(t.text(), Mode::Write, true).unwrap();
    f.write_string(b"new").unwrap();
    f.close().unwrap();
    assert_eq!(read(), "new");
    let name = t.0.file_name().unwrap().to_str().unwrap();
    let folder = std::fs::read_dir(t.0.parent().unwrap()).unwrap();
    let left = folder.filter_map(|e| e.unwrap().file_name().into_string().ok()).filter(|n| n.contains(name)).count();
    assert_eq!(left, 1);
}

#[test]
fn pipes() {
    let mut p = TorchFile::pipe("echo one; echo two; echo 3 4", Mode::Read).unwrap();
    assert_eq!(p.read_string("*l").unwrap(), b"one");
    assert_eq!(p.read_string("*l").unwrap(), b"two");
    assert_eq!((p.read_one::<i32>().unwrap(), p.read_one::<f64>().unwrap()), (3, 4.0));
    assert!(p.read_one::<i32>().is_err() && p.write_one(1i32).is_err() && p.seek(0).is_err());
    assert_eq!(p.describe(), "torch.PipeFile on <echo one; echo two; echo 3 4> [status: open -- mode: r ]");
    p.close().unwrap();
    assert!(TorchFile::pipe("true", Mode::ReadWrite).is_err());
    let t = Temporary::new("pipe");
    let mut p = TorchFile::pipe(&format!("cat > {}", t.text()), Mode::Write).unwrap();
    p.write_string(b"to the pipe\n").unwrap();
    p.write_slice(&[1i32, 2]).unwrap();
    p.close().unwrap();
    let text = || std::fs::read_to_string(&t.0).unwrap_or_default();
    for _ in 0..200 {
        if text().len() >= 16 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(text(), "to the pipe\n1 2\n");
}
