//! The check against dumps that LuaJIT makes, and against single mistakes in them. `tests/lua/compiled.lua` goes over
//! every function there is and over random damage.

use rekindle::lua::bytecode::{Refusal, SIGNATURE, check, opcode};

/// The dump of a function, without debug information.
fn dump(source: &str) -> Vec<u8> {
    let host = rekindle::Host::new().expect("a host");
    let code = format!("return string.dump(function(...) {source} end, true)");
    host.eval::<mlua::LuaString>(&code).expect("compiles").as_bytes().to_vec()
}

fn why(bytes: &[u8]) -> String {
    match check(bytes) {
        Err(Refusal::Damaged(why)) => why,
        other => panic!("{other:?} for {bytes:02x?}"),
    }
}

#[test]
fn what_luajit_compiles_is_let_through() {
    for source in [
        "",
        "local a, b = ... return a + b, ...",
        "for i = 1, 10 do local f = function() return i end end",
        "for k, v in pairs(...) do for a in ('x'):gmatch('.') do print(k, a) end end",
        "local t = { 1, 2, x = 3, ... } return t, #t, t.x .. 'a' .. 1",
        "local function f(n) if n > 1 then return n * f(n - 1) end return 1 end return f(...), select('#', f(3), f(...))",
    ] {
        assert_eq!(check(&dump(source)), Ok(()), "{source}");
    }
}

#[test]
fn other_formats_are_left_to_luajit() {
    let mut bytes = dump("return 1");
    assert_eq!(check(b"\x1bLua"), Err(Refusal::Foreign));
    bytes[3] = 9;
    assert_eq!(check(&bytes), Err(Refusal::Foreign));
}

#[test]
fn another_order_of_bytes_is_refused() {
    // LuaJIT loads such dumps too, byte by byte swapped
    for source in ["", "local t = { a = 1 } return t.a, 'text'"] {
        let mut bytes = dump(source);
        bytes[4] |= 1;
        assert!(why(&bytes).contains("order"));
    }
}

/// A stripped dump of one function without constants, upvalues and parameters.
fn function(slots: u8, code: &[[u8; 4]]) -> Vec<u8> {
    let host = rekindle::Host::new().expect("a host");
    let two: bool = host.eval("return string.dump(function() end, true):byte(5) >= 8").expect("a flag");
    let mut body = vec![2, 0, slots, 0, 0, 0, code.len() as u8];
    body.extend(code.iter().flatten());
    let mut out = vec![SIGNATURE, b'L', b'J', 2, 2 + if two { 8 } else { 0 }, body.len() as u8];
    out.extend(body);
    out.push(0);
    out
}

/// An instruction `OP A D`.
fn ad(op: opcode::Op, a: u8, d: u16) -> [u8; 4] {
    let [low, high] = d.to_le_bytes();
    [op as u8, a, low, high]
}

#[test]
fn single_mistakes_are_found() {
    use opcode::Op;
    let jump = |by: i32| (0x8000 + by) as u16;
    let ret = ad(Op::RET0, 0, 1);
    assert_eq!(check(&function(2, &[ret])), Ok(()));
    let wrong: [&[[u8; 4]]; 16] = [
        &[ad(Op::MOV, 2, 0), ret],
        &[ad(Op::KSTR, 0, 0), ret],
        &[ad(Op::KNUM, 0, 0), ret],
        &[ad(Op::UGET, 0, 0), ret],
        &[ad(Op::FNEW, 0, 0), ret],
        &[ad(Op::KPRI, 0, 3), ret],
        &[ad(Op::JMP, 0, jump(5)), ret],
        &[ad(Op::JMP, 0, jump(-9)), ret],
        &[ad(Op::IST, 0, 0), ret, ret],
        &[ad(Op::MOV, 0, 1)],
        &[ad(Op::RET, 0, 4)],
        &[ad(Op::RETM, 0, 1)],
        &[ad(Op::TNEW, 0, 26 << 11), ret],
        &[ad(Op::JLOOP, 0, 1), ret],
        &[ad(Op::ITERL, 1, jump(-1)), ret],
        &[[Op::CALL as u8, 0, 9, 1], ret],
    ];
    for code in wrong {
        why(&function(2, code));
    }
    let whole = dump("local t = { 'a', 'b' } return t");
    for n in 4..whole.len() {
        assert!(check(&whole[..n]).is_err(), "{n} bytes");
    }
    // a loop whose counter is no number, and one whose table is not there
    let loop_end = [ad(Op::KPRI, 0, 0), ad(Op::FORL, 0, jump(-1)), ret];
    assert!(why(&function(4, &loop_end)).contains("FORL"));
    let next = [[Op::ITERN as u8, 3, 3, 3], ad(Op::ITERL, 3, jump(-2)), ret];
    why(&function(8, &next));
}
