//! Fields of a module as one structure. One declaration gives what the rows of its methods say of the fields and the
//! argument that their kernels get, so neither can name them in another order than the other.
//!
//! ```
//! rekindle::fields! {
//!     /// Size and step of a window.
//!     pub struct Window {
//!         /// Its width.
//!         width: i64 = ".kW:long",
//!         /// How far one window is from the next.
//!         step: i64 = ".dW:long=1",
//!     }
//! }
//! assert_eq!(<Window as rekindle::fields::Fields>::TEXT, ".kW:long .dW:long=1");
//! ```

/// A structure made by [`fields!`](crate::fields!).
pub trait Fields: Sized {
    /// What a row says of the fields: `.kW:long .kH:long`.
    const TEXT: &'static str;
    /// The values of the fields in their order, as nested pairs.
    type Values;
    /// The structure of these values.
    fn new(values: Self::Values) -> Self;
}

/// Declares a structure of public fields, each with its Rust type and its text in a row (see `docs/rows.md`): names, kinds
/// and defaults. The text of a field that is such a structure itself is its [`Fields::TEXT`].
#[macro_export]
macro_rules! fields {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $(<$($param:tt),+>)? {
            $($(#[$doc:meta])* $field:ident: $t:ty = $text:expr),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        $vis struct $name $(<$($param),+>)? { $($(#[$doc])* pub $field: $t),+ }

        impl $(<$($param),+>)? $crate::fields::Fields for $name $(<$($param),+>)? {
            const TEXT: &'static str = $crate::join!(" ", $($text),+);
            type Values = $crate::fields!(@values $($t,)+);
            #[inline(always)]
            fn new(values: Self::Values) -> Self {
                let $crate::fields!(@pattern $($field,)+) = values;
                $name { $($field),+ }
            }
        }
    };
    (@values) => { () };
    (@values $t:ty, $($rest:tt)*) => { ($t, $crate::fields!(@values $($rest)*)) };
    (@pattern) => { () };
    (@pattern $field:ident, $($rest:tt)*) => { ($field, $crate::fields!(@pattern $($rest)*)) };
}

/// Constant texts as one, with a separator between them.
#[macro_export]
macro_rules! join {
    ($separator:expr, $($part:expr),+ $(,)?) => {{
        const PARTS: &[&str] = &[$($part),+];
        const JOINED: &[u8] = &$crate::fields::joined::<{ $crate::fields::length($separator, PARTS) }>($separator, PARTS);
        match std::str::from_utf8(JOINED) {
            Ok(text) => text,
            Err(_) => "",
        }
    }};
}

/// The length of [`joined`] texts.
pub const fn length(separator: &str, parts: &[&str]) -> usize {
    let (mut n, mut i) = (0, 0);
    while i < parts.len() {
        n += parts[i].len() + if i > 0 { separator.len() } else { 0 };
        i += 1;
    }
    n
}

/// The bytes of texts with a separator between them; `N` is their [`length`].
pub const fn joined<const N: usize>(separator: &str, parts: &[&str]) -> [u8; N] {
    const fn put<const N: usize>(out: &mut [u8; N], mut at: usize, text: &str) -> usize {
        let mut i = 0;
        while i < text.len() {
            out[at] = text.as_bytes()[i];
            (at, i) = (at + 1, i + 1);
        }
        at
    }
    let mut out = [0; N];
    let (mut at, mut i) = (0, 0);
    while i < parts.len() {
        if i > 0 {
            at = put(&mut out, at, separator);
        }
        at = put(&mut out, at, parts[i]);
        i += 1;
    }
    out
}
