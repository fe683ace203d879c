//! Normalizations by the neighbourhood of each place, over all planes (Jarrett et al. 2009): input (C x H x W) or
//! (N x C x H x W). The weights of a neighbourhood are a matrix for each plane, `down` (1 x C x kH x kW), or a column for
//! each, `down` (1 x C x kH x 1 elements), and a row, `across` (C x kW elements). What lies outside of the planes is 0.
//!
//! Planes with equal weights, usually all of them, are added up before they are filtered.

use super::vectors::{add_scaled, put};
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Rows, Source, Workspace, share, share_rows};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize;
use crate::{demand, fields};
use std::ops::Range;

/// Samples, planes, rows and columns of an input.
#[derive(Clone, Copy)]
struct Sizes {
    batch: usize,
    planes: usize,
    height: usize,
    width: usize,
}

impl Sizes {
    fn of(input: &Tensor) -> Result<Sizes> {
        match *input.layout().sizes() {
            [planes, height, width] => Ok(Sizes { batch: 1, planes, height, width }),
            [batch, planes, height, width] => Ok(Sizes { batch, planes, height, width }),
            _ => {
                check::ranks("input", input, 3..=4)?;
                Ok(Sizes { batch: 0, planes: 0, height: 0, width: 0 })
            }
        }
    }

    /// Elements of a plane.
    fn plane(self) -> usize {
        self.height * self.width
    }

    /// One plane of numbers for each sample.
    fn maps<T: Float>(self) -> Result<Workspace<T>> {
        Workspace::new(self.batch * self.plane())
    }
}

/// A weight, and where it takes its value from, seen from where it adds it.
struct Tap<T> {
    down: isize,
    right: isize,
    weight: T,
}

/// Planes with equal weights, and the filters that are theirs, one after another.
struct Group<T> {
    planes: Range<usize>,
    filters: Vec<Vec<Tap<T>>>,
}

/// The taps of a matrix of weights around its middle.
fn taps<T: Float>(weights: &[T], width: usize) -> Vec<Tap<T>> {
    let (w, h) = (width as isize, (weights.len() / width) as isize);
    let place = |i: usize| (i as isize / w - h / 2, i as isize % w - w / 2);
    let tap = |(i, &weight): (usize, &T)| Tap { down: place(i).0, right: place(i).1, weight };
    weights.iter().enumerate().map(tap).collect()
}

/// The groups of neighbouring planes that have equal weights.
fn groups<T: Float>(planes: usize, down: &Tensor, across: Option<&Tensor>) -> Result<Vec<Group<T>>> {
    let width = match across {
        None => down.layout().sizes().last().copied().unwrap_or(0),
        Some(_) => 1,
    };
    let elements = |t: &Tensor| t.numel().checked_div(planes).filter(|n| *n > 0 && n * planes == t.numel());
    let fits = elements(down).is_some_and(|n| width > 0 && n % width == 0);
    demand!(fits, "weights {} do not fit {planes} planes", down.shape_text());
    let columns = Source::<T>::of(down)?;
    let rows = match across {
        Some(across) => {
            demand!(elements(across).is_some(), "weights {} do not fit {planes} planes", across.shape_text());
            Some(Source::<T>::of(across)?)
        }
        None => None,
    };
    let of_plane = |all: &Source<T>, plane: usize| {
        let n = all.len() / planes;
        plane * n..(plane + 1) * n
    };
    let equal = |all: &Source<T>, a: usize, b: usize| all[of_plane(all, a)] == all[of_plane(all, b)];
    let mut found: Vec<Group<T>> = vec![];
    for plane in 0..planes {
        let same =
            plane > 0 && equal(&columns, plane - 1, plane) && rows.as_ref().is_none_or(|r| equal(r, plane - 1, plane));
        match found.last_mut() {
            Some(group) if same => group.planes.end = plane + 1,
            _ => {
                let mut filters = vec![taps(&columns[of_plane(&columns, plane)], width)];
                if let Some(rows) = &rows {
                    let row = &rows[of_plane(rows, plane)];
                    filters.insert(0, taps(row, row.len()));
                }
                found.push(Group { planes: plane..plane + 1, filters });
            }
        }
    }
    Ok(found)
}

