//! Damaged `.t7` files: an error that tells where, never a crash, a hang or memory out of proportion. The files are made
//! here, by our own writer.

mod dice;

use dice::Dice;
use rekindle::Host;
use rekindle::tensor::storage;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Storages are counted for the whole process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The samples' files.
fn samples(host: &Host) -> Vec<Vec<u8>> {
    let source = include_str!("lua/samples.lua");
    let texts: mlua::Variadic<mlua::LuaString> =
        host.lua().load(source).set_name("=samples").call(()).expect("samples");
    texts.iter().map(|t| t.as_bytes().to_vec()).collect()
}

/// Reads a damaged file and looks at the memory it took.
fn read(host: &Host, bytes: &[u8]) -> usize {
    let before = storage::live_bytes();
    let lua_before = host.lua().used_memory();
    let started = Instant::now();
    let modes = host.probe_t7(bytes).unwrap_or_else(|e| panic!("{e}: {:?}", String::from_utf8_lossy(bytes)));
    let grown = storage::live_bytes().saturating_sub(before);
    assert!(grown <= 64 * bytes.len() + 65_536, "{grown} bytes for a file of {}: {bytes:?}", bytes.len());
    let grown = host.lua().used_memory().saturating_sub(lua_before);
    assert!(grown <= 1024 * bytes.len() + (1 << 20), "{grown} bytes of Lua for a file of {}: {bytes:?}", bytes.len());
    // long enough for a sanitizer on a busy machine: what is looked for is a hang
    assert!(started.elapsed() < Duration::from_secs(60), "a file of {} bytes took too long", bytes.len());
    modes
}

#[test]
fn whole_files_are_read() {
    let _alone = alone();
    let host = Host::new().expect("a host");
    for file in samples(&host) {
        assert!(read(&host, &file) >= 1);
    }
}

#[test]
fn files_cut_off_at_every_byte() {
    let _alone = alone();
    let host = Host::new().expect("a host");
    for file in samples(&host) {
        for n in 0..file.len() {
            read(&host, &file[..n]);
        }
    }
}

/// Changes some bytes: to anything, or to what sizes and kinds look like.
fn damage(dice: &mut Dice, file: &mut Vec<u8>, others: &[Vec<u8>]) {
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(file.len());
        match dice.roll(6) {
            0 if !file.is_empty() => file[at] = dice.roll(256) as u8,
            1 if !file.is_empty() => file[at] ^= 1 << dice.roll(8),
            2 if !file.is_empty() => file[at] = [0, 1, 3, 4, 8, 127, 128, 255][dice.roll(8)],
            3 => file.truncate(at),
            4 => {
                let other = &others[dice.roll(others.len())];
                let from = dice.roll(other.len());
                let n = dice.roll(40).min(other.len() - from);
                file.splice(at..at, other[from..from + n].iter().copied());
            }
            _ => {
                let n = dice.roll(8).min(file.len() - at);
                file.drain(at..at + n);
            }
        }
    }
}

fn damage_for(rounds: impl Fn(usize) -> bool, seed: u64) -> usize {
    let _alone = alone();
    let host = Host::new().expect("a host");
    let files = samples(&host);
    let mut dice = Dice(seed);
    let mut n = 0;
    while rounds(n) {
        let mut file = files[n % files.len()].clone();
        damage(&mut dice, &mut file, &files);
        read(&host, &file);
        n += 1;
    }
    n
}

#[test]
fn files_with_random_damage() {
    damage_for(|n| n < 6000, 0x5eed_1234_5678_9abc);
}

#[test]
#[ignore = "ten minutes; FUZZ_SECONDS sets another time"]
fn files_with_random_damage_for_long() {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(600);
    let end = Instant::now() + Duration::from_secs(seconds);
    let seed = std::time::UNIX_EPOCH.elapsed().map_or(1, |t| t.as_nanos() as u64 | 1);
    println!("seed {seed:#x}");
    let n = damage_for(|_| Instant::now() < end, seed);
    println!("{n} files read");
}

/// Functions with upvalues, as bytes of a file.
const CLOSURES: &str = "
local up, shared = 1, { name = 'shared' }
local function count(n) up = up + n return up end
local function both(...) local t = { ... } for i, v in ipairs(t) do t[i] = count(v) end return t, shared.name end
return torch.serialize(count), torch.serialize({ count, both, { 1, 'two' } }), torch.serialize({ both = both, count = count })
";

/// Reads bytes and loads the functions in them.
const LOADING: &str = "
local ok, why = pcall(torch.deserialize, ...)
if not ok and (type(why) ~= 'string' or not why:find('position %d')) then
   error('a message without a position: ' .. tostring(why), 0)
end
return ok
";

#[test]
fn functions_with_damage() {
    let _alone = alone();
    let host = Host::new().expect("a host");
    let texts: mlua::Variadic<mlua::LuaString> = host.lua().load(CLOSURES).call(()).expect("closures");
    let files: Vec<Vec<u8>> = texts.iter().map(|t| t.as_bytes().to_vec()).collect();
    let loading: mlua::Function = host.lua().load(LOADING).into_function().expect("compiles");
    let load = |bytes: &[u8]| -> bool {
        let before = host.lua().used_memory();
        let text = host.lua().create_string(bytes).expect("room");
        let ok = loading.call(text).unwrap_or_else(|e| panic!("{e}: {bytes:?}"));
        let grown = host.lua().used_memory().saturating_sub(before);
        assert!(grown <= 1024 * bytes.len() + (1 << 20), "{grown} bytes of Lua for {bytes:?}");
        ok
    };
    for file in &files {
        assert!(load(file));
        for at in 0..file.len() {
            for n in [1, 4] {
                let mut bytes = file.clone();
                bytes[at..(at + n).min(file.len())].fill(0xff);
                load(&bytes);
            }
        }
    }
    let mut dice = Dice(0x5eed_4321);
    for n in 0..6000 {
        let mut file = files[n % files.len()].clone();
        damage(&mut dice, &mut file, &files);
        load(&file);
    }
}

#[test]
fn deep_nesting_and_great_sizes_are_refused() {
    let _alone = alone();
    let host = Host::new().expect("a host");
    // tables inside tables, each the value of key 1
    let mut deep = Vec::new();
    for i in 0..200_000i32 {
        for v in [3, i + 1, 1, 1] {
            deep.extend(v.to_le_bytes());
        }
        deep.extend(1f64.to_le_bytes());
    }
    assert_eq!(read(&host, &deep), 0);
    let huge = |kind: &[i32]| kind.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    for file in [huge(&[2, i32::MAX]), huge(&[3, 1, i32::MAX]), huge(&[2, -1]), huge(&[8, 1, i32::MAX])] {
        assert_eq!(read(&host, &file), 0);
    }
    let written: bool = host
        .eval("local t = {} for i = 1, 100000 do t = { t } end return not pcall(torch.serialize, t)")
        .expect("runs");
    assert!(written);
}
