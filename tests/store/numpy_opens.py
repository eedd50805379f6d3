"""What test_npz.c wrote, seen by NumPy: opens FILE and checks every member. Exit 77: there is no NumPy."""
import sys

try:
    import numpy as np
except ImportError:
    sys.exit(77)

with np.load(sys.argv[1], allow_pickle=False) as npz:
    i = np.arange(6).reshape(2, 3)
    expected = {
        "float16": np.array([0, 1, -2], "<f2"),
        "float32": (i / 2 - 1).astype("<f4"),
        "float64": i / 2 - 1,
        "int32": (i - 1).astype("<i4"),
        "int64": i - 1,
        "uint8": i.astype("u1"),
        "bool": i % 2 == 1,
        "scalar": np.float64(-1),
        "empty": np.zeros((0, 3), "<f4"),
        "group/strings": np.array([b"a", "é".encode(), b""]),
    }
    assert list(npz.files) == list(expected), npz.files
    for name, array in expected.items():
        assert npz[name].dtype == array.dtype, (name, npz[name].dtype)
        assert npz[name].shape == array.shape, (name, npz[name].shape)
        assert (npz[name] == array).all(), (name, npz[name])
assert npz.zip is None
