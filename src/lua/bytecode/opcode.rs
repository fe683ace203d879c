//! LuaJIT's instructions: what their operands are.

/// What an operand is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operand {
    /// Unused.
    No,
    /// A slot that is written.
    Dst,
    /// A slot that is read, or the first of some slots: each instruction says how many.
    Var,
    /// A slot, or the end of the frame.
    Base,
    /// An upvalue.
    Upvalue,
    /// A number of its own.
    Literal,
    /// nil, false or true.
    Primitive,
    /// A number constant.
    Number,
    /// A string constant.
    Text,
    /// A table constant.
    Table,
    /// A child function.
    Function,
    /// A cdata constant.
    Cdata,
    /// Another instruction.
    Jump,
}

macro_rules! opcodes {
    ($($name:ident $a:ident $b:ident $cd:ident;)*) => {
        /// An instruction's code, by LuaJIT's name.
        #[allow(clippy::upper_case_acronyms)]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Op { $(#[allow(missing_docs)] $name),* }

        /// Every instruction with the operands A, B, and C or D: without B, the third is D.
        const ALL: &[(Op, Operand, Operand, Operand)] = &[$((Op::$name, Operand::$a, Operand::$b, Operand::$cd)),*];
    };
}

// In the order of their codes. The last ones, the heads of functions, never stand in a dump.
opcodes! {
    ISLT Var No Var; ISGE Var No Var; ISLE Var No Var; ISGT Var No Var;
    ISEQV Var No Var; ISNEV Var No Var; ISEQS Var No Text; ISNES Var No Text;
    ISEQN Var No Number; ISNEN Var No Number; ISEQP Var No Primitive; ISNEP Var No Primitive;
    ISTC Dst No Var; ISFC Dst No Var; IST No No Var; ISF No No Var; ISTYPE Var No Literal; ISNUM Var No Literal;
    MOV Dst No Var; NOT Dst No Var; UNM Dst No Var; LEN Dst No Var;
    ADDVN Dst Var Number; SUBVN Dst Var Number; MULVN Dst Var Number; DIVVN Dst Var Number; MODVN Dst Var Number;
    ADDNV Dst Var Number; SUBNV Dst Var Number; MULNV Dst Var Number; DIVNV Dst Var Number; MODNV Dst Var Number;
    ADDVV Dst Var Var; SUBVV Dst Var Var; MULVV Dst Var Var; DIVVV Dst Var Var; MODVV Dst Var Var;
    POW Dst Var Var; CAT Dst Var Var;
    KSTR Dst No Text; KCDATA Dst No Cdata; KSHORT Dst No Literal; KNUM Dst No Number; KPRI Dst No Primitive;
    KNIL Var No Var;
    UGET Dst No Upvalue; USETV Upvalue No Var; USETS Upvalue No Text; USETN Upvalue No Number;
    USETP Upvalue No Primitive; UCLO Base No Jump; FNEW Dst No Function;
    TNEW Dst No Literal; TDUP Dst No Table; GGET Dst No Text; GSET Var No Text;
    TGETV Dst Var Var; TGETS Dst Var Text; TGETB Dst Var Literal; TGETR Dst Var Var;
    TSETV Var Var Var; TSETS Var Var Text; TSETB Var Var Literal; TSETM Base No Number; TSETR Var Var Var;
    CALLM Var Literal Literal; CALL Var Literal Literal; CALLMT Var No Literal; CALLT Var No Literal;
    ITERC Var Literal Literal; ITERN Var Literal Literal; VARG Base Literal Literal; ISNEXT Var No Jump;
    RETM Base No Literal; RET Base No Literal; RET0 Base No Literal; RET1 Base No Literal;
    FORI Var No Jump; JFORI Var No Jump; FORL Var No Jump; IFORL Var No Jump; JFORL Var No Literal;
    ITERL Var No Jump; IITERL Var No Jump; JITERL Var No Literal;
    LOOP Base No Jump; ILOOP Base No Jump; JLOOP Base No Literal; JMP Base No Jump;
}

impl Op {
    /// The instruction with this code, unless it only stands in loaded functions: what the compiler of traces put in place.
    pub fn of(code: u8) -> Option<Op> {
        let op = ALL.get(usize::from(code))?.0;
        let patched = matches!(op, Op::JFORI | Op::IFORL | Op::JFORL | Op::IITERL | Op::JITERL | Op::ILOOP | Op::JLOOP);
        (!patched).then_some(op)
    }

    /// What its operands A, B, and C or D are.
    pub fn operands(self) -> (Operand, Operand, Operand) {
        let (_, a, b, cd) = ALL[self as usize];
        (a, b, cd)
    }

    /// Whether it decides whether the jump behind it is taken.
    pub fn is_test(self) -> bool {
        (self as u8) <= Op::ISF as u8
    }
}

/// An instruction: `OP A D`, or `OP A B C` where D is the bytes C and B.
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    /// What it does.
    pub op: Op,
    /// Operand A, 8 bits.
    pub a: usize,
    /// Operand B, 8 bits: the upper half of D.
    pub b: usize,
    /// Operand C, 8 bits: the lower half of D.
    pub c: usize,
    /// Operand D, 16 bits.
    pub d: usize,
}

impl Instruction {
    /// Takes a word apart.
    pub fn of(word: u32) -> Option<Instruction> {
        let [code, a, c, b] = word.to_le_bytes();
        let op = Op::of(code)?;
        let wide = |byte: u8| usize::from(byte);
        Some(Instruction { op, a: wide(a), b: wide(b), c: wide(c), d: wide(c) | wide(b) << 8 })
    }

    /// Where a jump at instruction `at` leads, if that is not before the first instruction.
    pub fn target(self, at: usize) -> Option<usize> {
        (at + 1 + self.d).checked_sub(0x8000)
    }
}
