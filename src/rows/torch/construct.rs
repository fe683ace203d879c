//! Constructors of tensors and storages, and the methods of storages.
use crate::lua::prelude::*;
use crate::tensor::class::{Device, TensorClass};
use crate::tensor::storage;

/// Most sizes that Torch7 reads from a list of numbers.
const LISTED: usize = 8;

/// The sizes in a list of numbers, up to the first that is not positive.
fn positive<'a>(list: &Dims, sizes: &'a mut [usize; LISTED]) -> &'a [usize] {
    let mut n = 0;
    for (size, &given) in sizes.iter_mut().zip(&list.0).take_while(|(_, given)| **given > 0) {
        *size = given as usize;
        n += 1;
    }
    &sizes[..n]
}
fn dims(class: TensorClass, d: &Dims) -> Result<Tensor> {
    let mut sizes = [0; LISTED];
    let sizes = positive(d, &mut sizes);
    if sizes.is_empty() { empty(class) } else { Tensor::new(class, sizes) }
}
fn sized_by(class: TensorClass, sizes: &Storage) -> Result<Tensor> {
    let sizes = longs(sizes).sizes();
    if sizes.is_empty() { empty(class) } else { Tensor::new(class, &sizes) }
}
fn empty(class: TensorClass) -> Result<Tensor> {
    Ok(Tensor::empty(class))
}
fn strided(class: TensorClass, sizes: &Storage, strides: &Storage) -> Result<Tensor> {
    let (sizes, strides) = (longs(sizes), longs(strides));
    let strides: Vec<isize> = strides.0.iter().map(|&s| s as isize).collect();
    construct::strided(class, &sizes.sizes(), &strides)
}
fn longs(s: &Storage) -> Dims {
    Dims(s.to_vec::<i64>(0, usize::MAX).into())
}
fn share(x: &Tensor) -> Result<Tensor> {
    Ok(x.clone())
}
fn nested<T: Element>(device: Device, t: &Nested) -> Result<Tensor> {
    construct::from_numbers::<T>(device, &t.sizes, &t.data)
}
fn at_offset(s: &Storage, offset: usize) -> Result<Tensor> {
    construct::over(s, offset, &[], &[])
}
fn all_of(s: &Storage) -> Result<Tensor> {
    construct::over_all(s)
}
fn with_sizes(s: &Storage, offset: usize, sizes: &Storage, strides: Option<&Storage>) -> Result<Tensor> {
    let strides: Vec<isize> = strides.map(longs).unwrap_or_default().0.iter().map(|&s| s as isize).collect();
    let sizes = longs(sizes).sizes();
    demand!(
        strides.is_empty() || strides.len() == sizes.len(),
        "inconsistent size and stride: {} sizes, {} strides",
        sizes.len(),
        strides.len()
    );
    construct::over(s, offset, &sizes, &strides)
}
fn with_pairs(s: &Storage, offset: usize, pairs: Dims) -> Result<Tensor> {
    let (sizes, strides) = construct::size_stride_pairs(&pairs.0)?;
    construct::over(s, offset, &sizes, &strides)
}

/// `torch.DoubleTensor(...)`
pub static TENSOR: Op = func!(
    "new",
    &[
        traced("at:class", any!(empty)),
        form("s:S", any!(all_of)),
        form("s:S offset:index sizes:LongStorage strides:LongStorage=nil", any!(with_sizes)),
        form("s:S offset:index", any!(at_offset)),
        form("s:S offset:index pairs:dims", any!(with_pairs)),
        form("at:class sizes:LongStorage", any!(sized_by)),
        traced("at:class sizes:dims", any!(dims)),
        form("at:class sizes:LongStorage strides:LongStorage", any!(strided)),
        form("x:T", any!(share)),
        form("at:class t:nested", every!(nested)),
    ],
);

