//! Classes of tensors: an element type on a device. A class has a name in Lua, a kernel in every row that it can be
//! called with, a mark on its objects and a bit among the kinds of arguments; all of these are made from its number.

use super::dtype::{DTYPES, DType};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Calls a macro with the list of devices, after its arguments: `variant word plain memory` for each. The word stands in
/// the names of the device's classes; `plain` is the element type that needs no word of its own there (`torch.CudaTensor`
/// has floats), or `_`; `memory` is `host` where elements lie in the memory of this process, so that the kernels of host
/// tensors are the device's too, and `own` where they do not.
#[cfg(not(any(test, mirror)))]
macro_rules! for_each_device {
    ($mac:ident) => {
        $mac! {
            Host "" _ host "memory that this process reads and writes",
            Cuda "Cuda" Float host "stands in for a graphics processor: its tensors lie in host memory",
        }
    };
}
/// With a device that exists for tests alone, and shows what there is for another one without a line of its own
/// (`tests/device.rs`).
#[cfg(any(test, mirror))]
macro_rules! for_each_device {
    ($mac:ident) => {
        $mac! {
            Host "" _ host "memory that this process reads and writes",
            Cuda "Cuda" Float host "stands in for a graphics processor: its tensors lie in host memory",
            Mirror "Mirror" Float own "a device of tests: its memory is not handed out, and rows have no kernels for it",
        }
    };
}

macro_rules! define_devices {
    ($($v:ident $word:literal $plain:tt $memory:tt $doc:literal,)*) => {
        /// Where the elements of a tensor lie.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Device { $(#[doc = $doc] $v),* }

        /// How many devices there are.
        pub const DEVICES: usize = [$($word),*].len();

        impl Device {
            /// Every device, in the order of the columns of kernel tables.
            pub const ALL: [Device; DEVICES] = [$(Device::$v),*];

            /// Whether its elements lie in the memory of this process.
            #[inline(always)]
            pub const fn in_host_memory(self) -> bool {
                match self { $(Device::$v => define_devices!(@host $memory)),* }
            }
        }

        impl TensorClass {
            /// What stands before `Tensor` and `Storage` in the names of its classes: `Double`, `CudaDouble`.
            pub const fn name(self) -> &'static str {
                self.names()[0]
            }
            /// The class of its tensors: `torch.DoubleTensor`.
            pub const fn tensor_name(self) -> &'static str {
                self.names()[1]
            }
            /// The class of its storages: `torch.DoubleStorage`.
            pub const fn storage_name(self) -> &'static str {
                self.names()[2]
            }
            const fn names(self) -> [&'static str; 3] {
                let dtype = self.dtype;
                match self.device {
                    $(Device::$v => {
                        const PLAIN: Option<DType> = define_devices!(@plain $plain);
                        if let Some(plain) = PLAIN && plain as u8 == dtype as u8 {
                            return define_devices!(@three $word "");
                        }
                        crate::for_each_dtype!(class_names [dtype $word])
                    })*
                }
            }
        }
    };
    (@host host) => { true };
    (@host own) => { false };
    (@plain _) => { None };
    (@plain $dtype:ident) => { Some(DType::$dtype) };
    (@three $word:literal $name:literal) => {
        [
            concat!($word, $name),
            concat!("torch.", $word, $name, "Tensor"),
            concat!("torch.", $word, $name, "Storage"),
        ]
    };
}
macro_rules! class_names {
    ([$dtype:ident $word:literal] $($v:ident $t:ident $n:literal $fam:ident $pixel:tt,)*) => {
        match $dtype { $(DType::$v => define_devices!(@three $word $n)),* }
    };
}
for_each_device!(define_devices);

/// A bit for each device that this process offers.
static OFFERED: AtomicU8 = AtomicU8::new(1 << Device::Host as u8);

impl Device {
    /// Has the Lua states that are made from now on offer the device; host memory is always there.
    pub fn offer(self) {
        OFFERED.fetch_or(1 << self as u8, Relaxed);
    }

    /// Whether the process offers it.
    pub fn is_offered(self) -> bool {
        OFFERED.load(Relaxed) & 1 << self as u8 != 0
    }

    /// How many memories with kernels of their own there are before this device's.
    const fn memories_before(self) -> usize {
        let (mut n, mut i) = (0, 0);
        while i <= self as usize {
            n += !Device::ALL[i].in_host_memory() as usize;
            i += 1;
        }
        n
    }
}

/// How many kernels a column has: one for each element type in each memory.
pub const KERNELS: usize = DTYPES * (1 + Device::ALL[DEVICES - 1].memories_before());

/// An element type on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TensorClass {
    /// The elements' type.
    pub dtype: DType,
    /// Where they lie.
    pub device: Device,
}