/// Filters planes; backward, as the gradient of that. Adds to what `y` holds, or writes it.
fn filter<T: Float>(s: Sizes, x: &[T], y: &mut [T], taps: &[Tap<T>], backward: bool, add: bool) {
    let Sizes { height, width, .. } = s;
    let sign = if backward { -1 } else { 1 };
    share_rows(y, width, width * taps.len(), |first, rows| {
        vectorize(
            #[inline(always)]
            || {
                for (r, row) in (first..).zip(rows.chunks_mut(width)) {
                    let (plane, at) = (r / height * height, r % height);
                    if !add {
                        row.fill(T::ZERO);
                    }
                    for tap in taps {
                        let (down, right) = (sign * tap.down, sign * tap.right);
                        let Some(from) = at.checked_add_signed(down).filter(|y| *y < height) else { continue };
                        let line = &x[(plane + from) * width..][..width];
                        let n = width.saturating_sub(right.unsigned_abs());
                        if n > 0 {
                            let (to, from) = (right.min(0).unsigned_abs(), right.max(0).unsigned_abs());
                            add_scaled(&mut row[to..to + n], &line[from..from + n], tap.weight);
                        }
                    }
                }
            },
        );
    });
}

/// The filters of a group, one after another; the last writes `y`, or adds to it.
fn estimate<T: Float>(s: Sizes, group: &Group<T>, mut x: Workspace<T>, y: &mut [T], add: bool) -> Result<()> {
    let Some((last, before)) = group.filters.split_last() else { return Ok(()) };
    for taps in before {
        let mut next = s.maps()?;
        filter(s, &x, &mut next, taps, false, false);
        x = next;
    }
    filter(s, &x, y, last, false, add);
    Ok(())
}

/// The gradient of [`estimate`] for each group: one plane for each sample.
fn estimate_grad<T: Float>(s: Sizes, groups: &[Group<T>], g: &[T]) -> Result<Vec<Workspace<T>>> {
    let one = |group: &Group<T>| {
        let mut made: Option<Workspace<T>> = None;
        for taps in group.filters.iter().rev() {
            let mut next = s.maps()?;
            filter(s, made.as_deref().unwrap_or(g), &mut next, taps, true, false);
            made = Some(next);
        }
        made.map_or_else(|| s.maps(), Ok)
    };
    groups.iter().map(one).collect()
}

/// The sum over some planes of what `f` makes of two values at the same place, for each place of each sample.
fn over_planes<T: Float>(
    s: Sizes,
    planes: Range<usize>,
    [x, g]: [&[T]; 2],
    f: impl Fn(T, T) -> T + Copy + Sync,
) -> Result<Workspace<T>> {
    let mut sums = s.maps()?;
    let Sizes { height, width, .. } = s;
    share_rows(&mut sums, width, width * planes.len(), |first, rows| {
        vectorize(
            #[inline(always)]
            || {
                for (r, row) in (first..).zip(rows.chunks_mut(width)) {
                    for plane in planes.clone() {
                        let at = ((r / height * s.planes + plane) * height + r % height) * width;
                        let values = x[at..at + width].iter().zip(&g[at..at + width]);
                        put(row, values.map(|(&x, &g)| f(x, g)), plane > planes.start);
                    }
                }
            },
        );
    });
    Ok(sums)
}

/// Writes what `f` makes of two values, and of those at the same place of the plane that `map` gives for the sample and
/// plane, to every place.
fn each_plane<'a, T: Float, const K: usize>(
    s: Sizes,
    y: &mut [T],
    [x, g]: [&[T]; 2],
    maps: impl Fn(usize, usize) -> [&'a [T]; K] + Sync,
    f: impl Fn(T, T, [T; K]) -> T + Copy + Sync,
) {
    let n = s.plane();
    share_rows(y, n, n * 2, |first, rows| {
        for (r, y) in (first..).zip(rows.chunks_mut(n)) {
            let (x, g, maps) = (&x[r * n..][..n], &g[r * n..][..n], maps(r / s.planes, r % s.planes).map(|m| &m[..n]));
            vectorize(
                #[inline(always)]
                || {
                    for (i, ((y, &x), &g)) in y.iter_mut().zip(x).zip(g).enumerate() {
                        *y = f(x, g, maps.map(|m| m[i]));
                    }
                },
            );
        }
    });
}

/// The plane of a sample.
fn plane_of<T>(s: Sizes, all: &[T], sample: usize) -> &[T] {
    &all[sample * s.plane()..][..s.plane()]
}

/// The group of each plane.
fn group_of<T>(groups: &[Group<T>], plane: usize) -> usize {
    groups.partition_point(|group| group.planes.end <= plane)
}

