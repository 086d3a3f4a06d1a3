"""The messages between the functions host and its Python worker, as protobuf classes made at run time.

Field names and numbers are those of Azure/azure-functions-language-worker-protobuf, of which this is the part that
azure-functions-runtime and our host speak. Making the classes here needs no compiler and fits any protobuf.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import (  # type: ignore[import-untyped,unused-ignore]
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    message_factory,
    timestamp_pb2,
)

PACKAGE = "AzureFunctionsRpcMessages"
METHOD = f"/{PACKAGE}.FunctionRpc/EventStream"

# A message at the margin, then its fields: number, type, name. `*T` repeats, `{T}` maps strings to T; what stands
# behind `|` is the field's oneof. An enum is "Message.Enum: Name=number ...".
SCHEMA = """
StreamingMessage
    1 string request_id
    2 RpcLog rpc_log | content
    4 InvocationRequest invocation_request | content
    5 InvocationResponse invocation_response | content
    8 FunctionLoadRequest function_load_request | content
    9 FunctionLoadResponse function_load_response | content
    14 WorkerTerminate worker_terminate | content
    16 WorkerInitResponse worker_init_response | content
    17 WorkerInitRequest worker_init_request | content
    20 StartStream start_stream | content
    29 FunctionsMetadataRequest functions_metadata_request | content
    30 FunctionMetadataResponse function_metadata_response | content
StartStream
    2 string worker_id
WorkerTerminate
    1 google.protobuf.Duration grace_period
WorkerInitRequest
    1 string host_version
    2 {string} capabilities
    4 string worker_directory
    5 string function_app_directory
WorkerInitResponse
    1 string worker_version
    2 {string} capabilities
    3 StatusResult result
    4 WorkerMetadata worker_metadata
WorkerMetadata
    1 string runtime_name
    2 string runtime_version
    3 string worker_version
    4 string worker_bitness
    5 {string} custom_properties
StatusResult
    1 string result
    2 RpcException exception
    3 *RpcLog logs
    4 StatusResult.Status status
StatusResult.Status: Failure=0 Success=1 Cancelled=2
RpcException
    1 string stack_trace
    2 string message
    3 string source
    4 bool is_user_exception
    5 string type
FunctionsMetadataRequest
    1 string function_app_directory
FunctionMetadataResponse
    1 *RpcFunctionMetadata function_metadata_results
    2 StatusResult result
    3 bool use_default_metadata_indexing
RpcFunctionMetadata
    1 string directory
    2 string script_file
    3 string entry_point
    4 string name
    6 {BindingInfo} bindings
    7 bool is_proxy
    8 StatusResult status
    9 string language
    10 *string raw_bindings
    13 string function_id
    14 bool managed_dependency_enabled
    15 RpcRetryOptions retry_options
    16 {string} properties
BindingInfo
    2 string type
    3 BindingInfo.Direction direction
    4 BindingInfo.DataType data_type
    5 {string} properties
BindingInfo.Direction: in=0 out=1 inout=2
BindingInfo.DataType: undefined=0 string=1 binary=2 stream=3
RpcRetryOptions
    2 int32 max_retry_count
    3 google.protobuf.Duration delay_interval
    4 google.protobuf.Duration minimum_interval
    5 google.protobuf.Duration maximum_interval
    6 RpcRetryOptions.RetryStrategy retry_strategy
RpcRetryOptions.RetryStrategy: exponential_backoff=0 fixed_delay=1
FunctionLoadRequest
    1 string function_id
    2 RpcFunctionMetadata metadata
    3 bool managed_dependency_enabled
FunctionLoadResponse
    1 string function_id
    2 StatusResult result
    3 bool is_dependency_downloaded
InvocationRequest
    1 string invocation_id
    2 string function_id
    3 *ParameterBinding input_data
    4 {TypedData} trigger_metadata
    5 RpcTraceContext trace_context
    6 RetryContext retry_context
RpcTraceContext
    1 string trace_parent
    2 string trace_state
    3 {string} attributes
RetryContext
    1 int32 retry_count
    2 int32 max_retry_count
    3 RpcException exception
InvocationResponse
    1 string invocation_id
    2 *ParameterBinding output_data
    3 StatusResult result
    4 TypedData return_value
ParameterBinding
    1 string name
    2 TypedData data | rpc_data
TypedData
    1 string string | data
    2 string json | data
    3 bytes bytes | data
    4 bytes stream | data
    5 RpcHttp http | data
    6 sint64 int | data
    7 double double | data
    8 CollectionBytes collection_bytes | data
    9 CollectionString collection_string | data
    11 CollectionSInt64 collection_sint64 | data
