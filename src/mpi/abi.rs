//! What differs between implementations of MPI: the values of handles and constants, and the width of handles.
//!
//! MPI standardises functions, and (until version 5) neither the types of handles nor their values. There are three
//! families: Open MPI, whose handles are addresses of objects in the library; MPICH and all that keep its binary interface
//! (Intel MPI, MVAPICH, Cray MPICH), whose handles are numbers of 32 bits; and the binary interface of MPI-5, whose
//! handles are small numbers as wide as a pointer.

use crate::tensor::dtype::{DTYPES, DType};
use std::ffi::c_int;

/// A family of implementations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Open MPI.
    OpenMpi,
    /// MPICH and those with its binary interface.
    Mpich,
    /// The binary interface of MPI-5.
    Standard,
}

impl Family {
    /// Its name for messages.
    pub fn name(self) -> &'static str {
        match self {
            Family::OpenMpi => "Open MPI",
            Family::Mpich => "MPICH",
            Family::Standard => "MPI-5's binary interface",
        }
    }
}

/// Handles and constants of a library.
pub(super) struct Constants {
    pub world: usize,
    /// By the number of the element type. Halves are bytes: MPI does not know them.
    pub types: [usize; DTYPES],
    pub byte: usize,
    pub sum: usize,
    pub errors_return: usize,
    pub in_place: usize,
    pub status_ignore: usize,
    pub any_source: c_int,
    /// Where `MPI_SOURCE` stands in a status, in `int`s.
    pub source_at: usize,
    /// The levels of thread support: single, funneled, serialized, multiple.
    pub levels: [c_int; 4],
}

/// MPI's name of an element type.
fn name(dtype: DType) -> &'static str {
    const NAMES: [(&str, &str); DTYPES] = [
        ("Byte", "uint8_t"),
        ("Char", "int8_t"),
        ("Short", "int16_t"),
        ("Int", "int32_t"),
        ("Long", "int64_t"),
        ("Float", "float"),
        ("Double", "double"),
        ("Half", "byte"),
    ];
    NAMES.iter().find(|(ours, _)| *ours == dtype.name()).map_or("byte", |(_, theirs)| theirs)
}

/// Handles that are numbers: their names, MPICH's value and MPI-5's.
const NUMBERS: [(&str, usize, usize); 11] = [
    ("comm_world", 0x4400_0000, 0x101),
    ("byte", 0x4c00_010d, 0x247),
    ("uint8_t", 0x4c00_013b, 0x241),
    ("int8_t", 0x4c00_0137, 0x240),
    ("int16_t", 0x4c00_0238, 0x248),
    ("int32_t", 0x4c00_0439, 0x250),
    ("int64_t", 0x4c00_083a, 0x258),
    ("float", 0x4c00_040a, 0x210),
    ("double", 0x4c00_080b, 0x214),
    ("op_sum", 0x5800_0003, 0x21),
    ("errors_return", 0x5400_0001, 0x143),
];

/// The constants of a family. `address` gives those of Open MPI's objects.
///
/// # Errors
/// What `address` says.
pub(super) fn constants(family: Family, address: impl Fn(&str) -> Result<usize, String>) -> Result<Constants, String> {
    let handle = |name: &str| -> Result<usize, String> {
        let number = NUMBERS.iter().find(|n| n.0 == name);
        match family {
            Family::OpenMpi => address(&format!("ompi_mpi_{name}")),
            Family::Mpich => Ok(number.map_or(0, |n| n.1)),
            Family::Standard => Ok(number.map_or(0, |n| n.2)),
        }
    };
    let mut types = [0; DTYPES];
    for d in DType::ALL {
        types[d.index()] = handle(name(d))?;
    }
    let (in_place, status_ignore, any_source, source_at, levels) = match family {
        Family::OpenMpi => (1, 0, -1, 0, [0, 1, 2, 3]),
        Family::Mpich => (usize::MAX, 1, -2, 2, [0, 1, 2, 3]),
        Family::Standard => (1, 0, -1, 0, [0, 1024, 2048, 4096]),
    };
    Ok(Constants {
        world: handle("comm_world")?,
        types,
        byte: handle("byte")?,
        sum: handle("op_sum")?,
        errors_return: handle("errors_return")?,
        in_place,
        status_ignore,
        any_source,
        source_at,
        levels,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_type_has_a_handle() {
        for family in [Family::OpenMpi, Family::Mpich, Family::Standard] {
            let known = |name: &str| Ok(name.len());
            let c = constants(family, known).unwrap();
            assert!(c.types.iter().all(|&t| t != 0) && c.world != 0 && c.sum != 0 && c.errors_return != 0);
        }
        assert!(constants(Family::OpenMpi, |name| Err(name.into())).is_err_and(|e| e.contains("ompi_mpi_")));
    }
}