/// How many classes there are.
pub const CLASSES: usize = DTYPES * DEVICES;

impl TensorClass {
    /// Every class, by number: those of a device stand together.
    pub const ALL: [TensorClass; CLASSES] = {
        let mut all = [TensorClass { dtype: DType::ALL[0], device: Device::Host }; CLASSES];
        let mut i = 0;
        while i < CLASSES {
            all[i] = TensorClass { dtype: DType::ALL[i % DTYPES], device: Device::ALL[i / DTYPES] };
            i += 1;
        }
        all
    };

    /// The classes of the devices that the process offers.
    pub fn offered() -> impl Iterator<Item = TensorClass> {
        TensorClass::ALL.into_iter().filter(|c| c.device.is_offered())
    }

    /// The class of host tensors.
    #[inline(always)]
    pub const fn host(dtype: DType) -> TensorClass {
        TensorClass { dtype, device: Device::Host }
    }

    /// Its number.
    #[inline(always)]
    pub const fn index(self) -> usize {
        self.device as usize * DTYPES + self.dtype.index()
    }

    /// The class with another element type on the same device.
    #[inline(always)]
    pub const fn with_dtype(self, dtype: DType) -> TensorClass {
        TensorClass { dtype, device: self.device }
    }

    /// Whether its elements lie in the memory of this process.
    #[inline(always)]
    pub const fn in_host_memory(self) -> bool {
        self.device.in_host_memory()
    }

    /// Whether its elements are of a type and lie in the memory of this process.
    #[inline(always)]
    pub const fn is_plain(self, dtype: DType) -> bool {
        self.dtype as u8 == dtype as u8 && self.in_host_memory()
    }

    /// The number of its kernels in a column: those of a type are the same ones wherever in host memory it lies.
    #[inline(always)]
    pub const fn kernel(self) -> usize {
        let memory = if self.in_host_memory() { 0 } else { self.device.memories_before() };
        memory * DTYPES + self.dtype.index()
    }

    /// The offered class whose short name, tensor class or storage class this is.
    pub fn parse(name: &str) -> Option<TensorClass> {
        let short = name.strip_prefix("torch.").unwrap_or(name);
        let short = short.strip_suffix("Tensor").or_else(|| short.strip_suffix("Storage")).unwrap_or(short);
        TensorClass::offered().find(|c| c.name() == short)
    }
}

impl From<DType> for TensorClass {
    #[inline(always)]
    fn from(dtype: DType) -> TensorClass {
        TensorClass::host(dtype)
    }
}

impl DType {
    /// The class of tensors of this type in host memory: `torch.DoubleTensor`.
    pub const fn tensor_name(self) -> &'static str {
        TensorClass::host(self).tensor_name()
    }
    /// The class of storages of this type in host memory: `torch.DoubleStorage`.
    pub const fn storage_name(self) -> &'static str {
        TensorClass::host(self).storage_name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        Device::ALL.into_iter().for_each(Device::offer);
        for c in TensorClass::ALL {
            assert_eq!(TensorClass::parse(c.tensor_name()), Some(c));
            assert_eq!(TensorClass::parse(c.storage_name()), Some(c));
            assert_eq!(TensorClass::ALL[c.index()], c);
        }
        assert_eq!(TensorClass::parse("torch.ClTensor"), None);
        assert_eq!(DType::Half.tensor_name(), "torch.HalfTensor");
    }

    #[test]
    fn a_device_has_classes_of_its_own() {
        let class = |dtype| TensorClass { dtype, device: Device::Mirror };
        assert_eq!(class(DType::Float).tensor_name(), "torch.MirrorTensor");
        assert_eq!(class(DType::Double).storage_name(), "torch.MirrorDoubleStorage");
        assert_eq!(class(DType::Half).with_dtype(DType::Long).name(), "MirrorLong");
        assert_eq!((CLASSES, KERNELS), (3 * DTYPES, 2 * DTYPES));
        assert!(class(DType::Float).kernel() != TensorClass::host(DType::Float).kernel());
    }

    #[test]
    fn a_device_in_host_memory_has_the_kernels_of_host_tensors() {
        for dtype in DType::ALL {
            let cuda = TensorClass { dtype, device: Device::Cuda };
            assert!(cuda != TensorClass::host(dtype) && cuda.is_plain(dtype));
            assert_eq!(cuda.kernel(), TensorClass::host(dtype).kernel());
        }
        let names = [DType::Float, DType::Long].map(|dtype| TensorClass { dtype, device: Device::Cuda }.tensor_name());
        assert_eq!(names, ["torch.CudaTensor", "torch.CudaLongTensor"]);
    }
}
