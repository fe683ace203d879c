//! The list of element types, and the traits that say what an element type can do.
//!
//! `for_each_dtype!` is the only place where the types are named: enums, names, columns of kernels and dispatch
//! (`with_dtype!`) are made from it.

use half::f16;

/// Calls a macro with the whole list: `variant rust-type name family pixel` per element type, after arguments of its own
/// in brackets, if there are any. The family says which operations a type has, see [`Family`]; `pixel` stands where the
/// package image takes the type, else `_`.
#[macro_export]
macro_rules! for_each_dtype {
    ($($mac:ident)::+ $([$($args:tt)*])?) => {
        $($mac)::+! {
            $([$($args)*])?
            Byte u8 "Byte" integer pixel,
            Char i8 "Char" integer _,
            Short i16 "Short" integer _,
            Int i32 "Int" integer _,
            Long i64 "Long" integer _,
            Float f32 "Float" floating pixel,
            Double f64 "Double" floating pixel,
            Half f16 "Half" storage_only _,
        }
    };
}

/// Which operations an element type has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Arithmetic of integers, which wraps, and bit operations.
    Integer,
    /// Arithmetic and all of mathematics.
    Floating,
    /// Storage and conversion; floating-point numbers whose arithmetic is done in a wider type.
    StorageOnly,
}

macro_rules! define_dtype {
    ($($v:ident $t:ident $n:literal $fam:ident $pixel:tt,)*) => {
        /// The type of a tensor's elements.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum DType { $(#[doc = concat!("`", stringify!($t), "`, in Lua `torch.", $n, "Tensor`")] $v),* }

        impl DType {
            /// Every element type, in the order of the list.
            pub const ALL: [DType; DTYPES] = [$(DType::$v),*];
            /// The short name: `Double`.
            pub const fn name(self) -> &'static str { match self { $(DType::$v => $n),* } }
            /// Bytes an element takes.
            pub const fn size(self) -> usize { match self { $(DType::$v => size_of::<$t>()),* } }
            /// Whether the package image takes the type.
            pub const fn is_pixel(self) -> bool { match self { $(DType::$v => define_dtype!(@pixel $pixel)),* } }
            /// Which operations the type has.
            #[inline(always)]
            pub const fn family(self) -> Family {
                match self { $(DType::$v => define_dtype!(@family $fam)),* }
            }
            /// Whether values are floating-point numbers.
            #[inline(always)]
            pub const fn is_float(self) -> bool {
                !matches!(self.family(), Family::Integer)
            }
        }
        /// The Rust type of each element type, under the name of that.
        pub mod types {
            #[allow(unused_imports, reason = "not every type is Rust's own")]
            use super::*;
            $(#[doc = concat!("Elements of `torch.", $n, "Tensor`.")] pub type $v = $t;)*
        }
        $(impl listed::Listed for $t {}
        impl Element for $t {
            const DTYPE: DType = DType::$v;
            #[inline(always)]
            fn from_f64(v: f64) -> Self { define_dtype!(@from $fam $t v) }
            #[inline(always)]
            fn to_f64(self) -> f64 { define_dtype!(@to $fam self) }
            #[inline(always)]
            fn from_i64(v: i64) -> Self { define_dtype!(@from_int $fam $t v) }
            #[inline(always)]
            fn to_i64(self) -> i64 { define_dtype!(@to_int $fam self) }
        })*
        /// How many element types there are.
        pub const DTYPES: usize = [$($n),*].len();
    };
    (@pixel pixel) => { true };
    (@pixel _) => { false };
    (@family integer) => { Family::Integer };
    (@family floating) => { Family::Floating };
    (@family storage_only) => { Family::StorageOnly };
    // C converts a double to a narrow integer through int64 and keeps the low bits; `as` alone would saturate.
    (@from integer $t:ident $v:ident) => { wrap_to_i64($v) as $t };
    (@from floating $t:ident $v:ident) => { $v as $t };
    (@from storage_only $t:ident $v:ident) => { $t::from_f64($v) };
    (@to storage_only $s:ident) => { $s.to_f64() };
    (@to $fam:ident $s:ident) => { $s as f64 };
    (@from_int storage_only $t:ident $v:ident) => { $t::from_f64($v as f64) };
    (@from_int $fam:ident $t:ident $v:ident) => { $v as $t };
    (@to_int integer $s:ident) => { $s as i64 };
    (@to_int floating $s:ident) => { wrap_to_i64($s as f64) };
    (@to_int storage_only $s:ident) => { wrap_to_i64($s.to_f64()) };
}
for_each_dtype!(define_dtype);

/// A double as x86's conversion to a 64-bit integer gives it: truncated, and the smallest integer for nan and
/// anything out of range.
#[inline(always)]
pub fn wrap_to_i64(v: f64) -> i64 {
    const LIMIT: f64 = (1u64 << 63) as f64;
    if (-LIMIT..LIMIT).contains(&v) { v as i64 } else { i64::MIN }
}

impl Family {
    /// Its name: `integer`, `floating`, `storage only`.
    pub const fn name(self) -> &'static str {
        match self {
            Family::Integer => "integer",
            Family::Floating => "floating",
            Family::StorageOnly => "storage only",
        }
    }
}

