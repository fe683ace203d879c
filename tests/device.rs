//! What a second device gets without a line of its own. `Device::Mirror` is one line in the list of devices, for tests
//! alone (`tensor/class.rs`); nothing else in the crate names it but tests. Programs that are built with
//! `RUSTFLAGS='--cfg mirror'` know of it, and offer it when they are asked to, as here; `.ci/run` builds all it tests so.

#![cfg(mirror)]
#![allow(clippy::unwrap_used)]

use rekindle::Host;
use rekindle::lua::sig::kind;
use rekindle::tensor::Tensor;
use rekindle::tensor::access::{Dest, Source};
use rekindle::tensor::class::{CLASSES, Device, TensorClass};
use rekindle::tensor::dtype::{DTYPES, DType};
use rekindle::tensor::storage::Storage;

const MIRROR: TensorClass = TensorClass { dtype: DType::Float, device: Device::Mirror };

/// A state with a tensor of the device as the global `x`, and one in host memory as `y`.
fn host() -> Host {
    Device::ALL.into_iter().for_each(Device::offer);
    let host = Host::new().unwrap();
    for (name, class) in [("x", MIRROR), ("y", TensorClass::host(DType::Float))] {
        host.set_tensor(name, &Tensor::new(class, &[2, 3]).unwrap()).unwrap();
    }
    host
}

#[test]
fn a_device_has_classes_kinds_and_marks() {
    let host = host();
    assert_eq!(host.eval::<String>("return torch.type(x)").unwrap(), "torch.MirrorTensor");
    let classes: usize = host.eval("return #torch.tensor_types").unwrap();
    assert_eq!(classes, CLASSES);
    let known: bool = host.eval("return torch.getmetatable('torch.MirrorDoubleStorage') ~= nil").unwrap();
    assert!(known);
    let kinds: std::collections::HashSet<u64> =
        TensorClass::ALL.into_iter().flat_map(|c| [kind::tensor(c), kind::storage(c)]).collect();
    assert_eq!(kinds.len(), 6 * DTYPES);
    for c in TensorClass::ALL {
        assert_eq!(kind::class(kind::tensor(c)), Some(c));
        assert_eq!(kind::class(kind::storage(c)), Some(c));
        assert_eq!(kind::of_call(kind::tensor(c), MIRROR) == kind::T, c == MIRROR);
        // host tensors meet no others, but in copies
        let met = kind::in_call(kind::tensor(c), DType::Float.into());
        assert_eq!(met & kind::TENSOR == 0, c.device != Device::Host);
        assert!(met & kind::ANY_TENSOR != 0);
    }
}

#[test]
fn rows_without_its_column_say_so() {
    let host = host();
    let fails = |code: &str| host.eval::<mlua::Value>(code).unwrap_err().to_string();
    let text = fails("return torch.add(x, 1)");
    assert!(text.contains("torch.MirrorTensor does not implement the torch.add() function"), "{text}");
    // sizes need no kernel, numbers do
    assert_eq!(host.eval::<i64>("return torch.factory('torch.MirrorTensor')(3):size(1)").unwrap(), 3);
    let text = fails("return torch.getconstructortable('torch.MirrorTensor'){ 1, 2 }");
    assert!(text.contains("torch.MirrorTensor does not implement"), "{text}");
    // two devices in one call, and a method that the class does not have
    let text = fails("return torch.add(y, x)");
    assert!(text.contains("invalid arguments: FloatTensor MirrorTensor"), "{text}");
    assert!(host.eval::<bool>("return x.add == nil and y.add ~= nil").unwrap());
    // what is the same for every class is there: it looks at shapes alone
    assert_eq!(host.eval::<i64>("return x:size(2)").unwrap(), 3);
    assert_eq!(host.eval::<String>("return torch.type(x:narrow(1, 1, 1))").unwrap(), "torch.MirrorTensor");
    let text = fails("return x[1][1]");
    assert!(text.contains("expected elements in host memory, got a torch.MirrorTensor"), "{text}");
    let text = fails("return torch.mm(x, x)");
    assert!(text.contains("MirrorTensor does not implement"), "{text}");
    let text = fails("require 'nn' local m = nn.Linear(3, 2):float() return m:forward(x)");
    assert!(text.contains("MirrorTensor"), "{text}");
}

#[test]
fn its_memory_is_behind_the_gate() {
    let x = Tensor::new(MIRROR, &[2, 3]).unwrap();
    assert_eq!((x.class(), x.dtype(), x.numel()), (MIRROR, DType::Float, 6));
    let text = x.to_vec::<f32>().unwrap_err().to_string();
    assert_eq!(text, "expected a torch.FloatTensor, got a torch.MirrorTensor");
    assert!(Source::<f32>::of(&x).is_err() && Dest::<f32>::new(&x, &[2, 3]).is_err());
    assert!(x.element::<f32>(0).is_none() && !x.set_element(0, 1.0f32));
    let s = Storage::new(MIRROR, 4).unwrap();
    assert_eq!((s.len(), s.to_vec::<f32>(0, 4).len()), (4, 0));
    assert!(s.write_slice(0, &[1.0f32]).is_err() && s.get::<f32>(0).is_none() && !s.set(0, 1.0f32));
    assert_eq!(s.lend_bytes(0, 4, <[u8]>::len).unwrap(), 0);
    // shapes need no memory
    let row = x.select(0, 1).unwrap();
    assert_eq!((row.class(), row.size(0)), (MIRROR, 3));
    assert!(x.set(&Tensor::empty(DType::Float)).is_err());
    assert_eq!(Storage::part(&s, 1, 2).unwrap().class(), MIRROR);
}
