//! Random chains of views over one storage and operations on them, in place and overlapping, against a plain model:
//! a view is a list of places in the storage, and an operation visits them one after another.
#![allow(clippy::unwrap_used)]

use rekindle::tensor::Tensor;
use rekindle::tensor::dtype::{DType, Element, Real};
use rekindle::tensor::ops::{arithmetic, construct, copy, create, index, order, reduce, view};
use rekindle::tensor::storage::Storage;

/// A small generator of our own, so that a failing chain can be run again by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }
}

/// A tensor, and where its elements lie.
#[derive(Clone)]
struct Seen {
    t: Tensor,
    sizes: Vec<usize>,
    places: Vec<usize>,
}

fn coordinates(mut i: usize, sizes: &[usize]) -> Vec<usize> {
    let mut c = vec![0; sizes.len()];
    for d in (0..sizes.len()).rev() {
        c[d] = i % sizes[d];
        i /= sizes[d];
    }
    c
}

fn position(c: &[usize], sizes: &[usize]) -> usize {
    c.iter().zip(sizes).fold(0, |at, (c, n)| at * n + c)
}

impl Seen {
    /// Another view: its sizes, and which coordinates of this one each of its own stands for.
    fn other(&self, t: Tensor, sizes: Vec<usize>, f: impl Fn(Vec<usize>) -> Vec<usize>) -> Seen {
        let n = sizes.iter().product();
        let from = |i| self.places[position(&f(coordinates(i, &sizes)), &self.sizes)];
        let places = (0..n).map(from).collect();
        Seen { t, sizes, places }
    }
    fn narrow(&self, d: usize, first: usize, n: usize) -> Seen {
        let mut sizes = self.sizes.clone();
        sizes[d] = n;
        self.other(view::narrow(&self.t, d, first, n as i64).unwrap(), sizes, |mut c| {
            c[d] += first;
            c
        })
    }
    fn transpose(&self, a: usize, b: usize) -> Seen {
        let mut sizes = self.sizes.clone();
        sizes.swap(a, b);
        self.other(view::transpose(&self.t, a, b).unwrap(), sizes, |mut c| {
            c.swap(a, b);
            c
        })
    }
    fn unique(&self) -> bool {
        let mut p = self.places.clone();
        p.sort_unstable();
        p.windows(2).all(|w| w[0] != w[1])
    }
    fn touches(&self, o: &Seen) -> bool {
        self.places.iter().any(|p| o.places.contains(p))
    }
    fn ndim(&self) -> usize {
        self.sizes.len()
    }
    /// The elements of each line along `d`, as positions in `places`.
    fn lines(&self, d: usize) -> Vec<Vec<usize>> {
        let mut heads = self.sizes.clone();
        heads[d] = 1;
        let line = |i| {
            let mut c = coordinates(i, &heads);
            let at = |j| {
                c[d] = j;
                position(&c, &self.sizes)
            };
            (0..self.sizes[d]).map(at).collect()
        };
        (0..heads.iter().product()).map(line).collect()
    }
}

struct World<T> {
    storage: Storage,
    data: Vec<T>,
    dice: Dice,
    pool: Vec<Seen>,
    log: Vec<String>,
}

fn long(list: &[i64], sizes: &[usize]) -> Tensor {
    let t = Tensor::from_slice(list).unwrap();
    t.resize(sizes).unwrap();
    t
}

