"""Reads expressions: every reference that leaves them, exactly as Python's scopes have it."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import ClassVar

from hyfn import syntax
from hyfn.discover import locals as scopes
from hyfn.discover.reader import Reader, is_text
from hyfn.discover.references import Choice, Ref, chain
from hyfn.model import Literal

_LONGEST_PATH = 200


class Expressions(Reader):
    handlers: ClassVar[Mapping[type[ast.AST], str]] = {
        ast.Name: "_name",
        ast.Attribute: "_attribute",
        ast.Constant: "_constant",
        ast.JoinedStr: "_joined_string",
        ast.BinOp: "_operation",
        ast.Subscript: "_subscript",
        ast.Lambda: "_lambda",
        ast.NamedExpr: "_walrus",
        ast.ListComp: "_comprehension",
        ast.SetComp: "_comprehension",
        ast.DictComp: "_comprehension",
        ast.GeneratorExp: "_comprehension",
    }

    # Names and strings

    def _name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._add(self._named((node.id,), node.lineno))
        elif self._scopes and self._scopes[-1].kind == scopes.CLASS:
            self._scopes[-1].bound[node.id] += 1
        elif isinstance(node.ctx, ast.Del) and not self._scopes:
            self.found.refs.append(Ref(None, (node.id,), node.lineno, is_mention=True))

    def _attribute(self, node: ast.Attribute) -> None:
        refs = self._meanings(node)
        if refs is None:
            self.all([node.value])
        else:
            self._add(refs)

    def _constant(self, node: ast.Constant) -> None:
        if not isinstance(node.value, str):
            return
        if self._is_mention:
            self._forward(node.value, node.lineno)
        else:
            self._literal((node.value,), is_path=False)

    def _forward(self, text: str, line: int) -> None:
        """An annotation in quotes."""
        try:
            expression = syntax.expression(text)
        except (SyntaxError, ValueError):
            return
        for node in ast.walk(expression):
            ast.copy_location(node, ast.Constant("", lineno=line, col_offset=0))
        self.all([expression])

    def _literal(self, parts: tuple[str, ...], *, is_path: bool) -> None:
        text = "/".join(parts)
        if text and len(text) <= _LONGEST_PATH and "\n" not in text and "\0" not in text:
            self.found.literals.append(Literal(parts, is_path))

    def _joined_string(self, node: ast.JoinedStr) -> None:
        """`f"{folder}/data/{name}.json"` has a path of its literals between two slashes or from the last one."""
        for part in node.values[1:]:
            if isinstance(part, ast.Constant) and str(part.value).startswith("/"):
                self._literal((str(part.value).strip("/"),), is_path=True)
        self.all(part for part in node.values if isinstance(part, ast.FormattedValue))

    def _operation(self, node: ast.BinOp) -> None:
        """`folder / "data" / "x.json"` is one path."""
        tail: list[ast.expr] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Div) and is_text(left.right):
            tail.insert(0, left.right)
            left = left.left
        if tail:
            self._path(tail)
            self.all([left])
        else:
            self.all(ast.iter_child_nodes(node))

    def _path(self, parts: Sequence[ast.expr]) -> None:
        self._literal(tuple(str(ast.literal_eval(part)) for part in parts), is_path=True)

    def _subscript(self, node: ast.Subscript) -> None:
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if self._is_mention:
            self._annotated(node)
        elif self._is_own_namespace(node.value):
            path = (key,) if isinstance(key, str) else ()
            self.all([node.slice] if key is None else [])
            self._add([Ref(self._source.module, path, node.lineno, text=ast.unparse(node))])
        elif isinstance(node.ctx, ast.Load) and self._full_name(node.value) == "sys.modules":
            self._module_entry(node, key)
        else:
            self.all(ast.iter_child_nodes(node))

    def _annotated(self, node: ast.Subscript) -> None:
        """The strings in Literal[...], and in Annotated[...] after the first, are no annotations."""
        name = (chain(node.value) or ("",))[-1]
        self.all([node.value])
        inner: Sequence[ast.expr] = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        typed = [] if name == "Literal" else inner[:1] if name == "Annotated" else inner
        self.all(typed)
        with self._with(is_mention=False):
            self.all(inner[len(typed) :])

    def _module_entry(self, node: ast.Subscript, key: object) -> None:
        text = ast.unparse(node)
        if isinstance(key, str):
            self._add([Ref(key, (), node.lineno, text=text)])
        elif chain(node.slice) == ("__name__",):
            self._add([Ref(self._source.module, (), node.lineno, text=text)])
        else:
            self.found.choices.append(Choice(text, node.lineno, None))
            self.all([node.slice])

    def _is_own_namespace(self, node: ast.expr) -> bool:
        if not isinstance(node, ast.Call) or node.args:
            return False
        name = self._full_name(node.func)
        return name == "globals" or (name in ("locals", "vars") and not self._scopes)

    # Scopes of their own

    def _lambda(self, node: ast.Lambda) -> None:
        self.all([*node.args.defaults, *node.args.kw_defaults])
        start = len(self.found.refs)
        with self._with(deferred=self._deferred + 1), self._inside(scopes.of_function(node.args, [node.body])):
            self.all([node.body])
        self.found.refs[start:] = [ref._replace(is_called=False) for ref in self.found.refs[start:]]

    def _comprehension(self, node: scopes.Comprehension) -> None:
        first, *others = node.generators
        self.all([first.iter])
        with self._inside(scopes.of_comprehension(node)):
            self.all(first.ifs)
            self.all(others)
            self.all([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])

    def _walrus(self, node: ast.NamedExpr) -> None:
        self._put([node.target], [node.value])
