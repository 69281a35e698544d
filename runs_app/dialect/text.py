"""Definitions as JSON or YAML text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON

from .problems import DefinitionError, Problem

MAX_NODES = 200_000
Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(Base):  # type: ignore[misc]
    """YAML as JSON knows it: times stay texts, keys are texts as written."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Node, deep: bool = False) -> dict[str, Any]:
        if not isinstance(node, MappingNode):
            raise yaml.constructor.ConstructorError(None, None, "expected a mapping", node.start_mark)
        self.flatten_mapping(node)
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a text", key.start_mark)
            mapping[str(key.value)] = self.construct_object(value, deep=deep)
        return mapping


def load(text: str | bytes, format: Literal["json", "yaml"] = "json") -> JSON:
    """The definition written in a text. Raises DefinitionError with line and column."""
    try:
        return safe_json.parse(text) if format == "json" else safe_json.check(_load_yaml(text))
    except safe_json.UnsafeJSON as error:
        raise DefinitionError([Problem("", str(error))]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DefinitionError([Problem("", f"Not YAML: {' '.join(str(error).split())}.")]) from None


def _load_yaml(text: str | bytes) -> JSON:
    _check_depth(text)
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _check_size(node)
        return loader.construct_document(node)
    except ValueError as error:
        raise safe_json.UnsafeJSON(f"Not YAML: {error}.") from None
    finally:
        loader.dispose()


def _check_depth(text: str | bytes) -> None:
    """Reads the events only, so that deep nesting is found before anything recurses into it."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > safe_json.MAX_DEPTH:
            raise safe_json.UnsafeJSON(f"The YAML is nested deeper than {safe_json.MAX_DEPTH} levels.")


def _check_size(root: Node) -> None:
    """Aliases make a small text a huge document: the nodes are counted as if written out, each shared one once."""
    sizes: dict[int, int] = {}
    stack: list[tuple[Node, bool]] = [(root, False)]
    open_nodes: set[int] = set()
    while stack:
        node, ready = stack.pop()
        if ready:
            sizes[id(node)] = 1 + sum(sizes[id(child)] for child in _children(node))
            open_nodes.discard(id(node))
        elif id(node) not in sizes:
            if id(node) in open_nodes:
                raise safe_json.UnsafeJSON("The YAML contains itself by an alias.")
            open_nodes.add(id(node))
            stack.append((node, True))
            stack.extend((child, False) for child in _children(node))
    if sizes[id(root)] > MAX_NODES:
        raise safe_json.UnsafeJSON(f"The YAML has more than {MAX_NODES} values, aliases written out.")


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield from (key, value)
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value