impl<T: Real> World<T> {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let sizes: Vec<usize> = (0..1 + dice.roll(3)).map(|_| 1 + dice.roll(5)).collect();
        let n: usize = sizes.iter().product();
        let offset = dice.roll(4);
        let data: Vec<T> = (0..n + offset + 3).map(|_| T::from_f64(dice.roll(9) as f64)).collect();
        let storage = Storage::from_slice(&data).unwrap();
        let t = construct::over(&storage, offset, &sizes, &[]).unwrap();
        let first = Seen { t, sizes, places: (offset..offset + n).collect() };
        World { storage, data, dice, pool: vec![first], log: vec![] }
    }
    fn values(&self, x: &Seen) -> Vec<T> {
        x.places.iter().map(|&p| self.data[p]).collect()
    }
    fn pick(&mut self) -> Seen {
        let i = self.dice.roll(self.pool.len());
        self.pool[i].clone()
    }
    fn small(&mut self) -> T {
        T::from_f64(self.dice.roll(4) as f64)
    }

    /// A further view of one that is there.
    fn grow(&mut self) {
        let x = self.pick();
        let d = self.dice.roll(x.ndim());
        let n = x.sizes[d];
        let new = match self.dice.roll(7) {
            0 => {
                let first = self.dice.roll(n);
                let len = 1 + self.dice.roll(n - first);
                x.narrow(d, first, len)
            }
            1 if x.ndim() > 1 => {
                let i = self.dice.roll(n);
                let mut sizes = x.sizes.clone();
                sizes.remove(d);
                x.other(view::select(&x.t, d, i).unwrap(), sizes, |mut c| {
                    c.insert(d, i);
                    c
                })
            }
            2 => {
                let e = self.dice.roll(x.ndim());
                x.transpose(d, e)
            }
            3 if x.ndim() < 5 => {
                let size = 1 + self.dice.roll(n);
                let step = 1 + self.dice.roll(3);
                let mut sizes = x.sizes.clone();
                sizes[d] = (n - size) / step + 1;
                sizes.push(size);
                x.other(view::unfold(&x.t, d, size as i64, step as i64).unwrap(), sizes, |mut c| {
                    let last = c.pop().unwrap();
                    c[d] = c[d] * step + last;
                    c
                })
            }
            4 => {
                let k = 1 + self.dice.roll(3);
                let sizes: Vec<usize> = x.sizes.iter().map(|&n| if n == 1 { k } else { n }).collect();
                x.other(view::expand(&x.t, &sizes).unwrap(), sizes, |c| {
                    c.iter().zip(&x.sizes).map(|(&c, &n)| if n == 1 { 0 } else { c }).collect()
                })
            }
            5 => self.reshaped(&x, d),
            _ => {
                let t = Tensor::empty(T::DTYPE);
                t.set(&x.t).unwrap();
                Seen { t, ..x }
            }
        };
        if new.places.len() <= 300 {
            self.log.push(format!("view {:?} of {:?} at {}", new.sizes, new.t.layout().strides(), new.t.offset()));
            assert_eq!(new.t.layout().sizes(), new.sizes, "{:#?}", self.log);
            let consecutive = new.places.windows(2).all(|w| w[1] == w[0] + 1);
            assert_eq!(new.t.is_contiguous(), consecutive, "contiguous: {:#?}", self.log);
            self.pool.push(new);
        }
    }
    /// A view with other sizes, or with the dimensions turned.
    fn reshaped(&mut self, x: &Seen, d: usize) -> Seen {
        let n = x.places.len();
        if x.t.is_contiguous() && self.dice.roll(2) == 0 {
            let k = x.sizes[d];
            let sizes = if self.dice.roll(2) == 0 { vec![n] } else { vec![k, n / k] };
            let t = view::view(&x.t, &sizes.iter().map(|&n| n as i64).collect::<Vec<_>>()).unwrap();
            return Seen { t, sizes, places: x.places.clone() };
        }
        assert_eq!(view::view(&x.t, &[n as i64]).is_ok(), x.t.is_contiguous());
        let by = self.dice.roll(x.ndim());
        let turned: Vec<usize> = (0..x.ndim()).map(|j| (j + by) % x.ndim()).collect();
        let sizes = turned.iter().map(|&j| x.sizes[j]).collect();
        let order: Vec<i64> = turned.iter().map(|&j| j as i64 + 1).collect();
        x.other(view::permute(&x.t, &order).unwrap(), sizes, |c| {
            let mut old = vec![0; c.len()];
            turned.iter().zip(c).for_each(|(&j, c)| old[j] = c);
            old
        })
    }

    /// Two views of the same sizes: the same, shifted against each other, turned, or of any relation.
    fn pair(&mut self) -> (Seen, Seen) {
        let x = self.pick();
        let d = self.dice.roll(x.ndim());
        match self.dice.roll(4) {
            0 if x.sizes[d] > 1 => {
                let n = 1 + self.dice.roll(x.sizes[d] - 1);
                let (a, b) = (x.narrow(d, 0, n), x.narrow(d, x.sizes[d] - n, n));
                if self.dice.roll(2) == 0 { (a, b) } else { (b, a) }
            }
            1 if x.ndim() > 1 && x.sizes[0] == x.sizes[1] => (x.clone(), x.transpose(0, 1)),
            2 => {
                let same: Vec<Seen> = self.pool.iter().filter(|p| p.sizes == x.sizes).cloned().collect();
                let i = self.dice.roll(same.len());
                (x, same[i].clone())
            }
            _ => (x.clone(), x),
        }
    }
    /// A tensor of its own with as many elements.
    fn fresh(&mut self, sizes: &[usize]) -> (Tensor, Vec<T>) {
        let v: Vec<T> = (0..sizes.iter().product()).map(|_| self.small()).collect();
        let t = Tensor::from_slice(&v).unwrap();
        t.resize(sizes).unwrap();
        (t, v)
    }
    fn each(&mut self, r: &Seen, x: &Seen, f: impl Fn(T, T) -> T) {
        for (&r, &x) in r.places.iter().zip(&x.places) {
            self.data[r] = f(self.data[r], self.data[x]);
        }
    }

    /// Elementwise operations: the model goes in logical order.
    fn elementwise(&mut self) {
        let (r, x) = self.pair();
        let v = self.small();
        let what = self.dice.roll(8);
        self.log.push(format!("elementwise {what} {:?} {:?} v {v:?}", r.t.layout(), x.t.layout()));
        match what {
            0 => {
                create::fill(&r.t, v).unwrap();
                self.each(&r, &x, |_, _| v);
            }
            1 => {
                arithmetic::add_scalar(&r.t, &x.t, v).unwrap();
                self.each(&r, &x, |_, x| x.add(v));
            }
            2 => {
                arithmetic::mul_scalar(&r.t, &x.t, v).unwrap();
                self.each(&r, &x, |_, x| x.mul(v));
            }
            3 => {
                arithmetic::add_scaled(&r.t, &r.t, v, &x.t).unwrap();
                self.each(&r, &x, |r, x| r.add(v.mul(x)));
            }
            4 => {
                arithmetic::cmul::<T>(&r.t, &r.t, &x.t).unwrap();
                self.each(&r, &x, |r, x| r.mul(x));
            }
            5 => {
                arithmetic::cmax::<T>(&r.t, &x.t, &r.t).unwrap();
                self.each(&r, &x, |r, x| if x > r { x } else { r });
            }
            6 => {
                arithmetic::addcmul(&r.t, &r.t, v, &x.t, &r.t).unwrap();
                self.each(&r, &x, |r, x| r.add(v.mul(x).mul(r)));
            }
            _ => self.copied(&r, &x),
        }
    }
    /// A copy may read all of the source first, or go in logical order; overlapping views differ in that.
    fn copied(&mut self, r: &Seen, x: &Seen) {
        copy::copy(&r.t, &x.t).unwrap();
        let mut first = self.data.clone();
        r.places.iter().zip(self.values(x)).for_each(|(&p, v)| first[p] = v);
        self.each(r, x, |_, x| x);
        if self.storage.to_vec::<T>(0, usize::MAX) == first {
            self.data = first;
        }
    }

    /// Reductions and scans into tensors of their own.
    fn reduced(&mut self) {
        let x = self.pick();
        let d = self.dice.roll(x.ndim());
        let v = self.values(&x);
        self.log.push(format!("reduce {:?} along {d}", x.t.layout()));
        let sum = v.iter().fold(T::Acc::ZERO, |a, &v| a.add(T::Acc::convert(v)));
        assert_eq!(reduce::sum_all::<T>(&x.t).unwrap(), sum.to_f64(), "{:#?}", self.log);
        let (res, places) = (Tensor::empty(T::DTYPE), Tensor::empty(DType::Long));
        reduce::sum::<T>(&res, &x.t, d).unwrap();
        let lines = x.lines(d);
        let sums: Vec<T> = lines.iter().map(|l| l.iter().fold(T::ZERO, |a, &i| a.add(v[i]))).collect();
        assert_eq!(res.to_vec::<T>().unwrap(), sums, "sum: {:#?}", self.log);
        reduce::max::<T>(&res, &places, &x.t, d).unwrap();
        let best = |l: &Vec<usize>| (1..l.len()).fold(0, |b, j| if v[l[j]] > v[l[b]] { j } else { b });
        let at: Vec<i64> = lines.iter().map(|l| best(l) as i64 + 1).collect();
        assert_eq!(places.to_vec::<i64>().unwrap(), at, "max: {:#?}", self.log);
        reduce::cumsum::<T>(&res, &x.t, d).unwrap();
        let mut scan = v.clone();
        lines.iter().for_each(|l| l.windows(2).for_each(|w| scan[w[1]] = scan[w[0]].add(scan[w[1]])));
        assert_eq!(res.to_vec::<T>().unwrap(), scan, "cumsum: {:#?}", self.log);
    }

    /// Sorting, into the tensor itself or a view of the same size that lies apart.
    fn sorted(&mut self) {
        let (r, x) = self.pair();
        if !r.unique() || (r.touches(&x) && r.places != x.places) {
            return;
        }
        let d = self.dice.roll(x.ndim());
        let down = self.dice.roll(2) == 0;
        self.log.push(format!("sort {:?} into {:?} along {d} down {down}", x.t.layout(), r.t.layout()));
        let v = self.values(&x);
        let places = Tensor::empty(DType::Long);
        order::sort::<T>(&r.t, &places, &x.t, Some(d), down).unwrap();
        for l in x.lines(d) {
            let mut line: Vec<T> = l.iter().map(|&i| v[i]).collect();
            line.sort_by(|a, b| a.partial_cmp(b).unwrap());
            if down {
                line.reverse();
            }
            l.iter().zip(line).for_each(|(&i, v)| self.data[r.places[i]] = v);
        }
        let at = places.to_vec::<i64>().unwrap();
        for l in x.lines(d) {
            let from: Vec<T> = l.iter().map(|&i| v[l[at[i] as usize - 1]]).collect();
            let now: Vec<T> = l.iter().map(|&i| self.data[r.places[i]]).collect();
            assert_eq!(from, now, "places: {:#?}", self.log);
        }
    }

    /// Operations along a list of indices.
    fn indexed(&mut self) {
        let x = self.pick();
        let d = self.dice.roll(x.ndim());
        let k = 1 + self.dice.roll(4);
        let list: Vec<usize> = (0..k).map(|_| self.dice.roll(x.sizes[d])).collect();
        let given = long(&list.iter().map(|&i| i as i64 + 1).collect::<Vec<_>>(), &[k]);
        let mut sizes = x.sizes.clone();
        sizes[d] = k;
        let (src, from) = self.fresh(&sizes);
        let what = self.dice.roll(4);
        self.log.push(format!("index {what} {:?} along {d} at {list:?}", x.t.layout()));
        // for each index in turn, the slice's elements in logical order
        let mut slices: Vec<(usize, usize)> = vec![];
        for (j, &target) in list.iter().enumerate() {
            for i in (0..from.len()).filter(|&i| coordinates(i, &sizes)[d] == j) {
                let mut c = coordinates(i, &sizes);
                c[d] = target;
                slices.push((x.places[position(&c, &x.sizes)], i));
            }
        }
        let v = self.small();
        match what {
            0 => {
                index::index_copy::<T>(&x.t, d, &given, &src).unwrap();
                slices.iter().for_each(|&(p, i)| self.data[p] = from[i]);
            }
            1 => {
                index::index_add::<T>(&x.t, d, &given, &src).unwrap();
                slices.iter().for_each(|&(p, i)| self.data[p] = self.data[p].add(from[i]));
            }
            2 => {
                index::index_fill(&x.t, d, &given, v).unwrap();
                slices.iter().for_each(|&(p, _)| self.data[p] = v);
            }
            _ => {
                index::index::<T>(&src, &x.t, d, &given).unwrap();
                let got = src.to_vec::<T>().unwrap();
                slices.iter().for_each(|&(p, i)| assert_eq!(got[i], self.data[p], "{:#?}", self.log));
            }
        }
    }
    /// Gathering and scattering with an index for each element.
    fn scattered(&mut self) {
        let x = self.pick();
        let d = self.dice.roll(x.ndim());
        let mut sizes = x.sizes.clone();
        sizes[d] = 1 + self.dice.roll(4);
        let n: usize = sizes.iter().product();
        let list: Vec<usize> = (0..n).map(|_| self.dice.roll(x.sizes[d])).collect();
        let given = long(&list.iter().map(|&i| i as i64 + 1).collect::<Vec<_>>(), &sizes);
        let targets: Vec<usize> = (0..n)
            .map(|i| {
                let mut c = coordinates(i, &sizes);
                c[d] = list[i];
                x.places[position(&c, &x.sizes)]
            })
            .collect();
        self.log.push(format!("scatter {:?} along {d}, {list:?}", x.t.layout()));
        let got = index::gather_fresh::<T>(&x.t, d, &given).unwrap().to_vec::<T>().unwrap();
        let wanted: Vec<T> = targets.iter().map(|&p| self.data[p]).collect();
        assert_eq!(got, wanted, "gather: {:#?}", self.log);
        let (src, from) = self.fresh(&sizes);
        if x.unique() {
            index::scatter::<T>(&x.t, d, &given, &src).unwrap();
            targets.iter().zip(from).for_each(|(&p, v)| self.data[p] = v);
        }
    }
    /// Operations with a mask.
    fn masked(&mut self) {
        let x = self.pick();
        let n = x.places.len();
        let bits: Vec<u8> = (0..n).map(|_| self.dice.roll(2) as u8).collect();
        let mask = Tensor::from_slice(&bits).unwrap();
        mask.resize(&x.sizes).unwrap();
        let chosen: Vec<usize> = (0..n).filter(|&i| bits[i] == 1).map(|i| x.places[i]).collect();
        self.log.push(format!("mask {:?} with {bits:?}", x.t.layout()));
        match self.dice.roll(3) {
            0 => {
                let v = self.small();
                index::masked_fill(&x.t, &mask, v).unwrap();
                chosen.iter().for_each(|&p| self.data[p] = v);
            }
            1 => {
                let (src, from) = self.fresh(&[n]);
                index::masked_copy::<T>(&x.t, &mask, &src).unwrap();
                chosen.iter().zip(from).for_each(|(&p, v)| self.data[p] = v);
            }
            _ => {
                let res = Tensor::empty(T::DTYPE);
                index::masked_select::<T>(&res, &x.t, &mask).unwrap();
                let wanted: Vec<T> = chosen.iter().map(|&p| self.data[p]).collect();
                assert_eq!(res.to_vec::<T>().unwrap(), wanted, "{:#?}", self.log);
            }
        }
    }

    fn step(&mut self) {
        match self.dice.roll(12) {
            0..=3 => self.grow(),
            4..=7 => self.elementwise(),
            8 => self.reduced(),
            9 => self.sorted(),
            10 => self.indexed(),
            _ => {
                if self.dice.roll(2) == 0 {
                    self.masked()
                } else {
                    self.scattered()
                }
            }
        }
        assert_eq!(self.storage.to_vec::<T>(0, usize::MAX), self.data, "{:#?}", self.log);
        // numbers stay so small that their sums and products are exact in every type
        if self.data.iter().any(|v| v.to_f64().abs() > 1000.0) {
            self.data = (0..self.data.len()).map(|_| T::from_f64(self.dice.roll(9) as f64)).collect();
            self.storage.write_slice(0, &self.data).unwrap();
            self.log.push("small again".into());
        }
    }
}

