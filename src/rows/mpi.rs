//! Package torchmpi: collective operations over MPI.

use crate::lua::prelude::*;
use crate::mpi::{self, Handle, Rule, Shards};

/// The class of operations on their way.
pub const HANDLE: &str = "torchmpi.Handle";
/// The class of tensors whose parts processes keep for each other.
pub const SHARDS: &str = "torchmpi.Shards";

objects! {
    Handle: HANDLE, "Handle";
    Shards: SHARDS, "Shards";
}

/// The number of a rank or a communicator.
fn number(n: i64, what: &str) -> Result<usize> {
    usize::try_from(n).map_err(|_| Error::invalid(format!("expected {what} from 0 on, got {n}")))
}
fn rank_of(n: i64) -> Result<usize> {
    number(n, "a rank")
}
fn group_of(n: i64) -> Result<usize> {
    number(n, "the number of a communicator")
}

fn start() -> Result<String> {
    Ok(mpi::start()?.description().to_string())
}
fn stop() -> Result<()> {
    mpi::stop()
}
fn abort() -> Result<()> {
    mpi::abort();
    Ok(())
}
fn rank(group: i64) -> Result<usize> {
    mpi::world()?.rank(group_of(group)?)
}
fn size(group: i64) -> Result<usize> {
    mpi::world()?.size(group_of(group)?)
}
fn barrier(group: i64) -> Result<()> {
    mpi::world()?.barrier(group_of(group)?)
}
fn split(group: i64, key: &[u8]) -> Result<usize> {
    mpi::world()?.split(group_of(group)?, key)
}
fn machine() -> Result<String> {
    mpi::world()?.machine()
}
fn gather(group: i64, text: &[u8]) -> Result<Ret> {
    let texts = mpi::world()?.gather_texts(group_of(group)?, text)?;
    Ok(Ret::List(texts.into_iter().map(Ret::Str).collect()))
}

fn broadcast<T: Element>(root: i64, x: &Tensor, group: i64) -> Result<()> {
    mpi::world()?.broadcast::<T>(x, rank_of(root)?, group_of(group)?)
}
fn reduce<T: Element>(root: i64, input: &Tensor, output: &Tensor, group: i64) -> Result<()> {
    mpi::world()?.reduce::<T>(input, output, Some(rank_of(root)?), group_of(group)?)
}
fn allreduce<T: Element>(input: &Tensor, output: &Tensor, group: i64) -> Result<()> {
    mpi::world()?.reduce::<T>(input, output, None, group_of(group)?)
}
fn exchange<T: Element>(x: &Tensor, from: i64, to: i64, group: i64) -> Result<()> {
    mpi::world()?.exchange::<T>(x, rank_of(from)?, rank_of(to)?, group_of(group)?)
}
fn allgather<T: Element>(input: &Tensor, output: &Tensor, group: i64) -> Result<()> {
    mpi::world()?.allgather::<T>(input, output, group_of(group)?)
}
fn tag_of(tag: i64) -> Result<u16> {
    match u16::try_from(tag) {
        Ok(tag) if tag < 32_000 => Ok(tag),
        _ => refuse!("expected a tag from 0 to 31999, got {tag}"),
    }
}
fn send<T: Element>(x: &Tensor, to: i64, tag: i64, group: i64) -> Result<()> {
    mpi::world()?.send::<T>(x, rank_of(to)?, tag_of(tag)?, group_of(group)?)
}
fn receive<T: Element>(x: &Tensor, from: i64, tag: i64, group: i64) -> Result<()> {
    mpi::world()?.receive::<T>(x, rank_of(from)?, tag_of(tag)?, group_of(group)?)
}