/// The weighted sums of neighbourhoods over all planes, of what `f` makes of each value.
fn sums<T: Float>(s: Sizes, groups: &[Group<T>], x: &[T], f: impl Fn(T, T) -> T + Copy + Sync) -> Result<Workspace<T>> {
    let mut sums = s.maps()?;
    for (i, group) in groups.iter().enumerate() {
        estimate(s, group, over_planes(s, group.planes.clone(), [x, x], f)?, &mut sums, i > 0)?;
    }
    Ok(sums)
}

/// How much of the weights lies inside for each place, on every plane: the sums of planes of ones.
///
/// # Errors
/// Sizes that do not fit.
pub fn coefficients<T: Float>(
    down: &Tensor,
    coef: &Tensor,
    planes: i64,
    height: i64,
    width: i64,
    across: Option<&Tensor>,
) -> Result<()> {
    let (planes, height) = (check::positive("number of planes", planes)?, check::positive("height", height)?);
    let s = Sizes { batch: 1, planes, height, width: check::positive("width", width)? };
    let groups = groups::<T>(planes, down, across)?;
    let mut sums = s.maps()?;
    for (i, group) in groups.iter().enumerate() {
        let mut ones = s.maps()?;
        ones.fill(T::from_f64(group.planes.len() as f64));
        estimate(s, group, ones, &mut sums, i > 0)?;
    }
    drop(groups);
    let mut to = Dest::<T>::new(coef, &[planes, height, s.width])?;
    to.chunks_mut(s.plane()).for_each(|plane| plane.copy_from_slice(&sums));
    Ok(())
}

/// What every call starts from: sizes, weights and the first plane of the coefficients.
struct Call<T> {
    sizes: Sizes,
    groups: Vec<Group<T>>,
    coef: Source<T>,
}

impl<T: Float> Call<T> {
    fn new(input: &Tensor, coef: &Tensor, down: &Tensor, across: Option<&Tensor>) -> Result<Call<T>> {
        let sizes = Sizes::of(input)?;
        check::has_elements("input", input)?;
        check::sizes("coefficients", coef, &[sizes.planes, sizes.height, sizes.width])?;
        Ok(Call { sizes, groups: groups(sizes.planes, down, across)?, coef: Source::of(coef)? })
    }

    /// Divides maps by the coefficients.
    fn divide(&self, maps: &mut [T]) {
        let n = self.sizes.plane();
        share_rows(maps, n, n * 2, |_, maps| {
            for map in maps.chunks_mut(n) {
                let all = map.iter_mut().zip(self.coef.iter());
                vectorize(
                    #[inline(always)]
                    move || all.for_each(|(v, &c)| *v = v.over(c)),
                );
            }
        });
    }
}

/// Takes the mean of each place's neighbourhood, over all planes, from each plane.
///
/// # Errors
/// Sizes that do not fit.
pub fn subtract<T: Float>(
    input: &Tensor,
    output: &Tensor,
    coef: &Tensor,
    down: &Tensor,
    across: Option<&Tensor>,
) -> Result<()> {
    let call = Call::<T>::new(input, coef, down, across)?;
    let (s, x) = (call.sizes, Source::<T>::of(input)?);
    let mut means = sums(s, &call.groups, &x, |x, _| x)?;
    call.divide(&mut means);
    let mut y = Dest::<T>::like(output, input)?;
    each_plane(s, &mut y, [&x, &x], |sample, _| [plane_of(s, &means, sample)], |x, _, [mean]| x.sub(mean));
    Ok(())
}

/// Backward of [`subtract`].
///
/// # Errors
/// Sizes that do not fit.
pub fn subtract_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    coef: &Tensor,
    down: &Tensor,
    across: Option<&Tensor>,
) -> Result<()> {
    let call = Call::<T>::new(input, coef, down, across)?;
    check::same_size("gradOutput", grad_output, "input", input)?;
    let (s, g) = (call.sizes, Source::<T>::of(grad_output)?);
    let mut all = over_planes(s, 0..s.planes, [&g, &g], |_, g| g)?;
    call.divide(&mut all);
    let lost = estimate_grad(s, &call.groups, &all)?;
    let mut r = Dest::<T>::like(grad_input, input)?;
    let maps = |sample, plane| [plane_of(s, &lost[group_of(&call.groups, plane)], sample)];
    each_plane(s, &mut r, [&g, &g], maps, |_, g, [lost]| g.sub(lost));
    Ok(())
}

