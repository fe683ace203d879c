//! Making, copying, viewing and indexing.
use crate::lua::prelude::*;

fn zeros<T: Real>(res: &Tensor, d: Dims) -> Result<()> {
    res.resize(&d.sizes())?;
    create::fill(res, T::ZERO)
}
fn ones<T: Real>(res: &Tensor, d: Dims) -> Result<()> {
    res.resize(&d.sizes())?;
    create::fill(res, T::ONE)
}
fn resize(x: &Tensor, d: Dims) -> Result<()> {
    x.resize(&d.sizes())
}
fn resize_strided(x: &Tensor, sizes: &Storage, strides: &Storage) -> Result<()> {
    let sizes = Dims(sizes.to_vec(0, usize::MAX).into()).sizes();
    let strides: Vec<isize> = strides.to_vec::<i64>(0, usize::MAX).iter().map(|&s| s as isize).collect();
    demand!(strides.len() == sizes.len(), "invalid stride: {} strides for {} sizes", strides.len(), sizes.len());
    x.resize_strided(&sizes, &strides)
}
fn resize_as(x: &Tensor, y: &Tensor) -> Result<()> {
    x.resize_as(y)
}
fn size_all(x: &Tensor) -> Result<Dims> {
    Ok(Dims(x.layout().sizes().iter().map(|&n| n as i64).collect()))
}
fn size(x: &Tensor, d: usize) -> Result<usize> {
    demand!(d < x.ndim(), "dimension {} out of range of {}D tensor", d + 1, x.ndim());
    Ok(x.size(d))
}
fn stride_all(x: &Tensor) -> Result<Dims> {
    Ok(Dims(x.layout().strides().iter().map(|&n| n as i64).collect()))
}
fn stride(x: &Tensor, d: usize) -> Result<i64> {
    demand!(d < x.ndim(), "dimension {} out of range of {}D tensor", d + 1, x.ndim());
    Ok(x.stride(d) as i64)
}
fn dim(x: &Tensor) -> Result<usize> {
    Ok(x.ndim())
}
fn n_element(x: &Tensor) -> Result<usize> {
    Ok(x.numel())
}
fn offset(x: &Tensor) -> Result<usize> {
    Ok(x.offset() + 1)
}
fn element_size(x: &Tensor) -> Result<usize> {
    Ok(x.dtype().size())
}
fn storage(x: &Tensor) -> Result<Option<Storage>> {
    Ok(x.storage())
}
fn is_contiguous(x: &Tensor) -> Result<bool> {
    Ok(x.is_contiguous())
}
fn same_size(x: &Tensor, y: &Tensor) -> Result<bool> {
    Ok(x.same_size(y))
}
fn is_size(x: &Tensor, s: &Storage) -> Result<bool> {
    Ok(size_all(x)?.0.as_slice() == s.to_vec::<i64>(0, usize::MAX))
}
fn is_set_to(x: &Tensor, y: &Tensor) -> Result<bool> {
    Ok(x.same_storage(y) && x.layout() == y.layout())
}
fn set_empty(x: &Tensor) -> Result<()> {
    x.set(&Tensor::empty(x.class()))
}
fn set_tensor(x: &Tensor, y: &Tensor) -> Result<()> {
    x.set(y)
}
fn set_storage(x: &Tensor, s: &Storage) -> Result<()> {
    x.set(&construct::over_all(s)?)
}
fn set_sizes(x: &Tensor, s: &Storage, offset: usize, sizes: &Storage, strides: Option<&Storage>) -> Result<()> {
    let strides: Vec<isize> =
        strides.map(|s| s.to_vec::<i64>(0, usize::MAX)).unwrap_or_default().iter().map(|&s| s as isize).collect();
    x.set(&construct::over(s, offset, &Dims(sizes.to_vec(0, usize::MAX).into()).sizes(), &strides)?)
}
fn set_pairs(x: &Tensor, s: &Storage, offset: usize, pairs: Dims) -> Result<()> {
    let (sizes, strides) = construct::size_stride_pairs(&pairs.0)?;
    x.set(&construct::over(s, offset, &sizes, &strides)?)
}
fn set_offset(x: &Tensor, s: &Storage, offset: usize) -> Result<()> {
    x.set(&construct::over(s, offset, &[], &[])?)
}
fn expand(x: &Tensor, d: Dims) -> Result<Tensor> {
    view::expand(x, &d.sizes())
}
fn expand_as(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    view::expand(x, y.layout().sizes())
}
fn view_dims(x: &Tensor, d: Dims) -> Result<Tensor> {
    view::view(x, &d.0)
}
fn view_into(res: &Tensor, x: &Tensor, d: Dims) -> Result<()> {
    res.set(&view::view(x, &d.0)?)
}
fn view_as(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    view::view(x, &size_all(y)?.0)
}
fn reshape<T: Element>(res: &Tensor, x: &Tensor, d: Dims) -> Result<()> {
    view::reshape::<T>(res, x, &d.0)
}
fn reshape_method<T: Element>(x: &Tensor, d: Dims) -> Result<Tensor> {
    let res = Tensor::empty(x.class());
    view::reshape::<T>(&res, x, &d.0)?;
    Ok(res)
}
fn repeat<T: Element>(x: &Tensor, d: Dims) -> Result<Tensor> {
    let res = Tensor::empty(x.class());
    view::repeat::<T>(&res, x, &d.0)?;
    Ok(res)
}
fn repeat_into<T: Element>(res: &Tensor, x: &Tensor, d: Dims) -> Result<()> {
    view::repeat::<T>(res, x, &d.0)
}
fn permute(x: &Tensor, d: Dims) -> Result<Tensor> {
    view::permute(x, &d.0)
}
fn sub(x: &Tensor, d: Dims) -> Result<Tensor> {
    view::sub(x, &d.0)
}
/// The element at this place of the storage.
fn element_at(x: &Tensor, at: usize) -> Result<Rets> {
    let v = crate::with_dtype!(x.dtype(), T => x.element::<T>(at).map(|v| v.to_f64()));
    v.map(Rets::Num).ok_or_else(|| Error::from(crate::tensor::error::Kind::OutOfStorage { needed: at + 1, len: 0 }))
}
/// A squeezed tensor, or a number where one element is left.
fn number_or(s: Tensor) -> Result<Rets> {
    if s.ndim() == 1 && s.numel() == 1 { element_at(&s, s.offset()) } else { Ok(Rets::Tensor(s)) }
}
fn number_or_result(res: &Tensor, s: Tensor) -> Result<Rets> {
    res.set(&s)?;
    if s.ndim() == 1 && s.numel() == 1 { element_at(&s, s.offset()) } else { Ok(Rets::Args) }
}
fn squeeze(x: &Tensor) -> Result<Rets> {
    number_or(view::squeeze(x)?)
}
fn squeeze_dim(x: &Tensor, d: usize) -> Result<Rets> {
    // only a vector becomes a number: a matrix of one element keeps a dimension
    let s = view::squeeze_dim(x, d)?;
    if x.ndim() == 1 { number_or(s) } else { Ok(Rets::Tensor(s)) }
}
fn squeeze_into(res: &Tensor, x: &Tensor) -> Result<Rets> {
    number_or_result(res, view::squeeze(x)?)
}
fn squeeze_dim_into(res: &Tensor, x: &Tensor, d: usize) -> Result<Rets> {
    let s = view::squeeze_dim(x, d)?;
    if x.ndim() == 1 { number_or_result(res, s) } else { res.set(&s).map(|()| Rets::Args) }
}
fn select(x: &Tensor, d: usize, i: usize) -> Result<Rets> {
    // a vector has one dimension to select along, whichever is named
    if x.ndim() == 1 && i < x.size(0) {
        return element_at(x, x.offset() + i * x.stride(0) as usize);
    }
    view::select(x, d, i).map(Rets::Tensor)
}
fn contiguous(x: &Tensor) -> Result<Rets> {
    if x.is_contiguous() { Ok(Rets::Args) } else { copy::contiguous(x).map(Rets::Tensor) }
}
fn view_as_into(res: &Tensor, x: &Tensor, y: &Tensor) -> Result<()> {
    res.set(&view_as(x, y)?)
}
fn expand_into(res: &Tensor, x: &Tensor, d: Dims) -> Result<()> {
    res.set(&expand(x, d)?)
}
fn expand_as_into(res: &Tensor, x: &Tensor, y: &Tensor) -> Result<()> {
    res.set(&expand_as(x, y)?)
}
fn cat_pair<T: Real>(res: &Tensor, a: &Tensor, b: &Tensor, d: Option<i64>) -> Result<()> {
    view::cat::<T>(res, &[a, b], cat_dim(d)?)
}
fn cat_list<T: Real>(res: &Tensor, list: &[&Tensor], d: Option<i64>) -> Result<()> {
    view::cat::<T>(res, list, cat_dim(d)?)
}
fn cat_dim(d: Option<i64>) -> Result<Option<usize>> {
    match d {
        None | Some(-1) => Ok(None),
        Some(d) => usize::try_from(d - 1).map(Some).map_err(|_| Error::invalid(format!("invalid dimension {d}"))),
    }
}
fn eye<T: Real>(res: &Tensor, n: i64, m: i64) -> Result<()> {
    create::eye::<T>(res, n, m)
}