fn chains<T: Real>(seed: u64, count: u64) {
    for i in 0..count {
        let mut w = World::<T>::new(seed.wrapping_mul(1_000_003).wrapping_add(i));
        w.log.push(format!("{:?}, seed {seed}, chain {i}", T::DTYPE));
        (0..30).for_each(|_| w.step());
        for x in &w.pool {
            assert_eq!(x.t.to_vec::<T>().unwrap(), w.values(x), "{:#?}", w.log);
        }
    }
}

#[test]
fn chains_of_views_and_operations_follow_the_model() {
    chains::<u8>(1, 1500);
    chains::<i32>(2, 1500);
    chains::<i64>(3, 1000);
    chains::<f32>(4, 1500);
    chains::<f64>(5, 1500);
}

/// Windows that overlap write an element several times: parts of the work on several threads would race.
#[test]
fn overlapping_windows_do_not_race() {
    let n = 200_000;
    for _ in 0..5 {
        let x = Tensor::new(DType::Double, &[n]).unwrap();
        let windows = view::unfold(&x, 0, 3, 1).unwrap();
        arithmetic::add_scalar::<f64>(&windows, &windows, 1.0).unwrap();
        let v = x.to_vec::<f64>().unwrap();
        assert!(v[2..n - 2].iter().all(|&v| v == 3.0));
        assert_eq!((v[0], v[1], v[n - 1]), (1.0, 2.0, 1.0));
    }
}

