"""The one name of every expanded layer: `basic[4].conv_bn[1].conv`."""

from __future__ import annotations

from itertools import count

from cnnspec.graph.network import Graph, Node, Scope


def paths(graph: Graph) -> tuple[str, ...]:
    """The path of every node: its components, outermost first, joined by dots.

    A component is a step's `as` name, else the block's name, else the layer's keyword in lowercase. Siblings under
    one parent that share a name carry an index, in order of expansion; a name that stands alone carries none. An index
    that an `as x[i]` has taken is left out.
    """
    homes: dict[Scope, Scope | None] = {}
    outers: dict[Scope, Scope | None] = {}
    siblings: dict[tuple[Scope | None, str], list[Scope | Node]] = {}

    def home(scope: Scope | None) -> Scope | None:
        """The innermost scope around `scope` (itself included) that adds a component; numbered when first met."""
        if scope is None:
            return None
        if scope not in homes:
            outer = home(scope.parent)
            homes[scope] = outer if scope.component is None else scope
            if scope.component is not None:
                outers[scope] = outer
                siblings.setdefault((outer, scope.component), []).append(scope)
        return homes[scope]

    owners = []
    for node in graph.nodes:
        owners.append(home(node.scope))
        siblings.setdefault((owners[-1], node.name), []).append(node)
    labels: dict[Scope | Node, str] = {}
    for (outer, name), members in siblings.items():
        free = (label for index in count() if (outer, label := f"{name}[{index}]") not in siblings)
        labels.update(zip(members, free if len(members) > 1 else [name], strict=False))
    prefixes: dict[Scope | None, str] = {None: ""}
    for scope, outer in outers.items():  # a component is met after the one around it
        prefixes[scope] = f"{prefixes[outer]}{labels[scope]}."
    return tuple(prefixes[owner] + labels[node] for owner, node in zip(owners, graph.nodes, strict=True))
