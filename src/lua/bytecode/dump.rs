//! The format of a dump: a head, then functions, each behind those that it contains.
//!
//! ```text
//! dump     = ESC 'L' 'J' version flags [name] (length function)* 0
//! function = flags parameters slots upvalues constants numbers instructions [debug, first line, lines]
//!            instruction* upvalue* constant* number* debug
//! ```
//! Numbers are of 1 byte in front of a function's instructions and in ULEB128 elsewhere.

use super::opcode::Instruction;
use super::{Refusal, SIGNATURE, damaged, keep};

const VERSION: u8 = 2;
/// Flags of a dump: words in the other byte order, no debug information, cdata constants, frames with two slots in
/// front.
const OTHER_ORDER: u32 = 1;
const STRIPPED: u32 = 2;
const CDATA: u32 = 4;
const TWO_SLOTS: u32 = 8;
const KNOWN: u32 = 15;
/// The largest frame.
const MOST_SLOTS: usize = 250;
/// Flags of a function: it contains others, takes `...`, has cdata constants.
const CHILD: u8 = 1;
const VARARG: u8 = 2;
const FUNCTION_FLAGS: u8 = 1 | 2 | 4;

/// A constant that is an object.
pub enum Constant {
    Text,
    Table,
    Cdata,
    /// The upvalues of a child function.
    Child(Vec<u16>),
}

/// A function as it stands in a dump.
pub struct Function {
    /// Whether it takes `...`.
    pub vararg: bool,
    pub parameters: usize,
    /// Size of its frame.
    pub slots: usize,
    /// Slots that a frame has in front of its arguments beside the function.
    pub link: usize,
    pub upvalues: Vec<u16>,
    pub constants: Vec<Constant>,
    /// The low word of each number constant.
    pub numbers: Vec<u32>,
    pub code: Vec<Instruction>,
    /// Bytes of the whole dump: nothing that it makes is larger than what it could spell out.
    pub bytes: usize,
}

/// Bytes that are read from the front.
struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn left(&self) -> usize {
        self.bytes.len()
    }

    fn take(&mut self, n: usize, what: &str) -> Result<&'a [u8], Refusal> {
        let (taken, rest) = self
            .bytes
            .split_at_checked(n)
            .ok_or_else(|| damaged(format!("{what} of {n} bytes where {} are left", self.left())))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Refusal> {
        Ok(self.take(1, "a number")?[0])
    }

    /// A number of at most 32 bits in groups of 7; `first` bits are in the first byte.
    fn groups(&mut self, first: u8, mut value: u64, mut shift: u32) -> Result<u32, Refusal> {
        let mut more = first & 0x80 != 0;
        while more {
            let byte = self.byte()?;
            keep!(shift < 35, "a number of more than 32 bits");
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            more = byte & 0x80 != 0;
        }
        u32::try_from(value).map_err(|_| damaged("a number of more than 32 bits"))
    }

    fn number(&mut self) -> Result<u32, Refusal> {
        let first = self.byte()?;
        self.groups(first, u64::from(first & 0x7f), 7)
    }

    fn size(&mut self) -> Result<usize, Refusal> {
        self.number().map(|n| n as usize)
    }

    /// How many of something there are, each of which takes some bytes.
    fn count(&mut self, each: usize, what: &str) -> Result<usize, Refusal> {
        let n = self.size()?;
        keep!(n <= self.left() / each, "{n} {what} where {} bytes are left", self.left());
        Ok(n)
    }
}

/// Walks a dump and hands every function to `check`.
///
/// # Errors
/// What is wrong with it, or what `check` says.
pub fn walk(bytes: &[u8], check: &dyn Fn(&Function) -> Result<(), Refusal>) -> Result<(), Refusal> {
    let mut reader = Reader { bytes };
    if reader.take(3, "a head")? != [SIGNATURE, b'L', b'J'] || reader.byte()? != VERSION {
        return Err(Refusal::Foreign);
    }
    let flags = reader.number()?;
    if flags & !KNOWN != 0 {
        return Err(Refusal::Foreign);
    }
    // LuaJIT would swap the bytes and load it
    keep!(flags & OTHER_ORDER == 0, "its bytes are in the order of another kind of machine");
    if flags & STRIPPED == 0 {
        let n = reader.size()?;
        reader.take(n, "the name of a file")?;
    }
    let mut done: Vec<Vec<u16>> = vec![];
    loop {
        let n = reader.size()?;
        if n == 0 {
            break;
        }
        let mut part = Reader { bytes: reader.take(n, "a function")? };
        let function = function(&mut part, flags, bytes.len(), &mut done)?;
        keep!(part.left() == 0, "a function with {} bytes too many", part.left());
        check(&function)?;
        done.push(function.upvalues);
    }
    keep!(reader.left() == 0, "{} bytes behind the last function", reader.left());
    keep!(done.len() == 1, "{} functions that no other contains", done.len());
    Ok(())
}