/// A storage's part and the whole are two storages with one memory: results over one and operands over the other give what
/// they give over copies.
#[test]
fn parts_of_a_storage_are_its_memory() {
    type Kernel = fn(&Tensor, &Tensor) -> rekindle::tensor::error::Result<()>;
    let backwards: Vec<i64> = (1..=6).rev().collect();
    let kernels: [(&str, Kernel); 6] = [
        ("cumsum", |r, x| reduce::cumsum::<f64>(r, x, 0)),
        ("cumsum over rows", |r, x| reduce::cumsum::<f64>(r, x, 1)),
        ("sum", |r, x| reduce::sum::<f64>(r, x, 0)),
        ("sort", |r, x| order::sort::<f64>(r, &Tensor::empty(DType::Long), x, Some(1), true)),
        ("tril", |r, x| view::tril::<f64>(r, x, 0)),
        ("cat", |r, x| view::cat::<f64>(r, &[&x.narrow(0, 3, 3)?, &x.narrow(0, 0, 3)?], Some(0))),
    ];
    let list = long(&backwards, &[6]);
    let run = |name: &str, kernel: &dyn Fn(&Tensor, &Tensor)| {
        for (first, whole_is_result) in [(3, false), (3, true), (0, false), (30, true)] {
            let whole = Storage::from_slice(&(0..100).map(|i| f64::from(i * 37 % 101)).collect::<Vec<_>>()).unwrap();
            let part = Storage::part(&whole, first, 60).unwrap();
            let over = |s: &Storage| construct::over(s, 0, &[6, 6], &[]).unwrap();
            let (r, x) = if whole_is_result { (over(&whole), over(&part)) } else { (over(&part), over(&whole)) };
            let expected = Tensor::empty(DType::Double);
            kernel(&expected, &copy::clone(&x).unwrap());
            kernel(&r, &x);
            assert_eq!(r.to_vec::<f64>().unwrap(), expected.to_vec::<f64>().unwrap(), "{name} {first}");
        }
    };
    for (name, kernel) in kernels {
        run(name, &|r, x| kernel(r, x).unwrap());
    }
    for d in [0, 1] {
        run("index", &|r, x| index::index::<f64>(r, x, d, &list).unwrap());
    }
}