impl DType {
    /// Its number in the list.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Keeps [`Element`] to the types of the list: memory of a type is handed out by its [`Element::DTYPE`].
mod listed {
    pub trait Listed {}
}

/// What can be stored in a tensor. Conversions truncate and wrap as C does on x86-64.
pub trait Element:
    listed::Listed + Copy + Send + Sync + Default + PartialEq + PartialOrd + std::fmt::Debug + 'static
{
    /// The type as a value.
    const DTYPE: DType;
    /// Converts from a Lua number.
    fn from_f64(v: f64) -> Self;
    /// Converts to a Lua number.
    fn to_f64(self) -> f64;
    /// Converts from an integer without losing the low bits.
    fn from_i64(v: i64) -> Self;
    /// Converts to an integer without going through a double where the type is an integer.
    fn to_i64(self) -> i64;
    /// Converts from any element type, exactly where both are integers.
    #[inline(always)]
    fn convert<S: Element>(s: S) -> Self {
        if S::DTYPE.is_float() { Self::from_f64(s.to_f64()) } else { Self::from_i64(s.to_i64()) }
    }
}

/// An element type with arithmetic: everything but Half. Integer arithmetic wraps.
pub trait Real: Element {
    /// The type sums over a whole tensor are accumulated in: `i64` or `f64`.
    type Acc: Real;
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;
    /// The smallest value (minus infinity for floating point).
    const LOWEST: Self;
    /// The largest value (infinity for floating point).
    const HIGHEST: Self;
    /// a + b
    fn add(self, o: Self) -> Self;
    /// a - b
    fn sub(self, o: Self) -> Self;
    /// a * b
    fn mul(self, o: Self) -> Self;
    /// a / b; `None` where C traps (integer division by 0, smallest / -1).
    fn div(self, o: Self) -> Option<Self>;
    /// C's remainder (sign of the dividend); `None` where C traps.
    fn fmod(self, o: Self) -> Option<Self>;
    /// Remainder with the sign of the divisor; `None` where C traps.
    fn remainder(self, o: Self) -> Option<Self>;
    /// -a
    fn neg(self) -> Self;
    /// |a|
    fn abs(self) -> Self;
    /// Whether it is not a number.
    fn is_nan(self) -> bool;
    /// a raised to b; integers through double as C's pow does.
    fn pow(self, o: Self) -> Self;
    /// A whole number of the type's width that orders as the values do; nan comes last, both zeros are one.
    fn rank(self) -> u64;
}

/// An integer element type, with bit operations.
pub trait Integer: Real {
    /// a & b
    fn and(self, o: Self) -> Self;
    /// a | b
    fn or(self, o: Self) -> Self;
    /// a ^ b
    fn xor(self, o: Self) -> Self;
    /// a shifted left; amounts of the width and more give 0.
    fn shl(self, by: Self) -> Self;
    /// The unsigned pattern shifted right; amounts of the width and more give 0.
    fn shr(self, by: Self) -> Self;
}

macro_rules! define_real {
    ($($v:ident $t:ident $n:literal $fam:ident $pixel:tt,)*) => { $(define_real!(@$fam $t);)* };
    (@integer $t:ident) => {
        impl Real for $t {
            type Acc = i64;
            const ZERO: Self = 0;
            const ONE: Self = 1;
            const LOWEST: Self = $t::MIN;
            const HIGHEST: Self = $t::MAX;
            #[inline(always)] fn add(self, o: Self) -> Self { self.wrapping_add(o) }
            #[inline(always)] fn sub(self, o: Self) -> Self { self.wrapping_sub(o) }
            #[inline(always)] fn mul(self, o: Self) -> Self { self.wrapping_mul(o) }
            #[inline(always)] fn div(self, o: Self) -> Option<Self> { self.checked_div(o) }
            #[inline(always)] fn fmod(self, o: Self) -> Option<Self> { self.checked_rem(o) }
            #[inline(always)] #[allow(unused_comparisons)]
            fn remainder(self, o: Self) -> Option<Self> {
                let r = self.checked_rem(o)?;
                // the sign of the divisor: a nonzero remainder of the other sign moves by one divisor
                Some(if r != 0 && ((r < 0) != (o < 0)) { r.wrapping_add(o) } else { r })
            }
            #[inline(always)] #[allow(unused_comparisons)]
            fn abs(self) -> Self { if self < 0 { self.wrapping_neg() } else { self } }
            #[inline(always)] fn neg(self) -> Self { self.wrapping_neg() }
            #[inline(always)] fn is_nan(self) -> bool { false }
            #[inline(always)] fn pow(self, o: Self) -> Self { Self::from_f64(f64::powf(self as f64, o as f64)) }
            #[inline(always)] fn rank(self) -> u64 { (self as i64).wrapping_sub($t::MIN as i64) as u64 }
        }
        impl Integer for $t {
            #[inline(always)] fn and(self, o: Self) -> Self { self & o }
            #[inline(always)] fn or(self, o: Self) -> Self { self | o }
            #[inline(always)] fn xor(self, o: Self) -> Self { self ^ o }
            #[inline(always)] fn shl(self, by: Self) -> Self {
                u32::try_from(by.to_i64()).ok().and_then(|n| self.checked_shl(n)).unwrap_or(0)
            }
            #[inline(always)] fn shr(self, by: Self) -> Self {
                let bits = $t::BITS;
                match u32::try_from(by.to_i64()) {
                    Ok(n) if n < bits => {
                        let mask = if n == 0 { u64::MAX } else { (1u64 << (bits - n)) - 1 };
                        (((self as i64 as u64) >> n) & mask) as $t
                    }
                    _ => 0,
                }
            }
        }
    };
    (@floating $t:ident) => {
        impl Real for $t {
            type Acc = f64;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const LOWEST: Self = $t::NEG_INFINITY;
            const HIGHEST: Self = $t::INFINITY;
            #[inline(always)] fn add(self, o: Self) -> Self { self + o }
            #[inline(always)] fn sub(self, o: Self) -> Self { self - o }
            #[inline(always)] fn mul(self, o: Self) -> Self { self * o }
            #[inline(always)] fn div(self, o: Self) -> Option<Self> { Some(self / o) }
            #[inline(always)] fn fmod(self, o: Self) -> Option<Self> { Some(self % o) }
            #[inline(always)] fn remainder(self, o: Self) -> Option<Self> {
                Some(if o == 0.0 { $t::NAN } else { self - o * (self / o).floor() })
            }
            #[inline(always)] fn abs(self) -> Self { $t::abs(self) }
            #[inline(always)] fn neg(self) -> Self { -self }
            #[inline(always)] fn is_nan(self) -> bool { $t::is_nan(self) }
            #[inline(always)] fn pow(self, o: Self) -> Self { $t::powf(self, o) }
            #[inline(always)] fn rank(self) -> u64 {
                let all = u64::MAX >> (64 - 8 * size_of::<$t>());
                let bits = u64::from((self + 0.0).to_bits());
                // no branch: signs are as good as random
                let negative = (bits >> (8 * size_of::<$t>() - 1)).wrapping_neg();
                let rank = bits ^ ((negative | (all ^ all >> 1)) & all);
                if self.is_nan() { all } else { rank }
            }
        }
    };
    (@storage_only $t:ident) => {};
}
for_each_dtype!(define_real);