fn function(r: &mut Reader, dump: u32, bytes: usize, done: &mut Vec<Vec<u16>>) -> Result<Function, Refusal> {
    let flags = r.byte()?;
    keep!(flags & !FUNCTION_FLAGS == 0, "a function with the flags {flags:#x}");
    let [parameters, slots, upvalues] = [r.byte()?, r.byte()?, r.byte()?].map(usize::from);
    keep!(parameters <= slots && slots <= MOST_SLOTS, "a function of {parameters} parameters and {slots} slots");
    let constants = r.count(1, "constants")?;
    let numbers = r.count(1, "numbers")?;
    let code = r.count(4, "instructions")?;
    let (mut debug, mut lines) = (0, 0);
    if dump & STRIPPED == 0 {
        debug = r.size()?;
        if debug > 0 {
            r.number()?;
            lines = r.size()?;
        }
    }
    let words = r.take(4 * code, "instructions")?.as_chunks::<4>().0;
    let code = words.iter().map(|word| {
        let word = u32::from_le_bytes(*word);
        Instruction::of(word).ok_or_else(|| damaged(format!("the instruction {word:#010x}")))
    });
    let code: Vec<Instruction> = code.collect::<Result<_, _>>()?;
    let pairs = r.take(2 * upvalues, "upvalues")?.as_chunks::<2>().0;
    let upvalues: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    let constants: Vec<Constant> = (0..constants).map(|_| constant(r, dump, done)).collect::<Result<_, _>>()?;
    let children = constants.iter().any(|c| matches!(c, Constant::Child(_)));
    keep!(!children || flags & CHILD != 0, "a function that denies to contain others");
    let numbers = (0..numbers).map(|_| number_constant(r)).collect::<Result<_, _>>()?;
    debug_information(r.take(debug, "debug information")?, lines, code.len(), upvalues.len())?;
    Ok(Function {
        vararg: flags & VARARG != 0,
        parameters,
        slots,
        link: 1 + usize::from(dump & TWO_SLOTS != 0),
        upvalues,
        constants,
        numbers,
        code,
        bytes,
    })
}

fn constant(r: &mut Reader, dump: u32, done: &mut Vec<Vec<u16>>) -> Result<Constant, Refusal> {
    Ok(match r.size()? {
        0 => Constant::Child(done.pop().ok_or_else(|| damaged("a function that contains one which is not there"))?),
        1 => {
            table(r)?;
            Constant::Table
        }
        kind @ 2..=4 => {
            keep!(dump & CDATA != 0, "a cdata constant in a dump without any");
            for _ in 0..if kind == 4 { 4 } else { 2 } {
                r.number()?;
            }
            Constant::Cdata
        }
        text => {
            r.take(text - 5, "a string")?;
            Constant::Text
        }
    })
}

/// A table that stands for a constructor's constant part.
fn table(r: &mut Reader) -> Result<(), Refusal> {
    let array = r.count(1, "elements of a table")?;
    let pairs = r.count(2, "fields of a table")?;
    for _ in 0..array {
        item(r)?;
    }
    for _ in 0..pairs {
        let key = item(r)?;
        keep!(key != 0, "a table with nil as key");
        item(r)?;
    }
    Ok(())
}

/// A key or value of a constant table; its kind, 0 for nil.
fn item(r: &mut Reader) -> Result<usize, Refusal> {
    let kind = r.size()?;
    match kind {
        0..=2 => {}
        3 => {
            r.number()?;
        }
        4 => {
            let (low, high) = (r.number()?, r.number()?);
            plain(low, high)?;
        }
        text => {
            r.take(text - 5, "a string")?;
        }
    }
    Ok(kind)
}

/// What a number must not be: LuaJIT keeps other values in the numbers that are none.
fn plain(low: u32, high: u32) -> Result<(), Refusal> {
    let value = f64::from_bits(u64::from(high) << 32 | u64::from(low));
    let standard = (high & 0x7fff_ffff) == 0x7ff8_0000 && low == 0;
    keep!(!value.is_nan() || standard, "a number {high:#x}{low:08x} that is none");
    Ok(())
}

/// A number constant: whole ones of 32 bits in one part, others in two. The lowest bit tells.
fn number_constant(r: &mut Reader) -> Result<u32, Refusal> {
    let first = r.byte()?;
    let low = r.groups(first, u64::from((first & 0x7f) >> 1), 6)?;
    if first & 1 != 0 {
        let high = r.number()?;
        plain(low, high)?;
    }
    Ok(low)
}

/// Lines of the instructions, names of the upvalues, names and ranges of the variables.
fn debug_information(bytes: &[u8], lines: usize, code: usize, upvalues: usize) -> Result<(), Refusal> {
    if bytes.is_empty() {
        return Ok(());
    }
    let mut r = Reader { bytes };
    let width = match lines {
        0..256 => 1,
        256..65_536 => 2,
        _ => 4,
    };
    r.take(width * code, "line numbers")?;
    let name = |r: &mut Reader| -> Result<(), Refusal> {
        while r.byte()? != 0 {}
        Ok(())
    };
    for _ in 0..upvalues {
        name(&mut r)?;
    }
    loop {
        match r.byte()? {
            0 => break,
            // hidden variables of loops
            1..7 => {}
            _ => name(&mut r)?,
        }
        r.number()?;
        r.number()?;
    }
    keep!(r.left() == 0, "{} bytes behind the debug information", r.left());
    Ok(())
}