/// The rows.
pub static ROWS: &[Op] = &[
    op!("zeros", &[form("*res?:T d:dims", all!(zeros))]),
    op!("ones", &[form("*res?:T d:dims", all!(ones))]),
    op!("range", &[form("*res?:T from:num to:num step:num=1", all!(create::range))]),
    op!("linspace", &[form("*res?:T a:num b:num n:num=100", floats!(create::linspace))]),
    op!("logspace", &[form("*res?:T a:num b:num n:num=100", floats!(create::logspace))]),
    op!("eye", &[form("*res?:T n:long m:long=0", all!(eye))]),
    op!("zero", &[traced("*x:T", all!(create::zero))]),
    op!("fill", &[traced("*x:T v:real", every!(create::fill))]),
    method!("copy", &[traced("*x:T y:tensor ...", any!(copy::copy))]),
    method!("clone", &[form("x:T ...", any!(copy::clone))]),
    method!("contiguous", &[form("*x:T ...", any!(contiguous))]),
    method!(
        "size",
        &[
            form("x:T", any!(size_all)),
            traced("x:T d:index ...", any!(size)),
            form("x:T d:nil", any!(|x: &Tensor, _: Nil| size_all(x))),
        ]
    ),
    method!(
        "stride",
        &[
            form("x:T", any!(stride_all)),
            form("x:T d:index ...", any!(stride)),
            form("x:T d:nil", any!(|x: &Tensor, _: Nil| stride_all(x))),
        ]
    ),
    method!("dim", &[traced("x:T ...", any!(dim))]),
    method!("nDimension", &[form("x:T ...", any!(dim))]),
    method!("nElement", &[traced("x:T ...", any!(n_element))]),
    method!("storageOffset", &[form("x:T ...", any!(offset))]),
    method!("storage", &[form("x:T ...", any!(storage))]),
    method!("elementSize", &[form("x:T ...", any!(element_size))]),
    method!("isContiguous", &[form("x:T ...", any!(is_contiguous))]),
    method!("isSameSizeAs", &[form("x:T y:T ...", any!(same_size))]),
    method!("isSize", &[form("x:T s:LongStorage ...", any!(is_size))]),
    method!("isSetTo", &[form("x:T y:T ...", any!(is_set_to))]),
    method!(
        "resize",
        &[form("*x:T d:dims", any!(resize)), form("*x:T sizes:LongStorage strides:LongStorage", any!(resize_strided)),]
    ),
    method!("resizeAs", &[traced("*x:T y:T ...", any!(resize_as))]),
    method!(
        "set",
        &[
            form("*x:T", any!(set_empty)),
            form("*x:T y:T", any!(set_tensor)),
            form("*x:T s:S", any!(set_storage)),
            form("*x:T s:S offset:index sizes:LongStorage strides:LongStorage=nil", any!(set_sizes)),
            form("*x:T s:S offset:index", any!(set_offset)),
            form("*x:T s:S offset:index pairs:dims", any!(set_pairs)),
        ]
    ),
    method!("narrow", &[traced("x:T dim:index first:index n:long ...", any!(view::narrow))]),
    method!("select", &[traced("x:T dim:index i:index ...", any!(select))]),
    method!("sub", &[form("x:T d:dims", any!(sub))]),
    method!("transpose", &[traced("x:T a:index b:index ...", any!(view::transpose))]),
    method!("t", &[traced("x:T ...", any!(view::t))]),
    op!("permute", &[form("x:T d:dims", any!(permute))]),
    method!("unfold", &[form("x:T dim:index size:long step:long ...", any!(view::unfold))]),
    op!("expand", &[form("x:T d:dims", any!(expand)), form("*res:T x:T d:dims", any!(expand_into))]),
    op!("expandAs", &[form("x:T y:tensor", any!(expand_as)), form("*res:T x:T y:tensor", any!(expand_as_into))]),
    op!(
        "squeeze",
        &[
            form("x:T", any!(squeeze)),
            form("*res:T x:T", any!(squeeze_into)),
            form("x:T dim:index", any!(squeeze_dim)),
            form("*res:T x:T dim:index", any!(squeeze_dim_into)),
        ]
    ),
    method!("view", &[form("*res:T x:T d:dims", any!(view_into)), form("x:T d:dims", any!(view_dims))]),
    func!("view", &[form("x:T d:dims", any!(view_dims)), form("*res:T x:T d:dims", any!(view_into))]),
    op!("viewAs", &[form("x:T y:tensor", any!(view_as)), form("*res:T x:T y:tensor", any!(view_as_into))]),
    func!("reshape", &[form("*res?:T x:T d:dims", every!(reshape))]),
    method!("reshape", &[form("x:T d:dims", every!(reshape_method)), form("*res:T x:T d:dims", every!(reshape))]),
    op!("repeatTensor", &[form("x:T d:dims", every!(repeat)), form("*res:T x:T d:dims", every!(repeat_into))]),
    op!("split", &[form("x:T size:long dim:index=1", any!(view::split))]),
    op!("chunk", &[form("x:T n:long dim:index=1", any!(view::chunk))]),
    op!(
        "cat",
        &[form("*res?:T a:T b:T dim:long=nil", all!(cat_pair)), form("*res?:T list:T[] dim:long=nil", all!(cat_list)),]
    ),
    op!("tril", &[form("*res?:T x:T k:long=0", all!(view::tril))]),
    op!("triu", &[form("*res?:T x:T k:long=0", all!(view::triu))]),
    op!("diag", &[form("*res?:T x:T k:long=0", all!(view::diag))]),
    method!(
        "index",
        &[
            form("res:T x:T dim:index *list:Long", all!(index::index)),
            form("*res?:T x:T dim:index list:Long", all!(index::index)),
        ]
    ),
    method!("indexCopy", &[form("x:T dim:index list:Long *src:T", all!(index::index_copy))]),
    method!("indexAdd", &[form("x:T dim:index list:Long *src:T", all!(index::index_add))]),
    method!("indexFill", &[form("x:T dim:index list:Long *v:real", all!(index::index_fill))]),
    method!("maskedFill", &[form("x:T mask:Byte *v:real", all!(index::masked_fill))]),
    method!("maskedCopy", &[form("*x:T mask:Byte src:T", all!(index::masked_copy))]),
    method!(
        "maskedSelect",
        &[
            form("res:T x:T *mask:Byte", all!(index::masked_select)),
            form("*res?:T x:T mask:Byte", all!(index::masked_select)),
        ]
    ),
    op!(
        "gather",
        &[
            form("x:T dim:index list:Long", all!(index::gather_fresh)),
            form("*res:T x:T dim:index list:Long", all!(index::gather)),
        ]
    ),
    op!(
        "scatter",
        &[
            form("*x:T dim:index list:Long src:T", all!(index::scatter)),
            form("*x:T dim:index list:Long v:real", all!(index::scatter_fill)),
        ]
    ),
    op!("nonzero", &[form("*res?:Long x:T", all!(index::nonzero))]),
];