fn begin_broadcast<T: Element>(root: i64, x: &Tensor, group: i64) -> Result<Handle> {
    mpi::world()?.begin_broadcast::<T>(x, rank_of(root)?, group_of(group)?)
}
fn begin_reduce<T: Element>(root: i64, input: &Tensor, output: &Tensor, group: i64) -> Result<Handle> {
    mpi::world()?.begin_reduce::<T>(input, output, Some(rank_of(root)?), group_of(group)?)
}
fn begin_allreduce<T: Element>(input: &Tensor, output: &Tensor, group: i64) -> Result<Handle> {
    mpi::world()?.begin_reduce::<T>(input, output, None, group_of(group)?)
}
fn begin_exchange<T: Element>(x: &Tensor, from: i64, to: i64, group: i64) -> Result<Handle> {
    mpi::world()?.begin_exchange::<T>(x, rank_of(from)?, rank_of(to)?, group_of(group)?)
}

fn begin_allgather<T: Element>(input: &Tensor, output: &Tensor, group: i64) -> Result<Handle> {
    mpi::world()?.begin_allgather::<T>(input, output, group_of(group)?)
}

fn shards<T: Real>(x: &Tensor, group: i64) -> Result<Shards> {
    mpi::world()?.shards::<T>(x, group_of(group)?)
}
fn send_shards<T: Real>(s: &Shards, x: &Tensor, rule: &str) -> Result<Handle> {
    mpi::world()?.send_shards::<T>(s, x, Rule::named(rule)?)
}
fn fetch_shards<T: Real>(s: &Shards, x: &Tensor) -> Result<Handle> {
    mpi::world()?.fetch_shards::<T>(s, x)
}
fn free_shards(s: &Shards) -> Result<()> {
    mpi::world()?.free_shards(s)
}

/// What needs no tensor.
pub static ROWS: &[Op] = &[
    func!("start", &[form("", any!(start))]),
    func!("stop", &[form("", any!(stop))]),
    func!("abort", &[form("", any!(abort))]),
    func!("rank", &[form("level:long", any!(rank))]),
    func!("size", &[form("level:long", any!(size))]),
    func!("barrier", &[form("level:long", any!(barrier))]),
    func!("split", &[form("level:long key:str", any!(split))]),
    func!("machine", &[form("", any!(machine))]),
    func!("gather", &[form("level:long text:str", any!(gather))]),
    func!("parameterserver.free", &[form("server:object.Shards", any!(free_shards))]),
];

/// Collective operations on tensors, at once and begun. The communicator comes last.
pub static TENSORS: &[Op] = &[
    func!("broadcastTensor", &[form("root:long tensor:T level:long", every!(broadcast))]),
    func!("reduceTensor", &[form("root:long input:T output:T level:long", every!(reduce))]),
    func!("allreduceTensor", &[form("input:T output:T level:long", every!(allreduce))]),
    func!("sendreceiveTensor", &[form("tensor:T source:long destination:long level:long", every!(exchange))]),
    func!("allgatherTensor", &[form("input:T output:T level:long", every!(allgather))]),
    func!("sendTensor", &[form("tensor:T destination:long tag:long level:long", every!(send))]),
    func!("receiveTensor", &[form("tensor:T source:long tag:long level:long", every!(receive))]),
    func!("async.broadcastTensor", &[form("root:long tensor:T level:long", every!(begin_broadcast))]),
    func!("async.reduceTensor", &[form("root:long input:T output:T level:long", every!(begin_reduce))]),
    func!("async.allreduceTensor", &[form("input:T output:T level:long", every!(begin_allreduce))]),
    func!(
        "async.sendreceiveTensor",
        &[form("tensor:T source:long destination:long level:long", every!(begin_exchange))]
    ),
    func!("async.allgatherTensor", &[form("input:T output:T level:long", every!(begin_allgather))]),
    func!("parameterserver.init", &[form("tensor:T level:long", all!(shards))]),
    func!("parameterserver.send", &[form("server:object.Shards tensor:T rule:str", all!(send_shards))]),
    func!("parameterserver.receive", &[form("server:object.Shards tensor:T", all!(fetch_shards))]),
];

fn wait(h: &Handle) -> Result<()> {
    h.wait()
}
fn is_done(h: &Handle) -> Result<bool> {
    Ok(h.is_done())
}

/// Methods of operations on their way.
pub static HANDLES: &[Op] = &[
    func!("wait", &[form("handle:object.Handle", any!(wait))]),
    func!("done", &[form("handle:object.Handle", any!(is_done))]),
];
