"""What tests of other machines' code share."""

from __future__ import annotations

import pytest

from tests.codegen import emulation


@pytest.fixture(scope="module")
def neon(tmp_path_factory):
    """All that is compiled is for NEON, and runs in an emulator."""
    reason = emulation.missing()
    if reason:
        pytest.skip(reason)
    with pytest.MonkeyPatch.context() as patch:
        emulation.emulate(patch, tmp_path_factory.mktemp("neon"))
        yield
