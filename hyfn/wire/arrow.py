"""Tables of pandas, polars and pyarrow, as an Arrow IPC stream. Only where an annotation names the class."""

from __future__ import annotations

from hyfn.wire.classes import refuse
from hyfn.wire.form import Form, Misfit
from hyfn.wire.packing import ExtType
from hyfn.wire.table import ARROW, kind_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def fill(form: Form, cls: Any) -> Form:
    """Make `form` that of a DataFrame, Series, Table or RecordBatch. Raises CannotTravel for another class."""
    name = f"{cls.__module__.partition('.')[0]}.{cls.__name__}"
    if name not in _WAYS:
        raise refuse(cls)
    write, read = _WAYS[name]
    label = name.encode()

    def pack(value: object) -> object:
        if not isinstance(value, cls):
            raise Misfit(name, value)
        try:
            return [ExtType(ARROW, label), write(value)]
        except Exception as error:  # noqa: BLE001  (pyarrow and polars have a dozen kinds)
            raise Misfit(name, value, f"this {name} cannot be written as Arrow: {error}") from None

    def unpack(raw: Any) -> object:
        if kind_of(raw) != ARROW or raw[0].data != label or len(raw) != 2 or type(raw[1]) is not bytes:
            raise Misfit(name, raw)
        return read(raw[1])

    form.name, form.kinds = name, frozenset((ARROW,))
    return form.ready(name, pack, unpack)


def _write_table(table: Any) -> object:
    import pyarrow

    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as stream:
        stream.write(table)
    return memoryview(sink.getvalue())


def _read_table(data: bytes) -> Any:
    import pyarrow

    with pyarrow.ipc.open_stream(data) as stream:
        table = stream.read_all()
    table.validate(full=True)
    return table


def _read_batch(data: bytes) -> Any:
    table = _read_table(data).combine_chunks()
    batches = table.to_batches()
    if len(batches) == 1:
        return batches[0]
    import pyarrow

    return pyarrow.RecordBatch.from_pylist([], schema=table.schema)


def _write_pandas(frame: Any) -> object:
    import pyarrow

    return _write_table(pyarrow.Table.from_pandas(frame))


def _write_pandas_series(series: Any) -> object:
    return _write_pandas(series.to_frame(name="" if series.name is None else series.name))


def _read_pandas_series(data: bytes) -> Any:
    frame = _read_table(data).to_pandas()
    series = frame.iloc[:, 0]
    return series.rename(None) if series.name == "" else series


def _write_polars(frame: Any) -> object:
    from io import BytesIO

    stream = BytesIO()
    frame.write_ipc_stream(stream)
    return stream.getvalue()


def _read_polars(data: bytes) -> Any:
    from io import BytesIO

    import polars

    return polars.read_ipc_stream(BytesIO(data))


_WAYS: dict[str, tuple[Callable[[Any], object], Callable[[bytes], Any]]] = {
    "pyarrow.Table": (_write_table, _read_table),
    "pyarrow.RecordBatch": (_write_table, _read_batch),
    "pandas.DataFrame": (_write_pandas, lambda data: _read_table(data).to_pandas()),
    "pandas.Series": (_write_pandas_series, _read_pandas_series),
    "polars.DataFrame": (_write_polars, _read_polars),
    "polars.Series": (lambda series: _write_polars(series.to_frame()), lambda data: _read_polars(data).to_series()),
}
