"""Every test that takes ``mode`` runs under each back end."""

import pytest


@pytest.fixture(params=["numpy", "c", "debug"])
def mode(request):
    return request.param
