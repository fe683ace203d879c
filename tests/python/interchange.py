"""Reads what `th` wrote and writes files for it: interchange.py DIR FORMATS. Run by tests/interchange.rs."""

import sys

import numpy as np

directory, formats = sys.argv[1], sys.argv[2].split(",")
base = np.arange(1.0, 25.0).reshape(2, 3, 4)
types = dict(byte="u1", char="i1", short="i2", int="i4", long="i8", float="f4", double="f8")


def load(kind, path):
    if kind == "npz":
        return dict(np.load(path))
    if kind == "pth":
        import torch

        found = torch.load(path, weights_only=True)
        shared = {found[name].untyped_storage().data_ptr() for name in ("base", "turned", "part")}
        assert len(shared) == 1, "storages are shared"
        return {name: tensor.numpy() for name, tensor in found.items()}
    if kind == "safetensors":
        from safetensors.numpy import load_file

        return load_file(path)
    if kind == "mat":
        import scipy.io

        return {k: v for k, v in scipy.io.loadmat(path).items() if not k.startswith("__")}
    import h5py

    with h5py.File(path) as file:
        return {name: data[...] for name, data in file["group"].items()}


def save(kind, path, arrays):
    if kind == "npz":
        np.savez_compressed(path, **arrays, words=np.array(["left", "out"]))
    elif kind == "pth":
        import torch

        tensors = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
        torch.save(tensors, path)
        # as before PyTorch 1.6, and a pickled module
        torch.save({"state": tensors}, path + ".old", _use_new_zipfile_serialization=False)
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2)).eval()
        x = torch.ones(1, 4)
        torch.save(net, path + ".module")
        torch.save({"output": net(x).detach()}, path + ".output")
    elif kind == "safetensors":
        from safetensors.numpy import save_file

        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)
    elif kind == "mat":
        import scipy.io

        scipy.io.savemat(path, arrays, do_compression=True)
    else:
        import h5py

        with h5py.File(path, "w") as file:
            group = file.create_group("group")
            for name, array in arrays.items():
                group.create_dataset(name, data=array, chunks=True, compression="gzip", shuffle=True)


for kind in formats:
    found = load(kind, f"{directory}/th.{kind}")
    for name, wanted in dict(base=base, turned=base.T, part=base[:, 1]).items():
        np.testing.assert_array_equal(found[name], wanted, err_msg=f"{kind} {name}")
    for name, dtype in types.items():
        array = found["of_" + name]
        assert array.dtype == dtype, (kind, name, array.dtype)
        np.testing.assert_array_equal(array, np.arange(1, 7).reshape(2, 3))
    arrays = dict(
        base=base,
        turned=np.asfortranarray(base.T),
        int=np.arange(6, dtype="i4").reshape(2, 3),
        float=np.arange(6, dtype="f4"),
        bool=np.array([True, False]),
    )
    save(kind, f"{directory}/py.{kind}", arrays)
print("all formats agree:", *formats)
