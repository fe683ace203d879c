//! What a function's instructions do, on every path.
//!
//! LuaJIT's interpreter trusts its compiler: it does not ask whether an operand lies in the frame, nor, in a few
//! places, whether a slot holds what the compiler put there. [`check`] asks for both. Slots that hold old values are
//! harmless, since the collector keeps or clears them.

use super::dump::{Constant, Function};
use super::opcode::{Instruction, Op, Operand};
use super::{Refusal, damaged, keep};

/// Marks an upvalue that is a slot of the function around.
const LOCAL: u16 = 0x8000;
/// The code of "table" where ISTYPE asks for a type.
const TABLE_TYPE: usize = 12;
/// The largest code there.
const LAST_TYPE: usize = 15;

/// A set of slots.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Slots([u64; 4]);

impl Slots {
    fn has(&self, slot: usize) -> bool {
        self.0.get(slot / 64).is_some_and(|w| w >> (slot % 64) & 1 == 1)
    }
    fn add(&mut self, slot: usize) {
        if let Some(w) = self.0.get_mut(slot / 64) {
            *w |= 1 << (slot % 64);
        }
    }
    /// Takes out the slots from `first` up to `end`.
    fn remove(&mut self, first: usize, end: usize) {
        for slot in first..end.min(256) {
            self.0[slot / 64] &= !(1 << (slot % 64));
        }
    }
    fn any_from(&self, first: usize) -> bool {
        (first..256).any(|slot| self.has(slot))
    }
    fn both(self, other: Slots) -> Slots {
        Slots(std::array::from_fn(|i| self.0[i] & other.0[i]))
    }
    fn either(self, other: Slots) -> Slots {
        Slots(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }
}

/// What is known in front of an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct State {
    /// Slots with a table.
    tables: Slots,
    /// Slots with a number.
    numbers: Slots,
    /// First slots of the variables of a loop with `next`: a table and a position in it lie below.
    iterators: Slots,
    /// Slots that closures may see.
    captured: Slots,
    /// Where the results begin that the last call or `...` left, however many they are.
    results: Option<usize>,
}

impl State {
    /// What is known where two paths meet.
    fn meet(self, other: State) -> State {
        State {
            tables: self.tables.both(other.tables),
            numbers: self.numbers.both(other.numbers),
            iterators: self.iterators.both(other.iterators),
            captured: self.captured.either(other.captured),
            results: self.results.filter(|_| self.results == other.results),
        }
    }

    /// Slots from `first` up to `end` are written.
    fn write(&mut self, first: usize, end: usize) {
        self.tables.remove(first, end);
        self.numbers.remove(first, end);
        // a loop's table lies two slots below its first variable
        self.iterators.remove(first + 1, end.saturating_add(2));
    }

    fn has_table(&self, slot: usize) -> bool {
        self.tables.has(slot) && !self.captured.has(slot)
    }
    fn has_number(&self, slot: usize) -> bool {
        self.numbers.has(slot) && !self.captured.has(slot)
    }
    fn has_iterator(&self, slot: usize) -> bool {
        self.iterators.has(slot) && slot >= 2 && !self.captured.has(slot - 1) && !self.captured.has(slot - 2)
    }
}

/// Checks a function: its operands, then its paths.
///
/// # Errors
/// The instruction, counted from 0, and what is wrong with it.
pub fn check(f: &Function) -> Result<(), Refusal> {
    keep!(!f.code.is_empty(), "a function without instructions");
    for (at, i) in f.code.iter().enumerate() {
        operands(f, at, *i)?;
        shape(f, at, *i)?;
    }
    Paths { f, states: vec![None; f.code.len()], todo: vec![] }.follow()
}

/// The constant object with this number: they count from the last.
fn constant(f: &Function, n: usize) -> Option<&Constant> {
    f.constants.len().checked_sub(n + 1).map(|i| &f.constants[i])
}

fn operands(f: &Function, at: usize, i: Instruction) -> Result<(), Refusal> {
    let (a, b, cd) = i.op.operands();
    let third = if b == Operand::No { i.d } else { i.c };
    for (kind, v) in [(a, i.a), (b, i.b), (cd, third)] {
        let right = match kind {
            Operand::No | Operand::Literal => true,
            Operand::Dst | Operand::Var => v < f.slots,
            Operand::Base => v <= f.slots,
            Operand::Upvalue => v < f.upvalues.len(),
            Operand::Primitive => v <= 2,
            Operand::Number => v < f.numbers.len(),
            Operand::Text => matches!(constant(f, v), Some(Constant::Text)),
            Operand::Table => matches!(constant(f, v), Some(Constant::Table)),
            Operand::Cdata => matches!(constant(f, v), Some(Constant::Cdata)),
            Operand::Function => matches!(constant(f, v), Some(Constant::Child(_))),
            Operand::Jump => i.target(at).is_some_and(|t| t < f.code.len()),
        };
        keep!(right, "instruction {at}: {:?} with {v} as {kind:?}", i.op);
    }
    Ok(())
}

