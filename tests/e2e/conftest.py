from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.pages import Browser
from tests.e2e.product import Product
from tests.e2e.world import World


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """One running product for all tests of this process; each test file has tenants of its own."""
    with Product().running() as product:
        yield product


@pytest.fixture(scope="session")
def root(product: Product) -> Iterator[Browser]:
    """The superuser at the admin."""
    browser = product.browser()
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def world(product: Product, root: Browser) -> World:
    return World(product, root)


@pytest.fixture(scope="session")
def foreign(world: World) -> dict[str, str]:
    return world.keep(world.foreign_key, "theirs")


@pytest.fixture(scope="session")
def kept(world: World) -> dict[str, str]:
    return world.keep(world.key, "kept")
