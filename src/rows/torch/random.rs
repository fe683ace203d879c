//! Random numbers.
use crate::lua::prelude::*;

type Gen = RefCell<Generator>;

fn manual_seed(g: &Gen, seed: f64) -> Result<()> {
    g.borrow_mut().manual_seed(if seed < 0.0 { seed as i64 as u64 } else { seed as u64 });
    Ok(())
}
fn seed(g: &Gen) -> Result<f64> {
    Ok(g.borrow_mut().seed() as f64)
}
fn initial_seed(g: &Gen) -> Result<f64> {
    // seeds given as negative numbers come back as such
    Ok(g.borrow().initial_seed() as i64 as f64)
}
fn get_state(g: &Gen) -> Result<Tensor> {
    Tensor::from_slice(&g.borrow().export_state())
}
fn get_state_into(g: &Gen, res: &Tensor) -> Result<()> {
    let state = get_state(g)?;
    res.resize_as(&state)?;
    copy::copy(res, &state)
}
fn set_state(g: &Gen, state: &Tensor) -> Result<()> {
    g.borrow_mut().import_state(&state.to_vec::<u8>()?)
}
fn random(g: &Gen) -> Result<f64> {
    Ok(f64::from(g.borrow_mut().random()))
}
fn random_between(g: &Gen, a: i64, b: i64) -> Result<i64> {
    g.borrow_mut().random_between(a, b)
}
fn random_to(g: &Gen, b: i64) -> Result<i64> {
    g.borrow_mut().random_to(b)
}
fn fill_to<T: Real>(x: &Tensor, g: &Gen, b: i64) -> Result<()> {
    random::random_between::<T>(x, g, 1, b)
}
fn uniform_of(g: &Gen, a: f64, b: f64) -> Result<f64> {
    Ok(g.borrow_mut().uniform(a, b))
}
fn normal_of(g: &Gen, mean: f64, std: f64) -> Result<f64> {
    g.borrow_mut().normal(mean, std)
}
fn exponential_of(g: &Gen, lambda: f64) -> Result<f64> {
    Ok(g.borrow_mut().exponential(lambda))
}
fn cauchy_of(g: &Gen, median: f64, sigma: f64) -> Result<f64> {
    Ok(g.borrow_mut().cauchy(median, sigma))
}
fn log_normal_of(g: &Gen, mean: f64, std: f64) -> Result<f64> {
    g.borrow_mut().log_normal(mean, std)
}
fn geometric(g: &Gen, p: f64) -> Result<i64> {
    g.borrow_mut().geometric(p)
}
fn bernoulli(g: &Gen, p: f64) -> Result<f64> {
    Ok(f64::from(u8::from(g.borrow_mut().bernoulli(p)?)))
}
fn bernoulli_float<T: Real>(x: &Tensor, g: &Gen, p: &Tensor) -> Result<()> {
    random::bernoulli_of::<T, f32>(x, g, p)
}
fn bernoulli_double<T: Real>(x: &Tensor, g: &Gen, p: &Tensor) -> Result<()> {
    random::bernoulli_of::<T, f64>(x, g, p)
}
fn rand<T: Float>(res: &Tensor, g: &Gen, d: Dims) -> Result<()> {
    res.resize(&d.sizes())?;
    random::uniform::<T>(res, g, 0.0, 1.0)
}
fn randn<T: Float>(res: &Tensor, g: &Gen, d: Dims) -> Result<()> {
    res.resize(&d.sizes())?;
    random::normal::<T>(res, g, 0.0, 1.0)
}
fn multinomial<T: Float>(res: &Tensor, g: &Gen, p: &Tensor, n: i64, replace: bool) -> Result<()> {
    random::multinomial::<T>(res, g, p, n, replace)
}

/// The rows.
pub static ROWS: &[Op] = &[
    func!("manualSeed", &[form("g:gen seed:num", any!(manual_seed))]),
    func!("seed", &[form("g:gen", any!(seed))]),
    func!("initialSeed", &[form("g:gen", any!(initial_seed))]),
    func!("getRNGState", &[form("g:gen", any!(get_state)), form("g:gen *res:Byte", any!(get_state_into))]),
    func!("setRNGState", &[form("g:gen *state:Byte", any!(set_state))]),
    op!(
        "random",
        &[
            form("g:gen", any!(random)),
            form("g:gen b:long", any!(random_to)),
            form("g:gen a:long b:long", any!(random_between)),
            form("*x:T g:gen", all!(random::random)),
            form("*x:T g:gen b:long", all!(fill_to)),
            form("*x:T g:gen a:long b:long", all!(random::random_between)),
        ]
    ),
    op!("geometric", &[form("g:gen p:num", any!(geometric)), form("*x:T g:gen p:num", all!(random::geometric))]),
    op!(
        "bernoulli",
        &[
            form("g:gen p:num=0.5", any!(bernoulli)),
            form("*x:T g:gen p:num=0.5", all!(random::bernoulli)),
            form("*x:T g:gen p:Float", all!(bernoulli_float)),
            form("*x:T g:gen p:Double", all!(bernoulli_double)),
        ]
    ),
    op!(
        "uniform",
        &[
            form("g:gen a:num=0 b:num=1", any!(uniform_of).of(Family::Floating)),
            form("*x:T g:gen a:num=0 b:num=1", floats!(random::uniform)),
        ]
    ),
    op!(
        "normal",
        &[
            form("g:gen mean:num=0 std:num=1", any!(normal_of).of(Family::Floating)),
            form("*x:T g:gen mean:num=0 std:num=1", floats!(random::normal)),
        ]
    ),
    op!(
        "exponential",
        &[
            form("g:gen lambda:num", any!(exponential_of).of(Family::Floating)),
            form("*x:T g:gen lambda:num", floats!(random::exponential)),
        ]
    ),
    op!(
        "cauchy",
        &[
            form("g:gen median:num=0 sigma:num=1", any!(cauchy_of).of(Family::Floating)),
            form("*x:T g:gen median:num=0 sigma:num=1", floats!(random::cauchy)),
        ]
    ),
    op!(
        "logNormal",
        &[
            form("g:gen mean:num=1 std:num=2", any!(log_normal_of).of(Family::Floating)),
            form("*x:T g:gen mean:num=1 std:num=2", floats!(random::log_normal)),
        ]
    ),
    op!("rand", &[form("*res?:T g:gen d:dims", floats!(rand))]),
    op!("randn", &[form("*res?:T g:gen d:dims", floats!(randn))]),
    op!("randperm", &[form("*res?:T g:gen n:long", all!(random::randperm))]),
    func!("multinomial", &[form("*res?:Long g:gen p:T n:long replace:bool=false", floats!(multinomial))]),
    method!("multinomial", &[form("*res:Long g:gen p:T n:long replace:bool=false", floats!(multinomial)),]),
    op!("multinomialAliasSetup_", &[form("p:T *small?:Long *scaled?:T", floats!(alias_sampling::setup))]),
    op!("multinomialAlias_", &[form("*out:Long g:gen small:Long scaled:T", floats!(alias_sampling::draw))]),
];