/// Slots that an instruction reads or writes beside its operands, and its neighbours.
fn shape(f: &Function, at: usize, i: Instruction) -> Result<(), Refusal> {
    let op_at = |n: usize| f.code.get(n).map(|i| i.op);
    let target = i.target(at);
    let right = match i.op {
        op if op.is_test() => op_at(at + 1) == Some(Op::JMP),
        Op::ISTYPE | Op::ISNUM => (1..=LAST_TYPE).contains(&i.d),
        // it always writes two
        Op::KNIL => i.a < i.d,
        Op::CAT => i.b < i.c,
        // no more room than what the dump could spell out
        Op::TNEW => 1usize << (i.d >> 11) <= 2 * f.bytes,
        Op::TSETM => i.a >= 1 && f.numbers[i.d] as usize <= f.bytes,
        Op::CALL => i.c >= 1 && i.a + f.link + i.c <= f.slots + 1 && i.a + i.b <= f.slots + 1,
        Op::CALLM => i.a + f.link + i.c <= f.slots && i.a + i.b <= f.slots + 1,
        Op::CALLT => i.d >= 1 && i.a + f.link + i.d <= f.slots + 1,
        Op::CALLMT => i.a + f.link + i.d <= f.slots,
        Op::VARG => f.vararg && i.c == f.parameters && i.a + i.b <= f.slots + 1,
        Op::RET => i.d >= 1 && i.a + i.d <= f.slots + 1,
        Op::RETM => i.a + i.d <= f.slots,
        // D is the number of results and 1, though the instruction tells it too
        Op::RET0 => i.d == 1,
        Op::RET1 => i.d == 2 && i.a < f.slots,
        Op::FORI => i.a + 3 < f.slots && target.is_some_and(|t| t >= 1 && pairs(f, i.a, at, t - 1)),
        Op::FORL => i.a + 3 < f.slots && target.is_some_and(|t| t >= 1 && pairs(f, i.a, t - 1, at)),
        Op::ISNEXT => i.a >= 3 && target.is_some_and(|t| op_at(t) == Some(Op::ITERN) && f.code[t].a == i.a),
        Op::ITERC | Op::ITERN => {
            let frame = i.a >= 3 && i.a + f.link + 2 <= f.slots && i.b >= 2 && i.a + i.b <= f.slots + 1;
            frame && op_at(at + 1) == Some(Op::ITERL) && f.code[at + 1].a == i.a
        }
        Op::ITERL => {
            let call = at.checked_sub(1).map(|n| f.code[n]);
            let begin = target.and_then(|t| t.checked_sub(1)).map(|n| (n, f.code[n]));
            let leads_back = |op| begin.is_some_and(|(n, b)| b.op == op && b.target(n) == Some(at - 1));
            match call.map(|c| c.op) {
                Some(Op::ITERC) => leads_back(Op::JMP),
                Some(Op::ITERN) => leads_back(Op::ISNEXT) && begin.is_some_and(|(_, b)| b.a == i.a),
                _ => false,
            }
        }
        _ => true,
    };
    keep!(right, "instruction {at}: {:?} {} {} {} in a frame of {} slots", i.op, i.a, i.b, i.c, f.slots);
    Ok(())
}

/// Whether a numeric loop begins at `begin` and ends at `end`.
fn pairs(f: &Function, a: usize, begin: usize, end: usize) -> bool {
    let (Some(b), Some(e)) = (f.code.get(begin), f.code.get(end)) else { return false };
    b.op == Op::FORI
        && e.op == Op::FORL
        && b.a == a
        && e.a == a
        && b.target(begin) == Some(end + 1)
        && e.target(end) == Some(begin + 1)
}

/// The walk over all paths.
struct Paths<'a> {
    f: &'a Function,
    /// What is known in front of each instruction that a path reaches.
    states: Vec<Option<State>>,
    /// Instructions whose state changed.
    todo: Vec<usize>,
}

