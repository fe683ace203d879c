//! The steps that the methods of the package optim consist of.

use crate::lua::prelude::*;
use crate::optim::descent::{Decays, Momentum, Rates};
use crate::optim::{adaptive, descent, directions};

/// Rates of the single parameters, and what becomes the way that these go: both or neither.
fn scaled<'a>(rates: Option<&'a Tensor>, delta: Option<&'a Tensor>) -> Option<Rates<'a>> {
    rates.zip(delta).map(|(rates, delta)| Rates { rates, delta })
}

fn sgd<T: Real>(
    x: &Tensor,
    dfdx: &Tensor,
    rate: f64,
    decay: f64,
    rates: Option<&Tensor>,
    delta: Option<&Tensor>,
) -> Result<()> {
    descent::sgd::<T>(x, dfdx, rate, decay, None, scaled(rates, delta))
}
fn decayed_sgd<T: Real>(
    x: &Tensor,
    dfdx: &Tensor,
    rate: f64,
    decays: &Tensor,
    kept: &Tensor,
    rates: Option<&Tensor>,
    delta: Option<&Tensor>,
) -> Result<()> {
    descent::sgd_with_decays::<T>(x, dfdx, rate, Decays { decays, kept }, None, scaled(rates, delta))
}
fn nag<T: Real>(
    x: &Tensor,
    dfdx: &Tensor,
    velocity: &Tensor,
    rate: f64,
    decay: f64,
    rates: Option<&Tensor>,
    delta: Option<&Tensor>,
) -> Result<()> {
    descent::nag::<T>(x, dfdx, velocity, rate, decay, scaled(rates, delta))
}
fn momentum<T: Real>(
    x: &Tensor,
    dfdx: &Tensor,
    average: &Tensor,
    rate: f64,
    decay: f64,
    keep: f64,
    enter: f64,
    nesterov: bool,
    rates: Option<&Tensor>,
    delta: Option<&Tensor>,
) -> Result<()> {
    let momentum = Momentum { average, keep, enter, nesterov };
    descent::sgd::<T>(x, dfdx, rate, decay, Some(momentum), scaled(rates, delta))
}
fn decayed_momentum<T: Real>(
    x: &Tensor,
    dfdx: &Tensor,
    average: &Tensor,
    rate: f64,
    decays: &Tensor,
    kept: &Tensor,
    keep: f64,
    enter: f64,
    nesterov: bool,
    rates: Option<&Tensor>,
    delta: Option<&Tensor>,
) -> Result<()> {
    let momentum = Momentum { average, keep, enter, nesterov };
    descent::sgd_with_decays::<T>(x, dfdx, rate, Decays { decays, kept }, Some(momentum), scaled(rates, delta))
}

fn rprop<T: Real>(
    x: &Tensor,
    dfdx: &Tensor,
    delta: &Tensor,
    sign: &Tensor,
    sizes: &Tensor,
    agree: &Tensor,
    differ: &Tensor,
    none: &Tensor,
    small: &Tensor,
    grow: f64,
    shrink: f64,
    largest: f64,
    smallest: f64,
) -> Result<()> {
    let masks = [agree, differ, none, small];
    adaptive::rprop::<T>(x, dfdx, [delta, sign, sizes], masks, [grow, shrink, largest, smallest])
}

/// The rows. Tensors of the state that only become what the step computed have to be there already, as all others.
pub static ROWS: &[Op] = &[
    func!("sgd", &[form("x:T dfdx:T rate:num decay:num rates:T=nil delta:T=nil", all!(sgd))]),
    func!("decayedSgd", &[form("x:T dfdx:T rate:num decays:T kept:T rates:T=nil delta:T=nil", all!(decayed_sgd))]),
    func!(
        "momentum",
        &[form(
            "x:T dfdx:T average:T rate:num decay:num keep:num enter:num nesterov:bool rates:T=nil delta:T=nil",
            all!(momentum)
        )]
    ),
    func!(
        "decayedMomentum",
        &[form(
            "x:T dfdx:T average:T rate:num decays:T kept:T keep:num enter:num nesterov:bool rates:T=nil delta:T=nil",
            all!(decayed_momentum)
        )]
    ),
    func!("lookAhead", &[form("x:T velocity:T momentum:num", all!(descent::look_ahead))]),
    func!("nag", &[form("x:T dfdx:T velocity:T rate:num decay:num rates:T=nil delta:T=nil", all!(nag))]),
    func!("asgd", &[form("x:T dfdx:T average:T change:T shrink:num rate:num weight:num", all!(descent::asgd))]),
    func!(
        "adam",
        &[form(
            "x:T dfdx:T mean:T square:T divisor:T rate:num decay:num beta1:num beta2:num epsilon:num",
            floats!(adaptive::adam)
        )]
    ),
    func!(
        "adamax",
        &[form(
            "x:T dfdx:T mean:T norm:T parts:T rate:num decay:num beta1:num beta2:num epsilon:num",
            floats!(adaptive::adamax)
        )]
    ),
    func!(
        "adagrad",
        &[form("x:T dfdx:T total:T divisor:T rate:num decay:num epsilon:num", floats!(adaptive::adagrad))]
    ),
    func!(
        "rmsprop",
        &[form("x:T dfdx:T square:T divisor:T rate:num decay:num alpha:num epsilon:num", floats!(adaptive::rmsprop))]
    ),
    func!(
        "adadelta",
        &[form(
            "x:T dfdx:T square:T divisor:T steps:T delta:T decay:num rho:num epsilon:num",
            floats!(adaptive::adadelta)
        )]
    ),
    func!(
        "rprop",
        &[form(
            "x:T dfdx:T delta:T sign:T sizes:T agree:Byte differ:Byte none:Byte small:Byte grow:num shrink:num largest:num smallest:num",
            all!(rprop)
        )]
    ),
    func!("turn", &[form("d:T before:num v:T by:num after:num u:T w:T=nil", floats!(directions::turn))]),
    func!("remember", &[form("gradient:T old:T d:T rate:num step:T change:T", floats!(directions::remember))]),
    func!("sizes", &[form("to:T x:T by:num=1", floats!(directions::sizes))]),
    func!("take", &[form("to:T x:T d:T", floats!(directions::take))]),
    func!("products", &[form("x:T y:T", floats!(directions::products))]),
];