CollectionBytes
    1 *bytes bytes
CollectionString
    1 *string string
CollectionSInt64
    1 *sint64 sint64
RpcHttp
    1 string method
    2 string url
    3 {string} headers
    4 TypedData body
    10 {string} params
    12 string status_code
    15 {string} query
    16 bool enable_content_negotiation
    17 TypedData rawBody
    19 *RpcHttpCookie cookies
RpcHttpCookie
    1 string name
    2 string value
    3 NullableString domain
    4 NullableString path
    5 NullableTimestamp expires
    6 NullableBool secure
    7 NullableBool http_only
    8 RpcHttpCookie.SameSite same_site
    9 NullableDouble max_age
RpcHttpCookie.SameSite: None=0 Lax=1 Strict=2 ExplicitNone=3
NullableString
    1 string value | string
NullableTimestamp
    1 google.protobuf.Timestamp value | timestamp
NullableBool
    1 bool value | bool
NullableDouble
    1 double value | double
RpcLog
    1 string invocation_id
    2 string category
    3 RpcLog.Level level
    4 string message
    5 string event_id
    6 RpcException exception
    8 RpcLog.RpcLogCategory log_category
RpcLog.Level: Trace=0 Debug=1 Information=2 Warning=3 Error=4 Critical=5 None=6
RpcLog.RpcLogCategory: User=0 System=1 CustomMetric=2
"""

_FIELD = descriptor_pb2.FieldDescriptorProto


def _file() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name=f"{PACKAGE}.proto", package=PACKAGE)
    file.syntax = "proto3"
    file.dependency.extend([duration_pb2.DESCRIPTOR.name, timestamp_pb2.DESCRIPTOR.name])
    lines = SCHEMA.strip().splitlines()
    enums = {line.partition(":")[0] for line in lines if ":" in line}
    for line in lines:
        if line.startswith(" "):
            _field(file.message_type[-1], line, enums)
        elif ":" in line:
            _enum(file, line)
        else:
            file.message_type.add(name=line)
    return file


def _enum(file: Any, line: str) -> None:
    name, _, values = line.partition(":")
    owner, _, short = name.partition(".")
    message = next(message for message in file.message_type if message.name == owner)
    enum = message.enum_type.add(name=short)
    for value in values.split():
        label, _, number = value.partition("=")
        enum.value.add(name=label, number=int(number))


def _field(message: Any, line: str, enums: set[str]) -> None:
    number, kind, name, *oneof = line.replace("|", "").split()
    field = message.field.add(name=name, number=int(number), label=_FIELD.LABEL_OPTIONAL)
    if kind.startswith(("*", "{")):
        field.label = _FIELD.LABEL_REPEATED
    if kind.startswith("{"):
        kind = _map_entry(message, name, kind[1:-1], enums)
    _type(field, kind.removeprefix("*"), enums)
    if oneof:
        field.oneof_index = _oneof(message, oneof[0])


def _map_entry(message: Any, name: str, value: str, enums: set[str]) -> str:
    """A map is a repeated message with a key and a value, under a name that protobuf prescribes."""
    entry = message.nested_type.add(name="".join(map(str.capitalize, name.split("_"))) + "Entry")
    entry.options.map_entry = True
    _field(entry, "1 string key", enums)
    _field(entry, f"2 {value} value", enums)
    return f"{message.name}.{entry.name}"


def _oneof(message: Any, name: str) -> int:
    names = [oneof.name for oneof in message.oneof_decl]
    if name not in names:
        message.oneof_decl.add(name=name)
    return names.index(name) if name in names else len(names)


def _type(field: Any, kind: str, enums: set[str]) -> None:
    if kind[0].islower() and "." not in kind:
        field.type = _FIELD.Type.Value(f"TYPE_{kind.upper()}")
        return
    field.type = _FIELD.TYPE_ENUM if kind in enums else _FIELD.TYPE_MESSAGE
    field.type_name = f".{kind}" if kind.startswith("google.") else f".{PACKAGE}.{kind}"


class Messages:
    """The classes by their names: `Messages().InvocationRequest`. What the runtime knows as `protos`."""

    def __init__(self) -> None:
        pool = descriptor_pool.Default()
        file = _file()
        pool.AddSerializedFile(file.SerializeToString())
        for name, kind in message_factory.GetMessageClassesForFiles([file.name], pool).items():
            setattr(self, name.rpartition(".")[2], kind)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{PACKAGE}.{name} is not in the schema")