/// A floating-point type with the whole of mathematics: f32 and f64.
pub trait Float: Real + super::vmath::VectorMath {
    /// Applies a function of doubles in the type's own precision where Rust has it, else through a double.
    fn via(self, single: fn(f32) -> f32, double: fn(f64) -> f64) -> Self;
    /// Whether neither infinite nor nan.
    fn finite(self) -> bool;
    /// The square root.
    #[inline(always)]
    fn root(self) -> Self {
        self.via(f32::sqrt, f64::sqrt)
    }
    /// `self / by`; numbers with a fraction are divided by 0 as well.
    #[inline(always)]
    fn over(self, by: Self) -> Self {
        self.div(by).unwrap_or(Self::ZERO)
    }
}

impl Float for f32 {
    #[inline(always)]
    fn via(self, single: fn(f32) -> f32, _: fn(f64) -> f64) -> Self {
        single(self)
    }
    #[inline(always)]
    fn finite(self) -> bool {
        f32::is_finite(self)
    }
}

impl Float for f64 {
    #[inline(always)]
    fn via(self, _: fn(f32) -> f32, double: fn(f64) -> f64) -> Self {
        double(self)
    }
    #[inline(always)]
    fn finite(self) -> bool {
        f64::is_finite(self)
    }
}

/// Runs an expression with `$T` standing for the Rust type of an element type known only at run time.
#[macro_export]
macro_rules! with_dtype {
    ([$dtype:tt $T:ident $body:tt] $($v:ident $t:ident $n:literal $fam:ident $pixel:tt,)*) => {
        match $dtype {
            $($crate::tensor::dtype::DType::$v => {
                type $T = $crate::tensor::dtype::types::$v;
                $body
            })*
        }
    };
    ($dtype:expr, $T:ident => $body:expr) => {
        $crate::for_each_dtype!($crate::with_dtype [{ $dtype } $T { $body }])
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_wrap_as_in_c() {
        assert_eq!(u8::from_f64(300.7), 44);
        assert_eq!(u8::from_f64(-1.0), 255);
        assert_eq!(i8::from_f64(200.0), -56);
        assert_eq!(i64::from_f64(f64::NAN), i64::MIN);
        assert_eq!(i32::convert(1i64 << 33 | 5), 5);
    }

    #[test]
    fn integer_remainders_take_the_divisors_sign() {
        assert_eq!(Real::remainder(-7i32, 3), Some(2));
        assert_eq!(Real::remainder(7i32, -3), Some(-2));
        assert_eq!(Real::fmod(-7i32, 3), Some(-1));
        assert_eq!(Real::div(i32::MIN, -1), None);
        assert_eq!(Integer::shr(-1i8, 1), 127);
    }
}