fields! {
    /// What stands for deviations that are too small to divide by.
    pub struct Least {
        /// Deviations have to be above it.
        threshold: f64 = ".threshold:num",
        /// What stands for the others.
        value: f64 = ".thresval:num",
    }
}

impl Least {
    /// What a place is divided by, from its deviation.
    #[inline(always)]
    fn divisor<T: Float>(self, deviation: T) -> T {
        if deviation > T::from_f64(self.threshold) { deviation } else { T::from_f64(self.value) }
    }
}

/// Divides each plane by the standard deviation of each place's neighbourhood, over all planes. `stds` (H x W), or
/// (N x H x W), gets the deviations before they are divided by the coefficients.
///
/// # Errors
/// Sizes that do not fit.
pub fn divide<T: Float>(
    input: &Tensor,
    output: &Tensor,
    stds: &Tensor,
    coef: &Tensor,
    down: &Tensor,
    across: Option<&Tensor>,
    least: Least,
) -> Result<()> {
    let call = Call::<T>::new(input, coef, down, across)?;
    let (s, x) = (call.sizes, Source::<T>::of(input)?);
    let mut by_places = sums(s, &call.groups, &x, |x, _| x.mul(x))?;
    let kept = if input.ndim() == 4 { vec![s.batch, s.height, s.width] } else { vec![s.height, s.width] };
    let (mut stds, n) = (Dest::<T>::new(stds, &kept)?, s.plane());
    share((Rows::new(&mut by_places, n), Rows::new(&mut stds, n)), n * 4, |_, (divisors, stds)| {
        for (divisors, stds) in divisors.into_rows().zip(stds.into_rows()) {
            let all = divisors.iter_mut().zip(stds).zip(call.coef.iter());
            vectorize(
                #[inline(always)]
                move || {
                    for ((divisor, std), &coef) in all {
                        *std = divisor.root();
                        *divisor = least.divisor(std.over(coef));
                    }
                },
            );
        }
    });
    let mut y = Dest::<T>::like(output, input)?;
    each_plane(s, &mut y, [&x, &x], |sample, _| [plane_of(s, &by_places, sample)], |x, _, [divisor]| x.over(divisor));
    Ok(())
}

/// Backward of [`divide`], with the deviations that it kept.
///
/// # Errors
/// Sizes that do not fit.
pub fn divide_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    stds: &Tensor,
    coef: &Tensor,
    down: &Tensor,
    across: Option<&Tensor>,
    least: Least,
) -> Result<()> {
    let call = Call::<T>::new(input, coef, down, across)?;
    check::same_size("gradOutput", grad_output, "input", input)?;
    let s = call.sizes;
    check::count("deviations", stds, s.batch * s.plane())?;
    let (x, g, stds) = (Source::<T>::of(input)?, Source::<T>::of(grad_output)?, Source::<T>::of(stds)?);
    let mut slopes = over_planes(s, 0..s.planes, [&x, &g], |x, g| x.mul(g))?;
    let mut divisors = s.maps::<T>()?;
    let half = T::from_f64(0.5);
    let n = s.plane();
    share((Rows::new(&mut slopes, n), Rows::new(&mut divisors, n)), n * 6, |first, (slopes, divisors)| {
        let stds = stds[first * n..].chunks(n);
        for ((slopes, divisors), stds) in slopes.into_rows().zip(divisors.into_rows()).zip(stds) {
            let all = slopes.iter_mut().zip(divisors).zip(stds.iter().zip(call.coef.iter()));
            vectorize(
                #[inline(always)]
                move || {
                    for ((slope, divisor), (&std, &coef)) in all {
                        let deviation = std.over(coef);
                        *divisor = least.divisor(deviation);
                        // the root's slope counts as 0 at 0
                        let moves = (deviation > T::from_f64(least.threshold)) & (std != T::ZERO);
                        let square = divisor.mul(*divisor);
                        let moved = slope.neg().over(square).mul(half).over(coef.mul(std));
                        *slope = if moves { moved } else { T::ZERO };
                    }
                },
            );
        }
    });
    let lost = estimate_grad(s, &call.groups, &slopes)?;
    let mut r = Dest::<T>::like(grad_input, input)?;
    let maps =
        |sample, plane| [plane_of(s, &divisors, sample), plane_of(s, &lost[group_of(&call.groups, plane)], sample)];
    let two = T::from_f64(2.0);
    each_plane(s, &mut r, [&x, &g], maps, |x, g, [divisor, lost]| g.over(divisor).add(two.mul(x).mul(lost)));
    Ok(())
}
