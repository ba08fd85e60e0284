"""Whether two networks compute the same: a hash over layers, arguments, connections and shapes, not names."""

from __future__ import annotations

from cnnspec.graph.network import Graph


def fingerprint(graph: Graph) -> str:
    """64 hexadecimal digits (SHA-256); equal for graphs with equal layers, equally connected, in the same order.

    The order of execution counts, since weights that are drawn from one seed follow it. Names and places do not.
    """
    from hashlib import sha256

    lines = [f"{node.op.layer!r} {node.inputs} {node.shape}" for node in graph.nodes]
    ends = [f"{output.name} {output.node} {output.train_only}" for output in graph.outputs]
    return sha256("\n".join([*lines, str(graph.output), *ends]).encode()).hexdigest()