impl Paths<'_> {
    fn follow(mut self) -> Result<(), Refusal> {
        self.go(0, State::default())?;
        while let Some(at) = self.todo.pop() {
            if let Some(state) = self.states[at] {
                self.step(at, state)?;
            }
        }
        Ok(())
    }

    /// A path leads to an instruction.
    fn go(&mut self, to: usize, state: State) -> Result<(), Refusal> {
        let Some(known) = self.states.get_mut(to) else { return Err(damaged("a function that does not return")) };
        let met = known.map_or(state, |k| k.meet(state));
        if *known != Some(met) {
            *known = Some(met);
            self.todo.push(to);
        }
        Ok(())
    }

    /// Runs an instruction: what it needs, what it changes, and where it leads.
    fn step(&mut self, at: usize, before: State) -> Result<(), Refusal> {
        let (f, i) = (self.f, self.f.code[at]);
        keep!(self.has_what_it_needs(i, &before), "instruction {at}: {:?} {} without what it needs", i.op, i.a);
        let mut s = before;
        s.results = None;
        let jump = || i.target(at).unwrap_or(usize::MAX);
        match i.op {
            op if op.is_test() => {
                if matches!(op, Op::ISTC | Op::ISFC) {
                    s.write(i.a, i.a + 1);
                }
                self.go(at + 1, s)?;
                return self.go(at + 2, s);
            }
            Op::RETM | Op::RET | Op::RET0 | Op::RET1 | Op::CALLMT | Op::CALLT => return Ok(()),
            Op::JMP => {
                s.results = before.results;
                return self.go(jump(), s);
            }
            Op::UCLO => {
                s.results = before.results;
                for slot in (i.a..256).filter(|&slot| before.captured.has(slot)) {
                    s.write(slot, slot + 1);
                }
                s.captured.remove(i.a, 256);
                return self.go(jump(), s);
            }
            Op::ISNEXT => {
                s.write(i.a - 1, i.a);
                s.iterators.add(i.a);
                return self.go(jump(), s);
            }
            Op::ITERN => {
                s.write(i.a, 256);
                s.iterators.add(i.a);
                self.go(at + 2, s)?;
                return self.go(f.code[at + 1].target(at + 1).unwrap_or(usize::MAX), s);
            }
            Op::ITERC => {
                s.write(i.a - 1, 256);
                self.go(at + 2, s)?;
                return self.go(f.code[at + 1].target(at + 1).unwrap_or(usize::MAX), s);
            }
            Op::FORI | Op::FORL => {
                s.write(i.a, i.a + 4);
                (0..3).for_each(|k| s.numbers.add(i.a + k));
                self.go(jump(), s)?;
            }
            Op::CALL | Op::CALLM | Op::VARG => {
                s.write(i.a, 256);
                s.results = (i.b == 0).then_some(i.a);
            }
            Op::ISTYPE if i.d == TABLE_TYPE => s.tables.add(i.a),
            Op::ISTYPE | Op::ISNUM => s.write(i.a, i.a + 1),
            Op::KNIL => s.write(i.a, i.d + 1),
            Op::CAT => {
                s.write(i.b, i.c + 1);
                s.write(i.a, i.a + 1);
            }
            Op::TNEW | Op::TDUP => {
                s.write(i.a, i.a + 1);
                s.tables.add(i.a);
            }
            Op::FNEW => {
                self.capture(at, i, &mut s)?;
                s.write(i.a, i.a + 1);
            }
            op if op.operands().0 == Operand::Dst => s.write(i.a, i.a + 1),
            _ => {}
        }
        self.go(at + 1, s)
    }

    /// What an instruction takes on trust.
    fn has_what_it_needs(&self, i: Instruction, s: &State) -> bool {
        let link = self.f.link;
        match i.op {
            // the frame of the function that is called would lie over slots that closures see
            Op::CALL | Op::VARG | Op::ITERN => !s.captured.any_from(i.a) && (i.op != Op::ITERN || s.has_iterator(i.a)),
            Op::ITERC => !s.captured.any_from(i.a - 1),
            Op::CAT => !s.captured.any_from(i.b),
            Op::CALLM => !s.captured.any_from(i.a) && s.results == Some(i.a + link + i.c),
            Op::CALLMT => !s.captured.any_from(0) && s.results == Some(i.a + link + i.d),
            Op::RETM => !s.captured.any_from(0) && s.results == Some(i.a + i.d),
            Op::RET | Op::RET0 | Op::RET1 | Op::CALLT => !s.captured.any_from(0),
            Op::TSETM => s.has_table(i.a - 1) && s.results == Some(i.a),
            Op::TGETR | Op::TSETR => s.has_table(i.b),
            Op::FORL => (0..3).all(|k| s.has_number(i.a + k)),
            // part of the instruction in front
            Op::ITERL => false,
            _ => true,
        }
    }

    /// A closure is made: its upvalues are slots of this function, or its upvalues.
    fn capture(&self, at: usize, i: Instruction, s: &mut State) -> Result<(), Refusal> {
        let Some(Constant::Child(upvalues)) = constant(self.f, i.d) else { return Ok(()) };
        for &u in upvalues {
            if u & LOCAL == 0 {
                keep!(usize::from(u) < self.f.upvalues.len(), "instruction {at}: a closure over upvalue {u}");
                continue;
            }
            let slot = usize::from(u & 0xff);
            keep!(slot < self.f.slots, "instruction {at}: a closure over slot {slot}");
            s.write(slot, slot + 1);
            s.captured.add(slot);
        }
        Ok(())
    }
}
