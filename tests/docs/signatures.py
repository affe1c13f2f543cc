"""Python blocks that cannot run here: they must compile, their imports must hold, and their calls must fit."""

from __future__ import annotations

import ast
import inspect
import typing as t


def check_python(code: str) -> int:
    """Compile a block, execute its imports, and bind each call to something imported; return how many calls fitted.

    Raises:
        SyntaxError, ImportError, AttributeError, TypeError: what would go wrong.
    """
    tree = ast.parse(code)
    names: dict[str, t.Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            exec(compile(ast.Module([node], []), "block", "exec"), names)
    return sum(_fits(node, names) for node in ast.walk(tree) if isinstance(node, ast.Call))


def _fits(call: ast.Call, names: dict[str, t.Any]) -> bool:
    target = _resolve(call.func, names)
    if (
        target is None
        or any(isinstance(a, ast.Starred) for a in call.args)
        or any(k.arg is None for k in call.keywords)
    ):
        return False
    keywords: dict[str, t.Any] = {k.arg: None for k in call.keywords if k.arg}
    try:
        inspect.signature(target).bind(*([None] * len(call.args)), **keywords)
    except ValueError:  # a builtin without a signature
        return False
    return True


def _resolve(node: ast.expr, names: dict[str, t.Any]) -> t.Any:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _resolve(node.value, names)
        return None if owner is None else getattr(owner, node.attr)
    return None
