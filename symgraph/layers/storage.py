"""Parameters in a file: an uncompressed ``.npz``, read without pickle.

One member for each parameter, under its path, and a header in JSON that says what the
file is and what it should hold. A file is written beside its place and renamed, so
that a reader sees the old one or the new one; reading checks everything before
anything is changed.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from symgraph.graph import SharedVariable, SymgraphError
from symgraph.layers.together import set_together

HEADER = "symgraph"
VERSION = 1
Arrays = dict[str, NDArray[Any]]


class FileFormatError(SymgraphError, ValueError):
    """A file that is damaged, foreign, or of another network."""


def save(parameters: Mapping[str, SharedVariable], path: str | Path) -> None:
    """Write every parameter that has a value; the others are noted as missing."""
    write(*values_of(parameters), path=path, kind="model")


def load(parameters: Mapping[str, SharedVariable], path: str | Path) -> None:
    """Give every parameter its value from ``path``, or change nothing and raise."""
    arrays, notes = read(path, kind="model")
    assign(parameters, arrays, notes, str(path))


def values_of(
    parameters: Mapping[str, SharedVariable],
) -> tuple[Arrays, dict[str, Any]]:
    """The values of all that have one, and the reasons why the others have none."""
    missing = {k: v.missing for k, v in parameters.items() if v.missing is not None}
    known = {k: v.get_value() for k, v in parameters.items() if v.missing is None}
    return known, {"missing": missing}


def assign(
    parameters: Mapping[str, SharedVariable],
    arrays: Arrays,
    notes: Mapping[str, Any],
    source: str,
) -> None:
    """Set every parameter, after checking names, shapes and dtypes of all of them."""
    check(parameters, arrays, notes, source)
    set_together({parameters[name]: array for name, array in arrays.items()})
    for name, reason in notes["missing"].items():
        parameters[name].missing = str(reason)


def check(
    parameters: Mapping[str, SharedVariable],
    arrays: Arrays,
    notes: Mapping[str, Any],
    source: str,
) -> None:
    """Raise unless ``assign`` can set every parameter."""
    missing = notes.get("missing")
    if not isinstance(missing, dict):
        raise FileFormatError(f"{source}: does not say which parameters are missing")
    _check_names(parameters, {*arrays, *missing}, source)
    for name, array in arrays.items():
        expected = parameters[name].type
        if (expected.dtype, expected.shape) != (array.dtype.name, array.shape):
            raise FileFormatError(
                f"{source}: {name} is {array.dtype.name}{list(array.shape)}, "
                f"the network expects {expected}"
            )


def write(
    arrays: Arrays, notes: Mapping[str, Any], path: str | Path, kind: str
) -> None:
    """Write arrays and notes to ``path``, which holds all of it or what it did."""
    header = {"kind": kind, "version": VERSION, "arrays": list(arrays), **notes}
    members = {HEADER: np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays}
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            _write_members(file, members)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode_of(target))
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read(path: str | Path, kind: str) -> tuple[Arrays, dict[str, Any]]:
    """The arrays and the notes of a file that ``write`` made; raises for any other."""
    with open(path, "rb") as file:
        try:
            arrays = _read_members(file)
        except Exception as error:  # a foreign file breaks a parser in many ways
            raise FileFormatError(f"{path}: cannot be read: {error}") from error
    header = _header(arrays.pop(HEADER, None), str(path))
    if header.get("kind") != kind:
        raise FileFormatError(f"{path}: expected a {kind}, got {header.get('kind')!r}")
    if header.get("version") != VERSION:
        raise FileFormatError(
            f"{path}: expected format version {VERSION}, got {header.get('version')!r}"
        )
    if header.get("arrays") != list(arrays):
        raise FileFormatError(f"{path}: the arrays are not those of the header")
    return arrays, header


def _write_members(file: Any, members: Arrays) -> None:
    """What ``np.savez`` writes, for any name: it keeps some names for itself."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, array in members.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _read_members(file: IO[bytes]) -> Arrays:
    """Every array, read to the end of its member, where the checksum is compared."""
    arrays = {}
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                array = np.lib.format.read_array(member, allow_pickle=False)
                if member.read():
                    raise ValueError(f"{name}: goes on after the array")
            arrays[name.removesuffix(".npy")] = array
    return arrays


def _header(encoded: NDArray[Any] | None, source: str) -> dict[str, Any]:
    if encoded is None:
        raise FileFormatError(f"{source}: not a file of symgraph: it has no header")
    try:
        header = json.loads(encoded.tobytes())
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{source}: the header is damaged: {error}") from error
    return header if isinstance(header, dict) else {}


def _check_names(
    parameters: Mapping[str, SharedVariable], names: set[str], source: str
) -> None:
    absent = ", ".join(sorted(set(parameters) - names))
    unknown = ", ".join(sorted(names - set(parameters)))
    if absent or unknown:
        raise FileFormatError(
            f"{source}: the file is of another network; "
            f"it lacks {absent or 'nothing'}; it has besides {unknown or 'nothing'}"
        )


def _mode_of(target: Path) -> int:
    """The permissions of the file to be replaced, or those of a new file."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
