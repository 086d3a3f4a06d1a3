"""Reads expressions: every reference that leaves them, exactly as Python's scopes have it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from hyfn import syntax
from hyfn.discover import locals as scopes
from hyfn.discover.references import CALLED_WITH, Choice, Flow, Found, Imported, Ref, chain, imports, start_of
from hyfn.discover.source import absolute
from hyfn.model import Literal, Source

_PICKING = frozenset({"get", "pop", "setdefault", "__getitem__"})
_JOINING = frozenset({"join", "joinpath", "Path", "PurePath"})
_OPENING = frozenset(
    {"FileSystemLoader", "PackageLoader", "files", "get_data", "glob", "open", "open_binary", "open_text"}
    | {"read_binary", "read_text", "rglob", "with_name"}
)
_LONGEST_PATH = 200


class Expressions:
    """`known` are the module's own imports by local name, to see what `import_module` is here."""

    handlers: ClassVar[Mapping[type[ast.AST], str]] = {
        ast.Name: "_name",
        ast.Attribute: "_attribute",
        ast.Constant: "_constant",
        ast.JoinedStr: "_joined_string",
        ast.BinOp: "_operation",
        ast.Subscript: "_subscript",
        ast.Call: "_called",
        ast.Lambda: "_lambda",
        ast.NamedExpr: "_walrus",
        ast.ListComp: "_comprehension",
        ast.SetComp: "_comprehension",
        ast.DictComp: "_comprehension",
        ast.GeneratorExp: "_comprehension",
    }

    def __init__(self, source: Source, known: Mapping[str, Imported]) -> None:
        self.found = Found()
        self._source = source
        self._known = known
        self._scopes: list[scopes.Scope] = []
        self._owner = ""
        self._deferred = 0
        self._locals = 0
        self._is_mention = False
        self._is_optional = False
        self._is_loose = True

    def all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is None:
                continue
            handler = self.handlers.get(type(node))
            if handler:
                getattr(self, handler)(node)
            else:
                self.all(ast.iter_child_nodes(node))

    @contextmanager
    def _with(self, **state: Any) -> Iterator[None]:
        before = {name: getattr(self, f"_{name}") for name in state}
        for name, value in state.items():
            setattr(self, f"_{name}", value)
        yield
        for name, value in before.items():
            setattr(self, f"_{name}", value)

    @contextmanager
    def _inside(self, scope: scopes.Scope) -> Iterator[None]:
        for statement in scope.statements:
            for imported in imports(statement, self._base(statement), False):
                scope.imports.setdefault(imported.local, []).append(imported)
        self._scopes.append(scope)
        yield
        self._scopes.pop()

    def _base(self, node: ast.Import | ast.ImportFrom) -> str:
        return absolute(self._source, node) if isinstance(node, ast.ImportFrom) else ""

    # What a name stands for

    def _meanings(self, node: ast.expr, *more: str) -> list[Ref] | None:
        """What a dotted name (and `more` attributes of it) is outside the statement: nothing for a local one.

        None where `node` is no dotted name. An attribute of `import_module("literal")` counts as one.
        """
        inner: list[str] = [*more]
        base = node
        while isinstance(base, ast.Attribute):
            inner.insert(0, base.attr)
            base = base.value
        if isinstance(base, ast.Name):
            return self._named((base.id, *inner), node.lineno)
        if isinstance(base, ast.Call) and (module := self._import_call(base)):
            self.found.imports.append(Imported(module, None, "", base.lineno, self._is_optional))
            return [Ref(module, tuple(inner), base.lineno, text=ast.unparse(base))]
        return None

    def _named(self, path: tuple[str, ...], line: int) -> list[Ref]:
        scope = self._scope_of(path[0])
        if scope is None:
            return [Ref(None, path, line)]
        self._locals += scope.kind != scopes.CLASS
        meanings = []
        for imported in scope.imports.get(path[0], ()):
            start, inner = start_of(imported)
            meanings.append(Ref(start, inner + path[1:], line))
        alias = scope.alias.get(path[0])
        if alias is not None and len(path) > 1:
            meanings.append(alias._replace(path=alias.path + path[1:], line=line, is_alias=False))
        return meanings

    def _scope_of(self, name: str) -> scopes.Scope | None:
        for scope in reversed(self._scopes):
            if scope.kind == scopes.CLASS and scope is not self._scopes[-1]:
                continue
            if name in scope.outer:
                return None
            if name not in scope.enclosing and scope.bound.get(name):
                return scope
        return None

    def _add(self, refs: Iterable[Ref]) -> None:
        self.found.refs += [ref._replace(is_mention=True) for ref in refs] if self._is_mention else refs

    def _call(self, refs: Iterable[Ref]) -> None:
        called = [ref._replace(is_called=True) for ref in refs]
        self._add(called)
        if not self._deferred:
            self.found.runs += called

    def _full_name(self, node: ast.expr) -> str:
        """The dotted name outside the module: "importlib.import_module" by whatever name it goes here."""
        path = chain(node)
        if path is None:
            return ""
        scope = self._scope_of(path[0])
        known = self._known.get(path[0]) if scope is None else next(iter(scope.imports.get(path[0], ())), None)
        if known is None:
            return "" if scope else ".".join(path)
        start, inner = start_of(known)
        return ".".join((start, *inner, *path[1:]))

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
        while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Div) and _is_text(left.right):
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

    # Calls

    def _called(self, node: ast.Call) -> None:
        name = self._full_name(node.func)
        if self._is_own_namespace(node):
            self._add([Ref(self._source.module, (), node.lineno, text=ast.unparse(node))])
        elif name in ("importlib.import_module", "__import__"):
            self._importing(node)
        elif name in ("getattr", "hasattr") and len(node.args) > 1:
            self._getting(node)
        elif name == "importlib.resources.files" and node.args:
            self._files(node)
        else:
            self._choose(node)
            self._handing(node)

    def _import_call(self, node: ast.Call) -> str | None:
        """The module of `import_module("literal")`."""
        if self._full_name(node.func) not in ("importlib.import_module", "__import__"):
            return None
        if not node.args or not _is_text(node.args[0]):
            return None
        name = str(ast.literal_eval(node.args[0]))
        level = len(name) - len(name.lstrip("."))
        return absolute(self._source, ast.ImportFrom(name[level:] or None, [], level))

    def _importing(self, node: ast.Call) -> None:
        refs = self._meanings(node)
        if refs is None:
            self.found.choices.append(Choice(ast.unparse(node), node.lineno, None))
            self.all(node.args)
        else:
            self._add(refs)

    def _getting(self, node: ast.Call) -> None:
        """`getattr(module, "literal")` is an attribute; with any other name it may be all of the module."""
        target, name, *rest = node.args
        known = [str(ast.literal_eval(name))] if _is_text(name) else []
        refs = self._meanings(target, *known)
        if refs is None:
            self.all([target])
        else:
            self._add(ref if known else ref._replace(text=ast.unparse(node)) for ref in refs)
        self.all([*([] if known else [name]), *rest])

    def _files(self, node: ast.Call) -> None:
        """The files of a package, not its names."""
        refs = self._meanings(node.args[0])
        if refs is None:
            self.all(self._path_arguments(node))
        else:
            self._add(ref._replace(is_alias=True) for ref in refs)

    def _choose(self, node: ast.Call) -> None:
        """Note a call of what a container holds: `table[key](x)`, `table.get(key)(x)`."""
        picked = container(node.func)
        if isinstance(node.func, ast.Name):
            scope = self._scope_of(node.func.id)
            choice = scope.picked.get(node.func.id) if scope else None
            if choice:
                self.found.choices.append(choice._replace(line=node.lineno))
        elif picked is not None:
            self.found.choices.append(Choice(f"{ast.unparse(node.func)}(...)", node.lineno, self._held_in(picked)))

    def _held_in(self, container: ast.expr) -> tuple[Ref, ...]:
        """What a container may hold, by the names in it."""
        if isinstance(container, ast.Name) and (scope := self._scope_of(container.id)):
            return tuple(ref for ref in scope.held.get(container.id, ()) if not ref.is_called)
        before = self.found
        self.found = Found()
        self.all([container])
        inside, self.found = self.found, before
        return tuple(inside.refs)

    def _handing(self, node: ast.Call) -> None:
        refs = self._meanings(node.func)
        if refs is None:
            self.all([node.func])
        else:
            self._call(refs)
        self._calls_parameter(node.func)
        handed = self._values([*self._path_arguments(node), *(keyword.value for keyword in node.keywords)])
        if handed and (refs or not (self._deferred or self._scopes)):
            is_loose = self._is_loose and not self._deferred
            self.found.flows.append(Flow(tuple(refs or ()), handed, is_call=True, is_loose=is_loose))

    def _calls_parameter(self, node: ast.expr) -> None:
        """A function that calls what is handed to it runs that."""
        functions = [scope for scope in self._scopes if scope.kind == scopes.FUNCTION]
        if self._deferred == 1 and functions and isinstance(node, ast.Name) and node.id in functions[-1].parameters:
            self.found.refs.append(Ref(None, (self._owner + CALLED_WITH,), node.lineno))

    def _path_arguments(self, node: ast.Call) -> list[ast.expr]:
        """The arguments, but for the literals of paths: `os.path.join(here, "data", "x.json")`, `open("x.json")`."""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else (chain(node.func) or ("",))[-1]
        texts = [argument for argument in node.args if _is_text(argument)]
        if not texts or name not in _JOINING | _OPENING:
            return node.args
        for path in [texts] if name in _JOINING else [[one] for one in texts]:
            self._path(path)
        return [argument for argument in node.args if not _is_text(argument)]

    def _values(self, nodes: Iterable[ast.expr | None]) -> tuple[Ref, ...]:
        """Read `nodes`; what they name. A local name in them may be what was handed to the owner."""
        start, before = len(self.found.refs), self._locals
        self.all(nodes)
        refs = [ref for ref in self.found.refs[start:] if not ref.is_mention]
        if self._owner and self._locals > before:
            refs.append(Ref(None, (self._owner + CALLED_WITH,), 0))
        return tuple(refs)

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

    def _put(self, targets: Sequence[ast.expr], values: Sequence[ast.expr]) -> None:
        """Read `values`, which `targets` hold from then on."""
        with self._with(is_loose=False):
            refs = self._values(values)
        into = tuple(ref for target in targets for ref in self._holders(target, refs))
        if into and refs:
            self.found.flows.append(Flow(into, refs))
        self.all(targets)

    def _holders(self, target: ast.expr, refs: tuple[Ref, ...]) -> list[Ref]:
        """The global names that hold what is put into `target`. A local one remembers `refs`."""
        match target:
            case ast.Tuple() | ast.List():
                return [ref for part in target.elts for ref in self._holders(part, refs)]
            case ast.Starred():
                return self._holders(target.value, refs)
            case ast.Subscript(value=ast.Name(name)) if scope := self._scope_of(name):
                scope.held.setdefault(name, []).extend(refs)
                return []
            case ast.Subscript(value=ast.Subscript()):
                return self._holders(target.value, refs)
            case ast.Subscript():
                return self._meanings(target.value) or []
            case ast.Name() if scope := self._scope_to_bind(target.id):
                scope.held.setdefault(target.id, []).extend(refs)
                return []
        return self._meanings(target) or []

    def _scope_to_bind(self, name: str) -> scopes.Scope | None:
        inner = [scope for scope in self._scopes if scope.kind != scopes.COMPREHENSION]
        return None if not inner or name in inner[-1].outer else inner[-1]


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def container(function: ast.expr) -> ast.expr | None:
    """What `table[key]` or `table.get(key)` picks from."""
    if isinstance(function, ast.Subscript):
        return function.value
    if isinstance(function, ast.Call) and isinstance(function.func, ast.Attribute):
        return function.func.value if function.func.attr in _PICKING else None
    return None