fn no_storage(class: TensorClass) -> Result<Storage> {
    Storage::new(class, 0)
}
fn storage_list<T: Element>(device: Device, t: &Nested) -> Result<Storage> {
    demand!(t.sizes.len() <= 1, "expected a table of numbers, got a nested one");
    construct::storage_of::<T>(device, &t.data)
}
/// Files and memory shared by name are for storages of the host.
fn of_host(class: TensorClass) -> Result<()> {
    demand!(class.device == Device::Host, "a {} cannot be made over a file or shared memory", class.storage_name());
    Ok(())
}
fn storage_file(class: TensorClass, path: &str, shared: bool, n: i64) -> Result<Storage> {
    of_host(class)?;
    Storage::mapped(class.dtype, path, shared, usize::try_from(n).unwrap_or(0))
}
/// Memory that processes share by name; a name of the system's, not a path.
fn storage_shared(class: TensorClass, name: &str, shared: bool, n: i64, by_name: bool) -> Result<Storage> {
    if !by_name {
        return storage_file(class, name, shared, n);
    }
    of_host(class)?;
    demand!(shared, "memory that is shared by name cannot be private");
    Storage::shared_memory(class.dtype, name, usize::try_from(n).unwrap_or(0))
}
fn storage_part(s: &Storage, offset: usize, n: i64) -> Result<Storage> {
    Storage::part(s, offset, usize::try_from(n).unwrap_or(0))
}
fn storage_tail(s: &Storage, offset: usize) -> Result<Storage> {
    Storage::part(s, offset, s.len().saturating_sub(offset))
}
fn storage_whole(s: &Storage) -> Result<Storage> {
    Storage::part(s, 0, s.len())
}

/// `torch.DoubleStorage(...)`
pub static STORAGE: Op = func!(
    "new",
    &[
        form("at:class", any!(no_storage)),
        form("at:class n:long", any!(construct::storage)),
        form("at:class t:nested", every!(storage_list)),
        form("s:S offset:index n:long", any!(storage_part)),
        form("s:S offset:index", any!(storage_tail)),
        form("s:S", any!(storage_whole)),
        form("at:class file:str shared:bool=false n:long=0", any!(storage_file)),
        form("at:class name:str shared:bool n:long memory:bool", any!(storage_shared)),
    ],
);

fn size(s: &Storage) -> Result<usize> {
    Ok(s.len())
}
fn element_size(s: &Storage) -> Result<usize> {
    Ok(s.dtype().size())
}
fn element_size_of(class: TensorClass) -> Result<usize> {
    Ok(class.dtype.size())
}
fn text<T: Element>(s: &Storage) -> Result<Vec<u8>> {
    // elements of one byte
    let mut out = storage::room::<u8>(s.len() * size_of::<T>())?;
    out.resize(s.len() * size_of::<T>(), 0);
    s.read_bytes(0, &mut out)?;
    Ok(out)
}
fn set_text<T: Element>(s: &Storage, text: &[u8]) -> Result<()> {
    s.resize(text.len())?;
    s.write_slice(0, &text.iter().map(|&b| T::from_i64(i64::from(b))).collect::<Vec<T>>())
}
fn nothing(_: &Storage) -> Result<()> {
    Ok(())
}
/// The types of one byte.
const BYTES: &[DType] = &[DType::Byte, DType::Char];

/// Methods of storages.
pub static ROWS: &[Op] = &[
    // sizes are asked for by dimension too, and storages resized with a word on what they hold: neither matters
    storage_method!("size", &[form("s:S", any!(size)), form("s:S d:num", any!(|s: &Storage, _: f64| size(s)))]),
    storage_method!(
        "__len__",
        &[form("s:S", any!(size)), form("s:S other:S", any!(|s: &Storage, _: &Storage| size(s)))]
    ),
    storage_method!("elementSize", &[form("s:S", any!(element_size)), form("at:class", any!(element_size_of)),]),
    storage_method!("fill", &[form("*s:S v:real", every!(construct::storage_fill))]),
    storage_method!("copy", &[form("*s:S src:storage", any!(construct::storage_copy))]),
    storage_method!(
        "resize",
        &[
            form("*s:S n:long", any!(construct::storage_resize)),
            form("*s:S n:long keep:bool", any!(|s: &Storage, n: i64, _: bool| construct::storage_resize(s, n))),
        ]
    ),
    storage_method!(
        "string",
        &[form("s:S", every!(text).only(BYTES)), form("*s:S text:text", every!(set_text).only(BYTES))]
    ),
    storage_method!("retain", &[form("s:S", any!(nothing))]),
    storage_method!("free", &[form("s:S", any!(nothing))]),
];
