"""Which of the project's exceptions may be raised at a function's callers."""

from __future__ import annotations

from pathlib import Path

from tests.unit.small_projects import HEAD, linked


def test_raises_are_named_by_where_the_class_is_defined(tmp_path: Path) -> None:
    files = {
        "shop/__init__.py": "from .errors import Unreadable\n",
        "shop/errors.py": """
            class ShopError(Exception): ...
            class Unreadable(ShopError):
                @classmethod
                def because(cls, why): return cls(why)
                class Blank(ValueError): ...
            class Never(ShopError): ...
            class NoError: ...
        """,
        "app.py": """
            import shop
            import shop.errors as e
            from shop import Unreadable as Bad
            from hyfn import aws, gcp, azure

            def check(x):
                if not x:
                    raise e.Unreadable.Blank

            @aws
            def ocr(x: str) -> str:
                check(x)
                if x == "v":
                    raise ValueError
                if x == "l":
                    class Own(Exception): ...
                    raise Own()
                try:
                    return x
                except e.Never:
                    raise
                raise Bad.because("x") from None

            @gcp
            def classify(x: str) -> str:
                error = shop.errors.ShopError("x")
                raise error

            @azure
            def both(x: str) -> str:
                return classify(ocr(x))

            @azure
            def none(x: str) -> str:
                return x
        """,
    }
    raises = {function.qualname: function.raises for function in linked(tmp_path, files).functions}
    assert raises == {
        "ocr": ["shop.errors:Unreadable", "shop.errors:Unreadable.Blank"],
        "classify": ["shop.errors:ShopError"],
        "both": ["shop.errors:ShopError", "shop.errors:Unreadable", "shop.errors:Unreadable.Blank"],
        "none": [],
    }


def test_raises_come_back_around_a_circle_of_calls(tmp_path: Path) -> None:
    files = {
        "app.py": HEAD + "class A(Exception): ...\nclass B(A): ...\n"
        "@aws\ndef f(x: str) -> str:\n    if x:\n        raise A\n    return g(x)\n"
        "@gcp\ndef g(x: str) -> str:\n    if x:\n        raise B('x') if x else A()\n    return f(x)\n"
    }
    assert [function.raises for function in linked(tmp_path, files).functions] == [["app:A", "app:B"]] * 2
