"""The one door for YAML: what JSON could say, nothing more. Pure: no database, no clock, no Django.

Times stay texts, keys are texts as written, a key stands once, and nesting and aliases are bounded before anything is
built. Nodes know their lines, so that whoever reads a file can say where something is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON

__all__ = ["Document", "Node", "SequenceNode", "UnsafeYAML", "children", "documents", "line_of", "load"]

MAX_NODES = 200_000
MAX_NODES_IN_FILE = 5_000_000
MERGE = "tag:yaml.org,2002:merge"
KINDS = {f"tag:yaml.org,2002:{name}": name for name in ("null", "bool", "int", "float", "str", "seq", "map")}
"""The tags of what JSON has. PyYAML's others (binary, set, omap, timestamp…) are as unknown as somebody's own."""

LARGEST_BITS = 14_000
"""Of a whole number: in tens it has 4,215 digits, and Python writes none of more than 4,300."""
Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnsafeYAML(ValueError):
    """Text that is no YAML, or YAML that is no JSON; `line` says where, as far as it is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class _Loader(Base):  # type: ignore[misc]
    """YAML as JSON knows it."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag in (*KINDS, MERGE)]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Node, deep: bool = False) -> dict[str, Any]:
        if not isinstance(node, MappingNode):
            raise yaml.constructor.ConstructorError(None, None, "expected a mapping", node.start_mark)
        self.refuse_twice(node)
        self.flatten_mapping(node)
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a text", key.start_mark)
            mapping[str(key.value)] = self.construct_object(value, deep=deep)
        return mapping

    def construct_plain(self, node: Node) -> Any:
        """A number or a truth. `1:30` stays a text, as times do: read to the base of 60 it would be 90, and a long one
        take for ever.
        """
        if isinstance(node, ScalarNode) and ":" in node.value:
            return node.value
        kind = KINDS[node.tag]
        try:
            value = getattr(self, f"construct_yaml_{kind}")(node)
        except (KeyError, IndexError):  # with its tag written out, it may be anything
            raise yaml.constructor.ConstructorError(None, None, f"this is no {kind}", node.start_mark) from None
        if isinstance(value, int) and value.bit_length() > LARGEST_BITS:
            raise yaml.constructor.ConstructorError(None, None, "the number is too large", node.start_mark)
        return value

    def refuse_twice(self, node: MappingNode) -> None:
        """Once flattened, a mapping holds merged keys beside its own; it is looked at before."""
        if "looked_at" in vars(node):
            return
        seen: set[str] = set()
        for key, _value in node.value:
            if not isinstance(key, ScalarNode) or key.tag == MERGE:
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands twice", key.start_mark)
            seen.add(key.value)
        vars(node)["looked_at"] = True


_Loader.yaml_constructors = {tag: make for tag, make in Base.yaml_constructors.items() if tag is None or tag in KINDS}
for _tag, _name in KINDS.items():
    if _name in ("bool", "int", "float"):
        _Loader.add_constructor(_tag, _Loader.construct_plain)


class Document:
    """One document of a text. Its parts can be built one by one."""

    def __init__(self, loader: Any, root: Node) -> None:
        self._loader = loader
        self.root = root

    def value(self, node: Node | None = None) -> JSON:
        """What the node (the whole document, unless named) stands for. Raises UnsafeYAML, UnsafeJSON."""
        try:
            return safe_json.check(self._loader.construct_document(node or self.root))
        except yaml.YAMLError as error:
            raise _told(error) from None
        except (safe_json.UnsafeJSON, RecursionError):
            raise
        except ValueError as error:
            raise UnsafeYAML(f"Not YAML: {error}.", line_of(node or self.root)) from None


def load(text: str | bytes) -> JSON:
    """The value of a text with one document. Raises UnsafeYAML, UnsafeJSON."""
    found = list(documents(text))
    if len(found) > 1:
        raise UnsafeYAML("Not YAML: expected a single document in the stream.", line_of(found[1].root))
    return found[0].value() if found else None


def documents(text: str | bytes) -> Iterator[Document]:
    """The documents of a text that are not empty. Raises UnsafeYAML."""
    loader = None
    try:
        _check_depth(text)
        loader = _Loader(text)
        total = 0
        while loader.check_node():
            root = loader.get_node()
            total += _check_size(root)
            if total > MAX_NODES_IN_FILE:
                raise UnsafeYAML(f"The YAML has more than {MAX_NODES_IN_FILE} values, aliases written out.")
            yield Document(loader, root)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _told(error) from None
    finally:
        if loader is not None:
            loader.dispose()


def line_of(node: Any) -> int:
    """Of a node, or an event."""
    mark: Any = node.start_mark
    return int(mark.line) + 1


def children(node: Node | None, part: str) -> tuple[Node | None, Node | None]:
    """(the key, the value) that `part` names in a mapping; (None, the item) in a list; else nothing."""
    if isinstance(node, MappingNode):
        return next(((key, value) for key, value in node.value if key.value == part), (None, None))
    if isinstance(node, SequenceNode) and part.isdecimal() and int(part) < len(node.value):
        return None, node.value[int(part)]
    return None, None


def _told(error: Exception) -> UnsafeYAML:
    mark = getattr(error, "problem_mark", None)
    return UnsafeYAML(f"Not YAML: {' '.join(str(error).split())}.", mark.line + 1 if mark else None)


def _check_depth(text: str | bytes) -> None:
    """Reads the events only, so that deep nesting is found before anything recurses into it."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > safe_json.MAX_DEPTH + 2:
                told = f"The YAML is nested deeper than {safe_json.MAX_DEPTH} levels."
                raise UnsafeYAML(told, line_of(event))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_size(root: Node) -> int:
    """Aliases make a small text a huge document: the nodes are counted as if written out, each shared one once.

    Each part of a list of records counts for itself.
    """
    sizes: dict[int, int] = {}
    stack: list[tuple[Node, bool]] = [(root, False)]
    open_nodes: set[int] = set()
    while stack:
        node, ready = stack.pop()
        if ready:
            sizes[id(node)] = 1 + sum(sizes[id(child)] for child in _parts(node))
            open_nodes.discard(id(node))
        elif id(node) not in sizes:
            if isinstance(node, ScalarNode):
                sizes[id(node)] = 1
                continue
            if id(node) in open_nodes:
                raise UnsafeYAML("The YAML contains itself by an alias.", line_of(node))
            open_nodes.add(id(node))
            stack.append((node, True))
            stack.extend((child, False) for child in _parts(node))
    for node in _records(root):
        if sizes[id(node)] > MAX_NODES:
            raise UnsafeYAML(f"The YAML has more than {MAX_NODES} values, aliases written out.", line_of(node))
    return sizes[id(root)]


def _records(root: Node) -> Iterator[Node]:
    """What `MAX_NODES` bounds: the items of a list, or of a list in an object; else the whole."""
    lists = [root, *(_parts(root) if isinstance(root, MappingNode) else ())]
    items = [item for part in lists if isinstance(part, SequenceNode) for item in part.value]
    others = [part for part in lists if not isinstance(part, SequenceNode) and part is not root]
    yield from ([*items, *others] if items else [root])


def _parts(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield from (key, value)
    elif isinstance(node, SequenceNode):
        yield from node.value
